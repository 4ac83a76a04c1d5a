# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rotation of restore tests: everybody has a turn, and a night has an end."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from plugins.plugin_utils import _drills

NOW = datetime.datetime(2027, 8, 31, 3, tzinfo=datetime.timezone.utc)
MINUTE = 60000


def proof(days, minutes=1.0, now=NOW):
    at = (now - datetime.timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"at_event": at, "duration_ms": int(minutes * MINUTE), "size": 1000}


def system(name, criticality="media", *proofs, copy=True):
    return _drills.Candidate(name, "database", criticality, {"label": name + "_20270830", "size": 1000} if copy else None, list(proofs))


def policy(minutes=120, **every):
    return {"drills": {"budget_minutes": minutes, "every": every}}


def chosen(turns):
    return [turn.system for turn in turns if turn.chosen]


def test_the_longest_past_its_turn_comes_first_by_its_criticality():
    turns = _drills.rotate([system("FRESCA", "alta", proof(29)), system("BAJA", "baja", proof(200)), system("ALTA", "alta", proof(60)),
                            system("NUNCA", "media"), system("VACIA", "alta", copy=False)], policy(), NOW)
    assert [turn.system for turn in turns] == ["VACIA", "NUNCA", "ALTA", "BAJA", "FRESCA"]
    assert chosen(turns) == ["NUNCA", "ALTA", "BAJA"]
    told = {turn.system: turn.why for turn in turns}
    assert told["NUNCA"] == "nunca se probó su restauración (se exige cada 90 días)"
    assert told["ALTA"] == "la última prueba fue hace 60 días (se exige cada 30)"
    assert told["VACIA"] == "no tiene ninguna copia buena que probar"


def test_a_night_ends_and_what_did_not_fit_says_so():
    turns = _drills.rotate([system(name, "alta", proof(40 + place, minutes=50)) for place, name in enumerate("ABC")], policy(120), NOW)
    assert chosen(turns) == ["C", "B"]
    assert turns[2].why.startswith("no cabe en los 120 minutos de esta noche")


def test_one_that_is_longer_than_a_night_is_taken_alone_when_it_comes_first():
    turns = _drills.rotate([system("ENORME", "alta", proof(90, minutes=500)), system("CHICA", "alta", proof(31, minutes=1))], policy(120), NOW)
    assert chosen(turns) == ["ENORME"]


def test_the_time_of_a_restore_is_what_it_took_before():
    turn, = _drills.rotate([system("A", "alta", proof(90, 7), proof(60, 9), proof(40, 8))], policy(), NOW)
    assert turn.estimate_ms == 8 * MINUTE and turn.measured_ms == 8 * MINUTE


@pytest.mark.parametrize("days, percent", [([1, 1, 1, 1], 100), ([1, 1, 1, 200], 75), ([None, None], 0), ([], 100)])
def test_coverage_is_of_systems_whose_proof_is_in_time(days, percent):
    systems = [system(f"S{place}", "media", *([] if each is None else [proof(each)])) for place, each in enumerate(days)]
    assert _drills.coverage(_drills.rotate(systems, policy(), NOW)) == percent


@settings(max_examples=60, deadline=None)
@given(some.lists(some.tuples(some.sampled_from(["alta", "media", "baja"]), some.integers(1, 200)), min_size=1, max_size=12), some.integers(1, 200))
def test_every_system_has_its_turn_and_no_night_is_longer_than_its_budget(systems, minutes):
    """However long each restore takes, after as many nights as there are systems each was restored, and a night of several fits."""
    proofs = {f"S{place}": [] for place in range(len(systems))}
    for night in range(len(systems)):
        now = NOW + datetime.timedelta(days=night)
        known = [system(f"S{place}", level, *proofs[f"S{place}"]) for place, (level, _minutes) in enumerate(systems)]
        turns = [turn for turn in _drills.rotate(known, policy(minutes), now) if turn.chosen]
        assert len(turns) <= 1 or sum(turn.estimate_ms for turn in turns) <= minutes * MINUTE
        for turn in turns:
            proofs[turn.system].append(proof(0, systems[int(turn.system[1:])][1], now))
    assert all(proofs.values())
