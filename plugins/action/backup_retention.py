# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says which copies of the systems of a host stay on each medium and which may go, and why. See its module for the documentation."""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping, Sequence
from typing import Any

from ..module_utils._engine import result
from ..module_utils._engine.policy import policy
from ..plugin_utils._actions import show
from ..plugin_utils._bitacora import clock, view
from ..plugin_utils._bitacora.any_store import Store
from ..plugin_utils._bitacora.store import open_store, resolve_url
from ..plugin_utils._custodians import custody
from ..plugin_utils._decisions import due, retention
from ..plugin_utils._inventory import INVENTORY, InventoryAction


class ActionModule(InventoryAction):
    EACH_HOST = True
    ARGUMENTS = {
        **INVENTORY,
        "kind": {"type": "str", "default": "all", "choices": ["all", *result.KINDS]},
        "clock_confirmed": {"type": "bool", "default": False},
        "repository": {"type": "str", "default": ""},
        "show": {"type": "bool", "default": False},
    }

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        found = self.inventory(arguments, task_vars)
        now = datetime.datetime.now(datetime.timezone.utc)
        rows: list[dict[str, Any]] = []
        with open_store(resolve_url()) as store:
            if not arguments["clock_confirmed"]:
                clock.refuse_a_wrong_one(store, now, os.environ.get("RESPALDO_RUN_ID"))
            protected = {medium["name"]: medium.get("write_once_days", 0) for medium in found.media}
            for _index, system in found.on_our_media(arguments["kind"]):
                rows += _system(store, system, found.rules, now, arguments["repository"], protected)
            odd = store.passed_over.line()
        lines = [line for row in rows for line in _lines(row)] or ["No hay copias que juzgar."]
        lines += [odd] if odd else []
        if arguments["show"]:
            show("\n".join([f"{task_vars['inventory_hostname']}: retención de copias", *lines]))
        started = [_started(row) for row in rows if row["victims"]]
        count = len(found.on_our_media(arguments["kind"]))
        return {"changed": False, "systems": count, "retention": rows, "summary": lines, **({"backup": started} if started else {})}


def _system(store: Store, system: Mapping[str, Any], rules: Mapping[str, Any], now: datetime.datetime, repository: str,
            protected: Mapping[str, int]) -> list[dict[str, Any]]:
    """One row for each medium that holds copies of a system."""
    kind, name = system["kind"], system["name"]
    rule = policy.retention(rules, kind, system["criticality"])
    required, minimum = policy.required_trust(rules, system), rules.get("minimum_copies", 1)
    copies, held = store.copies(kind, name), store.held(kind, name)
    labels = {copy["label"] for copy in copies}
    rows = []
    for medium in dict.fromkeys(medium for copy in copies for medium in copy["media"]):
        kept = labels if "" in held else held
        zone, once = due.zone(rules["time_zone"]), protected.get(medium, 0)
        if kind in result.KINDS_ON_REQUEST and rules["kinds"][kind].get("only_on_request"):
            rows.append(_of_requests(rules, system, medium, retention.by_request(copies, medium, now, zone, kept, once)))
            continue
        verdicts = retention.judge(copies, medium, rule, required, now, zone, minimum, kept, repository, once)
        good = [verdict for verdict in verdicts if verdict.good]
        rows.append({
            "system": name, "kind": kind, "medium": medium, "numeral": rules["kinds"][kind]["numeral"], "expired": False,
            "newest": {"label": good[0].label, "sha256": good[0].sha256} if good else {},
            "key_reference": next((custody.reference_of(copy) for copy in copies if good and copy["label"] == good[0].label), ""),
            "keep": [{"label": verdict.label, "sha256": verdict.sha256} for verdict in good[1:max(1, minimum)]],
            **_parted(verdicts),
        })
    return rows


def _parted(verdicts: Sequence[retention.Verdict]) -> dict[str, Any]:
    return {
        "kept": [{"label": verdict.label, "why": verdict.why} for verdict in verdicts if verdict.keep],
        # the oldest leaves first, so that a run cut short leaves what it would have kept longest
        "victims": [{"label": verdict.label, "sha256": verdict.sha256 if verdict.good else "", "size": verdict.size, "reason": verdict.why}
                    for verdict in reversed(verdicts) if not verdict.keep]}


def _of_requests(rules: Mapping[str, Any], system: Mapping[str, Any], medium: str, verdicts: Sequence[retention.Verdict]) -> dict[str, Any]:
    """What exists for its request alone: nothing has to stay for what goes, so that what goes first stands for the newest, and is not proven."""
    parted = _parted(verdicts)
    first = {name: parted["victims"][0][name] for name in ("label", "sha256")} if parted["victims"] else {}
    return {"system": system["name"], "kind": system["kind"], "medium": medium, "numeral": rules["kinds"][system["kind"]]["numeral"], "expired": True,
            "newest": first, "key_reference": "", "keep": [], **parted}


def _started(row: Mapping[str, Any]) -> dict[str, Any]:
    return result.build(
        event="prune_started", label=row["newest"]["label"], system=row["system"], kind=row["kind"], medium=row["medium"], numeral=row["numeral"],
        objects=len(row["victims"]), reason_text="; ".join(f"{victim['label']}: {victim['reason']}" for victim in row["victims"])[:3000])


def _lines(row: Mapping[str, Any]) -> list[str]:
    lines = [f"{row['system']} ({view.KINDS[row['kind']]}) en {row['medium']}: quedan {len(row['kept'])}, se retiran {len(row['victims'])}"]
    lines += [f"    se retira {victim['label']} ({view.amount(victim['size'])}): {victim['reason']}" for victim in row["victims"]]
    return lines + [f"    queda {kept['label']}: {kept['why']}" for kept in row["kept"]]
