# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Source `postgresql`: databases of a PostgreSQL server by pg_dump, and its roles by pg_dumpall. Numeral 7.2.1.

Every database is one archive of pg_dump's custom format, which pg_restore reads object by object. The text that an
archive stands for is the measure of sameness: after a restore it must be that of a new dump.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shlex
from typing import Any, Dict, Iterator, List, Optional, Sequence

from .. import programs
from ..errors import BackupError
from ..pipeline import Stage, capture, run
from . import databases
from .base import Check, Part, PartReader, Source

_PACKAGE = "postgresql-client"
_NAME_LIMIT = 63      # bytes of an identifier: NAMEDATALEN - 1
_CUSTOM = "PostgreSQL custom archive"
_GLOBALS = "PostgreSQL roles and tablespaces, SQL"
_VERSIONS = re.compile(rb"^-- Dumped (?:from|by) .*$", re.MULTILINE)
_RESTRICT = re.compile(rb"^\\(?:un)?restrict .*$", re.MULTILINE)     # rows can't look so: COPY doubles a backslash
# Definitions that hold expressions. pg_dump can't name the schema of an operator in all of them (a IS DISTINCT FROM b, NULLIF,
# IN, CASE x WHEN), so another operator may be found when they are restored: the tool's limit, not a damage of the copy.
_WITH_EXPRESSIONS = re.compile(r"Name: .*; Type: (?:TRIGGER|RULE|VIEW|MATERIALIZED VIEW|POLICY|INDEX|CONSTRAINT|CHECK CONSTRAINT|DEFAULT|DOMAIN|"
                               r"TABLE|FUNCTION|PROCEDURE|STATISTICS|PUBLICATION TABLE); Schema: ", re.DOTALL)
# What the server quotes of the rows themselves, which may be personal data.
_QUOTED = re.compile(r"^(?:CONTEXT|DETAIL|LINE \d+|QUERY): .*$\n?", re.MULTILINE)
_SERVER = """
SELECT json_build_object(
  'version', current_setting('server_version'), 'number', current_setting('server_version_num')::int,
  'hashes', has_table_privilege('pg_catalog.pg_authid', 'select'),
  'databases', (SELECT json_agg(json_build_object(
    'database', datname, 'encoding', pg_encoding_to_char(encoding), 'collate', datcollate, 'ctype', datctype,
    'owner', pg_get_userbyid(datdba), 'connect', datallowconn, 'template', datistemplate, 'more', to_jsonb(d),
    'own_settings', datacl IS NOT NULL OR EXISTS (SELECT FROM pg_db_role_setting WHERE setdatabase = d.oid AND setrole = 0),
    'size', CASE WHEN has_database_privilege(d.oid, 'connect') THEN pg_database_size(d.oid) END) ORDER BY datname)
    FROM pg_database d))"""
_INSIDE = """
SELECT json_build_object(
  'extensions', (SELECT json_object_agg(extname, extversion) FROM pg_extension),
  'tables', (SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
    WHERE relkind IN ('r', 'p') AND nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'),
  'rows_estimate', (SELECT coalesce(sum(greatest(reltuples, 0)), 0)::bigint FROM pg_class c
    JOIN pg_namespace n ON n.oid = relnamespace
    WHERE relkind = 'r' AND nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'))"""


class _ArchiveCheck(Check):
    """pg_restore turns the whole archive into SQL: every block is read to the last, and the text has its end."""

    method = "pg_restore_read"

    def __init__(self, bin_dir: str, file: str) -> None:
        self.bin_dir = bin_dir
        self.file = file
        self.tables = databases.Counter(b"; Type: TABLE; Schema: ")

    def stages(self) -> List[Stage]:
        return [Stage("pg_restore", [programs.find("pg_restore", _PACKAGE, self.bin_dir), "--file=-"])]

    def feed(self, chunk: bytes) -> None:
        self.tables.feed(chunk)

    def finish(self) -> Optional[int]:
        if b"\n-- PostgreSQL database dump complete\n" not in self.tables.tail:
            raise BackupError("structure_unreadable", file=self.file, format=_CUSTOM, detail="its text has no end")
        return self.tables.count


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


class PostgreSQL(Source):
    """Databases of one PostgreSQL server.

    `databases` is a list of names or "all" (those that accept connections, without templates). With no `host` the
    server is reached by its Unix socket. `run_as` is the account of this server that the tools run as. Hashes of role
    passwords are copied only when the copy is `encrypted`. `database` chooses what `restore` brings back when the copy
    holds several; with `owners` false owners and privileges are left out of a rehearsal or restore.
    """

    type = "postgresql"

    OPTIONS = ("databases", "host", "port", "user", "password", "run_as", "globals", "bin_dir", "encrypted", "database", "owners")

    def __init__(self, databases: Any = "all", host: str = "", port: int = 0, user: str = "", password: str = "", run_as: str = "",
                 globals: bool = True, bin_dir: str = "", encrypted: bool = False, database: str = "", owners: bool = True) -> None:
        self.wanted = _names(databases)
        self.host = host
        self.port = port
        self.user = user
        self.password = password
        if not run_as and not host and os.geteuid() == 0:
            run_as = "postgres"  # the local socket knows its superuser by the account
        self.account = programs.account(run_as) if run_as else None
        self.globals = globals
        self.bin_dir = bin_dir
        self.encrypted = encrypted
        self.database = database
        self.owners = owners
        self.server: Dict[str, Any] = {}
        self.chosen: List[Dict[str, Any]] = []
        self.found: List[str] = []

    def describe(self) -> str:
        names = "all databases" if self.wanted is None else ", ".join(self.wanted)
        return "{0} ({1})".format(names, self._address())

    def preflight(self) -> int:
        for tool in ("psql", "pg_dump", "pg_restore") + (("pg_dumpall",) if self.globals else ()):
            programs.find(tool, _PACKAGE, self.bin_dir)
        self._look()
        for tool in ("pg_dump", "pg_restore"):
            self._new_enough(tool)
        rows = {row["database"]: row for row in self.server["databases"]}
        if self.wanted is None:
            self.chosen = [row for row in rows.values() if row["connect"] and not row["template"]
                           and not row["database"].startswith(databases.SCRATCH)]
        else:
            for name in self.wanted:
                if name not in rows:
                    raise BackupError("source_missing", source="database {0} on {1}, which holds: {2}".format(
                        name, self._address(), ", ".join(sorted(rows))))
            self.chosen = [rows[name] for name in self.wanted]
        if not self.chosen:
            raise BackupError("source_missing", source="any database on " + self._address())
        for row in self.chosen:
            row.update(json.loads(self._ask(_INSIDE, database=row["database"])))
        return sum(row["size"] or 0 for row in self.chosen)

    def parts(self) -> List[Part]:
        parts = [self._globals_part()] if self.globals else []
        return parts + [self._database_part(row) for row in self.chosen]

    def _globals_part(self) -> Part:
        arguments = ["--globals-only", "--database=" + _conninfo(self.server["entrance"])]
        if not self._hashes():
            arguments.append("--no-role-passwords")
        return Part(
            name="globals", extension="sql", format=_GLOBALS,
            check=lambda: _GlobalsCheck("globals"), produce=lambda: self._producing("pg_dumpall", arguments),
            restore_command="psql --no-psqlrc --quiet --dbname=postgres", minimum=100, facts={"role_passwords": self._hashes()})

    def _database_part(self, row: Dict[str, Any]) -> Part:
        name = row["database"]
        told = ("database", "encoding", "collate", "ctype", "owner", "size", "own_settings", "extensions", "tables", "rows_estimate")
        facts = {key: row[key] for key in told}
        facts["server_version"] = self.server["version"]
        facts["icu_locale"] = _icu_locale(row["more"])
        arguments = ["--format=custom", "--compress=0", "--blobs", "--dbname=" + _conninfo(name)]
        return Part(
            name=databases.part_name(name), extension="dump", format=_CUSTOM,
            produce=lambda: self._producing("pg_dump", arguments), check=lambda: _ArchiveCheck(self.bin_dir, name),
            restore_command=_stock(facts, alone=len(self.chosen) == 1), minimum=200, facts=facts)

    def check_for(self, row: Dict[str, Any]) -> Check:
        return _GlobalsCheck(row["file"]) if row["format"] == _GLOBALS else _ArchiveCheck(self.bin_dir, row["file"])

    def facts(self) -> Dict[str, Any]:
        return {"server_version": self.server.get("version"), "address": self._address(), "user": self.user}

    def warnings(self) -> List[str]:
        if not self.globals or self._hashes():
            return []
        why = "the account may not read them" if self.encrypted else "the copy is not encrypted"
        return ["The roles are copied without their passwords: {0}. After a restore each needs a new password.".format(why)]

    def remarks(self) -> List[str]:
        return self.found

    def explain(self, error: BackupError) -> BackupError:
        if error.fault.name != "stage_failed" or error.details["stage"] not in ("psql", "pg_dump", "pg_dumpall"):
            return error
        detail = error.details["detail"]
        if re.search('database ".*" does not exist', detail):
            return BackupError("source_missing", source="{0}: {1}".format(self.describe(), detail))
        for pattern, words in _REASONS:
            if re.search(pattern, detail):
                return BackupError("source_unreachable", source=self.describe(), detail="{0} ({1})".format(words, detail))
        return error

    def rehearse(self, reader: PartReader, scratch: str) -> List[str]:
        self._look()
        for row in reader.manifest["parts"]:
            if "database" in row["facts"]:
                with self._restored(reader, row) as beside:
                    self._drop(beside)
        return ["pg_restore_into_scratch", "dump_compare"]

    def restore(self, reader: PartReader, target: str, overwrite: bool) -> Dict[str, Any]:
        self._look()
        row = databases.chosen_row(reader.manifest["parts"], self.database)
        if not target or len(target.encode("utf-8")) > _NAME_LIMIT:
            raise BackupError("invalid_input", where="target", value=target, problem="is no name for a database",
                              mend="Give a name of 1 to 63 bytes.")
        existing = {entry["database"] for entry in self.server["databases"]}
        kept = databases.kept_name(target, reader.manifest["label"], _NAME_LIMIT) if target in existing else ""
        if target in existing and not overwrite:
            raise BackupError("target_exists", target=target)
        if kept in existing:
            raise BackupError("target_exists", target=kept)
        self._nobody_in(target, reader)
        with self._restored(reader, row) as beside:
            renames = [(target, kept)] if kept else []
            renames.append((beside, target))
            try:
                self._ask(*("ALTER DATABASE {0} RENAME TO {1}".format(_identifier(old), _identifier(new)) for old, new in renames))
            except BackupError as error:
                raise BackupError("restore_failed", label=reader.manifest["label"], target=target, detail=error.message) from error
        left_out = ["settings and privileges of the database itself (ALTER DATABASE, GRANT ON DATABASE)"] if row["facts"]["own_settings"] else []
        return {"target": target, "objects": row.get("objects"), "kept": kept, "left_out": left_out}

    @contextlib.contextmanager
    def _restored(self, reader: PartReader, row: Dict[str, Any]) -> Iterator[str]:
        """A new database with what the copy holds, proved equal; dropped when the block or anything before it fails."""
        beside = databases.scratch_name()
        try:
            self._create(beside, row["facts"])
            self._load(reader, row, beside)
            self._compare(reader, row, beside)
            yield beside
        except BaseException as error:
            with contextlib.suppress(BackupError):
                self._drop(beside)
            if isinstance(error, BackupError) and error.fault.name in ("stage_failed", "structure_unreadable", "source_unreachable"):
                raise BackupError("restore_failed", label=reader.manifest["label"], target=row["facts"]["database"],
                                  detail=_QUOTED.sub("", error.details["detail"]).strip()) from error
            raise

    def _create(self, name: str, facts: Dict[str, Any]) -> None:
        words = ["CREATE DATABASE {0} TEMPLATE template0 ENCODING {1} LC_COLLATE {2} LC_CTYPE {3}".format(
            _identifier(name), _literal(facts["encoding"]), _literal(facts["collate"]), _literal(facts["ctype"]))]
        if facts.get("icu_locale"):
            words.append("LOCALE_PROVIDER icu ICU_LOCALE " + _literal(facts["icu_locale"]))
        owner = self._ask("SELECT quote_ident(rolname) FROM pg_roles WHERE rolname = " + _literal(facts["owner"])).strip()
        if owner and self.owners:
            words.append("OWNER " + owner)
        self._ask(" ".join(words))

    def _load(self, reader: PartReader, row: Dict[str, Any], into: str) -> None:
        with self._producing("pg_restore", ["--exit-on-error", "--dbname=" + _conninfo(into)] + self._leave_out()) as stages:
            reader.stream(row["name"], stages)

    def _compare(self, reader: PartReader, row: Dict[str, Any], restored: str) -> None:
        copied, found = _Sections(), _Sections()
        with contextlib.closing(copied), contextlib.closing(found):
            text = Stage("pg_restore", [programs.find("pg_restore", _PACKAGE, self.bin_dir), "--file=-"] + self._leave_out())
            reader.stream(row["name"], [text], copied.feed)
            with self._producing("pg_dump", ["--format=plain", "--blobs", "--dbname=" + _conninfo(restored)] + self._leave_out()) as stages:
                run(stages, found.feed)
            copied.finish()
            found.finish()
            difference, reworded = copied.difference(found, lambda title: bool(_WITH_EXPRESSIONS.match(title)))
        if difference:
            raise BackupError("restored_differs", label=reader.manifest["label"],
                              detail="database {0}: {1}".format(row["facts"]["database"], difference))
        self.found += ["Database {0}: once restored, PostgreSQL reads an expression of this definition otherwise than the source does; compare them: {1}"
                       .format(row["facts"]["database"], title) for title in reworded]

    def _leave_out(self) -> List[str]:
        """A subscription would bind the scratch database to its publisher, and to existence."""
        return ["--no-subscriptions"] + ([] if self.owners else ["--no-owner", "--no-privileges"])

    def _drop(self, name: str) -> None:
        force = " WITH (FORCE)" if self.server["number"] >= 130000 else ""
        self._ask("DROP DATABASE IF EXISTS " + _identifier(name) + force)

    def _nobody_in(self, target: str, reader: PartReader) -> None:
        # autovacuum looks at tables just loaded; the server ends it by itself when a database is renamed
        clients = " AND backend_type = 'client backend'" if self.server["number"] >= 100000 else ""
        sessions = self._ask("SELECT count(*) FROM pg_stat_activity WHERE datname = " + _literal(target) + clients).strip()
        if sessions != "0":
            raise BackupError("restore_failed", label=reader.manifest["label"], target=target,
                              detail="{0} sessions are connected to it; stop the application first".format(sessions))

    def _look(self) -> None:
        """Read the server's catalogue, by `postgres` or, where that is not there or closed to us, the first we know of."""
        entrances = ["postgres"] + (self.wanted or [])
        for entrance in entrances:
            try:
                self.server = dict(json.loads(self._ask(_SERVER, database=entrance)), entrance=entrance)
                return
            except BackupError:
                if entrance == entrances[-1]:
                    raise

    def _new_enough(self, tool: str) -> None:
        text = capture(Stage(tool, [programs.find(tool, _PACKAGE, self.bin_dir), "--version"], environment=self._environment()))
        found = re.search(r"(\d+)(?:\.(\d+))?", text.partition(")")[2])
        version = (int(found.group(1)), int(found.group(2) or 0)) if found else (0, 0)
        number = self.server["number"]
        needed = (number // 10000, 0) if number >= 100000 else (number // 10000, number // 100 % 100)
        if version < needed:
            raise BackupError("tool_too_old", tool=tool, version=text.strip(), server_version=self.server["version"])

    def _hashes(self) -> bool:
        return self.encrypted and bool(self.server.get("hashes"))

    def _ask(self, *statements: str, database: str = "") -> str:
        """What psql prints for the statements, in one transaction when there are several."""
        arguments = ["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1",
                     "--dbname=" + _conninfo(database or self.server["entrance"])]
        arguments += ["--command=" + statement for statement in statements]
        arguments += ["--single-transaction"] if len(statements) > 1 else []
        try:
            with self._producing("psql", arguments) as stages:
                return capture(stages[0])
        except BackupError as error:
            raise self.explain(error) from error

    @contextlib.contextmanager
    def _producing(self, tool: str, arguments: Sequence[str]) -> Iterator[List[Stage]]:
        """A tool of PostgreSQL with its connection. The password, if any, lies behind a descriptor as long as this lasts."""
        argv = [programs.find(tool, _PACKAGE, self.bin_dir), "--no-password"] + list(arguments)
        if not self.password:
            yield [Stage(tool, argv, environment=self._environment(tool), account=self.account)]
            return
        line = "*:*:*:*:{0}\n".format(self.password.replace("\\", "\\\\").replace(":", "\\:"))
        with contextlib.closing(programs.Secret(line, self.account)) as secret:
            yield [Stage(tool, argv, environment=dict(self._environment(tool), PGPASSFILE=secret.path),
                         descriptors=(secret.descriptor,), account=self.account)]

    def _environment(self, tool: str = "") -> Dict[str, str]:
        given = {"PGHOST": self.host, "PGPORT": str(self.port) if self.port else "", "PGUSER": self.user}
        if tool == "psql":
            given["PGCLIENTENCODING"] = "UTF8"     # pg_dump writes in the database's own encoding
        return programs.environment(PGAPPNAME="respaldo", PGCONNECT_TIMEOUT="20", **{name: value for name, value in given.items() if value})

    def _address(self) -> str:
        return "PostgreSQL at {0}{1}".format(self.host or "this server's socket", ":{0}".format(self.port) if self.port else "")


_REASONS = (
    ("password authentication failed|no password supplied|Peer authentication failed", "the account or its password is not accepted"),
    ("no pg_hba.conf entry", "the server's pg_hba.conf does not let this account in from here"),
    ("Connection refused|No such file or directory|could not translate host name|timeout expired|No route to host",
     "no server answers there"),
    ("server closed the connection|terminating connection|shutting down|starting up|no connection to the server|PQgetCopyData|"
     "PQgetResult|SSL (?:SYSCALL|connection)", "the server ended the connection"),
    ("permission denied|must be superuser", "the account may not read all of it"),
    ('role ".*" does not exist', "there is no such account"),
)


def _names(wanted: Any) -> Optional[List[str]]:
    return databases.names_of(wanted)


class _Sections(databases.Sections):
    """Sections of pg_dump's text. The order of a table's rows is not compared: a restore fills gaps of pages as the server likes."""

    def __init__(self) -> None:
        super().__init__(_clean)

    def _open(self, title: bytes) -> None:
        super()._open(title)
        if b"; Type: TABLE DATA; " in title:
            self.digest = _Lines()


class _Lines:
    """A digest of lines in any order: the sum of theirs."""

    def __init__(self) -> None:
        self.total = 0
        self.line = hashlib.sha256()

    def update(self, piece: bytes) -> None:
        first, *others = piece.split(b"\n")
        self.line.update(first)
        if others:
            self.total += int.from_bytes(self.line.digest(), "little")
            self.total += sum(int.from_bytes(hashlib.sha256(line).digest(), "little") for line in others[:-1])
            self.line = hashlib.sha256(others[-1])

    def hexdigest(self) -> str:
        return "{0:064x}".format((self.total + int.from_bytes(self.line.digest(), "little")) % (1 << 256))


def _clean(piece: bytes, first: bool) -> bytes:
    if b"restrict " in piece:
        piece = _RESTRICT.sub(b"", piece)
    return _VERSIONS.sub(b"", piece) if first else piece


def _icu_locale(row: Dict[str, Any]) -> str:
    """The ICU locale of a database where it has one: the column was named otherwise before PostgreSQL 17."""
    return (row.get("daticulocale") or row.get("datlocale") or "") if row.get("datlocprovider") == "i" else ""


def _stock(facts: Dict[str, Any], alone: bool) -> str:
    """createdb and pg_restore as a person would type them. TARGET is the name, or with several databases a prefix."""
    target = '"$TARGET"' if alone else '"$TARGET"' + shlex.quote(facts["database"])
    options = ["--template=template0", "--encoding=" + facts["encoding"], "--lc-collate=" + facts["collate"], "--lc-ctype=" + facts["ctype"]]
    if facts["icu_locale"]:
        options += ["--locale-provider=icu", "--icu-locale=" + facts["icu_locale"]]
    return "{{ createdb {0} {1} && pg_restore --exit-on-error --dbname={1}; }}".format(
        " ".join(shlex.quote(option) for option in options), target)


def _conninfo(database: str) -> str:
    """A name as libpq takes it literally: a bare one with an equals sign would be read as a connection string."""
    return "dbname='{0}'".format(database.replace("\\", "\\\\").replace("'", "\\'"))


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "E'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
