# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where is my file? The versions of names in an index, of one office's folders and nobody else's."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from . import merging, pages
from .index import OPEN, Index, Points, has_words

DELETED = ("any", "yes", "no")
MOST_VERSIONS = 180       # of one file that an answer tells, the newest
_FEWEST = 3               # characters that the index of words knows
_FEW = 1000               # names that are looked for one by one


class Wanted(NamedTuple):
    """What is looked for. `since` and `until` are labels' places: of a version that some copy between them has."""

    name: str = ""
    folder: str = ""
    since: int = 0
    until: int = OPEN
    deleted: str = "any"
    limit: int = 50


class Version(NamedTuple):
    """A file as it was in some copies, one after the other; their labels, oldest first."""

    kind: str
    size: int
    modified: int
    labels: list[str]


class Found(NamedTuple):
    """A name with its versions, oldest first; whether the newest copy has it no more."""

    path: str
    deleted: bool
    versions: list[Version]


class Answer(NamedTuple):
    found: list[Found]
    more: bool           # there are more than the limit


class Offices(NamedTuple):
    """Whose the names of a system are: its own office's, but in shared folders of others (path -> office)."""

    own: str
    folders: Mapping[str, str]

    def of(self, path: str) -> str:
        """The office of a path: that of the innermost folder around it."""
        around = [folder for folder in self.folders if path == folder or path.startswith(folder.rstrip("/") + "/")]
        return self.folders[max(around, key=len)] if around else self.own


def search(index: Index, wanted: Wanted, office: str, offices: Offices, known: Collection[str]) -> Answer:
    """The names that are looked for; with `office` those of that office only, and of the copies `known` only. Raises names_unreadable."""
    there = index.points()
    kept = [at for at, label in enumerate(there.labels) if label in known]
    points = Points([there.ids[at] for at in kept], [there.labels[at] for at in kept])
    found: list[Found] = []
    if not points.ids:
        return Answer([], False)
    try:
        for file, key in _files(index.connection, wanted, points):
            path = pages.path_of(key)
            if office and offices.of(path) != office:
                continue
            versions = [Version(kind, size, modified, points.between(first, last)) for first, last, kind, size, modified in index.connection.execute(
                "SELECT first, last, kind, size, modified FROM version WHERE file = ? ORDER BY first", (file,))]
            versions = [each for each in versions if each.labels]
            deleted = versions[-1].labels[-1] != points.labels[-1] if versions else True
            if not versions or wanted.deleted == ("no" if deleted else "yes"):
                continue
            if len(found) == wanted.limit:
                return Answer(found, True)
            found.append(Found(path, deleted, versions[-MOST_VERSIONS:]))
    except sqlite3.Error as error:
        raise index.unreadable(error) from error
    return Answer(found, False)


def _files(connection: sqlite3.Connection, wanted: Wanted, points: Points) -> Iterator[tuple[int, bytes]]:
    """The files by name and folder that a copy of the time asked for has, in the order of their paths."""
    said = merging.folded(wanted.name)
    where: list[str] = ["1"]
    values: list[str | bytes | int] = []
    if said:
        few = _few(connection, said)
        if few is None:      # a word of many names: they are met soon on a walk in the order of the paths, which ends with the limit
            where.append("instr(f.folded, ?) > 0")
            values.append(said)
        else:
            where.append("f.id IN ({0})".format(", ".join(map(str, few))))
    folder = pages.key_of(wanted.folder.rstrip("/"))
    if folder:
        where.append("(f.key = ? OR f.key > ? AND f.key < ?)")
        values += [folder, folder + b"\0", folder + b"\1"]
    # the points of that time: a row counts that reaches one of them
    ids = [place for place in points.ids if wanted.since <= place <= wanted.until]
    if not ids:
        return iter(())
    where.append("EXISTS (SELECT 1 FROM version v WHERE v.file = f.id AND v.first <= ? AND v.last >= ?)")
    return connection.execute("SELECT f.id, f.key FROM file f WHERE " + " AND ".join(where) + " ORDER BY f.key", [*values, ids[-1], ids[0]])


def _few(connection: sqlite3.Connection, said: str) -> list[int] | None:
    """The files whose names have these characters, None for more than a few.

    By each three of the characters, where SQLite knows that and there are as many; else each name is looked at, as they lie.
    """
    if len(said) >= _FEWEST and has_words(connection):
        three = " AND ".join('"{0}"'.format(said[at:at + _FEWEST].replace('"', '""')) for at in range(len(said) - _FEWEST + 1))
        found = connection.execute("SELECT f.id FROM word w CROSS JOIN file f ON f.id = w.rowid WHERE word MATCH ? AND instr(f.folded, ?) > 0 LIMIT ?",
                                   (three, said, _FEW + 1)).fetchall()
    else:
        found = connection.execute("SELECT id FROM file NOT INDEXED WHERE instr(folded, ?) > 0 LIMIT ?", (said, _FEW + 1)).fetchall()
    return [row[0] for row in found] if len(found) <= _FEW else None
