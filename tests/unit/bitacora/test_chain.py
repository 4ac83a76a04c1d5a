# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The chain tells of every way a line can be tampered with; the verifier stands alone."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import chain, entries


def tamper(path, *statements):
    """What somebody with the file and a SQLite shell can do: the triggers go first."""
    connection = sqlite3.connect(path)
    connection.execute("DROP TRIGGER entries_refuse_update")
    connection.execute("DROP TRIGGER entries_refuse_delete")
    connection.execute("DROP TRIGGER IF EXISTS entries_continue")
    for statement in statements:
        connection.execute(*statement) if isinstance(statement, tuple) else connection.execute(statement)
    connection.commit()
    connection.close()


def found(path):
    report = chain.verify_file(path)
    return {(finding.name, finding.n) for finding in report.findings}, report


def test_whole(copies):
    report = chain.verify_file(copies)
    assert report.whole and report.entries == 8 and report.head_n == 8 and report.notices == []


@pytest.mark.parametrize("column, value", [
    ("type", "copy_failed"), ("at_event", "2020-01-01T00:00:00Z"), ("at_recorded", "2020-01-01T00:00:00Z"), ("emitter", "R2"),
    ("n_emitter", 77), ("body_digest", "0" * 64), ("digest", "1" * 64),
])
def test_an_edited_column_is_found(copies, column, value):
    tamper(copies, ("UPDATE entries SET {0} = ? WHERE n = 5".format(column), (value,)))
    assert ("fields_changed", 5) in found(copies)[0]


def test_an_edited_body_is_found_and_told(copies):
    tamper(copies, "UPDATE entries SET body = replace(body, '21000', '21001') WHERE n = 5")
    findings, report = found(copies)
    assert findings == {("body_changed", 5)}
    assert "entry 5" in report.findings[0].english and "asiento 5" in report.findings[0].spanish


def test_an_edit_that_mends_its_own_digests_breaks_the_next_link(copies):
    connection = sqlite3.connect(copies)
    connection.row_factory = sqlite3.Row
    row = dict(connection.execute("SELECT * FROM entries WHERE n = 5").fetchone())
    connection.close()
    row["body"] = row["body"].replace("21000", "21001")
    row["body_digest"] = chain.digest_of_body(row["body"])
    row["digest"] = chain.digest_of_entry(row)
    tamper(copies, ("UPDATE entries SET body = :body, body_digest = :body_digest, digest = :digest WHERE n = 5", row))
    assert found(copies)[0] == {("unlinked", 6)}


def test_a_deleted_entry_is_found(copies):
    tamper(copies, "DELETE FROM entries WHERE n IN (4, 5)")
    findings, report = found(copies)
    assert ("missing", 6) in findings
    assert "faltan los asientos del 4 al 5" in report.findings[0].spanish


def test_a_deleted_entry_with_the_others_renumbered_is_found(copies):
    tamper(copies, "DELETE FROM entries WHERE n = 4", "UPDATE entries SET n = n - 1 WHERE n > 4")
    assert {("fields_changed", 4), ("unlinked", 4)} <= found(copies)[0]


def test_a_naively_cut_tail_is_found(copies):
    tamper(copies, "DELETE FROM entries WHERE n > 6")
    findings, report = found(copies)
    assert ("tail_missing", 6) in findings
    assert [notice.name for notice in report.notices] == ["run_without_end"]


def test_an_inserted_entry_is_found(copies):
    tamper(
        copies, "UPDATE entries SET n = n + 100 WHERE n > 4", "UPDATE entries SET n = n - 99 WHERE n > 100",
        "INSERT INTO entries SELECT 5, 'R9', 1, at_event, at_recorded, type, body, body_digest, printf('%064d', 7), printf('%064d', 8) "
        "FROM entries WHERE n = 4",
    )
    assert {("fields_changed", 5), ("unlinked", 5), ("fields_changed", 6)} <= found(copies)[0]


def test_swapped_entries_are_found(copies):
    tamper(copies, "UPDATE entries SET n = 99 WHERE n = 4", "UPDATE entries SET n = 4 WHERE n = 5", "UPDATE entries SET n = 5 WHERE n = 99")
    findings, report = found(copies)
    assert {("fields_changed", 4), ("fields_changed", 5), ("moved", 5)} <= findings
    assert any("está fuera de lugar" in finding.spanish for finding in report.findings)


def test_an_entry_its_writer_numbered_but_that_never_came_is_found(store):
    store.append("run_started", {"run": "R1"}, entries.now(), "R1", 1)
    store.append("run_ended", {"run": "R1"}, entries.now(), "R1", 3)
    assert found(store.path)[0] == {("lost_by_writer", 2)}


def test_a_run_without_end_is_told_but_breaks_nothing(store):
    store.append("run_started", {"run": "R1"}, entries.now(), "R1")
    findings, report = found(store.path)
    assert not findings and report.whole
    assert "R1" in report.notices[0].english and "no tiene fin" in report.notices[0].spanish


def test_a_removed_body_is_found(copies):
    tamper(copies, "UPDATE entries SET body = NULL WHERE n = 5")
    assert found(copies)[0] == {("body_removed", 5)}


@pytest.mark.parametrize("change", ["body = NULL", "body = '[]'", "body = '{}'", "body = json_remove(body, '$.error_code')"])
@pytest.mark.parametrize("type_", ["redaction", "correction", "key_changed", "withheld"])
def test_no_entry_makes_a_body_that_was_taken_out_whole(store, change, type_):
    """Issue 12, item 5: he who can write to the file appends a redaction and empties a copy_failed; the auditor's command says it is whole."""
    store.append("copy_failed", {"label": "SIGA_20261122", "error_code": "RSP402", "responsible": "una persona"}, entries.now(), "R1")
    store.append(type_, {"redacts": [1], "fields": ["responsible"], "reason": "Ley 29733"}, entries.now(), "X")
    path = store.path
    store.close()
    tamper(path, "UPDATE entries SET {0} WHERE n = 1".format(change))
    assert ("body_removed" if "NULL" in change else "body_changed", 1) in found(path)[0]
    done = subprocess.run([sys.executable, "-I", "-S", chain.__file__, path], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "asiento 1 fue" in done.stdout, done.stdout


@pytest.mark.parametrize("n_emitter", [10 ** 15, 2 ** 63 - 1])
def test_a_number_far_beyond_is_told_and_does_not_stop_the_verifier(store, n_emitter):
    store.append("run_started", {"run": "R1"}, entries.now(), "R1", 1)
    store.append("run_ended", {"run": "R1"}, entries.now(), "R1", n_emitter)
    assert ("lost_by_writer", 2) in found(store.path)[0]


@pytest.mark.parametrize("body", ["x'ff00'", "5", "'" + "[" * 100000 + "'"], ids=["bytes", "number", "deep"])
def test_what_is_no_text_is_told_and_does_not_stop_the_verifier(copies, body):
    connection = sqlite3.connect(copies)
    connection.executescript("CREATE TABLE loose AS SELECT * FROM entries; DROP VIEW bitacora; DROP TABLE entries; ALTER TABLE loose RENAME TO entries;"
                             "UPDATE entries SET body = {0} WHERE n IN (1, 8)".format(body))
    connection.close()
    assert {name for name, _n in found(copies)[0]} & {"unreadable", "body_changed"}


def test_a_bitacora_that_was_never_written_is_whole(store):
    assert chain.verify_file(store.path).whole


@pytest.fixture
def auditor(tmp_path):
    """The verifier alone in a directory, run by a Python that sees nothing else."""
    alone = tmp_path / "auditor"
    alone.mkdir()
    shutil.copy(chain.__file__, alone / "chain.py")

    def run(*arguments: object) -> subprocess.CompletedProcess:
        return subprocess.run([sys.executable, "-I", "-S", str(alone / "chain.py"), *map(str, arguments)], capture_output=True, text=True, timeout=60)

    return run


def test_the_auditor_is_told_that_it_is_whole(auditor, copies):
    done = auditor(copies)
    assert done.returncode == 0 and "La cadena está íntegra: 8 asientos" in done.stdout
    assert "The chain is whole: 8 entries" in auditor(copies, "--english").stdout


def test_the_auditor_is_told_where_it_broke(auditor, copies):
    tamper(copies, "DELETE FROM entries WHERE n = 4")
    done = auditor(copies, "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 1 and told["whole"] is False
    assert told["findings"][0]["n"] == 5 and "del 4 al 4" in told["findings"][0]["spanish"]


@pytest.mark.parametrize("content", [None, b"", b"not a database at all, though long enough to be looked at" * 10])
def test_the_auditor_is_told_that_it_could_not_be_checked(auditor, tmp_path, content):
    path = tmp_path / "other.sqlite"
    if content is not None:
        path.write_bytes(content)
    done = auditor(path)
    assert done.returncode == 2 and "No se pudo verificar" in done.stderr


def test_one_byte_of_the_file_is_enough(auditor, copies):
    whole = copies.read_bytes()
    place = whole.index(b"SIGA_20261121")
    copies.write_bytes(whole[:place] + b"X" + whole[place + 1:])
    assert auditor(copies).returncode == 1


def test_a_damaged_page_is_told(auditor, tmp_path):
    from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store

    path = Path(tmp_path / "large.sqlite")
    with open_store(str(path)) as store, store.exclusive():
        for number in range(400):
            store.append("copy_not_due", {"label": "SIGA", "run": "R1"}, entries.now(), "R1", number + 1)
    data = bytearray(path.read_bytes())
    place = data.index(b'"label":"SIGA"', len(data) // 2) // 4096 * 4096
    data[place:place + 4096] = b"\xff" * 4096
    path.write_bytes(bytes(data))
    done = auditor(path)
    assert done.returncode == 1 and "rota:" in done.stdout
