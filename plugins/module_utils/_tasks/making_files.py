# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a copy of a file server: the work of backup_files."""

from __future__ import annotations

import socket
from typing import Any, Dict, List, Tuple

from ansible.module_utils.basic import AnsibleModule

from .._engine.copies import orders
from .._engine.copies.incremental import making
from .._engine.copies.incremental.backup import FilesOrder
from .._engine.filesystem import scope
from .._engine.media.base import Medium
from .._engine.moments import now
from .._engine.restic import names, repositories
from .._engine.sources import of_files
from . import hooked
from .base import Task, run
from .making import failure_event, finished
from .ordering import order_of


def make_files(module: AnsibleModule) -> None:
    """The work of backup_files: as make_copy, for a source whose data goes to a repository."""

    def work(task: Task) -> Dict[str, Any]:
        if module.check_mode:
            source, media, order = _asked(task)
            hooked.prove(task)
            source.preflight()
            for medium in media:
                orders.check(order.base, medium)
                repositories.on(medium, order.repository)
            return dict(changed=True, backup=task.fields(
                "copy_simulated", source_type=source.type, source=source.describe(), started_at=now(), encrypted=True, repository=order.repository,
                medium=", ".join(medium.name for medium in media), location=", ".join(medium.location(order.base.slot) for medium in media)))
        with hooked.hooked(task) as told:
            source, media, order = _asked(task)
            made = making.make(order, source, media)
            told.good = True
        return finished(task, made, media)

    run(module, work, failure_event)


def _asked(task: Task) -> Tuple[Any, List[Medium], FilesOrder]:
    source = of_files.build(task.params["source"], task.params["assigned_paths"])
    scope.demand(task.params["assigned_paths"], source.describe())
    media, base = task.media(), order_of(task)
    server = task.params["server"] or socket.gethostname()
    name = names.repository_name(source.options.repository, task.params["system"], server, str(task.params["record"].get("office") or ""))
    limit = (task.params["working_hours"] and source.options.limit_upload_working_hours) or source.options.limit_upload
    return source, media, FilesOrder(base, server, name, base.keys.recipients if base.keys else (), limit)
