# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proves, before anything is copied, that this run is being recorded."""

from __future__ import annotations

import os
from typing import Any

from ..module_utils._engine.errors import BackupError
from ..plugin_utils._actions import BackupAction
from ..plugin_utils._bitacora.store import open_store


class ActionModule(BackupAction):
    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        run, url = os.environ.get("RESPALDO_RUN_ID"), os.environ.get("RESPALDO_BITACORA")
        # The callback lives in the parent of this worker; a name left in the environment by an outer ansible-playbook proves nothing.
        if not run or not url or os.environ.get("RESPALDO_CONTROLLER_PID") not in (str(os.getppid()), str(os.getpid())):
            raise BackupError("bitacora_not_listening")
        with open_store(url) as store:
            store.prove_writable()
            if not store.entries(run=run, type="run_started"):
                raise BackupError("bitacora_unwritable", store=store.url, detail="the start of this run is not in it")
        return {"changed": False, "run": run, "url": url}
