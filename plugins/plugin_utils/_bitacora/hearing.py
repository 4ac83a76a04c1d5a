# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible's objects say, whatever its version: of an event the host, the task and the result; of a play whether it has work of ours."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ...module_utils._engine.errors import CATALOGUE, BackupError
from . import events, judging

_CODES = {fault.code for fault in CATALOGUE.values()}
_CODE = re.compile(r"\bRSP[0-9]{3}\b")
_LONGEST_MESSAGE = 4000
_PLAYBOOKS = Path(__file__).resolve().parents[3] / "playbooks"
# The role that only shows the bitácora, and its actions.
_READS = {"bitacora", *judging.READERS}
_INCLUDES = ("include_role", "ansible.builtin.include_role", "ansible.legacy.include_role")
# What is read of a result; one that has none of these is only counted.
OURS = frozenset(("backup", "results", "error", "moved", "url", "systems", "due"))


def told(error: Exception | None) -> str:
    """An error as people look it up: its code, and what to do."""
    return error.in_both() if isinstance(error, BackupError) else str(error)


@functools.lru_cache(maxsize=1024)
def named(action: str) -> str:
    """An action's name, unless it is no name: a template may hold anything."""
    return action if re.fullmatch(r"[A-Za-z0-9_.]+", action) else "-"


def result_of(event: Any) -> tuple[str, Any, Mapping[str, Any]]:
    """Host, task and result of an event, by the names of ansible-core 2.19 or those before it."""
    if hasattr(event, "host"):
        # `result` makes a plain copy of all that a task returned: most tasks return nothing of ours.
        returned: Any = getattr(event, "_return_data", None)
        plain = not isinstance(returned, Mapping) or not OURS.isdisjoint(returned)
        return event.host.get_name(), event.task, event.result if plain else returned
    return event._host.get_name(), event._task, event._result


def resolved(event: Any, task: Any) -> str:
    """The full name of the action that a task was resolved to, whatever the playbook calls it; "" when it can't be told.

    A name that is a template is known only where the event, or its task, holds it templated.
    """
    found = vars(task).get("_resolved_action") or vars(task).get("resolved_action")
    if not found:
        fields = getattr(event, "_task_fields", None)
        found = fields.get("action") if fields else task.action
    return str(found) if isinstance(found, str) else ""


def error_of(found: Mapping[str, Any], action: str) -> Any:
    """The error that a failed result of ours tells; of one that no_log hides, that. None of an action that is not ours ("")."""
    if not action:
        return None
    if not found.get("censored"):
        return found.get("error")
    hidden = BackupError("result_hidden", action=action)
    return {"code": hidden.code, "message": hidden.message, "message_es": hidden.spanish, "remedy_es": hidden.remedy}


def enters(task: Any) -> bool:
    """Whether a task is the check of the variables with which a role of ours is entered: it is the controller that speaks there, and no server."""
    return is_of_ours(task) and str(task.action).rpartition(".")[2] == "validate_argument_spec"


def code_in(found: Mapping[str, Any]) -> str:
    """The code of ours that a template told, " (RSP606)"."""
    return next((" ({0})".format(code) for code in _CODE.findall(str(found.get("msg"))[:_LONGEST_MESSAGE]) if code in _CODES), "")


def is_of_ours(task: Any) -> bool:
    """Whether a task is of a role of ours, whichever action it calls."""
    return _is_our_role(getattr(task, "_role", None))


def expected(playbook: Any, options: Mapping[str, Any]) -> judging.Expected:
    """What a run is started for, by its plays, its file and the options of its command line."""
    file = str(getattr(playbook, "_file_name", ""))
    tags = tuple(options.get("tags") or ()) not in ((), ("all",)) or bool(options.get("skip_tags"))
    shipped = bool(file) and Path(os.path.realpath(file)).parent == _PLAYBOOKS
    work = set[str]().union(*map(work_of, playbook.get_plays()))
    return judging.Expected(bool(work), bool(work) and work <= _READS, tags and not shipped, bool(options.get("start_at_task")), bool(options.get("subset")))


def work_of(play: Any) -> set[str]:
    """The roles and actions of ours that a play has, by their short names, as far as can be read before it runs."""
    found = {str(role._role_name) for role in play.roles if _is_our_role(role)}
    for task in _tasks([*play.pre_tasks, *play.tasks, *play.post_tasks]):
        action = resolved(None, task)
        name = str(task.args.get("name", "")) if action in _INCLUDES else action
        found |= {str(task._role._role_name)} if is_of_ours(task) else set()
        found |= {name[len(events.COLLECTION):]} if name.startswith(events.COLLECTION) else set()
    return found.difference(judging.WITNESSES)


def clears(task: Any) -> bool:
    """Whether a task makes Ansible forget which hosts failed."""
    return str(task.action).rpartition(".")[2] == "meta" and task.args.get("_raw_params") == "clear_host_errors"


def clears_in(play: Any) -> bool:
    """Whether a play has such a task, as far as can be read before it runs: `strategy: free` tells of none when it is met."""
    of_roles = [block for role in play.roles for block in role.get_task_blocks()]
    return any(clears(task) for task in _tasks([*of_roles, *play.pre_tasks, *play.tasks, *play.post_tasks, *play.handlers]))


def matches_nobody(play: Any) -> str:
    """The pattern of a play that matched no host, when it names something that the inventory does not have; "" for groups that are only empty."""
    pattern = play.hosts if isinstance(play.hosts, str) else ",".join(map(str, play.hosts))
    inventory = getattr(play.get_variable_manager(), "_inventory", None)
    names = [name.lstrip("!&") for name in re.split(r"[,:\s]+", pattern) if name]
    known = inventory is not None and all(name in inventory.groups for name in names)
    return "" if known else pattern


def _is_our_role(role: Any) -> bool:
    return str(getattr(role, "_role_collection", None) or "") + "." == events.COLLECTION


def _tasks(rows: Iterable[Any]) -> Iterator[Any]:
    for row in rows:
        if hasattr(row, "block"):
            yield from _tasks([*row.block, *row.rescue, *row.always])
        else:
            yield row
