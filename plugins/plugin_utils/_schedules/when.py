# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a purpose runs: one small form of ours, that a scheduler's own form (systemd's OnCalendar, later RRULE) is made of, and that the bitácora keeps.

A day of every month must exist in each, so it is 28 at most. Minutes divide an hour, or are whole hours that divide a day: else the steps would not be equal
at midnight.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ...module_utils._engine.policy.vocabulary import DAYS_OF_WEEK

LAST_DAY = 28
STEPS = (5, 10, 15, 20, 30, 60, 120, 180, 240, 360, 480, 720)
HOUR = r"([01][0-9]|2[0-3]):[0-5][0-9]"
_DAY = 24 * 60
_NOT_AFTERWARDS = "; no catch_up"      # said only where it is so: what older versions wrote caught up


class When(NamedTuple):
    """Every so many minutes, else at an hour: of every day, of some days of the week, or of a day of the month."""

    at: str = ""                  # HH:MM
    days: tuple[str, ...] = ()    # names of DAYS_OF_WEEK; none means every day
    month_day: int = 0            # 1 to LAST_DAY; 0 means every day
    every_minutes: int = 0        # one of STEPS; 0 means at the hour


class Timed(NamedTuple):
    """A purpose's time as it is put in force: where its hours count, how much later it may begin, after how long its absence is told, and whether what an
    outage kept from beginning begins when it is over."""

    when: When
    zone: str
    delay_minutes: int
    grace_minutes: int
    catch_up: bool = True


def minutes_of(at: str) -> int:
    """Minutes since midnight of HH:MM."""
    hour, minute = at.split(":")
    return int(hour) * 60 + int(minute)


def minutes_of_day(when: When) -> range:
    """The minutes of a day at which it begins."""
    if when.every_minutes:
        return range(0, _DAY, when.every_minutes)
    return range(minutes_of(when.at), minutes_of(when.at) + 1)


def in_words(when: When) -> str:
    """In Spanish, for the bitácora and people."""
    if when.every_minutes:
        hours, minutes = divmod(when.every_minutes, 60)
        return "cada hora" if when.every_minutes == 60 else f"cada {hours} horas" if not minutes else f"cada {when.every_minutes} minutos"
    if when.month_day:
        return f"el día {when.month_day} de cada mes a las {when.at}"
    if when.days:
        return f"{', '.join(_SPANISH[day] for day in when.days)} a las {when.at}"
    return f"todos los días a las {when.at}"


_SPANISH = dict(zip(DAYS_OF_WEEK, ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"), strict=True))


def written(timed: Timed) -> str:
    """As the bitácora keeps it, to be read by `read`."""
    when = timed.when
    if when.every_minutes:
        first = f"every {when.every_minutes}"
    elif when.month_day:
        first = f"month {when.month_day} {when.at}"
    else:
        first = f"week {','.join(when.days) or 'all'} {when.at}"
    return f"{first}; {timed.zone}; {timed.delay_minutes}; {timed.grace_minutes}{'' if timed.catch_up else _NOT_AFTERWARDS}"


def read(text: object) -> Timed | None:
    """What `written` wrote; None for anything else, since whoever can write to the bitácora may have written it."""
    found = re.fullmatch(rf"(?:every (\d{{1,3}})|month (\d{{1,2}}) ({HOUR})|week ([a-z,]+) ({HOUR})); ([A-Za-z0-9_+/-]{{1,64}}); (\d{{1,4}}); (\d{{1,5}})"
                         rf"({_NOT_AFTERWARDS})?", str(text))
    if not found:
        return None
    every, month_day, at_month, _hour, days, at_week, _hour_too, zone, delay, grace, not_afterwards = found.groups()
    names = () if not days or days == "all" else tuple(days.split(","))
    when = When(at_month or at_week or "", names, int(month_day or 0), int(every or 0))
    if not set(names) <= set(DAYS_OF_WEEK) or when.month_day > LAST_DAY or (every and when.every_minutes not in STEPS):
        return None
    return Timed(when, zone, int(delay), int(grace), not not_afterwards)
