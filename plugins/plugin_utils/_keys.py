# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the bitácora knows of keys: which copy each opens, since when, when it was last given to a custodian or sealed anew, and proved."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Mapping
from typing import Any

from ._bitacora.store import OF_A_COPY, Store, copies_told

PROOF = "custody"     # the reason of a verification that proves a key


class Key(t.NamedTuple):
    """A key of a copy; times are UTC, empty where the bitácora tells none."""

    reference: str
    key_id: str
    kind: str
    system: str
    label: str
    created_at: str
    rotated_at: str
    proved_at: str
    custodians: list[str]
    exists: bool          # whether its copy lies on a medium still


def read(store: Store) -> dict[str, Key]:
    """The keys by their references. Raises BackupError(bitacora_unreadable)."""
    entries = [entry for entry in store.entries(type=(*OF_A_COPY, "custody_updated")) if not entry.get("simulated")]
    rotated = {reference: entry["at_event"] for entry in entries if entry["type"] == "custody_updated" for reference in entry.get("key_references", ())}
    proved = proofs(entries)
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for entry in entries:
        if entry["type"] != "custody_updated":
            groups.setdefault((entry.get("kind", ""), entry.get("system", "")), []).append(entry)
    found = {}
    for (kind, system), told in groups.items():
        alive = {copy["label"] for copy in copies_told(told)}
        for made in told:
            if made["type"] == "copy_made" and made.get("key_reference"):
                reference, label = made["key_reference"], made.get("label", "")
                found[reference] = Key(reference, made.get("key_id", ""), kind, system, label, made.get("started_at", made["at_event"]),
                                       rotated.get(reference, ""), proved.get((kind, system, label), ""), list(made.get("custodians", ())), label in alive)
    return found


def proofs(entries: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str, str], str]:
    """(kind, system, label) -> when a copy last opened with what custody holds."""
    return {(entry.get("kind", ""), entry.get("system", ""), entry.get("label", "")): entry["at_event"] for entry in entries
            if entry["type"] == "copy_verified" and entry.get("reason") == PROOF and not entry.get("simulated")}
