# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which start came late, and which before it never came, by the entries of the bitácora: one rule, whoever was to make it."""

from __future__ import annotations

import datetime

import pytest
from test_missed import NIGHTLY, entry, put, ran, utc

from plugins.plugin_utils._schedules import in_force, late, missed
from plugins.plugin_utils._schedules.when import Timed, When

PUT = "2026-11-27 15:00"       # 22:00 in Lima is 03:00 UTC of the next day; late from 05:06 on


def measured(starts, declared=(), now="2026-11-30 23:00", run=None):
    return late.measured("copies", [put(PUT), *declared], starts, utc(now), run)


@pytest.mark.parametrize("scheduler", in_force.SCHEDULERS)
@pytest.mark.parametrize("starts, minutes, lost", [
    (["2026-11-28 03:04"], 0, 0),
    (["2026-11-28 05:05"], 0, 0),                                          # within delay and grace
    (["2026-11-28 05:06"], 126, 0),
    (["2026-11-28 03:04", "2026-11-30 12:00"], 540, 1),                    # after two nights: that of the first never came
    (["2026-11-28 03:04", "2026-11-30 03:01"], 0, 1),                      # in time, and nobody told of the night before
    (["2026-11-28 02:59"], 0, 0),                                          # a scheduler whose clock is a little ahead
    (["2026-11-28 03:04", "2026-11-29 08:00", "2026-11-29 20:00"], 300, 0),      # a person's in the afternoon is measured against no hour
    (["2026-11-27 20:00"], None, None),
    ([], None, None),
])
def test_a_start_is_measured_against_the_hours_since_the_one_before(starts, minutes, lost, scheduler):
    found = late.measured("copies", [{**put(PUT), "scheduler": scheduler}], [ran(at) for at in starts], utc("2026-11-30 23:00"))
    if minutes is None:
        assert found is None
        return
    assert found.late == datetime.timedelta(minutes=minutes) and bool(found.error) == bool(minutes)
    assert (found.lost.missed if found.lost else 0) == lost
    if minutes:
        assert f", por {in_force.SCHEDULERS[scheduler]}, " in found.error.spanish


def test_it_is_told_with_code_hours_of_the_zone_and_how_late():
    found = measured([ran("2026-11-28 03:04"), ran("2026-12-01 04:10", run="r")], now="2026-12-01 06:00")
    assert found.error is None and found.lost.text.startswith("RSP745: La programación de «copias que corresponden» no corrió: la última, 2026-11-29 22:00; 2")
    found = measured([ran("2026-11-28 03:04"), ran("2026-11-30 12:07")])
    assert f"{found.error.code}: {found.error.spanish}" == (
        "RSP757: La programación de «copias que corresponden» de 2026-11-29 22:00, por systemd, empezó con 9 h 07 min de atraso: 2026-11-30 07:07")
    assert late.duration(datetime.timedelta(days=2, hours=3, minutes=4, seconds=59)) == "2 d 03 h 04 min"


def test_of_two_that_begin_together_the_first_is_late_and_the_other_is_not():
    """By the order of the bitácora: two schedulers that come back from one outage, the clock of one some seconds behind."""
    starts = [ran("2026-11-28 12:00", run="a"), {**ran("2026-11-28 12:00", run="b"), "at_event": "2026-11-28T11:59:50Z"}]
    assert measured(starts, run="a").late == datetime.timedelta(hours=9)
    assert measured(starts, run="b") is None and measured(starts).late == datetime.timedelta(hours=9)
    assert measured(starts, run="of another playbook") is None


def test_what_failed_to_begin_came_and_a_simulation_or_what_bears_a_date_of_the_future_did_not():
    failed = entry("schedule_failed", "2026-11-28 03:01", purpose="copies")
    assert measured([ran("2026-11-28 14:00")], [failed]) is None
    assert measured([ran("2026-11-28 14:00")], [{**failed, "simulated": True}]).late == datetime.timedelta(hours=11)
    assert measured([ran("2026-11-28 14:00", simulated=True)]) is None
    assert measured([ran("2026-11-28 03:00"), ran("2026-12-30 14:00")]).late == datetime.timedelta(0)
    assert measured([ran("2026-11-28 03:00"), {**ran("2026-11-28 14:00"), "at_event": "ayer"}]).late == datetime.timedelta(0)


@pytest.mark.parametrize("declared", [entry("schedule_removed", "2026-11-27 16:00", purpose="copies"), {**put("2026-11-27 16:00"), "schedule": "cada noche"},
                                      put("2026-11-27 16:00", NIGHTLY._replace(zone="No/Hay"))])
def test_nothing_is_late_by_what_is_not_in_force(declared):
    assert measured([ran("2026-11-28 14:00")], [declared]) is None


def test_what_starts_each_few_minutes_is_late_by_its_last_hour_alone():
    often = put(PUT, Timed(When(every_minutes=10), "America/Lima", 0, 60), "warnings")
    found = late.measured("warnings", [often], [ran("2026-11-27 20:00", "warn.yml"), ran("2026-11-28 03:07", "warn.yml")], utc("2026-11-28 04:00"))
    assert found.error is None and found.lost.missed == 41     # that of 22:00 is the one that came


@pytest.mark.parametrize("scheduler, came", [("systemd", None), ("cron", "2027-03-14 07:00"), ("awx", "2027-03-14 07:30")])
def test_an_hour_that_the_clock_leaves_out_is_neither_missed_nor_late_whatever_each_scheduler_makes_of_it(scheduler, came):
    """home-assistant#140771: 02:30 of New York was no hour on 14 March 2027. systemd leaves it out, cron makes it up at once, AWX an hour later."""
    nightly = {**put("2027-03-10 15:00", Timed(When("02:30"), "America/New_York", 0, 30)), "scheduler": scheduler}
    starts = [ran(at) for at in ("2027-03-11 07:30", "2027-03-12 07:30", "2027-03-13 07:30", came, "2027-03-15 06:30") if at]
    for seen in range(3, len(starts) + 1):
        now = utc("2027-03-14 20:00" if seen < len(starts) else "2027-03-15 20:00")
        assert missed.signs([nightly], starts[:seen], now) == []
        found = late.measured("copies", [nightly], starts[:seen], now)
        assert (found.error, found.lost, found.late) == (None, None, datetime.timedelta(0))
