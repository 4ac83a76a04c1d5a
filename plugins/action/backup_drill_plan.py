# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chooses the copies that are restored into scratch tonight. See its module for the documentation."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from ..module_utils._engine import result
from ..module_utils._engine.errors import BackupError
from ..plugin_utils._actions import show
from ..plugin_utils._bitacora import view
from ..plugin_utils._bitacora.any_store import Store
from ..plugin_utils._bitacora.copies import LACKS
from ..plugin_utils._bitacora.store import open_store, resolve_url
from ..plugin_utils._decisions import drills, due, proofs
from ..plugin_utils._inventory import INVENTORY, InventoryAction, on_one_medium


class ActionModule(InventoryAction):
    EACH_HOST = True
    ARGUMENTS = {
        **INVENTORY,
        "kind": {"type": "str", "default": "all", "choices": ["all", *result.KINDS]},
        "budget_minutes": {"type": "int", "default": 0},
        "record": {"type": "bool", "default": False},
        "show": {"type": "bool", "default": False},
    }

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        found = self.inventory(arguments, task_vars)
        rules = dict(found.rules)
        if arguments["budget_minutes"] > 0:
            rules["drills"] = {**rules.get("drills", {}), "budget_minutes": arguments["budget_minutes"]}
        places = {(system["kind"], system["name"]): index for index, system in found.on_our_media(arguments["kind"])}
        names = [medium["name"] for medium in found.media]
        now = datetime.datetime.now(datetime.timezone.utc)
        with open_store(resolve_url()) as store:
            candidates = [_candidate(store, system, names, now) for _index, system in found.on_our_media(arguments["kind"])]
            bare = [_bare(candidate, len(store.copies(candidate.kind, candidate.system))) for candidate in candidates if candidate.copy is None]
        turns = drills.rotate(candidates, rules, now)
        copies = {(candidate.kind, candidate.system): candidate.copy for candidate in candidates}
        # a drill proves that a copy comes back: the mailbox itself is looked into for a request alone (6.4), or where a person asks for it (verify.yml)
        rows = [{**turn._asdict(), "index": places[turn.kind, turn.system], "entry": on_one_medium(copies[turn.kind, turn.system], found.media),
                 "level": "T3" if turn.kind in result.KINDS_ON_REQUEST else "T4"} for turn in turns]
        covered = drills.coverage(turns)
        lines = [f"{turn.system} ({view.KINDS[turn.kind]}): {'se prueba ' + turn.label if turn.chosen else 'no se prueba'}: {turn.why}" for turn in turns]
        lines.append(f"Cobertura: {covered} % de {len(turns)} sistemas con su prueba de restauración al día")
        if arguments["show"]:
            show("\n".join([f"{task_vars['inventory_hostname']}: pruebas de restauración", *lines]))
        told = {"backup": [entry for entry in bare if entry]} if arguments["record"] and any(bare) else {}
        return {**told, "changed": False, "systems": len(rows), "turns": rows, "coverage_percent": covered, "summary": lines}


def _candidate(store: Store, system: Mapping[str, Any], media: list[str], now: datetime.datetime) -> drills.Candidate:
    kind, name = system["kind"], system["name"]
    whole = [copy for copy in store.copies(kind, name) if any(copy["media"].get(medium, "") >= "T2" for medium in media)]
    # a partial copy is proved where there is none that lacks nothing: what it holds must come back too
    best = [copy for copy in whole if not copy.get(LACKS)] or whole
    proved = proofs.every(store, kind, name, due.believed_until(now), of_partial=True)
    # since the last proof by the order of entries: a failure that a clock which was ahead wrote is answered by what was proved after it
    failures = [entry for entry in store.entries(kind=kind, system=name, type=("copy_damaged", "verification_failed"))
                if not entry.get("simulated") and entry.get("reason") == "drill" and entry.get("label") and not (proved and entry["n"] < proved[-1]["n"])]
    return drills.Candidate(name, kind, system["criticality"], best[-1] if best else None, proved, failures)


def _bare(candidate: drills.Candidate, copies: int) -> dict[str, Any]:
    """A system whose copies are all lost or damaged fails each night; one that was never copied is overdue, which others tell."""
    if not copies:
        return {}
    error = BackupError("nothing_to_drill", system=candidate.system, count=copies)
    return result.build(event="verification_failed", system=candidate.system, kind=candidate.kind, criticality=candidate.criticality, reason="drill",
                        **result.failure(error))
