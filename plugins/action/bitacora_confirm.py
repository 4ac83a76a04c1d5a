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

# What is recorded in check mode, by --check or as a keyword, in the place of what was done.
_SIMULATED = {"copy_made": "copy_simulated", "restored": "restore_simulated", "copy_pruned": "prune_simulated", "copy_transferred": "transfer_simulated"}


class ActionModule(BackupAction):
    ARGUMENTS = {
        "label": {"type": "str", "default": ""},
        "labels": {"type": "list", "elements": "str"},
        "event": {"type": "list", "elements": "str", "required": True, "choices": list(result.EVENTS)},
        "system": {"type": "str"},
        "kind": {"type": "str", "choices": list(result.KINDS)},
        "whole": {"type": "bool", "default": False},
    }

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        run = os.environ.get("RESPALDO_RUN_ID")
        if not run:
            raise BackupError("bitacora_not_listening")
        simulated = bool(self._task.check_mode)
        wanted = list(arguments["event"])
        if simulated:
            # by either word: an entry of a simulation is marked as one
            wanted += [_SIMULATED[event] for event in arguments["event"] if event in _SIMULATED]
        with open_store(resolve_url(), readonly=True) as store:
            found = store.entries(run=run, label=arguments["label"] or None, type=wanted, system=arguments["system"], kind=arguments["kind"])
        host = task_vars["inventory_hostname"]
        found = [entry for entry in found if bool(entry.get("simulated")) == simulated and entry.get("host") == host]
        told = {entry.get("label") for entry in found}
        missing = [name for name in arguments["labels"] or () if name not in told]
        if not found or missing:
            raise BackupError("entry_missing", event=" / ".join(wanted), label=", ".join(missing) or arguments["label"] or arguments["system"] or "")
        entry = found[-1]
        if arguments["whole"] and entry.get("not_back"):
            raise BackupError("restored_in_part", label=entry.get("label", ""), count=entry["not_back"])
        return {"changed": False, "n": entry["n"], "digest": entry["digest"], "event": entry["type"], "simulated": simulated}
