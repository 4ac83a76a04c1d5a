# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The entry that opens a drill, so that one cut short is closed by the next run. See its module for the documentation."""

from __future__ import annotations

import datetime
from typing import Any

from ..module_utils._engine import result
from ..plugin_utils._actions import BackupAction

_TOLD = ("printed_label", "system", "kind", "criticality", "office", "responsible", "numeral", "sha256")


class ActionModule(BackupAction):
    ARGUMENTS = {"entry": {"type": "dict", "required": True}}

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        entry = arguments["entry"]
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {"changed": False, "backup": result.build(
            event="drill_started", label=entry["label"], medium=", ".join(entry["media"]), reason="drill", started_at=now,
            **{name: entry[name] for name in _TOLD if name in entry})}
