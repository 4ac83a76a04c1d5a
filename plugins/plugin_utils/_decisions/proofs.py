# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What proves that the copies of a system come back: the one answer for the board, the numbers, the warnings, the drills and the plan of recovery."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._bitacora.any_store import Store
from .._bitacora.copies import LACKS

TYPES = ("copy_verified", "restored")
_LEVELS = ("T3", "T4", "T5")
_LOOKED_AT = 100      # entries, before all that were ever made are read


def proves(entry: Mapping[str, Any], of_partial: bool = False) -> bool:
    """Whether a copy was restored into scratch and compared, or all of one brought back: of a part of it, or of one known to be damaged, a restore is T0.

    A copy that lacks something of its source proves nothing of its system, unless `of_partial`.
    """
    if entry.get("simulated") or (entry.get(LACKS) and not of_partial):
        return False
    if entry["type"] == "restored":
        return entry.get("trust_level") != "T0"
    return entry["type"] == "copy_verified" and (entry.get("verification_level") or entry.get("trust_level")) in _LEVELS


def newest(store: Store, kind: str, system: str, until: str, measured: bool = False) -> Mapping[str, Any] | None:
    """The last proof of a system; with `measured` the last that tells how long it took. None that is dated after `until` (due.believed_until).

    Raises BackupError(bitacora_unreadable).
    """
    for limit in (_LOOKED_AT, None):
        told = store.entries(system=system, kind=kind, type=TYPES, newest_first=True, limit=limit)
        for entry in store.believed(kind, system, filter(proves, told)):
            if entry["at_event"] <= until and (entry.get("duration_ms") or not measured):
                return entry
        if len(told) < _LOOKED_AT:
            break
    return None


def every(store: Store, kind: str, system: str, until: str, of_partial: bool = False) -> list[dict[str, Any]]:
    """All proofs of a system up to `until`, oldest first. Raises BackupError(bitacora_unreadable)."""
    told = store.entries(kind=kind, system=system, type=TYPES)
    return store.believed(kind, system, (entry for entry in told if entry["at_event"] <= until and proves(entry, of_partial)))
