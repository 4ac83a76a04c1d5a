# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rehearsals of MariaDB in a throw-away server of the same version.

Loading a dump runs a text that the owner of a database wrote much of, as an account that may do all. So it is loaded where nothing is to be
had: a server made for it in a jail (jail.py), with the settings of the live one, reached by a socket that nobody else sees, and gone
afterwards. The database keeps its name there, so both dumps are compared as they are, events too: nobody runs them, there is nothing they
could change. The live server is only read: its settings, and the structure of databases that views of the copy read.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import shlex
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Set

from ..errors import BackupError
from ..processes import programs
from ..processes.jail import Jail
from ..processes.pipeline import Stage, capture, run
from ..remarks import Remark
from . import databases, mariadb_floats, mariadb_rows, mariadb_shape
from . import mariadb_text as texts
from .base import PartReader
from .mariadb_client import Connection, number

# Faults that say nothing of the copy: it was not, or not fully, tried.
UNTOLD = ("rehearsal_unavailable", "rehearsal_lacks", "rehearsal_no_room")
_PACKAGE = "mariadb-server"
_PLACES = ("/usr/sbin", "/usr/bin", "/usr/libexec", "/usr/local/sbin", "/usr/local/bin", "/usr/local/mysql/bin", "/usr/local/mysql/scripts")
_START_SECONDS = 180
_SOCKET = "/tmp/s"
# A statement of the copy may never come to an end. What is slower than this is ended.
_SECONDS = 4 * 3600.0
_SLOWEST = 1 << 20     # bytes a second
_EMPTY_SERVER = 400 << 20      # bytes: a new server, its logs and room to breathe
# Settings of the live server by which the same statements make other tables, or none.
_SETTINGS = ("character_set_server", "collation_server", "character_set_collations", "sql_mode", "old_mode", "lower_case_table_names",
             "innodb_page_size", "innodb_default_row_format", "innodb_strict_mode", "innodb_file_per_table", "innodb_compression_algorithm",
             "explicit_defaults_for_timestamp", "default_storage_engine", "innodb_ft_min_token_size", "ft_min_word_len",
             "innodb_large_prefix", "innodb_file_format", "alter_algorithm", "max_sp_recursion_depth")
_VALUE = re.compile(r"[A-Za-z0-9_,.:=+/ -]{0,1000}\Z")
_EXHAUSTED = re.compile("No space left|Disk full|table is full|Out of memory|gone away|Lost connection|Can't create/write to file")
_OURS = ("--no-defaults", "--datadir=/tmp/data", "--tmpdir=/tmp", "--skip-name-resolve", "--loose-innodb-log-file-size=48M",
         "--loose-innodb-buffer-pool-size=128M", "--loose-innodb-flush-log-at-trx-commit=0", "--loose-skip-innodb-doublewrite",
         "--loose-performance-schema=OFF", "--loose-skip-feedback")
_SERVER = ("--socket=" + _SOCKET, "--pid-file=/tmp/pid", "--skip-networking", "--skip-log-bin", "--event-scheduler=OFF", "--local-infile=0",
           "--secure-file-priv=/tmp/nothing", "--plugin-dir=/tmp/nothing", "--max-allowed-packet=1G", "--skip-slave-start")


def rehearse(reader: PartReader, scratch: str, live: Connection, version: str, existing: Sequence[str],
             only: Optional[Sequence[Dict[str, Any]]] = None) -> None:
    """Bring each database of a copy, or of the rows `only`, back in a throw-away server and compare it.

    Raises restored_differs, restore_failed; rehearsal_unavailable, rehearsal_lacks, rehearsal_no_room when that could not be told here.
    """
    label = reader.manifest["label"]
    rows = databases.some_of([row for row in (reader.manifest["parts"] if only is None else only) if "database" in texts.facts_in(row)], label)
    for row in rows:
        texts.of_manifest(row, label)
    server, installer = _programs(live, version, label)
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(programs.private_directory(scratch or None))
        _room(directory, rows, label)
        beside = [os.path.dirname(os.path.dirname(os.path.realpath(server))), os.path.realpath(live.bin_dir) if live.bin_dir else "/usr/bin"]
        seconds = _SECONDS + sum(row["size_original"] for row in rows) / _SLOWEST
        jail = stack.enter_context(Jail(directory, label, [path for path in beside if path not in ("/", "/usr", "/usr/bin")], seconds))
        place = _Place(jail, live, existing, label)
        try:
            place.start(server, installer)
            for row in rows:
                place.prove(reader, row)
        except BackupError as error:
            if jail.expired and error.fault.name != "rehearsal_unavailable":
                raise jail.why() from error
            raise


def prove(live: Connection, version: str, label: str) -> None:
    """Whether a server could be made here for the copies of that one. Raises rehearsal_unavailable."""
    _programs(live, version, label)


class _Place:
    """The throw-away server."""

    def __init__(self, jail: Jail, live: Connection, existing: Sequence[str], label: str) -> None:
        self.jail = jail
        self.live = live
        self.existing = existing
        self.label = label
        self.inside = Connection()
        self.definers: Set[texts.Definer] = set()
        self.zones: Set[str] = set()

    def start(self, server: str, installer: str) -> None:
        settings = ["--loose-{0}={1}".format(name.replace("_", "-"), value) for name, value in sorted(_settings(self.live).items())]
        version = number(_said(server).partition("Ver ")[2])
        fast = ["--innodb-flush-method=nosync"] if version < (11,) else []     # later ones know it by another name
        base = [*_OURS, *fast, *settings]
        install = [installer, *base, "--auth-root-authentication-method=normal", "--skip-test-db", "--force"]
        script = "mkdir /tmp/nothing && {0} && exec {1}".format(
            " ".join(map(shlex.quote, install)), " ".join(map(shlex.quote, [server, *base, *_SERVER])))
        self.jail.start(["/bin/sh", "-c", script], programs.environment(HOME="/tmp"))
        self.jail.wait(lambda: os.path.exists(os.path.join(self.jail.own, "s")), _START_SECONDS)
        self.inside = Connection(socket=_SOCKET, user="root", bin_dir=self.live.bin_dir, prefix=self.jail.prefix())
        self.inside.helps = self.live.helps
        self.jail.wait(self._answers, _START_SECONDS)

    def _answers(self) -> bool:
        try:
            return self.inside.ask("SELECT 1").strip() == "1"
        except BackupError:
            return False

    def prove(self, reader: PartReader, row: Dict[str, Any]) -> None:
        facts, name, old = row["facts"], row["facts"]["database"], not row["facts"].get("events_apart")
        passed = mariadb_floats.passed_over(facts)
        self._engines(facts)
        with contextlib.ExitStack() as stack:
            taken = [stack.enter_context(contextlib.closing(texts.Difference()))]
            found = texts.References()
            pieces: List[Any] = [(row["name"], mariadb_shape.of(facts), lambda: self.inside.writing(name, facts, with_events=old))]
            events = events_row(reader.manifest["parts"], name)
            if events is not None:
                taken.append(stack.enter_context(contextlib.closing(texts.Difference())))
                pieces.append((events["name"], [], lambda: self.inside.writing_events(name)))
            for (part, shape, _written), difference in zip(pieces, taken):
                reader.stream(part, [*shape, *passed], _both(difference.feed, found.feed))
                difference.finish()
            needed = self._prepare(found, name)
            try:
                self.inside.command("CREATE DATABASE {0} CHARACTER SET {1} COLLATE {2}".format(texts.identifier(name), facts["charset"], facts["collation"]))
                for (part, shape, written), difference in zip(pieces, taken):
                    with self.inside.loading(name, early=part != row["name"]) as stages:
                        reader.stream(part, [*shape, *stages])
                    compare(self.label, name, difference, written, functools.partial(reader.stream, part, [*shape, *passed]))
            except BackupError as error:
                raise self._judged(error, facts) from error
            self.inside.command(*("DROP DATABASE IF EXISTS " + texts.identifier(each) for each in [name, *needed]))

    def _judged(self, error: BackupError, facts: Dict[str, Any]) -> BackupError:
        """A server of another version may understand a definition otherwise; one that died tells nothing."""
        self.jail.check()
        here = self.inside.ask("SELECT VERSION()").strip()
        made = str(facts.get("server_version") or here)
        if error.fault.name == "restored_differs" and number(made)[:2] != number(here)[:2]:
            return BackupError("rehearsal_lacks", label=self.label, detail="{0}; it was made from version {1} and restored by {2}, which may be why".format(
                error.details["detail"], made, here))
        if error.fault.name in ("stage_failed", "structure_unreadable") and _EXHAUSTED.search(error.details["detail"]):
            return BackupError("rehearsal_lacks", label=self.label, detail=error.details["detail"])
        return failed(error, self.label, str(facts["database"]))

    def _engines(self, facts: Dict[str, Any]) -> None:
        there = {line.partition("\t")[0].lower() for line in self.inside.ask(
            "SELECT ENGINE, SUPPORT FROM information_schema.ENGINES WHERE SUPPORT IN ('YES', 'DEFAULT')").splitlines()}
        lacking = sorted(name for name in facts["engines"] if name.lower() not in there and name != "none")
        if lacking:
            raise BackupError("rehearsal_lacks", label=self.label, detail="the throw-away server has no engine " + ", ".join(lacking))

    def _prepare(self, found: texts.References, name: str) -> List[str]:
        """What the dump takes for granted: accounts, time zones, and the tables that its views read in other databases. Gives the names of these."""
        self._accounts(found.definers)
        for zone in sorted(found.zones - self.zones):
            self._zone(zone)
        if not any(each in self.existing for each in found.qualifiers - {name, *texts.SYSTEM}):
            return []
        others = [each for each in self.existing if each != name and texts.is_name(each)]     # a view there may read a third
        structures = texts.References()
        with self._structures(others) as stages:
            run(stages, structures.feed)
        self._accounts(structures.definers)
        for _pass in range(2):
            arguments = ["--batch", "--force", "--default-character-set=utf8mb4", *self.inside.tamed()]
            with self._structures(others) as dump, self.inside.tool("mariadb", arguments) as load:
                run(dump + [load[0]._replace(accepted=frozenset((0, 1)))], lambda chunk: None)
        return others

    @contextlib.contextmanager
    def _structures(self, names: Sequence[str]) -> Iterator[List[Stage]]:
        arguments = ["--no-data", "--routines", "--skip-triggers", "--skip-lock-tables", "--single-transaction", "--no-tablespaces", "--skip-dump-date",
                     "--default-character-set=utf8mb4", "--databases", "--", *names]
        with self.live.tool("mariadb-dump", arguments) as stages:
            yield stages

    def _accounts(self, definers: Set[texts.Definer]) -> None:
        """Accounts that objects of the copy work as: they exist here by their names only, and this place ends with them."""
        new = sorted(definers - self.definers, key=lambda each: (each.user, each.host or ""))
        for definer in new:
            kind = "ROLE" if definer.host is None else "USER"
            with contextlib.suppress(BackupError):      # a name that can't be an account: loading tells it
                self.inside.command("CREATE {0} IF NOT EXISTS {1}".format(kind, definer.sql()), "GRANT ALL PRIVILEGES ON *.* TO {0}".format(definer.sql()))
        self.definers |= definers

    def _zone(self, zone: str) -> None:
        """A named time zone, as events are planned in. Where this server does not know it, loading tells it."""
        self.zones.add(zone)
        file = os.path.join("/usr/share/zoneinfo", zone)
        if ".." in zone or not os.path.isfile(file):
            return
        with contextlib.suppress(BackupError):
            tool = _first(("mariadb-tzinfo-to-sql", "mysql_tzinfo_to_sql"), self.live.bin_dir)
            with self.inside.loading("mysql") as load:
                run([Stage("tzinfo", [tool or "", file, zone]), *load], lambda chunk: None)


def events_row(parts: Sequence[Dict[str, Any]], name: str) -> Optional[Dict[str, Any]]:
    """The part with the events of a database, where it had any."""
    return next((row for row in parts if texts.facts_in(row).get("events_of") == name), None)


def compare(label: str, name: str, copied: texts.Difference, written: Any, again: Any) -> None:
    """Dump what was restored and compare it with the copy's text, which was read and which `again` reads once more. Raises restored_differs."""
    def anew(feed: Any) -> None:
        with written() as stages:
            run(stages, feed)

    with contextlib.closing(texts.Difference()) as found:
        anew(found.feed)
        found.finish()
        difference = copied.difference(found)[0]
        if difference:
            difference = mariadb_rows.apart(copied, found, again, anew)
    if difference:
        raise BackupError("restored_differs", label=label, detail="database {0}: {1}".format(name, difference))


def failed(error: BackupError, label: str, target: str, undone: Optional[Callable[[Any], Remark]] = None) -> BackupError:
    """The error of a restore, where the one that happened doesn't say it itself. `undone` adds to a detail what became of what was begun."""
    if error.fault.name in ("stage_failed", "structure_unreadable", "source_unreachable"):
        detail = error.details["detail"]
        return BackupError("restore_failed", label=label, target=target, detail=undone(detail) if undone else detail)
    return BackupError("restore_failed", label=label, target=target, detail=undone(error)) if undone else error


def _both(first: Any, second: Any) -> Any:
    def feed(chunk: bytes) -> None:
        first(chunk)
        second(chunk)
    return feed


def _settings(live: Connection) -> Dict[str, str]:
    """Settings of the live server, each in the form that such a value has; any other is left out."""
    found = {}
    for line in live.ask("SHOW GLOBAL VARIABLES").splitlines():
        name, _tab, value = line.partition("\t")
        if name.lower() in _SETTINGS and _VALUE.match(value):
            found[name.lower()] = value
    return found


def _programs(live: Connection, version: str, label: str) -> Any:
    """The server's program and the one that makes its tables, of the live server's version."""
    if "MariaDB" not in version:
        raise BackupError("rehearsal_unavailable", label=label, detail="a throw-away server is made of MariaDB only, this server is {0}".format(version))
    server = _first(("mariadbd", "mysqld"), live.bin_dir)
    installer = _first(("mariadb-install-db", "mysql_install_db"), live.bin_dir)
    if not server or not installer:
        raise BackupError("rehearsal_unavailable", label=label, detail="the programs of the server are not on this host (package {0})".format(_PACKAGE))
    said = _said(server)
    if "MariaDB" not in said or number(said.partition("Ver ")[2])[:2] != number(version)[:2]:
        raise BackupError("rehearsal_unavailable", label=label, detail="the live server is {0}, the programs here are of {1}".format(version, said))
    return server, installer


def _said(server: str) -> str:
    return capture(Stage("mariadbd", [server, "--no-defaults", "--version"])).strip()


def _first(names: Sequence[str], bin_dir: str) -> str:
    own = [os.path.join(bin_dir, up) for up in ("", "../sbin", "../libexec", "../scripts")] if bin_dir else []
    for directory in [*own, *_PLACES]:
        for name in names:
            path = os.path.normpath(os.path.join(directory, name))
            if os.access(path, os.X_OK):
                return path
    return ""


def _room(directory: str, rows: Sequence[Dict[str, Any]], label: str) -> None:
    """One database at a time lies there: its tables, and the room that loading takes."""
    wanted = _EMPTY_SERVER + max(int(1.3 * max(int(row["facts"].get("size") or 0), row["size_original"])) + row["size_original"] // 2 for row in rows)
    state = os.statvfs(directory)
    free = state.f_bavail * state.f_frsize
    if free < wanted:
        raise BackupError("rehearsal_no_room", label=label, needed=wanted, free=free, directory=os.path.dirname(directory))
