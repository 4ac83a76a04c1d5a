# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks the bitácora whether an event of a copy is recorded in this run."""

from __future__ import annotations

import os
from typing import Any

from ..module_utils._engine import result
from ..module_utils._engine.errors import BackupError
from ..plugin_utils._actions import BackupAction
from ..plugin_utils._bitacora.store import open_store, resolve_url


class ActionModule(BackupAction):
    ARGUMENTS = {
        "label": {"type": "str", "default": ""},
        "event": {"type": "list", "elements": "str", "required": True, "choices": list(result.EVENTS)},
        "system": {"type": "str"},
        "kind": {"type": "str", "choices": list(result.KINDS)},
    }

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        run = os.environ.get("RESPALDO_RUN_ID")
        if not run:
            raise BackupError("bitacora_not_listening")
        with open_store(resolve_url(), readonly=True) as store:
            found = store.entries(run=run, label=arguments["label"] or None, type=arguments["event"], system=arguments["system"], kind=arguments["kind"])
        simulated = bool(self._task.check_mode)
        found = [entry for entry in found if bool(entry.get("simulated")) == simulated]
        if not found:
            raise BackupError("entry_missing", event=" / ".join(arguments["event"]), label=arguments["label"] or arguments["system"] or "")
        entry = found[-1]
        return {"changed": False, "n": entry["n"], "digest": entry["digest"], "event": entry["type"], "simulated": simulated}
