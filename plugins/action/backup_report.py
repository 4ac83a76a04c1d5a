# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action backup_report: the board or the bitácora of a period, in files of the controller. See its module for the documentation."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.policy import policy
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import default_url, open_store, path_of, resolve_url
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._decisions import due
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._inventory import InventoryAction, space, systems_of_all_hosts, with_responsible
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._reports import board, facts, files, pages, tables

_LONGEST_BOARD = 366


class ActionModule(InventoryAction):
    ARGUMENTS = {
        "what": {"type": "str", "required": True, "choices": ["board", "bitacora"]},
        "policy": {"type": "raw"},
        "policy_file": {"type": "str"},
        "actors": {"type": "raw"},
        "url": {"type": "str"},
        "date": {"type": "str", "default": ""},
        "period": {"type": "str", "default": "month", "choices": ["day", "week", "month"]},
        "days": {"type": "int", "default": 30},
        "formats": {"type": "list", "elements": "str", "default": ["html", "csv"], "choices": ["html", "csv", "xlsx", "pdf"]},
        "directory": {"type": "path"},
        "watched": {"type": "list", "elements": "dict", "default": [], "options": {
            "name": {"type": "str", "required": True},
            "path": {"type": "path", "required": True},
        }},
    }

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        rules = self._policy(arguments, Path(task_vars.get("inventory_dir") or "."))
        policy.validate(rules, [], [])
        now = datetime.datetime.now(datetime.timezone.utc)
        day = _day_of(arguments["date"], now.astimezone(due.zone(rules["time_zone"])).date())
        directory = Path(arguments["directory"] or path_of(default_url()).parent / "informes")
        make = _board if arguments["what"] == "board" else _bitacora
        with open_store(arguments["url"] or resolve_url(), readonly=True) as store:
            first, last, made = make(store, rules, arguments, task_vars, day, now)
        changed = [name for name, content in made.items() if files.put(directory / name, content, self._task.check_mode)]
        return {"changed": bool(changed), "files": [str(directory / name) for name in made], "written": [str(directory / name) for name in changed],
                "since": first.isoformat(), "until": last.isoformat()}


def _day_of(text: str, today: datetime.date) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text) if text else today
    except ValueError as error:
        raise BackupError("invalid_input", where="date", value=text, problem="is not a date", mend="Write a date such as 2026-11-22.") from error


def _board(store: Any, rules: Any, arguments: dict[str, Any], task_vars: dict[str, Any], day: datetime.date,
           now: datetime.datetime) -> tuple[datetime.date, datetime.date, dict[str, bytes]]:
    if not 1 <= arguments["days"] <= _LONGEST_BOARD:
        raise BackupError("invalid_input", where="days", value=arguments["days"], problem="is out of range", mend=f"Give 1 to {_LONGEST_BOARD} days.")
    first = day - datetime.timedelta(days=arguments["days"] - 1)
    here = now.astimezone(due.zone(rules["time_zone"])).date()
    systems = with_responsible(systems_of_all_hosts(task_vars), rules, here)
    free = {each["name"]: space(each).free for each in arguments["watched"]}
    found = facts.read(store, rules, systems, first, day, now, free)
    return first, day, {f"tablero_{day}.html": board.render(found).encode("utf-8")}


def _bitacora(store: Any, rules: Any, arguments: dict[str, Any], task_vars: dict[str, Any], day: datetime.date,
              now: datetime.datetime) -> tuple[datetime.date, datetime.date, dict[str, bytes]]:
    first, last = board.span(arguments["period"], day)
    table, head = board.bitacora(store, first, last, rules["time_zone"])
    stem = f"bitacora_{board.name_of(arguments['period'], first)}"
    made: dict[str, bytes] = {}
    printed = board.printable(table, head, rules["institution"], rules["manual"]["name"])
    for wanted in dict.fromkeys(arguments["formats"]):
        if wanted == "html":
            made[stem + ".html"] = printed.encode("utf-8")
        elif wanted == "pdf":
            made[stem + ".pdf"] = pages.to_pdf(printed)
        elif wanted == "csv":
            made[stem + ".csv"] = tables.to_csv(table)
        else:
            made[stem + ".xlsx"] = tables.to_xlsx([table], datetime.datetime.combine(last, datetime.time()))
    return first, last, made
