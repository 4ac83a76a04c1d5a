# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts of MariaDB: names and values as SQL, and what a dump says of itself.

The owner of a database writes much of its dump: bodies of routines, triggers and events stand in it as they were typed, names may
hold line ends. Nothing is cut out of a dump by what its lines look like, and two dumps are the same only line after line.
"""

from __future__ import annotations

import re
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Set, Tuple

from ..errors import BackupError
from . import databases
from .base import Check

SQL = "MariaDB or MySQL dump, SQL"
EVENTS = "MariaDB or MySQL events, SQL"
USERS = "MariaDB users and grants, SQL"
NAME_LIMIT = 64
SYSTEM = ("information_schema", "performance_schema", "sys", "mysql")

# Only these lines differ between two dumps of equal databases; the last must be the tool's own to the letter, or a statement could follow it.
# That of the sandbox came with a minor version, and the tool's name follows it: with the line end between them, so that a copy of the older tool is the same.
_PREAMBLE = re.compile(rb"\n?^-- (?:MariaDB|MySQL) dump .*$|^(?:-- (?:Host: |Server version).*|/\*M?!999999\\- enable the sandbox mode \*/ ?)$", re.MULTILINE)
_OF_DATABASE = re.compile(rb"^(Dumping (?:events|routines)) for database '.*'$")
_PLAIN = re.compile(r"[A-Za-z0-9_]{1,64}\Z")


class Difference(databases.Sections):
    """A dump's text, object after object. Titles only name a difference: a forged one hides nothing, since the order counts too."""

    def __init__(self) -> None:
        super().__init__(_clean)
        self.opened = 0

    def _open(self, title: bytes) -> None:
        self.opened += 1
        self.first = self.opened == 1 and title.startswith(b"Host: ")
        self.title = b"the beginning" if self.first else _OF_DATABASE.sub(rb"\1", title)

    def difference(self, other: databases.Sections, reworded: Any = None) -> Tuple[str, List[str]]:
        found = super().difference(other)[0]
        if found:
            return found, []
        self.list.seek(0)
        other.list.seek(0)
        for mine, theirs in zip(self.list, other.list):
            if mine != theirs:
                return "the order of the objects, from {0} on".format(mine[65:].decode("utf-8", "replace").strip()), []
        return "", []


def _clean(piece: bytes, first: bool) -> bytes:
    return _PREAMBLE.sub(b"", piece) if first else piece


class DumpCheck(Check):
    """The text begins and ends as the tool writes it, and holds as many tables, or events, as the server had."""

    method = "sql_dump_ends_and_tables"

    def __init__(self, file: str, format_name: str, tables: Optional[int] = None, events: Optional[int] = None, exact: Optional[int] = None) -> None:
        self.file = file
        self.exact = exact
        self.format = format_name
        self.tables = tables
        self.events = events
        self.head = b""
        self.tail = b""
        self.structure = Structure()

    def feed(self, chunk: bytes) -> None:
        if len(self.head) < 400:
            self.head = (self.head + chunk)[:400]
        self.tail = (self.tail + chunk[-400:])[-400:]
        self.structure.feed(chunk)

    def finish(self) -> Optional[int]:
        if b"-- MariaDB dump " not in self.head and b"-- MySQL dump " not in self.head:
            self._refuse("it does not begin as a dump")
        if not self.tail.rstrip().endswith(b"\n-- Dump completed"):
            self._refuse("it has no end")
        self.structure.finish()
        for wanted, found, words in ((self.tables, self.structure.tables, "tables"), (self.events, self.structure.events, "events"),
                                     (self.exact, self.structure.exact, "columns of exact values")):
            if wanted is not None and wanted != found:
                self._refuse("it holds {0} {1}, the server had {2}".format(found, words, wanted))
        return None if self.tables is None else self.structure.tables

    def _refuse(self, detail: str) -> None:
        raise BackupError("structure_unreadable", file=self.file, format=self.format, detail=detail)


_NEXT = re.compile(
    rb"(?P<quote>['\"`])|(?P<line>#|--(?=[ \t\n]))|(?P<comment>/\*(?!M?!))"
    rb"|^(?P<rows>INSERT INTO `(?:[^`]|``)+` (?:\(`(?:[^`]|``)+`(?:, ?`(?:[^`]|``)+`)*\) )?VALUES)"
    rb"|^DELIMITER (?P<delimiter>\S+)$"
    rb"|^/\*!50003 SET sql_mode += (?P<mode>'[^']*'|@saved_sql_mode)"
    rb"|^(?P<body>(?:/\*!\d{5} )?CREATE\b)", re.MULTILINE)
# Written so that each byte can be read in one way only: a text without an end must not take for ever.
_ESCAPED = {quote: re.compile(rb"[^" + quote + rb"\\]*(?:\\.[^" + quote + rb"\\]*)*" + quote, re.DOTALL) for quote in (b"'", b'"')}
_UNESCAPED = {quote: re.compile(rb"[^" + quote + rb"]*" + quote) for quote in (b"'", b'"', b"`")}
_TABLE = b"-- Table structure for table "
EXACT = b"-- Exact values"      # before those of a FLOAT column, which the rows hold with six digits
_LINE = 1 << 20        # bytes: a longer line is looked at before its end is there
_TOKEN = 64 << 20      # bytes: a quoted text of a definition is never longer


class Structure:
    """Counts what a dump announces, reading it as the client does: what stands in quotes, in comments or in the body of a routine is no line of
    the tool's. Rows pass at the speed of a search: the tool escapes line ends in them, so the first `;` at a line's end is theirs.
    """

    def __init__(self) -> None:
        self.tables = 0
        self.exact = 0             # columns whose exact values it has
        self.events = 0            # blocks with another delimiter: in a part of events each is one
        self.rows = False          # within the rows of an INSERT
        self.block = False         # another delimiter than `;` is set: the body of a routine, a trigger, an event
        self.body = False          # within a block, after the tool's own statements
        self.mode = b""            # the sql_mode that the next body is read in
        self.rule = False          # the line before was `--` alone
        self.pending = b"\n"       # what is not read yet, after the byte before it
        self.endless = False

    def feed(self, chunk: bytes) -> None:
        if self.endless:
            return
        data = self.pending + chunk
        newline = data.rfind(b"\n") + 1
        limit = newline if newline > 1 or len(data) < _LINE else len(data)
        at = 1
        while at < len(data):
            step = self._rows(data, at) if self.rows else self._step(data, at, limit)
            if step < 0:
                break
            at = step
        self.pending = data[at - 1:]
        self.endless = len(self.pending) > _TOKEN

    def finish(self) -> None:
        self.feed(b"\n")

    def _rows(self, data: bytes, at: int) -> int:
        end = data.find(b";\n", at)
        if end < 0:
            return len(data) - 1 if at < len(data) - 1 else -1
        self.rows = False
        return end + 1

    def _step(self, data: bytes, at: int, limit: int) -> int:
        """Where to go on, -1 when more must be there first."""
        found = _NEXT.search(data, at, limit)
        if not found:
            return limit if limit > at else -1
        kind, start, after = found.lastgroup, found.start(), found.end()
        if kind == "quote":
            ended = self._pattern(found.group()).match(data, after)
            return ended.end() if ended else self._wait(data, at, start)
        if kind in ("line", "comment"):
            end = data.find(b"\n" if kind == "line" else b"*/", after)
            if end < 0:
                return self._wait(data, at, start)
            if kind == "line" and data[start - 1:start] == b"\n" and not self.block:
                line = data[start:end]
                self.tables += self.rule and line.startswith(_TABLE)
                self.exact += self.rule and line.startswith(EXACT)
                self.rule = line == b"--"
            return end if kind == "line" else end + 2
        if kind == "rows":
            self.rows = not self.block
        elif kind == "delimiter":
            self.block, self.body = found.group("delimiter") != b";", False
            self.events += self.block
        elif kind == "mode" and not self.body:
            self.mode = found.group("mode")
        elif kind == "body":
            self.body = self.block
        return after

    @staticmethod
    def _wait(data: bytes, at: int, start: int) -> int:
        return start if start > at else -1

    def _pattern(self, quote: bytes) -> Any:
        mode = self.mode if self.body else b""
        if quote == b"`" or b"NO_BACKSLASH_ESCAPES" in mode or (quote == b'"' and b"ANSI_QUOTES" in mode):
            return _UNESCAPED[quote]
        return _ESCAPED[quote]


_QUOTED = rb"`(?:[^`]|``){1,400}`|\"(?:[^\"]|\"\"){1,400}\""
_WORDS = re.compile(rb"DEFINER=(?P<user>" + _QUOTED + rb")(?:@(?P<host>" + _QUOTED + rb"))?"
                    rb"|^/\*!50001 VIEW (?P<view>.*)$|SET time_zone +?= '(?P<zone>[A-Za-z][A-Za-z0-9_/+-]{0,63})'", re.MULTILINE)
_QUALIFIER = re.compile(rb"`((?:[^`]|``)+)`\.`")
_MOST = 2000           # names of a kind that are remembered


class Definer(NamedTuple):
    """An account, or with no host a role, whose rights an object of the copy works with."""

    user: str
    host: Optional[str]

    def sql(self) -> str:
        return identifier(self.user) + ("" if self.host is None else "@" + identifier(self.host))


class References:
    """What a dump takes for granted outside its database: definers, time zones, other databases that its views read.

    A text may name more than it needs: each is made only where nothing but the text is (a throw-away server), or told.
    """

    def __init__(self) -> None:
        self.definers: Set[Definer] = set()
        self.zones: Set[str] = set()
        self.qualifiers: Set[str] = set()
        self.pending = b""

    def feed(self, chunk: bytes) -> None:
        data = self.pending + chunk
        end = data.rfind(b"\n") + 1
        if not end and len(data) < _LINE:
            self.pending = data
            return
        lines, self.pending = (data[:end], data[end:]) if end else (data, data[-1024:])
        if b"DEFINER=" in lines or b"50001 VIEW" in lines or b"SET time_zone" in lines:
            for found in _WORDS.finditer(lines):
                self._take(found)

    def _take(self, found: Any) -> None:
        if found.group("user") and len(self.definers) < _MOST:
            self.definers.add(Definer(_unquoted(found.group("user")), _unquoted(found.group("host")) if found.group("host") else None))
        if found.group("zone") and found.group("zone") != b"SYSTEM" and len(self.zones) < _MOST:
            self.zones.add(found.group("zone").decode("ascii"))
        if found.group("view") and len(self.qualifiers) < _MOST:
            self.qualifiers.update(name.replace(b"``", b"`").decode("utf-8", "replace") for name in _QUALIFIER.findall(found.group("view")))


def _unquoted(name: bytes) -> str:
    quote = name[:1]
    return name[1:-1].replace(quote * 2, quote).decode("utf-8", "replace")


def facts_in(row: Dict[str, Any]) -> Dict[str, Any]:
    """The facts of a part as a manifest has them; none where they are no table."""
    return row["facts"] if isinstance(row.get("facts"), dict) else {}


def of_manifest(row: Dict[str, Any], label: str) -> Dict[str, Any]:
    """The facts of a part that go into statements, in their strict form: a copy is data, it says nothing to the server.

    Raises manifest_unreadable.
    """
    facts = row["facts"]
    if not isinstance(facts, dict):
        _strange(label, "facts", facts)
    for key in ("charset", "collation"):
        if not isinstance(facts.get(key), str) or not _PLAIN.match(facts[key]):
            _strange(label, key, facts.get(key))
    if not is_name(facts.get("database")):
        _strange(label, "database", facts.get("database"))
    engines = facts.get("engines")
    if not isinstance(engines, dict) or not all(isinstance(name, str) and _PLAIN.match(name.replace("-", "_")) for name in engines):
        _strange(label, "engines", engines)
    for key in ("size", "tables", "events", "versioned", "default_sequences"):
        if facts.get(key) is not None and (isinstance(facts[key], bool) or not isinstance(facts[key], int) or not 0 <= facts[key] < 1 << 63):
            _strange(label, key, facts[key])
    exact = facts.get("exact", [])
    if not isinstance(exact, list) or not all(isinstance(each, list) and len(each) == 2 and all(map(_of_table, each)) for each in exact):
        _strange(label, "exact", exact)
    if not isinstance(facts.get("reads", []), list) or not all(is_name(name) for name in facts.get("reads", [])):
        _strange(label, "reads", facts["reads"])
    return facts


def _strange(label: str, key: str, value: Any) -> None:
    raise BackupError("manifest_unreadable", label=label, location="its manifest", detail="{0} is {1!r}".format(key, value)[:300])


def _of_table(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= NAME_LIMIT and not set(value) & set("\0\r\n")


def is_name(value: Any) -> bool:
    """Whether a value can be the name of a database that is not the server's own."""
    return isinstance(value, str) and 0 < len(value) <= NAME_LIMIT and value.lower() not in SYSTEM and "\0" not in value


def plain(value: str, where: str) -> str:
    """A name of a character set or a collation as the server told it. Raises source_unreachable for anything else."""
    if not _PLAIN.match(value):
        raise BackupError("source_unreachable", source=where, detail="it names a character set or collation {0!r}".format(value[:80]))
    return value


def identifier(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def pattern(name: str) -> str:
    """A database's name where the server reads it as a pattern, as in GRANT: `_` and `%` would stand for others."""
    return identifier(re.sub(r"([\\_%])", r"\\\1", name))


def text(value: str) -> str:
    """A text as SQL in hexadecimal: no mode of the server reads it otherwise."""
    return "CONVERT(0x{0} USING utf8mb4)".format(value.encode("utf-8").hex())


def decode(hexadecimal: str) -> str:
    return bytes.fromhex(hexadecimal).decode("utf-8", "replace")


def lines_of(answer: str, columns: int) -> Sequence[List[str]]:
    """Rows of HEX() columns, decoded."""
    return [[decode(field) for field in line.split("\t")] for line in answer.split("\n") if line.count("\t") == columns - 1 and line]
