# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action backup_awx_plan: what AWX is to have of a schedule, checked before anything is touched. See its module for the documentation."""

from __future__ import annotations

from typing import Any

from ansible.plugins.loader import module_loader
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._actions import BackupAction
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._schedules import awx_conflicts, awx_door, awx_objects, awx_settings
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._tasks import plain


class ActionModule(BackupAction):
    ARGUMENTS = {
        "settings": {"type": "raw", "required": True},
        "schedules": {"type": "list", "elements": "dict", "default": []},
        "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
        "project_wait": {"type": "int", "default": 0},
    }

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        settings = plain(arguments["settings"])
        awx_settings.check(settings)
        if not module_loader.find_plugin_with_context("awx.awx.schedule").resolved:
            raise BackupError("awx_collection_missing")
        there = awx_door.look(settings, awx_objects.listed(settings.get("prefix", awx_settings.PREFIX), settings))
        made = awx_objects.plan(settings, arguments["schedules"], there, arguments["state"] == "absent")
        awx_conflicts.check(settings, made, there, arguments["state"] == "absent")
        if arguments["project_wait"]:
            _wait(settings, made, arguments["project_wait"])
        differs = made.before != made.after
        return {
            "changed": bool(self._task.check_mode and differs),
            "ground": made.ground, "credentials": made.credentials, "templates": made.templates, "workflow": made.workflow, "schedules": made.schedules,
            "unwanted": made.unwanted,
            **({"diff": {"before": made.before, "after": made.after, "before_header": "AWX", "after_header": "AWX"}} if self._task.diff and differs else {}),
        }


def _wait(settings: dict[str, Any], made: awx_objects.Plan, seconds: int) -> None:
    """AWX refuses a template whose playbook it did not find, and finds none before it read the repository."""
    project = awx_door.synchronised(settings, made.ground["project"]["name"], seconds)
    lacking = awx_objects.lacking(project, made.templates)
    if lacking:
        raise BackupError("awx_project_unfit", project=made.ground["project"]["name"], status=project["status"] or "-", playbooks=", ".join(lacking))
