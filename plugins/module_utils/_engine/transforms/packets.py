# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a stream of OpenPGP is encrypted at all: gpg --decrypt gives the data of a message that never was, and calls that a success.

What comes before the encrypted data are its session keys, each in a packet of its own (RFC 4880, 4.2 and 5); behind it gpg itself allows nothing.
"""

from __future__ import annotations

from typing import Optional, Tuple

from ..errors import BackupError

_SESSION_KEYS, _ENCRYPTED = (1, 3), (18, 20)
_LONGEST = 1 << 18      # of all session keys: some hundred recipients


class Proof:
    """Looks at the beginning of a stream as it passes."""

    def __init__(self, file: str) -> None:
        self.file, self.head, self.proved = file, bytearray(), False

    def look(self, chunk: bytes) -> None:
        """Raises never_encrypted."""
        if self.proved:
            return
        self.head += chunk
        found = _encrypted(self.head)
        if found is False or (found is None and (not chunk or len(self.head) > _LONGEST)):
            raise BackupError("never_encrypted", file=self.file)
        self.proved = found is True


def _encrypted(head: bytearray) -> Optional[bool]:
    """True once encrypted data begins, False once that can't be; None while more bytes are needed."""
    at = 0
    while at < len(head):
        tag = head[at] & 0x3f if head[at] & 0x40 else (head[at] >> 2) & 0x0f
        if not head[at] & 0x80 or tag not in _SESSION_KEYS + _ENCRYPTED:
            return False
        if tag in _ENCRYPTED:
            return True
        where = _body(head, at)
        if where is None:
            return None
        if where == (0, 0):
            return False
        at = sum(where)
    return None


def _body(head: bytearray, at: int) -> Optional[Tuple[int, int]]:
    """Where the body of a packet begins, and its length; (0, 0) for one without a length, None while more bytes are needed."""
    count = 1
    if head[at] & 0x40:
        if len(head) < at + 2:
            return None
        first = head[at + 1]
        if first < 192:
            return at + 2, first
        if 224 <= first < 255:
            return 0, 0
        if first < 224:
            return None if len(head) < at + 3 else (at + 3, ((first - 192) << 8) + head[at + 2] + 192)
        at, count = at + 1, 4
    elif head[at] & 3 == 3:
        return 0, 0
    else:
        count = 1 << (head[at] & 3)
    return None if len(head) < at + 1 + count else (at + 1 + count, int.from_bytes(head[at + 1:at + 1 + count], "big"))
