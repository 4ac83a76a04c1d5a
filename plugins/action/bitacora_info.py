# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the bitácora."""

from __future__ import annotations

import shutil
from typing import Any

from ansible.utils.display import Display

from ..module_utils._engine import result
from ..module_utils._engine.policy import schema
from ..plugin_utils import _forms, _known_systems
from ..plugin_utils._actions import BackupAction, show
from ..plugin_utils._bitacora import view
from ..plugin_utils._bitacora.entries import POLICY_ZONE, RESULTS
from ..plugin_utils._bitacora.store import open_store, resolve_url

FILTERS = ("system", "kind", "since", "until", "type", "label", "run", "result", "limit", "newest_first", "zone")


class ActionModule(BackupAction):
    ARGUMENTS = {
        "url": {"type": "str"},
        "system": {"type": "str"},
        "kind": {"type": "str", "choices": list(result.KINDS)},
        "since": {"type": "str"},
        "until": {"type": "str"},
        "type": {"type": "list", "elements": "str"},
        "label": {"type": "str"},
        "run": {"type": "str"},
        "result": {"type": "str", "choices": list(RESULTS) + ["simulated"]},
        "limit": {"type": "int"},
        "newest_first": {"type": "bool", "default": False},
        "zone": {"type": "str", "default": POLICY_ZONE},
        "width": {"type": "int", "default": 0},
        "show": {"type": "bool", "default": False},
    }

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        filters = {name: arguments[name] for name in FILTERS}
        with open_store(arguments["url"] or resolve_url(), readonly=True) as store:
            entries = store.entries(**filters)
            rows = store.rows(**filters)
            copies = store.copies(arguments["kind"], arguments["system"]) if arguments["kind"] and arguments["system"] else []
            url = store.url
            if arguments["show"] and arguments["system"] and not entries and not store.entries(system=arguments["system"], limit=1):
                _tell_unknown(arguments["system"], [name for _kind, name in _known_systems.of_bitacora(store)])
        copies = copies[-arguments["limit"]:] if arguments["limit"] else copies
        lines = view.table(rows, arguments["width"] or shutil.get_terminal_size((120, 24)).columns)
        if arguments["show"]:
            show("\n".join(lines))
        return {"changed": False, "entries": entries, "rows": rows, "copies": copies, "table": lines, "url": url}


def _tell_unknown(system: str, known: list[str]) -> None:
    near = schema.nearest(system, known)
    Display().warning(f"La bitácora no tiene ningún asiento de {_forms.line(system, 200)}" + (f"; ¿quiso decir {near}?" if near else ""))
