# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""By which variable an operator gave an option of a task: an error names what somebody typed (`report_date`), not our option (`date`).

Read from the task as it was written, whose values are still expressions, and from the defaults of its role; no table of names is kept.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from ..module_utils._engine.errors import BackupError
from ._unread import READ

# an expression that begins with a variable itself, not with a part of one
_FIRST = re.compile(r"\s*\{\{-?\s*([a-z][a-z0-9_]*)\s*(?:\||-?\}\})")
_OPTION = re.compile(r"[a-z][a-z0-9_]*(?=[.\[]|$)")


def of_option(task: Any, option: str, given: Collection[str]) -> str:
    """The variable of ours by which this option of the task is given: that of the inventory, where the role's own takes its value from there and was not
    `given` with -e. "" for none.
    """
    found = _variable(_written(task).get(option))
    if found not in READ:
        return ""
    defaults = getattr(getattr(task, "_role", None), "_default_vars", None) or {}
    above = "" if found in given else _variable(defaults.get(found))
    return above if above in READ else found


def named(error: BackupError, task: Any, given: Collection[str] = ()) -> BackupError:
    """The same error about the variable that was typed, where it is about one option of the task."""
    if error.problems:
        return error
    told = str(error.details.get("where") or "")
    where = ", ".join(_renamed(each, task, given) for each in told.split(", "))
    return error if where == told else BackupError(error.fault.name, **{**error.details, "where": where}).with_traceback(error.__traceback__)


def _renamed(where: str, task: Any, given: Collection[str]) -> str:
    """`mail.host` as `backup_anchor_mail.host`."""
    option = _OPTION.match(where)
    variable = of_option(task, option.group(), given) if option else ""
    return variable + where[option.end():] if option and variable else where


def answered(found: dict[str, Any], task: Any, given: Collection[str] = ()) -> None:
    """In what a module of ours answered from a server: the same, in all places where it tells an error about one option."""
    error, backup = found.get("error"), found.get("backup")
    message = str(error.get("message") or "") if isinstance(error, Mapping) and error.get("code") == "RSP101" else ""
    option = re.match(r"[a-z][a-z0-9_]*(?=[.\[:])", message)
    variable = of_option(task, option.group(), given) if option and "\n" not in message else ""
    if not option or variable in ("", option.group()):
        return
    place = re.compile(rf"(^|RSP101: |\[){option.group()}(?=[.\[:])")
    places: list[tuple[Any, tuple[str, ...]]] = [(found, ("msg",)), (error, ("message", "message_es")), (backup, ("error_message", "error_message_es"))]
    for row, names in places:
        if isinstance(row, dict):
            row.update({name: place.sub(rf"\g<1>{variable}", row[name]) for name in names if isinstance(row.get(name), str)})


def told(text: str, task: Any, given: Collection[str] = ()) -> str:
    """A text of Ansible about options, with the variables by which they were given at its end."""
    found = {word: of_option(task, word, given) for word in dict.fromkeys(re.findall(r"[a-z][a-z0-9_]*", text))}
    names = [f"{word} is {variable}" for word, variable in found.items() if variable and variable != word]
    return f"{text} ({'; '.join(names)})" if names else text


def _written(task: Any) -> Mapping[str, Any]:
    """The task's arguments as they stand in its file."""
    source = getattr(task, "_ds", None)
    if not isinstance(source, Mapping):
        return {}
    name = str(getattr(task, "action", "")).rpartition(".")[2]
    return next((value for key, value in source.items() if str(key).rpartition(".")[2] == name and isinstance(value, Mapping)), {})


def _variable(text: Any) -> str:
    found = _FIRST.match(text) if isinstance(text, str) else None
    return found.group(1) if found else ""
