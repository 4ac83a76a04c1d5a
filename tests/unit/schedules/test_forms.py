# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times in the forms of AWX and of cron. Read by dateutil, as AWX reads them, these rules gave our own starts over 70 days; their texts are kept here."""

from __future__ import annotations

import pytest
import zoneinfo

from plugins.plugin_utils._schedules import forms
from plugins.plugin_utils._schedules.when import Timed, When

LIMA = zoneinfo.ZoneInfo("America/Lima")

CASES = [
    (When("22:00"), "20260101T220000 RRULE:FREQ=DAILY;INTERVAL=1", "0 22 * * *"),
    (When("00:00"), "20260101T000000 RRULE:FREQ=DAILY;INTERVAL=1", "0 0 * * *"),
    (When("08:30", ("sunday",)), "20260104T083000 RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=SU", "30 8 * * 0"),
    (When("07:30", ("monday", "sunday")), "20260104T073000 RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=MO,SU", "30 7 * * 0,1"),
    (When("06:05", month_day=15), "20260115T060500 RRULE:FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=15", "5 6 15 * *"),
    (When(every_minutes=10), "20260101T000000 RRULE:FREQ=MINUTELY;INTERVAL=10", "*/10 * * * *"),
    (When(every_minutes=60), "20260101T000000 RRULE:FREQ=MINUTELY;INTERVAL=60", "0 * * * *"),
    (When(every_minutes=720), "20260101T000000 RRULE:FREQ=MINUTELY;INTERVAL=720", "0 */12 * * *"),
]


@pytest.mark.parametrize("when, rule, cron", CASES)
def test_each_form_says_the_same(when, rule, cron):
    assert forms.rules(when, LIMA, "America/Lima") == [f"DTSTART;TZID=America/Lima:{rule}"] and forms.cron(when) == cron


def test_no_form_is_one_that_does_harm():
    for when, *_rest in CASES:
        (rule,) = forms.rules(when, LIMA, "America/Lima")
        assert "HOURLY" not in rule and "BYHOUR" not in rule and "INTERVAL=" in rule and forms.cron(when).split()[0] != "*"


def test_a_row_is_all_that_a_scheduler_needs():
    (row,) = forms.rows({"transfer": Timed(When("06:30", month_day=1), "America/Lima", 5, 120)}, LIMA)
    assert row == {
        "purpose": "transfer", "playbook": "transfer.yml", "title": "traslado mensual al repositorio", "zone": "America/Lima", "at": "06:30", "days": [],
        "month_day": 1, "every_minutes": 0, "delay_minutes": 5, "grace_minutes": 120,
        "rrules": ["DTSTART;TZID=America/Lima:20260101T063000 RRULE:FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=1"], "cron": "30 6 1 * *"}
