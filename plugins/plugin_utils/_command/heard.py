# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run tells while it goes on, of ansible-runner's events: a line for each copy, restore or failure, and what a play shows to people."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ...module_utils._engine import result
from .._bitacora.view import KINDS, amount
from .verbs import VERBS

# What was done, by its event: how the line begins.
_DONE = {"copy_made": "Copiado", "copy_verified": "Verificado", "restored": "Restaurado", "copy_transferred": "Trasladado", "copy_pruned": "Retirado",
         "copy_simulated": "Se copiaría", "restore_simulated": "Se restauraría", "transfer_simulated": "Se trasladaría", "prune_simulated": "Se retiraría"}
_WENT_WRONG = ("runner_on_failed", "runner_on_unreachable", "runner_item_on_failed")
_WENT_WELL = ("runner_on_ok", "runner_item_on_ok")
_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_TABLES = frozenset(verb.rows for verb in VERBS.values() if verb.rows)
_LONGEST = 2000
_UNREACHED = "Vea si el servidor está encendido, y su dirección, cuenta y llave SSH: ansible -m ping con este inventario."
_MOST_WARNINGS = 3


class Heard:
    """Listens to one run. `tell` gets each line as it comes; `shown` collects what the play printed for people."""

    def __init__(self, tell: Callable[[str], None], options: Mapping[str, str] | None = None) -> None:
        """`options`: a variable of the playbook -> as what it was typed here, --parte."""
        self._tell, self._options = tell, dict(options or {})
        self._told: set[str] = set()
        self._kinds: dict[tuple[str, str], str] = {}        # of each line's event and label
        self.shown: list[str] = []
        self.rows: dict[str, list[dict[str, Any]]] = {}      # of a result's lists, by their names, those that a verb writes for machines (verbs.py)
        self.plans: list[dict[str, Any]] = []      # rows of backup_plan, each with its host
        self.done = 0
        self.failures = 0

    def errors(self) -> list[str]:
        """What Ansible said itself of why it ended, of all that it printed."""
        return [line[:_LONGEST] for text in self.shown for line in text.splitlines() if re.match(r"\[?ERROR\]?", line)]

    def event(self, event: Mapping[str, Any]) -> bool:
        """ansible-runner's event_handler: whether it keeps the event in a file, which it never does."""
        kind, data = event.get("event"), event.get("event_data") or {}
        if kind == "verbose":
            self.shown.append(without_colours(str(event.get("stdout", ""))))
            return False
        found = data.get("res")
        if isinstance(found, Mapping) and kind in (*_WENT_WRONG, *_WENT_WELL):
            host = str(data.get("host", ""))
            # a loop tells each of its rows by itself
            for row in _rows(found) if "results" not in found else ():
                self._row(row)
            if kind in _WENT_WRONG and not data.get("ignore_errors"):
                self._failure(host, found)
            for name in sorted(name for name in _TABLES.intersection(found) if isinstance(found[name], list)):
                self.rows.setdefault(name, []).extend({"host": host, **row} for row in found[name] if isinstance(row, Mapping))
            if str(data.get("task_action", "")).endswith(".backup_report") and kind in _WENT_WELL and isinstance(found.get("files"), list):
                self.done += sum(self._say(f"Archivo  {path}") for path in found["files"])      # what a report is for, and where
            if isinstance(found.get("plan"), list):
                self.plans += [{**row, "host": host} for row in found["plan"] if isinstance(row, Mapping)]
        return False

    def _row(self, row: Mapping[str, Any]) -> None:
        row = result.clean(row)
        if row.get("event") not in _DONE:
            return
        done = "Copiado en parte" if row["event"] == "copy_made" and row.get("lacks") else _DONE[row["event"]]
        name = str(row.get("label") or row.get("system") or "")
        # a database and a repository may have one name, and so one label: the second is told with its kind
        kind = str(row.get("kind", ""))
        if self._kinds.setdefault((row["event"], name), kind) != kind:
            name = f"{name} ({KINDS.get(kind, kind)})"
        told = [done, name, amount(row["size"]) if "size" in row else "", row.get("trust_level", ""),
                row.get("medium", ""), f"{row['duration_ms'] / 1000:.0f} s" if "duration_ms" in row else ""]
        if not self._say("  ".join(word for word in told if word)):
            return
        self.done += 1
        for warning in (row.get("warnings_es") or [])[:_MOST_WARNINGS]:
            self._tell(f"    aviso: {warning}")

    def _failure(self, host: str, found: Mapping[str, Any]) -> None:
        error = found.get("error")
        # of a task about several copies, each by its label: the error of the task is that of the first
        several = [row for row in map(result.clean, _rows(found)) if row.get("error_code")] if isinstance(found.get("backup"), list) else []
        for row in several:
            said = f"{row.get('label') or row.get('system') or ''} {row['error_code']}: {row.get('error_message_es') or row.get('error_message') or ''}"
            self._failed(f"Falló   {host}  {said.strip().splitlines()[0][:_LONGEST]}", str(row.get("error_remedy_es") or ""))
        if isinstance(error, Mapping) and error.get("code") in [row["error_code"] for row in several]:
            return
        if isinstance(error, Mapping) and error.get("code"):
            message = str(error.get("message_es") or error.get("message") or "")
            variable = message.partition(":")[0]
            text = f"{error['code']}: {self._options.get(variable, variable)}{message[len(variable):]}"
            remedy = str(error.get("remedy_es") or "")
        else:
            text, remedy = str(found.get("msg") or "la tarea falló sin decir por qué"), _UNREACHED if found.get("unreachable") else ""
            if "results" in found:
                return      # each of its rows was told
        self._failed(f"Falló   {host}  {text.splitlines()[0][:_LONGEST]}", remedy)

    def _failed(self, line: str, remedy: str) -> None:
        if not self._say(line):
            return
        self.failures += 1
        if remedy:
            self._tell(f"    {remedy.splitlines()[0][:_LONGEST]}")

    def _say(self, line: str) -> bool:
        """Once, since a task and its loop tell the same; whether it was said now."""
        if line in self._told:
            return False
        self._told.add(line)
        self._tell(line)
        return True


def _rows(found: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    told = found.get("backup")
    for row in told if isinstance(told, list) else [told]:
        if isinstance(row, Mapping):
            yield row


def without_colours(text: str) -> str:
    """A text as a file or a dumb terminal shows it."""
    return _COLOURS.sub("", text)


def columns() -> int:
    """Of the terminal; 120 where there is none."""
    try:
        return os.get_terminal_size(1).columns
    except OSError:
        return 120
