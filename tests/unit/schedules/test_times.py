# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The next times of a purpose, as systemd itself counts them."""

from __future__ import annotations

import datetime
import itertools
import re
import shutil
import subprocess

import pytest
import zoneinfo

from plugins.plugin_utils._schedules import times, units
from plugins.plugin_utils._schedules.when import Timed, When, in_words, read, written

LIMA = zoneinfo.ZoneInfo("America/Lima")
FORMS = [When("22:00"), When("00:00"), When("23:59"), When("06:30", ("sunday",)), When("07:05", ("monday", "thursday", "saturday")), When("06:30", month_day=1),
         When("23:30", month_day=28), *(When(every_minutes=step) for step in (5, 10, 15, 20, 30, 60, 120, 180, 240, 360, 480, 720))]


def utc(text):
    return datetime.datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=datetime.timezone.utc)


def test_hours_are_those_of_the_zone():
    found = list(itertools.islice(times.after(When("22:00"), LIMA, utc("2026-11-28 12:00")), 2))
    assert found == [utc("2026-11-29 03:00"), utc("2026-11-30 03:00")]
    assert list(itertools.islice(times.after(When("22:00"), LIMA, utc("2026-11-29 03:00")), 1)) == [utc("2026-11-30 03:00")]   # after, not at


def test_a_day_of_the_month_and_of_the_week():
    assert next(times.after(When("06:30", month_day=28), LIMA, utc("2027-02-28 12:00"))) == utc("2027-03-28 11:30")
    found = times.until(When("06:30", ("monday", "friday")), LIMA, utc("2026-11-28 00:00"), utc("2026-12-07 11:30"))
    assert [each.astimezone(LIMA).strftime("%a") for each in found] == ["Mon", "Fri", "Mon"]


# Zone and moment of each comparison: ends of a year and of February, and changes of summer time. Of these only hours of a day are compared: what systemd
# makes of steps of minutes in an hour that comes twice differs by its version, and Peru has no such hour.
LIMA_BASES = [("America/Lima", base) for base in ("2026-12-30 21:00", "2027-02-27 04:59")]
SUMMER_BASES = [("America/Santiago", "2026-09-04 12:00"), ("America/Santiago", "2027-04-02 12:00"), ("Europe/Berlin", "2027-03-26 12:00"),
                ("Europe/Berlin", "2026-10-23 12:00")]
COMPARED = [(when, *base) for when in FORMS for base in LIMA_BASES]
COMPARED += [(When(at), *base) for at in ("00:30", "02:30", "23:30") for base in SUMMER_BASES]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
@pytest.mark.parametrize("when, zone, base", COMPARED, ids=lambda value: in_words(value) if isinstance(value, When) else value)
def test_systemd_counts_the_same(when, zone, base):
    count = 6
    answer = subprocess.run(["systemd-analyze", "calendar", f"--base-time={base} UTC", f"--iterations={count}", units.on_calendar(when, zone)],
                            capture_output=True, text=True, check=True, env={"LC_ALL": "C", "TZ": "UTC", "PATH": "/usr/bin:/bin"})
    said = re.findall(r"(?:Next elapse|Iter\. #\d+|Iteration #\d+): \w+ (\d{4}-\d{2}-\d{2} \d{2}:\d{2}):\d{2} UTC", answer.stdout)
    ours = itertools.islice(times.after(when, zoneinfo.ZoneInfo(zone), utc(base)), count)
    assert len(said) == count and [each.strftime("%Y-%m-%d %H:%M") for each in ours] == said, answer.stdout


@pytest.mark.parametrize("when", FORMS, ids=in_words)
def test_what_is_written_is_read(when):
    timed = Timed(when, "America/Lima", 5, 120)
    assert read(written(timed)) == timed


@pytest.mark.parametrize("text", [None, "", 7, "week all 22:00", "week all 24:00; America/Lima; 5; 120", "week tuesday,never 22:00; America/Lima; 5; 120",
                                  "month 31 22:00; America/Lima; 5; 120", "every 7; America/Lima; 5; 120", "every 60; America/Lima; 5; 120; more"])
def test_what_nobody_of_us_wrote_is_not_read(text):
    assert read(text) is None
