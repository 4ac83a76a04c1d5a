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
from ...module_utils._engine.value_forms import seen
from .. import _refused_words
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
_VARIABLE = re.compile(r"\b[a-z]+(?:_[a-z]+)+\b(?!\w|[=\[/]|\.\w)")
_UNREACHED = "Vea si el servidor está encendido, y su dirección, cuenta y llave SSH: ansible -m ping con este inventario."
_MOST_WARNINGS = 3


class Heard:
    """Listens to one run. `tell` gets each line as it comes; `shown` collects what the play printed for people.

    `options` names the option of the verb by which a person gives a variable: an error that names one tells the other.
    """

    def __init__(self, tell: Callable[[str], None], options: Mapping[str, str] | None = None) -> None:
        self._tell, self._options, self._said_of = tell, dict(options or {}), set[str]()
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
            # ansible-runner reads a terminal, which ends each line with a carriage return too
            self.shown.append(without_colours(str(event.get("stdout", ""))).replace("\r", ""))
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
            if kind == "runner_on_ok" and str(data.get("task_action", "")).rpartition(".")[2] == "debug":
                self.shown += _lines(found.get("msg"))
            if str(data.get("task_action", "")).endswith(".backup_report") and kind in _WENT_WELL and isinstance(found.get("files"), list):
                self.done += sum(self._say(f"Archivo  {path}") for path in found["files"])      # what a report is for, and where
            if isinstance(found.get("plan"), list):
                self.plans += [{**row, "host": host} for row in found["plan"] if isinstance(row, Mapping)]
        return False

    def _row(self, row: Mapping[str, Any]) -> None:
        row = result.clean(row)
        if row.get("event") not in _DONE:
            return
        done = _DONE[row["event"]]
        if row["event"] == "copy_made" and row.get("lacks") or row["event"] == "restored" and row.get("not_back"):
            done += " en parte"
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
            self._said_of.add(host)
            self._failed(f"Falló   {host}  {said.strip().splitlines()[0][:_LONGEST]}", str(row.get("error_remedy_es") or ""))
        if isinstance(error, Mapping) and error.get("code") in [row["error_code"] for row in several]:
            return
        if "bad" in found and "good" in found and host in self._said_of:
            return      # the verdict of a host sums up what each of its tasks has told
        refused = list(_refused_words.sentences(found.get("argument_errors")))
        if refused:
            text, remedy = " ".join(refused), ""
        elif isinstance(error, Mapping) and error.get("code"):
            text = f"{_about(found)}{error['code']}: {error.get('message_es') or error.get('message') or ''}"
            remedy = str(error.get("remedy_es") or "")
        else:
            text, remedy = str(found.get("msg") or "la tarea falló sin decir por qué"), _UNREACHED if found.get("unreachable") else ""
            if "results" in found:
                return      # each of its rows was told
        self._said_of.add(host)
        lines = text.splitlines()
        # a verdict names below what it counts; none of it was told by itself: a copy that was refused before it began
        told = " ".join(map(str.strip, lines if lines[0].endswith(":") else lines[:1]))
        self._failed(f"Falló   {host}  {told[:_LONGEST]}", remedy)

    def _failed(self, line: str, remedy: str) -> None:
        if not self._say(self._with_options(line)):
            return
        self.failures += 1
        if remedy:
            self._tell(f"    {self._with_options(remedy.splitlines()[0][:_LONGEST])}")

    def _with_options(self, text: str) -> str:
        """A text that names variables, each with the option that gives it."""
        return _VARIABLE.sub(lambda word: f"{word[0]} (--{self._options[word[0]]})" if word[0] in self._options else word[0], text)

    def _say(self, line: str) -> bool:
        """Once, since a task and its loop tell the same; whether it was said now."""
        if line in self._told:
            return False
        self._told.add(line)
        self._tell(line)
        return True


def _about(found: Mapping[str, Any]) -> str:
    """Of which copy, or system, a failure is, before its code: a server has several."""
    told = result.clean(found.get("backup"))
    name = str(told.get("label") or told.get("system") or "")
    return f"{name} " if name else ""


def _rows(found: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    told = found.get("backup")
    for row in told if isinstance(told, list) else [told]:
        if isinstance(row, Mapping):
            yield row


def _lines(told: Any) -> list[str]:
    """What a task of `debug` says: a line, or a list of them."""
    return [seen(each) for each in (told if isinstance(told, list) else [told]) if isinstance(each, str)]


def without_colours(text: str) -> str:
    """A text as a file or a dumb terminal shows it."""
    return _COLOURS.sub("", text)


def columns() -> int:
    """Of the terminal; 120 where there is none."""
    try:
        return os.get_terminal_size(1).columns
    except OSError:
        return 120
