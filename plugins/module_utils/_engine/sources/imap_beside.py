# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The index of a copy beside the mailbox as it is now (T4): what came since, what went, what was marked, and whether what is still there is what was copied.

Read as copies are: folders by EXAMINE, bodies by PEEK, so that nothing is marked. A mail is known by the number that its folder gave it, which stands for the
same bytes for ever (RFC 3501, 2.3.1.1). Of each mail number and size are compared, of some or of all the bytes.
"""

from __future__ import annotations

import array
import os
import zlib
from typing import Any, Dict, Iterator, List, Sequence, Set

from ..filesystem import descriptors
from . import imap_judging, imap_listing, imap_maildir, imap_shelf
from .imap_bounded import Bounded

_MOST_NAMED = 10


class Beside:
    """What the comparison found."""

    def __init__(self) -> None:
        self.same = self.compared = self.new = self.gone = self.marked = self.differ = 0
        self.changed: List[str] = []      # folders, each with what came, went and was marked
        self.unlike: List[str] = []       # folders of the copy that are there no more, or numbered anew
        self.others: List[str] = []       # folder:UID of other bytes

    @property
    def changes(self) -> int:
        return self.new + self.gone + self.marked


class _Index:
    """A folder of the copy: its mails in the order of their numbers, a few bytes each. Raises OSError, ValueError, KeyError."""

    def __init__(self, directory: int, file: str) -> None:
        self._directory, self._file = directory, file
        self.uids, self.sizes, self.marks = array.array("Q"), array.array("Q"), array.array("L")
        self.folder, self.uidvalidity = "", 0
        for place, told in enumerate(self._lines()):
            if not place:
                self.folder, self.uidvalidity = str(told["folder"]), int(told["uidvalidity"])
                continue
            if self.uids and told["uid"] <= self.uids[-1]:
                raise ValueError("numbers out of order")
            self.uids.append(told["uid"])
            self.sizes.append(told["size"])
            self.marks.append(_marks(told["flags"]))

    def digests(self, wanted: Set[int]) -> Iterator["tuple[int, str]"]:
        """The numbers that are wanted, each with the digest of its bytes."""
        return ((told["uid"], str(told["sha256"])) for told in self._lines() if told.get("uid") in wanted)

    def _lines(self) -> Iterator[Dict[str, Any]]:
        with os.fdopen(descriptors.regular(self._file, self._directory), "rb") as file:
            for text in file:
                yield imap_maildir.told_of(text)


def _marks(flags: Sequence[str]) -> int:
    return zlib.crc32(" ".join(sorted(flags)).encode("utf-8", "surrogateescape"))


def beside(session: Bounded, indices: int, every: bool) -> Beside:
    """Compare the indices of a copy, in a directory that is held, with what a server tells. Raises OSError, ValueError, KeyError, Unlistable, imaplib's."""
    found, copied = Beside(), set()
    there = set(imap_listing.folders(session)[0])
    for file in sorted(os.listdir(indices)):
        index = _Index(indices, file)
        copied.add(index.folder)
        _folder(session, index, index.folder in there, every, found)
    for name in sorted(there - copied):
        opened = imap_listing.opened(session, name)
        if opened and opened.exists:
            found.new += opened.exists
            found.changed.append("{0} (+{1})".format(imap_maildir.readable(name), opened.exists))
    return found


def _folder(session: Bounded, index: _Index, there: bool, every: bool, found: Beside) -> None:
    opened = imap_listing.opened(session, index.folder) if there else None
    if opened is None or opened.uidvalidity != index.uidvalidity:
        found.unlike.append(imap_maildir.readable(index.folder))
        return
    here, new, marked = bytearray(len(index.uids)), 0, 0
    chosen = set(index.uids) if every else imap_judging.chosen(index.uids)
    read: Set[int] = set()
    # listed whole before bodies are asked for: a server tells of what is gone between two commands, and numbers move
    for row in imap_listing.rows(session, opened.exists):
        place = imap_shelf.place_of(index.uids, row.uid)
        if place < 0:
            new += 1
            continue
        here[place] = 1
        marked += index.marks[place] != _marks(row.flags)
        # a size that is told otherwise is no difference yet: servers tell sizes that are not so
        if row.uid in chosen or row.size != index.sizes[place]:
            read.add(row.uid)
    gone, same = len(here) - sum(here), sum(here)
    for uid, sha256 in index.digests(read):
        given = imap_listing.digest(session, uid)
        if given is None:      # it went meanwhile, or the server does not give it: it was not compared
            gone, same = gone + 1, same - 1
            continue
        found.compared += 1
        if given != sha256:
            same -= 1
            found.differ += 1
            found.others += ["{0}:{1}".format(index.folder, uid)] if len(found.others) < _MOST_NAMED else []
    found.same, found.new, found.gone, found.marked = found.same + same, found.new + new, found.gone + gone, found.marked + marked
    if new or gone or marked:
        told = ("+{0}".format(new) if new else "", "-{0}".format(gone) if gone else "", "~{0}".format(marked) if marked else "")
        found.changed.append("{0} ({1})".format(imap_maildir.readable(index.folder), " ".join(filter(None, told))))
