# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rotation of restore tests: everybody has a turn, and a night has an end."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from plugins.plugin_utils._decisions import drills, proofs

NOW = datetime.datetime(2027, 8, 31, 3, tzinfo=datetime.timezone.utc)
MINUTE = 60000


def proof(days, minutes=1.0, now=NOW):
    at = (now - datetime.timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"at_event": at, "duration_ms": int(minutes * MINUTE), "size": 1000}


def system(name, criticality="media", *proofs, copy=True, failures=()):
    return drills.Candidate(name, "database", criticality, {"label": name + "_20270830", "size": 1000} if copy else None, list(proofs), list(failures))


def policy(minutes=120, **every):
    return {"drills": {"budget_minutes": minutes, "every": every}}


def chosen(turns):
    return [turn.system for turn in turns if turn.chosen]


def test_the_longest_past_its_turn_comes_first_by_its_criticality():
    turns = drills.rotate([system("FRESCA", "alta", proof(29)), system("BAJA", "baja", proof(200)), system("ALTA", "alta", proof(60)),
                           system("NUNCA", "media"), system("VACIA", "alta", copy=False)], policy(), NOW)
    assert [turn.system for turn in turns] == ["VACIA", "NUNCA", "ALTA", "BAJA", "FRESCA"]
    assert chosen(turns) == ["NUNCA", "ALTA", "BAJA"]
    told = {turn.system: turn.why for turn in turns}
    assert told["NUNCA"] == "nunca se probó su restauración (se exige cada 90 días)"
    assert told["ALTA"] == "la última prueba fue hace 60 días (se exige cada 30)"
    assert told["VACIA"] == "no tiene ninguna copia buena que probar"


def test_a_night_ends_and_what_did_not_fit_says_so():
    turns = drills.rotate([system(name, "alta", proof(40 + place, minutes=50)) for place, name in enumerate("ABC")], policy(120), NOW)
    assert chosen(turns) == ["C", "B"]
    assert turns[2].why.startswith("no cabe en los 120 minutos de esta noche")


def test_one_that_is_longer_than_a_night_is_taken_alone_when_it_comes_first():
    turns = drills.rotate([system("ENORME", "alta", proof(90, minutes=500)), system("CHICA", "alta", proof(31, minutes=1))], policy(120), NOW)
    assert chosen(turns) == ["ENORME"]


def test_the_time_of_a_restore_is_what_it_took_before():
    turn, = drills.rotate([system("A", "alta", proof(90, 7), proof(60, 9), proof(40, 8))], policy(), NOW)
    assert turn.estimate_ms == 8 * MINUTE and turn.measured_ms == 8 * MINUTE


@pytest.mark.parametrize("days, percent", [([1, 1, 1, 1], 100), ([1, 1, 1, 200], 75), ([None, None], 0), ([], 100)])
def test_coverage_is_of_systems_whose_proof_is_in_time(days, percent):
    systems = [system(f"S{place}", "media", *([] if each is None else [proof(each)])) for place, each in enumerate(days)]
    assert drills.coverage(drills.rotate(systems, policy(), NOW)) == percent


def test_one_that_failed_last_night_goes_behind_those_that_wait():
    failed = proof(1, minutes=1)
    turns = drills.rotate([system("ROTA", "alta", failures=[failed]), system("BAJA", "baja", proof(181)), system("NUEVA", "baja")], policy(1), NOW)
    assert [turn.system for turn in turns] == ["NUEVA", "BAJA", "ROTA"]
    assert turns[2].why.endswith("la prueba falló 1 vez desde la última correcta (se exige cada 30 días)")


def test_a_failure_before_the_last_proof_is_over():
    turn, = drills.rotate([system("A", "alta", proof(2), failures=[proof(3)])], policy(), NOW)
    assert not turn.chosen and turn.why == "se probó hace 2 días (se exige cada 30)"


def test_a_drill_that_failed_after_long_is_reckoned_to_take_as_long():
    failed = {**proof(1), "started_at": "2027-08-30T03:00:00Z", "ended_at": "2027-08-30T04:30:00Z"}
    turn, = drills.rotate([system("A", "alta", proof(40, 5), failures=[failed])], policy(), NOW)
    assert turn.estimate_ms == 90 * MINUTE


def test_time_and_rate_are_of_the_same_size():
    """10 MB took a second, so 20 MB as they lie on the medium take two, however much they hold when unpacked."""
    known = {"at_event": proof(1)["at_event"], "duration_ms": 1000, "size": 10_000_000}
    other = drills.Candidate("B", "database", "alta", {"label": "B", "size": 20_000_000, "size_original": 900_000_000}, [])
    turns = drills.rotate([system("A", "alta", known), other], policy(), NOW)
    assert turns[0].system == "B" and turns[0].estimate_ms == 2000


@pytest.mark.parametrize("told, every", [
    ({}, [30, 90, 180]),
    ({"drills": {"every": {"alta": 7}}}, [7, 90, 180]),
    ({"warnings": {"restore_test_days": 100}}, [100, 100, 100]),
    ({"warnings": {"restore_test_days": 0}}, [30, 90, 180]),
    ({"warnings": {"restore_test_days": 100}, "drills": {"every": {"alta": 7}}}, [7, 90, 180]),
    ({"warnings": {"restore_test_days": 100}, "drills": {"budget_minutes": 60}}, [100, 100, 100]),
])
def test_one_truth_of_how_often_with_the_key_of_older_policies(told, every):
    assert [drills.rules_of(told)["every"][level] for level in ("alta", "media", "baja")] == every


LEVELS = some.sampled_from(["alta", "media", "baja"])


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(some.lists(some.tuples(LEVELS, some.integers(1, 400), some.sampled_from(["good", "fails", "fails slowly"])), min_size=1, max_size=12),
       some.integers(1, 200), some.sampled_from([1, 7, 365]))
def test_every_system_has_its_turn_and_no_night_is_longer_than_its_budget(systems, minutes, often):
    """However long each takes, and whichever fail each time: in as many nights as there are systems each is tried, from any night on."""
    rules = policy(minutes, alta=often, media=2 * often, baja=4 * often)
    tried = {f"S{place}": [] for place in range(len(systems))}
    proofs, failures = ({name: [] for name in tried} for _each in range(2))
    waiting = dict.fromkeys(tried, 0)
    for night in range(3 * len(systems)):
        now = NOW + datetime.timedelta(days=night)
        known = [system(f"S{place}", level, *proofs[f"S{place}"], failures=failures[f"S{place}"]) for place, (level, _minutes, _how) in enumerate(systems)]
        turns = drills.rotate(known, rules, now)
        chosen_now = [turn for turn in turns if turn.chosen]
        assert len(chosen_now) <= 1 or sum(turn.estimate_ms for turn in chosen_now) <= minutes * MINUTE
        for turn in turns:
            waits = turn.chosen or turn.why.startswith("no cabe")
            waiting[turn.system] = 0 if turn.chosen or not waits else waiting[turn.system] + 1
            assert waiting[turn.system] < len(systems), f"{turn.system} starves"
        for turn in chosen_now:
            _level, takes, how = systems[int(turn.system[1:])]
            if how == "good":
                proofs[turn.system].append(proof(0, takes, now))
            else:
                entry = proof(0, takes, now)
                if how == "fails slowly":
                    entry.update(started_at=entry["at_event"], ended_at=(now + datetime.timedelta(minutes=takes)).strftime("%Y-%m-%dT%H:%M:%SZ"))
                failures[turn.system].append({**entry, "duration_ms": 0})


@pytest.mark.parametrize(("entry", "proves"), [
    ({"type": "restored"}, True), ({"type": "restored", "trust_level": "T2"}, True), ({"type": "restored", "trust_level": "T0"}, False),
    ({"type": "restored", "simulated": True}, False), ({"type": "copy_verified", "trust_level": "T3"}, True),
    ({"type": "copy_verified", "trust_level": "T4", "verification_level": "T4"}, True),
    ({"type": "copy_verified", "trust_level": "T3", "verification_level": "T1"}, False), ({"type": "copy_verified"}, False),
    ({"type": "copy_made", "trust_level": "T3"}, False)])
def test_a_proof_is_a_copy_that_came_back_whole(entry, proves):
    assert proofs.proves(entry) is proves
