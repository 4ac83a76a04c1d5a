# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Give a sealed copy, or several, their names: the work of backup_publish."""

from __future__ import annotations

from typing import Any, Dict

from ansible.module_utils.basic import AnsibleModule

from .._engine.copies import publishing
from .base import Task, run, run_each


def publish_copy(module: AnsibleModule) -> None:
    """Give a sealed copy, or each of several, its final name."""

    def work(task: Task) -> Dict[str, Any]:
        media, digest = task.media(), task.params["sha256"]
        there = [task.slot.label in medium.labels(task.slot.kind, task.slot.system) for medium in media] if module.check_mode else []
        if task.params["state"] == "sealed":
            if not module.check_mode:
                publishing.withdraw(task.slot, media)
            return dict(changed=any(there) or not module.check_mode)
        if module.check_mode:
            return dict(changed=not all(there))
        changed = publishing.publish(task.slot, digest, media, task.params["sealed"])
        return dict(changed=changed, backup=task.fields("copy_made", sha256=digest))

    (run if module.params["copies"] is None else run_each)(module, work, lambda error: "copy_failed")
