# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A week of every purpose in Lima: each minute as systemd counts it by the units that are put in force, and what is told of it when the controller is off.

systemd's own counting stands for its timers here. A week of them in a machine with a clock of its own: tests/week (`make week`); that a timer starts what it
should, by the clock of the day: molecule/schedule.
"""

from __future__ import annotations

import datetime
import functools
import re
import shutil
import subprocess

import pytest
import zoneinfo

from plugins.plugin_utils._schedules import in_force, missed, times, units
from plugins.plugin_utils._schedules.purposes import DEFAULT_DELAY, DEFAULT_GRACE, PURPOSES
from plugins.plugin_utils._schedules.when import Timed, written

LIMA = zoneinfo.ZoneInfo("America/Lima")
# Sunday, midnight in Lima; the week has a first of a month in it
SUNDAY = datetime.datetime(2026, 11, 29, 5, 0, tzinfo=datetime.timezone.utc)
WEEK = datetime.timedelta(days=7)
HOUR = datetime.timedelta(hours=1)
WANTED = {name: Timed(purpose.default, "America/Lima", DEFAULT_DELAY, DEFAULT_GRACE) for name, purpose in PURPOSES.items() if purpose.default}
# The controller is off from Monday 21:00 to Wednesday 03:15 in Lima: two nights of copies, and the month's transfer.
OFF, ON = SUNDAY + 45 * HOUR, SUNDAY + 75.25 * HOUR


@functools.cache
def starts(name, since=SUNDAY, until=SUNDAY + WEEK):
    return times.until(WANTED[name].when, LIMA, since - datetime.timedelta(seconds=1), until - datetime.timedelta(seconds=1))


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_every_start_of_a_week_is_at_its_minute():
    """By the OnCalendar of each timer, as it is written."""
    command = units.Command("/usr/bin/ansible-playbook", "/srv/respaldo", ("/srv/hosts.yml",), (), ())
    rendered = units.render(WANTED, command)
    counted = 0
    for name in WANTED:
        calendar = re.search(r"(?m)^OnCalendar=(.*)$", rendered[units.unit_of(name)])[1]
        ours = [each.strftime("%Y-%m-%d %H:%M") for each in starts(name)]
        before = (SUNDAY - datetime.timedelta(seconds=1)).strftime("%Y-%m-%d %H:%M:%S")
        answer = subprocess.run(["systemd-analyze", "calendar", f"--base-time={before} UTC", f"--iterations={len(ours) + 1}", calendar], capture_output=True,
                                text=True, check=True, env={"LC_ALL": "C", "TZ": "UTC", "PATH": "/usr/bin:/bin"})
        said = re.findall(r"(?:Next elapse|Iter\. #\d+|Iteration #\d+): \w+ (\d{4}-\d{2}-\d{2} \d{2}:\d{2}):00 UTC", answer.stdout)
        assert said[:-1] == ours and said[-1] >= (SUNDAY + WEEK).strftime("%Y-%m-%d %H:%M"), name
        assert "Persistent=true" in rendered[units.unit_of(name)], name
        counted += len(ours)
    # 7 nights of 7 purposes, one month's, one week's, two of the anchor, and what runs each ten minutes, half hour and hour
    assert counted == 7 * 7 + 1 + 1 + 2 + 2 * 7 * 144 + 7 * 48 + 7 * 24


def told(caught_up, now):
    """What is told at a moment, of a week in which every start came but while the controller was off; `caught_up`: one start of each when it came back."""
    declared = [{"type": in_force.SET, "purpose": name, "schedule": written(timed), "at_event": (SUNDAY - HOUR).strftime("%Y-%m-%dT%H:%M:%SZ")}
                for name, timed in WANTED.items()]
    ran = []
    for name in WANTED:
        came = [each for each in starts(name) if not OFF <= each < ON]
        came += [ON] if caught_up and starts(name, OFF, ON) else []
        ran += [{"type": missed.STARTED, "playbook": PURPOSES[name].playbook + ".yml", "at_event": each.strftime("%Y-%m-%dT%H:%M:%SZ")}
                for each in came if each <= now]
    return {sign.purpose: sign.missed for sign in missed.signs(declared, sorted(ran, key=lambda entry: entry["at_event"]), now)}


def test_what_a_controller_that_was_off_missed_is_told_until_it_is_caught_up():
    assert [hour for hour in range(0, 45, 4) if told(True, SUNDAY + hour * HOUR)] == []
    back = ON + HOUR / 4
    assert told(True, back) == {}                                                          # Persistent=true: one start of each, at once
    lost = told(False, back)
    assert lost == {name: len([each for each in starts(name, OFF, ON) if each <= back - (DEFAULT_DELAY + DEFAULT_GRACE) * HOUR / 60]) for name in lost}
    assert lost["copies"] == 2 and lost["transfer"] == 1 and lost["prune"] == 1 and lost["drills"] == 2 and "custody" not in lost
    # by the end of the week each ran again, but the transfer, whose next start is a month later
    assert told(False, SUNDAY + WEEK - HOUR) == {"transfer": 1}
