# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts of the schedule that did not come are an entry, whether or not anybody is to be warned: once a series, by any run that has an hour."""

from __future__ import annotations

import datetime

import pytest

from plugins.plugin_utils._bitacora import upkeep
from plugins.plugin_utils._bitacora.recorder import Recorder
from plugins.plugin_utils._bitacora.store import open_store
from plugins.plugin_utils._schedules import in_force
from plugins.plugin_utils._schedules.when import Timed, When

NIGHTLY = Timed(When("01:00"), "America/Lima", 0, 120)


@pytest.fixture
def url(tmp_path):
    """A bitácora by which drills were put in force three days ago, and never ran."""
    with open_store(str(tmp_path / "bitacora.sqlite")) as store:
        for name in ("drills", "copies"):
            put = in_force.put(name, NIGHTLY, {}, in_force.SYSTEMD)
            before = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=3)
            with store.exclusive():
                store.append("schedule_set", {**put, "run": "1"}, before.strftime("%Y-%m-%dT%H:%M:%SZ"), "1", 1 + (name == "copies"))
    return str(tmp_path / "bitacora.sqlite")


def run(url, tmp_path, playbook, **facts):
    recorder = Recorder(url, tmp_path / "journal", None, {"playbook": playbook, "executed_by": "root", **facts})
    recorder.start()
    recorder.end({})
    assert not recorder.unwritten, recorder.broken or recorder.problem


def told(url, type_="schedule_missed"):
    with open_store(url, readonly=True) as store:
        return [(entry["purpose"], entry.get("objects"), entry["error_code"]) for entry in store.entries(type=type_)]


def test_once_for_a_series_and_not_of_what_runs_now(url, tmp_path):
    run(url, tmp_path, "site.yml", simulated=True)
    run(url, tmp_path, "warn.yml")           # each few minutes: it would read the starts of weeks each time; its own task tells
    assert told(url) == []
    run(url, tmp_path, "site.yml")
    # what it catches up itself ends a series that nobody was there to tell of: its last start came, late, and those before never did
    (own, times, code), (purpose, all_times, its_code) = told(url)
    assert (own, code, purpose, its_code) == ("copies", "RSP745", "drills", "RSP745") and 2 <= all_times <= 3 and times in (all_times - 1, all_times)
    run(url, tmp_path, "verify.yml")
    assert len(told(url)) == 2


@pytest.mark.parametrize("scheduler", in_force.SCHEDULERS)
def test_a_start_that_came_late_is_an_entry_of_its_run_whoever_was_to_make_it(tmp_path, scheduler):
    """Declared this week for an hour that was five hours ago; with the start of the day before in time."""
    url, now = str(tmp_path / "bitacora.sqlite"), datetime.datetime.now(datetime.timezone.utc)
    due = now - datetime.timedelta(hours=5)
    put = in_force.put("copies", Timed(When(due.strftime("%H:%M")), "UTC", 0, 120), {}, scheduler)
    with open_store(url) as store, store.exclusive():
        for type_, body, at in (("schedule_set", put, now - datetime.timedelta(days=3)),
                                ("run_started", {"playbook": "site.yml", "run": "1"}, due - datetime.timedelta(days=1))):
            store.append(type_, {**body, "run": "1"}, at.strftime("%Y-%m-%dT%H:%M:%SZ"), "1")
    for simulated in (True, False):
        run(url, tmp_path, "site.yml", simulated=simulated)
    run(url, tmp_path, "site.yml")
    assert told(url, "schedule_late") == [("copies", None, "RSP757")] and told(url) == []
    with open_store(url, readonly=True) as store:
        (entry,) = store.entries(type="schedule_late")
        assert entry["run"] == store.entries(type="run_started")[-2]["run"] and " de atraso: " in entry["error_message_es"]
        assert in_force.SCHEDULERS[scheduler] in entry["error_message_es"]


def test_what_could_not_be_written_waits_with_the_rest(url, tmp_path, monkeypatch):
    def broken(*_given):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(upkeep, "unstarted", broken)
    recorder = Recorder(url, tmp_path / "journal", None, {"playbook": "site.yml", "executed_by": "root"})
    recorder.start()
    recorder.end({})
    assert recorder.journal_file and told(url) == []


def test_every_purpose_with_an_hour_tells():
    assert {name for name in ("site.yml", "report.yml", "verify.yml", "warn.yml", "metrics.yml", "letters.yml", "otro.yml")
            if upkeep.tells({"playbook": name})} == {"site.yml", "report.yml", "verify.yml"}
