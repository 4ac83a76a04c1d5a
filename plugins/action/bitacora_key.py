# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes the key that seals the bitácora, by an entry that is signed. See its module for the documentation."""

from __future__ import annotations

import os
from typing import Any

from ..plugin_utils._actions import BackupAction
from ..plugin_utils._bitacora import rotation, trust
from ..plugin_utils._bitacora.store import open_store, resolve_url


class ActionModule(BackupAction):
    ARGUMENTS = {
        "state": {"type": "str", "choices": list(rotation.STATES), "default": "rotated"},
        "key": {"type": "str", "default": "", "no_log": False},
        "reason": {"type": "str", "required": True},
        "authority": {"type": "str", "required": True},
    }

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        wanted = rotation.Wanted(**arguments, run=os.environ.get("RESPALDO_RUN_ID", ""))
        with open_store(resolve_url()) as store:
            done = rotation.change(trust.settings(), store, wanted, bool(self._task.check_mode))
        told = {"changed": done.changed, "public_key": done.public, "n": done.n}
        if wanted.state == "restored":
            told.update(lost_from=done.lost_from, lost_to=done.lost_to)
        return told
