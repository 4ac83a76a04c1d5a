# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restore a copy: the work of backup_restore."""

from __future__ import annotations

import os
import time
from typing import Any, Callable, Dict, List

from ansible.module_utils.basic import AnsibleModule

from .._engine.copies.base import Copy
from .._engine.copies.manifest import lacking
from .._engine.errors import BackupError
from .._engine.filesystem import scope
from .._engine.moments import now
from .._engine.remarks import Remark
from .._engine.sources.base import Source
from . import opening
from .base import Task, run


def restore_copy(module: AnsibleModule) -> None:
    """Bring a published copy back, its bytes verified before the target is touched."""

    def work(task: Task) -> Dict[str, Any]:
        started, clock = now(), time.monotonic()
        with opening.opened(task) as opened:
            source = opening.source_of(task, opened.manifest)
            target = task.params["target"] or source.default_target(opened.manifest)
            _guard_target(task, opened, source, target)
            source.check_target(target, task.params["overwrite"], task.slot.label)
            # a restore that is only simulated lists nothing: there the password is proved at once
            remarks = _read_whole(opened, opened.verify_bytes if module.check_mode else opened.verify_for_restore, task.params["damaged"])
            if module.check_mode or remarks:
                opened.unlock()
            known = dict(
                source_type=source.type, source=opened.manifest["source"]["description"], started_at=started,
                medium=task.params["medium"]["name"], location=opened.medium.location(task.slot), sha256=opened.digest,
                size=opened.size, target=target)
            if module.check_mode:
                return dict(changed=True, backup=task.fields("restore_simulated", **known))
            restored = source.restore(opened, target, task.params["overwrite"])
        known.update(target=str(restored["target"]), lacks=lacking(opened.manifest), objects=restored.get("objects"),
                     not_back=restored.get("not_back") or None, ended_at=now(),
                     duration_ms=int((time.monotonic() - clock) * 1000), warnings=remarks + (opening.told_remarks(module, source) or []) or None)
        return dict(changed=True, restored=restored, backup=task.fields("restored", **known))

    run(module, work, lambda error: "restore_failed")


def _read_whole(opened: Copy, verify: Callable[[], None], damaged: bool) -> List[Remark]:
    """Compare all bytes with those recorded. Where a person asked for a damaged copy all the same, a difference is a remark and what opens is given."""
    try:
        verify()
    except BackupError as error:
        if not damaged or error.fault.name != "bytes_differ":
            raise
        opened.forgiving = True
        return [Remark("damaged_restored", why=error)]
    return []


def _guard_target(task: Task, opened: Copy, source: Source, target: str) -> None:
    """What comes from a shared folder goes into an assigned path of the same office. Raises nothing_assigned, out_of_scope, other_office.

    The kind is the task's: a manifest that tells another, which a server that was taken may have written, is refused. Raises kind_differs.
    """
    manifest = opened.manifest
    told = manifest["kind"], manifest["system"], manifest["source"]["type"]
    if told[:2] != (task.slot.kind, task.slot.system) or source.of_shared_folders != opened.of_shared_folders:
        raise BackupError("kind_differs", label=task.slot.label, told=", ".join(map(str, told)), kind=task.slot.kind, system=task.slot.system)
    roots = manifest["source"]["facts"].get("real_paths") or []
    if not opened.of_shared_folders:
        return
    if not roots:
        raise BackupError("manifest_unreadable", label=task.slot.label, location="its manifest", detail="it does not tell which folders were copied")
    scope.demand(task.params["assigned_paths"], target)
    asked = [path if path.startswith("/") else os.path.join(roots[0], path) for path in task.params["restore_paths"]]
    scope.refuse_other_office([os.path.normpath(path) for path in asked or roots], target, task.params["offices"])
