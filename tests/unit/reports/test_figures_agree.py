# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One bitácora with every hard case, read by all that tell figures: board, compliance, capacity, numbers for Prometheus, warnings, drills, plan of recovery
and custody. What two of them tell, they tell alike.
"""

from __future__ import annotations

import datetime
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "collections"))

from ansible_collections.perucompras.respaldo.plugins.action import backup_drill_plan  # noqa: E402
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store  # noqa: E402
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._custodians import custody  # noqa: E402
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._decisions import drills, due, keys, recovery, warnings  # noqa: E402
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._reports import board, capacity, compliance, facts, metrics  # noqa: E402

RULES = yaml.safe_load((ROOT / "policies/manual-001-2019.yml").read_text("utf-8"))
NOW = datetime.datetime(2026, 11, 24, 15, 0, tzinfo=datetime.timezone.utc)
MONTH = "2026-11"
DAYS = range(1, 25)


def system(name, kind="database", criticality="alta", **more):
    types = {"database": "postgresql", "source_code": "git", "file_server": "restic"}
    return {"name": name, "kind": kind, "criticality": criticality, "office": "OTI", "responsible": "", "source": {"type": types[kind]}, **more}


SYSTEMS = [system("SIGA"), system("SIGA", "source_code", "media"), system("PORTAL", criticality="baja"), system("NUNCA"), system("Carpetas", "file_server"),
           system("APAGADO", enabled=False), system("RESTAURADO", criticality="baja")]
REPOSITORY = custody.reference("file_server", "Carpetas", "repositorio")
MISSED, FAILED, EXCUSED, DAMAGED = 7, 11, 15, 18      # days of SIGA


def at(day, hour=8):
    return f"2026-11-{day:02}T{hour:02}:00:00Z"


def add(store, event, name, day, kind="database", hour=8, of=None, **more):
    """An entry of a system; `of` is the day of the copy that it tells of."""
    body = {"system": name, "kind": kind, "label": f"{name}_202611{of or day:02}", "medium": "nas", "host": "bd1", **more}
    if event == "copy_made":
        body = {"started_at": at(day, hour), "ended_at": at(day, hour), "trust_level": "T2", "duration_ms": 61000, "criticality": "alta", **body}
    return store.append(event, body, at(day, hour), "R1")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with open_store(str(tmp_path_factory.mktemp("figures") / "b.sqlite")) as opened:
        for day in DAYS:
            if day in (MISSED, EXCUSED):
                continue
            if day == FAILED:
                add(opened, "copy_failed", "SIGA", day, error_code="RSP402", error_message_es="lleno")
                continue
            add(opened, "copy_made", "SIGA", day, size=1000)
            if day == DAMAGED:
                add(opened, "copy_damaged", "SIGA", day, hour=9, error_code="RSP501")
            if day == 2:
                add(opened, "copy_verified", "SIGA", day, trust_level="T3", verification_level="T3", duration_ms=5000, hour=9)
        # so many verifications since the drill that nobody sees it who looks at the last hundred alone
        for turn in range(120):
            add(opened, "copy_verified", "SIGA", 3 + turn // 8, hour=10 + turn % 8, of=3, trust_level="T2", verification_level="T2")
        add(opened, "excuse", "SIGA", 16, label="", medium="", excused_from="2026-11-15", excused_until="2026-11-15", reason_text="corte")
        # of the same name and day, hence of the same label, and another size
        add(opened, "copy_made", "SIGA", 5, "source_code", size=70, source_type="git")
        add(opened, "copy_transferred", "SIGA", 6, "source_code", of=5, medium="segundo", trust_level="T1")
        # weekly: due on the 9th, copied on the 11th; a part of it brought back, and a copy that a person wanted although it is partial
        add(opened, "copy_made", "PORTAL", 2, size=500)
        add(opened, "copy_made", "PORTAL", 11, size=500)
        add(opened, "restored", "PORTAL", 12, of=11, trust_level="T0", duration_ms=900)
        add(opened, "copy_made", "PORTAL", 18, size=500)
        add(opened, "copy_held", "PORTAL", 18, hour=9, of=2, reason_text="auditoría")
        add(opened, "copy_simulated", "PORTAL", 19, simulated=True)
        add(opened, "copy_made", "RESTAURADO", 20, size=10)
        add(opened, "restored", "RESTAURADO", 21, of=20, duration_ms=3000)
        for day in DAYS:
            add(opened, "copy_made", "Carpetas", day, "file_server", hour=3, size=100, size_original=1000, repository="r1", objects=4,
                key_reference=REPOSITORY, key_id="k1", custodians=["a", "b"])
        add(opened, "copy_verified", "Carpetas", 9, "file_server", reason="custody", trust_level="T1", verification_level="T1")
        add(opened, "copy_made", "APAGADO", 3, size=30)
        for day in (1, 2, 3):
            add(opened, "copy_made", "VIEJO", day, size=9)
        add(opened, "copy_pruned", "VIEJO", 4, of=1)
        yield opened


@pytest.fixture(scope="module")
def shown(store):
    return facts.read(store, RULES, SYSTEMS, datetime.date(2026, 11, 1), datetime.date(2026, 11, 24), NOW)


@pytest.fixture(scope="module")
def numbers(store):
    found = {}
    for sample in metrics.read(store, RULES, SYSTEMS, NOW):
        found[(sample.name, sample.labels.get("kind"), sample.labels.get("system"), sample.labels.get("medium"))] = sample.value
    return found


@pytest.fixture(scope="module")
def turns(store):
    candidates = [backup_drill_plan._candidate(store, each, ["nas", "segundo"], NOW) for each in SYSTEMS if each.get("enabled", True)]
    return {(turn.kind, turn.system): turn for turn in drills.rotate(candidates, RULES, NOW)}


def seconds(stamp):
    return int(due.taken_at({"started_at": stamp}).timestamp())


def test_what_is_due_and_overdue(store, shown, numbers):
    told = {condition.key for condition in warnings.in_force(store, RULES, SYSTEMS, NOW) if condition.name == "overdue"}
    for each in shown.systems:
        of = (each.kind, each.name)
        number = numbers.get(("respaldo_copy_overdue_seconds", *of, None))
        assert number == (each.decision.overdue_days * 86400 if each.enabled else None), of
        overdue = each.enabled and bool(each.decision.overdue_days or (each.last is None and each.decision.state in facts.PENDING))
        assert (f"overdue:{each.kind}:{each.name}" in told) is overdue, of
        if each.last and each.enabled:
            assert numbers[("respaldo_copy_last_timestamp_seconds", *of, None)] == seconds(each.last["started_at"])
    assert told == {"overdue:database:NUNCA"}
    lights = {kind["title"]: kind for kind in board._kinds(shown)}
    assert (lights["Base de datos"]["total"], lights["Base de datos"]["overdue"]) == (4, 1), "what is switched off is no system to look after"


def test_proofs_of_restore(store, shown, numbers, turns):
    rows = {(row.kind, row.system): row for row in recovery.plan(recovery.read(store, [("bd1", each) for each in SYSTEMS if each.get("enabled", True)], NOW),
                                                                 RULES, NOW)}
    untested = {condition.key for condition in warnings.in_force(store, {**RULES, "drills": {"every": dict.fromkeys(("alta", "media", "baja"), 20)}},
                                                                 SYSTEMS, NOW) if condition.name == "untested"}
    found = {}
    for each in shown.systems:
        if not each.enabled:
            continue
        of = (each.kind, each.name)
        assert turns[of].days == each.proof_days, of
        assert numbers.get(("respaldo_drill_last_timestamp_seconds", *of, None)) == (seconds(each.proof["at_event"]) if each.proof else None), of
        assert rows[of].proved_at == (each.proof["at_event"] if each.proof else "") and turns[of].measured_ms == (rows[of].takes_ms if each.proof else 0), of
        first = min((entry["at_event"] for entry in store.entries(kind=each.kind, system=each.name, type="copy_made")), default="")
        since = each.proof["at_event"] if each.proof else first
        assert (f"untested:{each.kind}:{each.name}" in untested) is bool(since and (NOW - due.taken_at({"started_at": since})).days > 20), of
        found[of] = each.proof_days
    assert found == {("database", "SIGA"): 22, ("source_code", "SIGA"): -1, ("database", "PORTAL"): -1, ("database", "NUNCA"): -1,
                     ("file_server", "Carpetas"): -1, ("database", "RESTAURADO"): 3}
    page = board.render(shown)
    assert f"cobertura de las pruebas: 2 de 6 sistemas ({drills.coverage(list(turns.values()))} %)" in page


def test_days_that_are_late_missing_and_excused(store, shown):
    matrix = compliance.matrix(store, RULES, SYSTEMS, MONTH, MONTH, NOW)
    rows = {(row["kind"], row["system"]): row for row in matrix.rows}
    letters = {(each.kind, each.name): "".join(facts.CELLS[state][0] for state in each.cells) for each in shown.systems}
    siga, row = letters["database", "SIGA"], rows["database", "SIGA"]
    assert siga == "BBBBBBABBBFBBBJBBDBBBBBB"
    # a day without a good copy is one that is missing, whatever was tried on it
    assert (siga.count("T"), siga.count("A") + siga.count("F") + siga.count("D"), siga.count("J")) == (row["late"], row["missing"], row["excused"]) == (0, 3, 1)
    portal, row = letters["database", "PORTAL"], rows["database", "PORTAL"]
    assert (portal.count("T"), portal.count("J")) == (row["late"], row["excused"]) == (1, 0) and portal[10] == "T" and row["missing"] == 0
    assert rows["database", "VIEJO"]["active"] is False and shown.left == ["VIEJO (Base de datos): 2 copias"]


def test_what_media_hold(store, shown, numbers):
    planned = {row["medium"]: row for row in capacity.plan(store, RULES, SYSTEMS, [], {}, NOW)["media"]}
    made = len(DAYS) - 3
    size = {"nas": made * 1000 + 70 + 3 * 500 + 10 + 30 + 2 * 9 + len(DAYS) * 100, "segundo": 70}
    copies = {"nas": made + 1 + 3 + 1 + 1 + 2 + len(DAYS), "segundo": 1}
    told = {medium.name: medium for medium in shown.media}
    for medium, held in size.items():
        assert told[medium].size == planned[medium]["used"] == numbers["respaldo_medium_used_bytes", None, None, medium] == held, medium
        assert told[medium].copies == planned[medium]["copies"] == copies[medium], medium


def test_equal_names_are_told_apart(store, shown):
    assert sorted(each.title for each in shown.systems) == [
        "APAGADO", "Carpetas", "NUNCA", "PORTAL", "RESTAURADO", "SIGA (Base de datos)", "SIGA (Código fuente)"]
    page = board.render(shown)
    assert page.count('<th scope="row">SIGA (Base de datos)</th>') == 1 and '<th scope="row">SIGA</th>' not in page
    lost = recovery.problems(recovery.plan(recovery.read(store, [("bd1", each) for each in SYSTEMS], NOW), RULES, NOW))
    assert [line for line in lost if line.startswith("SIGA (Código fuente): ")] and not [line for line in lost if line.startswith("SIGA: ")]


def test_a_key_of_a_repository_is_proved_by_any_of_its_copies(store):
    key = keys.read(store)[REPOSITORY]
    assert (key.proved_at, key.created_at, key.label) == (at(9), at(1, 3), "Carpetas_20261124") and key.exists


@pytest.mark.parametrize("kind, criticality", [("database", "alta"), ("database", "baja"), ("source_code", "media")])
def test_a_day_is_judged_as_the_whole_history_judges_it(kind, criticality):
    """With one good copy and one more, on each day of a year: what the report of compliance says of the second."""
    period = compliance.engine.period(RULES, kind, criticality)
    first = datetime.date(2026, 1, 31)
    for grace in (0, 3):
        for number in (*range(1, 70), 200, 364):
            day = first + datetime.timedelta(days=number)
            found = compliance.obligations(first, period, [(first, {"n": 1}), (day, {"n": 2})], day, grace)
            second = next(each for each in found if {"n": 2} in each.evidence)
            told = compliance.of_day(first, period, day, grace)
            assert (told.due, told.late) == (second.due, second.state == "late"), (day, grace)
