# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action backup_compliance: the compliance matrix, the controls and the plan of capacity. See its module for the documentation."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.policy import policy
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._actions import show
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import entries, view
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store, resolve_url
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._decisions import due, purposes, recovery
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._inventory import InventoryAction
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._reports import capacity, compliance, evidence, files, institution, requests

# What both actions of this piece are given.
ARGUMENTS: dict[str, Any] = {
    "policy": {"type": "raw"},
    "policy_file": {"type": "str"},
    "actors": {"type": "raw"},
    "since": {"type": "str", "default": ""},
    "until": {"type": "str", "default": ""},
}


class ActionModule(InventoryAction):
    ARGUMENTS = {
        **ARGUMENTS,
        "space": {"type": "list", "elements": "dict", "default": [], "options": {
            "name": {"type": "str", "required": True},
            "total": {"type": "int"},
            "free": {"type": "int"},
        }},
        "dest": {"type": "path"},
        "show": {"type": "bool", "default": False},
    }

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        rules = self.rules(arguments, task_vars)
        now = datetime.datetime.now(datetime.timezone.utc)
        since, until = span(arguments, rules, now)
        hosts = institution.of_all_hosts(task_vars)
        systems = institution.systems_of(hosts)
        space = {each["name"]: {name: each[name] for name in ("total", "free") if each[name] is not None} for each in arguments["space"]}
        with open_store(resolve_url(), readonly=True) as store:
            matrix = compliance.matrix(store, rules, systems, since, until, now)
            controls = compliance.controls(store, rules, since, until)
            cited = evidence.cited(store, rules, matrix, controls, since, until) if arguments["dest"] else {}
            asked = requests.read(store, now, entries.moment(since + "-01", False, rules["time_zone"]))
            standing = purposes.read(store, now)
            objectives = recovery.of_inventory(store, hosts, rules, now)
            plan = capacity.plan(store, rules, systems, institution.media_of(hosts), space, now)
        if arguments["show"]:
            show("\n".join([*_matrix_lines(matrix), "", *_approved_lines(matrix, since, until), "",
                            *_purpose_lines(standing, due.zone(rules["time_zone"])), *_request_lines(asked, due.zone(rules["time_zone"])),
                            *_recovery_lines(objectives),
                            *_capacity_lines(plan)]))
        told = {"changed": False, "since": since, "until": until, "matrix": matrix.rows, "periods": matrix.periods, "approved": dict(matrix.approved),
                "controls": controls, "capacity": plan, "requests": asked, "purposes": [each._asdict() for each in standing],
                "recovery": [row._asdict() for row in objectives]}
        if arguments["dest"]:
            page = evidence.page(rules, matrix, controls, since, until, cited, standing, objectives)
            told["changed"] = files.put(Path(arguments["dest"]), page.encode("utf-8"), self._task.check_mode)
        return told

    def rules(self, arguments: Mapping[str, Any], task_vars: Mapping[str, Any]) -> Any:
        """The policy in force, valid."""
        rules = self._policy(arguments, Path(task_vars.get("inventory_dir") or "."))
        policy.validate(rules, [], [])
        return rules


def span(arguments: Mapping[str, Any], rules: Mapping[str, Any], now: datetime.datetime) -> tuple[str, str]:
    """The months asked for: by default this one, alone. Raises BackupError(invalid_input)."""
    this = now.astimezone(due.zone(rules["time_zone"])).strftime("%Y-%m")
    until = arguments["until"] or arguments["since"] or this
    since = arguments["since"] or until
    for where, text in (("since", since), ("until", until)):
        try:
            compliance.first_of(text)
        except ValueError as error:
            raise BackupError("invalid_input", where=where, value=text, problem="is not a month", mend="Write a month such as 2026-11.") from error
    if compliance.first_of(until) < compliance.first_of(since):
        raise BackupError("invalid_input", where="until", value=until, problem=f"is before {since}", mend="Give the last month.")
    return compliance.first_of(since).strftime("%Y-%m"), compliance.first_of(until).strftime("%Y-%m")


def _matrix_lines(matrix: compliance.Matrix) -> list[str]:
    heads = ["Sistema", "Tipo", "Mes", "Estado", "Cumplidas", "Tardías", "Faltantes", "Justificadas"]
    cells = [[row["system"], view.KINDS.get(row["kind"], row["kind"]), row["month"], compliance.word(row),
              *(str(row[state]) for state in ("met", "late", "missing", "excused"))] for row in matrix.rows]
    return _aligned([heads, *cells])


def _approved_lines(matrix: compliance.Matrix, since: str, until: str) -> list[str]:
    given = {month: matrix.approved.get(month) for month in compliance.months(since, until)}
    running = compliance.running(matrix)
    return ["Visto bueno de {0}: {1}".format(month, "{name} (asiento n.º {n})".format_map(row) if row else
                                             "el mes está en curso" if month in running else "pendiente") for month, row in given.items()]


def _purpose_lines(standing: list[purposes.Standing], zone: datetime.tzinfo) -> list[str]:
    return [*_aligned([list(purposes.HEADINGS), *purposes.rows(standing, zone)]), ""] if standing else []


def _request_lines(asked: list[dict[str, Any]], zone: datetime.tzinfo) -> list[str]:
    return [*_aligned([list(requests.HEADINGS), *(requests.cells(row, zone) for row in asked)]), ""] if asked else []


def _recovery_lines(objectives: list[recovery.Row]) -> list[str]:
    rows = _aligned([list(recovery.HEADINGS), *map(recovery.cells, objectives)])
    return ["Si hoy fuera el peor día (objetivos de recuperación):", *("  " + row for row in rows), ""] if objectives else []


def _capacity_lines(plan: Mapping[str, Any]) -> list[str]:
    heads = ["Medio", "Ocupado", "Por día", "Libre", "Días hasta llenarse", "En 12 meses", "Días sin verificar", "Estado"]
    cells = [[row["medium"], view.amount(row["used"]), view.amount(row["growth_per_day"]), "-" if row["free"] is None else view.amount(row["free"]),
              "-" if row["days_to_full"] is None else str(row["days_to_full"]), view.amount(row["forecast"][-1]["used"]),
              "-" if row["unverified_days"] is None else str(row["unverified_days"]), row["problem"] or ("bien" if row["checked_at"] else "sin comprobar")]
             for row in plan["media"]]
    return _aligned([heads, *cells])


def _aligned(rows: list[list[str]]) -> list[str]:
    # a column of which no row has anything has nothing to say, and takes the room of those that do
    told = [place for place in range(len(rows[0])) if len(rows) == 1 or any(row[place] for row in rows[1:])]
    rows = [[row[place] for place in told] for row in rows]
    widths = [max(view.width_of(row[place]) for row in rows) for place in range(len(told))]
    return ["  ".join(map(view.pad, row, widths)).rstrip() for row in rows]
