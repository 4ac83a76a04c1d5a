# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task of a module about one copy, and the one boundary where an error becomes a result."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import time
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional

from ansible.module_utils.basic import AnsibleModule

from .._engine import label, remarks, result
from .._engine.errors import BackupError
from .._engine.filesystem import scope
from .._engine.frames import frames_of
from .._engine.media import catalogue as media_catalogue
from .._engine.media.base import Medium, Slot
from .._engine.moments import now
from .._engine.processes import hooks, workspace
from .._engine.transforms.keys import Keys

# What a system call says of a path that somebody else exchanges or removes meanwhile.
_RACED = (errno.ENOENT, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ESTALE, errno.ENOTEMPTY)

# The level of verification that finds a damage; what is not among them says nothing of a copy.
FOUND_AT = {"bytes_differ": "T1", "manifest_unreadable": "T1", "copy_missing": "T1", "structure_unreadable": "T2", "never_encrypted": "T2",
            "restored_differs": "T3"}
DAMAGED = tuple(FOUND_AT)

# Of several copies in one task, seconds after which none is begun any more: what was sealed waits for its name meanwhile.
BEGUN_WITHIN = 300


class Task:
    """The parameters of a module that touches one copy, in the engine's words."""

    def __init__(self, module: AnsibleModule, params: Optional[Dict[str, Any]] = None) -> None:
        self.module = module
        self.params: Dict[str, Any] = module.params if params is None else params
        self.label = label.parse(self.params["label"])
        self.slot = Slot(self.params["kind"], self.label.system, self.label.name)
        self._medium: Optional[Medium] = None
        self.hooks: Optional[hooks.Told] = None     # what became of the commands before and after its copy

    def media(self) -> List[Medium]:
        if not self.params["media"]:
            raise BackupError("invalid_input", where="media", value=[], problem="is empty",
                              mend="Name at least one medium of backup_media.")
        return [media_catalogue.build(options) for options in self.params["media"]]

    def medium(self) -> Medium:
        if self._medium is None:
            self._medium = media_catalogue.build(self.params["medium"])
        return self._medium

    def where(self) -> Dict[str, str]:
        """The medium that a task reads from, for the record: a copy may be damaged on one medium and whole on another."""
        if not self.params.get("medium"):
            return {}
        found = dict(medium=self.params["medium"]["name"])
        with contextlib.suppress(BackupError):
            found["location"] = self.medium().location(self.slot)
        return found

    def found_at(self, error: BackupError) -> Dict[str, Any]:
        """More of a fault: what could not be read; the level of verification that finds it, since one as thorough is needed to answer it."""
        if error.fault.name == "copy_partial":
            told = {name: error.details[name] for name in ("unread", "unread_count", "repository")}
            return dict(told, medium=self.params["media"][0]["name"], key_reference=self.params["encryption"]["key_reference"])
        level = FOUND_AT.get(error.fault.name)
        return dict(verification_level=level) if level and "level" in self.params else {}

    def keys(self) -> Keys:
        decryption = self.params["decryption"]
        return Keys(decryption["password"], private_keys=tuple(decryption["private_keys"]))

    def fields(self, event: Optional[str], **found: Any) -> Dict[str, Any]:
        """The backup structure of this task's copy: what was found, over what the caller wants recorded."""
        fields = result.clean(self.params["record"])
        fields.pop("event", None)
        if self.hooks and self.hooks.rows:
            found["hooks"] = list(self.hooks.rows)
        if self.hooks and self.hooks.remarks:
            found["warnings"] = [*(found.get("warnings") or ()), *self.hooks.remarks]
        if found.get("warnings") is not None:
            found["warnings"] = remarks.sent(found["warnings"])
        fields.update(result.build(**found))
        fields.update(result.build(event=event, label=self.label.name, printed_label=self.label.printed,
                                   system=self.params["system"], kind=self.params["kind"]))
        return fields


def run(module: AnsibleModule, work: Callable[[Task], Mapping[str, Any]], failure_event: Callable[[BackupError], str]) -> None:
    """Do the module's work and leave by exit_json or fail_json: the one place where an error becomes a result.

    A failed result carries `error` (code, message, hint) and the `backup` structure with `failure_event`, so that the
    failure is recorded.
    """
    signal.signal(signal.SIGTERM, _interrupted)
    task: Optional[Task] = None
    started = now()
    try:
        task = Task(module)
        told = work(task)
        _tell_scratch(module)
        module.exit_json(**told)
    except BackupError as error:
        _fail(module, task, error, failure_event, started)
    except Exception as error:  # the boundary: what was not foreseen is told and recorded like the rest
        _fail(module, task, _unforeseen(error), failure_event, started, **traced(module, error))


def run_each(module: AnsibleModule, work: Callable[[Task], Mapping[str, Any]], failure_event: Callable[[BackupError], str]) -> None:
    """As `run`, for each row of `copies`, whose fields stand over the parameters that all share; leaves with `answers`, in the order of the rows.

    A failure is the answer about its own copy. A module that is told to end says so of all that is left; one that has worked for BEGUN_WITHIN seconds
    gives fewer answers than there are rows, and is asked again for the others.
    """
    signal.signal(signal.SIGTERM, _interrupted)
    answers: List[Dict[str, Any]] = []
    began = time.monotonic()
    ended: List[BackupError] = []      # why it was told to end, once it was
    for row in module.params["copies"]:
        if answers and time.monotonic() - began > BEGUN_WITHIN:
            break
        task: Optional[Task] = None
        started = now()
        try:
            task = Task(module, dict(module.params, **row))
            if ended:
                raise ended[0]
            answers.append(dict(work(task)))
        except BackupError as error:
            answers.append(_failed(task, error, failure_event, started))
            ended = [error] if error.fault.name == "interrupted" else []
        except Exception as error:  # the boundary, as in `run`
            answers.append(_failed(task, _unforeseen(error), failure_event, started, **traced(module, error)))
    _tell_scratch(module)
    module.exit_json(changed=any(answer.get("changed") for answer in answers), answers=answers)


def traced(module: AnsibleModule, error: BaseException) -> Dict[str, Any]:
    """What -vvv shows of an exception that nobody foresaw; nothing without it."""
    return dict(traceback=frames_of(error)) if getattr(module, "_verbosity", 0) >= 3 else {}


def _unforeseen(error: Exception) -> BackupError:
    """A path that vanished, appeared or became another thing under our hands has an error of its own: somebody else works there."""
    if isinstance(error, OSError) and error.errno in _RACED and isinstance(error.filename, (str, bytes)):
        return BackupError("path_raced", path=scope.shown(os.fsdecode(error.filename)), detail=error.strerror or str(error))
    return BackupError("unexpected", detail="{0}: {1}".format(type(error).__name__, error))


def warn(module: AnsibleModule, told: Iterable[remarks.Remark]) -> None:
    """Tell remarks on the terminal, in Spanish first: staff read them there and in the logs of AWX and Semaphore."""
    for remark in told:
        module.warn(remark.in_both)


def _tell_scratch(module: AnsibleModule) -> None:
    """Scratch that could not be removed is told, and stops nothing."""
    warn(module, workspace.remarks())


def _fail(module: AnsibleModule, task: Optional[Task], error: BackupError, failure_event: Callable[[BackupError], str],
          started: str, **told: Any) -> None:
    _tell_scratch(module)
    module.fail_json(**_failed(task, error, failure_event, started, **told))


def _failed(task: Optional[Task], error: BackupError, failure_event: Callable[[BackupError], str], started: str, **told: Any) -> Dict[str, Any]:
    """What is said of a task that failed, and of its copy where the task came so far as to know it."""
    if task is not None:
        told["backup"] = task.fields(failure_event(error), started_at=started, ended_at=now(), **task.where(),
                                     **task.found_at(error), **result.failure(error))
    return dict(error_of(error), failed=True, **told)


def fail(module: AnsibleModule, error: BackupError) -> None:
    """Leave a module that no entry tells of."""
    module.fail_json(**error_of(error))


def error_of(error: BackupError) -> Dict[str, Any]:
    """What a failed result says of an error."""
    return dict(
        msg=error.in_both(),
        error=dict(code=error.code, name=error.fault.name, message=error.message, hint=error.hint,
                   message_es=error.spanish, remedy_es=error.remedy))


def _interrupted(_signal: int, _frame: Any) -> None:
    raise BackupError("interrupted", label="the copy")
