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
from ..plugin_utils._bitacora import events
from ..plugin_utils._bitacora.store import open_store, resolve_url

_GOOD = ("copy_made", "copy_verified", "copy_pruned", "prune_simulated", "restored", "copy_simulated", "restore_simulated")
_BAD = ("copy_failed", "copy_refused", "copy_damaged", "verification_failed", "restore_failed", "prune_failed", "transfer_failed", "custody_failed",
        "path_refused", "answer_refused", "forge_failed", "medium_failed", "repository_key_failed")


def why(entry: t.Mapping[str, t.Any]) -> str:
    """What is wrong by an entry. What the plan refused before it began has neither error nor note: its reason says it, with the code, of each system."""
    return str(entry.get("error_message_es") or entry.get("note_es") or entry.get("reason_text") or "")


def _line(row: t.Mapping[str, str]) -> str:
    """Which copy, of which system, and why. A reason of the plan begins with its system already."""
    named = row["system"] and not row["message_es"].startswith(row["system"] + ": ")
    return " ".join(filter(None, (row["label"], f"({row['system']})" if named else "", f"{row['code']}:" if row["code"] else "", row["message_es"])))


class ActionModule(BackupAction):
    ARGUMENTS = {"kind": {"type": "str", "choices": list(result.KINDS)}}

    def work(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        run = os.environ.get("RESPALDO_RUN_ID")
        if not run:
            raise BackupError("bitacora_not_listening")
        host = task_vars["inventory_hostname"]
        with open_store(resolve_url(), readonly=True) as store:
            found = store.entries(run=run, type=_GOOD + _BAD)
        # an answer that was refused is of no kind: whatever the host was asked for, something of it was not recorded
        mine = [entry for entry in found if entry.get("host") == host
                and (arguments["kind"] in (None, entry.get("kind")) or entry["type"] == "answer_refused")]
        # an attempt that was repeated is told by the last one; a copy that one of them found damaged is not
        mine = [entry for entry in mine if not entry.get(events.RETRIED)]
        bad = [{"label": entry.get("label", ""), "system": entry.get("system", ""), "code": entry.get("error_code", ""),
                "message_es": why(entry)} for entry in mine if entry["type"] in _BAD]
        told: dict[str, t.Any] = {"changed": False, "bad": bad, "good": sorted({str(entry["label"]) for entry in mine if entry["type"] in _GOOD})}
        if bad:
            lines = [_line(row) for row in bad]
            head = "{0} {1} de {2} en {3}:".format("Falló" if len(bad) == 1 else "Fallaron", len(bad), len(mine), host)
            told.update(failed=True, msg="\n".join([head, *lines]))
        return told
