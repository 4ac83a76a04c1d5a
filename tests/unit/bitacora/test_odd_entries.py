# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Readers of a bitácora that holds odd entries, as earlier versions let them in: passed over, told once, and no decision for them (S3, S13)."""

from __future__ import annotations

import datetime
import json
import shutil
from pathlib import Path

import pytest
import yaml
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import view, who
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.recorder import Recorder
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import Store, open_store
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._decisions import drills, due, keys, retention, warnings
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._reports import board, capacity, compliance, evidence, facts, tables
from conftest import ROOT
from hypothesis import HealthCheck, given, settings, strategies

NOW = datetime.datetime(2026, 11, 28, 15, 0, tzinfo=datetime.timezone.utc)
RULES = yaml.safe_load((ROOT / "policies/manual-001-2019.yml").read_text("utf-8"))
SIGA = {"name": "SIGA", "kind": "database", "criticality": "alta", "office": "OTI", "source": {"type": "sqlite"}, "responsible": "Ana"}
LIMA = datetime.timezone(datetime.timedelta(hours=-5))
WHOLE = {"system": "SIGA", "kind": "database", "host": "bd1", "run": "R1", "medium": "nas", "trust_level": "T3", "size": 1000, "sha256": "a" * 64,
         "criticality": "alta", "key_reference": "custodia:database/SIGA/x", "custodians": ["a", "b"], "duration_ms": 5}


@pytest.fixture
def store(tmp_path: Path):
    with open_store(str(tmp_path / "b.sqlite")) as opened:
        yield opened


def day(number: int) -> datetime.date:
    return (NOW - datetime.timedelta(days=number)).date()


def label(number: int) -> str:
    return f"SIGA_{day(number):%Y%m%d}"


def copied(store: Store, number: int, host: str = "bd1", start: bool = True, **more: object) -> None:
    at = f"{day(number)}T03:00:00Z"
    body = {**WHOLE, "host": host, "label": label(number), "started_at": at, **more}
    if start:
        store.append("copy_started", {name: body[name] for name in ("system", "kind", "host", "run", "label", "started_at")}, at, "test")
    store.append("copy_made", body, at, "test")


def add(store: Store, type_: str, number: int = 0, **body: object) -> None:
    store.append(type_, {**WHOLE, "label": label(number), **body}, f"{day(number)}T04:00:00Z", "test")


def read_all(store: Store, systems: list | None = None) -> dict:
    """Every reader of the bitácora once; none may raise."""
    systems = systems or [SIGA]
    last = store.last_good("database", "SIGA", "T2")
    decision = due.decide(SIGA, RULES, last, NOW)
    copies = store.copies("database", "SIGA")
    verdicts = [retention.judge(copies, medium, {"points": 180}, "T2", NOW, LIMA, 3) for medium in {name for copy in copies for name in copy["media"]}]
    drilled = [entry for entry in store.entries(type=("copy_verified", "restored")) if not entry.get("simulated")]
    drills.rotate([drills.Candidate("SIGA", "database", "alta", copies[-1] if copies else None, drilled, drilled)], RULES, NOW)
    keys.read(store)
    warned = warnings.in_force(store, RULES, systems, NOW)
    warnings.told(store, "correo")
    matrix = compliance.matrix(store, RULES, systems, "2026-10", "2026-11", NOW)
    controls = compliance.controls(store, RULES, "2026-10", "2026-11")
    evidence.page(RULES, matrix, controls, "2026-10", "2026-11", evidence.cited(store, RULES, matrix, controls, "2026-10", "2026-11"))
    found = facts.read(store, RULES, systems, day(10), day(0), NOW)
    page = board.render(found)
    capacity.plan(store, RULES, systems, [{"name": "nas"}], {}, NOW)
    rows = store.rows()
    view.table(rows)
    table, _head = board.bitacora(store, day(30), day(0), "America/Lima")
    board.printable(table, {}, "Entidad", "Manual")
    tables.to_csv(table)
    tables.to_html(table)
    json.dumps(store.entries())
    assert store.labels("database", "SIGA") is not None and store.held("database", "SIGA") is not None
    return {"last": last, "decision": decision, "copies": copies, "verdicts": verdicts, "warned": warned, "page": page, "line": store.passed_over.line()}


ODD = [
    ("size", 10 ** 400), ("size", -5), ("size", "7"), ("size", [1]), ("started_at", "ayer"), ("started_at", "2026-11-27T16:51:!"), ("started_at", "..:!"),
    ("started_at", 7), ("started_at", "9999-12-31T23:59:59Z"), ("started_at", "0001-01-01T00:00:00Z"), ("ended_at", {}), ("duration_ms", "mucho"),
    ("trust_level", "T9"), ("trust_level", 4), ("medium", ["nas"]), ("medium", 7), ("label", ["x"]), ("label", "../../x"), ("label", "x"), ("label", 3),
    ("kind", "nada"), ("checks", "sha256"), ("checks", [1, {}]), ("custodians", 3), ("parts", {}), ("objects", "x"), ("previous_size", 10 ** 400),
    ("verification_level", []), ("error_code", 3), ("excused_from", "hoy"), ("warning_level", "99"), ("retention_until", 5), ("key_reference", {}),
    ("host", 5), ("run", []), ("office", {}), ("responsible", "x\u202ey"), ("note_es", ["x"]), ("simulated", "sí"), ("criticality", 9),
]


@pytest.mark.parametrize("type_", ["copy_made", "copy_verified", "copy_damaged", "copy_pruned", "copy_transferred", "copy_failed", "excuse", "warning_sent",
                                   "custody_checked", "copy_held", "restored", "folder_reported", "custody_updated", "unheard_of"])
def test_no_reader_ends_on_one_odd_value(store, type_):
    """S13: each of these ended plan, database, warn, prune, report or compliance for good."""
    for number in range(5, 0, -1):
        copied(store, number)
    for index, (name, value) in enumerate(ODD):
        add(store, type_, index % 5, excused_from="2026-11-01", excused_until="2026-11-02", **{name: value}) if name not in ("excused_from",) else add(
            store, type_, index % 5, **{name: value})
    found = read_all(store)
    if type_ in ("copy_made", "copy_verified", "copy_damaged"):
        assert " por alto " in found["line"] and "entries" in {row.name for row in found["warned"]} and " por alto " in found["page"]
    assert all(verdict.keep for verdicts in found["verdicts"] for verdict in verdicts), "five copies and a rule of 180 points"


@pytest.mark.parametrize("value", ["ayer", "2026-11-27T16:51:!", "9999-12-31T23:59:59Z", 7])
def test_an_odd_copy_is_no_reason_to_skip_one(store, value):
    """S13: database.yml ended, no copy was made any more; and an odd time must not say that there is one already."""
    copied(store, 9)
    copied(store, 8, started_at=value)
    assert due.decide(SIGA, RULES, store.last_good("database", "SIGA", "T2"), NOW).due == "yes"


def test_no_good_copy_is_removed_for_an_odd_entry(store):
    for number in range(8, 0, -1):
        copied(store, number)
    for number in range(1, 4):
        add(store, "copy_damaged", number, verification_level="T9")
        add(store, "copy_made", number + 100, label=label(number) + "_02", size="x")
    judged = retention.judge(store.copies("database", "SIGA"), "nas", {"points": 3}, "T2", NOW, LIMA, 3)
    removed = [verdict.label for verdict in judged if not verdict.keep]
    assert removed == [label(number) for number in (7, 8)] and all(verdict.keep for verdict in judged if verdict.label in (label(1), label(2), label(3)))
    assert any("no se entiende" in verdict.why for verdict in judged)


def test_177_forged_copies_of_another_host_remove_nothing(store):
    """S3: "4 of 180 real copies kept; to be removed: 176"."""
    for number in range(180, 0, -1):
        copied(store, number)
    at = f"{day(3)}T1"
    for index in range(177):
        store.append("copy_made", {**WHOLE, "host": "evil", "label": f"{label(3)}_{index + 2:02d}", "trust_level": "T4",
                                   "started_at": f"{at}{index // 60}:{index % 60:02d}:00Z"}, f"{day(0)}T05:00:00Z", "test")
    copies = store.copies("database", "SIGA")
    judged = retention.judge(copies, "nas", {"points": 180}, "T2", NOW, LIMA, 3)
    assert len(copies) == 180 and all(verdict.keep for verdict in judged)
    assert "177 asientos" in store.passed_over.line() and "evil" in store.passed_over.line()


def test_the_six_entries_of_an_evil_host_change_no_decision(store):
    """S3: what an earlier version recorded of another system's server stays in the bitácora, and is not believed."""
    for number in range(4, 0, -1):
        copied(store, number)
    add(store, "copy_held", 1)
    before = read_all(store)
    for type_, body in (("copy_pruned", {}), ("copy_made", {"label": label(0) + "_02", "trust_level": "T4"}), ("copy_released", {}),
                        ("copy_damaged", {"verification_level": "T4"}), ("copy_transferred", {"medium": "otro"}),
                        ("copy_made", {"label": label(0) + "_999", "started_at": "2026-11-28T10:00:00Z"})):
        add(store, type_, 1, **{"host": "evil", **body})
    after = read_all(store)
    assert after["decision"] == before["decision"] and after["copies"] == before["copies"] and after["verdicts"] == before["verdicts"]
    assert store.held("database", "SIGA") == {label(1)} and label(0) + "_999" not in store.labels("database", "SIGA")
    assert "6 asientos" in after["line"]


def test_who_may_speak_of_a_copy(store):
    """A renamed host, a drill or a removal from another host, a tool that copies by itself, and entries from before there were starts: all count."""
    copied(store, 5, host="viejo")
    copied(store, 4, host="nuevo")
    add(store, "copy_verified", 5, host="nuevo", trust_level="T4")
    add(store, "drill_started", 4, host="pruebas")
    add(store, "copy_verified", 4, host="pruebas", trust_level="T4")
    add(store, "prune_started", 4, host="limpieza")
    add(store, "copy_pruned", 5, host="limpieza")
    copies = store.copies("database", "SIGA")
    assert [(copy["label"], copy["trust_level"]) for copy in copies] == [(label(4), "T4")] and not store.passed_over.line()
    for number in (3, 2):
        store.append("copy_made", {**WHOLE, "system": "AZ", "host": f"h{number}", "label": f"AZ_{day(number):%Y%m%d}"}, f"{day(number)}T03:00:00Z", "test")
    assert len(store.copies("database", "AZ")) == 2 and store.last_good("database", "AZ")["label"] == f"AZ_{day(2):%Y%m%d}"


@pytest.mark.parametrize("event", ["copy_damaged", "copy_pruned"])
def test_what_a_renamed_host_finds_counts_before_its_first_copy(tmp_path, event):
    """A server replaced by another of a new name: what verify.yml or reconcile.yml found there was passed over, and a damaged copy stayed the last good one."""
    path, label_ = str(tmp_path / "b.sqlite"), label(1)
    named = {"label": label_, "system": "SIGA", "kind": "database", "medium": "nas"}
    for host, told in (("viejo", [("backup_label", "copy_started", {}), ("backup_database", "copy_made", {"trust_level": "T3", "sha256": "a" * 64})]),
                       ("nuevo", [("backup_reconcile", event, {"verification_level": "T1", "reason": "reconciliation"})])):
        recorder = Recorder(path, tmp_path / "journal", None, {"playbook": "site.yml"})
        recorder.start()
        for action, type_, more in told:
            assert recorder.take(host, "perucompras.respaldo." + action, {**named, **more, "event": type_}, False)
        recorder.end({})
    with open_store(path) as store:
        assert not store.passed_over.line() and store.last_good("database", "SIGA", "T1") is None
        assert [copy["media"] for copy in store.copies("database", "SIGA")] == ([{"nas": ""}] if event == "copy_damaged" else [])
        # and what an earlier version let a stranger say is passed over as before
        store.append("copy_found", {**named, "host": "evil", "trust_level": "T4"}, f"{day(0)}T05:00:00Z", "test")
        assert store.last_good("database", "SIGA", "T1") is None and "evil" in store.passed_over.line()


def test_what_was_passed_over_is_news_once(store):
    """It stays in the bitácora for ever: told when it is new or was never told, and not each night."""
    copied(store, 40)
    copied(store, 39, size="x")
    names = [row.name for row in warnings.in_force(store, RULES, [SIGA], NOW)]
    assert names.count("entries") == 1
    store.append("warning_sent", {"medium": "correo", "warning": "entries", "warning_level": 1}, "2026-11-28T15:00:00Z", "test")
    assert "entries" not in [row.name for row in warnings.in_force(store, RULES, [SIGA], NOW)]


def test_refused_answers_are_warned_of(store):
    copied(store, 1)
    store.append("answer_refused", {"host": "evil", "error_code": "RSP723", "error_message_es": "mintió"}, "2026-11-28T10:00:00Z", "test")
    assert [row.key for row in warnings.in_force(store, RULES, [SIGA], NOW) if row.name == "refused"] == ["refused:evil"]


@pytest.mark.parametrize("text", ["/srv/x,=cmd|' /C calc'!A1", "a;=1", "a,\"=1", "a, @x", "a\t+1", "a|-1"])
def test_no_cell_of_a_sheet_with_commas_begins_with_a_sign(text):
    """S21: where the list separator is a comma, a value was cut into a cell that begins with ="""
    made = tables.to_csv(tables.Table("h", "t", [tables.Column("a", "A"), tables.Column("b", "B")], [{"a": text, "b": text}])).decode("utf-8-sig")
    for separator in ",;\t|":
        cells = [cell.lstrip(" '\"") if not cell.lstrip(" \"").startswith("'") else "" for line in made.splitlines() for cell in line.split(separator)]
        assert not [cell for cell in cells if cell[:1] in ("=", "+", "-", "@")], made


def test_no_bidi_or_control_sign_reaches_a_page_or_a_sheet(store):
    """S21: U+202E stayed in the HTML pages; an ESC of a NAS in the table."""
    nasty = "a\u202eb\x1b[2Jc\u2066d"
    copied(store, 2, host="bd1", office="OTI", note_es=nasty, location=nasty, error_message_es=nasty)
    add(store, "copy_failed", 1, error_message_es=nasty, reason_text=nasty)
    add(store, "stray_found", 1, label=nasty, medium="nas")
    found = read_all(store)
    table, _head = board.bitacora(store, day(30), day(0), "America/Lima")
    shown = [found["page"], board.printable(table, {}, nasty, nasty), tables.to_csv(table).decode("utf-8"), tables.to_html(table), *view.table(store.rows())]
    assert not [sign for sign in "\u202e\u2066\x1b" for text in shown if sign in text]


ANYTHING = strategies.recursive(
    strategies.booleans() | strategies.integers() | strategies.text(max_size=20) | strategies.sampled_from(
        ["T4", "nas", "2098-01-01T00:00:00Z", label(1), label(2) + "_02", "SIGA", "database", "evil", "bd1"]),
    lambda inner: strategies.lists(inner, max_size=3) | strategies.dictionaries(strategies.text(max_size=5), inner, max_size=3), max_leaves=5)
TYPES = ["copy_started", "copy_made", "copy_verified", "copy_damaged", "copy_pruned", "copy_transferred", "copy_found", "copy_held", "copy_released", "excuse",
         "excuse_withdrawn", "warning_sent", "custody_checked", "custody_failed", "custody_updated", "restored", "anchor_sent", "copy_failed", "stray_found"]
BODIES = strategies.dictionaries(strategies.sampled_from(sorted({*WHOLE, "label", "started_at", "ended_at", "excused_from", "excused_until", "withdraws",
                                                                 "warning", "warning_level", "key_references", "checks", "files_new", "objects"})), ANYTHING)


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    """A bitácora of four true entries, and what all readers find there: each example gets a copy of it, and only adds what is told."""
    path = tmp_path_factory.mktemp("b") / "b.sqlite"
    with open_store(str(path)) as store:
        for number in range(3, 0, -1):
            copied(store, number)
        add(store, "copy_held", 2)
        return path, read_all(store)


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(strategies.lists(strategies.tuples(strategies.sampled_from(TYPES), BODIES), max_size=6))
def test_whatever_a_stranger_says_no_reader_ends_and_no_decision_changes(tmp_path_factory, known, told):
    """S3, S13: any entries of a host that never copied the system, in any form."""
    path, before = known
    with open_store(shutil.copy(path, tmp_path_factory.mktemp("b"))) as store:
        for type_, body in told:
            if type_ in ("copy_started",):
                continue
            store.append(type_, {**WHOLE, "label": label(1), **body, "host": "evil"}, f"{day(0)}T05:00:00Z", "test")
        after = read_all(store)
        assert after["decision"] == before["decision"] and after["verdicts"] == before["verdicts"]
        assert label(2) in store.held("database", "SIGA")


@pytest.mark.parametrize("pid", ["", "x", [], {}, True, 2 ** 80])
def test_the_sweep_of_dead_runs_ends_on_no_odd_start(tmp_path, pid):
    """Whoever can write to the file says that a run of this controller has a process of no number: every later run ended its start in a Python error."""
    path = str(tmp_path / "b.sqlite")
    with open_store(path) as store:
        store.append("run_started", {**who.identity(), "run": "R9", "pid": pid}, "2026-11-27T03:00:00Z", "X")
        store.append("bitacora_moved", {"run": "R9"}, "2026-11-27T03:00:00Z", "X")
    recorder = Recorder(path, tmp_path / "journal", None, {"playbook": "site.yml"})
    recorder.start()
    recorder.end({})
    with open_store(path, readonly=True) as store:
        assert not recorder.unwritten and [entry["run"] for entry in store.entries(type="run_interrupted")] == ["R9"]
