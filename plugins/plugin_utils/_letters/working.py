# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Days that people work (policy: working_hours, holidays), and when a reminder is due by them. Pure functions."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from ...module_utils._engine.policy import people
from ...module_utils._engine.policy.vocabulary import DAYS_OF_WEEK
from .._decisions import due

_OPENS = "08:00"
# A policy whose holidays leave nothing to work on has no working days: then every day counts.
_LOOKED_AT = 3660


def after(told: datetime.datetime, days: int, rules: Mapping[str, Any]) -> datetime.datetime:
    """The opening hour of the working day that is so many working days after the local day of a moment. The day itself does not count."""
    local = told.astimezone(due.zone(rules["time_zone"]))
    hours = rules.get("working_hours") or {}
    holidays = {people.date_of(day) for day in rules.get("holidays") or ()}
    left, day = days, local.date()
    for _unused in range(_LOOKED_AT):
        if not left:
            break
        day += datetime.timedelta(days=1)
        left -= day not in holidays and (not hours.get("days") or DAYS_OF_WEEK[day.weekday()] in hours["days"])
    else:
        day = local.date() + datetime.timedelta(days=days)
    hour, minute = str(hours.get("from") or _OPENS).split(":")
    return datetime.datetime(day.year, day.month, day.day, int(hour), int(minute), tzinfo=local.tzinfo)
