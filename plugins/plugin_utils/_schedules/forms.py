# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A schedule in the forms of schedulers that are not systemd: rules of iCalendar as AWX takes them, and five fields of cron. Pure: texts out.

Only forms that are known to do no harm there. In AWX one rule HOURLY with BYHOUR stops every schedule (awx#16400), so what runs each few minutes is MINUTELY;
in cron an hour without its minute is 60 starts. The first day is a fixed one, since a text that moved with the clock would be a change at each run.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from ...module_utils._engine.policy.vocabulary import DAYS_OF_WEEK
from .purposes import PURPOSES
from .times import after
from .when import Timed, When, minutes_of

# AWX brings a MINUTELY rule of a first day long ago near to today by itself
_FIRST = datetime.datetime(2026, 1, 1)


def rules(when: When, zone: datetime.tzinfo, name: str) -> list[str]:
    """What AWX takes as `rrule`. The first start is one of the rule's own days, as iCalendar wants it."""
    just_before = _FIRST.replace(tzinfo=zone) - datetime.timedelta(seconds=1)
    first = next(after(when, zone, just_before)).astimezone(zone)
    if when.every_minutes:
        rule = f"FREQ=MINUTELY;INTERVAL={when.every_minutes}"
    elif when.month_day:
        rule = f"FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY={when.month_day}"
    elif when.days:
        rule = f"FREQ=WEEKLY;INTERVAL=1;BYDAY={','.join(day[:2].upper() for day in DAYS_OF_WEEK if day in when.days)}"
    else:
        rule = "FREQ=DAILY;INTERVAL=1"
    return [f"DTSTART;TZID={name}:{first.strftime('%Y%m%dT%H%M%S')} RRULE:{rule}"]


def cron(when: When) -> str:
    """Minute, hour, day of the month, month, day of the week (Sunday is 0); by the clock of the scheduler, which must be that of the zone."""
    if when.every_minutes:
        hours = when.every_minutes // 60
        return f"*/{when.every_minutes} * * * *" if not hours else "0 * * * *" if hours == 1 else f"0 */{hours} * * *"
    hour, minute = divmod(minutes_of(when.at), 60)
    days = ",".join(sorted(str((DAYS_OF_WEEK.index(day) + 1) % len(DAYS_OF_WEEK)) for day in when.days)) or "*"
    return f"{minute} {hour} {when.month_day or '*'} * {days}"


def rows(schedule: Mapping[str, Timed], zone: datetime.tzinfo) -> list[dict[str, Any]]:
    """The whole schedule as another scheduler's tasks loop over it."""
    return [{
        "purpose": name, "playbook": f"{PURPOSES[name].playbook}.yml", "title": PURPOSES[name].title, "zone": timed.zone,
        "at": timed.when.at, "days": list(timed.when.days), "month_day": timed.when.month_day, "every_minutes": timed.when.every_minutes,
        "delay_minutes": timed.delay_minutes, "grace_minutes": timed.grace_minutes,
        "rrules": rules(timed.when, zone, timed.zone), "cron": cron(timed.when),
    } for name, timed in schedule.items()]
