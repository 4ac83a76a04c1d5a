# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An existing copy and the source that made it, whatever kind it is."""

from __future__ import annotations

from typing import Any, List, Mapping, Optional

from ansible.module_utils.basic import AnsibleModule

from .._engine.copies.base import Copy
from .._engine.copies.kinds import kind_of, open_copy
from .._engine.errors import BackupError
from .._engine.remarks import Remark
from .._engine.sources import catalogue
from .._engine.sources.base import Source
from .base import Task, warn


def opened(task: Task) -> Copy:
    """The copy, to be entered; its bytes must be those the bitácora recorded when the task says which."""
    if task.params.get("partial"):
        return kind_of(task.slot.kind).partial(task.slot, task.medium(), task.keys(), task.params["repository"] or task.slot.system)
    return open_copy(task.slot, task.medium(), task.keys(), task.params["sha256"], task.params["scratch"], task.params.get("data_subsets") or ())


def source_of(task: Task, manifest: Mapping[str, Any]) -> Source:
    """The source that made an existing copy, with the options the task gives for reaching its engine."""
    options = dict(task.params["source"] or {})
    options["type"] = options.get("type") or manifest["source"]["type"]
    if options["type"] != manifest["source"]["type"]:
        raise BackupError("invalid_input", where="source.type", value=options["type"],
                          problem="is not what made the copy ({0})".format(manifest["source"]["type"]),
                          mend="Leave it out.")
    options["database"] = task.params.get("part") or ""
    options["encrypted"] = manifest["encrypted"]
    options["selected"] = task.params.get("restore_paths") or []
    options["mail"] = task.params.get("mail") or {}
    options["special"] = task.params.get("restore_special") or False
    return catalogue.build(options["type"], options, task.params["assigned_paths"])


def told_remarks(module: AnsibleModule, source: Source) -> Optional[List[Remark]]:
    """What the source remarked, told on the terminal too; None when it was nothing."""
    warn(module, source.remarks())
    return source.remarks() or None
