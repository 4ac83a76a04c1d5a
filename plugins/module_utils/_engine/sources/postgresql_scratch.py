# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rehearsals of PostgreSQL in a throw-away server of the same major version.

Loading a copy runs code of those who own its tables (CHECK functions, expressions of indexes, casts) as whoever loads it, who must be a
superuser to bring all of it back. So it is loaded where nothing is to be had: a server made for it in a jail (jail.py), with the roles of the
copy, reached by a socket that nobody else sees, and gone afterwards. The live server is not asked for anything.
"""

from __future__ import annotations

import contextlib
import glob
import os
import re
from typing import Any, Dict, Iterator, List, Mapping, Sequence, Tuple

from ..errors import BackupError
from ..processes import programs
from ..processes.jail import Jail
from ..processes.pipeline import Stage, capture
from ..remarks import Remark
from . import databases, postgresql_loading
from .base import PartReader
from .postgresql_loading import Failure, Loaded
from .postgresql_pieces import pieces_of
from .postgresql_restored import Restoring, unquoted
from .postgresql_server import PACKAGE, Server, conninfo, identifier, version_of

# Faults that say nothing of the copy: it was not, or not fully, tried.
UNTOLD = ("rehearsal_unavailable", "rehearsal_lacks", "rehearsal_no_room")
_PLACES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql/bin", "/usr/lib64/pgsql/bin", "/opt/postgresql*/bin", "/usr/bin",
           "/usr/local/bin")
_SERVER_TOOLS = ("initdb", "postgres")
_CLIENT_TOOLS = ("psql", "pg_dump", "pg_restore")
# What the system's packages link to from below /usr: dictionaries of text search.
_LINKED = ("/var/cache/postgresql",)
_START_SECONDS = 120
_PORT = 5432
# A function of the copy may never come to an end. What is slower than this is ended.
_SECONDS = 4 * 3600.0
_SLOWEST = 4 << 20     # bytes a second
_EMPTY_CLUSTER = 600 << 20     # bytes: a new cluster, its log of changes (max_wal_size) and room to breathe
_SETTINGS = ("listen_addresses=", "unix_socket_directories=/tmp", "port={0}".format(_PORT), "fsync=off", "full_page_writes=off", "synchronous_commit=off",
             "autovacuum=off", "wal_level=minimal", "max_wal_senders=0", "max_wal_size=512MB", "archive_mode=off", "huge_pages=off",
             "max_connections=20", "max_locks_per_transaction=1024", "logging_collector=off", "log_statement=none", "log_min_messages=fatal",
             "log_min_error_statement=panic", "shared_buffers=128MB")
# Extensions that must be loaded when the server starts, and their library.
_PRELOADED = {"timescaledb": "timescaledb", "citus": "citus", "pgaudit": "pgaudit", "age": "age", "pg_stat_statements": "pg_stat_statements"}
# Extensions that live in one database of a server only, which its configuration names: without them, told, rather than not at all.
_OF_ONE_DATABASE = ("EXTENSION pg_cron ",)
# What a server says that lacks something the source's has. It is no damage of the copy.
_LACKING = re.compile(
    r'extension ".*" is not available|extension control file|has no installation script|could not access file|could not load library|'
    r"must be (?:loaded via|preloaded)|shared_preload_libraries|could not find a collation|could not create locale|invalid locale name|"
    r'invalid LC_\w+|collation ".*" for encoding|unrecognized (?:configuration parameter|privilege)|No space left on device|out of memory|out of shared memory|'
    r'invalid value for parameter "lc_|text search template|tablespace ".*" does not exist|role ".*" does not exist|encoding ".*" is not|'
    r"server closed the connection|terminating connection|ICU is not supported|not built with|conversion between .* is not supported", re.IGNORECASE)
_MISSING = re.compile(r'(?:(role)|(tablespace)) "(.*)" does not exist|invalid value for parameter "(default_tablespace)": "(.*)"')


def rehearse(reader: PartReader, scratch: str, bin_dir: str, owners: bool, strict: bool = False, jobs: int = 1) -> List[Remark]:
    """Bring each database of a copy back in a throw-away server and compare it. Gives remarks.

    Raises restored_differs, restore_failed; rehearsal_unavailable, rehearsal_lacks, rehearsal_no_room when that could not be told here.
    """
    label = reader.manifest["label"]
    rows = databases.some_of(databases.rows_of(reader.manifest["parts"]), label)
    wanted = version_copied(rows)
    servers, exact = _servers(wanted, bin_dir, label)
    clients = _clients(bin_dir, servers)
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(programs.private_directory(scratch or None))
        _room(directory, rows, label)
        seconds = _SECONDS + sum(map(_size, rows)) / _SLOWEST
        jail = stack.enter_context(Jail(directory, label, [os.path.dirname(servers), clients, *_LINKED], seconds))
        cluster = _Cluster(jail, servers, clients, reader, rows)
        where = _Rehearsing(cluster.server, owners, strict, jobs)
        try:
            for row in rows:
                with judged(label, row, exact):
                    cluster.rehearse(where, row)
        except BackupError as error:
            if jail.expired:
                raise jail.why() from error
            raise
    return where.remarks + ([] if exact else [Remark("pg_other_server", servers=servers, version=_words(wanted))])


def prove(version: str, bin_dir: str, label: str) -> None:
    """Whether a server could be made here for the copies of one of this version. Raises rehearsal_unavailable."""
    _servers(version_copied([{"facts": {"server_version": version}}]), bin_dir, label)


class _Rehearsing(Restoring):
    """What this host lacks is told as such, rather than passed over: it may be there where the copy is restored."""

    def bring(self, reader: PartReader, row: Dict[str, Any], into: str) -> Loaded:
        """All of it in one transaction, which is faster, or else what can be brought. What came in pieces is brought several at a time."""
        if len(pieces_of(row)) > 1:
            loaded = super().bring(reader, row, into)
            # each table was filled by one COPY, by itself, in a server where nothing else is done
            return loaded if loaded.failures or loaded.by_path or loaded.checks else loaded._replace(in_order=True)
        at_once = postgresql_loading.at_once(self.server, reader, row["name"], into, self.leave_out())
        if at_once is not None:
            return at_once
        self.server.drop(into)
        self.server.create(into, row["facts"], self.owners)
        return super().bring(reader, row, into)

    def lacks(self, failure: Failure) -> bool:
        return lacking(unquoted(failure.said), failure.words)


def lacking(said: str, words: str) -> bool:
    """Whether what a server says of an object tells that the server lacks something."""
    return bool(_LACKING.search(said)) and not words.startswith(_OF_ONE_DATABASE)


@contextlib.contextmanager
def judged(label: str, row: Mapping[str, Any], exact: bool) -> Iterator[None]:
    """What this host lacks, or what another version does otherwise, is no damage of the copy. Raises rehearsal_lacks."""
    try:
        yield
    except BackupError as error:
        detail = unquoted(str(error.details.get("detail", error.message)))
        if error.fault.name in ("restore_failed", "source_unreachable", "stage_failed") and (not exact or _LACKING.search(detail)):
            raise BackupError("rehearsal_lacks", label=label, detail=detail) from error
        if error.fault.name == "restored_differs" and not exact:
            raise BackupError("rehearsal_lacks", label=label, detail=detail + "; it was restored by a newer version, which may be why") from error
        if error.fault.name == "restored_differs" and "lc_monetary" not in row["facts"]:
            raise BackupError("rehearsal_lacks", label=label, detail=detail + "; it was made before the time zone of its rows was recorded, which may be why"
                              ) from error
        raise


def _words(version: Tuple[int, int]) -> str:
    return "{0}.{1}".format(*version) if version[0] < 10 else str(version[0])


def version_copied(rows: Sequence[Mapping[str, Any]]) -> Tuple[int, int]:
    """The major version of the server that was copied: (15, 0), and before PostgreSQL 10 two numbers, (9, 6)."""
    number = version_of(") " + str(rows[0]["facts"].get("server_version", "")))
    return number if number[0] < 10 else (number[0], 0)


def _servers(wanted: Tuple[int, int], bin_dir: str, label: str) -> Tuple[str, bool]:
    """The directory of a server's programs of that major version, or of the next that there is; and whether it is that version."""
    places = ([bin_dir] if bin_dir else []) + [each for pattern in _PLACES for each in sorted(glob.glob(pattern))]
    found: Dict[Tuple[int, int], str] = {}
    for place in dict.fromkeys(map(os.path.realpath, places)):
        if all(os.access(os.path.join(place, tool), os.X_OK) for tool in _SERVER_TOOLS):
            with contextlib.suppress(BackupError):
                version = version_of(capture(Stage("postgres", [os.path.join(place, "postgres"), "--version"])))
                found.setdefault(version if version[0] < 10 else (version[0], 0), place)
    usable = sorted(version for version in found if version >= wanted)
    if not usable or wanted == (0, 0):
        raise BackupError("rehearsal_unavailable", label=label, detail="no server program of PostgreSQL {0} (initdb, postgres) is on this host{1}".format(
            _words(wanted), "; there are: " + ", ".join(sorted(found.values())) if found else ""))
    return found[usable[0]], usable[0] == wanted


def _clients(bin_dir: str, servers: str) -> str:
    """The directory of the tools that wrote the copy's text and read it again. Debian's wrapper in /usr/bin takes the newest there is, as here."""
    named = os.path.dirname(os.path.realpath(programs.find("pg_restore", PACKAGE, bin_dir)))
    places = [named, *sorted(glob.glob(_PLACES[0]), key=_number, reverse=True), servers]
    for place in places:
        if all(os.access(os.path.join(place, tool), os.X_OK) for tool in _CLIENT_TOOLS):
            return place
    raise BackupError("tool_missing", tool="pg_restore", package=PACKAGE)


def _number(place: str) -> float:
    found = re.search(r"(\d+(?:\.\d+)?)/bin", place)
    return float(found.group(1)) if found else 0.0


def _room(directory: str, rows: Sequence[Mapping[str, Any]], label: str) -> None:
    """Raises rehearsal_no_room: the databases are restored one after the other, and each takes about as much as it did where it was copied."""
    needed = _EMPTY_CLUSTER + max(_size(row) * 6 // 5 for row in rows)
    status = os.statvfs(directory)
    free = status.f_bavail * status.f_frsize
    if free < needed:
        raise BackupError("rehearsal_no_room", label=label, needed=needed, free=free, directory=os.path.dirname(directory))


def _size(row: Mapping[str, Any]) -> int:
    """Bytes that a database took where it was copied, as its manifest says; 0 when that is no size."""
    size = row["facts"].get("size")
    return size if isinstance(size, int) and 0 < size < 1 << 60 else 0


def _preloaded(rows: Sequence[Mapping[str, Any]], servers: str) -> List[str]:
    """The libraries that the copy's extensions need loaded from the start, where this host has them."""
    named = {name for row in rows for name in (row["facts"].get("extensions") or {})}
    places = [servers + "/../lib", servers + "/../lib/postgresql", servers + "/../lib64/postgresql"]
    return [library for name, library in sorted(_PRELOADED.items())
            if name in named and any(os.path.exists(os.path.join(place, library + ".so")) for place in places)]


class _Cluster:
    """The throw-away server, started, with the roles of the copy."""

    def __init__(self, jail: Jail, servers: str, clients: str, reader: PartReader, rows: Sequence[Mapping[str, Any]]) -> None:
        self.jail = jail
        self.reader = reader
        self.tablespaces = 0
        globals_part = next((row for row in reader.manifest["parts"] if row["name"] == "globals" and "database" not in row["facts"]), None)
        superuser = str((globals_part or {"facts": {}})["facts"].get("bootstrap") or "postgres")
        script = '"$1" -D /tmp/data --username="$2" --encoding=UTF8 --locale=C --auth=trust -N && shift 2 && exec "$@"'
        settings = [*_SETTINGS, "shared_preload_libraries=" + ",".join(_preloaded(rows, servers))]
        jail.start(["/bin/sh", "-c", script, "sh", servers + "/initdb", superuser, servers + "/postgres", "-D", "/tmp/data"]
                   + [word for each in settings for word in ("-c", each)], programs.environment(HOME="/tmp"))
        jail.wait(lambda: os.path.exists(os.path.join(jail.own, ".s.PGSQL.{0}".format(_PORT))), _START_SECONDS)
        self.server = Server(host="/tmp", port=_PORT, user=superuser, bin_dir=clients, prefix=jail.prefix())
        jail.wait(self._answers, _START_SECONDS)
        if globals_part is not None:
            self._roles(globals_part["name"])

    def _answers(self) -> bool:
        try:
            self.server.look(["postgres"])
        except BackupError as error:
            if "starting up" in error.details.get("detail", "") or error.fault.name == "source_unreachable":
                return False
            raise
        return True

    def _roles(self, part: str) -> None:
        """The roles of the copy, as its own text makes them. What is there already, or can't be here, is passed over."""
        arguments = ["--no-psqlrc", "--quiet", "--dbname=" + conninfo("postgres")]
        with self.server.producing("psql", arguments) as stages:
            self.reader.stream(part, [stages[0]._replace(accepted=frozenset((0, 1, 2, 3)))])

    def rehearse(self, where: Restoring, row: Dict[str, Any]) -> None:
        try:
            with where.database(self.reader, row) as beside:
                self.server.drop(beside)
        except BackupError as error:
            if error.fault.name != "restore_failed" or not _MISSING.search(error.details["detail"]):
                raise
            self._make_what_it_names(row, where.owners)
            with where.database(self.reader, row) as beside:
                self.server.drop(beside)

    def _make_what_it_names(self, row: Dict[str, Any], owners: bool) -> None:
        """Roles and tablespaces that an archive names and that are not here: where the copy has no roles with it, or their place is not here."""
        probe = databases.scratch_name()
        for _pass in range(5):
            self.server.create(probe, row["facts"], False)
            missing = self._missing(row, probe, owners)
            self.server.drop(probe)
            if not missing:
                return
            for kind, name in missing:
                self._make(kind, name)

    def _missing(self, row: Dict[str, Any], probe: str, owners: bool) -> List[Tuple[str, str]]:
        """The roles and tablespaces that an archive's definitions ask for in vain."""
        said: List[bytes] = []
        arguments = ["--schema-only", "--no-subscriptions", "--dbname=" + conninfo(probe)] + ([] if owners else ["--no-owner", "--no-privileges"])
        with self.server.producing("pg_restore", arguments) as stages:
            argv = list(stages[0].argv)
            at = len(self.server.prefix)
            speaking = argv[:at] + ["/bin/sh", "-c", '"$@" 2>&1 >/dev/null || :', "sh"] + argv[at:]
            for piece in pieces_of(row):
                if not piece.rows:
                    self.reader.stream(piece.part, [stages[0]._replace(argv=speaking, may_stop_early=True)], said.append)
        told = _MISSING.finditer(b"".join(said).decode("utf-8", "replace"))
        return list(dict.fromkeys(("role" if found.group(1) else "tablespace", found.group(3) or found.group(5)) for found in told))

    def _make(self, kind: str, name: str) -> None:
        if kind == "role":
            self.server.ask("CREATE ROLE " + identifier(name))
            return
        self.tablespaces += 1
        path = "/tmp/tablespace{0}".format(self.tablespaces)
        capture(Stage("mkdir", self.jail.prefix(server=True) + ["/bin/mkdir", "-m", "0700", path]))
        self.server.ask("CREATE TABLESPACE {0} LOCATION '{1}'".format(identifier(name), path))
