# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One step of a request (numeral 7.1), taken by a person, as an entry of the bitácora. See its module for the documentation."""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.perucompras.respaldo.plugins.module_utils._engine import result
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.policy import desks, policy
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._actions import show
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import tickets
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.any_store import Store
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store, resolve_url
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._decisions import asking, due, entitled, estimates, requests
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._inventory import InventoryAction
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._reports import institution
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._tasks import plain


class ActionModule(InventoryAction):
    CHANGES = True
    ARGUMENTS = {
        "policy": {"type": "raw"},
        "policy_file": {"type": "str"},
        "actors": {"type": "raw"},
        "step": {"type": "str", "required": True, "choices": list(requests.STEPS)},
        "person": {"type": "str", "required": True},
        "ticket": {"type": "str", "default": ""},
        "proof": {"type": "str", "choices": list(requests.PROOFS), "default": "word"},
        "proof_reference": {"type": "str", "default": ""},
        "request": {"type": "str", "choices": list(requests.KINDS), "default": "restore"},
        "office": {"type": "str", "default": ""},
        "system": {"type": "str", "default": ""},
        "kind": {"type": "str", "choices": list(result.KINDS)},
        "what": {"type": "str", "default": ""},
        "paths": {"type": "raw", "default": []},
        "lost_at": {"type": "str", "default": ""},
        "discovered_at": {"type": "str", "default": ""},
        "changed_at": {"type": "str", "default": ""},
        "reason": {"type": "str", "default": ""},
        "volume": {"type": "int"},
        "entry": {"type": "int"},
        "desk": {"type": "raw", "default": {}},
    }

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        rules = self._policy(arguments, Path(task_vars.get("inventory_dir") or "."))
        policy.validate(rules, [], [])
        asking.refuse_unsaid(arguments)
        desk = plain(arguments["desk"])
        if desk:
            desks.check(desk)     # what comes after the step must not fail for what could be seen before it
        now = datetime.datetime.now(datetime.timezone.utc)
        with open_store(resolve_url(), readonly=True) as store:
            history = tickets.history(store, requests.EVENTS, requests.EXECUTED_BY)
            known = requests.told(history)
            if arguments["step"] == "open":
                entry = self._open(store, arguments, rules, institution.systems_of(institution.of_all_hosts(task_vars)), now, task_vars)
            else:
                entry = _step(store, history, arguments, rules, now)
            for odd in known.odd:
                store.passed_over.add(*odd)
            passed_over = store.passed_over.line()
        request = asking.after(history, entry)
        told = asking.lines(request, entry, passed_over)
        show("\n".join(told))
        return {"changed": True, "ticket": request.ticket, "state": request.state, "allowed": requests.may(request), "lines": told, "backup": entry}

    def _open(self, store: Store, arguments: Mapping[str, Any], rules: Mapping[str, Any], systems: list[dict[str, Any]], now: datetime.datetime,
              task_vars: Mapping[str, Any]) -> dict[str, Any]:
        system = asking.system_of(arguments, systems)
        times = asking.times(arguments, due.zone(rules["time_zone"]), now)
        local = now.astimezone(due.zone(rules["time_zone"]))
        asker = entitled.opener(rules, " ".join(arguments["person"].split()), " ".join(arguments["office"].split()), local.date())
        copies = store.copies(system["kind"], system["name"]) if system else []
        warned = asking.warning(copies, times, due.zone(rules["time_zone"]))
        given = tickets.checked(arguments["ticket"]) if arguments["ticket"] else ""
        # the number is taken last: whatever is refused has taken none
        if self._task.check_mode:
            ticket = tickets.next_of(store, local.year, given)
        else:
            with open_store(resolve_url()) as writable:
                ticket = tickets.reserve(writable, local.year, os.environ.get("RESPALDO_RUN_ID", ""), str(task_vars.get("inventory_hostname") or ""), given)
        return asking.opening(arguments, ticket, asker, system, times, warned)


def _step(store: Store, history: list[dict[str, Any]], arguments: Mapping[str, Any], rules: Mapping[str, Any], now: datetime.datetime) -> dict[str, Any]:
    """The entry of any other step. Raises BackupError: request_unknown, request_step_refused, request_person_refused, request_link_refused."""
    known = requests.told(history)
    request = asking.known(known, arguments["ticket"])
    rule = requests.STEPS[arguments["step"]]
    asking.refuse_wrong_state(request, rule)
    local = now.astimezone(due.zone(rules["time_zone"]))
    person = entitled.who(rules, rule, arguments["person"], request, local.date())
    more: dict[str, Any] = {}
    if arguments["step"] == "estimate":
        more = _estimate(store, known, request, arguments["volume"], now, rules)
    elif arguments["step"] == "execute":
        more = asking.link(history, known, request, arguments["entry"])
    return asking.entry(rule, request, person, arguments, more)


def _estimate(store: Store, known: requests.Told, request: requests.Request, volume: int | None, now: datetime.datetime,
              rules: Mapping[str, Any]) -> dict[str, Any]:
    kind = request.system_kind or "file_server"
    if volume is None:
        volume = asking.volume_of(request, store.copies(kind, request.system) if request.system else [])
    found = estimates.estimate(request, volume, kind, store.entries(type="restored"), known.requests.values(), now, rules)
    promised = due.moment(found.promised_for)
    if promised is None:
        raise ValueError("an estimate promises no moment: " + found.promised_for)
    return {"size": found.volume, "duration_ms": found.duration_ms, "promised_for": found.promised_for,
            "note_es": estimates.spanish(found, promised.astimezone(due.zone(rules["time_zone"])))}
