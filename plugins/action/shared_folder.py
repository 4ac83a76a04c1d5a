# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of shared_folder: the policy's part, and an entry for a folder that is in force without one. See its module."""

from __future__ import annotations

from typing import Any

from ..module_utils._engine import result
from ..module_utils._engine.moments import now
from ..plugin_utils._bitacora.store import open_store, resolve_url
from ..plugin_utils._folders import RULES, FoldersAction

_PLACES = {"smb_conf": "/etc/samba/smb.conf", "shares_directory": "/etc/samba/respaldo.d", "tmpfiles_directory": "/etc/tmpfiles.d"}
_EVENTS = ("path_assigned", "path_changed", "path_withdrawn")


class ActionModule(FoldersAction):
    CHANGES = True
    ARGUMENTS = {
        **RULES,
        "folders": {"type": "raw", "required": True},
        "recreate": {"type": "bool", "default": False},
        **{name: {"type": "str", "default": place} for name, place in _PLACES.items()},
    }

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        folders = self.folders(arguments, task_vars)
        given = {name: arguments[name] for name in ("recreate", *_PLACES)}
        done = self.on_server("shared_folder", {**given, "folders": folders}, task_vars)
        if not done.get("failed"):
            done["backup"] = [*done.get("backup", []), *_unrecorded(done.get("folders", []), folders, str(task_vars["inventory_hostname"]))]
        return done


def _unrecorded(rows: list[dict[str, Any]], folders: list[dict[str, Any]], host: str) -> list[dict[str, Any]]:
    """An assignment that is in force, but whose run ended before it was written: told now."""
    written = {row["name"]: row for row in folders}
    found = []
    with open_store(resolve_url()) as store:
        for row in rows:
            if row["event"] or row["state"] != "present":
                continue
            entries = [entry for entry in store.entries(system=row["name"], kind="file_server", type=_EVENTS)
                       if entry.get("host") == host and not entry.get("simulated")]
            if not entries or entries[-1]["type"] == "path_withdrawn" or entries[-1].get("path") != row["path"]:
                folder = written[row["name"]]
                found.append(result.build(
                    event="path_assigned", system=row["name"], kind="file_server", numeral="5.2", office=row["office"], path=row["path"],
                    document=folder.get("document"), responsible=folder["responsible"], ended_at=now(),
                    note_es="ya estaba en vigor en el servidor, sin asiento"))
    return found
