# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX says of the job that a run is: its number, template, schedule, and how it was launched. A claim, as who.py has it of people."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ...module_utils._engine import result

_LONGEST_NAME = 200
# What the start of a run tells -> what AWX says after awx_ (tower_ in its older versions).
_TOLD = {
    "claimed_job": "job_id", "claimed_template": "job_template_name", "claimed_schedule": "schedule_name", "claimed_workflow": "workflow_job_name",
    "claimed_launch": "job_launch_type",
}


def claims(given: Mapping[str, Any]) -> dict[str, str]:
    """The job, in the words of AWX's extra variables; nothing else of them is read."""
    found = {name: _said(given, "awx_" + word) or _said(given, "tower_" + word) for name, word in _TOLD.items()}
    # a schedule that began the workflow began its jobs too
    found["claimed_schedule"] = found["claimed_schedule"] or _said(given, "awx_parent_job_schedule_name")
    if not re.fullmatch("[0-9]+", found["claimed_job"]):
        found["claimed_job"] = ""
    return {name: value for name, value in found.items() if value}


def schedule(given: Mapping[str, Any]) -> str:
    """The schedule that began it, for where a person would be named: AWX names none then."""
    name = claims(given).get("claimed_schedule", "")
    return "programación «{0}»".format(name) if name else ""


def _said(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return result.seen(value[:_LONGEST_NAME]).strip() if isinstance(value, str) else ""
