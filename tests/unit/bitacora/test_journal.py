# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can't be written waits, is taken in once with both times, and never twice; a dead run is closed by the next."""

from __future__ import annotations

import json
import os
import stat

import pytest
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import chain, journal, recorder, who
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store

MADE = {"event": "copy_made", "label": "SIGA_20261122", "system": "SIGA", "kind": "database"}
STARTED = {**MADE, "event": "copy_started", "responsible": "Ana Núñez"}


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setattr(journal, "fallback_directory", lambda: tmp_path / "fallback")
    return tmp_path


def run_at(place, **facts):
    return recorder.Recorder(str(place / "db" / "bitacora.sqlite"), place / "journal", place / "logs", {"executed_by": "ana", **facts})


def read(place):
    with open_store(str(place / "db" / "bitacora.sqlite"), readonly=True) as store:
        return store.entries()


def block(place):
    """No directory can be made where a file is: the store is gone, for root too."""
    (place / "db").write_text("")


def test_entries_wait_and_are_taken_in_with_both_times(place):
    block(place)
    run = run_at(place)
    run.start()
    run.backup("db01", STARTED, False)
    run.flush()
    assert run.unwritten and run.problem.code == "RSP702"
    file = run.journal_file
    assert file.parent == place / "journal" and stat.S_IMODE(file.stat().st_mode) == 0o600
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["n_emitter"] for line in lines] == [1, 2]
    for line in lines:
        line["at_event"] = "2020-01-01T00:00:00Z"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))

    (place / "db").unlink()
    later = run_at(place)
    later.start()
    found = read(place)
    assert [(entry["type"], entry["emitter"]) for entry in found[:2]] == [("run_started", run.run), ("copy_started", run.run)]
    assert found[1]["at_event"] == "2020-01-01T00:00:00Z" < found[1]["at_recorded"]
    assert not file.exists() and not later.unwritten


def test_taking_in_the_same_journal_twice_changes_nothing(place):
    block(place)
    run = run_at(place)
    run.start()
    saved = run.journal_file.read_bytes()
    (place / "db").unlink()
    run_at(place).start()
    run.journal_file.write_bytes(saved)
    run_at(place).start()
    assert [entry["emitter"] for entry in read(place)].count(run.run) == 1
    assert chain.verify_file(place / "db" / "bitacora.sqlite").whole


def test_a_store_that_comes_back_gets_all_in_order_within_the_run(place):
    run = run_at(place)
    run.start()
    (place / "db").rename(place / "away")
    block(place)
    run.backup("db01", STARTED, False)
    run.flush()
    assert run.unwritten
    (place / "db").unlink()
    (place / "away").rename(place / "db")
    run.backup("db01", MADE, False)
    run.flush()
    assert not run.unwritten
    assert [(entry["n_emitter"], entry["type"]) for entry in read(place)] == [(1, "run_started"), (2, "copy_started"), (3, "copy_made")]


def test_the_fallback_takes_over(place):
    block(place)
    (place / "journal").write_text("")
    run = run_at(place)
    run.start()
    assert run.journal_file.parent == place / "fallback"


def test_nowhere_to_keep_them_is_told(place):
    for name in ("db", "journal", "fallback"):
        (place / name).write_text("")
    run = run_at(place)
    run.start()
    assert run.unwritten and run.journal_file is None and run.problem is not None
    (place / "db").unlink()
    run.flush_pending()
    assert not run.unwritten and len(read(place)) == 1


def test_a_journal_others_can_write_is_neither_used_nor_believed(place):
    (place / "journal").mkdir()
    os.chmod(place / "journal", 0o777)
    forged = {"store": "sqlite:///{0}/db/bitacora.sqlite".format(place), "emitter": "X", "n_emitter": 1, "type": "copy_made", "body": {}, "at_event": ""}
    (place / "journal" / "X.jsonl").write_text(json.dumps(forged) + "\n")
    run_at(place).start()
    assert [entry["type"] for entry in read(place)] == ["run_started"]


def test_a_line_torn_by_a_power_cut_does_not_stop_the_others(place):
    block(place)
    run = run_at(place)
    run.start()
    with open(run.journal_file, "ab") as file:
        file.write(b'{"store": "sqli')
    (place / "db").unlink()
    run_at(place).start()
    assert run.run in [entry["emitter"] for entry in read(place)]


def test_a_journal_of_another_bitacora_is_left_alone(place):
    block(place)
    run = run_at(place)
    run.start()
    other = recorder.Recorder(str(place / "other.sqlite"), place / "journal", None, {})
    other.start()
    assert run.journal_file.exists()


def test_the_end_of_a_copy_carries_what_its_start_told(place):
    run = run_at(place)
    run.start()
    run.backup("db01", STARTED, False)
    run.backup("db01", MADE, False)
    run.end({})
    assert read(place)[2]["responsible"] == "Ana Núñez" and read(place)[3]["verdict"] == "good"


def test_what_is_open_at_the_end_is_closed_as_interrupted(place):
    run = run_at(place)
    run.start()
    run.backup("db01", STARTED, False)
    run.backup("db01", {"event": "restore_started", "label": "OTRA_20261101", "system": "OTRA", "kind": "database"}, False)
    run.interrupt("signal 15")
    failed, restore, end = read(place)[3:]
    assert (failed["type"], failed["error_code"], failed["label"], failed["responsible"]) == ("copy_failed", "RSP705", "SIGA_20261122", "Ana Núñez")
    assert (restore["type"], restore["error_code"]) == ("restore_failed", "RSP705")
    assert (end["type"], end["how"], end["copy_failed"]) == ("run_interrupted", "signal 15", 1)


def test_a_simulated_copy_is_neither_open_nor_counted(place):
    run = run_at(place)
    run.start()
    run.backup("db01", STARTED, True)
    run.end({})
    assert [entry["type"] for entry in read(place)] == ["run_started", "copy_started", "run_ended"]
    assert read(place)[1]["simulated"] is True and "copy_started" not in read(place)[2]


def test_the_same_structure_twice_is_one_entry(place):
    run = run_at(place)
    run.start()
    assert run.backup("db01", MADE, False) and run.backup("db01", MADE, False) and run.backup("db02", MADE, False)
    run.end({})
    assert [entry["type"] for entry in read(place)].count("copy_made") == 2


@pytest.mark.parametrize("found", [None, True, "/etc/x.bak", [], {}, {"event": "boom"}, {"event": 3}])
def test_what_is_not_ours_is_left_alone(place, found):
    assert run_at(place).backup("db01", found, False) is False


DEAD = {"pid": 2 ** 22 + 1}


@pytest.mark.parametrize("changes, dead", [
    ({}, False), (DEAD, True), ({"pid_start": "1"}, True), ({"boot_id": "another"}, True), ({**DEAD, "controller": "another"}, False),
    ({**DEAD, "pid_namespace": "pid:[1]"}, False),
])
def test_who_is_dead(changes, dead):
    me = recorder.identity()
    assert who.is_dead({**me, **changes}, me) is dead


def test_the_next_run_closes_a_dead_one_once(place):
    dead = run_at(place, **DEAD)
    dead.start()
    dead.backup("db01", STARTED, False)
    dead.backup("db02", STARTED, False)
    dead.backup("db02", MADE, False)
    dead.flush()
    for _number in range(2):
        later = run_at(place)
        later.start()
        later.end({})
    closed = [entry for entry in read(place) if entry["type"] in ("copy_failed", "run_interrupted")]
    assert [(entry["type"], entry["run"], entry.get("host")) for entry in closed] == [("copy_failed", dead.run, "db01"), ("run_interrupted", dead.run, None)]
    assert closed[0]["error_code"] == "RSP705" and closed[0]["emitter"] != dead.run
    report = chain.verify_file(place / "db" / "bitacora.sqlite")
    assert report.whole and not report.notices


def test_the_log_holds_what_it_is_told_and_its_digest_is_in_the_last_entry(place):
    import hashlib

    run = run_at(place)
    run.start()
    run.log("ansible.builtin.command", "db01", "ok", 12)
    run.end({})
    text = (place / "logs" / (run.run + ".jsonl")).read_bytes()
    assert json.loads(text)["action"] == "ansible.builtin.command"
    assert read(place)[-1]["log_sha256"] == hashlib.sha256(text).hexdigest() and read(place)[-1]["log_lines"] == 1
