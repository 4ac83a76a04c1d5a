# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A person's visto bueno over the copies of a month, as an entry of the bitácora. See its module for the documentation."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

from ansible_collections.perucompras.respaldo.plugins.module_utils._engine import result
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.policy import policy
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store, resolve_url
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._decisions import due
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._inventory import InventoryAction
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._reports import approvals, compliance, institution


class ActionModule(InventoryAction):
    CHANGES = ENTRY_ALONE = True
    ARGUMENTS = {
        "policy": {"type": "raw"},
        "policy_file": {"type": "str"},
        "actors": {"type": "raw"},
        "month": {"type": "str", "required": True},
        "approver": {"type": "str", "required": True},
        "remarks": {"type": "str", "default": ""},
        "ticket": {"type": "str"},
    }

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        rules = self._policy(arguments, Path(task_vars.get("inventory_dir") or "."))
        policy.validate(rules, [], [])
        now = datetime.datetime.now(datetime.timezone.utc)
        today = now.astimezone(due.zone(rules["time_zone"])).date()
        month = _month(arguments["month"])
        if compliance.next_month(month) > today:
            raise BackupError("month_not_over", month=month, day=compliance.next_month(month).isoformat())
        person = approvals.approver(rules, arguments["approver"], today)
        remarks = " ".join(arguments["remarks"].split())
        systems = institution.systems_of(institution.of_all_hosts(task_vars))
        with open_store(resolve_url(), readonly=True) as store:
            counts = approvals.counted(compliance.matrix(store, rules, systems, month, month, now).rows)
            last, digest = store.run("SELECT n, digest FROM entries ORDER BY n DESC LIMIT 1")[0]
        if (counts["missing"] or counts["late"]) and not remarks:
            raise BackupError("invalid_input", where="remarks", value=arguments["remarks"],
                              problem="is blank, and {0} has {1} missing and {2} late copies".format(month, counts["missing"], counts["late"]),
                              mend="Say what was done about them.")
        return {"changed": True, "month": month, "counts": counts, "backup": result.build(
            event=approvals.EVENT, numeral="7.2.1 b", month=month, requester=person["name"], document=person.get("document"), ticket=arguments["ticket"],
            reason_text=remarks or None, note_es=approvals.note(month, person["name"], counts, last, digest, remarks))}


def _month(text: str) -> str:
    try:
        return compliance.first_of(text).strftime("%Y-%m")
    except ValueError as error:
        raise BackupError("invalid_input", where="month", value=text, problem="is not a month", mend="Write a month such as 2026-11.") from error
