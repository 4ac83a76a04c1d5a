# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carry a copy, or several, to another medium: the work of backup_transfer."""

from __future__ import annotations

import time
from typing import Any, Dict

from ansible.module_utils.basic import AnsibleModule

from .._engine.copies import orders
from .._engine.copies.kinds import open_copy
from .._engine.media import catalogue
from .._engine.moments import now
from .base import Task, run, run_each


def transfer_copy(module: AnsibleModule) -> None:
    """Write a published copy, or each of several, onto another medium and seal it there."""

    def work(task: Task) -> Dict[str, Any]:
        started, clock = now(), time.monotonic()
        source, target = catalogue.build(task.params["source"]), task.medium()
        known = dict(medium=target.name, location=target.location(task.slot), started_at=started)
        with open_copy(task.slot, source, task.keys(), task.params["sha256"]) as opened:
            if orders.lacks(target, task.slot, task.params["record"].get("known_on") or ()):
                opened.check_target(target)  # one that can't be written to says so itself
                raise orders.empty(target, task.slot)
            if module.check_mode:
                opened.check_target(target)
                return dict(changed=True, backup=task.fields("transfer_simulated", sha256=opened.digest, size=opened.size, **known))
            note = opened.carry(target, task.params["lock_timeout"])
            stored = opened.stored(target)
        told = task.fields(None, sha256=opened.digest, size=opened.size, ended_at=now(), trust_level=task.params["trust_level"],
                           duration_ms=int((time.monotonic() - clock) * 1000), checks=["sha256_both_ends"],
                           repository_sizes=None if stored is None else [stored], **known)
        return dict(changed=True, sealed={target.name: note} if note else {}, backup=told)

    (run if module.params["copies"] is None else run_each)(module, work, lambda error: "transfer_failed")
