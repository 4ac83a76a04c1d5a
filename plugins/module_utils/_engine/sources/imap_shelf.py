# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of the mails of a folder, by UID, on disk: in memory it costs 5 bytes a mail, however long a name or a row is.

The file has no name, so nothing of it is left whatever becomes of the program.
"""

from __future__ import annotations

import array
import bisect
import contextlib
import os
import struct
import tempfile
from typing import Any, Iterator, Optional, Sequence, Tuple

NUMBER = "I"      # of an array of UIDs, which have 32 bits
_APART = 64
_LENGTH = struct.Struct("=I")


def place_of(uids: Sequence[int], uid: int) -> int:
    """Where a UID stands in a strictly ascending row of them; -1 where it does not."""
    place = bisect.bisect_left(uids, uid)
    return place if place < len(uids) and uids[place] == uid else -1


class Shelf:
    """Texts by UID, each taken once; UIDs come in ascending order, as a server gives them. Use as a context manager."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()
        self._uids, self._anchors = array.array(NUMBER), array.array("Q")      # and where each text of _APART begins, its length before it
        self._taken = bytearray()
        self._size = 0
        self._next = (0, 0)      # the place that was not read yet, and where it lies: most are asked for in their order
        self._flushed = False

    def __enter__(self) -> "Shelf":
        return self

    def __exit__(self, *_unused: Any) -> None:
        self.close()

    def close(self) -> None:
        with contextlib.suppress(OSError):      # a full disk: what was not written yet is of no use any more
            self._file.close()

    def put(self, uid: int, text: bytes) -> None:
        """Raises ValueError for a UID that is not above all before it, OverflowError for one that is none, OSError."""
        if self._uids and uid <= self._uids[-1]:
            raise ValueError("UID {0} after {1}".format(uid, self._uids[-1]))
        self._uids.append(uid)
        if not len(self._taken) % _APART:
            self._anchors.append(self._size)
        self._taken.append(0)
        self._size += self._file.write(_LENGTH.pack(len(text)) + text)
        self._flushed = False

    def take(self, uid: int) -> Optional[bytes]:
        """A UID's text; None where there is none, or where it was taken. Raises OSError."""
        place = place_of(self._uids, uid)
        if place < 0 or self._taken[place]:
            return None
        self._taken[place] = 1
        return self._text(place)

    def left(self) -> Iterator[Tuple[int, bytes]]:
        """The UIDs that nobody took, and their texts. Raises OSError."""
        return ((self._uids[place], self._text(place)) for place, taken in enumerate(self._taken) if not taken)

    def _text(self, place: int) -> bytes:
        if not self._flushed:
            self._file.flush()
            self._flushed = True
        at, first = self._next
        if not at <= place < at + _APART:
            at = place - place % _APART
            first = self._anchors[at // _APART]
        while True:
            size = _LENGTH.unpack(os.pread(self._file.fileno(), _LENGTH.size, first))[0]
            if at == place:
                break
            at, first = at + 1, first + _LENGTH.size + size
        self._next = (place + 1, first + _LENGTH.size + size)
        return os.pread(self._file.fileno(), size, first + _LENGTH.size)
