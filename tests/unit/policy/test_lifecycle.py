# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Retention of the policy against the rules of a container: what could never act, would act too early, or costs what was not meant."""

from __future__ import annotations

import pytest
from _engine.policy import lifecycle
from _engine.policy.lifecycle import Life, life, problems

DAILY_180 = Life("SIGA", 180, 180, 1)
MOST = {"write_once_days": 180, "tier": "cold"}


@pytest.mark.parametrize("rule, every, minimum, soonest, latest", [
    ({"days": 30}, 1, 1, 30, 30),
    ({"months": 2}, 7, 1, 56, 62),
    ({"points": 180}, 1, 3, 180, 180),
    ({"points": 26}, 7, 3, 182, 182),
    ({"points": 1}, 7, 3, 21, 21),
    # a daily copy that is not the one of its week or month goes by the daily rule
    ({"daily": 14, "weekly": 8, "monthly": 12}, 1, 3, 14, 372),
    # a weekly copy is always the one of its week
    ({"daily": 14, "weekly": 8, "monthly": 12}, 7, 3, 98, 372),
    ({"yearly": 5}, 28, 1, 28, 1830),
    ({}, 1, 3, None, None),
    ({"days": 30}, 0, 3, 30, 30),
])
def test_how_old_copies_become(rule, every, minimum, soonest, latest):
    assert life("SIGA", rule, every, minimum) == Life("SIGA", soonest, latest, every)


def test_copies_that_are_counted_without_a_period_have_no_age():
    assert life("Buzón", {"points": 5}, 0, 1) is None


def told(container, *lives):
    return [(problem.where.replace("m.", "", 1), problem.problem) for problem in problems(container, lives, "m")]


@pytest.mark.parametrize("container", [
    {}, MOST, {"write_once_days": 180, "tier": "hot", "lifecycle": {"cool": 30, "cold": 60}}, {"lifecycle": {"delete": 180}},
    {"write_once_days": 180, "lifecycle": {"delete": 180, "versions": 181}}, {"tier": "cool", "lifecycle": {"cold": 90}},
    {"tier": "cool", "lifecycle": {"cold": 30}},
])
def test_what_fits_says_nothing(container):
    assert told(container, DAILY_180) == []


@pytest.mark.parametrize("container, where, words", [
    ({"write_once_days": 181}, "write_once_days", "longer than the policy keeps them (180 days)"),
    ({"lifecycle": {"delete": 179}}, "lifecycle.delete", "deletes too early: the policy keeps copies of SIGA for up to 180 days"),
    ({"write_once_days": 180, "lifecycle": {"delete": 170}}, "lifecycle.delete", "could never delete: the container protects copies for 180 days"),
    ({"write_once_days": 180, "lifecycle": {"versions": 1}}, "lifecycle.versions", "could never delete"),
    ({"tier": "archive"}, "lifecycle", "puts the newest copy of SIGA out of reach"),
    ({"lifecycle": {"archive": 1}}, "lifecycle.archive", "puts the newest copy of SIGA out of reach"),
    ({"lifecycle": {"archive": 90}}, "lifecycle", "they are 90 days in archive then, where 180 are charged"),
    ({"lifecycle": {"cold": 91}}, "lifecycle", "they are 89 days in cold then, where 90 are charged"),
    ({"lifecycle": {"cool": 10, "cold": 20}}, "lifecycle.cold", "out of cool after 10 days, which are charged as 30"),
    ({"lifecycle": {"cool": 60, "cold": 50}}, "lifecycle.cold", "out of cool after -10 days"),
    ({"tier": "cold", "lifecycle": {"cool": 30}}, "lifecycle.cool", "moves blobs to cool, and they are made in cold"),
    ({"tier": "cold", "lifecycle": {"archive": 60}}, "lifecycle.archive", "out of cold after 60 days, which are charged as 90"),
    ({"lifecycle": {"cool": 170, "delete": 190}}, "lifecycle.delete", "they are 20 days in cool then, where 30 are charged"),
])
def test_what_contradicts_itself_is_told(container, where, words):
    found = told(container, DAILY_180)
    assert any(words in problem for _where, problem in found), found
    if where != "lifecycle":
        assert where in [place for place, _problem in found], found


def test_without_retention_nothing_may_delete_and_write_once_is_free():
    never = Life("SIGA", None, None, 7)
    assert told({"write_once_days": 3650}, never) == []
    assert [words for _where, words in told({"lifecycle": {"delete": 36500}}, never)] == ["deletes too early: the policy keeps copies of SIGA without end"]


def test_both_ends_of_a_life_are_looked_at():
    found = told({"lifecycle": {"cold": 300}}, Life("SIGA", 14, 372, 1))
    assert found == [("lifecycle", "is the day when the policy removes copies of SIGA, and they are 72 days in cold then, where 90 are charged")]


def test_the_rule_of_the_container_as_the_service_takes_it():
    made = lifecycle.rule("copias-lima", {"cold": 30, "delete": 400, "versions": 200})
    assert made["name"] == "respaldocopiasXlima" and made["name"].isalnum()
    assert made["definition"]["filters"] == {"blobTypes": ["blockBlob"], "prefixMatch": ["copias-lima/"]}
    assert made["definition"]["actions"] == {
        "baseBlob": {"tierToCold": {"daysAfterCreationGreaterThan": 30}, "delete": {"daysAfterCreationGreaterThan": 400}},
        "version": {"delete": {"daysAfterCreationGreaterThan": 200}}}
    assert lifecycle.rule("copias", {}) is None
