# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds copies, or lets them go, by an entry of the bitácora. See its module for the documentation."""

from __future__ import annotations

from typing import Any

from ..module_utils._engine import label, result
from ..module_utils._engine.errors import BackupError
from ..plugin_utils import _known_systems
from ..plugin_utils._actions import BackupAction
from ..plugin_utils._bitacora.store import open_store, resolve_url


class ActionModule(BackupAction):
    CHANGES = True
    ARGUMENTS = {
        "system": {"type": "str", "required": True},
        "kind": {"type": "str", "required": True, "choices": list(result.KINDS)},
        "label": {"type": "str", "default": ""},
        "reason": {"type": "str", "required": True},
        "ticket": {"type": "str"},
        "requester": {"type": "str"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    }

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        system, kind, wanted = arguments["system"], arguments["kind"], arguments["state"] == "present"
        name = label.parse(arguments["label"]).name if arguments["label"] else ""
        if not arguments["reason"].strip():
            raise BackupError("invalid_input", where="reason", value=arguments["reason"], problem="is blank", mend="Say why, for the bitácora.")
        with open_store(resolve_url()) as store:
            labels, held = [copy["label"] for copy in store.copies(kind, system)], store.held(kind, system)
        if not labels:
            _known_systems.refuse_unknown(task_vars, kind, system, "system")
        if not labels or (name and name not in labels):
            raise BackupError("copy_missing", label=name or f"of {kind} {system}", location="the bitácora")
        told: dict[str, Any] = {"changed": (name in held) != wanted, "held": sorted((held | {name}) if wanted else (held - {name}))}
        if told["changed"]:
            told["diff"] = {"before": "\n".join(sorted(held)) + "\n", "after": "\n".join(told["held"]) + "\n"}
            told["backup"] = result.build(
                event="copy_held" if wanted else "copy_released", label=name or None, system=system, kind=kind, numeral="6.6",
                reason_text=arguments["reason"].strip(), ticket=arguments["ticket"], requester=arguments["requester"])
        return told
