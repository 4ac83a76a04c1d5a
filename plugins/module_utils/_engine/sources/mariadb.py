# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Source `mariadb`: databases of a MariaDB or MySQL server by mariadb-dump (or mysqldump), and its users. Numeral 7.2.1.

Every database is one SQL text without a database's name in its statements, so that it can come back under any name.
The same text is the measure of sameness: after a restore it must be that of a new dump.
"""

from __future__ import annotations

import contextlib
import re
import shlex
from typing import Any, Dict, Iterator, List, Optional, Sequence

from .. import programs
from ..errors import BackupError
from ..pipeline import Stage, capture, run
from . import databases
from .base import Check, Part, PartReader, Source

_PACKAGE = "mariadb-client"
_NAME_LIMIT = 64
_SQL = "MariaDB or MySQL dump, SQL"
_USERS = "MariaDB users and grants, SQL"
_SYSTEM = ("information_schema", "performance_schema", "sys", "mysql")
_TRANSACTIONAL = ("InnoDB", "ROCKSDB", "TokuDB", "SEQUENCE")
_TOOLS = {"mariadb-dump": "mysqldump", "mariadb": "mysql"}
# A table locked by LOCK TABLES can't be filled when a default of it takes numbers of a sequence: no locks in the text.
_DUMP = ["--quick", "--skip-add-locks", "--routines", "--events", "--triggers", "--hex-blob", "--no-tablespaces", "--skip-dump-date",
         "--default-character-set=utf8mb4", "--max-allowed-packet=1073741824"]
_PREAMBLE = re.compile(rb"^(?:-- (?:Host: |MariaDB dump |MySQL dump |Server version).*|/\*M?!999999.*)$", re.MULTILINE)
_OF_DATABASE = re.compile(rb" for database '.*'$")
_EVENTS = b"Dumping events"


class _SqlCheck(Check):
    """The text begins and ends as the tool writes it, and holds as many tables as the server had."""

    method = "sql_dump_ends_and_tables"

    def __init__(self, file: str, format_name: str, tables: Optional[int]) -> None:
        self.file = file
        self.format = format_name
        self.tables = tables
        self.head = b""
        self.found = databases.Counter(b"\n-- Table structure for table ")

    def feed(self, chunk: bytes) -> None:
        if len(self.head) < 400:
            self.head = (self.head + chunk)[:400]
        self.found.feed(chunk)

    def finish(self) -> Optional[int]:
        if b"-- MariaDB dump " not in self.head and b"-- MySQL dump " not in self.head:
            self._refuse("it does not begin as a dump")
        if not self.found.tail.rstrip().endswith(b"\n-- Dump completed"):
            self._refuse("it has no end")
        if self.tables is not None and self.tables != self.found.count:
            self._refuse("it holds {0} tables, the server had {1}".format(self.found.count, self.tables))
        return None if self.tables is None else self.found.count

    def _refuse(self, detail: str) -> None:
        raise BackupError("structure_unreadable", file=self.file, format=self.format, detail=detail)


class MariaDB(Source):
    """Databases of one MariaDB or MySQL server.

    `databases` is a list of names or "all" (all but the server's own). With no `host` the server is reached by its Unix
    `socket`. `run_as` is the account of this server that the tools run as. Users and their grants hold hashes of
    passwords: they are copied only when the copy is `encrypted`. `database` chooses what `restore` brings back when the
    copy holds several.
    """

    type = "mariadb"

    OPTIONS = ("databases", "host", "port", "user", "password", "run_as", "globals", "socket", "bin_dir", "encrypted", "database")

    def __init__(self, databases: Any = "all", host: str = "", port: int = 0, user: str = "", password: str = "", run_as: str = "",
                 globals: bool = True, socket: str = "", bin_dir: str = "", encrypted: bool = False, database: str = "") -> None:
        self.wanted = _names(databases)
        self.host = host
        self.port = port
        self.user = user
        self.password = password
        self.account = programs.account(run_as) if run_as else None
        self.globals = globals
        self.socket = socket
        self.bin_dir = bin_dir
        self.encrypted = encrypted
        self.database = database
        self.version = ""
        self.help = ""
        self.silent: List[str] = []
        self.existing: List[str] = []
        self.chosen: List[str] = []
        self.users = False
        self.notes: List[str] = []

    def describe(self) -> str:
        names = "all databases" if self.wanted is None else ", ".join(self.wanted)
        return "{0} ({1})".format(names, self._address())

    def preflight(self) -> int:
        self._look()
        self._new_enough()
        if self.wanted is None:
            self.chosen = [name for name in self.existing if name not in _SYSTEM and not name.startswith(databases.SCRATCH)]
        else:
            self.chosen = self.wanted
            for name in self.wanted:
                if name not in self.existing:
                    raise BackupError("source_missing", source="database {0} on {1}, which holds: {2}".format(
                        name, self._address(), ", ".join(self.existing)))
        if not self.chosen:
            raise BackupError("source_missing", source="any database on " + self._address())
        self.notes = []
        self.users = False
        if self.globals and not self.encrypted:
            self.notes.append("Users and grants are left out: they hold hashes of passwords and the copy is not encrypted.")
        elif self.globals:
            self.users = "--system=" in self.help
            if not self.users:
                self.notes.append("Users and grants are left out: this server's dump tool can't write them.")
        return sum(int(self._ask("SELECT COALESCE(SUM(DATA_LENGTH), 0) FROM information_schema.TABLES WHERE TABLE_SCHEMA = " + _text(name)))
                   for name in self.chosen)

    def parts(self) -> List[Part]:
        parts = []
        if self.users:
            parts.append(Part(
                name="users", extension="sql", format=_USERS, check=lambda: _SqlCheck("users", _USERS, None), minimum=200,
                produce=lambda: self._tool("mariadb-dump", ["--system=users", "--insert-ignore", "--skip-dump-date"]),
                restore_command="{0} --default-character-set=utf8mb4".format(self._client())))
        return parts + [self._database_part(name) for name in self.chosen]

    def _database_part(self, name: str) -> Part:
        facts = self._facts_of(name)
        return Part(
            name=databases.part_name(name), extension="sql", format=_SQL, produce=lambda: self._dumping(name, facts),
            check=lambda: _SqlCheck(name, _SQL, facts["tables"]), minimum=200, facts=facts,
            restore_command=_stock(self._client(), facts, alone=len(self.chosen) == 1))

    @contextlib.contextmanager
    def _dumping(self, name: str, facts: Dict[str, Any]) -> Iterator[List[Stage]]:
        """The dump of a database, what the server says of its tables looked at again just before."""
        facts.update(self._facts_of(name))
        others = sorted(engine for engine in facts["engines"] if engine not in _TRANSACTIONAL)
        if others:
            self.notes.append("Database {0} has tables of {1}, which know no transactions: it was locked for writing while it was copied."
                              .format(name, ", ".join(others)))
        if facts["versioned"] and not facts["history"]:
            self.notes.append("Database {0} has system-versioned tables: the copy holds their rows of today, not the former ones.".format(name))
        with self._writing(name, facts) as stages:
            yield stages

    @contextlib.contextmanager
    def _writing(self, name: str, facts: Dict[str, Any]) -> Iterator[List[Stage]]:
        """The stages that write a database as SQL.

        The tool writes the database's name before a sequence that a column's default takes its numbers from: restored under another
        name, the table would take them from the source's. The name is left out.
        """
        with self._tool("mariadb-dump", self._dump(name, facts)) as stages:
            if facts.get("default_sequences"):
                called = re.sub(r"([][\\.*^$+?(){}|/])", r"\\\1", "`%s`." % name.replace("`", "``"))
                without = "/^CREATE TABLE `/,/^\\)/s/\\b(nextval|lastval)\\({0}/\\1(/g".format(called)
                stages = stages + [Stage("sed", [programs.find("sed", "sed"), "--regexp-extended", "--expression=" + without],
                                         environment=programs.environment(LC_ALL="C"))]
            yield stages

    def check_for(self, row: Dict[str, Any]) -> Check:
        return _SqlCheck(row["file"], row["format"], row["facts"].get("tables"))

    def facts(self) -> Dict[str, Any]:
        return {"server_version": self.version, "address": self._address(), "user": self.user}

    def warnings(self) -> List[str]:
        return self.notes

    def explain(self, error: BackupError) -> BackupError:
        if error.fault.name != "stage_failed" or error.details["stage"] not in _TOOLS:
            return error
        detail = error.details["detail"]
        for fault, pattern, words in _REASONS:
            if re.search(pattern, detail):
                if fault == "source_missing":
                    return BackupError(fault, source="{0}: {1}".format(self.describe(), detail))
                return BackupError(fault, source=self.describe(), detail="{0} ({1})".format(words, detail))
        return error

    def rehearse(self, reader: PartReader, scratch: str) -> List[str]:
        """Restore into a scratch database, compare, drop. Events stay out: they would run there against real data."""
        self._look()
        for row in reader.manifest["parts"]:
            if "database" in row["facts"]:
                self._rehearse(reader, row)
        return ["sql_load_into_scratch", "dump_compare"]

    def restore(self, reader: PartReader, target: str, overwrite: bool) -> Dict[str, Any]:
        """Bring a database back as `target`.

        These servers can't rename a database. So one that is to be replaced is first duplicated under the name told as
        `kept` (without its events, which would run twice), after the copy was proved in a scratch database.
        """
        self._look()
        row = databases.chosen_row(reader.manifest["parts"], self.database)
        if not target or len(target) > _NAME_LIMIT or target.lower() in _SYSTEM:
            raise BackupError("invalid_input", where="target", value=target, problem="is no name for a database",
                              mend="Give a name of 1 to 64 characters that is not one of the server's own.")
        label, kept, former = reader.manifest["label"], "", None
        if target in self.existing:
            if not overwrite:
                raise BackupError("target_exists", target=target)
            kept = databases.kept_name(target, label, _NAME_LIMIT)
            if kept in self.existing:
                raise BackupError("target_exists", target=kept)
            self._nobody_in(target, label)
            self._rehearse(reader, row)
            former = self._facts_of(target)
            self._duplicate(target, kept, former, label)
            self._nobody_in(target, label)
            self._drop(target)
        try:
            self._create(target, row["facts"])
            self._load(reader, row, target, events=True)
            self._compare(reader, row, target, events=True)
        except BaseException as error:
            undone = self._undo(target, kept, former, label)
            if isinstance(error, BackupError):
                raise _failed(error, label, target, undone) from error
            raise
        return {"target": target, "objects": row.get("objects"), "kept": kept}

    def _undo(self, target: str, kept: str, former: Optional[Dict[str, Any]], label: str) -> str:
        """Drop what a restore began and give back what was there. Gives what a person must know of it."""
        try:
            self._drop(target)
            if former is None:
                return ""
            self._duplicate(kept, target, former, label)
        except BackupError as error:
            return "; and it could not be undone ({0}){1}".format(error.message, ", the former data is in " + kept if kept else "")
        return "; {0} has its former data again, without its events, and {1} has it too".format(target, kept)

    def _rehearse(self, reader: PartReader, row: Dict[str, Any]) -> None:
        name = databases.scratch_name()
        try:
            self._create(name, row["facts"])
            self._load(reader, row, name, events=False)
            self._compare(reader, row, name, events=False)
        except BackupError as error:
            raise _failed(error, reader.manifest["label"], name, "") from error
        finally:
            self._drop(name)

    def _create(self, name: str, facts: Dict[str, Any]) -> None:
        self._ask("CREATE DATABASE {0} CHARACTER SET {1} COLLATE {2}".format(_identifier(name), facts["charset"], facts["collation"]))

    def _drop(self, name: str) -> None:
        self._ask("DROP DATABASE IF EXISTS " + _identifier(name))

    @contextlib.contextmanager
    def _loading(self, into: str, events: bool) -> Iterator[List[Stage]]:
        arguments = ["--batch", "--default-character-set=utf8mb4", "--max-allowed-packet=1073741824", "--database=" + into] + self.silent
        with self._tool("mariadb", arguments) as stages:
            if not events:
                without = "/^-- Dumping events for database /,/^-- Dumping routines for database /d"
                stages = [Stage("sed", [programs.find("sed", "sed"), "--expression=" + without],
                                environment=programs.environment(LC_ALL="C"))] + stages
            yield stages

    def _load(self, reader: PartReader, row: Dict[str, Any], into: str, events: bool) -> None:
        with self._loading(into, events) as stages:
            reader.stream(row["name"], stages)

    def _duplicate(self, name: str, into: str, facts: Dict[str, Any], label: str) -> None:
        """Copy a database beside itself, without its events; what was begun is dropped when that fails."""
        try:
            self._create(into, facts)
            with self._writing(name, facts) as dump, self._loading(into, events=False) as load:
                run(dump + load, lambda chunk: None)
        except BackupError as error:
            self._drop(into)
            raise _failed(error, label, into, "") from error

    def _compare(self, reader: PartReader, row: Dict[str, Any], restored: str, events: bool) -> None:
        copied, found = _Sections(events), _Sections(events)
        with contextlib.closing(copied), contextlib.closing(found):
            reader.stream(row["name"], (), copied.feed)
            with self._writing(restored, row["facts"]) as stages:
                run(stages, found.feed)
            copied.finish()
            found.finish()
            difference = copied.difference(found)[0]
        if difference:
            raise BackupError("restored_differs", label=reader.manifest["label"],
                              detail="database {0}: {1}".format(row["facts"]["database"], difference))

    def _nobody_in(self, target: str, label: str) -> None:
        sessions = self._ask("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE DB = " + _text(target)).strip()
        if sessions != "0":
            raise BackupError("restore_failed", label=label, target=target,
                              detail="{0} sessions are connected to it; stop the application first".format(sessions))

    def _look(self) -> None:
        for tool in _TOOLS:
            self._find(tool)
        self.help = capture(Stage("mariadb-dump", [self._find("mariadb-dump"), "--no-defaults", "--help"]))
        # the statement that failed holds rows, which may be personal data: not for logs
        quiet = "--skip-print-query-on-error"
        self.silent = [quiet] if quiet in capture(Stage("mariadb", [self._find("mariadb"), "--no-defaults", "--help"])) else []
        self.version = self._ask("SELECT VERSION()").strip()
        self.existing = sorted(_decode(line) for line in self._ask("SELECT HEX(CONVERT(SCHEMA_NAME USING utf8mb4)) FROM information_schema.SCHEMATA").split())

    def _facts_of(self, name: str) -> Dict[str, Any]:
        charset, collation = self._ask("SELECT DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA "
                                       "WHERE SCHEMA_NAME = " + _text(name)).split()
        engines: Dict[str, int] = {}
        tables = size = versioned = 0
        lines = self._ask("SELECT TABLE_TYPE, COALESCE(ENGINE, 'none'), COUNT(*), COALESCE(SUM(DATA_LENGTH), 0) FROM information_schema.TABLES "
                          "WHERE TABLE_SCHEMA = {0} AND TABLE_TYPE NOT LIKE '%VIEW%' GROUP BY 1, 2".format(_text(name)))
        for line in lines.splitlines():
            table_type, engine, count, stored = line.split("\t")
            size += int(stored)
            if table_type != "SEQUENCE":
                tables += int(count)
                engines[engine] = engines.get(engine, 0) + int(count)
            versioned += int(count) if table_type == "SYSTEM VERSIONED" else 0
        return {"database": name, "server_version": self.version, "charset": charset, "collation": collation, "size": size,
                "tables": tables, "engines": engines, "versioned": versioned, "history": bool(versioned) and self._keeps_history(name),
                "default_sequences": int(self._ask("SELECT COUNT(*) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = {0} AND (COLUMN_DEFAULT "
                                                   "LIKE '%nextval(%' OR COLUMN_DEFAULT LIKE '%lastval(%')".format(_text(name))))}

    def _keeps_history(self, name: str) -> bool:
        """Whether former rows of system-versioned tables can be dumped: not by older tools, and not when numbered by transaction."""
        by_transaction = self._ask("SELECT COUNT(*) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = {0} AND GENERATION_EXPRESSION = 'ROW START' "
                                   "AND DATA_TYPE = 'bigint'".format(_text(name)))
        return "--dump-history" in self.help and by_transaction.strip() == "0"

    def _new_enough(self) -> None:
        text = capture(Stage("mariadb-dump", [self._find("mariadb-dump"), "--version"]))
        found = re.search(r"(?:Distrib|from|Ver) (\d+)\.(\d+)\.\d+", text)
        served = re.match(r"(\d+)\.(\d+)", self.version)
        same_maker = ("MariaDB" in text) == ("MariaDB" in self.version)
        if found and served and same_maker and tuple(map(int, found.groups())) < tuple(map(int, served.groups())):
            raise BackupError("tool_too_old", tool="mariadb-dump", version=text.strip(), server_version=self.version)

    def _dump(self, name: str, facts: Dict[str, Any]) -> List[str]:
        """The arguments that dump a database; MySQL's own tool has two habits that other servers refuse."""
        tamed = [option for option in ("--set-gtid-purged=OFF", "--column-statistics=0") if option.partition("=")[0][2:] in self.help]
        history = ["--dump-history"] if facts.get("history") else []
        return _consistent(facts) + _DUMP + tamed + history + ["--", name]

    def _find(self, tool: str) -> str:
        try:
            return programs.find(tool, _PACKAGE, self.bin_dir)
        except BackupError:
            try:
                return programs.find(_TOOLS[tool], _PACKAGE, self.bin_dir)
            except BackupError as missing:
                raise BackupError("tool_missing", tool=tool, package=_PACKAGE) from missing

    def _client(self) -> str:
        return self._find("mariadb").rpartition("/")[2]

    def _ask(self, sql: str) -> str:
        try:
            with self._tool("mariadb", ["--batch", "--skip-column-names", "--default-character-set=utf8mb4", "--execute=" + sql]) as stages:
                return capture(stages[0])
        except BackupError as error:
            raise self.explain(error) from error

    @contextlib.contextmanager
    def _tool(self, tool: str, arguments: Sequence[str]) -> Iterator[List[Stage]]:
        """A tool with its connection: address, account and password lie behind a descriptor as long as this lasts."""
        given = {"host": self.host, "port": str(self.port) if self.port else "", "user": self.user, "socket": self.socket, "password": self.password}
        lines = ["[client]"] + ["{0}={1}".format(name, _option(value)) for name, value in given.items() if value]
        with contextlib.closing(programs.Secret("\n".join(lines) + "\n", self.account)) as secret:
            argv = [self._find(tool), "--defaults-extra-file=" + secret.path] + list(arguments)
            yield [Stage(tool, argv, environment=programs.environment(), descriptors=(secret.descriptor,), account=self.account)]

    def _address(self) -> str:
        return "MariaDB at {0}{1}".format(self.host or self.socket or "this server's socket", ":{0}".format(self.port) if self.port else "")


_REASONS = (
    ("source_missing", "Unknown database", ""),
    ("source_changed", "Table definition has changed|1146: |1412: ", "a table was changed or dropped during the copy"),
    ("source_unreachable", "Access denied|is not allowed to connect|1045", "the account, its password or its rights are not enough"),
    ("source_unreachable", "Lost connection|gone away|[Ss]hutdown|Connection was killed", "the server ended the connection"),
    ("source_unreachable", r"Can't connect|Unknown (?:MySQL |MariaDB )?server host|\b200[235]\b", "no server answers there"),
)


class _Sections(databases.Sections):
    """Sections of such a dump. Their titles name the database twice; its events can be left out."""

    def __init__(self, events: bool) -> None:
        super().__init__(_clean)
        self.events = events

    def _open(self, title: bytes) -> None:
        self.first = title.startswith(b"Host: ")
        self.title = b"the beginning" if self.first else _OF_DATABASE.sub(b"", title)

    def _close(self) -> None:
        if self.events or self.title != _EVENTS:
            super()._close()
        else:
            self._forget()


def _names(wanted: Any) -> Optional[List[str]]:
    return databases.names_of(wanted)


def _clean(piece: bytes, first: bool) -> bytes:
    return _PREAMBLE.sub(b"", piece) if first else piece


def _consistent(facts: Dict[str, Any]) -> List[str]:
    """One moment for all tables: a transaction's, or where an engine has none, that of a lock on all of them."""
    if all(engine in _TRANSACTIONAL for engine in facts["engines"]):
        return ["--single-transaction", "--skip-lock-tables"]
    return ["--lock-tables"]


def _failed(error: BackupError, label: str, target: str, undone: str) -> BackupError:
    """The error of a restore, where the one that happened doesn't say it itself."""
    if error.fault.name in ("stage_failed", "structure_unreadable", "source_unreachable"):
        return BackupError("restore_failed", label=label, target=target, detail=error.details["detail"] + undone)
    return BackupError("restore_failed", label=label, target=target, detail=error.message + undone) if undone else error


def _stock(client: str, facts: Dict[str, Any], alone: bool) -> str:
    """The client as a person would type it. TARGET is the name, or with several databases a prefix."""
    name = "" if alone else facts["database"]
    create = '"CREATE DATABASE \\`$TARGET"{0}"\\` CHARACTER SET {1} COLLATE {2}"'.format(
        shlex.quote(name.replace("`", "``")) if name else "", facts["charset"], facts["collation"])
    load = '--default-character-set=utf8mb4 --max-allowed-packet=1G --database="$TARGET"' + (shlex.quote(name) if name else "")
    return "{{ {0} --default-character-set=utf8mb4 --execute={1} && {0} {2}; }}".format(client, create, load)


def _option(value: str) -> str:
    for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        value = value.replace(plain, escaped)
    return '"{0}"'.format(value)


def _identifier(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _text(value: str) -> str:
    """A text as SQL in hexadecimal: no mode of the server reads it otherwise."""
    return "CONVERT(0x{0} USING utf8mb4)".format(value.encode("utf-8").hex())


def _decode(hexadecimal: str) -> str:
    return bytes.fromhex(hexadecimal).decode("utf-8", "replace")
