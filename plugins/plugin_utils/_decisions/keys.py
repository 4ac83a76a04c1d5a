# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the bitácora knows of keys: which copy each opens, since when, when it was last given to a custodian or sealed anew, and proved."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Mapping
from typing import Any

from ...module_utils._engine.restic import names
from .._bitacora import rekeyed
from .._bitacora.any_store import OF_A_COPY, Store
from .._bitacora.copies import copies_told
from .._custodians import custody

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
    entries = [entry for entry in store.entries(type=(*OF_A_COPY, "custody_updated", rekeyed.ROTATED)) if not entry.get("simulated")]
    # copies of before open with the password in force, so that is the key that must be held
    in_force = {names.of_generation(entry["key_reference"], 1): entry for entry in entries if entry["type"] == rekeyed.ROTATED and entry.get("key_reference")}
    rotated = {reference: entry["at_event"] for entry in entries if entry["type"] == "custody_updated" for reference in entry.get("key_references") or ()}
    proved = proofs(entries)
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for entry in entries:
        if entry["type"] not in ("custody_updated", rekeyed.ROTATED):
            groups.setdefault((entry.get("kind", ""), entry.get("system", "")), []).append(entry)
    found: dict[str, Key] = {}
    for (kind, system), every in groups.items():
        told = store.believed(kind, system, every)
        alive = {copy["label"] for copy in copies_told(told)}
        for made in told:
            if made["type"] == "copy_made" and custody.reference_of(made):     # what names another system's key says nothing of that one
                reference, label, key_id = made["key_reference"], made.get("label", ""), made.get("key_id", "")
                now = in_force.get(names.of_generation(reference, 1)) if names.generation(reference) else None
                if now is not None:
                    reference, key_id = now["key_reference"], now.get("key_id", "")
                # the copies of a repository have one key: what proves it of one proves it of all, since that password is in force
                before = found.get(reference)
                opened = proved.get((kind, system, label), "")
                opened = max(before.proved_at if before else "", opened if now is None or opened >= now["at_event"] else "")
                found[reference] = Key(reference, key_id, kind, system, label, before.created_at if before else made.get("started_at", made["at_event"]),
                                       rotated.get(reference, ""), opened, list(made.get("custodians", ())),
                                       label in alive or bool(before and before.exists))
    return found


def proofs(entries: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str, str], str]:
    """(kind, system, label) -> when a copy last opened with what custody holds."""
    return {(entry.get("kind", ""), entry.get("system", ""), entry.get("label", "")): entry["at_event"] for entry in entries
            if entry["type"] == "copy_verified" and entry.get("reason") == PROOF and not entry.get("simulated")}
