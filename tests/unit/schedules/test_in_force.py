# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which times are in force by the bitácora, whichever scheduler has them, and which entries a scheduler that took a schedule must still have."""

from __future__ import annotations

import datetime

from plugins.plugin_utils._schedules import in_force, missed
from plugins.plugin_utils._schedules.when import Timed, When, written

NIGHTLY, LATER = (Timed(When(at), "America/Lima", 5, 120) for at in ("22:00", "23:00"))
DRILLS = Timed(When("01:00", ("sunday",)), "America/Lima", 5, 120)


def kept(entries, day=1):
    """As the bitácora has them: with their type and time."""
    return [{**entry, "type": entry["event"], "at_event": f"2026-11-{day:02}T15:00:00Z"} for entry in entries]


def names(entries):
    return [(entry["event"], entry["purpose"], entry["scheduler"]) for entry in entries]


def test_what_is_there_already_has_no_second_entry():
    first = in_force.differences({"copies": NIGHTLY, "drills": DRILLS}, {"copies": "ventana acordada"}, {}, "awx")
    assert names(first) == [("schedule_set", "copies", "awx"), ("schedule_set", "drills", "awx")] and first[0]["reason_text"] == "ventana acordada"
    assert "copias que corresponden: todos los días a las 22:00 (America/Lima), por AWX" == first[0]["note_es"]
    assert in_force.differences({"copies": NIGHTLY, "drills": DRILLS}, {}, in_force.read(kept(first)), "awx") == []
    changed = in_force.differences({"copies": LATER}, {}, in_force.read(kept(first)), "awx")
    assert names(changed) == [("schedule_set", "copies", "awx"), ("schedule_removed", "drills", "awx")]
    assert set(in_force.read(kept(first) + kept(changed, 2))) == {"copies"}


def test_a_move_from_one_scheduler_to_another():
    timers = kept([{"event": "schedule_set", "purpose": "copies", "schedule": written(NIGHTLY)}])     # of before schedulers had a name
    assert in_force.read(timers)["copies"].scheduler == "systemd"
    moved = in_force.differences({"copies": LATER}, {}, in_force.read(timers), "awx")
    assert names(moved) == [("schedule_set", "copies", "awx")]
    both = timers + kept(moved, 2) + kept([in_force.taken("copies", "systemd")], 3)
    assert in_force.read(both)["copies"][:2] == (written(LATER), "awx")
    # the other's purposes are not taken away by one that has none
    assert in_force.differences({}, {}, in_force.read(timers), "awx") == []
    told = missed.signs(both, [], datetime.datetime(2026, 11, 4, 12, tzinfo=datetime.timezone.utc))
    assert [(sign.purpose, sign.missed) for sign in told] == [("copies", 2)] and "La tiene AWX" in told[0].text
    at_22 = [{"type": "run_started", "at_event": "2026-11-04T03:01:00Z", "playbook": "site.yml"}]    # a timer left behind, an hour before AWX's
    assert missed.signs(both, at_22, datetime.datetime(2026, 11, 4, 6, tzinfo=datetime.timezone.utc)) == []
    assert [sign.missed for sign in missed.signs(both, at_22, datetime.datetime(2026, 11, 4, 6, 5, tzinfo=datetime.timezone.utc))] == [1]


def test_a_simulation_and_what_is_no_purpose_count_for_nothing():
    entries = kept([{"event": "schedule_set", "purpose": "copies", "schedule": written(NIGHTLY), "simulated": True},
                    {"event": "schedule_set", "purpose": "nada", "schedule": written(NIGHTLY)}, {"event": "schedule_failed", "purpose": "drills"}])
    assert in_force.read(entries) == {}
