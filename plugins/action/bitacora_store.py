# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets up the database of the bitácora and moves a SQLite one there. See its module for the documentation."""

from __future__ import annotations

import os
from typing import Any

from ..module_utils._engine.errors import BackupError
from ..plugin_utils._actions import BackupAction
from ..plugin_utils._bitacora import migration, postgresql
from ..plugin_utils._bitacora.store import SERVER_SCHEMES, address_of, path_of


class ActionModule(BackupAction):
    ARGUMENTS = {
        "url": {"type": "str", "required": True},
        "admin_url": {"type": "str", "required": True},
        "writers": {"type": "list", "elements": "str", "default": []},
        "readers": {"type": "list", "elements": "str", "default": []},
        "move_from": {"type": "str"},
    }

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        for name in ("url", "admin_url"):
            if not arguments[name].startswith(SERVER_SCHEMES):
                raise BackupError("invalid_input", where=name, value=arguments[name].split("://", 1)[0] + "://...",
                                  problem="is not an address of PostgreSQL", mend="Write postgresql://role@server/database.")
        url, admin_url = address_of(arguments["url"]), address_of(arguments["admin_url"])
        source = path_of(arguments["move_from"]) if arguments["move_from"] else None
        if source and not source.exists():
            raise BackupError("bitacora_unreadable", store=source, detail="it does not exist")
        simulate = bool(self._task.check_mode)
        made = postgresql.prepare(admin_url, [postgresql.role_of(url), *arguments["writers"]], arguments["readers"], simulate)
        told = {"url": url, "changes": made.changes, "moved": False, "changed": bool(made.changes)}
        if source:
            done = migration.move(source, admin_url, url, os.environ.get("RESPALDO_RUN_ID", ""), simulate)
            told.update(moved=done.changed, entries=done.entries, changed=told["changed"] or done.changed)
        if self._task.diff:
            told["diff"] = {"before": "\n".join(made.before) + "\n", "after": "\n".join(made.after) + "\n"}
        return told
