# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at a medium from where copies go to it, and records how it stands. See its module for the documentation."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from ..module_utils._engine import label, result
from ..module_utils._engine.errors import BackupError
from ..module_utils._engine.policy import policy
from ..plugin_utils import _actions
from ..plugin_utils._actions import failed
from ..plugin_utils._bitacora import by_medium, view
from ..plugin_utils._bitacora.store import open_store, resolve_url
from ..plugin_utils._copying.opening import PlainAction
from ..plugin_utils._decisions import due, media
from ..plugin_utils._tasks import address_of, is_true, plain

_NUMERAL = "5.1"


class ActionModule(PlainAction):
    FAILURE_EVENT = "medium_failed"
    ARGUMENTS: dict[str, Any] = {
        "medium": {"type": "dict", "required": True},
        "systems": {"type": "list", "elements": "dict", "default": []},
        "show": {"type": "bool", "default": False},
    }

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        given = self.validate_argument_spec(argument_spec=self.ARGUMENTS)[1]
        medium, host = arguments["medium"], str(task_vars.get("inventory_hostname") or "")
        systems = [system for system in plain(given["systems"]) if not policy.copied_by_a_tool(system)]
        name, place = str(medium["name"]), address_of(medium)
        try:
            told = self.module("backup_info", {"medium": medium, "health": _shelves(systems, medium)}, task_vars)
        except BackupError as fault:
            told = failed(fault)
        health = (told.get("health") or [{}])[0]
        if not told.get("failed") and not health:
            raise BackupError("answer_unreadable", server=host, module="backup_info", detail="it has no health")
        with open_store(resolve_url()) as store:
            now = datetime.datetime.now(datetime.timezone.utc)
            known = next((row for row in by_medium.seen(store, systems, due.believed_until(now)) if (row.medium, row.host) == (name, host)), None)
            age = media.unverified_days(known, now) if known else -1
        verified = known.verified_at if known else ""
        line = _line(health, told.get("error"), age, verified)
        fields: dict[str, Any] = {"medium": name, "location": place, "numeral": _NUMERAL, "note_es": line}
        if told.get("failed"):
            error = told["error"]
            entry = result.build(event="medium_failed", **fields, error_code=error["code"], error_message=error["message"],
                                 error_message_es=error["message_es"], error_remedy_es=error["remedy_es"])
        else:
            entry = result.build(event="medium_checked", **fields, objects=health["copies"], space_free=health.get("free"), space_total=health.get("total"))
        if given["show"]:
            _actions.show(f"{host}: {name} ({place}): {line}")
        return {"changed": False, "healthy": not told.get("failed"), "copies": health.get("copies"), "free": health.get("free"), "total": health.get("total"),
                "verified_at": verified, "unverified_days": age if age >= 0 else None, "summary": line, "backup": entry}


def _shelves(systems: Sequence[Mapping[str, Any]], medium: Mapping[str, Any]) -> list[str]:
    """Where the systems of this host are to be written on the medium."""
    ours = policy.users_of(str(medium["name"]), systems, [{**medium, "default": is_true(medium.get("default", True))}])
    return sorted({"{0}/{1}".format(system["kind"], label.canonical(system["name"])) for system in ours})


def _line(health: Mapping[str, Any], error: Mapping[str, Any] | None, age: int, verified: str) -> str:
    """How it stands, in a line."""
    parts = [str(error["message_es"])] if error else ["se alcanza, se lista y se puede escribir", "copias: {0}".format(health["copies"])]
    if "free" in health:
        parts.append("libre {0}{1}".format(view.amount(health["free"]), " de {0}".format(view.amount(health["total"])) if "total" in health else ""))
    if age >= 0:
        parts.append("última verificación hace {0}".format(media.days_of(age)) if verified else "sin verificar desde la primera copia, hace {0}".format(
            media.days_of(age)))
    return "; ".join(parts)
