# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A `When` as the five fields of cron that Semaphore takes, by the clock of its server. Pure: reads no clock.

Semaphore has no zone of a schedule: all hours are its server's. So a time is moved by what the two clocks differ, which must be the same all year round:
where one of them has summer time, no text would mean the same hour in January and in July. The minute is always told: an hour without it is sixty starts.
"""

from __future__ import annotations

import datetime

from ...module_utils._engine.errors import BackupError
from ...module_utils._engine.policy.vocabulary import DAYS_OF_WEEK
from .._schedules.when import LAST_DAY, When, in_words, minutes_of, minutes_of_day

_DAY = 24 * 60
# Each week of these years is asked: changes of summer time are months apart.
_SINCE = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
_WEEKS = 3 * 53


def shift(zone: datetime.tzinfo, server: datetime.tzinfo) -> int:
    """Minutes that the server's clock is ahead of the zone's. Raises BackupError RSP748 where that is not the same all year round."""
    told = set()
    for week in range(_WEEKS):
        moment = _SINCE + datetime.timedelta(weeks=week)
        here, there = moment.astimezone(zone).utcoffset(), moment.astimezone(server).utcoffset()
        if here is None or there is None:
            raise ValueError("a zone without an offset")
        told.add((there - here) // datetime.timedelta(minutes=1))
    if len(told) != 1:
        raise BackupError(
            "semaphore_unfit", detail="the server's clock ({0}) and the policy's ({1}) do not differ by the same hours all year round".format(server, zone))
    return told.pop()


def cron(when: When, ahead: int) -> str:
    """Minute, hour, day of the month, month, day of the week (Sunday is 0), `ahead` minutes later. Raises BackupError RSP748 on what cron can't say."""
    moved = [minute + ahead for minute in minutes_of_day(when)]
    if when.every_minutes:
        return _steps([minute % _DAY for minute in moved])
    days, minute = divmod(minutes_of(when.at) + ahead, _DAY)
    month_day = "*"
    if when.month_day:
        if not 1 <= when.month_day + days <= LAST_DAY:
            raise BackupError(
                "semaphore_unfit", detail="{0} is another day of the month by the server's clock, and not each month the same".format(in_words(when)))
        month_day = str(when.month_day + days)
    # DAYS_OF_WEEK begins with Monday, cron with Sunday
    week = sorted((DAYS_OF_WEEK.index(day) + 1 + days) % 7 for day in when.days)
    return "{0} {1} {2} * {3}".format(minute % 60, minute // 60, month_day, ",".join(map(str, week)) or "*")


def _steps(minutes: list[int]) -> str:
    """Minutes of a day that recur in equal steps: the same minutes in each hour, or one minute of some hours."""
    hours, within = sorted({minute // 60 for minute in minutes}), sorted({minute % 60 for minute in minutes})
    return "{0} {1} * * *".format(_listed(within, 60), _listed(hours, 24))


def _listed(numbers: list[int], limit: int) -> str:
    """Numbers of a field: `*` and its steps where they are that, else each."""
    step = limit // len(numbers)
    if numbers != list(range(0, limit, step)) or limit == 60 and step == 60:
        return ",".join(map(str, numbers))
    return "*" if step == 1 else "*/{0}".format(step)
