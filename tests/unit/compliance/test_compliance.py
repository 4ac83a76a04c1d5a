# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compliance and capacity against tables worked out by hand. 2028 is a leap year; Lima is five hours behind UTC."""

from __future__ import annotations

import datetime
import sqlite3
from pathlib import Path

import pytest
import yaml
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.policy import policy
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._reports import capacity, compliance, institution
from hypothesis import given
from hypothesis import strategies as some

RULES = yaml.safe_load((Path(__file__).resolve().parents[3] / "policies" / "manual-001-2019.yml").read_text("utf-8"))
WEEKLY, MONTHLY, DAILY = policy.Period(7, 0), policy.Period(0, 1), policy.Period(1, 0)
SIGA = {"name": "SIGA", "kind": "database", "criticality": "baja", "office": "OTI"}
day = datetime.date.fromisoformat


def at(text):
    return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.timezone.utc)


def judged(start, period, copies, today, **more):
    given = [(day(each), {"n": place, "label": each, "type": "copy_made"}) for place, each in enumerate(copies, 1)]
    return [(each.due.isoformat(), each.state) for each in compliance.obligations(day(start), period, given, day(today), **more)]


@pytest.fixture
def store(tmp_path):
    with open_store(str(tmp_path / "b.sqlite")) as opened:
        yield opened


def made(store, moment, system="SIGA", **more):
    body = {"system": system, "kind": "database", "label": system + "_" + moment[:10].replace("-", ""), "started_at": moment, "trust_level": "T2",
            "medium": "nas", "size": 100, **more}
    return store.append("copy_made", body, moment, "test").n


# -- the periods -----------------------------------------------------------------------------------------------------
def test_a_leap_february_by_weeks():
    copies = ["2028-02-01", "2028-02-08", "2028-02-17", "2028-03-03"]
    assert judged("2028-02-01", WEEKLY, copies, "2028-03-08") == [
        ("2028-02-01", "met"), ("2028-02-08", "met"), ("2028-02-15", "late"), ("2028-02-24", "missing"), ("2028-03-02", "late"), ("2028-03-10", "pending")]


def test_the_same_days_of_a_common_february():
    copies = ["2027-02-01", "2027-02-08", "2027-02-17", "2027-03-03"]
    assert judged("2027-02-01", WEEKLY, copies, "2027-03-08")[3:] == [("2027-02-24", "missing"), ("2027-03-03", "met"), ("2027-03-10", "pending")]


def test_months_end_where_they_end():
    assert judged("2028-01-31", MONTHLY, ["2028-01-31", "2028-02-29"], "2028-03-01") == [
        ("2028-01-31", "met"), ("2028-02-29", "met"), ("2028-03-29", "pending")]
    assert judged("2028-01-31", MONTHLY, ["2028-01-31"], "2028-05-01") == [
        ("2028-01-31", "met"), ("2028-02-29", "missing"), ("2028-03-31", "missing"), ("2028-04-30", "missing"), ("2028-05-31", "pending")]


def test_a_day_without_copy_can_not_be_made_up_for_the_next_day():
    assert judged("2026-11-20", DAILY, ["2026-11-20", "2026-11-23"], "2026-11-23") == [
        ("2026-11-20", "met"), ("2026-11-21", "missing"), ("2026-11-22", "missing"), ("2026-11-23", "met"), ("2026-11-24", "pending")]


def test_the_due_day_itself_is_not_late_until_it_is_over():
    assert judged("2026-11-01", WEEKLY, ["2026-11-01"], "2026-11-08")[-1] == ("2026-11-08", "pending")
    assert judged("2026-11-01", WEEKLY, ["2026-11-01"], "2026-11-09")[1] == ("2026-11-08", "missing")
    assert judged("2026-11-01", WEEKLY, ["2026-11-01", "2026-11-09"], "2026-11-09", grace=1)[1] == ("2026-11-08", "met")


def test_an_excuse_covers_the_due_day_and_no_other():
    excuse = {"n": 9, "type": "excuse", "excused_from": "2026-11-21", "excused_until": "2026-11-21"}
    assert judged("2026-11-20", DAILY, ["2026-11-20", "2026-11-23"], "2026-11-23", excuses=[excuse])[1:3] == [
        ("2026-11-21", "excused"), ("2026-11-22", "missing")]


@given(some.lists(some.integers(0, 400), max_size=60), some.sampled_from([DAILY, WEEKLY, MONTHLY]), some.integers(0, 10))
def test_no_period_is_told_twice_and_none_is_left_out(days, period, grace):
    start = datetime.date(2027, 12, 1)
    copies = [(start + datetime.timedelta(days=each), {"n": place, "label": "", "type": "copy_made"}) for place, each in enumerate(sorted(days))]
    found = compliance.obligations(start, period, copies, start + datetime.timedelta(days=420), grace)
    assert [each.due for each in found] == sorted(each.due for each in found)
    assert sum(len(each.evidence) for each in found) == len(copies)
    assert [each.state for each in found].count("pending") == 1 and found[-1].state == "pending"
    missing = [each.due for each in found if each.state == "missing"]
    assert len(missing) == len(set(missing))


# -- the matrix, from a bitácora ---------------------------------------------------------------------------------------
def test_a_month_with_late_missing_and_excused(store):
    first = made(store, "2026-11-02T15:00:00Z")
    late = made(store, "2026-11-11T15:00:00Z")
    store.append("copy_failed", {"system": "SIGA", "kind": "database", "label": "SIGA_20261118"}, "2026-11-18T15:00:00Z", "test")
    excuse = store.append("excuse", {"system": "SIGA", "kind": "database", "excused_from": "2026-11-25", "excused_until": "2026-11-26",
                                     "reason_text": "Corte", "requester": "Ana"}, "2026-11-27T15:00:00Z", "test").n
    # due: 2 met, 9 late (11), 18 missing with its failed attempt, 25 excused, 2 December open
    rows = compliance.matrix(store, RULES, [SIGA], "2026-10", "2026-11", at("2026-12-01T15:00:00")).rows
    assert [(row["month"], row["state"], row["met"], row["late"], row["missing"], row["excused"]) for row in rows] == [
        ("2026-10", "none", 0, 0, 0, 0), ("2026-11", "missing", 1, 1, 1, 1)]
    assert [(told["n"], told["state"], told["due"]) for told in rows[1]["evidence"]] == [
        (first, "met", "2026-11-02"), (late, "late", "2026-11-09"), (3, "missing", "2026-11-18"), (excuse, "excused", "2026-11-25")]
    assert rows[1]["numerals"] == ["6.4", "7.2.1", "6.6", "6.7"] and rows[1]["iso_2014"] == ["A.12.3.1", "A.12.4"]


def test_a_month_that_is_not_over_says_so(store):
    """What is due later in it is pending, not a failing mark; a day that passed without its copy stays missing."""
    made(store, "2026-11-02T15:00:00Z")
    monthly = {**SIGA, "kind": "source_code"}
    store.append("copy_made", {"system": "SIGA", "kind": "source_code", "label": "SIGA_20261030", "started_at": "2026-10-30T15:00:00Z", "trust_level": "T2",
                               "medium": "nas", "size": 1}, "2026-10-30T15:00:00Z", "test")

    def words(moment):
        found = compliance.matrix(store, RULES, [SIGA, monthly], "2026-10", "2026-11", at(moment))
        return {(row["kind"], row["month"]): compliance.word(row) for row in found.rows}, compliance.running(found)

    told, running = words("2026-11-05T15:00:00")
    assert told["source_code", "2026-11"] == "pendiente (mes en curso)" and told["database", "2026-11"] == "cumplida (mes en curso)" and running == {"2026-11"}
    assert told["source_code", "2026-10"] == "cumplida"
    told, running = words("2026-11-29T15:00:00")
    assert told["database", "2026-11"] == "faltante (mes en curso)"
    told, running = words("2026-12-05T15:00:00")
    assert told["database", "2026-11"] == "faltante" and running == set()


def test_an_excuse_that_is_withdrawn_excuses_nothing_and_may_be_given_again(store):
    made(store, "2026-11-02T15:00:00Z")
    days = {"system": "SIGA", "kind": "database", "excused_from": "2026-11-09", "excused_until": "2026-11-09", "reason_text": "Corte", "requester": "Ana"}

    def state():
        return compliance.matrix(store, RULES, [SIGA], "2026-11", "2026-11", at("2026-11-12T15:00:00")).rows[0]["state"]

    assert state() == "missing"
    first = store.append("excuse", days, "2026-11-10T15:00:00Z", "test").n
    assert state() == "excused"
    store.append("excuse_withdrawn", {**days, "withdraws": first, "simulated": True}, "2026-11-11T15:00:00Z", "test")
    assert state() == "excused"
    store.append("excuse_withdrawn", {**days, "withdraws": first}, "2026-11-11T16:00:00Z", "test")
    assert state() == "missing"
    store.append("excuse", days, "2026-11-11T17:00:00Z", "test")
    assert state() == "excused"


def test_lima_midnight(store):
    for moment in ("2028-02-22T12:00:00Z", "2028-03-01T04:59:59Z", "2028-03-08T05:00:00Z"):
        made(store, moment)
    periods = compliance.matrix(store, RULES, [SIGA], "2028-02", "2028-03", at("2028-03-08T06:00:00")).periods
    # 23:59:59 of 29 February is in time; 00:00 of 8 March is a day late
    assert [(row["due"], row["state"]) for row in periods] == [("2028-02-22", "met"), ("2028-02-29", "met"), ("2028-03-07", "late")]


def test_what_does_not_count(store):
    made(store, "2026-11-02T15:00:00Z")
    made(store, "2026-11-09T15:00:00Z", simulated=True)
    made(store, "2026-11-09T16:00:00Z", label="SIGA_20261109_02", trust_level="T1")
    made(store, "2026-11-09T17:00:00Z", label="SIGA_20261109_03")
    store.append("copy_damaged", {"system": "SIGA", "kind": "database", "label": "SIGA_20261109_03", "medium": "nas", "verification_level": "T2"},
                 "2026-11-10T15:00:00Z", "test")
    made(store, "2027-11-09T17:00:00Z", label="SIGA_20271109")
    row = compliance.matrix(store, RULES, [SIGA], "2026-11", "2026-11", at("2026-11-12T15:00:00")).rows[0]
    assert (row["met"], row["missing"]) == (1, 1)
    # what retention removed was there when it was due
    store.append("copy_pruned", {"system": "SIGA", "kind": "database", "label": "SIGA_20261102", "medium": "nas"}, "2026-11-11T15:00:00Z", "test")
    assert compliance.matrix(store, RULES, [SIGA], "2026-11", "2026-11", at("2026-11-12T15:00:00")).rows[0]["met"] == 1


def test_never_seen_disabled_and_former_systems(store):
    made(store, "2026-11-02T15:00:00Z", system="ANTES", criticality="baja")
    made(store, "2026-11-02T15:00:00Z", system="APAGADA")
    rows = compliance.matrix(store, RULES, [SIGA, {**SIGA, "name": "APAGADA", "enabled": False}], "2026-11", "2026-12", at("2026-12-20T15:00:00")).rows
    assert {(row["system"], row["month"]): (row["state"], row["active"]) for row in rows} == {
        ("SIGA", "2026-11"): ("none", True), ("SIGA", "2026-12"): ("missing", True), ("APAGADA", "2026-11"): ("met", False),
        ("APAGADA", "2026-12"): ("none", False), ("ANTES", "2026-11"): ("met", False), ("ANTES", "2026-12"): ("none", False)}


def test_each_control_asks_the_file_the_same(store):
    made(store, "2026-11-02T15:00:00Z", encrypted=True, reason="emergency")
    made(store, "2026-11-03T15:00:00Z", simulated=True)
    store.append("copy_verified", {"system": "SIGA", "kind": "database", "label": "x", "trust_level": "T3"}, "2026-11-05T15:00:00Z", "test")
    store.append("run_started", {"run": "R"}, "2026-12-01T04:59:59Z", "test")
    store.append("run_started", {"run": "S"}, "2026-12-01T05:00:00Z", "test")
    found = {row["name"]: row for row in compliance.controls(store, RULES, "2026-11", "2026-11")}
    with sqlite3.connect(store.path) as connection:
        for row in found.values():
            assert len(connection.execute(row["query"]).fetchall()) == row["entries"], row["query"]
    assert {name: row["entries"] for name, row in found.items() if row["entries"]} == {
        "emergency": 1, "frequency": 1, "labels": 1, "database": 1, "password": 1, "checked": 1, "drills": 1, "log": 1}
    assert found["password"]["samples"] == [{"n": 1, "label": "SIGA_20261102"}]


# -- capacity ------------------------------------------------------------------------------------------------------------
def test_growth_is_not_bent_by_one_copy_out_of_pattern():
    assert capacity.theil_sen([(0, 0), (1, 10), (2, 20), (3, 900), (4, 40)]) == 10
    assert capacity.theil_sen([(1, 5)]) == 0


def test_days_to_full_forecast_and_cost(store):
    for number in range(11):
        made(store, f"2026-11-{number + 1:02d}T15:00:00Z", label=f"SIGA_202611{number + 1:02d}", size=1024 ** 3)
    store.append("copy_pruned", {"system": "SIGA", "kind": "database", "label": "SIGA_20261101", "medium": "nas"}, "2026-11-11T15:00:00Z", "test")
    rules = {**RULES, "prices": {"currency": "USD", "gib_month": {"cool": "0.01"}}}
    plan = capacity.plan(store, rules, [SIGA], [{"name": "nas"}, {"name": "cinta"}], {"nas": {"total": 110 * 1024 ** 3}}, at("2026-11-11T15:00:00"))
    tape, nas = plan["media"]
    assert (tape["medium"], tape["used"], tape["days_to_full"]) == ("cinta", 0, None)
    assert nas["used"] == nas["used_by_inventory"] == 10 * 1024 ** 3 and nas["growth_per_day"] == 1024 ** 3 and nas["days_to_full"] == 100
    assert nas["forecast"][0] == {"month": "2026-12", "used": 40 * 1024 ** 3} and len(nas["forecast"]) == 12 and nas["cost"] == {"cool": "0.10 USD"}
    assert plan["unbounded"] == ["SIGA"]


def test_media_needed_by_the_retention_in_force(store):
    made(store, "2026-11-01T15:00:00Z", size=500)
    kinds = {**RULES["kinds"], "database": {**RULES["kinds"]["database"], "retention": {"points": 4, "monthly": 12}}}
    need = capacity.plan(store, {**RULES, "kinds": kinds}, [SIGA], [], {}, at("2026-11-11T15:00:00"))
    assert need["needs"][0]["copies"] == 16 and need["needed"] == 16 * 500


GIB = 1024 ** 3


def lived(store, days, keep, size=GIB, more=None, transfer_every=0, **body):
    """So many days, a copy each, of which the last `keep` stay; to a second medium now and then. Gives the day after them."""
    begun = at("2026-05-01T15:00:00")
    for number in range(days):
        moment = begun + datetime.timedelta(days=number)
        stamp, label = moment.strftime("%Y-%m-%dT%H:%M:%SZ"), f"SIGA_{moment:%Y%m%d}"
        made(store, stamp, label=label, size=size(number) if callable(size) else size, **body, **(more(number) if more else {}))
        if number >= keep:
            gone = f"SIGA_{moment - datetime.timedelta(days=keep):%Y%m%d}"
            store.append("copy_pruned", {"system": "SIGA", "kind": "database", "label": gone, "medium": "nas"}, stamp, "test")
        if transfer_every and number % transfer_every == 0:
            store.append("copy_transferred", {"system": "SIGA", "kind": "database", "label": label, "medium": "boveda"}, stamp, "test")
    return begun + datetime.timedelta(days=days)


def planned(store, now, free=100 * GIB):
    plan = capacity.plan(store, RULES, [SIGA], [], {name: {"total": 1000 * GIB, "free": free} for name in ("nas", "boveda")}, now)
    return {row["medium"]: row for row in plan["media"]}, plan


def test_a_medium_that_grows_is_told_when_it_is_full(store):
    nas = planned(store, lived(store, 60, keep=1000))[0]["nas"]
    assert nas["used"] == 60 * GIB and nas["growth_per_day"] == pytest.approx(GIB, rel=0.05) and nas["days_to_full"] == pytest.approx(100, abs=5)


def test_a_medium_in_balance_does_not_fill(store):
    nas = planned(store, lived(store, 120, keep=10))[0]["nas"]
    assert nas["used"] == 10 * GIB and nas["days_to_full"] is None and nas["forecast"][-1]["used"] == pytest.approx(10 * GIB, rel=0.1)


def test_what_is_carried_each_month_fills_its_medium_too(store):
    media = planned(store, lived(store, 120, keep=10, transfer_every=30))[0]
    assert media["boveda"]["used"] == 4 * GIB and media["nas"]["used"] == 10 * GIB
    assert media["boveda"]["growth_per_day"] == pytest.approx(GIB / 30, rel=0.5) and media["nas"]["growth_per_day"] == 0


FOLDERS = {"repository": "RRHH", "size_original": 1000 * GIB, "files_new": 1}


def test_a_repository_keeps_what_its_newest_copy_needs_when_the_first_is_removed(store):
    """500 GiB came with the first copy, which went long ago; 1 GiB with each since: what lies there is no 10 GiB."""
    media, plan = planned(store, lived(store, 100, keep=10, size=lambda number: GIB if number else 500 * GIB, **FOLDERS))
    assert 500 * GIB <= media["nas"]["used"] <= 520 * GIB
    assert media["nas"]["days_to_full"] is None or media["nas"]["days_to_full"] > 1000


def test_what_the_server_measured_is_what_a_repository_holds(store):
    now = lived(store, 100, keep=10, size=lambda number: GIB if number else 500 * GIB, more=lambda number: {"repository_sizes": [(500 + number // 10) * GIB]},
                **FOLDERS)
    store.append("copy_pruned", {"system": "SIGA", "kind": "database", "label": f"SIGA_{now - datetime.timedelta(days=2):%Y%m%d}", "medium": "nas",
                                 "repository_sizes": [321 * GIB]}, now.strftime("%Y-%m-%dT%H:%M:%SZ"), "test")
    media, plan = planned(store, now)
    assert media["nas"]["used"] == 321 * GIB


def test_the_need_of_a_repository_has_its_first_copy_in_it(store):
    for number in range(5):
        made(store, f"2026-11-0{number + 1}T15:00:00Z", label=f"SIGA_2026110{number + 1}", size=GIB if number else 500 * GIB, **FOLDERS)
    kinds = {**RULES["kinds"], "database": {**RULES["kinds"]["database"], "retention": {"points": 20}}}
    rules = {**RULES, "kinds": kinds, "prices": {"currency": "USD", "gib_month": {"cool": "0.01"}}}
    plan = capacity.plan(store, rules, [SIGA], [], {}, at("2026-11-11T15:00:00"))
    assert plan["needed"] == (500 + 19) * GIB and plan["media"][0]["cost"] == {"cool": "5.04 USD"}


@pytest.mark.parametrize("odd", [{"repository_sizes": "[1, -2]"}, {"repository_sizes": "x"}, {"repository_sizes": [True]}, {"size": "x"}, {"size": -5},
                                 {"size_original": "x", "repository": "R"}, {"medium": 7}, {"label": ""}])
def test_an_odd_entry_hides_no_other(store, odd):
    made(store, "2026-11-01T15:00:00Z", size=100)
    made(store, "2026-11-02T15:00:00Z", **{"size": 50, **odd})
    assert capacity.history(store.changes())["nas"][0][1] == 100


def test_prices_are_valid_or_told():
    policy.validate({**RULES, "prices": {"currency": "USD", "gib_month": {"hot": "0.020"}}}, [], [])
    with pytest.raises(BackupError, match="gib_month.warm"):
        policy.validate({**RULES, "prices": {"currency": "USD", "gib_month": {"warm": "0.020"}}}, [], [])


# -- the inventory without secrets ---------------------------------------------------------------------------------------
def test_no_secret_of_an_inventory_is_public():
    secret = "Plantado-5e1f"
    system = {**SIGA, "password": secret, "source": {"type": "git", "url": f"https://u:{secret}@git.example.org/a?sig={secret}", "password": secret,
                                                     "ssh_key": secret, "dump": ["tool", secret], "path": "/srv/{{ x }}", "new_key": secret}}
    medium = {"name": "nas", "path": "/srv", "ssh_key": secret, "user": "copias", "sas": secret}
    told = f"{institution.public_system(system)} {institution.public_medium(medium)}"
    assert secret not in told and "https://git.example.org/a" in told and "'path': '/srv'" in told
