# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clock of a controller was years ahead for a night, and somebody set it back: what that night wrote is the newest of all, and quiets nothing."""

from __future__ import annotations

import datetime
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "collections"))

from ansible_collections.perucompras.respaldo.plugins.action import backup_drill_plan  # noqa: E402
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import by_medium  # noqa: E402
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store  # noqa: E402
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._decisions import drills, due, proofs, recovery, signs, warnings  # noqa: E402
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._reports import facts, metrics  # noqa: E402

RULES = yaml.safe_load((ROOT / "policies/manual-001-2019.yml").read_text("utf-8"))
NOW = datetime.datetime(2026, 11, 24, 15, 0, tzinfo=datetime.timezone.utc)
SYSTEM = {"name": "SIGA", "kind": "database", "criticality": "alta", "office": "OTI", "source": {"type": "postgresql"}}
AHEAD = "2036-01-01"


def wrote(store, day, type_="copy_made", **more):
    at = f"{day}T08:00:00Z"
    store.append(type_, {"system": "SIGA", "kind": "database", "label": "SIGA_" + day.replace("-", ""), "started_at": at, "ended_at": at, "size": 1000,
                         "medium": "disco", "trust_level": "T3", "sha256": "a" * 64, "duration_ms": 5000, **more}, at, "R1")


@pytest.fixture
def store(tmp_path):
    with open_store(str(tmp_path / "b.sqlite")) as opened:
        yield opened


def told(store):
    return {each.name for each in warnings.in_force(store, RULES, [SYSTEM], NOW) if each.kind}


def planned(store):
    row, = recovery.plan(recovery.read(store, [("bd1", SYSTEM)], NOW), RULES, NOW)
    return row


def values(store):
    return {sample.name: sample.value for sample in metrics.read(store, RULES, [SYSTEM], NOW) if sample.name.startswith(("respaldo_copy", "respaldo_drill"))}


def test_what_was_true_without_that_night_is_told_with_it(store) -> None:
    """A copy of June and its proof, and nothing since but what bears the date of 2036."""
    wrote(store, "2026-06-01")
    wrote(store, "2026-06-01", "copy_verified", verification_level="T3")
    before, numbers, row = told(store), values(store), planned(store)
    assert before == {"overdue", "untested"} and not row.loss_met and row.label == "SIGA_20260601"
    wrote(store, AHEAD)
    wrote(store, AHEAD, "copy_verified", verification_level="T3")
    assert told(store) == before and values(store) == numbers and planned(store) == row
    seen, = facts.read(store, RULES, [SYSTEM], datetime.date(2026, 11, 1), datetime.date(2026, 11, 24), NOW).systems
    assert (seen.last["label"], seen.decision.state, seen.proof_days) == ("SIGA_20260601", "overdue", 176)
    medium, = by_medium.seen(store, [SYSTEM], due.believed_until(NOW))
    assert medium.verified_at == "2026-06-01T08:00:00Z"
    turn, = drills.rotate([backup_drill_plan._candidate(store, SYSTEM, ["disco"], NOW)], RULES, NOW)
    assert turn.chosen and turn.days == 176
    # a drill that failed that night is answered by one that did not since
    wrote(store, AHEAD, "verification_failed", reason="drill")
    wrote(store, "2026-11-23", "copy_verified", verification_level="T3")
    turn, = drills.rotate([backup_drill_plan._candidate(store, SYSTEM, ["disco"], NOW)], RULES, NOW)
    assert (turn.chosen, turn.days) == (False, 1)


def test_where_there_is_nothing_else_nobody_can_tell_how_old_it_is(store) -> None:
    wrote(store, AHEAD)
    assert "overdue" in told(store) and "respaldo_copy_last_timestamp_seconds" not in values(store)
    row = planned(store)
    assert (row.label, row.lost_ms, row.loss_met) == ("SIGA_20360101", -1, False)
    assert recovery.problems([row]) == ["SIGA: no consta de cuándo es su última copia; se admiten 24 h"]


def test_no_seal_anchor_look_or_summary_of_that_night_stands_for_those_that_did_not_come(store) -> None:
    def infrastructure():
        return {each.key: each.text for each in warnings.in_force(store, RULES, [SYSTEM], NOW) if each.name in ("seal", "anchor", "medium")}

    def wrote_all(day):
        at = f"{day}T08:00:00Z"
        store.append("seal", {"run": "R1"}, at, "R1")
        store.append("anchor_sent", {"anchor": "correo", "sealed_n": 1}, at, "R1")
        store.append("medium_checked", {"medium": "disco", "host": "bd1", "location": "/disco", "space_total": 1000, "space_free": 900}, at, "R1")
        store.append("warning_sent", {"medium": "correo", "warning": warnings.SUMMARY}, at, "R1")

    wrote_all("2026-06-01")
    before = infrastructure()
    assert set(before) >= {"seal", "anchor:correo"}
    wrote_all(AHEAD)
    assert infrastructure() == before
    medium, = by_medium.seen(store, [SYSTEM], due.believed_until(NOW))
    assert medium.checked["at_event"] == "2026-06-01T08:00:00Z" and by_medium.space([medium], NOW) == {}
    assert warnings.summary_is_due(store, "correo", NOW, due.zone("America/Lima"), "07:00")
    wrote(store, AHEAD)
    assert warnings.day_line(store, NOW).startswith("Últimas 24 horas: 0 copias generadas")
    # a failure is no quieter for its date: it is told until an anchor is sent
    store.append("anchor_failed", {"anchor": "correo", "sealed_n": 1, "error_message_es": "No se pudo"}, f"{AHEAD}T09:00:00Z", "R1")
    assert infrastructure()["anchor:correo"] == "correo: No se pudo"


def test_seals_of_that_night_alone_are_no_seals_of_which_anybody_knows_the_day(store) -> None:
    store.append("seal", {"run": "R1"}, f"{AHEAD}T08:00:00Z", "R1")
    assert "fecha futura" in {each.name: each.text for each in warnings.in_force(store, RULES, [SYSTEM], NOW)}["seal"]


def test_data_of_a_repository_that_was_read_that_night_is_read_again(store) -> None:
    entries = [{"type": "copy_made", "at_event": "2026-06-01T08:00:00Z", "repository": "r"},
               {"type": "copy_verified", "at_event": AHEAD + "T08:00:00Z", "checks": [signs.DATA_CHECK + " 1/7"]}]
    assert signs.unread(entries, {"data_read_days": 30}, NOW)


def test_clocks_that_differ_by_minutes_are_no_clocks_ahead(store) -> None:
    at = NOW + datetime.timedelta(minutes=3)
    entry = {"type": "copy_verified", "verification_level": "T3", "at_event": at.strftime("%Y-%m-%dT%H:%M:%SZ")}
    assert due.believed_until(NOW) >= entry["at_event"] and not due.is_ahead({"started_at": entry["at_event"]}, NOW)
    assert signs.proof([{"type": "copy_made", "at_event": "2026-06-01T08:00:00Z"}, entry], 30, NOW) == []
    # whatever zone the moment is given in
    assert due.believed_until(NOW.astimezone(due.zone("America/Lima"))) == due.believed_until(NOW)


def test_a_partial_copy_is_no_answer_to_a_damage() -> None:
    """The last whole copy is damaged, and what came since lacks something: there is no whole copy, and the damage is told as long."""
    damaged = {"type": "copy_damaged", "label": "SIGA_20261110", "at_event": "2026-11-11T08:00:00Z", "error_code": "RSP501"}
    partial = {"type": "copy_made", "label": "SIGA_20261112", "at_event": "2026-11-12T08:00:00Z", "lacks": 2}
    proved = {**partial, "type": "copy_verified", "verification_level": "T3"}
    assert [name for name, _level, _text in signs.proof([damaged, partial, proved], 0, NOW)] == ["verification"]
    assert signs.proof([damaged, partial, {**partial, "lacks": 0}], 0, NOW) == []
    assert not proofs.proves(proved)
