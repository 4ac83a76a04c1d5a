# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times as cron by another clock: compared with our own times, minute by minute, over whole months."""

from __future__ import annotations

import datetime
import itertools

import pytest
import zoneinfo

from plugins.module_utils._engine.errors import BackupError
from plugins.plugin_utils._schedules.purposes import PURPOSES
from plugins.plugin_utils._schedules.times import until
from plugins.plugin_utils._schedules.when import STEPS, When
from plugins.plugin_utils._semaphore.cron import cron, shift

LIMA = zoneinfo.ZoneInfo("America/Lima")
_SINCE = datetime.datetime(2027, 1, 31, 12, tzinfo=datetime.timezone.utc)
WHENS = [each.default for each in PURPOSES.values() if each.default] + [When(every_minutes=step) for step in STEPS] + [
    When("22:00", ("friday", "saturday", "sunday")), When("00:10", month_day=2), When("23:59", month_day=27), When("09:00", month_day=28)]


def _numbers(field: str, limit: range) -> set[int]:
    """What a field of cron means: what we write, and no more."""
    if field.startswith("*"):
        return set(limit[::int(field[2:] or 1) if field != "*" else 1])
    return {int(each) for each in field.split(",")}


def _by_cron(text: str, zone: datetime.tzinfo, days: int) -> list[datetime.datetime]:
    minute, hour, month_day, month, week = text.split()
    assert month == "*" and minute != "*"
    at = list(itertools.product(sorted(_numbers(hour, range(24))), sorted(_numbers(minute, range(60)))))
    found = []
    for day in (_SINCE.astimezone(zone).date() + datetime.timedelta(days=number) for number in range(-1, days + 2)):
        if (month_day == "*" or day.day == int(month_day)) and day.isoweekday() % 7 in _numbers(week, range(7)):
            found += [datetime.datetime.combine(day, datetime.time(*each), zone).astimezone(datetime.timezone.utc) for each in at]
    return [each for each in found if _SINCE < each <= _SINCE + datetime.timedelta(days=days)]


@pytest.mark.parametrize("server", ["UTC", "America/Lima", "Asia/Kolkata", "Pacific/Honolulu", "Asia/Tokyo"])
@pytest.mark.parametrize("when", WHENS, ids=str)
def test_the_same_moments_by_another_clock(when: When, server: str) -> None:
    zone = zoneinfo.ZoneInfo(server)
    try:
        text = cron(when, shift(LIMA, zone))
    except BackupError as error:
        # only a day of the month can be refused, where another day of the month comes before or after it
        assert error.code == "RSP748" and when.month_day in (1, 28)
        return
    assert _by_cron(text, zone, 62) == until(when, LIMA, _SINCE, _SINCE + datetime.timedelta(days=62))


@pytest.mark.parametrize(("when", "ahead", "text"), [
    (When("22:00"), 0, "0 22 * * *"), (When("22:00"), 300, "0 3 * * *"), (When("22:00", ("saturday",)), 300, "0 3 * * 0"),
    (When("06:30", month_day=1), 300, "30 11 1 * *"), (When("22:00", month_day=27), 300, "0 3 28 * *"), (When(every_minutes=10), 300, "*/10 * * * *"),
    (When(every_minutes=60), 300, "0 * * * *"), (When(every_minutes=60), 330, "30 * * * *"), (When(every_minutes=720), 300, "0 5,17 * * *")])
def test_written(when: When, ahead: int, text: str) -> None:
    assert cron(when, ahead) == text


@pytest.mark.parametrize(("when", "ahead"), [(When("22:00", month_day=28), 300), (When("01:00", month_day=1), -300)])
def test_a_day_of_the_month_that_would_not_be_one_is_refused(when: When, ahead: int) -> None:
    with pytest.raises(BackupError) as caught:
        cron(when, ahead)
    assert caught.value.code == "RSP748" and "no siempre el mismo" in caught.value.spanish


def test_summer_time_of_one_clock_is_refused_and_of_both_is_not() -> None:
    madrid = zoneinfo.ZoneInfo("Europe/Madrid")
    with pytest.raises(BackupError) as caught:
        shift(LIMA, madrid)
    assert caught.value.code == "RSP748" and "Europe/Madrid" in caught.value.spanish and "America/Lima" in caught.value.spanish
    assert shift(madrid, zoneinfo.ZoneInfo("Europe/Paris")) == 0
