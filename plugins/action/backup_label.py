# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action backup_label: the label of numeral 6.7, and the entry that opens a copy. See its module for the documentation."""

from __future__ import annotations

import datetime
import os
from typing import Any

from ansible_collections.perucompras.respaldo.plugins.module_utils._engine import label, result
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.policy.vocabulary import CRITICALITIES
from ansible_collections.perucompras.respaldo.plugins.plugin_utils import _asked_for
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._actions import BackupAction, failed, show
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import rivals
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.any_store import Store
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store, resolve_url
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._custodians import custody
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._decisions import due

_TOLD = ("criticality", "office", "responsible", "numeral", "reason", "reason_text", "required_trust", "source_type", "ticket", "requester")


class ActionModule(BackupAction):
    ARGUMENTS = {
        "system": {"type": "str", "required": True},
        "kind": {"type": "str", "required": True, "choices": list(result.KINDS)},
        "criticality": {"type": "str", "choices": list(CRITICALITIES)},
        "office": {"type": "str"},
        "responsible": {"type": "str"},
        "numeral": {"type": "str"},
        "reason": {"type": "str", "default": "scheduled", "choices": ["scheduled", "update", "emergency", "request"]},
        "reason_text": {"type": "str"},
        "required_trust": {"type": "str", "choices": list(result.TRUST_LEVELS)},
        "source_type": {"type": "str"},
        "ticket": {"type": "str"},
        "requester": {"type": "str"},
        "time_zone": {"type": "str", "default": "America/Lima"},
        "date": {"type": "str"},
        "taken": {"type": "list", "elements": "str", "default": []},
        "custody": {"type": "raw", "default": ""},
    }

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        now = datetime.datetime.now(datetime.timezone.utc)
        on = _day(arguments["date"]) if arguments["date"] else now.astimezone(due.zone(arguments["time_zone"], "time_zone")).date()
        with open_store(resolve_url()) as store:
            known = store.labels(arguments["kind"], arguments["system"])
            if arguments["ticket"]:
                asked = {"name": arguments["system"], "kind": arguments["kind"], "office": arguments["office"] or ""}
                _asked_for.for_copies(store, arguments["ticket"], [asked])
            _refuse_another_s(store, arguments, str(task_vars.get("inventory_hostname") or ""))
            left = _left_to_another(store, arguments, now)
        if left:
            show(left)
            return {"changed": False, "label": "", "printed_label": "", "yielded": True, "backup": result.build(
                event="copy_not_due", system=arguments["system"], kind=arguments["kind"], note_es=left,
                **{name: arguments[name] for name in _TOLD if name != "required_trust"})}
        made = label.make(arguments["system"], on, {*known, *arguments["taken"]})
        backup = result.build(
            event="copy_started", label=made.name, printed_label=made.printed, system=arguments["system"], kind=arguments["kind"],
            started_at=now.strftime("%Y-%m-%dT%H:%M:%SZ"), **{name: arguments[name] for name in _TOLD},
        )
        told = {"changed": False, "label": made.name, "printed_label": made.printed, "backup": backup}
        try:
            if arguments["custody"]:
                custody.prove(self._loader, arguments["custody"], custody.reference(arguments["kind"], made.system, made.name))
        except BackupError as error:
            # nothing was begun, so the entry that would open the copy says that there is none
            return {**told, **failed(error), "backup": {**backup, "event": "copy_failed", **result.failure(error)}}
        return told


def _refuse_another_s(store: Store, arguments: dict[str, Any], host: str) -> None:
    """In one run a system is copied on one host: raises BackupError system_of_another when another has begun it."""
    run = os.environ.get("RESPALDO_RUN_ID")
    begun = store.entries(run=run, kind=arguments["kind"], system=arguments["system"], type="copy_started") if run else []
    for other in (str(entry.get("host")) for entry in begun if not entry.get("simulated") and entry.get("host") != host):
        raise BackupError("system_of_another", system=arguments["system"], kind=arguments["kind"], other=other, host=host)


def _left_to_another(store: Store, arguments: dict[str, Any], now: datetime.datetime) -> str:
    """Why this copy, which is due by its schedule, is left to a run that makes it or has just made it; "" when it is not."""
    run = os.environ.get("RESPALDO_RUN_ID")
    return rivals.rival(store, run, arguments["kind"], arguments["system"], "", now) if run and arguments["reason"] in rivals.YIELDING else ""


def _day(text: str) -> datetime.date:
    try:
        return datetime.datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise BackupError("invalid_input", where="date", value=text, problem="is not a date", mend="Write it like 2026-11-22.") from None
