# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Excuses the absence of a system's copies, or withdraws an excuse, by an entry of the bitácora. See its module for the documentation."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from ansible_collections.perucompras.respaldo.plugins.module_utils._engine import result
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.plugin_utils import _known_systems
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._actions import BackupAction
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store, resolve_url
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._reports import compliance


class ActionModule(BackupAction):
    CHANGES = ENTRY_ALONE = True
    ARGUMENTS = {
        "system": {"type": "str", "required": True},
        "kind": {"type": "str", "required": True, "choices": list(result.KINDS)},
        "from": {"type": "str", "default": ""},
        "until": {"type": "str", "default": ""},
        "withdraw": {"type": "int"},
        "reason": {"type": "str", "required": True},
        "requester": {"type": "str", "required": True},
        "ticket": {"type": "str"},
    }

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        for name, mend in (("reason", "Say why."), ("requester", "Name who says so.")):
            if not arguments[name].strip():
                raise BackupError("invalid_input", where=name, value=arguments[name], problem="is blank", mend=mend)
        if arguments["withdraw"] is not None:
            return _withdraw(arguments)
        _known_systems.refuse_unknown(task_vars, arguments["kind"], arguments["system"], "system")
        first, last = _day("from", arguments["from"]), _day("until", arguments["until"])
        if last < first:
            raise BackupError("invalid_input", where="until", value=arguments["until"], problem=f"is before {first}", mend="Give the last day excused.")
        return {"changed": True, "days": (last - first).days + 1, "backup": result.build(
            event="excuse", **_told(arguments), excused_from=first.isoformat(), excused_until=last.isoformat(),
            note_es=f"Del {first:%d/%m/%Y} al {last:%d/%m/%Y}, por {arguments['requester'].strip()}: {arguments['reason'].strip()}")}


def _withdraw(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Withdraw an excuse of the system; one that is withdrawn already stays so, without another entry."""
    for name in ("from", "until"):
        if arguments[name]:
            raise BackupError("invalid_input", where=name, value=arguments[name], problem="has no place beside withdraw",
                              mend="Withdraw the excuse whole; then excuse the days that remain.")
    n = arguments["withdraw"]
    with open_store(resolve_url(), readonly=True) as store:
        given = [entry for entry in store.entries(type="excuse", system=arguments["system"], kind=arguments["kind"])
                 if entry["n"] == n and not entry.get("simulated")]
        in_force = any(entry["n"] == n for entry in compliance.excuses_in_force(store))
    if not given:
        raise BackupError("invalid_input", where="withdraw", value=n, problem=f"is not an excuse of the system {arguments['system']}",
                          mend="Give the number (N.º) that playbooks/bitacora.yml shows for it.")
    first, last = (_day("withdraw", given[0][name]) for name in ("excused_from", "excused_until"))
    if not in_force:
        return {"changed": False, "days": (last - first).days + 1}
    return {"changed": True, "days": (last - first).days + 1, "backup": result.build(
        event="excuse_withdrawn", **_told(arguments), withdraws=n, excused_from=first.isoformat(), excused_until=last.isoformat(),
        note_es=f"Se retira la justificación del asiento n.º {n}, del {first:%d/%m/%Y} al {last:%d/%m/%Y}, por {arguments['requester'].strip()}: "
                f"{arguments['reason'].strip()}")}


def _told(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What both entries say."""
    return {"system": arguments["system"], "kind": arguments["kind"], "numeral": "6.4", "reason_text": arguments["reason"].strip(),
            "requester": arguments["requester"].strip(), "ticket": arguments["ticket"]}


def _day(where: str, text: str) -> datetime.date:
    try:
        return datetime.datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError as error:
        raise BackupError("invalid_input", where=where, value=text, problem="is not a date", mend="Write a date such as 2026-11-22.") from error
