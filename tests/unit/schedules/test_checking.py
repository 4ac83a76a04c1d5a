# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an inventory may say of its schedule, what it gets by default, and what the policy does not allow."""

from __future__ import annotations

import datetime
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from plugins.module_utils._engine.errors import BackupError
from plugins.module_utils._engine.policy import schema
from plugins.plugin_utils._decisions import drills, due, warnings
from plugins.plugin_utils._schedules import checking, declaring
from plugins.plugin_utils._schedules.checking import Used
from plugins.plugin_utils._schedules.purposes import PURPOSES
from plugins.plugin_utils._schedules.times import until
from plugins.plugin_utils._schedules.when import STEPS, When

TOP = Path(__file__).resolve().parents[3]
MANUAL = yaml.safe_load((TOP / "policies/manual-001-2019.yml").read_text("utf-8"))
DATABASE = {"kind": "database", "criticality": "alta", "source": {"type": "postgresql"}}
FILES = {"kind": "file_server", "criticality": "media", "source": {"type": "restic"}}
AZURE = {"kind": "file_server", "criticality": "media", "source": {"type": "azure_backup"}}
EVERYTHING = Used((DATABASE, FILES, AZURE), True, True, True, True, True, True)


def look(declared, used=EVERYTHING, policy=MANUAL):
    problems = []
    needed = checking.needs(policy, used, drills.rules_of(policy)["every"], {**warnings.DEFAULTS, **policy.get("warnings", {})})
    found = declaring.read(declared, policy["time_zone"], list(needed), policy.get("working_hours") or {}, problems)
    if not problems:
        checking.check(found, needed, policy, due.zone(policy["time_zone"]), problems)
    return found, problems


def told(declared, used=EVERYTHING, policy=MANUAL):
    return [f"{each.where}: {each.problem}" for each in look(declared, used, policy)[1]]


def test_who_says_nothing_has_all_that_the_policy_needs():
    found, problems = look({})
    assert problems == [] and set(found.timed) == set(PURPOSES) - {"reconcile"}
    assert found.timed["copies"].when == When("22:00") and found.timed["transfer"].when == When("06:30", month_day=1)
    assert found.timed["warnings"].when == When(every_minutes=60) and found.timed["custody"].when.days == ("sunday",)
    assert {each.zone for each in found.timed.values()} == {"America/Lima"}


def test_a_start_that_an_outage_kept_back_comes_afterwards_unless_somebody_says_otherwise():
    timed = look({"drills": {"at": "01:00", "catch_up": False}, "prune": {"at": "05:30", "catch_up": True}})[0].timed
    assert [name for name, each in timed.items() if not each.catch_up] == ["drills"]


def test_only_what_the_inventory_has_use_for():
    assert set(look({}, Used((DATABASE,), False, False, False))[0].timed) == {"copies", "verification", "drills", "media_health", "custody", "reports"}
    assert set(look({}, Used((AZURE,), False, False, False))[0].timed) == {"azure_backup", "reports"}
    assert look({}, Used((), False, False, False)) == (declaring.Declared({}, {}, {}, frozenset()), [])


def test_copies_by_default_come_after_work_whatever_the_hours():
    late = {**MANUAL, "working_hours": {"days": ["monday", "saturday"], "from": "14:00", "until": "23:00"}}
    found, problems = look({}, Used((DATABASE,), False, False, False), late)
    assert found.timed["copies"].when == When("23:00") and problems == []


@pytest.mark.parametrize("declared, said", [
    ({"copias": {"at": "22:00"}}, "backup_schedule.copias: is not a known key"),
    ({"copies": {"at": "22:00", "dais": ["monday"]}}, "backup_schedule.copies.dais: is not a known key"),
    ({"copies": {"at": "25:00"}}, "backup_schedule.copies.at: is not well written"),
    ({"copies": {"at": "22:00", "catch_up": "a veces"}}, "backup_schedule.copies.catch_up: is neither true nor false"),
    ({"copies": {"at": 2200}}, "backup_schedule.copies.at: is not a text"),
    ({"copies": {"at": "22:00", "days": ["lunes"]}}, "backup_schedule.copies.days[0]: is not known here"),
    ({"copies": {"at": "22:00", "days": []}}, "backup_schedule.copies.days: is empty"),
    ({"transfer": {"at": "06:30", "month_day": 31}}, "backup_schedule.transfer.month_day: is not a whole number from 1 to 28"),
    ({"transfer": {"at": "06:30", "month_day": 1, "days": ["monday"]}}, "backup_schedule.transfer: has days of the week and a day of the month"),
    ({"copies": {}}, "backup_schedule.copies: needs exactly one of at, every_minutes and off"),
    ({"copies": {"at": "22:00", "every_minutes": 60}}, "backup_schedule.copies: needs exactly one of at, every_minutes and off"),
    ({"warnings": {"every_minutes": 60, "days": ["monday"]}}, "backup_schedule.warnings.days: has no meaning beside every_minutes"),
    ({"warnings": {"every_minutes": 25}}, "backup_schedule.warnings.every_minutes: does not divide an hour or a day into equal steps"),
    ({"warnings": {"every_minutes": True}}, "backup_schedule.warnings.every_minutes: is not a whole number from 5 to 720"),
    (["copies"], "backup_schedule: is not a table of keys"),
    ({"copies": "22:00"}, "backup_schedule.copies: is not a table of keys"),
])
def test_what_is_not_well_written(declared, said):
    assert said in told(declared)


@pytest.mark.parametrize("declared, said", [
    ({"transfer": {"off": "no hace falta"}}, "backup_schedule.transfer.off: switches off what this inventory needs (numeral 7.2.1 d)"),
    ({"copies": {"at": "22:00", "days": ["monday", "friday"]}}, "backup_schedule.copies: is not often enough: it must run each 1 days (numeral 6.4)"),
    ({"anchor": {"at": "07:30", "month_day": 1}}, "backup_schedule.anchor: is not often enough: it must run each 7 days (numeral 8.2)"),
    ({"verification": {"at": "03:30", "month_day": 5}}, "backup_schedule.verification: is not often enough: it must run each 7 days (numeral 5.1 c)"),
    ({"copies": {"at": "12:00"}}, "backup_schedule.copies: is in the working hours (08:00-18:00), delay_minutes included (numeral 6.4)"),
    ({"copies": {"at": "07:58"}}, "backup_schedule.copies: is in the working hours (08:00-18:00), delay_minutes included (numeral 6.4)"),
    ({"copies": {"every_minutes": 60}}, "backup_schedule.copies: is in the working hours (08:00-18:00), delay_minutes included (numeral 6.4)"),
    ({"prune": {"at": "22:10"}}, "backup_schedule.prune: begins within 30 minutes of copies, which takes the same locks"),
    ({"transfer": {"at": "05:15", "month_day": 3}}, "backup_schedule.transfer: begins within 30 minutes of prune, which takes the same locks"),
    ({"prune": {"at": "21:45"}, "copies": {"at": "22:00"}}, "backup_schedule.copies: begins within 30 minutes of prune, which takes the same locks"),
])
def test_what_the_policy_does_not_allow(declared, said):
    assert told(declared) == [said]


@pytest.mark.parametrize("declared", [
    {"copies": {"at": "18:00"}}, {"copies": {"at": "12:00", "reason": "El turno de noche usa los sistemas"}}, {"copies": {"at": "07:54"}},
    {"copies": {"every_minutes": 60, "reason": "Código fuente tras cada cambio"}}, {"reconcile": {"at": "10:00", "days": ["saturday"]}},
    {"prune": {"at": "22:30"}}, {"custody": {"at": "05:30", "days": ["sunday"], "delay_minutes": 0}, "prune": {"at": "06:00"}},
])
def test_what_is_in_order(declared):
    used = EVERYTHING if "custody" not in declared else EVERYTHING._replace(repository=False)
    assert told(declared, used) == []


def test_what_has_nothing_to_do_is_told():
    nothing = Used((DATABASE,), False, False, False)
    said = told({"transfer": {"at": "06:30", "month_day": 1}, "azure_backup": {"at": "07:00"}, "warnings": {"every_minutes": 60},
                 "anchor": {"at": "07:30"}}, nothing)
    assert [line.split(":")[0] for line in said] == [f"backup_schedule.{name}" for name in ("transfer", "anchor", "azure_backup", "warnings")]
    assert "backup_schedule.transfer: has nothing to do: the inventory has no backup_repository" in said


def test_a_purpose_that_is_not_needed_may_be_off():
    found, problems = look({"reconcile": {"off": "lo hace verify.yml"}})
    assert problems == [] and "reconcile" not in found.timed and found.off == {"reconcile": "lo hace verify.yml"}


def test_mistakes_are_told_together_and_in_spanish():
    _found, problems = look({"copias": {"at": "22:00"}, "warnings": {"every_minutes": 25}})
    with pytest.raises(BackupError) as error:
        schema.raise_all(problems)
    assert error.value.code == "RSP101" and "no divide una hora o un día en pasos iguales" in error.value.spanish


def test_a_misspelt_purpose_is_guessed():
    _found, problems = look({"copiess": {"at": "22:00"}})
    with pytest.raises(BackupError) as error:
        schema.raise_all(problems)
    assert "uiso decir copies" in error.value.in_both()


@pytest.mark.parametrize("name", PURPOSES)
def test_each_purpose_is_a_playbook_of_ours(name):
    assert (TOP / "playbooks" / f"{PURPOSES[name].playbook}.yml").is_file()


def test_what_runs_each_few_minutes_runs_each_day_and_is_not_counted(monkeypatch):
    zone, since = due.zone("America/Santiago"), datetime.datetime(2027, 4, 1, tzinfo=datetime.timezone.utc)      # its summer time ends on the 3rd
    for minutes in STEPS:
        starts = until(When(every_minutes=minutes), zone, since, since + datetime.timedelta(days=5))
        assert max(later - sooner for sooner, later in pairwise(starts)) < datetime.timedelta(days=1)
    monkeypatch.delattr(checking, "until")
    assert {checking._longest_gap(When(every_minutes=minutes), zone) for minutes in STEPS} == {1}
