# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proves, before anything is copied, that this run is being recorded, and by a controller that makes no variables of what servers tell."""

from __future__ import annotations

from typing import Any

from ..plugin_utils import _guard
from ..plugin_utils._actions import BackupAction


class ActionModule(BackupAction):
    REFUSES_INJECTION = False      # it has more to say first

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        proved = _guard.prove()
        _guard.refuse_odd_answers(self._task, self._templar, task_vars)
        return {"changed": False, **proved}
