# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How each purpose stands, and the same words of it in warnings, board and compliance."""

from __future__ import annotations

import datetime
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "collections"))

from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store  # noqa: E402
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._decisions import purposes, warnings  # noqa: E402
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._reports import board, compliance, evidence, facts  # noqa: E402
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._schedules import missed  # noqa: E402
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._schedules.when import Timed, When, written  # noqa: E402

RULES = yaml.safe_load((ROOT / "policies/manual-001-2019.yml").read_text("utf-8"))
NOW = datetime.datetime(2026, 11, 29, 15, 0, tzinfo=datetime.timezone.utc)      # Sunday, 10:00 in Lima
MONTHLY = Timed(When("06:30", month_day=1), "America/Lima", 5, 120)
WEEKLY = Timed(When("08:30", ("sunday",)), "America/Lima", 5, 30)
numbers = iter(range(1, 10000))


def entry(type_, at, **more):
    return {"type": type_, "at_event": at.replace(" ", "T") + ":00Z", "n": next(numbers), **more}


def put(purpose, timed, at="2026-10-20 15:00"):
    return entry("schedule_set", at, purpose=purpose, schedule=written(timed))


def ran(at, playbook, verdict="good", end="run_ended", **more):
    run = f"{playbook}{at}"
    end_body = {"run": run, **({"verdict": verdict} if end == "run_ended" else {}), **more}
    return [entry("run_started", at, playbook=playbook + ".yml", run=run, **more), *([entry(end, at, **end_body)] if end else [])]


def of(purpose, declared, runs, now=NOW):
    return next((each for each in purposes.standing(declared, runs, now) if each.purpose == purpose), None)


@pytest.mark.parametrize("runs, state, missing, last", [
    ([], "never", 1, ""),
    (ran("2026-10-25 15:00", "transfer"), "missed", 1, "2026-10-25T15:00:00Z"),        # before the 1st of November
    (ran("2026-11-01 11:31", "transfer"), "good", 0, "2026-11-01T11:31:00Z"),
    (ran("2026-11-01 11:31", "transfer", "failed"), "failed", 0, "2026-11-01T11:31:00Z"),
    (ran("2026-11-01 11:31", "transfer", "empty"), "empty", 0, "2026-11-01T11:31:00Z"),
    (ran("2026-11-01 11:31", "transfer", end="run_interrupted"), "interrupted", 0, "2026-11-01T11:31:00Z"),
    (ran("2026-11-01 11:31", "transfer", end=""), "running", 0, "2026-11-01T11:31:00Z"),
    (ran("2026-11-01 11:31", "transfer", "failed") + ran("2026-11-01 15:00", "transfer"), "good", 0, "2026-11-01T15:00:00Z"),
    (ran("2026-11-01 11:31", "transfer", simulated=True), "never", 1, ""),
    (ran("2026-11-01 11:31", "transfer", "a word that nobody of us wrote"), "failed", 0, "2026-11-01T11:31:00Z"),
])
def test_a_monthly_transfer(runs, state, missing, last):
    found = of("transfer", [put("transfer", MONTHLY)], runs)
    assert (found.state, found.missed, found.last, found.schedule) == (state, missing, last, "el día 1 de cada mes a las 06:30")
    assert found.due == ("2026-11-01T11:30:00Z" if missing else "") and found.next == "2026-12-01T11:30:00Z"
    assert bool(found.text) == (state in purposes.MISSING + purposes.BAD)


def test_what_is_not_due_yet_waits_and_what_nobody_declared_is_told_by_its_runs():
    assert of("transfer", [put("transfer", MONTHLY, "2026-11-10 15:00")], []).state == "waiting"
    assert of("transfer", [], []) is None
    found = of("verification", [], ran("2026-11-28 09:00", "verify", "failed"))
    assert (found.state, found.schedule, found.missed, found.next) == ("failed", "", 0, "") and found.text.startswith("RSP776: ")
    assert purposes.rows([found], datetime.timezone.utc) == [["Verificación de copias y bitácora", "sin programación declarada", "2026-11-28 09:00",
                                                              "terminó con fallas", "", "", "0"]]


def test_a_start_that_recorded_nothing_is_neither_missed_nor_good():
    failed = entry("schedule_failed", "2026-11-01 11:31", purpose="transfer", error_code="RSP741", error_message_es="terminó antes")
    found = of("transfer", [put("transfer", MONTHLY), failed], [])
    assert (found.state, found.missed, found.due, found.text) == ("unstarted", 1, "", "RSP741: terminó antes")


@pytest.fixture
def store(tmp_path):
    with open_store(str(tmp_path / "b.sqlite")) as opened:
        yield opened


def write(store, *rows):
    for row in rows:
        store.append(row["type"], {name: value for name, value in row.items() if name not in ("type", "at_event", "n")}, row["at_event"], "test")


def test_each_place_says_the_same(store):
    """A transfer that never ran, a custody that did not run when due, a drill that failed; copies that failed are told by system, not here."""
    write(store, put("transfer", MONTHLY), put("custody", WEEKLY), *ran("2026-11-15 13:31", "custody"), *ran("2026-11-28 06:00", "drill", "failed"),
          *ran("2026-11-28 03:00", "site", "failed"))
    told = {each.key: each for each in warnings.in_force(store, RULES, [], NOW)}
    assert {key for key in told if key.startswith(("schedule", "purpose"))} == {"schedule:transfer", "schedule:custody", "purpose:drills"}
    assert told["schedule:custody"].level == 2 and "2026-11-29 08:30; 2 seguidas" in told["schedule:custody"].text
    standing = purposes.read(store, NOW)
    day = NOW.date()
    page = board.render(facts.read(store, RULES, [], day, day, NOW))
    matrix, controls = compliance.matrix(store, RULES, [], "2026-11", "2026-11", NOW), compliance.controls(store, RULES, "2026-11", "2026-11")
    grid = evidence.page(RULES, matrix, controls, "2026-11", "2026-11", {}, standing)
    for each in (page, grid):
        assert "<td>Traslado mensual al repositorio</td>" in each and '<td class="t-missing">■ nunca corrió</td>' in each
        assert '<td class="t-missing">■ no corrió cuando debía</td>' in each and '<td class="t-late">▲ terminó con fallas</td>' in each
        assert "<td>2026-11-29 08:30</td>" in each
    contents = evidence.Contents(RULES, {}, matrix, controls, "2026-11", "2026-11")
    members = evidence._members(store, contents, store.verify(), [])
    # as it was when the last entry was written, so that the same bitácora gives the same pack
    assert "Traslado mensual al repositorio" in members["cumplimiento/programacion.csv"].decode("utf-8")
    assert members["cumplimiento/programacion.csv"].decode("utf-8-sig").splitlines()[0].startswith("Propósito")


def test_a_sign_of_life_that_did_not_arrive_is_a_warning_until_one_does(store):
    write(store, *ran("2026-11-28 03:00", "site"), entry("heartbeat_failed", "2026-11-28 03:30", purpose="copies", medium="hc", error_code="RSP777",
                                                         error_message_es="no llegó"))
    told = [each for each in warnings.in_force(store, RULES, [], NOW) if each.name == "heartbeat"]
    assert [(each.key, each.text) for each in told] == [("heartbeat:hc", "RSP777: no llegó")]
    write(store, *ran("2026-11-29 03:00", "site"))
    assert not [each for each in warnings.in_force(store, RULES, [], NOW) if each.name == "heartbeat"]


def test_a_series_is_written_once(store):
    def unwritten(now):
        found = missed.signs(store.entries(type=purposes.DECLARED), store.entries(type="run_started"), now)
        return [sign.purpose for sign in missed.unwritten(found, store.entries(type=missed.TOLD), now)]

    hours = datetime.timedelta(hours=1)
    write(store, put("custody", WEEKLY), *ran("2026-11-15 13:31", "custody"))
    assert unwritten(NOW - 170 * hours) == []
    assert unwritten(NOW) == ["custody"]
    write(store, {**entry("schedule_missed", "2026-11-29 15:00", purpose="custody"), "simulated": True})
    assert unwritten(NOW + hours) == ["custody"]
    write(store, entry("schedule_missed", "2026-11-29 15:00", purpose="custody"))
    assert unwritten(NOW + hours) == unwritten(NOW + 24 * 20 * hours) == []
    write(store, *ran("2026-12-06 13:31", "custody"))
    assert unwritten(NOW + 24 * 8 * hours) == []
    assert unwritten(NOW + 24 * 15 * hours) == ["custody"]      # another series
