# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chooses whose keys are proved in this run, and says which custodians agree on each. See its module for the documentation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..module_utils._engine import label, result
from ..module_utils._engine.errors import BackupError
from ..plugin_utils import _forms
from ..plugin_utils._actions import show
from ..plugin_utils._bitacora import rekeyed
from ..plugin_utils._bitacora.store import open_store, resolve_url
from ..plugin_utils._custodians import base, custody
from ..plugin_utils._decisions import keys
from ..plugin_utils._inventory import INVENTORY, InventoryAction, on_one_medium

_KEPT = ("label", "printed_label", "system", "kind", "criticality", "office", "responsible", "numeral", "key_reference", "key_id")


class ActionModule(InventoryAction):
    ARGUMENTS = {
        **INVENTORY,
        "custodians": {"type": "raw", "default": []},
        "directory": {"type": "path", "default": ""},
        "copies": {"type": "int", "default": 1},
        "show": {"type": "bool", "default": False},
    }

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        found = self.inventory(arguments, task_vars)
        every = custody.opened(self._loader, arguments["custodians"] or arguments["directory"])
        names = [medium["name"] for medium in found.media]
        candidates: list[tuple[str, str, int, dict[str, Any]]] = []
        with open_store(resolve_url(), readonly=True) as store:
            for index, system in found.chosen():
                proved = keys.proofs(store.entries(kind=system["kind"], system=system["name"], type="copy_verified"))
                by_key: dict[str, list[dict[str, Any]]] = {}
                for copy in store.copies(system["kind"], system["name"]):
                    if copy.get("key_reference") and any(copy["media"].get(name) for name in names):
                        by_key.setdefault(rekeyed.first(copy["key_reference"]), []).append(copy)
                for reference, opened in by_key.items():
                    # what is proved of one copy of a repository is proved of all, since its password is the one in force
                    turned = rekeyed.rotations(store, reference) if rekeyed.is_of_repository(reference) else []
                    since = max((entry["at_event"] for entry in turned if entry["type"] == rekeyed.ROTATED), default="")
                    told = (proved.get((system["kind"], system["name"], copy["label"]), "") for copy in opened)
                    candidates.append((max((each for each in told if each >= since), default=""), opened[0].get("started_at", opened[0]["at_event"]),
                                       index, opened[-1]))
        # who waits longest for a proof comes first, the oldest copy among those that never had one
        candidates.sort(key=lambda row: row[:2])
        turns: list[dict[str, Any]] = []
        problems: list[dict[str, Any]] = []
        lines = []
        for last, _made, index, copy in candidates[:arguments["copies"]]:
            groups = _groups(every, copy, problems)
            turns += [{"label": copy["label"], "system": copy["system"], "kind": copy["kind"], "index": index, "custodians": group,
                       "entry": on_one_medium(copy, found.media)} for group in groups]
            lines.append(f"{copy['label']}: se prueba con lo que guardan {' y aparte '.join(', '.join(group) for group in groups) or 'ningún custodio'}; "
                         f"última prueba: {last[:10] or 'ninguna'}")
        lines += [f"{problem['error_code']}: {problem['error_message_es']}" for problem in problems]
        if arguments["show"]:
            show("\n".join([f"{task_vars['inventory_hostname']}: pruebas de custodia", *lines]))
        return {"changed": False, "systems": len(found.chosen()), "turns": turns, "waiting": max(0, len(candidates) - arguments["copies"]), "summary": lines,
                **({"backup": problems} if problems else {})}


def _groups(every: list[base.Custodian], copy: Mapping[str, Any], problems: list[dict[str, Any]]) -> list[list[str]]:
    """The custodians that hold a copy's password, those with the same one together: what opens with one of them opens with all."""
    reference = rekeyed.in_force(copy["key_reference"])
    kept = {name: copy[name] for name in _KEPT if name in copy}
    if not custody.reference_of(copy):
        own = custody.reference(copy["kind"], label.canonical(copy["system"]), copy["label"])
        foreign = BackupError("key_foreign", reference=_forms.line(reference, 200), label=copy["label"], own=own)
        problems.append(result.build(event="custody_failed", **kept, **result.failure(foreign)))
        return []
    records: dict[str, base.Record] = {}
    answered = True
    for custodian in every:
        try:
            record = custodian.get(reference)
        except BackupError as error:
            answered = False
            problems.append(result.build(event="custody_failed", custodians=[custodian.name], **kept, **result.failure(error)))
            continue
        records.update({custodian.name: record} if record else {})
    if not records and answered:
        missing = BackupError("custody_missing", label=reference, detail=", ".join(custodian.name for custodian in every))
        problems.append(result.build(event="custody_failed", **kept, **result.failure(missing)))
    try:
        custody.agreed(records, reference)
    except BackupError as error:
        problems.append(result.build(event="custody_failed", custodians=list(records), **kept, **result.failure(error)))
    groups: dict[str, list[str]] = {}
    for name, record in records.items():
        groups.setdefault(record.password, []).append(name)
    return list(groups.values())
