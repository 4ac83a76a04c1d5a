# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
r"""Folders that are there in name alone: a level above others, whose own folder was removed.

RFC 3501 has \\Noselect for them. Dovecot lists those of a Maildir++ without it, and the synchroniser gives up the whole mailbox for one folder that does not
open. So the listing of ours leaves them out, and the door tells the synchroniser what they are.
"""

from __future__ import annotations

import re
from typing import Collection, Set

from . import imap_listing, imap_patience
from .imap_bounded import Bounded

_ABSENT = re.compile(rb"\[NONEXISTENT\]|Mailbox doesn't exist", re.IGNORECASE)
_LONGEST = 1 << 16


def above(names: Collection[str], delimiter: str) -> Set[str]:
    """The folders that others lie in."""
    return {name.rpartition(delimiter)[0] for name in names} if delimiter else set()


def is_level(session: Bounded, name: str) -> bool:
    """Whether a folder that others lie in, and that did not open, is no more than that: the server says that there is none. One that may not be opened is."""
    status, told = imap_patience.asked(session, lambda: session.status(imap_listing.quoted(name), "(MESSAGES)"))
    return status == "NO" and any(_ABSENT.search(line) for line in told if isinstance(line, bytes))


class Shown:
    """What a server answers, as the synchroniser gets it until it asks for the first mail: what stands in a mail is never touched."""

    def __init__(self, levels: Collection[str]) -> None:
        self._levels, self._kept, self._over = levels, b"", not levels

    def passed(self, piece: bytes) -> bytes:
        if self._over:
            return piece
        whole, end, self._kept = (self._kept + piece).rpartition(b"\n")
        told = b"\n".join(map(self._line, whole.split(b"\n"))) + end
        return told + self.rest() if len(self._kept) > _LONGEST else told

    def rest(self) -> bytes:
        """Nothing is changed any more: gives what was kept back."""
        self._over, kept, self._kept = True, self._kept, b""
        return kept

    def _line(self, line: bytes) -> bytes:
        start, _parenthesis, told = line.partition(b"(")
        name = imap_listing.name_in(told) if start.upper() == b"* LIST " else None
        return start + b"(\\Noselect " + told if name in self._levels else line
