# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of one table, compared by their values in any order: a row is a line, its fields separated by tabs.

First as they come, block by block (Whole): data that was just loaded nearly always lies in the order it was loaded in, and equal bytes are equal
rows. Only tables that differ so are read again row by row, which costs about twenty times as much (benchmarks/database/results.md).
"""

from __future__ import annotations

import collections
import hashlib
from typing import Any, Counter, List, Optional, Sequence, Tuple

_MOST_ROWS = 1000000   # rows of one table that are told apart one by one


class Rows:
    """The rows of one table: a sum of their digests, and how many."""

    def __init__(self) -> None:
        self.total = 0
        self.count = 0
        self.order: Optional[List[int]] = None    # of the fields of a line, where they come otherwise than the first time
        self.begun: List[bytes] = []              # of a row that is longer than what is held
        self.long: Any = None

    def update(self, piece: bytes) -> None:
        """Whole lines; only the last may be the beginning of one."""
        lines = piece.split(b"\n")
        last = lines.pop()
        if self.begun or self.long:
            if not lines:
                self._begin(last)
                return
            self._begin(lines.pop(0))
            self._end()
        if last:
            self._begin(last)
        self.count += len(lines)
        self.add(lines if self.order is None else [self._ordered(line) for line in lines])

    def add(self, lines: Sequence[bytes]) -> None:
        digest, number = hashlib.blake2b, int.from_bytes
        self.total += sum([number(digest(line).digest(), "little") for line in lines])

    def _begin(self, piece: bytes) -> None:
        if self.order is not None:
            self.begun.append(piece)
            return
        self.long = self.long or hashlib.blake2b()
        self.long.update(piece)

    def _end(self) -> None:
        self.count += 1
        if self.order is not None:
            self.add([self._ordered(b"".join(self.begun))])
        else:
            self.total += int.from_bytes(self.long.digest(), "little")
        self.begun, self.long = [], None

    def _ordered(self, line: bytes) -> bytes:
        fields = line.split(b"\t")
        return b"\t".join([fields[place] for place in self.order or ()]) if len(fields) == len(self.order or ()) else line

    def same(self, other: "Rows") -> bool:
        return (self.count, self.total) == (other.count, other.total)


class NotAsked(Rows):
    """Rows that are passed over."""

    def update(self, piece: bytes) -> None:
        pass


class Whole(Rows):
    """The rows of one table as they come: of each block of them a digest, under its columns. The order of the blocks does not matter."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks: List[Tuple[Tuple[bytes, ...], bytes]] = []
        self.columns: Tuple[bytes, ...] = ()

    def begin(self, columns: Tuple[bytes, ...]) -> None:
        self.end()
        self.columns = columns

    def update(self, piece: bytes) -> None:
        self.long = self.long or hashlib.sha256()
        self.long.update(piece)

    def end(self) -> None:
        """A block without rows is none: a table that has no rows is the same as one that is not there."""
        if self.long:
            self.blocks.append((self.columns, self.long.digest()))
            self.long = None

    def same(self, other: Rows) -> bool:
        self.end()
        if not isinstance(other, Whole):
            return False
        other.end()
        return sorted(self.blocks) == sorted(other.blocks)


class Examined(Rows):
    """The rows of a table that differs: which columns, how many rows."""

    def __init__(self) -> None:
        super().__init__()
        self.columns: Sequence[bytes] = ()
        self.sums: List[int] = []
        self.rows: Counter[bytes] = collections.Counter()

    def _begin(self, piece: bytes) -> None:
        self.begun.append(piece)

    def _end(self) -> None:
        self.count += 1
        self.add([self._ordered(b"".join(self.begun)) if self.order is not None else b"".join(self.begun)])
        self.begun = []

    def add(self, lines: Sequence[bytes]) -> None:
        super().add(lines)
        for line in lines:
            fields = line.split(b"\t")
            self.sums += [0] * (len(fields) - len(self.sums))
            for place, field in enumerate(fields):
                self.sums[place] += int.from_bytes(hashlib.blake2b(field, digest_size=16).digest(), "little")
            if len(self.rows) < _MOST_ROWS:
                self.rows[hashlib.blake2b(line, digest_size=12).digest()] += 1

    def differing(self, other: "Examined") -> str:
        """In words: how many rows each has, how many are in one only, in which columns."""
        told = "{0} rows copied, {1} restored".format(self.count, other.count)
        if max(len(self.rows), len(other.rows)) < _MOST_ROWS:
            told += "; {0} only in the copy, {1} only in what was restored".format(
                sum((self.rows - other.rows).values()), sum((other.rows - self.rows).values()))
        if self.count == other.count and len(self.sums) == len(other.sums):
            named = len(self.columns) == len(self.sums)
            apart = [self.columns[place].decode("utf-8", "replace") if named else "number {0}".format(place + 1)
                     for place, (mine, theirs) in enumerate(zip(self.sums, other.sums)) if mine != theirs]
            told += "; in columns: " + ", ".join(apart) if apart else "; the same values, in other rows"
        return told
