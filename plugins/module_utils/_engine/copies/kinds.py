# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of copy: how one opens that lies under a kind. A new kind of copy is a class of base.py and its row here."""

from __future__ import annotations

from typing import Dict, Optional, Sequence, Type

from ..media.base import Medium, Slot
from ..restic.repository_places import KIND
from ..transforms.keys import Keys
from .base import Copy
from .incremental.reading import SnapshotCopy
from .streamed import StreamedCopy

# kind of system -> what its copies are, where they are not files alone
_KINDS: Dict[str, Type[Copy]] = {KIND: SnapshotCopy}


def kind_of(kind: str) -> Type[Copy]:
    """What the copies of that kind of system are."""
    return _KINDS.get(kind, StreamedCopy)


def open_copy(slot: Slot, medium: Medium, keys: Optional[Keys] = None, expected: str = "", spool: str = "", subsets: Sequence[str] = ()) -> Copy:
    """A published copy, to be entered. Its list of sums must have the SHA-256 `expected`, where that is given.

    `subsets` are parts of the data, n/t, that a verification of its structure reads, where the data need not be read whole.
    """
    found = kind_of(slot.kind)(slot, medium, keys, expected, spool)
    found.subsets = subsets
    return found
