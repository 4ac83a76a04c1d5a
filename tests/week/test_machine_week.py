# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A week of the schedule in a machine that systemd starts, by its own clock: `make week`. See machine.py for how, and docs/lab.md.

Sunday to Saturday in Lima. Monday 21:00 its current fails, and comes back on Wednesday 03:15. `schedule.yml` puts the schedule in force there, timers start a
stand-in for ansible-playbook, and real are the playbooks that write what is told of those that could not: after the outage, and of Friday's verification.

The disk stays (.cache/week/disk.img); RESPALDO_WEEK_DISK looks at one again, without a boot.
"""

from __future__ import annotations

import datetime
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import zoneinfo
from machine import ROOT, Machine, take, why_not

from plugins.plugin_utils._bitacora.store import open_store
from plugins.plugin_utils._schedules import in_force, times
from plugins.plugin_utils._schedules.purposes import PURPOSES
from plugins.plugin_utils._schedules.when import Timed
from plugins.plugin_utils._schedules.when import read as read_timed

LIMA = zoneinfo.ZoneInfo("America/Lima")
MINUTE = datetime.timedelta(minutes=1)


def lima(day: int, clock: str) -> datetime.datetime:
    """A moment of the week: day of November 2026, on into December."""
    hour, minute = clock.split(":")
    return (datetime.datetime(2026, 11, 1, int(hour), int(minute), tzinfo=LIMA) + datetime.timedelta(days=day - 1)).astimezone(datetime.timezone.utc)


SINCE, CUT, BACK, END = lima(28, "23:30"), lima(30, "21:00"), lima(32, "03:15"), lima(36, "00:10")
# by then the schedule is in force, and after the outage what is caught up has begun
IN_FORCE = lima(29, "00:00")
# systemd reads all units again just after these were due, while their random delay runs (systemd#18678)
RELOADED = {"copies": lima(33, "22:00"), "drills": lima(34, "01:00")}
# none is due just before it, so that no random delay leads over it
MIDNIGHT = lima(36, "00:00")
AFTER_BOOT = 7 * MINUTE     # the boot itself, and the random delay
UNITS = {
    "week-begin.service": """[Unit]
ConditionPathExists=!/srv/week/begun
[Service]
Type=oneshot
ExecStart=/srv/week/begin.sh
[Install]
WantedBy=multi-user.target
""",
    # a cut: nobody is asked to stop
    "week-off.service": "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'sync; echo o > /proc/sysrq-trigger; sleep 60'\n",
    "week-off.timer": f"[Timer]\nAccuracySec=1s\nOnCalendar={CUT:%F %T} UTC\nOnCalendar={END:%F %T} UTC\n",
    "week-reload.service": "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'systemctl daemon-reload && date +%%s >> /srv/week/reloaded'\n",
    "week-reload.timer": "[Timer]\nAccuracySec=1us\n" + "".join(f"OnCalendar={at + MINUTE / 60:%F %T} UTC\n" for at in RELOADED.values()),
}


def moment(seconds: str) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(int(seconds), datetime.timezone.utc)


class Start(NamedTuple):
    at: datetime.datetime
    purpose: str
    playbook: str
    how: str        # alone, real, failed


class Week(NamedTuple):
    starts: list[Start]
    entries: list[dict]
    timed: dict[str, Timed]
    reloaded: list[datetime.datetime]

    def of(self, purpose: str, since: datetime.datetime, until: datetime.datetime) -> list[Start]:
        return [each for each in self.starts if each.purpose == purpose and since <= each.at < until]

    def told(self, *types: str) -> list[dict]:
        return [entry for entry in self.entries if entry["type"] in types]


@pytest.fixture(scope="module")
def week() -> Iterator[Week]:
    lacking = why_not()
    if lacking:
        pytest.fail(lacking)      # whoever asks for the week is not told that it went well when there was none
    cache = ROOT / ".cache/week"
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as made:
        scratch, disk = Path(made), Path(os.environ.get("RESPALDO_WEEK_DISK", ""))
        if not disk.is_file():
            machine = Machine(scratch, cache, UNITS)
            for at in (SINCE, BACK):
                machine.boot(at, 3600)
            print(f"{machine.seconds:.0f} s of a processor for both boots")
            disk = cache / "disk.img"
            machine.disk.replace(disk)
        found = lived(disk, scratch)
        for start in found.starts:
            print(f"{start.at.astimezone(LIMA):%a %d %T} {start.purpose} {start.how}")
        for entry in found.entries:
            if entry["type"] not in ("run_started", "run_ended", "schedule_set"):
                print(entry["type"], entry["at_event"], entry.get("purpose", ""), entry.get("objects", ""), entry.get("error_message_es", ""))
        yield found


def lived(disk: Path, scratch: Path) -> Week:
    """What is on the disk of a machine that lived through the week."""
    assert take(disk, "/srv/week/begun", scratch).read_text("utf-8") == "0\n", take(disk, "/srv/week/begin.log", scratch).read_text("utf-8")
    starts = []
    for line in take(disk, "/srv/week/starts", scratch).read_text("utf-8").splitlines():
        at, purpose, playbook, how, _pid = line.split()
        starts.append(Start(moment(at), purpose, playbook, how))
    for name in ("bitacora.sqlite-wal", "bitacora.sqlite"):
        bitacora = take(disk, f"/var/lib/respaldo/{name}", scratch)
        if not bitacora.stat().st_size:
            bitacora.unlink()
    with open_store(f"sqlite:///{bitacora}") as store:
        entries = store.entries()
    put = in_force.read(entry for entry in entries if entry["type"] in (in_force.SET, in_force.REMOVED))
    reloaded = [moment(line) for line in take(disk, "/srv/week/reloaded", scratch).read_text("utf-8").split()]
    return Week(starts, entries, {name: timed for name, each in put.items() if (timed := read_timed(each.schedule))}, reloaded)


def due(timed: Timed, since: datetime.datetime, until: datetime.datetime) -> list[datetime.datetime]:
    return times.until(timed.when, LIMA, since - MINUTE / 60, until - MINUTE / 60)


def test_the_schedule_is_in_force_by_its_playbook(week: Week) -> None:
    assert set(week.timed) == {"copies", "drills", "verification", "transfer", "anchor", "media_health", "reports", "warnings"}
    assert [name for name, timed in week.timed.items() if not timed.catch_up] == ["drills"]


def test_every_start_came_at_its_minute_once(week: Week) -> None:
    counted = 0
    for purpose, timed in week.timed.items():
        expected = due(timed, IN_FORCE, CUT) + due(timed, BACK + AFTER_BOOT, MIDNIGHT)
        came = week.of(purpose, IN_FORCE, CUT) + week.of(purpose, BACK + AFTER_BOOT, MIDNIGHT)
        assert len(came) == len(expected), (purpose, [f"{each.at.astimezone(LIMA):%a %T}" for each in came])
        for start, at in zip(came, expected):
            assert datetime.timedelta(0) <= start.at - at <= timed.delay_minutes * MINUTE + MINUTE / 6, (purpose, start, at)
            assert start.playbook == PURPOSES[purpose].playbook + ".yml"
        counted += len(expected)
    assert counted > 150


def test_what_the_outage_kept_back_came_with_the_current_once_and_as_declared(week: Week) -> None:
    assert not [each for each in week.starts if CUT + MINUTE / 60 < each.at < BACK]
    for purpose, timed in week.timed.items():
        kept_back = due(timed, CUT, BACK)
        came = week.of(purpose, BACK, BACK + AFTER_BOOT)
        assert len(came) == (1 if kept_back and timed.catch_up else 0), (purpose, came)
    assert len(due(week.timed["drills"], CUT, BACK)) == 2 and due(week.timed["transfer"], CUT, BACK)


def test_reading_the_units_again_while_a_start_waits_neither_loses_nor_repeats_it(week: Week) -> None:
    for (purpose, at), reloaded in zip(RELOADED.items(), week.reloaded, strict=True):
        assert at in due(week.timed[purpose], BACK, END)
        (start,) = week.of(purpose, at, at + 60 * MINUTE)
        assert at < reloaded <= start.at, "while its delay ran"


def test_what_did_not_come_is_told_by_the_first_run_after_it_and_nothing_else(week: Week) -> None:
    (copies,) = [each for each in week.starts if each.how == "real" and each.purpose == "copies"]
    (made,) = week.told("copy_made")
    assert made["system"] == "Datos" and BACK < copies.at < BACK + AFTER_BOOT
    # Monday's copies never came, Tuesday's did with the current: late, and that is an entry of their run too
    assert [(entry["purpose"], entry["objects"], entry["error_code"]) for entry in week.told("schedule_missed")] == [
        ("copies", 1, "RSP745"), ("drills", 2, "RSP745")]
    (late,) = week.told("schedule_late")
    assert (late["purpose"], late["error_code"], late["run"]) == ("copies", "RSP757", made["run"])
    assert "de 2026-12-01 22:00, por systemd, empezó con 5 h " in late["error_message_es"]


def test_a_start_that_could_not_begin_has_its_entry(week: Week) -> None:
    (failed,) = [each for each in week.starts if each.how == "failed"]
    (entry,) = week.told("schedule_failed")
    assert (failed.purpose, entry["purpose"], entry["error_code"]) == ("verification", "verification", "RSP741")
    assert entry["at_event"] > failed.at.strftime("%Y-%m-%dT%H:%M:%SZ")
