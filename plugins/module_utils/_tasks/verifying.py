# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verify a copy: the work of backup_verify."""

from __future__ import annotations

import contextlib
import time
from typing import Any, Dict, List, Tuple

from ansible.module_utils.basic import AnsibleModule

from .._engine.copies.base import Copy
from .._engine.copies.manifest import lacking
from .._engine.errors import BackupError
from .._engine.moments import now
from .._engine.processes import programs
from .._engine.remarks import Remark
from .._engine.sources.base import Source
from . import opening
from .base import DAMAGED, Task, run


def verify_copy(module: AnsibleModule) -> None:
    """Read a published copy again, to the trust level asked for. Reading changes nothing, so check mode reads too, but restores nothing."""

    def work(task: Task) -> Dict[str, Any]:
        started, clock = now(), time.monotonic()
        level, checks = task.params["level"], ["sha256"]
        remarks: List[Remark] = []
        with opening.opened(task) as opened:
            source = opening.source_of(task, opened.manifest)
            if level == "T1":
                opened.verify_bytes()
            else:
                checks = opened.verify_structure(source)
            if level >= "T3" and module.check_mode:
                level = "T2"
            elif level >= "T3":
                with programs.private_directory(task.params["scratch"] or None) as scratch:
                    checks += source.rehearse(opened, scratch)
                    compared, remarks = _compared(source, opened, scratch) if level == "T4" else ([], [])
                    if level == "T3":
                        # a source that is not there, or may not be read here, says nothing of the copy
                        with contextlib.suppress(BackupError, OSError):
                            checks += source.look_beside(opened, scratch)
                level, checks = "T4" if compared else "T3", checks + compared
        fields = dict(
            source_type=source.type, source=opened.manifest["source"]["description"], started_at=started,
            medium=task.params["medium"]["name"], location=opened.medium.location(task.slot), sha256=opened.digest,
            size=opened.size)
        fields.update(ended_at=now(), duration_ms=int((time.monotonic() - clock) * 1000), trust_level=level, checks=checks,
                      verification_level=level, lacks=lacking(opened.manifest), warnings=(opening.told_remarks(module, source) or []) + remarks or None)
        return dict(changed=False, manifest=opened.manifest, backup=task.fields("copy_verified", **fields))

    run(module, work, lambda error: "copy_damaged" if error.fault.name in DAMAGED else "verification_failed")


def _compared(source: Source, opened: Copy, scratch: str) -> Tuple[List[str], List[Remark]]:
    """T4: the methods by which the copy was found equal to its source as it is now, none when it can't be told; and why not.

    A source that can't be read says nothing of the copy, which did come back. Raises source_differs, mailbox_differs.
    """
    try:
        return source.compare(opened, scratch), []
    except BackupError as error:
        if error.fault.name in ("source_differs", "mailbox_differs"):
            raise
        return [], [Remark("not_compared", why=error)]
