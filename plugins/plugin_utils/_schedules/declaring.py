# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The form of `backup_schedule`, and what it comes to with the defaults. Whether that is enough for the policy says `checking.py`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ...module_utils._engine.policy import schema
from ...module_utils._engine.policy.schema import Problem, choice, flag, listing, table, text, whole
from ...module_utils._engine.policy.vocabulary import DAYS_OF_WEEK
from .purposes import DEFAULT_DELAY, DEFAULT_GRACE, PURPOSES
from .when import HOUR, LAST_DAY, STEPS, Timed, When, minutes_of

WHERE = "backup_schedule"
_TIMES = ("at", "every_minutes")
_ROW = table({}, {
    "at": text(HOUR, "22:00"), "days": listing(choice(*DAYS_OF_WEEK), 1), "month_day": whole(1, LAST_DAY), "every_minutes": whole(5, 720),
    "delay_minutes": whole(0, 180), "grace_minutes": whole(5, 10080), "catch_up": flag(), "reason": text(), "off": text(),
})


SCHEDULE = table({}, {name: _ROW for name in PURPOSES})


class Declared(NamedTuple):
    """What is declared of each purpose, with the defaults for what is not said."""

    timed: Mapping[str, Timed]      # what is to run
    reasons: Mapping[str, str]      # why it runs when it does, where that is said
    off: Mapping[str, str]          # what is not to run, and why
    said: frozenset[str]            # what the inventory itself says something of


def read(declared: Any, zone: str, wanted: Sequence[str], hours: Mapping[str, Any], problems: list[Problem]) -> Declared:
    """The schedule of an inventory: what it says, and for the purposes `wanted` that it doesn't name their defaults.

    `hours` are the policy's working hours: copies by default are not in them. Appends what is wrong.
    """
    SCHEDULE(declared, WHERE, problems)
    rows = {name: row for name, row in declared.items() if name in PURPOSES and isinstance(row, Mapping)} if isinstance(declared, Mapping) else {}
    timed: dict[str, Timed] = {}
    for name, row in rows.items():
        when = None if "off" in row else _when(row, f"{WHERE}.{name}", problems)
        if when:
            timed[name] = Timed(when, zone, _minutes(row, "delay_minutes", 0 if when.every_minutes else DEFAULT_DELAY),
                                _minutes(row, "grace_minutes", max(DEFAULT_GRACE, 2 * when.every_minutes)), row.get("catch_up") is not False)
    for name in wanted:
        default = PURPOSES[name].default
        if name not in rows and default:
            if name == "copies":
                default = _after_work(default, hours)
            timed[name] = Timed(default, zone, 0 if default.every_minutes else DEFAULT_DELAY, max(DEFAULT_GRACE, 2 * default.every_minutes))
    return Declared({name: timed[name] for name in PURPOSES if name in timed}, {name: str(row["reason"]) for name, row in rows.items() if "reason" in row},
                    {name: str(row["off"]) for name, row in rows.items() if "off" in row}, frozenset(rows))


def _when(row: Mapping[str, Any], where: str, problems: list[Problem]) -> When | None:
    """The time of a row; None, and told, where its keys don't make one."""
    if sum(key in row for key in _TIMES) != 1:
        problems.append(Problem(where, ", ".join(key for key in _TIMES if key in row) or None, "needs exactly one of at, every_minutes and off",
                                "Write e.g. {at: \"22:00\"}, or {off: \"the reason\"}."))
        return None
    if "every_minutes" in row:
        for key in ("days", "month_day"):
            if key in row:
                problems.append(Problem(f"{where}.{key}", schema.shown(row[key]), "has no meaning beside every_minutes", "Give at instead, or remove it."))
                return None
        every = row["every_minutes"]
        if isinstance(every, int) and not isinstance(every, bool) and 5 <= every <= 720 and every not in STEPS:
            problems.append(Problem(f"{where}.every_minutes", every, "does not divide an hour or a day into equal steps",
                                    f"Write one of these: {', '.join(map(str, STEPS))}."))
        return When(every_minutes=every) if every in STEPS and every is not True else None
    if "days" in row and "month_day" in row:
        problems.append(Problem(where, "days, month_day", "has days of the week and a day of the month", "Leave one of the two."))
        return None
    days, month_day = row.get("days") or (), row.get("month_day", 0)
    well = isinstance(row["at"], str) and re.fullmatch(HOUR, row["at"]) and isinstance(days, (list, tuple)) and all(day in DAYS_OF_WEEK for day in days)
    if not well or isinstance(month_day, bool) or not isinstance(month_day, int) or month_day > LAST_DAY:
        return None     # told by the form
    return When(row["at"], tuple(day for day in DAYS_OF_WEEK if day in days), month_day)


def _minutes(row: Mapping[str, Any], key: str, default: int) -> int:
    value = row.get(key, default)
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def _after_work(default: When, hours: Mapping[str, Any]) -> When:
    """The default hour of the copies, or the end of work where that is in the middle of it."""
    if hours and minutes_of(hours["from"]) <= minutes_of(default.at) + DEFAULT_DELAY and minutes_of(default.at) < minutes_of(hours["until"]):
        return When(hours["until"])
    return default
