# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands of a system that run on its server, around the making of its copy; what became of them is told in its entry, good or not."""

from __future__ import annotations

import contextlib
from typing import Iterator

from .._engine.processes import hooks
from .base import Task, warn


def prove(task: Task) -> None:
    """That its commands could be run, where nothing is (check mode). Raises hook_before_failed, hook_unsafe."""
    hooks.check(hooks.of(task.params["hooks"], "server"), task.params["system"])


@contextlib.contextmanager
def hooked(task: Task) -> Iterator[hooks.Told]:
    """Between its commands; whoever makes the copy says by `good` that it was made. Raises what `hooks.around` raises."""
    told = task.hooks = hooks.Told()
    about = hooks.About(task.slot.kind, task.params["system"], task.label.name, task.params["lock_timeout"])
    try:
        with hooks.around(hooks.of(task.params["hooks"], "server"), about, told):
            yield told
    finally:
        warn(task.module, told.remarks)
