# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action backup_metrics: how copies stand, as numbers in a file of the controller. See its module for the documentation."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.policy import policy
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store, resolve_url
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._inventory import InventoryAction, space, systems_of_all_hosts
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._reports import files, metrics

# node_exporter has an account of its own, and nothing in it is secret
_MODE = 0o644


class ActionModule(InventoryAction):
    ARGUMENTS = {
        "dest": {"type": "path", "required": True},
        "policy": {"type": "raw"},
        "policy_file": {"type": "str"},
        "actors": {"type": "raw"},
        "watched": {"type": "list", "elements": "dict", "default": [], "options": {
            "name": {"type": "str", "required": True},
            "path": {"type": "path", "required": True},
        }},
    }

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        if not arguments["dest"]:
            raise BackupError("invalid_input", where="metrics_file", value=None, problem="is missing",
                              mend="node_exporter reads no other, e.g. /var/lib/prometheus/node-exporter/respaldo.prom.")
        path = Path(arguments["dest"])
        if not path.is_absolute() or path.suffix != ".prom":
            raise BackupError("invalid_input", where="dest", value=str(path), problem="is not the full path of a file that ends in .prom",
                              mend="node_exporter reads no other, e.g. /var/lib/prometheus/node-exporter/respaldo.prom.")
        rules = self._policy(arguments, Path(task_vars.get("inventory_dir") or "."))
        policy.validate(rules, [], [])
        now = datetime.datetime.now(datetime.timezone.utc)
        with open_store(resolve_url(), readonly=True) as store:
            samples = metrics.read(store, rules, systems_of_all_hosts(task_vars), now, {each["name"]: space(each).free for each in arguments["watched"]})
        changed = files.put(path, metrics.text(samples).encode("utf-8"), self._task.check_mode, _MODE, make=False)
        return {"changed": changed, "file": str(path), "samples": len(samples)}
