# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove copies: the work of backup_prune."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence, Set, Tuple

from ansible.module_utils.basic import AnsibleModule

from .._engine import label, result
from .._engine.copies.base import Copy
from .._engine.copies.kinds import open_copy
from .._engine.errors import BackupError
from .._engine.media.base import Medium, Slot
from .._engine.moments import now
from .base import DAMAGED, Task, error_of, run


def prune_copies(module: AnsibleModule) -> None:
    """Remove copies of a system from a medium, once those that must stay are proven there. Each removal is an event of its own."""

    def work(task: Task) -> Dict[str, Any]:
        medium, victims = task.medium(), task.params["victims"]
        if task.params["expired"] and task.slot.kind not in result.KINDS_ON_REQUEST:
            raise BackupError("expired_not_on_request", system=task.slot.system, kind=task.slot.kind)
        if not medium.stocked(task.slot):
            raise BackupError("medium_empty", location=medium.location(task.slot).rpartition("/" + task.slot.shelf)[0])
        with medium.lock(task.slot, 0 if module.check_mode else task.params["lock_timeout"]):
            newest = _prove_what_stays(task, medium) if not task.params["expired"] else None
            if module.check_mode:
                there = set(medium.labels(task.slot.kind, task.slot.system))
                told = [_pruned(task, medium, row, "prune_simulated") for row in victims if row["label"] in there]
                return dict(changed=bool(told), backup=told, diff=_labels_diff(there, told))
            told, gone, waiting = [], 0, []
            for row in victims:
                try:
                    gone += medium.remove(Slot(task.slot.kind, task.slot.system, label.parse(row["label"]).name), row["sha256"])
                except BackupError as error:
                    if error.fault.name == "blob_protected":
                        waiting.append((row, error))
                        continue
                    told.append(dict(_pruned(task, medium, row, "prune_failed"), **result.failure(error)))
                    return dict(changed=gone > 0, failed=True, backup=told, **error_of(error))
                told.append(_pruned(task, medium, row, "copy_pruned"))
            if newest is None:
                return dict(changed=gone > 0, backup=told + _deferred(task, medium, waiting), deferred=[row["label"] for row, _error in waiting])
            try:
                newest.give_back(task.params["lock_timeout"])
            except BackupError as error:
                told.append(dict(_pruned(task, medium, victims[-1], "prune_failed"), **result.failure(error)))
                return dict(changed=gone > 0, failed=True, backup=told, **error_of(error))
            stored = newest.stored(medium)
            if told and stored is not None:
                told[-1].update(result.build(repository_sizes=[stored]))
            return dict(changed=gone > 0, backup=told + _deferred(task, medium, waiting), deferred=[row["label"] for row, _error in waiting])

    run(module, work, lambda error: "prune_failed")


def _deferred(task: Task, medium: Medium, waiting: Sequence[Tuple[Mapping[str, Any], BackupError]]) -> List[Dict[str, Any]]:
    """One entry for all that the medium does not let go of yet (write-once, legal hold): told and tried again later, and no failure."""
    if not waiting:
        return []
    first, error = waiting[0]
    fields = _pruned(task, medium, first, "prune_deferred")
    labels = ", ".join(row["label"] for row, _error in waiting)
    fields.update(result.build(objects=len(waiting), reason_text="{0}: {1}. {2}".format(error.code, error.spanish, labels)[:3000]))
    return [fields]


def _prove_what_stays(task: Task, medium: Medium) -> Copy:
    """The newest good copy is read whole, the others that must stay have their list of files. Raises last_good_unproven.

    Gives the newest, which is told of the removals.
    """
    proven = task.slot
    try:
        with open_copy(proven, medium, task.keys(), task.params["sha256"]) as newest:
            newest.prove_newest()
        for row in task.params["keep"]:
            proven = Slot(task.slot.kind, task.slot.system, label.parse(row["label"]).name)
            with open_copy(proven, medium, None, row["sha256"]) as kept:
                kept.prove_kept()
    except BackupError as error:
        if error.fault.name not in DAMAGED:
            raise
        raise BackupError("last_good_unproven", label=proven.label, location=medium.location(proven), detail=error.message) from error
    return newest


def _pruned(task: Task, medium: Medium, row: Mapping[str, Any], event: str) -> Dict[str, Any]:
    named = label.parse(row["label"])
    fields = task.fields(event, medium=medium.name, location=medium.location(Slot(task.slot.kind, task.slot.system, named.name)), ended_at=now())
    fields.update(result.build(label=named.name, printed_label=named.printed, reason_text=row["reason"] or None, sha256=row["sha256"] or None))
    return fields


def _labels_diff(there: Set[str], told: Sequence[Mapping[str, Any]]) -> Dict[str, str]:
    after = there - {row["label"] for row in told}
    return dict(before="".join(name + "\n" for name in sorted(there)), after="".join(name + "\n" for name in sorted(after)))
