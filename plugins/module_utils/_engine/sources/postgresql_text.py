# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pg_dump's text of a database, read so that two of them can be compared: definitions object by object, rows by what they hold.

A table's rows are those that go into it by its name, whatever partition of it they lay in: the same values are the same rows in any order of
rows and of columns. The first reading tells the tables whose rows are not the same bytes in the same order; only of these a second one takes a sum
of the digests of their rows. Memory does not grow with the data.
"""

from __future__ import annotations

import re
from typing import Callable, Dict, List, NamedTuple, Optional, Set, Tuple

from . import databases
from .databases_rows import Examined, NotAsked, Rows, Whole

_VERSIONS = re.compile(rb"^-- Dumped (?:from|by) .*$", re.MULTILINE)
_RESTRICT = re.compile(rb"^\\(?:un)?restrict .*$", re.MULTILINE)     # rows can't look so: COPY doubles a backslash
_NAME = rb'(?:"(?:[^"]|"")*"|[^\s",.()]+)'
_HEADER = re.compile(rb"(" + _NAME + rb"(?:\." + _NAME + rb")?) \((" + _NAME + rb"(?:, " + _NAME + rb")*)\)\Z")
_COLUMN = re.compile(_NAME)
_DATA = b"; Type: TABLE DATA; "
_COPY, _STDIN, _END = b"\nCOPY ", b" FROM stdin;\n", b"\\.\n"
_HELD = 4 << 20        # bytes that are held together
_LONGEST_ROW = 4 << 20
_LONGEST_HEADING = 1 << 20
_LONGEST_BODY = 1 << 20
_LAST = b"PostgreSQL database dump complete"
# Definitions that hold expressions. pg_dump can't name the schema of an operator in all of them (a IS DISTINCT FROM b, NULLIF,
# IN, CASE x WHEN), so another operator, with casts of its own, may be found when they are restored: the tool's limit, not a damage of the copy.
_WITH_EXPRESSIONS = re.compile(r"Name: .*; Type: (?:TRIGGER|RULE|VIEW|MATERIALIZED VIEW|POLICY|INDEX|CONSTRAINT|CHECK CONSTRAINT|DEFAULT|DOMAIN|"
                               r"TABLE|FUNCTION|PROCEDURE|STATISTICS|PUBLICATION TABLE); Schema: ", re.DOTALL)
_INHERITING = re.compile(r"(?P<before>CREATE [^\n]*TABLE [^\n]* \(\n)(?P<columns>.*?)(?P<after>\n\)\nINHERITS \(.*)", re.DOTALL)
_SETTING = re.compile(r"^SET default_(?:tablespace|table_access_method|with_oids) = [^\n]*;$\n?", re.MULTILINE)
_WORD = r'(?:"(?:[^"]|"")*"|[A-Za-z_][A-Za-z0-9_$]*)'
_TYPE = _WORD + r"(?:\." + _WORD + r")?(?: (?:varying|precision|without time zone|with time zone))?(?:\(\d+(?:,\d+)?\))?(?:\[\])*"
_PIECE = re.compile(r"(?P<text>'(?:[^']|'')*')|::" + _TYPE + r"|OPERATOR\((?:" + _WORD + r"\.)?(?P<sign>[^\s()]+)\)|(?P<rest>" + _WORD + r"|[^\s()])")


class Title(NamedTuple):
    """What pg_dump announces an object by."""

    name: str
    type: str
    schema: str

    def __str__(self) -> str:
        return "{0} {1}{2}".format(self.type, "" if self.schema == "-" else self.schema + ".", self.name)


def title_of(text: str) -> Title:
    found = re.match(r"(?:Data for )?Name: (.*); Type: (.*?); Schema: (.*?)(?:; Owner: .*)?\Z", text, re.DOTALL)
    return Title(*found.groups()) if found else Title(text, "", "-")


class Text(databases.Sections):
    """The text of a dump as it passes. `like` is the one that it is compared with, read before. `kind` says how the rows of a table are taken."""

    def __init__(self, like: Optional["Text"] = None, kind: Callable[[bytes], Rows] = lambda table: Whole()) -> None:
        super().__init__(_clean)
        self.columns: Dict[bytes, Tuple[bytes, ...]] = like.columns if like else {}
        self.tables: Dict[bytes, Rows] = {}
        self.kind = kind
        self.rows: Optional[Rows] = None      # into which the lines go, within the rows of a table
        self.preamble = False                 # within what stands before the first object of an archive that is not the first
        self.heading = False                  # within a section of rows, before them
        self.fresh = True                     # within rows: what comes next begins a line

    def feed(self, chunk: bytes) -> None:
        data = self.pending + chunk if self.pending else chunk
        at = 0
        while at >= 0:
            if self.rows is not None:
                at = self._in_rows(data, at)
            elif self.heading:
                at = self._in_heading(data, at)
            else:
                at = self._in_definitions(data, at)

    def _in_rows(self, data: bytes, at: int) -> int:
        """Where to go on, -1 when more must be there first, which is then kept."""
        if self.rows is None:
            raise AssertionError("rows are read within a table's")
        if self.fresh:
            if data.startswith(_END, at):
                self.rows = None
                return at + len(_END) - 1
            if len(data) - at < len(_END) and _END.startswith(data[at:]):
                self.pending = data[at:]
                return -1
        end = data.find(b"\n" + _END, at) + 1 or data.rfind(b"\n", at) + 1
        if end:
            self.rows.update(data[at:end])
            self.fresh = True
            if data.startswith(_END, end):
                return end
            at = end
        self.pending = data[at:]
        if len(self.pending) > _LONGEST_ROW:
            self.rows.update(self.pending)
            self.pending, self.fresh = b"", False
        return -1

    def _in_heading(self, data: bytes, at: int) -> int:
        start = data.find(_COPY, at)
        end = data.find(_STDIN, start) if start >= 0 else -1
        if end < 0:
            self.heading = len(data) - at < _LONGEST_HEADING
            if self.heading:
                self.pending = data[at:]
                return -1
            return at
        self._take(data[at:start])
        header = data[start + len(_COPY):end]
        self.heading, self.fresh = False, True
        self.rows = self._rows_of(header)
        return end + len(_STDIN)

    def _rows_of(self, header: bytes) -> Rows:
        parsed = _HEADER.match(header)
        table, columns = (parsed.group(1), tuple(_COLUMN.findall(parsed.group(2)))) if parsed else (header, ())
        if table not in self.tables:
            self.tables[table] = self.kind(table)
        rows = self.tables[table]
        if isinstance(rows, Whole):
            rows.begin(columns)
        first = self.columns.setdefault(table, columns)
        rows.order = None if first == columns or sorted(first) != sorted(columns) else [columns.index(name) for name in first]
        if isinstance(rows, Examined):
            rows.columns = first
        return rows

    def _in_definitions(self, data: bytes, at: int) -> int:
        found = data.find(self._BEGIN, at)
        end = data.find(b"\n", found + len(self._BEGIN)) if found >= 0 else -1
        if end >= 0:
            self._take(data[at:found])
            self._close()
            self._open(data[found + len(self._BEGIN):end])
            self.heading = _DATA in self.title
            return end
        # What could be the beginning of a marker, or of a line that `clean` takes out, waits for the next chunk.
        keep = data.rfind(b"\n", at)
        for _line in range(2):
            keep = data.rfind(b"\n", at, keep) if keep > at else keep
        keep = max(keep, at) if len(data) - at < _HELD else len(data)
        self._take(data[at:keep])
        self.pending = data[keep:]
        return -1

    def another(self) -> None:
        """What comes next is the text of another archive of the same database: its beginning is no object, nor was the end of the one before."""
        self._rest()
        if self.title.strip() == _LAST:
            self._forget()
        else:
            self._close()
        self.title, self.heading, self.fresh, self.preamble = b"", False, True, True

    def _close(self) -> None:
        if self.preamble:
            self.preamble = False
            self._forget()
        else:
            super()._close()

    def _rest(self) -> None:
        if self.rows is not None:
            self.rows.update(self.pending + b"\n")
            self.rows = None
        else:
            self._take(self.pending)
        self.pending = b""

    def finish(self) -> None:
        if self.rows is not None:
            self.rows.update(self.pending + b"\n")
            self.pending = b""
        super().finish()

    def apart(self, other: "Text") -> List[bytes]:
        """The tables whose rows are not the same in the other; both were read in the same way."""
        return sorted(table for table in set(self.tables) | set(other.tables)
                      if not self._rows(table).same(other._rows(table)))

    def _rows(self, table: bytes) -> Rows:
        return self.tables.get(table) or self.kind(table)


class Bodies(Text):
    """What a dump says of some objects, by their titles."""

    def __init__(self, wanted: Set[str]) -> None:
        super().__init__(kind=lambda table: NotAsked())
        self.wanted = wanted
        self.found: Dict[str, str] = {}

    def _take(self, piece: bytes) -> None:
        name = self.title.decode("utf-8", "replace").strip()
        if name in self.wanted and len(self.found.get(name, "")) < _LONGEST_BODY:
            self.found[name] = self.found.get(name, "") + self.clean(piece, self.first).decode("utf-8", "replace")

    def _close(self) -> None:
        pass


def statement(body: str) -> str:
    """An object's SQL, without the comments before it."""
    lines = body.strip().split("\n")
    while lines and (not lines[0].strip() or lines[0].startswith("--") or re.match(r"SET [a-z_]+ = .*;\Z", lines[0])):
        lines.pop(0)
    return "\n".join(lines).strip()


def reworded(title: str, mine: str, theirs: str) -> bool:
    """Whether two texts of a definition differ only in how operators and casts of its expressions are written."""
    return bool(_WITH_EXPRESSIONS.match(title)) and _normal(mine) == _normal(theirs)


def reordered(title: str, mine: str, theirs: str) -> bool:
    """Whether two texts of a table that inherits differ only in the order of its columns: the tool makes those of the parents first."""
    one, other = (_INHERITING.match(statement(text)) for text in (mine, theirs))
    if title_of(title).type != "TABLE" or one is None or other is None:
        return False
    columns = [sorted(line.rstrip(",") for line in found.group("columns").split("\n")) for found in (one, other)]
    return columns[0] == columns[1] and one.group("before", "after") == other.group("before", "after")


def _normal(text: str) -> List[str]:
    pieces = (found.group("text") or found.group("sign") or found.group("rest") for found in _PIECE.finditer(text))
    return [piece for piece in pieces if piece]


def same_but_for_place(mine: str, theirs: str) -> bool:
    """Whether two bodies differ only in the settings that the tool writes before the next object: they follow whatever object stands before it."""
    return without_settings(mine).strip() == without_settings(theirs).strip()


def without_settings(body: str) -> str:
    return _SETTING.sub("", body)


def first_difference(mine: str, theirs: str) -> str:
    """The first line that is not the same, of both."""
    for one, other in zip((statement(mine) + "\n").split("\n"), (statement(theirs) + "\n").split("\n")):
        if one != other:
            return "{0!r} in the copy, {1!r} once restored".format(one.strip()[:200], other.strip()[:200])
    return "one is longer"


def _clean(piece: bytes, first: bool) -> bytes:
    if b"restrict " in piece:
        piece = _RESTRICT.sub(b"", piece)
    return _VERSIONS.sub(b"", piece) if first else piece
