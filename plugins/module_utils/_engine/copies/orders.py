# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a copy is to be, and what is asked of a medium before any work on it."""

from __future__ import annotations

import os
from typing import Mapping, NamedTuple, Optional, Sequence

from ..errors import BackupError
from ..media.base import Medium, Slot
from ..media.local import Local
from ..sources.base import Source
from ..transforms.keys import Keys


class Order(NamedTuple):
    """What is to be made, under which label and how. The sizes are bytes, the times seconds."""

    slot: Slot
    printed_label: str = ""
    compression: str = "zstd"
    level: Optional[int] = None
    threads: int = 0
    keys: Optional[Keys] = None
    key_reference: str = ""
    encryption_format: str = "gpg"
    spool: str = ""                  # parent of the spool directory of 7z
    minimum_size: int = 1
    previous_size: int = 0
    lock_timeout: int = 0
    known_on: Sequence[str] = ()     # names of the media where the bitácora knows copies of this system
    known_beside: Mapping[str, Sequence[str]] = {}     # medium without copies of it -> KIND/SYSTEM of others of this server that lie there


def check(order: Order, medium: Medium, source: Optional[Source] = None) -> None:
    """Refuse a medium before any work. One that is known to hold copies of the system, and has not even its shelf, is not mounted.

    One that lies in what is copied is refused too: each copy would hold the ones before.
    """
    if source is not None and isinstance(medium, Local) and source.holds(os.path.realpath(medium.path)):
        raise BackupError("invalid_input", where="medium.path", value=medium.path, problem="lies in what is copied ({0})".format(source.describe()),
                          mend="Give the medium a directory outside the paths of every system.")
    medium.check(order.slot, max(order.previous_size, order.minimum_size))
    if lacks(medium, order.slot, order.known_on) or _lacks_all(medium, order.known_beside.get(medium.name) or ()):
        raise empty(medium, order.slot)


def lacks(medium: Medium, slot: Slot, known_on: Sequence[str]) -> bool:
    """Whether a medium that is known to hold copies of a system has not even its shelf."""
    return medium.name in known_on and not medium.stocked(slot)


def _lacks_all(medium: Medium, shelves: Sequence[str]) -> bool:
    """Whether not one of these shelves is there: the first copy of a system says nothing of its medium, those of the others do."""
    slots = [Slot(kind, system, "") for kind, _slash, system in (shelf.partition("/") for shelf in shelves)]
    return bool(slots) and not any(medium.stocked(each) for each in slots)


def prove_closed(order: Order, source: Source) -> None:
    """Refuse to write in clear what must not lie anywhere in clear: before the source is asked for anything. Raises invalid_input."""
    if source.always_encrypted and order.keys is None:
        raise BackupError("invalid_input", where="encryption", value="", problem="is missing: what is copied of {0} is never kept in clear".format(source.type),
                          mend="Give a password or the public keys of those who may open it; custody keeps the password (7.2.1 b).")


def empty(medium: Medium, slot: Slot) -> BackupError:
    """What is told of a medium that lacks even the shelf of a system whose copies it is known to hold."""
    return BackupError("medium_empty", location=medium.location(slot).rpartition("/" + slot.shelf)[0])
