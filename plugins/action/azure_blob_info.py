# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists blobs and asks for archived ones, on the controller. See its module for the documentation."""

from __future__ import annotations

from typing import Any

from ..plugin_utils._actions import BackupAction


class ActionModule(BackupAction):
    ARGUMENTS = {"blob": {"type": "str", "default": ""}, "rehydrate": {"type": "bool", "default": False}, "medium": {"type": "dict", "required": True}}

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        from ..plugin_utils._copying import clouds  # only a play with such a medium pays for it

        with clouds.account_of(arguments["medium"]) as account:
            blobs = account.told(arguments["blob"])
            asked = [row["name"] for row in blobs if row["archived"] and not row["rehydrating"]] if arguments["rehydrate"] else []
            for name in asked if not self._task.check_mode else ():
                account.rehydrate(name)
        return {"changed": bool(asked), "blobs": blobs, "asked": asked}
