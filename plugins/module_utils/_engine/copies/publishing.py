# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sealed copy gets its name, on all its media or on none."""

from __future__ import annotations

import contextlib
from types import MappingProxyType
from typing import List, Mapping, Sequence

from ..errors import BackupError
from ..media.base import Medium, Slot


def publish(slot: Slot, digest: str, media: Sequence[Medium], notes: Mapping[str, str] = MappingProxyType({})) -> bool:
    """Publish the sealed copy on every medium. False when it was there already, the same bytes, on all of them."""
    published: List[Medium] = []
    with contextlib.ExitStack() as stack:
        for medium in media:
            stack.enter_context(medium.lock(slot, 60))
        try:
            for medium in media:
                if medium.publish(slot, digest, notes.get(medium.name, "")):
                    published.append(medium)
        except BackupError:
            # on all media or on none: no copy has a name that the run will call failed
            _withdraw(slot, published)
            raise
    return bool(published)


def withdraw(slot: Slot, media: Sequence[Medium]) -> None:
    """Take back a publishing of this run, since another medium failed. Never raises: the first cause is what is told."""
    for medium in media:
        with contextlib.suppress(BackupError), medium.lock(slot, 60):
            medium.withdraw(slot)


def _withdraw(slot: Slot, published: Sequence[Medium]) -> None:
    for medium in published:
        with contextlib.suppress(BackupError):
            medium.withdraw(slot)
