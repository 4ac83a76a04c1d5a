# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the actions of shared folders share: folders checked, with what the policy and the people in force add to them."""

from __future__ import annotations

import datetime
import typing as t
from pathlib import Path

from ..module_utils._engine import result
from ..module_utils._engine.errors import BackupError
from ..module_utils._engine.folders import shares
from ..module_utils._engine.policy import policy
from ..module_utils._engine.policy.vocabulary import EGCR_TITLES
from ..module_utils._engine.restic import repositories
from ._actions import failed
from ._copying import asking
from ._decisions import due
from ._inventory import InventoryAction
from ._tasks import plain

RULES: dict[str, t.Any] = {"policy": {"type": "raw"}, "policy_file": {"type": "str"}, "actors": {"type": "raw"}}
EGCR = "infrastructure"
_CHANGES = ("path_assigned", "path_changed", "path_withdrawn")


class FoldersAction(InventoryAction):
    """An action whose module is given folders on the server."""

    def folders(self, arguments: t.Mapping[str, t.Any], task_vars: t.Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
        """The folders of the task, valid, each with the days, kinds and person that the policy gives. Raises BackupError(invalid_input)."""
        rules = self._policy(arguments, Path(task_vars.get("inventory_dir") or "."))
        policy.validate(rules, [], [])
        written = plain(arguments["folders"])
        shares.folders_of(written)
        today = datetime.datetime.now(due.zone(rules["time_zone"])).date()
        people = policy.designated(rules, EGCR, today)
        responsible = people[0]["name"] if people else EGCR_TITLES[EGCR] + " (sin designación vigente)"
        general = rules.get("shared_folders", {})
        defaults = {"responsible": responsible, "recycle_days": general.get("recycle_days", 0), "unwanted": general.get("unwanted", [])}
        return [{**defaults, **row} for row in written]

    def on_server(self, name: str, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """The module of that name with its arguments, on the server. An answer that is none is a failure of all folders, and recorded."""
        try:
            done = asking.run_module(self, name, arguments, task_vars)
            self._own(done, name, arguments["folders"], task_vars)
        except BackupError as error:
            numeral = "5.2" if name == "shared_folder" else "5.3"
            return {**failed(error), "backup": [result.build(event="path_refused", kind=repositories.KIND, numeral=numeral, **result.failure(error))]}
        return done

    @staticmethod
    def _own(done: dict[str, t.Any], name: str, folders: list[dict[str, t.Any]], task_vars: t.Mapping[str, t.Any]) -> None:
        """What was answered of each folder is of one that was asked for, and its name, path and office are the inventory's. Raises answer_foreign."""
        written = {str(row["name"]): row for row in folders}
        rows = [*done.get("folders", ()), *done.get("reports", ())]
        for row in rows:
            folder = written.pop(row["name"], None)
            if folder is None or row.get("event", "") not in ("", *_CHANGES) or row.get("state", "present") not in shares.STATES:
                raise BackupError("answer_foreign", server=str(task_vars.get("inventory_hostname") or ""), module=name,
                                  detail="system {0}, which was not asked for".format(result.shown(row["name"])))
            row.update(path=str(folder["path"]), office=str(folder["office"]))
        told = {entry.get("system") for entry in done.get("backup", ())}
        lacks = [row["name"] for row in done.get("reports", ()) if row["name"] not in told]
        if lacks:
            raise BackupError("answer_unreadable", server=str(task_vars.get("inventory_hostname") or ""), module=name,
                              detail="it has no entry of " + lacks[0])
