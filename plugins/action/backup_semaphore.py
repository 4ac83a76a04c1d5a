# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action backup_semaphore: a schedule that was checked becomes a project of Semaphore. See its module for the documentation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..module_utils._engine.errors import BackupError
from ..module_utils._engine.policy import schema
from ..plugin_utils._actions import BackupAction
from ..plugin_utils._decisions import due
from ..plugin_utils._schedules.purposes import PURPOSES
from ..plugin_utils._schedules.when import When
from ..plugin_utils._semaphore import cron, declaring, following
from ..plugin_utils._semaphore.client import Semaphore
from ..plugin_utils._semaphore.wanted import PROJECT, things
from ..plugin_utils._tasks import plain


class ActionModule(BackupAction):
    CHANGES = True
    ARGUMENTS = {
        "semaphore": {"type": "raw", "required": True, "no_log": True},
        "schedules": {"type": "list", "elements": "dict", "default": []},
        "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
        "renew_keys": {"type": "bool", "default": False, "no_log": False},
    }

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        declared = plain(arguments["semaphore"])
        declaring.check(declared)
        server = Semaphore(declared)
        crons: dict[str, str] = {}
        wanted = []
        if arguments["state"] == "present":
            crons = _crons([plain(row) for row in arguments["schedules"]], _zone(declared, server.zone()))
            wanted = things(declared, crons)
        name = str(declared.get("project", PROJECT))
        done = following.follow(server, name, wanted, arguments["renew_keys"], self._task.check_mode)
        return {
            "changed": done.any, "crons": crons, "made": _told(done.made), "updated": _told(done.changed), "removed": _told(done.removed),
            "kept": _told(done.kept), **({"diff": done.diff} if self._task.diff and done.any else {}),
        }


def _zone(declared: Mapping[str, Any], told: str) -> str:
    """By which zone the server counts: as it says itself, or as the inventory says. Raises BackupError RSP748 where neither does, or they differ."""
    said = declared.get("zone", "")
    if not said and not told:
        raise BackupError("semaphore_unfit", detail="the server does not tell by which time zone it counts, and backup_semaphore.zone is missing")
    if said and told and cron.shift(due.zone(said, "backup_semaphore.zone"), due.zone(told, "schedule_timezone")):
        raise BackupError("semaphore_unfit", detail="backup_semaphore.zone is {0}, and the server says that it counts by {1}".format(said, told))
    return str(said or told)


def _crons(rows: list[Any], zone: str) -> dict[str, str]:
    """By purpose. Raises BackupError RSP101 on a row that is none of the plan, RSP748 on a time that the server can't be told."""
    server = due.zone(zone, "backup_semaphore.zone")
    found = {}
    for index, row in enumerate(rows):
        if row.get("purpose") not in PURPOSES:
            raise BackupError("invalid_input", where=f"schedules[{index}].purpose", value=schema.shown(row.get("purpose")), problem="is not known here",
                              mend="Give what backup_schedule returns as schedules.")
        when = When(str(row["at"]), tuple(row["days"]), int(row["month_day"]), int(row["every_minutes"]))
        found[row["purpose"]] = cron.cron(when, cron.shift(due.zone(str(row["zone"])), server))
    return found


def _told(rows: list[tuple[str, str]]) -> list[str]:
    return [f"{kind}: {name}" for kind, name in rows]
