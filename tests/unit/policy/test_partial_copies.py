# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A copy that lacks something of its source counts as none: wherever a last good one is asked for, whatever was proved of what it holds."""

from __future__ import annotations

import datetime
import json
import re
import sys
from pathlib import Path

import pytest
import yaml
import zoneinfo

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "collections"))

from ansible_collections.perucompras.respaldo.plugins.module_utils._engine import result  # noqa: E402
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.copies import manifest  # noqa: E402
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import copies  # noqa: E402
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store  # noqa: E402
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._command.heard import Heard  # noqa: E402
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._decisions import due, offers, proofs, retention, signs, undone, warnings  # noqa: E402
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._reports import compliance, facts, metrics  # noqa: E402

RULES = yaml.safe_load((ROOT / "policies/manual-001-2019.yml").read_text("utf-8"))
LIMA = zoneinfo.ZoneInfo("America/Lima")
NOW = datetime.datetime(2026, 11, 24, 15, 0, tzinfo=datetime.timezone.utc)
SYSTEM = {"name": "SIGA", "kind": "database", "criticality": "baja", "office": "OTI", "source": {"type": "postgresql"}}


def copied(store, day, type_="copy_made", **more):
    at = f"2026-11-{day:02}T08:00:00Z"
    store.append(type_, {"system": "SIGA", "kind": "database", "label": f"SIGA_202611{day:02}", "started_at": at, "ended_at": at, "size": 1000,
                         "medium": "disco", "trust_level": "T2", "sha256": f"{day:064x}", **more}, at, "R1")


@pytest.fixture
def store(tmp_path):
    """A whole copy of the 10th; since then only partial ones, the last proved by a restore into scratch."""
    with open_store(str(tmp_path / "b.sqlite")) as opened:
        copied(opened, 10)
        for day in (17, 20, 21, 22):
            copied(opened, day, lacks=2)
        copied(opened, 22, "copy_verified", lacks=2, trust_level="T3", verification_level="T3")
        yield opened


def test_it_is_not_the_last_good_one_and_the_plan_says_why(store) -> None:
    last = store.last_good("database", "SIGA")
    assert last["label"] == "SIGA_20261110"
    made = store.entries(kind="database", system="SIGA", type="copy_made", limit=1)[0]
    decision = due.noting(due.decide(SYSTEM, RULES, last, NOW), made)
    assert (decision.due, decision.state) == ("yes", "overdue")
    assert "SIGA_20261122, es parcial, le faltan 2 elementos de su origen: no cuenta como buena" in decision.why
    assert due.noting(decision, last) == decision == due.noting(decision, None)
    assert copies.lack({"lacks": 1}) == "es parcial, le falta 1 elemento de su origen"


def test_none_of_them_makes_the_last_whole_one_go(store) -> None:
    known = store.copies("database", "SIGA")
    assert known[-1]["media"] == {"disco": "T3"}
    verdicts = {each.label: each for each in retention.judge(known, "disco", {"points": 1}, "T2", NOW, LIMA)}
    assert verdicts["SIGA_20261110"].keep and verdicts["SIGA_20261110"].why == "es la copia buena más reciente"
    assert not any(each.good for label, each in verdicts.items() if label != "SIGA_20261110")
    assert verdicts["SIGA_20261122"].keep and "es parcial" in verdicts["SIGA_20261122"].why
    copied(store, 23)
    verdicts = {each.label: each for each in retention.judge(store.copies("database", "SIGA"), "disco", {"points": 1}, "T2", NOW, LIMA)}
    assert {label for label, each in verdicts.items() if each.keep} == {"SIGA_20261123"}      # and a whole one ends them


def test_it_is_told_wherever_people_look(store) -> None:
    found = {each.name: each for each in warnings.in_force(store, RULES, [SYSTEM], NOW)}
    assert "SIGA_20261122 es parcial" in found["partial"].text and "overdue" in found and "untested" not in found
    assert {row["nombre_respaldo"]: row["resultado"] for row in store.rows() if row["resultado"] != "Verificada"} == {
        "SIGA_20261110": "Generada", **{f"SIGA_202611{day}": "Parcial" for day in (17, 20, 21, 22)}}
    values = {sample.name: sample.value for sample in metrics.read(store, RULES, [SYSTEM], NOW)}
    assert values["respaldo_copy_lacking"] == 2 and values["respaldo_copy_overdue_seconds"] == 7 * 86400
    assert values["respaldo_copy_last_timestamp_seconds"] == int(datetime.datetime(2026, 11, 10, 8, tzinfo=datetime.timezone.utc).timestamp())
    assert "respaldo_drill_last_timestamp_seconds" not in values
    board = facts.read(store, RULES, [SYSTEM], datetime.date(2026, 11, 1), datetime.date(2026, 11, 24), NOW)
    seen, = board.systems
    assert seen.last["label"] == "SIGA_20261110" and seen.proof is None and "es parcial" in seen.decision.why
    assert seen.cells[9] == "good" and [seen.cells[day - 1] for day in (17, 20, 21, 22)] == ["failed"] * 4
    periods = compliance.matrix(store, RULES, [SYSTEM], "2026-11", "2026-11", NOW).periods
    assert [each["state"] for each in periods] == ["met", "missing"]
    entries = {each["name"]: each["entries"] for each in compliance.controls(store, RULES, "2026-11", "2026-11")}
    assert (entries["frequency"], entries["drills"], entries["labels"]) == (1, 0, 5)


def test_what_is_proved_of_it_proves_no_whole_copy(store) -> None:
    verified, = store.entries(type="copy_verified")
    assert not proofs.proves(verified) and proofs.proves({**verified, "lacks": 0}) and proofs.proves(verified, of_partial=True)
    assert not proofs.proves({"type": "restored", "lacks": 1}) and proofs.proves({"type": "restored"})
    # its drill has its turn all the same, or it would be the first of every night
    until = due.believed_until(NOW)
    assert proofs.every(store, "database", "SIGA", until) == [] and proofs.every(store, "database", "SIGA", until, of_partial=True) == [verified]
    assert signs.proof([verified], 90, NOW) == []
    copy = store.copies("database", "SIGA")[-1]
    assert offers.told(copy, copy, "", "disco", LIMA).endswith("Atención: es parcial, le faltan 2 elementos de su origen")


def test_a_restore_in_part_is_told_and_makes_no_failure_of_before_good(store) -> None:
    body = {"system": "SIGA", "kind": "database", "label": "SIGA_20261110", "host": "bd1"}
    failed = {**body, "type": "restore_failed", "n": 1, "error_code": "RSP602"}
    assert undone.signs([failed, {**body, "type": "restored", "n": 2, "not_back": 3}]) != [] == undone.signs([failed, {**body, "type": "restored", "n": 2}])
    for number, more in enumerate(({}, {"not_back": 0}, {"not_back": 3})):
        store.append("restored", {**body, "run": f"R{number}", **more}, "2026-11-23T08:00:00Z", f"R{number}")
    assert [row["resultado"] for row in store.rows() if row["resultado"].startswith("Restaurada")] == ["Restaurada"] * 2 + ["Restaurada en parte"]
    lines: list[str] = []
    Heard(lines.append).event({"event": "runner_on_ok", "event_data": {"res": {"backup": {"event": "restored", "label": "SIGA_20261110", "not_back": 3}}}})
    assert lines == ["Restaurado en parte  SIGA_20261110"]


@pytest.mark.parametrize(("said", "meant"), [({}, None), ({"lacks": 0}, None), ({"lacks": 3}, 3), ({"lacks": True}, None), ({"lacks": "3"}, None),
                                             ({"lacks": -1}, None)])
def test_a_manifest_says_whether_its_copy_is_whole(said, meant) -> None:
    assert manifest.lacking(said) == meant


def test_a_server_may_say_it_of_its_own_copy() -> None:
    assert result.testimony({"event": "copy_made", "lacks": 2}, {"label": "SIGA_20261122"}, ("copy_made",))["lacks"] == 2
    assert re.search('"lacks"', json.dumps(list(result.SCHEMA)))
