# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a copy: the work of backup_database, backup_git, backup_archive and backup_mailbox."""

from __future__ import annotations

from typing import Any, Callable, Dict, Optional, Sequence

from ansible.module_utils.basic import AnsibleModule

from .._engine.copies import making, orders, publishing
from .._engine.copies.sealing import Made
from .._engine.errors import BackupError
from .._engine.filesystem import scope
from .._engine.media.base import Medium
from .._engine.moments import now
from .._engine.sources.base import Source
from . import hooked
from .base import Task, run, warn
from .ordering import order_of


def make_copy(module: AnsibleModule, build: Callable[[Task], Source], prove: Optional[Callable[[Source, str], None]] = None) -> None:
    """The work of every module that makes a copy. In check mode everything up to the first byte written is done, and what `prove` does where it is asked."""

    def work(task: Task) -> Dict[str, Any]:
        if module.check_mode:
            source, media, order = build(task), task.media(), order_of(task)
            hooked.prove(task)
            orders.prove_closed(order, source)
            source.preflight()
            source.prove_rights()
            if prove and task.params["prove_drill"]:
                prove(source, task.slot.label)
            for medium in media:
                orders.check(order, medium)
            return dict(changed=True, backup=task.fields(
                "copy_simulated", source_type=source.type, source=source.describe(), started_at=now(),
                medium=", ".join(medium.name for medium in media), compression=order.compression,
                location=", ".join(medium.location(order.slot) for medium in media), encrypted=order.keys is not None))
        # a command before may be what makes the source readable at all
        with hooked.hooked(task) as told:
            source, media, order = build(task), task.media(), order_of(task)
            made = making.make(order, source, media)
            told.good = True
        return finished(task, made, media)

    run(module, work, failure_event)


def finished(task: Task, made: Made, media: Sequence[Medium]) -> Dict[str, Any]:
    """The result of a copy that was sealed, and published where the task says so."""
    publish = task.params["publish"]
    if publish:
        publishing.publish(task.slot, made.digest, media)
    warn(task.module, made.fields["warnings"])
    # a sealed copy has no name yet, so it is no event: the bitácora learns of it when it is published
    event = "copy_made" if publish else None
    sealed = dict(sealed=made.notes) if made.notes and not publish else {}
    return dict(changed=True, published=publish, backup=task.fields(event, **made.fields), **sealed)


def failure_event(error: BackupError) -> str:
    """What a copy that was not made is to the bitácora: refused, or failed."""
    return "copy_refused" if error.fault.name in scope.REFUSALS else "copy_failed"
