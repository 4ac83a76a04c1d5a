# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Source `postgresql`: databases of a PostgreSQL server by pg_dump, and its roles by pg_dumpall. Numeral 7.2.1.

Every database is one archive of pg_dump's custom format, which pg_restore reads object by object. The text that an
archive stands for is the measure of sameness: after a restore it must be that of a new dump.

postgresql_server.py is how the tools reach a server, postgresql_restored.py a database brought back and compared,
postgresql_scratch.py the throw-away server where a copy is rehearsed.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
from typing import Any, Dict, Iterator, List, Mapping, Optional

from ..errors import BackupError
from ..processes import programs
from ..processes.pipeline import Stage
from ..remarks import Remark
from . import databases, postgresql_beyond, postgresql_elsewhere, postgresql_missing, postgresql_pieces, postgresql_scratch
from .base import Check, Part, PartReader, Source
from .postgresql_restored import Restoring
from .postgresql_server import INSIDE, PACKAGE, Server, conninfo, explained, identifier

_NAME_LIMIT = 63      # bytes of an identifier: NAMEDATALEN - 1
_LOCK_SECONDS = 3600
_INVALID, _CLOSED = Remark("pg_invalid"), Remark("pg_closed")
_CUSTOM = "PostgreSQL custom archive"
_GLOBALS = "PostgreSQL roles and tablespaces, SQL"


class _ArchiveCheck(Check):
    """pg_restore turns the whole archive into SQL: every block is read to the last, and the text has its end."""

    method = "pg_restore_read"

    def __init__(self, bin_dir: str, file: str, facts: Mapping[str, Any]) -> None:
        self.bin_dir = bin_dir
        self.file = file
        self.only = postgresql_pieces.only(facts)
        self.tables = databases.Counter(b"; Type: TABLE DATA; Schema: " if self.only else b"; Type: TABLE; Schema: ")
        self.emptied = databases.Counter(b"\n;\n") if facts.get("last") else None      # of what was dropped since the snapshot pg_dump writes no more

    def stages(self) -> List[Stage]:
        return [Stage("pg_restore", [programs.find("pg_restore", PACKAGE, self.bin_dir), "--file=-", *self.only])]

    def feed(self, chunk: bytes) -> None:
        for counter in filter(None, (self.tables, self.emptied)):
            counter.feed(chunk)

    def finish(self) -> Optional[int]:
        if b"\n-- PostgreSQL database dump complete\n" not in self.tables.tail:
            raise BackupError("structure_unreadable", file=self.file, format=_CUSTOM, detail="its text has no end")
        if self.emptied and self.emptied.count:
            raise BackupError("snapshot_lost", source=self.file, detail="an index or the like of it was dropped meanwhile")
        if self.only and not self.tables.count:
            raise BackupError("structure_unreadable", file=self.file, format=_CUSTOM, detail="it does not hold the rows of the one table that it is of")
        return None if self.only else self.tables.count


class _GlobalsCheck(Check):
    """The text begins and ends as pg_dumpall writes it."""

    method = "pg_dumpall_trailer"

    def __init__(self, file: str) -> None:
        self.file = file
        self.head = b""
        self.tail = b""

    def feed(self, chunk: bytes) -> None:
        self.head = (self.head + chunk)[:400] if len(self.head) < 400 else self.head
        self.tail = (self.tail + chunk[-400:])[-400:]

    def finish(self) -> Optional[int]:
        if b"PostgreSQL database cluster dump" not in self.head or b"\n-- PostgreSQL database cluster dump complete\n" not in self.tail:
            raise BackupError("structure_unreadable", file=self.file, format=_GLOBALS, detail="it has no beginning or no end")
        return None


# What the roles of pg_dumpall are read from.
_NO_ROLES = "SELECT NOT pg_catalog.has_table_privilege('pg_catalog.pg_authid', 'SELECT')"
_MOST_DENIED = 10


class PostgreSQL(Source):
    """Databases of one PostgreSQL server.

    `databases` is a list of names or "all" (those that accept connections, without templates). With no `host` the
    server is reached by its Unix socket. `run_as` is the account of this server that the tools run as. Hashes of role
    passwords are copied only when the copy is `encrypted`. `database` chooses what `restore` brings back when the copy
    holds several; with `owners` false owners and privileges are left out of a rehearsal or restore. `rehearse_on_live`
    lets a rehearsal load the copy into the live server where no throw-away one can be had. With `strict` an object that can't be made
    fails a rehearsal or restore; else all else comes back and it is told. `on_missing` says what is done with what the copy would lack: told, refused, or
    with `partial` also a table whose rows can't be read is left out. `scratch_server` names another server where copies are rehearsed, by host, port, user,
    password and run_as. A database of `jobs_from` bytes or more is copied and brought back in pieces, `jobs` at a time (postgresql_pieces.py).
    """

    type = "postgresql"

    OPTIONS = ("databases", "host", "port", "user", "password", "run_as", "globals", "bin_dir", "encrypted", "database", "owners",
               "rehearse_on_live", "strict", "on_missing", "scratch_server", "jobs", "jobs_from")

    def __init__(self, databases: Any = "all", host: str = "", port: int = 0, user: str = "", password: str = "", run_as: str = "",
                 globals: bool = True, bin_dir: str = "", encrypted: bool = False, database: str = "", owners: bool = True,
                 rehearse_on_live: bool = False, strict: bool = False, on_missing: str = "tell", scratch_server: Optional[Mapping[str, Any]] = None,
                 jobs: int = 1, jobs_from: int = 4 << 30) -> None:
        self.wanted = _names(databases)
        self.user = user
        if not run_as and not host and os.geteuid() == 0:
            run_as = "postgres"  # the local socket knows its superuser by the account
        account = programs.account(run_as) if run_as else None
        self.live = Server(host, port, user, password, account, bin_dir)
        self.elsewhere = _elsewhere(scratch_server, bin_dir)
        self.globals = globals
        self.bin_dir = bin_dir
        self.encrypted = encrypted
        self.database = database
        self.owners = owners
        self.rehearse_on_live = rehearse_on_live
        self.strict = strict
        self.on_missing = _policy(on_missing)
        self.jobs = jobs
        self.jobs_from = jobs_from
        self.one_stream: List[Remark] = []      # why it is not made in pieces any more
        self.unreadable: Dict[str, List[str]] = {}      # by database, the tables whose rows are left out
        self.dumping = ""
        self.in_pieces = False
        self.chosen: List[Dict[str, Any]] = []
        self.found: List[Remark] = []
        self.notes: List[Remark] = []

    def describe(self) -> str:
        names = "all databases" if self.wanted is None else ", ".join(self.wanted)
        return "{0} ({1})".format(names, self.live.address())

    def preflight(self) -> int:
        for tool in ("psql", "pg_dump", "pg_restore") + (("pg_dumpall",) if self.globals else ()):
            programs.find(tool, PACKAGE, self.bin_dir)
        self._look()
        self.notes = []
        for tool in ("pg_dump", "pg_restore"):
            self.live.new_enough(tool)
        self.notes += self.live.older_minor("pg_dump")
        rows = {row["database"]: row for row in self.live.found["databases"]}
        if self.wanted is None:
            ours = [row for row in rows.values() if not row["template"] and not row["database"].startswith(databases.SCRATCH)]
            self.chosen = [row for row in ours if row["connect"] and not row["invalid"]]
            for row in ours:
                if row not in self.chosen:
                    self._lacking(Remark("pg_not_copied", database=row["database"], why=_INVALID if row["invalid"] else _CLOSED))
        else:
            for name in self.wanted:
                if name not in rows:
                    raise BackupError("source_missing", source="database {0} on {1}, which holds: {2}".format(
                        name, self.live.address(), ", ".join(sorted(rows))))
                if rows[name]["invalid"]:
                    raise BackupError("source_damaged", source="database {0} on {1}".format(name, self.live.address()), detail=_INVALID)
            self.chosen = [rows[name] for name in self.wanted]
        if not self.chosen:
            raise BackupError("source_missing", source="any database on " + self.live.address())
        for row in self.chosen:
            row.update(json.loads(self._ask(INSIDE, database=row["database"])))
            row["beyond"] = postgresql_beyond.look(self.live, row["database"])
            for told in postgresql_beyond.without_rows(row["database"], row):
                self._lacking(told)
            self.notes += postgresql_beyond.warnings(row["database"], row, self.encrypted)
        return sum(row["size"] or 0 for row in self.chosen)

    def prove_rights(self) -> None:
        for row in self.chosen:
            denied = self._ask(postgresql_missing.DENIED, database=row["database"]).split()
            if self.globals and self._ask(_NO_ROLES, database=row["database"]).strip() == "t":
                denied.append("pg_authid")
            if denied:
                more = " ..." if len(denied) > _MOST_DENIED else ""
                raise BackupError("source_unreachable", source="database {0} on {1}".format(row["database"], self.live.address()),
                                  detail="the account may not read all of it ({0})".format(", ".join(denied[:_MOST_DENIED]) + more))

    def parts(self) -> List[Part]:
        self.notes += postgresql_elsewhere.swept(self.live)
        parts = [self._globals_part()] if self.globals else []
        return parts + [part for row in self.chosen for part in self._database_parts(row)]

    def _globals_part(self) -> Part:
        arguments = ["--globals-only", "--database=" + conninfo(self.live.entrance)]
        if not self._hashes():
            arguments.append("--no-role-passwords")
        return Part(
            name="globals", extension="sql", format=_GLOBALS,
            check=lambda: _GlobalsCheck("globals"), produce=lambda: self.live.producing("pg_dumpall", arguments),
            restore_command="psql --no-psqlrc --quiet --dbname=postgres", minimum=100,
            facts={"role_passwords": self._hashes(), "bootstrap": self.live.found["bootstrap"]})

    def _database_parts(self, row: Dict[str, Any]) -> List[Part]:
        name = row["database"]
        told = ("database", "encoding", "collate", "ctype", "owner", "size", "own_settings", "extensions", "tables", "rows_estimate", "lc_monetary",
                "beyond", *postgresql_beyond.TOLD)
        facts = {key: row[key] for key in told}
        facts["server_version"] = self.live.found["version"]
        facts.update(_provided(row["more"]))
        facts["without_rows"] = self.unreadable.get(name, [])
        for each in postgresql_missing.told(facts):
            self._lacking(Remark("pg_copied_but_for", database=name, what=each))
        alone = len(self.chosen) == 1
        arguments = ["--format=custom", "--compress=0", "--dbname=" + conninfo(name)]
        whole = [*arguments, "--blobs", *postgresql_missing.excluding(facts)]
        main = Part(
            name=databases.part_name(name), extension="dump", format=_CUSTOM,
            produce=lambda: self._dumping(whole, facts), check=lambda: _ArchiveCheck(self.bin_dir, name, {}),
            restore_command=_stock(facts, alone), minimum=200, facts=facts)
        division = None if self.one_stream else postgresql_pieces.divided(self.live, facts, self.jobs, self.jobs_from)
        return [main] if division is None else self._pieces(main, division, arguments, whole, alone)

    def _pieces(self, main: Part, division: postgresql_pieces.Divided, arguments: List[str], whole: List[str], alone: bool) -> List[Part]:
        """A database in the order in which it comes back: what is first, the rows of large tables, what is made last."""
        name = main.facts["database"]
        facts = {"of": name, "server_version": main.facts["server_version"]}
        main.facts["pieces"] = postgresql_pieces.told(main.name, division)

        def piece(part: str, own: Dict[str, Any], given: List[str], restoring: str) -> Part:
            return Part(name=part, extension="dump", format=_CUSTOM, produce=lambda: self._dumping_piece(division, given),
                        check=lambda: _ArchiveCheck(self.bin_dir, part, own), restore_command=restoring, minimum=200, facts=own, together=division)

        target = _target(name, alone)
        apart = ["--exclude-table-data=" + each.quoted for each in division.large]
        parts = [piece(main.name, main.facts, [*whole, "--section=pre-data", "--section=data", *apart], main.restore_command)]
        for number, each in enumerate(division.large, 1):
            only = postgresql_pieces.selecting(each)
            parts.append(piece(postgresql_pieces.part_of(main.name, number), dict(facts, schema=each.schema, table=each.table),
                               [*arguments, "--section=data", "--table=" + each.quoted], postgresql_pieces.stock(target, only)))
        last = [*arguments, "--section=post-data"]
        return [*parts, piece(postgresql_pieces.last_of(main.name), dict(facts, last=True), last, postgresql_pieces.stock(target))]

    @contextlib.contextmanager
    def _dumping_piece(self, division: postgresql_pieces.Divided, arguments: List[str]) -> Iterator[List[Stage]]:
        self.dumping, self.in_pieces = str(division.facts["database"]), True
        with contextlib.ExitStack() as stack:      # pylint takes a generator in a with for one that nobody ends
            yield stack.enter_context(self.live.producing("pg_dump", arguments + division.options))

    @contextlib.contextmanager
    def _dumping(self, arguments: List[str], facts: Dict[str, Any]) -> Iterator[List[Stage]]:
        # who owns a table may lock it for good: the copy then fails and says so, instead of waiting with all that come after it
        self.dumping, self.in_pieces = facts["database"], False
        waiting = ["--lock-wait-timeout={0}".format(_LOCK_SECONDS * 1000)]
        with contextlib.ExitStack() as stack:
            options = stack.enter_context(self.live.written(facts))
            yield stack.enter_context(self.live.producing("pg_dump", arguments + options + waiting))

    def check_for(self, row: Dict[str, Any]) -> Check:
        return _GlobalsCheck(row["file"]) if row["format"] == _GLOBALS else _ArchiveCheck(self.bin_dir, row["file"], row["facts"])

    def facts(self) -> Dict[str, Any]:
        return {"server_version": self.live.found.get("version"), "address": self.live.address(), "user": self.user}

    def warnings(self) -> List[Remark]:
        notes = self.notes + self.one_stream
        if not self.globals or self._hashes():
            return notes
        return notes + [Remark("pg_roles_unread" if self.encrypted else "pg_roles_unencrypted")]

    def remarks(self) -> List[Remark]:
        return self.found

    def explain(self, error: BackupError) -> BackupError:
        described = "database {0} ({1})".format(self.dumping, self.live.address())
        lost = postgresql_pieces.lost(error, described) if self.in_pieces else None
        return postgresql_missing.unreadable(error, described) or lost or explained(error, self.describe())

    def goes_on_without(self, error: BackupError) -> bool:
        if error.fault.name == "snapshot_lost" and not self.one_stream:
            self.one_stream = [Remark("pg_one_stream", detail=error.details["detail"])]
            return True
        left = self.unreadable.setdefault(self.dumping, [])
        if self.on_missing != "partial" or error.fault.name != "object_unreadable" or error.details["object"] in left or len(left) >= databases.MOST_LEFT_OUT:
            return False
        left.append(error.details["object"])
        return True

    def rehearse(self, reader: PartReader, scratch: str) -> List[str]:
        """Restored and compared in a throw-away server (postgresql_scratch.py), or where the inventory says; on the live one only when it says so in words."""
        if self.elsewhere is not None:
            self.found += postgresql_elsewhere.rehearse(reader, self.live, self.elsewhere, self.strict, ["postgres"] + (self.wanted or []), self.jobs)
            return ["pg_restore_into_scratch", "dump_compare"]
        try:
            self.found += postgresql_scratch.rehearse(reader, scratch, self.bin_dir, self.owners, self.strict, self.jobs)
        except BackupError as error:
            if not self.rehearse_on_live or error.fault.name not in postgresql_scratch.UNTOLD:
                raise
            self._look()
            self.found += postgresql_elsewhere.swept(self.live)
            where = Restoring(self.live, self.owners, self.strict, self.jobs)
            for row in databases.rows_of(reader.manifest["parts"]):
                with where.database(reader, row) as beside:
                    self.live.drop(beside)
            self.found += where.remarks + [Remark("rehearsed_live", detail=error.details["detail"])]
        return ["pg_restore_into_scratch", "dump_compare"]

    def restore(self, reader: PartReader, target: str, overwrite: bool) -> Dict[str, Any]:
        self._look()
        row = databases.chosen_row(reader.manifest["parts"], self.database)
        if not target or len(target.encode("utf-8")) > _NAME_LIMIT:
            raise BackupError("invalid_input", where="target", value=target, problem="is no name for a database",
                              mend="Give a name of 1 to 63 bytes.")
        existing = {entry["database"] for entry in self.live.found["databases"]}
        kept = databases.kept_name(target, reader.manifest["label"], _NAME_LIMIT) if target in existing else ""
        if target in existing and not overwrite:
            raise BackupError("target_exists", target=target)
        if kept in existing:
            raise BackupError("target_exists", target=kept)
        self._nobody_in(target, reader)
        self.found += postgresql_elsewhere.swept(self.live)
        where = Restoring(self.live, self.owners, self.strict, self.jobs)
        with where.database(reader, row) as beside:
            renames = [(target, kept)] if kept else []
            renames.append((beside, target))
            try:
                # without the mark, or a later run would take it for one that nobody needs
                unmarked = "COMMENT ON DATABASE {0} IS NULL".format(identifier(beside))
                self._ask(unmarked, *("ALTER DATABASE {0} RENAME TO {1}".format(identifier(old), identifier(new)) for old, new in renames))
            except BackupError as error:
                raise BackupError("restore_failed", label=reader.manifest["label"], target=target, detail=error.message) from error
        self.found += where.remarks
        if self.live.found["superuser"]:
            self.found.append(Remark("pg_superuser"))
        beyond = postgresql_beyond.left_out(row["facts"])
        self.found += [Remark("pg_but_for", database=row["facts"]["database"], what=each) for each in beyond]
        return {"target": target, "objects": row.get("objects"), "kept": kept, "left_out": beyond + where.left_out}

    def _nobody_in(self, target: str, reader: PartReader) -> None:
        sessions = self.live.sessions(target)
        if sessions:
            raise BackupError("restore_failed", label=reader.manifest["label"], target=target,
                              detail="{0} sessions are connected to it; stop the application first".format(sessions))

    def _look(self) -> None:
        """Read the server's catalogue, by `postgres` or, where that is not there or closed to us, the first we know of."""
        self.live.look(["postgres"] + (self.wanted or []))

    def _lacking(self, told: Remark) -> None:
        databases.lacking(self.on_missing, self.notes, self.describe(), told)

    def _hashes(self) -> bool:
        return self.encrypted and bool(self.live.found.get("hashes"))

    def _ask(self, *statements: str, database: str = "") -> str:
        return self.live.ask(*statements, database=database)


def _elsewhere(given: Optional[Mapping[str, Any]], bin_dir: str) -> Optional[Server]:
    """The server for rehearsals, where one is named."""
    told = {name: value for name, value in (given or {}).items() if value}
    if not told:
        return None
    account = programs.account(told["run_as"]) if "run_as" in told else None
    return Server(told.get("host", ""), told.get("port", 0), told.get("user", ""), told.get("password", ""), account, told.get("bin_dir", bin_dir))


def _policy(on_missing: str) -> str:
    return databases.policy_of(on_missing)


def _names(wanted: Any) -> Optional[List[str]]:
    return databases.names_of(wanted)


def _provided(row: Dict[str, Any]) -> Dict[str, str]:
    """The locale of a database where another than the C library provides it: the column was named otherwise before PostgreSQL 17."""
    name, provider = row.get("daticulocale") or row.get("datlocale") or "", row.get("datlocprovider")
    return {"icu_locale": name if provider == "i" else "", "icu_rules": row.get("daticurules") or "" if provider == "i" else "",
            "builtin_locale": name if provider == "b" else ""}


def _target(database: str, alone: bool) -> str:
    """TARGET is the name, or with several databases a prefix."""
    return '"$TARGET"' if alone else '"$TARGET"' + shlex.quote(database)


def _stock(facts: Dict[str, Any], alone: bool) -> str:
    """createdb and pg_restore as a person would type them."""
    target = _target(facts["database"], alone)
    options = ["--template=template0", "--encoding=" + facts["encoding"], "--lc-collate=" + facts["collate"], "--lc-ctype=" + facts["ctype"]]
    if facts["icu_locale"]:
        options += ["--locale-provider=icu", "--icu-locale=" + facts["icu_locale"]] + (["--icu-rules=" + facts["icu_rules"]] if facts["icu_rules"] else [])
    if facts["builtin_locale"]:
        options += ["--locale-provider=builtin", "--builtin-locale=" + facts["builtin_locale"]]
    # an array's NULL is a text "NULL" to a role that is set otherwise
    load = "PGOPTIONS='-c array_nulls=on' pg_restore --dbname=" + target
    # without --exit-on-error: one object that can't be made is told and the exit status is 1, and all else comes back
    create = "createdb {0} {1}".format(" ".join(shlex.quote(option) for option in options), target)
    owned = create.replace("createdb ", "createdb {0} ".format(shlex.quote("--owner=" + facts["owner"])), 1)
    return "{{ {{ {0} || {1}; }} && {2}; }}".format(owned, create, load)
