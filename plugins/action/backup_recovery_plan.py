# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action backup_recovery_plan: what to type on the worst day, in order. See its module for the documentation."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.policy import policy, schema
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._actions import show
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import vouched
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import default_url, open_store, path_of, resolve_url
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._decisions import recovery
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._inventory import InventoryAction
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._reports import files, institution, pages, recovery_plan


class ActionModule(InventoryAction):
    ARGUMENTS = {
        "policy": {"type": "raw"},
        "policy_file": {"type": "str"},
        "actors": {"type": "raw"},
        "repository": {"type": "str", "default": ""},
        "formats": {"type": "list", "elements": "str", "default": ["html", "txt"], "choices": ["html", "txt", "pdf"]},
        "directory": {"type": "path"},
        "show": {"type": "bool", "default": False},
    }

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        rules = self._policy(arguments, Path(task_vars.get("inventory_dir") or "."))
        policy.validate(rules, [], [])
        now = datetime.datetime.now(datetime.timezone.utc)
        hosts = institution.of_all_hosts(task_vars)
        known = {policy.identity(system)[1]: str(system["name"]) for system in institution.systems_of(hosts)}
        schema.raise_all(recovery.unknown_needs(
            [(f"backup_systems[{index}] ({host})", system) for host, told in hosts.items() for index, system in enumerate(told["systems"])], known))
        with open_store(resolve_url(), readonly=True) as store:
            rows = recovery.of_inventory(store, hosts, rules, now)
            stated = vouched.stated(store, vouched.key_in_force())
        sources = {(system["kind"], system["name"]): system.get("source") or {} for system in institution.systems_of(hosts)}
        medium = next((each for each in institution.media_of(hosts) if each["name"] == arguments["repository"]), {})
        page = recovery_plan.Page(rules, rows, sources, medium, now, stated)
        lines = recovery_plan.text(page)
        if arguments["show"]:
            show("\n".join(lines))
        made = _made(page, lines, dict.fromkeys(arguments["formats"]))
        directory = Path(arguments["directory"] or path_of(default_url()).parent / "informes")
        changed = [name for name, content in made.items() if files.put(directory / name, content, self._task.check_mode)]
        return {"changed": bool(changed), "rows": [row._asdict() for row in rows], "problems": recovery.problems(rows), "lines": lines,
                "files": [str(directory / name) for name in made]}


def _made(page: recovery_plan.Page, lines: list[str], formats: dict[str, Any]) -> dict[str, bytes]:
    stem = f"plan-de-recuperacion_{page.day}"
    made: dict[str, bytes] = {}
    for wanted in formats:
        if wanted == "txt":
            made[stem + ".txt"] = ("\n".join(lines) + "\n").encode("utf-8")
        else:
            filled = recovery_plan.html(page)
            made[f"{stem}.{wanted}"] = pages.to_pdf(filled) if wanted == "pdf" else filled.encode("utf-8")
    return made
