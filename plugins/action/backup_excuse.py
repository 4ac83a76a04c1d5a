# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Excuses the absence of a system's copies, by an entry of the bitácora. See its module for the documentation."""

from __future__ import annotations

import datetime
from typing import Any

from ..module_utils._engine import result
from ..module_utils._engine.errors import BackupError
from ..plugin_utils._actions import BackupAction


class ActionModule(BackupAction):
    ARGUMENTS = {
        "system": {"type": "str", "required": True},
        "kind": {"type": "str", "required": True, "choices": list(result.KINDS)},
        "from": {"type": "str", "required": True},
        "until": {"type": "str", "required": True},
        "reason": {"type": "str", "required": True},
        "requester": {"type": "str", "required": True},
        "ticket": {"type": "str"},
    }

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        first, last = _day("from", arguments["from"]), _day("until", arguments["until"])
        if last < first:
            raise BackupError("invalid_input", where="until", value=arguments["until"], problem=f"is before {first}", mend="Give the last day excused.")
        for name, mend in (("reason", "Say why the copies are absent."), ("requester", "Name who excuses them.")):
            if not arguments[name].strip():
                raise BackupError("invalid_input", where=name, value=arguments[name], problem="is blank", mend=mend)
        return {"changed": True, "days": (last - first).days + 1, "backup": result.build(
            event="excuse", system=arguments["system"], kind=arguments["kind"], numeral="6.4", excused_from=first.isoformat(),
            excused_until=last.isoformat(), reason_text=arguments["reason"].strip(), requester=arguments["requester"].strip(), ticket=arguments["ticket"],
            note_es=f"Del {first:%d/%m/%Y} al {last:%d/%m/%Y}, por {arguments['requester'].strip()}: {arguments['reason'].strip()}")}


def _day(where: str, text: str) -> datetime.date:
    try:
        return datetime.datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError as error:
        raise BackupError("invalid_input", where=where, value=text, problem="is not a date", mend="Write a date such as 2026-11-22.") from error
