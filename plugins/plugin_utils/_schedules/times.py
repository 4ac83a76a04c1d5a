# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The next times of a `When`, by the clocks of a zone. Pure: reads no clock.

As systemd has it (tests/unit/schedules compares with `systemd-analyze calendar`): an hour that a change of summer time leaves out is left out that day,
and one that comes twice counts once, the first time.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from ...module_utils._engine.policy.vocabulary import DAYS_OF_WEEK
from .when import When, minutes_of_day

_MIDNIGHT = datetime.time()


def after(when: When, zone: datetime.tzinfo, moment: datetime.datetime) -> Iterator[datetime.datetime]:
    """Each time after a moment, in UTC, the earliest first; without end."""
    utc = datetime.timezone.utc
    day = moment.astimezone(zone).date()
    last = moment.astimezone(utc)
    while True:
        if _is_of(when, day):
            for minute in minutes_of_day(when):
                local = datetime.datetime.combine(day, _MIDNIGHT) + datetime.timedelta(minutes=minute)
                found = local.replace(tzinfo=zone).astimezone(utc)
                if found > last and found.astimezone(zone).replace(tzinfo=None) == local:
                    last = found
                    yield found
        day += datetime.timedelta(days=1)


def until(when: When, zone: datetime.tzinfo, moment: datetime.datetime, end: datetime.datetime) -> list[datetime.datetime]:
    """The times after a moment, up to an end."""
    found = []
    for each in after(when, zone, moment):
        if each > end:
            break
        found.append(each)
    return found


def _is_of(when: When, day: datetime.date) -> bool:
    if when.month_day:
        return day.day == when.month_day
    return not when.days or DAYS_OF_WEEK[day.weekday()] in when.days
