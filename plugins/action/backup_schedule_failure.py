# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action backup_schedule_failure: an entry for a start by a timer that recorded nothing itself. See its module for the documentation."""

from __future__ import annotations

import datetime
import socket
from collections.abc import Mapping
from typing import Any

from ansible_collections.perucompras.respaldo.plugins.module_utils._engine import result
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._actions import BackupAction
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store, resolve_url
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._schedules import systemd, units
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._schedules.purposes import PURPOSES

_ASKED = ("ExecMainPID", "ExecMainStartTimestamp", "ExecMainCode", "ExecMainStatus", "Result")
# Ansible loads before the callback writes its first line; no clock of one machine is off by more.
_BEFORE = datetime.timedelta(seconds=5)


class ActionModule(BackupAction):
    CHANGES = ENTRY_ALONE = True
    ARGUMENTS = {"unit": {"type": "str", "required": True}}

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        unit = arguments["unit"].strip()
        purpose = units.purpose_of(unit)
        if not purpose or not unit.endswith(".service"):
            raise BackupError("invalid_input", where="unit", value=unit, problem="is no service of the schedule",
                              mend="systemd calls this by itself (OnFailure); to see it, give e.g. respaldo-copies.service.")
        known = systemd.shown(unit, _ASKED)
        run = _run_of(known, PURPOSES[purpose].playbook + ".yml")
        if run:
            return {"changed": False, "recorded_by": run}
        error = BackupError("schedule_start_failed", purpose=purpose, purpose_es=PURPOSES[purpose].title, unit=unit,
                            detail="{0}, {1}".format(known.get("Result") or "?", known.get("ExecMainStatus") or "?"))
        return {"changed": True, "recorded_by": "", "backup": result.build(event="schedule_failed", purpose=purpose, **result.failure(error))}


def _run_of(known: Mapping[str, str], playbook: str) -> str:
    """The run that this process of the service recorded; "" when it recorded none. This run's own start has closed it, where it died."""
    pid, began = known.get("ExecMainPID", ""), known.get("ExecMainStartTimestamp", "").lstrip("@")
    if not pid.isdigit() or pid == "0" or not began.isdigit():
        return ""
    since = datetime.datetime.fromtimestamp(int(began), datetime.timezone.utc) - _BEFORE
    with open_store(resolve_url()) as store:
        for entry in store.entries(type="run_started", since=since.strftime("%Y-%m-%dT%H:%M:%SZ")):
            if (entry.get("pid"), entry.get("controller"), entry.get("playbook")) == (int(pid), socket.gethostname(), playbook):
                return str(entry["run"])
    return ""
