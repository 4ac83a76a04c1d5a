# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fails when this run recorded failures of this host."""

from __future__ import annotations

import os
import typing as t

from ..module_utils._engine import result
from ..module_utils._engine.errors import BackupError
from ..plugin_utils._actions import BackupAction
from ..plugin_utils._bitacora.store import open_store, resolve_url

_GOOD = ("copy_made", "copy_verified", "copy_pruned", "prune_simulated", "restored", "copy_simulated", "restore_simulated")
_BAD = ("copy_failed", "copy_refused", "copy_damaged", "verification_failed", "restore_failed", "prune_failed", "transfer_failed", "custody_failed",
        "path_refused")


class ActionModule(BackupAction):
    ARGUMENTS = {"kind": {"type": "str", "choices": list(result.KINDS)}}

    def work(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        run = os.environ.get("RESPALDO_RUN_ID")
        if not run:
            raise BackupError("bitacora_not_listening")
        host = task_vars["inventory_hostname"]
        with open_store(resolve_url(), readonly=True) as store:
            found = store.entries(run=run, type=_GOOD + _BAD, kind=arguments["kind"])
        mine = [entry for entry in found if entry.get("host") == host]
        bad = [{"label": entry.get("label", ""), "system": entry.get("system", ""), "code": entry.get("error_code", ""),
                "message_es": entry.get("error_message_es", "")} for entry in mine if entry["type"] in _BAD]
        told: dict[str, t.Any] = {"changed": False, "bad": bad, "good": sorted({str(entry["label"]) for entry in mine if entry["type"] in _GOOD})}
        if bad:
            lines = ["{label} ({system}) {code}: {message_es}".format(**row) for row in bad]
            told.update(failed=True, msg="{0} of {1} failed on {2}:\n{3}".format(len(bad), len(mine), host, "\n".join(lines)))
        return told
