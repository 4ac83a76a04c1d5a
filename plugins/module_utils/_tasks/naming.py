# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell the names in a copy of a file server: the work of backup_names."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule

from .._engine.copies.incremental import naming
from .._engine.copies.incremental.reading import SnapshotCopy
from .._engine.errors import BackupError
from . import opening
from .base import Task, fail


def tell_names(module: AnsibleModule) -> None:
    """A page of the names; nothing is changed and nothing recorded."""
    try:
        with opening.opened(Task(module)) as opened:
            if not isinstance(opened, SnapshotCopy):
                raise BackupError("invalid_input", where="kind", value=module.params["kind"], problem="has no names of files", mend="Name a file server.")
            found = naming.page(opened, module.params["after"], module.params["most"])
        module.exit_json(changed=False, names=found.packed, count=found.total, more=found.more)
    except BackupError as error:
        fail(module, error)
