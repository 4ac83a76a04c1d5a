# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the actions of shared folders share: folders checked, with what the policy and the people in force add to them."""

from __future__ import annotations

import datetime
import typing as t
from pathlib import Path

from ..module_utils._engine import policy, shares
from . import _copying, _due
from ._inventory import InventoryAction, plain

RULES: dict[str, t.Any] = {"policy": {"type": "raw"}, "policy_file": {"type": "str"}, "actors": {"type": "raw"}}
EGCR = "infrastructure"


class FoldersAction(InventoryAction):
    """An action whose module is given folders on the server."""

    def folders(self, arguments: t.Mapping[str, t.Any], task_vars: t.Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
        """The folders of the task, valid, each with the days, kinds and person that the policy gives. Raises BackupError(invalid_input)."""
        rules = self._policy(arguments, Path(task_vars.get("inventory_dir") or "."))
        policy.validate(rules, [], [])
        written = plain(arguments["folders"])
        shares.folders_of(written)
        today = datetime.datetime.now(_due.zone(rules["time_zone"])).date()
        people = policy.designated(rules, EGCR, today)
        responsible = people[0]["name"] if people else policy.EGCR_TITLES[EGCR] + " (sin designación vigente)"
        general = rules.get("shared_folders", {})
        defaults = {"responsible": responsible, "recycle_days": general.get("recycle_days", 0), "unwanted": general.get("unwanted", [])}
        return [{**defaults, **row} for row in written]

    def on_server(self, name: str, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """The module of that name with its arguments, on the server."""
        return _copying.run_module(self, name, arguments, task_vars)
