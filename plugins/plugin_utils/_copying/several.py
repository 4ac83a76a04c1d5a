# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several copies in one question to a server, whose module starts once for all of them: each has an answer of its own, judged as if it had been asked alone.

What is wrong with one answer, or with one copy, is that copy's failure and hides no other's.
"""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Mapping, Sequence

from ...module_utils._engine.errors import BackupError
from .. import _forms, _keepers
from .._actions import failed
from . import answers
from .asking import EngineAction, answer_of, refuse_foreign_labels, show_frames

Row = dict[str, t.Any]      # the arguments of a task about one copy, or its result

_NAMED = ("label", "system", "sha256")
_OWN = (*_NAMED, "record", "trust_level", "sealed")     # what is of each copy; the rest is shared


def rows_of(arguments: Mapping[str, t.Any]) -> list[Row]:
    """The arguments of a task about each of the copies. Raises BackupError RSP101."""
    given = arguments["copies"]
    if not isinstance(given, (list, tuple)) or not given or any(not isinstance(row, Mapping) or any(not row.get(name) for name in _NAMED) for row in given):
        raise BackupError("invalid_input", where="copies", value=_forms.line(given, 200), problem="is no list of copies",
                          mend="Give each its label, system and sha256, as backup_transfer_plan does.")
    labels = [str(row["label"]) for row in given]
    if any(arguments.get(name) for name in _NAMED) or len(set(labels)) < len(labels):
        raise BackupError("invalid_input", where="copies", value="...", problem="names a copy twice",
                          mend="Give either one copy by label, system and sha256, or copies, each label once.")
    shared = {name: value for name, value in arguments.items() if name != "copies"}
    return [{**shared, **_own(row)} for row in given]


def caught(action: EngineAction, row: Row, work: Callable[..., Row], *given: t.Any) -> Row:
    """The result of the work on one copy; an error of the catalogue is a result too, with its entry."""
    try:
        refuse_foreign_labels(row)
        return work(*given)
    except BackupError as error:
        return failed_with(action, row, error)


def failed_with(action: EngineAction, row: Row, error: BackupError) -> Row:
    """The result of one copy that an error of the catalogue ended."""
    return {**failed(error), "backup": action.failure(error, row)}


def ask(action: EngineAction, name: str, shared: Mapping[str, t.Any], rows: Sequence[Row], task_vars: dict[str, t.Any]) -> list[Row]:
    """The result about each of these copies, of which a module that has worked long may leave out the last ones; of the first there is always one.

    `shared` are the arguments that all have. Of each row the server is given what is of its copy. Raises AnsibleError for a server out of reach.
    """
    server, simulated = str(task_vars.get("inventory_hostname") or ""), bool(action._task.check_mode)
    shared = _keepers.without_keys(shared)
    asked = [answers.asking(name, server, {**row, **shared}, simulated) for row in rows]
    answer = answer_of(action, name, {**shared, "copies": [_own(row) for row in rows]}, task_vars)
    show_frames(asked[0], answer)
    told = answer.get("answers") if isinstance(answer, Mapping) else None
    if isinstance(told, (list, tuple)) and 0 < len(told) <= len(rows):
        return [caught(action, row, answers.heard, each, one) for row, each, one in zip(rows, asked, told)]
    return [caught(action, row, _failed_as_a_whole, each, answer) for row, each in zip(rows, asked)]


def _failed_as_a_whole(asked: answers.Asked, answer: t.Any) -> Row:
    """What an answer says of one copy that does not speak of each. Raises BackupError, unless it says why it failed."""
    heard = answers.heard(asked, answer)
    if not heard.get("failed"):
        raise BackupError("answer_unreadable", server=asked.server, module=asked.module, detail="it does not answer for each copy")
    return heard


def _own(row: Mapping[str, t.Any]) -> Row:
    """What a row says of its copy; a plan tells more of it, as which medium it lies on."""
    return {name: row[name] for name in _OWN if name in row}


def result_of(action: EngineAction, results: Sequence[Row]) -> Row:
    """The one result of a task about several copies: every entry, and a failure if one failed."""
    bad = [row for row in results if row.get("failed")]
    told: Row = {"changed": any(row.get("changed") for row in results), "backup": [row["backup"] for row in results],
                 **answers.interpreter_of(action)}
    warned = list(dict.fromkeys(text for row in results for text in row.get("warnings") or ()))
    told.update({"warnings": warned} if warned else {})
    if bad:
        # the first in words, all by their labels and codes: each has its entry, and the play's verdict tells them
        codes = "; ".join("{0} {1}".format(row["backup"].get("label", ""), row["error"]["code"]) for row in bad)
        told.update(failed=True, error=bad[0]["error"], msg=bad[0]["msg"] + (" ({0})".format(codes) if len(results) > 1 else ""))
    return told
