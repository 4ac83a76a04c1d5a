# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One step of a request (numeral 7.1), taken by a person, as an entry of the bitácora. See its module for the documentation."""

from __future__ import annotations

import contextlib
import datetime
import os
from pathlib import Path
from typing import Any

from ansible.utils.display import Display
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine import result
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.policy import desks, policy
from ansible_collections.perucompras.respaldo.plugins.plugin_utils import _steps
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._actions import show
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import living, written_at_once
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.any_store import Store
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store, resolve_url
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._decisions import asking, due, requests
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._finding import answering, entitling
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._inventory import InventoryAction
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._reports import institution
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._tasks import plain

# The steps after which it helps to know which versions there are; only who takes them in a capacity that may look for names is told (backup_find).
_WITH_VERSIONS = ("open", "endorse", "estimate")


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
        "until": {"type": "str", "default": ""},
        "reason": {"type": "str", "default": ""},
        "volume": {"type": "int"},
        "entry": {"type": "int"},
        "desk": {"type": "raw", "default": {}},
        "names_directory": {"type": "path", "default": ""},
    }

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        rules = self._policy(arguments, Path(task_vars.get("inventory_dir") or "."))
        policy.validate(rules, [], [])
        asking.refuse_unsaid(arguments)
        desk = plain(arguments["desk"])
        if desk:
            desks.check(desk)     # what comes after the step must not fail for what could be seen before it
        where = _steps.Where(os.environ.get("RESPALDO_RUN_ID", ""), str(task_vars.get("inventory_hostname") or ""), bool(self._task.check_mode))
        hosts = institution.of_all_hosts(task_vars)
        systems = institution.systems_of(hosts)
        # what a killed controller left alone must not go on: its run is over
        with contextlib.nullcontext() if where.simulated else living.dying_with_controller("request"), \
                open_store(resolve_url(), readonly=where.simulated) as store:
            taken = _steps.take(store, arguments, rules, systems, where, datetime.datetime.now(datetime.timezone.utc))
            told = asking.lines(taken.request, taken.entry, taken.passed_over)
            if not where.simulated and arguments["step"] in _WITH_VERSIONS and requests.post_of(taken.entry) != requests.REQUESTER:
                answers = answering.Answers(store, hosts, task_vars, arguments["names_directory"], due.zone(rules["time_zone"]))
                told += _versions(store, answers, taken, where)
        show("\n".join(told))
        return {"changed": True, "ticket": taken.request.ticket, "state": taken.request.state, "allowed": requests.may(taken.request), "lines": told,
                "entry": taken.entry, **({"backup": taken.entry} if where.simulated else {})}


def _versions(store: Store, answers: answering.Answers, taken: _steps.Taken, where: _steps.Where) -> list[str]:
    """What the copies have of what is asked for, once the search is an entry. The step stands, whatever goes wrong here."""
    rows = answers.versions(taken.request)
    for trouble in answers.troubles:
        Display().warning(trouble, formatted=True)
    if not rows:
        return []
    written_at_once.append(store, entitling.entry_of_request(taken.entry, taken.request, len(rows)), where.run, where.host, "request")
    return ["  Versiones que hay en las copias:", *("    " + row for row in rows)]
