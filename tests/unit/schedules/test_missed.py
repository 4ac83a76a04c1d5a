# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which start should have been and was not, by the entries of the bitácora."""

from __future__ import annotations

import datetime

import pytest

from plugins.plugin_utils._decisions import purposes
from plugins.plugin_utils._schedules import missed
from plugins.plugin_utils._schedules.when import Timed, When, written

NIGHTLY = Timed(When("22:00"), "America/Lima", 5, 120)         # 03:00 UTC; told from 05:05 on
HOURLY = Timed(When(every_minutes=60), "America/Lima", 0, 120)


def utc(text):
    return datetime.datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=datetime.timezone.utc)


def entry(type_, at, **more):
    return {"type": type_, "at_event": utc(at).strftime("%Y-%m-%dT%H:%M:%SZ"), **more}


def put(at, timed=NIGHTLY, purpose="copies"):
    return entry("schedule_set", at, purpose=purpose, schedule=written(timed))


def ran(at, playbook="site.yml", **more):
    return entry("run_started", at, playbook=playbook, **{"n": 1, **more})


def missing(declared, starts, now):
    return [(sign.purpose, sign.missed) for sign in missed.signs(declared, starts, utc(now))]


@pytest.mark.parametrize("starts, now, told", [
    ([], "2026-11-29 02:59", []),                                              # not yet
    ([], "2026-11-29 05:04", []),                                              # delay and grace are not over
    ([], "2026-11-29 05:05", [("copies", 1)]),
    ([], "2026-11-30 05:05", [("copies", 2)]),
    ([ran("2026-11-29 03:04")], "2026-11-29 12:00", []),
    ([ran("2026-11-29 11:00")], "2026-11-29 12:00", []),                       # late, after an outage (Persistent)
    ([ran("2026-11-29 03:04")], "2026-11-30 06:00", [("copies", 1)]),
    ([ran("2026-11-28 23:00")], "2026-11-29 06:00", [("copies", 1)]),          # a start by hand in the afternoon is not the one of the night
    ([ran("2026-11-29 03:04", simulated=True)], "2026-11-29 06:00", [("copies", 1)]),
    ([ran("2026-11-29 03:04", playbook="verify.yml")], "2026-11-29 06:00", [("copies", 1)]),
])
def test_a_nightly_start(starts, now, told):
    assert missing([put("2026-11-28 15:00")], starts, now) == told


@pytest.mark.parametrize("timed, scheduler, minutes, told", [
    (NIGHTLY, "systemd", 1, []),                                       # it begins within its random delay
    (NIGHTLY, "systemd", 6, []),
    (NIGHTLY, "systemd", 7, [("copies", 2)]),
    (NIGHTLY._replace(catch_up=False), "systemd", 1, [("copies", 2)]),
    (NIGHTLY, "awx", 1, [("copies", 2)]),                              # nobody catches it up
    (HOURLY, "systemd", 1, []),
])
def test_what_systemd_is_about_to_catch_up_after_an_outage_is_not_missed_yet(timed, scheduler, minutes, told):
    """The controller came back at 12:00 after two nights; a run ends so many minutes later. systemd spreads what it catches up over the random delay."""
    declared = [{**put("2026-11-28 15:00", timed), "scheduler": scheduler}]
    now = utc("2026-11-30 12:00") + datetime.timedelta(minutes=minutes)
    assert [(sign.purpose, sign.missed) for sign in missed.signs(declared, [], now, datetime.timedelta(minutes=minutes))] == told


def test_what_was_due_before_it_was_put_in_force_is_not_missed():
    assert missing([put("2026-11-29 04:00")], [], "2026-11-29 12:00") == []
    assert missing([put("2026-11-20 04:00"), put("2026-11-29 04:00", NIGHTLY._replace(delay_minutes=9))], [], "2026-11-29 12:00") == []


def test_a_start_that_failed_hides_none_that_never_came():
    declared = [put("2026-11-01 15:00"), entry("schedule_failed", "2026-11-02 03:01", purpose="copies", error_code="RSP744")]
    assert missing(declared, [], "2026-11-02 12:00") == [("copies", 1)]
    assert missing(declared, [], "2026-11-06 12:00") == [("copies", 1), ("copies", 4)]


def test_a_start_that_a_journal_kept_back_is_not_the_last_one():
    starts = [ran("2026-11-29 03:04"), ran("2026-11-21 03:04")]
    assert missing([put("2026-11-20 15:00")], starts, "2026-11-29 12:00") == missing([put("2026-11-20 15:00")], starts[::-1], "2026-11-29 12:00") == []


def test_what_was_taken_away_is_not_missed():
    assert missing([put("2026-11-20 15:00"), entry("schedule_removed", "2026-11-21 15:00", purpose="copies")], [], "2026-11-29 12:00") == []


def test_a_simulation_puts_nothing_in_force():
    assert missing([{**put("2026-11-20 15:00"), "simulated": True}], [], "2026-11-29 12:00") == []


@pytest.mark.parametrize("odd", [{"schedule": "cada noche"}, {"schedule": None}, {"purpose": "nada"}, {"schedule": written(NIGHTLY._replace(zone="No/Hay"))},
                                 {"purpose": ["copies"]}, {"schedule": {"at": 1}}])
def test_an_entry_that_nobody_of_us_wrote_says_nothing(odd):
    assert missing([{**put("2026-11-20 15:00"), **odd}], [], "2026-11-29 12:00") == []


def test_an_odd_start_is_none():
    assert missing([put("2026-11-28 15:00")], [{**ran("2026-11-29 03:04"), "at_event": "ayer"}], "2026-11-29 06:00") == [("copies", 1)]


def test_a_monthly_start_and_an_hourly_one():
    monthly = put("2026-10-15 15:00", Timed(When("06:30", month_day=1), "America/Lima", 5, 120), "transfer")
    assert missing([monthly], [ran("2026-11-01 11:31", "transfer.yml")], "2026-11-28 12:00") == []
    assert missing([monthly], [ran("2026-11-01 11:31", "transfer.yml")], "2026-12-01 14:00") == [("transfer", 1)]
    hourly = put("2026-11-28 15:00", HOURLY, "warnings")
    assert missing([hourly], [ran("2026-11-28 20:00", "warn.yml")], "2026-11-28 22:59") == []
    assert missing([hourly], [ran("2026-11-28 20:00", "warn.yml")], "2026-11-29 02:30") == [("warnings", 4)]


def test_a_start_that_recorded_nothing_stands_until_the_next():
    failed = entry("schedule_failed", "2026-11-29 03:01", purpose="copies", error_code="RSP741", error_message_es="terminó antes")
    (sign,) = missed.signs([put("2026-11-28 15:00"), failed], [], utc("2026-11-29 12:00"))
    assert (sign.purpose, sign.missed, sign.text) == ("copies", 1, "RSP741: terminó antes")
    assert missing([put("2026-11-28 15:00"), failed], [ran("2026-11-29 13:00")], "2026-11-29 14:00") == []


def test_it_is_told_with_its_code_and_its_hour_in_the_zone():
    (sign,) = missed.signs([put("2026-11-28 15:00")], [], utc("2026-11-30 12:00"))
    assert sign.text.startswith("RSP745: La programación de «copias que corresponden» no corrió: la última, 2026-11-29 22:00; 2 seguidas. ")


def test_what_a_clock_wrote_that_was_years_ahead_hides_no_start_that_did_not_come():
    """A start, a failure, a declaration, the entry of a series: each with the date of that night."""
    declared, ahead = [put("2026-11-28 15:00")], "2036-01-01 03:00"
    def signs(declared, starts):
        return [sign._replace(error=None) for sign in missed.signs(declared, starts, utc("2026-11-30 06:00"))]

    before = signs(declared, [])
    assert [(sign.purpose, sign.missed) for sign in before] == [("copies", 2)]
    failed = entry("schedule_failed", ahead, purpose="copies", error_code="RSP757", error_message_es="No comenzó")
    assert signs([*declared, failed], [ran(ahead)]) == before
    told = entry("schedule_missed", ahead, purpose="copies")
    found = missed.signs(declared, [], utc("2026-11-30 06:00"))
    assert missed.unwritten(found, [told], utc("2026-11-30 06:00")) == found
    assert missed.unwritten(found, [entry("schedule_missed", "2026-11-30 05:30", purpose="copies")], utc("2026-11-30 06:00")) == []
    # what that night declared is in force, and nobody can tell since when: a start ends the alarm
    assert missing([put(ahead)], [], "2026-11-30 06:00")[0][1] > 40
    assert missing([put(ahead)], [ran("2026-11-30 03:04")], "2026-11-30 06:00") == []
    row, = [each for each in purposes.standing(declared, [ran("2026-11-29 03:04"), ran(ahead)], utc("2026-11-30 06:00")) if each.purpose == "copies"]
    assert (row.state, row.last[:10]) == ("missed", "2026-11-29")
