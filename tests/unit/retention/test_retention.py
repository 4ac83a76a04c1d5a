# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stays and what goes, for any history: the last good copy above all."""

from __future__ import annotations

import datetime
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from plugins.module_utils._engine.policy import policy as engine
from plugins.plugin_utils._bitacora.readable import ODD
from plugins.plugin_utils._decisions import due, retention

ROOT = Path(__file__).resolve().parents[3]
LIMA = due.zone("America/Lima")
NOW = datetime.datetime(2027, 8, 31, 15, tzinfo=datetime.timezone.utc)


def copies_of(days, trust="T2", medium="local"):
    """A copy for each number of days before NOW."""
    return [{"label": f"S_{place}", "n": place, "sha256": f"{place:064x}", "size": 10, "media": {medium: trust},
             "started_at": (NOW - datetime.timedelta(days=age)).strftime("%Y-%m-%dT%H:%M:%SZ")} for place, age in enumerate(days)]


def judge(copies, rule, minimum=1, held=(), required="T2", medium="local", now=NOW):
    return {verdict.label: verdict for verdict in retention.judge(copies, medium, rule, required, now, LIMA, minimum, held)}


def gone(verdicts):
    return {label for label, verdict in verdicts.items() if not verdict.keep}


def test_a_number_of_points_keeps_the_newest():
    assert gone(judge(copies_of(range(200)), {"points": 180})) == {f"S_{place}" for place in range(180, 200)}


@pytest.mark.parametrize("rule, kept", [
    ({"days": 30}, {0, 30}),                # the day itself still counts
    ({"months": 1}, {0, 30, 31}),           # 31 July
    ({"daily": 2}, {0, 30}),
    ({"weekly": 2}, {0, 30}),
    ({"monthly": 3}, {0, 31, 62}),          # August; July (31 July); 30 June
    ({"yearly": 2}, {0, 250}),              # 2027 and 24 December 2026
    ({"points": 1, "yearly": 2}, {0, 250}),
])
def test_each_rule_keeps_what_was_counted_by_hand(rule, kept):
    ages = [0, 30, 31, 62, 63, 250, 300]
    if rule == {"monthly": 3}:
        kept = {0, 31, 62}  # 1 August (30 days) is the older one of August
    verdicts = judge(copies_of(ages), rule)
    assert {ages[int(label[2:])] for label, verdict in verdicts.items() if verdict.keep} == kept


def test_without_a_rule_nothing_goes():
    assert not gone(judge(copies_of(range(500)), {}))


def test_a_damaged_or_untrusted_copy_neither_counts_nor_shields():
    copies = copies_of(range(6))
    copies[0]["media"]["local"] = ""
    copies[1]["media"]["local"] = "T1"
    verdicts = judge(copies, {"points": 2}, minimum=2)
    assert gone(verdicts) == {"S_4", "S_5"}
    assert verdicts["S_2"].why == "es la copia buena más reciente"
    assert "no hay 2 copias buenas posteriores" in verdicts["S_0"].why


def test_nothing_good_nothing_goes():
    assert not gone(judge(copies_of(range(20), trust="T1"), {"points": 1}))
    assert judge([], {"points": 1}) == {}


def test_what_is_held_stays_and_says_so():
    verdicts = judge(copies_of(range(10)), {"points": 1}, held={"S_9"})
    assert verdicts["S_9"].keep and verdicts["S_9"].why == "está retenida"
    assert gone(verdicts) == {f"S_{place}" for place in range(1, 9)}


def test_a_criticality_has_its_own_rule_over_that_of_the_kind():
    policy = {"kinds": {"database": {"retention": {"points": 5, "monthly": 2}}, "file_server": {"keep_copies": 180}},
              "criticality": {"alta": {"retention": {"database": {"points": 30}}}, "baja": {}}}
    assert engine.retention(policy, "database", "alta") == {"points": 30, "monthly": 2}
    assert engine.retention(policy, "database", "baja") == {"points": 5, "monthly": 2}
    assert engine.retention(policy, "file_server", "baja") == {"points": 180}


def kept_for_requests(until, held=(), now=NOW, protected=0, **more):
    copy = {**copies_of([40])[0], "kind": "mailbox", "reason": "request", **({"retention_until": until} if until else {}), **more}
    verdict, = retention.by_request([copy], "local", now, LIMA, held, protected)
    return verdict, retention.expired(copy, held, now.astimezone(LIMA).date())


def test_what_was_asked_for_is_kept_until_its_day_and_then_the_last_one_goes_too():
    verdict, until = kept_for_requests("2027-08-31")
    assert verdict.keep and "se conserva hasta el 2027-08-31" in verdict.why and until == ""
    verdict, until = kept_for_requests("2027-08-30")
    assert not verdict.keep and verdict.good and "2027-08-30" in verdict.why and until == "2027-08-30"
    # the day ends in Lima, not in UTC
    assert kept_for_requests("2027-08-30", now=datetime.datetime(2027, 8, 31, 4, tzinfo=datetime.timezone.utc))[0].keep


@pytest.mark.parametrize(("given", "why"), [
    ({"until": "2027-08-30", "held": {"S_0"}}, "está retenida"), ({"until": ""}, "no consta hasta cuándo"),
    ({"until": "2027-08-30", ODD: ["size"]}, "no se entiende"), ({"until": "2027-08-30", "protected": 60}, "el contenedor no permite retirarla")])
def test_a_hold_what_is_not_said_what_is_odd_and_what_is_write_once_keep_it(given, why):
    verdict, _until = kept_for_requests(**given)
    assert verdict.keep and why in verdict.why


def test_what_is_copied_by_a_schedule_or_is_held_comes_back_whatever_its_day_says():
    assert kept_for_requests("2027-08-30", reason="scheduled")[1] == kept_for_requests("2027-08-30", kind="database")[1] == ""
    assert kept_for_requests("2027-08-30", held={""})[1] == kept_for_requests("2027-08-30", held={"S_0"})[1] == ""


def test_how_long_a_copy_is_kept_says_its_request_else_the_policy():
    day = datetime.date(2026, 11, 29)
    assert retention.promised("mailbox", {"days": 90}, day, "2026-12-31") == ("hasta el día que dice su solicitud", "2026-12-31")
    assert retention.promised("mailbox", {"days": 90}, day, "") == ("90 días", "2027-02-27")
    assert retention.promised("database", {"points": 3}, day, "2026-12-31") == ("3 puntos", "")


rules = some.dictionaries(some.sampled_from(["points", "days", "months", "daily", "weekly", "monthly", "yearly"]), some.integers(0, 12), max_size=4)
histories = some.lists(some.tuples(some.integers(-400, 4000), some.sampled_from(["", "T1", "T2", "T3"])), max_size=25)


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(histories, rules, some.integers(-2, 5), some.integers(0, 3650))
def test_the_newest_good_copy_and_the_minimum_never_go(history, rule, minimum, jump):
    """Whatever the policy, zeros and negative numbers too, and however far the clock jumped."""
    copies = copies_of([age for age, _trust in history])
    for copy, (_age, trust) in zip(copies, history, strict=True):
        copy["media"]["local"] = trust
    now = NOW + datetime.timedelta(days=jump)
    verdicts = judge(copies, rule, minimum, now=now)
    good = sorted((copy for copy in copies if due.taken_at(copy) <= now and copy["media"]["local"] >= "T2"),
                  key=lambda copy: (copy["started_at"], copy["n"]), reverse=True)
    for copy in good[:max(1, minimum)]:
        assert verdicts[copy["label"]].keep
    for label in gone(verdicts):
        assert sum(copy["started_at"] >= copies[int(label[2:])]["started_at"] for copy in good) >= max(1, minimum)
        assert due.taken_at(copies[int(label[2:])]) <= now


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(histories, rules, some.integers(1, 5))
def test_pruning_again_removes_nothing_more(history, rule, minimum):
    copies = copies_of([age for age, _trust in history])
    for copy, (_age, trust) in zip(copies, history, strict=True):
        copy["media"]["local"] = trust
    left = [copy for copy in copies if copy["label"] not in gone(judge(copies, rule, minimum))]
    assert not gone(judge(left, rule, minimum))


def test_what_a_write_once_container_protects_waits_and_says_until_when():
    copies = copies_of([0, 1, 40, 200])
    verdicts = {verdict.label: verdict for verdict in retention.judge(copies, "local", {"points": 2}, "T2", NOW, LIMA, protected=180)}
    assert gone(verdicts) == {"S_3"} and gone(judge(copies, {"points": 2})) == {"S_2", "S_3"}
    until = (NOW + datetime.timedelta(days=140)).astimezone(LIMA)
    assert verdicts["S_2"].why == f"excede la retención de la política (2 puntos); el contenedor no permite retirarla hasta el {until:%Y-%m-%d}"


@pytest.mark.parametrize("rule, until, words", [
    ({}, None, ""),
    ({"points": 180}, None, "180 puntos"),                                # only the copies to come decide
    ({"days": 30, "weekly": 1}, datetime.date(2027, 9, 30), "30 días, 1 semanal"),
    ({"days": 30, "months": 6}, datetime.date(2028, 2, 29), "30 días, 6 meses"),
])
def test_until_when_a_copy_is_kept_is_told_as_far_as_it_is_certain(rule, until, words):
    day = NOW.astimezone(LIMA).date()
    assert retention.certain(rule, day) == until and retention.rule_in_words(rule) == words
    if until:       # the same day by what judges
        last = datetime.datetime(until.year, until.month, until.day, 12, tzinfo=LIMA)
        copies = [{"label": f"S_{place}", "n": place, "sha256": str(place), "size": 1, "media": {"local": "T2"},
                   "started_at": at.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")} for place, at in ((1, NOW), (2, last))]
        only = {name: value for name, value in rule.items() if name != "weekly"}
        assert not gone(judge(copies, only, now=last)) and gone(judge(copies, only, now=last + datetime.timedelta(days=1))) == {"S_1"}


def test_the_last_copy_of_what_is_copied_by_a_schedule_never_goes_for_its_date(tmp_path):
    """Whoever calls the module: it is refused before the medium is looked at."""
    asked = {"label": "SIGA_20261101", "sha256": "0" * 64, "system": "SIGA", "kind": "database", "expired": True,
             "medium": {"name": "disco", "path": str(tmp_path)}, "victims": [{"label": "SIGA_20261101"}]}
    done = subprocess.run([sys.executable, "-m", "ansible_collections.perucompras.respaldo.plugins.modules.backup_prune"], text=True, capture_output=True,
                          input=json.dumps({"ANSIBLE_MODULE_ARGS": asked}), cwd=ROOT / "collections", timeout=120, check=False)
    told = json.loads(done.stdout)
    assert told["failed"] and told["error"]["code"] == "RSP151" and not list(tmp_path.iterdir())
