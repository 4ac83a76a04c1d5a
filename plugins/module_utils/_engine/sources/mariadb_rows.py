# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two dumps of MariaDB that are not the same text, looked at once more: rows may come in another order; what else differs is named."""

from __future__ import annotations

import contextlib
import hashlib
import re
from typing import Any, Callable, List

from . import mariadb_text as texts
from .databases_rows import Examined

_DATA = "Dumping data for table "
_INSERT = re.compile(rb"INSERT INTO `(?:[^`]|``)+` (?:\((?P<columns>`(?:[^`]|``)+`(?:, ?`(?:[^`]|``)+`)*)\) )?VALUES\s*")
_ROW = re.compile(rb"\s*\(((?:[^'()]|'(?:[^'\\]|\\.)*')*)\)([,;])", re.DOTALL)
_FIELD = re.compile(rb"(?:[^',]|'(?:[^'\\]|\\.)*')+", re.DOTALL)
_STRUCTURE = "Table structure for table "
_COLUMN = re.compile(rb"^  `((?:[^`]|``)+)` ", re.MULTILINE)
_NAME = re.compile(rb"`((?:[^`]|``)+)`")
_MOST_TABLES = 5

Feed = Callable[[Callable[[bytes], Any]], Any]


class _Table(texts.Difference):
    """The rows of one table and, apart from them, what else stands in its section."""

    def __init__(self, asked: str) -> None:
        super().__init__()
        self.asked = asked
        self.rows = Examined()
        self.beside = hashlib.sha256()
        self.kept = b""
        self.inserting = False
        self.columns: List[bytes] = []

    def _take(self, piece: bytes) -> None:
        title = self.title.decode("utf-8", "replace").strip()
        if title == _STRUCTURE + self.asked[len(_DATA):]:
            self.columns += _COLUMN.findall(piece)
        if title != self.asked:
            return
        self.kept += piece
        at = 0
        while True:
            if not self.inserting:
                begun = _INSERT.search(self.kept, at)
                if begun is None:
                    break
                self.beside.update(self.kept[at:begun.start()])
                self.rows.columns = _NAME.findall(begun.group("columns") or b"") or self.columns
                at, self.inserting = begun.end(), True
            row = _ROW.match(self.kept, at)
            if row is None:
                break
            self.rows.update(b"\t".join(_FIELD.findall(row.group(1).replace(b"\t", b"\\t").replace(b"\n", b"\\n"))) + b"\n")
            at, self.inserting = row.end(), row.group(2) == b","
        self.kept = self.kept[at:]

    def _close(self) -> None:
        if self.title.decode("utf-8", "replace").strip() == self.asked:
            self.beside.update(self.kept)
        self.kept, self.inserting = b"", False


def apart(copied: texts.Difference, found: texts.Difference, again: Feed, anew: Feed) -> str:
    """How two dumps differ, in words; "" when only rows of tables stand in another order. `again` and `anew` read the copy's and the other."""
    first = copied.difference(found)[0]
    missing, changed, more = copied.titles_apart(found)
    if not first or missing or more or any(not title.startswith(_DATA) for title in changed):
        others = sorted(missing) or sorted(more) or sorted(title for title in changed if not title.startswith(_DATA))
        return others[0] if others else first
    for title in sorted(changed)[:_MOST_TABLES]:
        tables: List[_Table] = []
        for reading, first_time in ((again, copied), (anew, found)):
            table = _Table(title)
            with contextlib.closing(table), contextlib.closing(texts.Difference()) as whole:
                reading(_both(table.feed, whole.feed))
                for each in (table, whole):
                    each.finish()
                if any(whole.titles_apart(first_time)):
                    return title      # it is not what was read the first time
            tables.append(table)
        mine, theirs = tables
        if not mine.rows.same(theirs.rows):
            return "table {0}: {1}".format(title[len(_DATA):], mine.rows.differing(theirs.rows))
        if mine.beside.digest() != theirs.beside.digest():
            return title + " (its triggers)"
    return "" if len(changed) <= _MOST_TABLES else first


def _both(first: Callable[[bytes], Any], second: Callable[[bytes], Any]) -> Callable[[bytes], None]:
    def feed(chunk: bytes) -> None:
        first(chunk)
        second(chunk)
    return feed
