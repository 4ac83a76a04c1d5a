# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is new in a folder that mails were given to, by its bytes: each is looked for once, and whoever is like it in date and marks comes first.

A mail costs its digest and its number in memory; dates and marks wait on disk.
"""

from __future__ import annotations

import array
import json
from typing import Dict, FrozenSet, Iterable, List, NamedTuple, Optional, Sequence, Set, Tuple

from . import imap_shelf
from .imap_target import Target


class Arrived(NamedTuple):
    """A mail as it lies there now."""

    uid: int
    date: str
    flags: FrozenSet[str]      # lower case


class New:
    """The mails of a folder that are not among the known UIDs, which ascend; each is read. Use as a context manager. Raises Unlistable, OSError."""

    def __init__(self, target: Target, name: str, known: Sequence[int]) -> None:
        self._shelf = imap_shelf.Shelf()
        self._one: Dict[bytes, int] = {}                     # most bytes come once
        self._more: Dict[bytes, List[Arrived]] = {}
        self._wanted: Set[bytes] = set()                     # of those, what was looked for
        try:
            self._read(target, name, known)
        except BaseException:
            self._shelf.close()
            raise

    def __enter__(self) -> "New":
        return self

    def __exit__(self, *_unused: object) -> None:
        self._shelf.close()

    def _read(self, target: Target, name: str, known: Sequence[int]) -> None:
        uids = array.array(imap_shelf.NUMBER)
        for row in target.rows(name):      # to its end, before a mail is asked for: what is removed meanwhile would shift the numbers that are listed by
            if imap_shelf.place_of(known, row.uid) < 0:
                self._shelf.put(row.uid, _told(row.date, row.flags))
                uids.append(row.uid)
        for uid in uids:
            digest = target.digest(uid)
            if digest:
                self._put(bytes.fromhex(digest), uid)

    def _put(self, digest: bytes, uid: int) -> None:
        if digest not in self._one and digest not in self._more:
            self._one[digest] = uid
            return
        if digest in self._one:
            self._more[digest] = [self._arrived(self._one.pop(digest))]
        self._more[digest].append(self._arrived(uid))

    def take(self, sha256: str, date: str, flags: Iterable[str]) -> Optional[Arrived]:
        """A mail with these bytes; None where there is none left."""
        digest = bytes.fromhex(sha256)
        if digest in self._one:
            return self._arrived(self._one.pop(digest))
        self._wanted.update((digest,) if digest in self._more else ())
        there, alike = self._more.get(digest, []), (date, frozenset(flags))
        return there.pop(next((place for place, each in enumerate(there) if each[1:] == alike), 0)) if there else None

    def doubled(self) -> int:
        """How many more there are of what was looked for."""
        return sum(len(self._more[digest]) for digest in self._wanted)

    def _arrived(self, uid: int) -> Arrived:
        date, flags = json.loads(self._shelf.take(uid) or b"")
        return Arrived(uid, date, frozenset(flags))


def _told(date: str, flags: Tuple[str, ...]) -> bytes:
    return json.dumps([date, [flag.lower() for flag in flags]]).encode("ascii")
