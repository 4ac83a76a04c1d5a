# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run tells while it goes on, of ansible-runner's events: a line for each copy, restore or failure, and what a play shows to people."""

from __future__ import annotations

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
# What fails a run by its entry, whatever became of the task.
_WENT_ON = ("copy_damaged", "verification_failed", "prune_failed", "transfer_failed", "custody_failed", "forge_failed", "medium_failed",
            "repository_key_failed")
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
        self._tell, self._options = tell, dict(options or {})
        self._told: set[str] = set()
        self._reasons: set[tuple[str, ...]] = set()         # of failures: host and message; host, which copy or system, and code
        self._messages: set[str] = set()
        self._remedy = ""                                   # of the failure that was told last
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
                # of what was looked at, one by one, the task tells what is wrong and goes on; the verdict fails the host
                if kind in _WENT_WELL and str(row.get("event", "")) in _WENT_ON:
                    self._row_failed(host, result.clean(row))
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
            self._row_failed(host, row)
        if isinstance(error, Mapping) and error.get("code") in [row["error_code"] for row in several]:
            return
        if "bad" in found and "good" in found:
            self._verdict(host, found)
            return
        refused = list(_refused_words.sentences(found.get("argument_errors")))
        if refused:
            text, remedy = " ".join(refused), ""
        elif isinstance(error, Mapping) and error.get("code"):
            message, about = str(error.get("message_es") or error.get("message") or ""), _about(found)
            self._remember(host, about, error["code"], message)
            text, remedy = f"{about} {error['code']}: {message}".strip(), str(error.get("remedy_es") or "")
        else:
            text, remedy = str(found.get("msg") or "la tarea falló sin decir por qué"), ""
            if found.get("unreachable"):
                text, remedy = f"No hay conexión con el servidor: {text.removeprefix('Task failed: ')}", _UNREACHED
            if "results" in found:
                return      # each of its rows was told
        lines = text.splitlines()
        told = " ".join(map(str.strip, lines if lines[0].endswith(":") else lines[:1]))
        self._failed(f"Falló   {host}  {told[:_LONGEST]}", remedy)

    def _row_failed(self, host: str, row: Mapping[str, Any]) -> None:
        """Of one copy of several, or of what a medium could not tell."""
        code, message = row.get("error_code"), str(row.get("error_message_es") or row.get("error_message") or "")
        if not code:
            return
        about = str(row.get("label") or row.get("system") or "")
        self._remember(host, about, code, message)
        self._failed(f"Falló   {host}  {f'{about} {code}: {message}'.strip().splitlines()[0][:_LONGEST]}", str(row.get("error_remedy_es") or ""))

    def _verdict(self, host: str, found: Mapping[str, Any]) -> None:
        """The verdict of a host sums up what each of its tasks has told; what none of them told is told here: a copy that was refused before it began."""
        for row in found["bad"] if isinstance(found["bad"], list) else []:
            said = {name: str(row.get(name) or "") if isinstance(row, Mapping) else "" for name in ("label", "system", "code", "message_es")}
            about = said["label"] or said["system"]
            if (host, said["message_es"]) in self._reasons or about and (host, about, said["code"]) in self._reasons:
                continue
            # a reason of the plan begins with its system already
            told = [about if not said["message_es"].startswith(f"{about}: ") else "", f"{said['code']}:" if said["code"] else "", said["message_es"]]
            self._failed(f"Falló   {host}  {' '.join(filter(None, told))[:_LONGEST]}", "")

    def _remember(self, host: str, about: str, code: str, message: str) -> None:
        self._reasons |= {(host, message), (host, about, code)}
        self._messages.add(message)

    def told(self) -> list[str]:
        """What the play showed, without what was told as a failure already."""
        lines = [line for text in self.shown for line in text.splitlines()]
        return [line for line in lines if not any(line.endswith(message) for message in self._messages if message)]

    def _failed(self, line: str, remedy: str) -> None:
        if not self._say(self._with_options(line)):
            return
        self.failures += 1
        # what mends several one behind the other is told once
        if remedy and remedy != self._remedy:
            self._tell(f"    {self._with_options(remedy.splitlines()[0][:_LONGEST])}")
        self._remedy = remedy

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
    return str(told.get("label") or told.get("system") or "")


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
