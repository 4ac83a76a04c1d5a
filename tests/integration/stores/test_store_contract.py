# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every store promises, tried on SQLite and on PostgreSQL alike. The tests of the SQLite store that hold for any are run again here."""

from __future__ import annotations

import importlib.util
import multiprocessing
import sys
from pathlib import Path

from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import chain, entries, view
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._reports import capacity, facts

_UNIT = Path(__file__).resolve().parents[2] / "unit/bitacora/test_store.py"
_SHARED = (
    "test_the_same_number_of_a_writer_twice_is_one_entry", "test_an_exclusive_block_is_written_whole_or_not_at_all", "test_filters",
    "test_labels_and_last_good", "test_damage_is_of_one_medium", "test_spanish_rows",
)
_specification = importlib.util.spec_from_file_location("test_store_of_sqlite", _UNIT)
_module = importlib.util.module_from_spec(_specification)
sys.modules[_specification.name] = _module
_specification.loader.exec_module(_module)
globals().update({name: getattr(_module, name) for name in _SHARED})


def write(url, writer, count):
    for number in range(count):
        with open_store(url) as store:
            store.append("copy_not_due", {"label": f"S_{number}", "run": "R"}, entries.now(), f"W{writer}", number + 1)


def test_eight_writers_at_once_lose_nothing(url):
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write, args=(url, number, 25)) for number in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(120)
    assert [writer.exitcode for writer in writers] == [0] * 8
    with open_store(url, readonly=True) as store:
        report = store.verify()
        assert report.whole and report.entries == 200
        assert {entry["emitter"] for entry in store.entries()} == {f"W{number}" for number in range(8)}


_ODD = "ñandú \\ \"comillas\" \\N \\x41 tab\tsalto\nnulo\0 retorno\r 日本 {no} %s ?"


def test_any_text_comes_back_as_it_was_and_the_chain_holds(store):
    # of a type without a schema: what tells of a copy is given to readers in its form
    store.append("unheard_of", {"system": _ODD, "kind": "database", "label": "A", "note_es": _ODD}, entries.now(), "R1")
    store.append("copy_made", {"system": "SIGA", "kind": "database", "label": "B", "size": "mucho", "started_at": "ayer"}, entries.now(), "R1")
    assert store.entries(label="A")[0]["note_es"] == _ODD
    assert [tuple(row) for row in store.raw()] == [tuple(row) for row in store.run(f"SELECT {', '.join(chain.COLUMNS)} FROM entries ORDER BY n")]
    assert store.verify().whole
    assert [row["nombre_respaldo"] for row in store.rows()] == ["A", "B"], "an entry that is odd must not hide the others"


def test_the_last_good_copies_of_many_are_those_of_each(store):
    for system, kind in (("A", "database"), ("B", "database"), ("A", "source_code"), ("C", "database")):
        for day in range(1, 6):
            said = {"system": system, "kind": kind, "label": f"{system}_2026110{day}", "medium": "local", "trust_level": "T2",
                    "started_at": f"2026-11-0{day}T03:00:00Z"}
            store.append("copy_made", said, said["started_at"], "R1")
            if system == "B" and day > 2:
                store.append("copy_damaged", {**said, "verification_level": "T2"}, said["started_at"], "R1")
            if system == "C":
                store.append("copy_pruned", said, said["started_at"], "R1")
    wanted = [("A", "database"), ("B", "database"), ("A", "source_code"), ("C", "database"), ("D", "database")]
    many = store.last_good_of(wanted)
    assert {pair: copy["label"] for pair, copy in many.items()} == {
        ("A", "database"): "A_20261105", ("B", "database"): "B_20261102", ("A", "source_code"): "A_20261105"}
    assert many == {pair: found for pair in wanted if (found := store.last_good(pair[1], pair[0]))}
    assert store.kept(wanted[:1] + wanted[3:4] and [("database", "A"), ("database", "C")])["database", "A"] == [(["local"], 0)] * 5


def test_runs_without_end_and_the_ends_of_the_chain(store):
    for number, ended in ((1, True), (2, False), (3, True)):
        store.append("run_started", {"run": f"R{number}"}, f"2026-11-0{number}T03:00:00Z", f"R{number}")
        if ended:
            store.append("run_ended", {"run": f"R{number}"}, f"2026-11-0{number}T04:00:00Z", f"R{number}")
    assert [entry["run"] for entry in store.open_runs()] == ["R2"]
    assert [entry["n"] for entry in store.ends()] == [1, 5]
    store.prove_writable()
    assert len(store.entries()) == 5, "proving leaves nothing"


def test_warnings_are_read_and_levels_reckoned_alike(store):
    """In Spanish, or as an entry of an earlier release has them; one that is no list of texts hides no other."""
    gib = 1024 ** 3
    rows = ({"warnings": ["x"], "warnings_es": ["Uno.", "Dos «é»."], "note_es": "Nota"}, {"warnings": ["One.", "Two."]}, {"warnings": "text", "size": 5},
            {"warnings_es": [{"a": 1}, 7]}, {"warnings": []},
            {"repository": "R", "size_original": 9 * gib, "repository_sizes": [3 * gib], "label": "V_20261105"})
    for number, more in enumerate(rows):
        body = {"system": "V", "kind": "database", "label": f"V_2026110{number}", "medium": "nas", "size": gib, **more}
        store.append("copy_made", body, f"2026-11-1{number}T10:00:00Z", "avisos")
    told = [row["observaciones"] or "" for row in store.rows(system="V")]
    assert told[:2] == ["Nota. Advertencias: Uno. Dos «é».", "Advertencias: One. Two."] and told[4] == ""
    levels = capacity.history(row for row in store.changes() if row["system"] == "V")["nas"]
    assert [level for _at, level in levels][-1] == 4 * gib + 5 + 3 * gib


def test_both_views_have_the_same_columns(store):
    assert tuple(store.rows()[0] if store.rows() else dict.fromkeys(view.COLUMNS)) == view.COLUMNS


def test_an_edit_behind_the_triggers_is_found(copies, server, request):
    if not copies.startswith("postgresql"):
        import sqlite3
        with sqlite3.connect(copies) as connection:
            connection.execute("DROP TRIGGER entries_refuse_update")
            connection.execute("UPDATE entries SET body = replace(body, '20000', '99999') WHERE n = 3")
    else:
        server.sql("ALTER TABLE respaldo.entries DISABLE TRIGGER USER; UPDATE respaldo.entries SET body = replace(body, '20000', '99999') WHERE n = 3",
                   copies.rsplit("/", 1)[1])
    with open_store(copies, readonly=True) as store:
        assert [(finding.name, finding.n) for finding in store.verify().findings] == [("body_changed", 3)]


def test_a_board_says_of_the_chain_what_the_store_says(copies):
    with open_store(copies, readonly=True) as store, facts._verifying(store) as verified:
        beside = verified()
        assert beside == store.verify() and beside.entries == 8
