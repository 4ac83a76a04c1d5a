# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The index of names of one system: a SQLite file that a directory of the controller's own account holds, and nobody else reads.

A row of `version` says that a name was the same in all copies from one point to another: a name that changes has a row more, one that stays has none.
A point is a copy of which the names are known. Points go with their copies; rows keep the bounds they had, and mean those points between them
that are still there (`Points`): so a copy that goes costs little. What the file holds can be made again from the copies at any time.
"""

from __future__ import annotations

import bisect
import contextlib
import os
import sqlite3
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ...module_utils._engine import label as labels
from ...module_utils._engine.errors import BackupError, in_both
from .. import _places as places
from .._bitacora import store

OPEN = (1 << 63) - 1       # the bound of a row that the newest point still has
_FORM = 1                  # a file of another form is made anew
_APPLICATION_ID = 0x5253504E
_BUSY_SECONDS = 60

_SCHEMA = (
    "CREATE TABLE point (id INTEGER PRIMARY KEY, label TEXT NOT NULL UNIQUE, names INTEGER NOT NULL)",
    "CREATE TABLE file (id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, folded TEXT NOT NULL)",
    """CREATE TABLE version (file INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, kind TEXT NOT NULL, size INTEGER NOT NULL,
       modified INTEGER NOT NULL, PRIMARY KEY (file, first)) WITHOUT ROWID""",
    f"PRAGMA application_id = {_APPLICATION_ID}",
    f"PRAGMA user_version = {_FORM}",
)

# Each three characters of the folded names, to begin a search with; SQLite before 3.34 has no such thing, and each name is looked at instead.
_WORDS = "CREATE VIRTUAL TABLE word USING fts5(folded, content='', tokenize='trigram', detail=none)"


class Points(NamedTuple):
    """The points of an index, in their order, and their labels."""

    ids: list[int]
    labels: list[str]

    def between(self, first: int, last: int) -> list[str]:
        """The labels of those that a row with these bounds means, oldest first."""
        return self.labels[bisect.bisect_left(self.ids, first):bisect.bisect_right(self.ids, last)]

    def around(self, place: int) -> tuple[int | None, int | None]:
        """The points before and after a place."""
        before, after = bisect.bisect_left(self.ids, place), bisect.bisect_right(self.ids, place)
        return (self.ids[before - 1] if before else None), (self.ids[after] if after < len(self.ids) else None)


def id_of(copy: Mapping[str, Any]) -> int:
    """The place of a copy among those of its system, by when it began as the bitácora has it; the number of its label parts those of one second."""
    tail = str(copy["label"]).rpartition("_")[2]
    return place_of(str(copy.get("started_at") or copy["at_event"])) + (int(tail) if len(tail) < 4 and tail.isdigit() else 1)


def place_of(moment: str) -> int:
    """Where a moment, as the bitácora writes times, lies among the points."""
    return int("".join(filter(str.isdigit, moment))[:14].ljust(14, "0")) * 1000


class Index:
    """The index of one system, opened; use as a context manager. `anew` begins from nothing. Raises names_unreadable."""

    def __init__(self, directory: str, system: str, readonly: bool = False, anew: bool = False) -> None:
        self.path = path_of(directory, system)
        self.readonly = readonly
        try:
            self._refuse_others(self.path.parent)
            if anew:
                self._remove()
            self.connection = self._opened()
        except (OSError, sqlite3.Error) as error:
            raise self.unreadable(error) from error

    def unreadable(self, error: object) -> BackupError:
        return BackupError("names_unreadable", path=self.path, detail=error)

    def _refuse_others(self, directory: Path) -> None:
        """What lies where others may write could be theirs, and what others may read tells them names of files."""
        if not self.readonly:
            if places.is_thrown_away(directory):
                raise BackupError("kept_thrown_away", path=directory)
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = os.lstat(directory)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
            raise self.unreadable(in_both(f"{directory} is not a directory of this account alone (mode 0700)",
                                          f"{directory} no es un directorio solo de esta cuenta (modo 0700)"))

    def _remove(self) -> None:
        for end in ("", "-journal"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(str(self.path) + end)

    def _opened(self) -> sqlite3.Connection:
        flags = os.O_RDONLY if self.readonly else os.O_RDWR | os.O_CREAT
        os.close(os.open(self.path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
        connection = sqlite3.connect(self.path, timeout=_BUSY_SECONDS, isolation_level=None)
        try:
            # what goes is gone: its bytes too
            connection.execute("PRAGMA query_only = ON" if self.readonly else "PRAGMA secure_delete = ON")
            form = connection.execute("PRAGMA user_version").fetchone()[0]
            if form != _FORM and self.readonly:
                raise sqlite3.DatabaseError("it was never filled, or by another version")
            if form != _FORM:
                _make(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def __enter__(self) -> Index:
        return self

    def __exit__(self, *_unused: object) -> None:
        self.connection.close()

    def points(self) -> Points:
        rows = self.connection.execute("SELECT id, label FROM point ORDER BY id").fetchall()
        return Points([row[0] for row in rows], [row[1] for row in rows])

    @contextlib.contextmanager
    def changing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it or nothing, whatever ends the run."""
        try:
            with _immediately(self.connection):
                yield self.connection
        except (OSError, sqlite3.Error) as error:
            raise self.unreadable(error) from error

    def drop(self, gone: Iterable[str]) -> None:
        """Take out the points whose copies are gone, and what only they had."""
        with self.changing() as connection:
            places_of = [row[0] for label in gone for row in connection.execute("SELECT id FROM point WHERE label = ?", (label,)).fetchall()]
            connection.executemany("DELETE FROM point WHERE id = ?", [(place,) for place in places_of])
            points = self.points()
            for before, after in dict.fromkeys(points.around(place) for place in sorted(places_of)):
                _close_gap(connection, before, after)

    def told(self) -> Iterator[tuple[bytes, str, int, int, list[str]]]:
        """All that the index says, row by row: key, kind, size, time, labels. One that is made anew says the same."""
        points = self.points()
        for key, kind, size, modified, first, last in self.connection.execute(
                "SELECT f.key, v.kind, v.size, v.modified, v.first, v.last FROM file f CROSS JOIN version v ON v.file = f.id ORDER BY f.key, v.first"):
            yield key, kind, size, modified, points.between(first, last)


def directory_of(given: str) -> str:
    """Where the indexes are: as the inventory says, else beside the bitácora, or where that would be by itself if it is in a database."""
    url = store.resolve_url()
    return given or str(store.path_of(store.default_url() if url.startswith(store.SERVER_SCHEMES) else url).parent / "nombres")


def path_of(directory: str, system: str) -> Path:
    return Path(directory) / (labels.canonical(system) + ".sqlite3")


def _make(connection: sqlite3.Connection) -> None:
    with _immediately(connection):
        if connection.execute("PRAGMA user_version").fetchone()[0] != _FORM:      # no other run was quicker
            for name in ("point", "file", "version", "word"):
                connection.execute("DROP TABLE IF EXISTS " + name)
            for statement in _SCHEMA:
                connection.execute(statement)
            with contextlib.suppress(sqlite3.OperationalError):
                connection.execute(_WORDS)


def has_words(connection: sqlite3.Connection) -> bool:
    """Whether the index begins a search by three characters."""
    return connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'word'").fetchone() is not None


@contextlib.contextmanager
def _immediately(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _close_gap(connection: sqlite3.Connection, before: int | None, after: int | None) -> None:
    """Where points went between two others: remove the rows that mean no point any more, and make one of two that nothing parts any more."""
    bounds = (-1 if before is None else before, OPEN if after is None else after)
    inside = "first > ? AND last {0} ?".format("<" if after is not None else "<=")
    connection.execute("CREATE TEMP TABLE gone AS SELECT DISTINCT file FROM version WHERE " + inside, bounds)
    connection.execute("DELETE FROM version WHERE " + inside, bounds)
    nameless = " FROM file WHERE id IN (SELECT file FROM gone) AND NOT EXISTS (SELECT 1 FROM version WHERE file = id)"
    if has_words(connection):
        connection.execute("INSERT INTO word (word, rowid, folded) SELECT 'delete', id, folded" + nameless)
    connection.execute("DELETE" + nameless)
    connection.execute("DROP TABLE gone")
    if before is None or after is None:
        return
    same = connection.execute(
        """SELECT b.last, a.file, a.first, b.first FROM version b CROSS JOIN version a ON a.file = b.file AND a.first < b.first
           WHERE b.first > ? AND b.first <= ? AND a.last >= ? AND a.last < ? AND a.kind = b.kind AND a.size = b.size AND a.modified = b.modified""",
        (before, after, before, after)).fetchall()
    connection.executemany("DELETE FROM version WHERE file = ? AND first = ?", [(row[1], row[3]) for row in same])
    connection.executemany("UPDATE version SET last = ? WHERE file = ? AND first = ?", [row[:3] for row in same])
