# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of one more copy, merged into the index: both are in one order, so each is read once and neither is held in memory."""

from __future__ import annotations

import os
import sqlite3
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

from . import pages
from .index import OPEN, Index, has_words

_TOGETHER = 5000      # changes that are written at once


class Row(NamedTuple):
    """A version that the index has of a name."""

    key: bytes
    file: int
    first: int
    last: int
    kind: str
    size: int
    modified: int

    def is_of(self, name: pages.Name) -> bool:
        return (self.kind, self.size, self.modified) == name[1:]


def folded(text: str) -> str:
    """Without case and accents, as people ask for a name. What is no UTF-8 is a question mark of its own."""
    apart = unicodedata.normalize("NFKD", os.fsencode(text).decode("utf-8", "replace")).casefold()
    return "".join(sign for sign in unicodedata.normalize("NFKD", apart) if not unicodedata.combining(sign))


def add(index: Index, label: str, place: int, names: Iterable[pages.Name]) -> int:
    """Add a copy, wherever it comes among the others; how many names it has. Nothing is added when `names` raises. One that is there stays as it is."""
    with index.changing() as connection:
        if connection.execute("SELECT 1 FROM point WHERE label = ? OR id = ?", (label, place)).fetchone():
            return 0
        merge = _Merge(connection, place, *index.points().around(place))
        count = merge.run(names)
        connection.execute("INSERT INTO point (id, label, names) VALUES (?, ?, ?)", (place, label, count))
    return count


class _Merge:
    """What becomes of the rows around a new point: `before` and `after` are its neighbours, where it has any."""

    def __init__(self, connection: sqlite3.Connection, place: int, before: int | None, after: int | None) -> None:
        self.connection, self.place, self.before, self.after = connection, place, before, after
        self.last = OPEN if after is None else place       # of a row that begins here
        self.made: list[tuple[int, int, str, int, int, bytes]] = []
        self.files: list[tuple[bytes, str]] = []
        self.moved: list[tuple[int, int, int, int]] = []   # first and last, of the row of that file with that first
        self.gone: list[tuple[int, int]] = []
        self.words = has_words(connection)

    def run(self, names: Iterable[pages.Name]) -> int:
        count = 0
        there = self._there()
        key, rows = next(there, (None, []))
        former = b""
        for name in names:
            if name.key <= former:
                raise pages.Refused("its names are not in their order", "sus nombres no están en su orden")
            former = name.key
            count += 1
            if count > pages.MOST_NAMES:
                raise pages.Refused("it has more names than a copy can have", "tiene más nombres de los que una copia puede tener")
            while key is not None and key < name.key:
                self._without(rows)
                key, rows = next(there, (None, []))
            if key == name.key:
                self._with(rows, name)
                key, rows = next(there, (None, []))
            else:
                self._new(name)
            if len(self.made) + len(self.moved) + len(self.gone) >= _TOGETHER:
                self._write()
        while key is not None:
            self._without(rows)
            key, rows = next(there, (None, []))
        self._write()
        return count

    def _there(self) -> Iterator[tuple[bytes, list[Row]]]:
        """The rows that reach into the gap where the point comes, by name, in the order of the names: by the index of the keys, nothing is sorted."""
        low, high = -1 if self.before is None else self.before, OPEN if self.after is None else self.after
        found = self.connection.execute(
            """SELECT f.key, v.file, v.first, v.last, v.kind, v.size, v.modified FROM file f CROSS JOIN version v ON v.file = f.id
               WHERE v.last >= ? AND v.first <= ? ORDER BY f.key, v.first""", (low, high))
        for key, rows in groupby(map(Row._make, found), lambda row: row.key):
            yield key, list(rows)

    def _neighbours(self, rows: list[Row]) -> tuple[Row | None, Row | None]:
        """Those of the points before and after; they may be one. What lies between is of no point any more, and goes."""
        before = after = None
        for row in rows:
            here = False
            if self.before is not None and row.first <= self.before <= row.last:
                before, here = row, True
            if self.after is not None and row.first <= self.after <= row.last:
                after, here = row, True
            if not here:
                self.gone.append((row.file, row.first))
        return before, after

    def _without(self, rows: list[Row]) -> None:
        """The new copy has no such name."""
        before, after = self._neighbours(rows)
        self._clip(before, after)

    def _with(self, rows: list[Row], name: pages.Name) -> None:
        before, after = self._neighbours(rows)
        is_before, is_after = before is not None and before.is_of(name), after is not None and after.is_of(name)
        if before is not None and is_before:
            if before is after:
                return
            if after is not None and is_after:       # what parted them is gone
                self.gone.append((after.file, after.first))
                self._bound(before, before.first, after.last)
                return
            self._bound(before, before.first, self.last)
            self._clip(None, after)
        elif after is not None and is_after:
            self._bound(after, self.place, after.last)
            self._clip(before, None)
        else:
            self._clip(before, after)
            self._new(name)

    def _clip(self, before: Row | None, after: Row | None) -> None:
        """The rows end before the new point, and begin after it; one that goes over it becomes two."""
        if before is not None and before is after:
            self.moved.append((before.first, self.before or 0, before.file, before.first))
            self.made.append((self.after or 0, before.last, before.kind, before.size, before.modified, before.key))
            return
        if before is not None and before.last >= self.place:
            self._bound(before, before.first, self.before or 0)
        if after is not None and after.first <= self.place:
            self._bound(after, self.after or 0, after.last)

    def _bound(self, row: Row, first: int, last: int) -> None:
        if (row.first, row.last) != (first, last):
            self.moved.append((first, last, row.file, row.first))

    def _new(self, name: pages.Name) -> None:
        self.files.append((name.key, folded(pages.path_of(name.key).rpartition("/")[2])))
        self.made.append((self.place, self.last, name.kind, name.size, name.modified, name.key))

    def _write(self) -> None:
        """Of names that were passed already: what is still to be read stays as it is."""
        self.connection.executemany("DELETE FROM version WHERE file = ? AND first = ?", self.gone)
        self.connection.executemany("UPDATE version SET first = ?, last = ? WHERE file = ? AND first = ?", self.moved)
        newest = self.connection.execute("SELECT coalesce(max(id), 0) FROM file").fetchone()
        self.connection.executemany("INSERT OR IGNORE INTO file (key, folded) VALUES (?, ?)", self.files)
        if self.words:
            self.connection.execute("INSERT INTO word (rowid, folded) SELECT id, folded FROM file WHERE id > ?", newest)
        self.connection.executemany(
            "INSERT INTO version (file, first, last, kind, size, modified) SELECT id, ?, ?, ?, ?, ? FROM file WHERE key = ?", self.made)
        for written in (self.gone, self.moved, self.files, self.made):
            written.clear()
