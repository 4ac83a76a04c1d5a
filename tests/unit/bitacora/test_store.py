# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The store keeps what it is given, whoever else writes, and gives it back by every filter."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import stat
import unicodedata

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.plugin_utils import _places
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import chain, entries, view
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import store as stores


def write(path: str, writer: int, count: int) -> None:
    for number in range(count):
        with stores.open_store(path) as store:
            store.append("copy_not_due", {"label": "S_{0}".format(number), "run": "R"}, entries.now(), "W{0}".format(writer), number + 1)


@pytest.mark.slow
def test_eight_writers_at_once_lose_nothing(tmp_path):
    path = str(tmp_path / "new" / "bitacora.sqlite")
    # spawn: what is tested is processes, as eight ansible-playbook are, not one SQLite forked
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write, args=(path, number, 25)) for number in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(120)
    assert [writer.exitcode for writer in writers] == [0] * 8
    report = chain.verify_file(tmp_path / "new" / "bitacora.sqlite")
    assert report.whole and report.entries == 200


def test_the_view_of_a_file_is_not_believed_and_ours_is_made_when_rows_are_read(tmp_path):
    path = tmp_path / "bitacora.sqlite"
    write(str(path), 1, 2)
    with sqlite3.connect(path) as forger:
        forger.executescript("DROP VIEW bitacora; CREATE VIEW bitacora AS SELECT {0}".format(", ".join("'nada' AS " + name for name in view.COLUMNS)))
    forger.close()
    for readonly in (True, False):
        with stores.open_store(str(path), readonly=readonly) as store:
            assert len(store.entries()) == 2 and not store.select("SELECT name FROM sqlite_temp_master"), "it is made for who reads it alone"
            for _each in range(2):
                assert [row["n"] for row in store.rows()] == [1, 2] and "nada" not in str(store.rows(type="copy_not_due"))


def test_modes_of_file_and_directory(tmp_path):
    former = os.umask(0)
    try:
        stores.open_store(str(tmp_path / "new" / "bitacora.sqlite")).close()
    finally:
        os.umask(former)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o750
    assert stat.S_IMODE((tmp_path / "new" / "bitacora.sqlite").stat().st_mode) == 0o640


def test_durable_settings(store):
    assert store._connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert store._connection.execute("PRAGMA synchronous").fetchone()[0] == 2
    with pytest.raises(sqlite3.IntegrityError):
        store._connection.execute("INSERT INTO entries VALUES ('one', 'R', 1, '', '', '', '', '', 'a', 'b')")


@pytest.mark.parametrize("statement", ["UPDATE entries SET type = 'copy_made'", "DELETE FROM entries"])
def test_the_store_refuses_to_change_or_forget(copies, statement):
    with stores.open_store(str(copies)) as store, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        store._connection.execute(statement)


def test_the_same_number_of_a_writer_twice_is_one_entry(store):
    first = store.append("copy_made", {"label": "A"}, "2026-11-22T00:00:00Z", "R1", 1)
    assert store.append("copy_made", {"label": "A"}, "2026-11-22T00:00:00Z", "R1", 1) == first
    with pytest.raises(BackupError, match="another entry"):
        store.append("copy_made", {"label": "B"}, "2026-11-22T00:00:00Z", "R1", 1)
    assert len(store.entries()) == 1


def test_an_exclusive_block_is_written_whole_or_not_at_all(store):
    with pytest.raises(RuntimeError), store.exclusive():
        store.append("copy_made", {"label": "A"}, entries.now(), "R1")
        raise RuntimeError
    assert store.entries() == []
    assert store.append("copy_made", {"label": "B"}, entries.now(), "R1").n == 1


def test_filters(copies):
    with stores.open_store(str(copies), readonly=True) as store:
        labels = [entry["label"] for entry in store.entries(system="SIGA", kind="database", type="copy_made")]
        assert labels == ["SIGA_20261120", "SIGA_20261121", "SIGA_20261122"]
        assert [entry["label"] for entry in store.entries(type="copy_made", limit=2)] == labels[1:]
        assert [entry["label"] for entry in store.entries(type="copy_made", limit=2, newest_first=True)] == labels[:0:-1]
        assert len(store.entries(run="R1")) == 8 and store.entries(run="R2") == [] and store.entries(system="siga") == []
        assert len(store.entries(label="SIGA_20261121")) == 2
        assert len(store.entries(result="good")) == 3 and len(store.entries(result="started")) == 3
        # 03:01 UTC of the 21st is still the 20th in Lima
        assert [entry["label"] for entry in store.entries(since="2026-11-20", until="2026-11-20", result="good")] == ["SIGA_20261121"]
        assert len(store.entries(since="2026-11-20", until="2026-11-20", result="good", zone="UTC")) == 1
        with pytest.raises(BackupError, match="is not a date"):
            store.entries(since="ayer")
        with pytest.raises(BackupError, match="is not a result"):
            store.entries(result="green")


def test_labels_and_last_good(store):
    said = {"system": "SIGA", "kind": "database"}

    def add(type_: str, **body: object) -> None:
        store.append(type_, {**said, **body}, body.get("started_at", entries.now()), "R1")

    assert store.last_good("database", "SIGA") is None and store.labels("database", "SIGA") == set()
    add("copy_made", label="SIGA_20261120", trust_level="T2", started_at="2026-11-20T00:00:00Z")
    add("copy_failed", label="SIGA_20261121")
    add("copy_made", label="SIGA_20261122", trust_level="T2", simulated=True)
    add("copy_made", label="SIGA_20261123", trust_level="T1", started_at="2026-11-21T00:00:00Z")
    assert store.labels("database", "SIGA") == {"SIGA_20261120", "SIGA_20261121", "SIGA_20261123"}
    assert store.labels("source_code", "SIGA") == set()
    assert store.last_good("database", "SIGA")["label"] == "SIGA_20261120"
    assert store.last_good("database", "SIGA", "T1")["label"] == "SIGA_20261123"
    add("copy_verified", label="SIGA_20261123", trust_level="T3")
    assert store.last_good("database", "SIGA")["label"] == "SIGA_20261123"
    add("copy_damaged", label="SIGA_20261123")
    assert store.last_good("database", "SIGA")["label"] == "SIGA_20261120"


def test_damage_is_of_one_medium(store):
    """A copy that lies on two media is not good when one of them lost it, but can be restored from the other."""
    said = {"system": "SIGA", "kind": "database", "label": "SIGA_20261120"}

    def add(type_: str, **body: object) -> None:
        store.append(type_, {**said, **body}, entries.now(), "R1")

    def media() -> dict:
        return store.copies("database", "SIGA")[0]["media"]

    add("copy_made", medium="local, nas", trust_level="T2", started_at="2026-11-20T00:00:00Z")
    assert media() == {"local": "T2", "nas": "T2"}
    add("copy_damaged", medium="local", simulated=True)
    assert store.last_good("database", "SIGA") is not None
    add("copy_damaged", medium="local")
    add("copy_verified", medium="nas", trust_level="T3")
    assert media() == {"local": "", "nas": "T3"} and store.last_good("database", "SIGA") is None
    add("copy_verified", medium="local", trust_level="T2")
    assert store.last_good("database", "SIGA")["trust_level"] == "T3"
    add("copy_damaged", medium="local", verification_level="T3")
    add("copy_verified", medium="local", trust_level="T2")
    assert media()["local"] == "", "reading it again does not answer a restore that came out otherwise"
    add("copy_verified", medium="local", trust_level="T3")
    assert media()["local"] == "T3"
    add("copy_damaged", label="SIGA_20261121", medium="local")
    assert len(store.copies("database", "SIGA")) == 1


def test_canonical_form():
    decomposed = unicodedata.normalize("NFD", "Núñez")
    assert entries.canonical({"b": decomposed, "a": [1, True, {"z": 1, "y": ""}]}) == '{"a":[1,true,{"y":"","z":1}],"b":"Núñez"}'
    assert entries.canonical({"name": "\udcff.txt"}) == '{"name":"?.txt"}'
    for wrong in (1.5, None, b"bytes"):
        with pytest.raises(TypeError):
            entries.canonical({"a": wrong})


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs", "9p"])
def test_a_network_file_system_is_refused(tmp_path, monkeypatch, kind):
    mounts = tmp_path / "mountinfo"
    mounts.write_text("20 1 8:1 / / rw - ext4 /dev/sda1 rw\n30 20 0:40 / {0}/share rw shared:1 - {1} srv:/x rw\n".format(tmp_path, kind))
    assert _places.mounted(tmp_path / "share" / "deep" / "b.sqlite", str(mounts)).type == kind
    assert _places.mounted(tmp_path / "shared", str(mounts)).type == "ext4"
    monkeypatch.setattr(_places, "mounted", lambda path: _places.Mounted(kind, "/", "/"))
    with pytest.raises(BackupError) as raised:
        stores.open_store(str(tmp_path / "share" / "b.sqlite"))
    assert raised.value.code == "RSP707" and kind in raised.value.message


def test_the_database_of_something_else_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "theirs.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE entries (theirs)")
    before = path.read_bytes()
    with pytest.raises(BackupError, match="something else"):
        stores.open_store(str(path))
    assert path.read_bytes() == before


@pytest.mark.parametrize("url", ["postgresql://writer:planted@db/bitacora", "mysql://x"])
def test_an_unknown_store_is_refused_without_repeating_its_password(url):
    with pytest.raises(BackupError) as raised:
        stores.open_store(url)
    assert raised.value.code == "RSP101" and "planted" not in raised.value.message


def test_reading_what_is_not_there(tmp_path):
    with pytest.raises(BackupError) as raised:
        stores.open_store(str(tmp_path / "none.sqlite"), readonly=True)
    assert raised.value.code == "RSP708"
    assert not (tmp_path / "none.sqlite").exists()


def test_an_old_view_is_replaced(copies):
    with sqlite3.connect(copies) as connection:
        connection.execute("DROP VIEW bitacora")
        connection.execute("CREATE VIEW bitacora AS SELECT n FROM entries WHERE 0")
    with stores.open_store(str(copies)) as store:
        assert len(store.rows()) == 3


def test_spanish_rows(store):
    said = {"run": "R1", "host": "db01", "system": "SIGA", "kind": "database", "label": "SIGA_20261121", "printed_label": "SIGA_2026 11 21"}
    store.append("run_started", {"run": "R1"}, "2026-11-22T03:00:00Z", "R1")
    store.append("copy_started", {**said, "started_at": "2026-11-22T03:00:00Z"}, "2026-11-22T03:00:00Z", "R1")
    assert [row["resultado"] for row in store.rows()] == ["En curso"]
    store.append("copy_made", {
        **said, "started_at": "2026-11-22T03:00:00Z", "size": 1500, "previous_size": 1000, "duration_ms": 3725000, "reason": "emergency",
        "reason_text": "inundación", "executed_by": "ana", "responsible": "Ana Núñez", "sha256": "ab" * 32, "trust_level": "T2",
    }, "2026-11-22T05:30:00Z", "R1")
    store.append("copy_failed", {**said, "label": "X", "error_code": "RSP705", "error_message_es": "se cortó"}, "2026-11-22T05:30:00Z", "R1")
    store.append("copy_made", {**said, "label": "Y", "simulated": True}, "2026-11-22T05:30:00Z", "R1")
    made, failed, simulated = store.rows()
    assert (made["fecha"], made["hora"]) == ("2026-11-21", "22:00:00")
    assert (made["nombre_respaldo"], made["rotulo"], made["tipo"], made["servidor"]) == ("SIGA_20261121", "SIGA_2026 11 21", "Base de datos", "db01")
    assert (made["resultado"], made["variacion"], made["duracion"]) == ("Generada", "+50,0 %", "1:02:05")
    assert made["motivo"] == "Riesgo no controlado: inundación" and made["tamano"] == 1500 and made["ejecucion"] == "R1"
    assert failed["resultado"] == "Interrumpida" and failed["observaciones"] == "RSP705: se cortó"
    assert simulated["resultado"] == "Simulación: Generada"
    assert store.rows(zone="UTC")[0]["hora"] == "03:00:00"
    assert len(store.rows(result="good")) == 1


@pytest.mark.parametrize("width", [80, 100, 132, 170, 200])
def test_the_table_fits_and_is_aligned(width):
    rows = [
        {"n": 9, "fecha": "2026-11-21", "hora": "22:00:00", "nombre_respaldo": "Trámite_20261121", "resultado": "Generada", "tamano": 1500000000,
         "tipo": "Base de datos", "sistema": unicodedata.normalize("NFD", "Trámite"), "servidor": "db01", "responsable": "Ana Núñez",
         "huella_sha256": "ab" * 32},
        {"n": 10, "fecha": "2026-11-22", "hora": "22:00:00", "nombre_respaldo": "SIGA_20261122", "resultado": "Fallida", "tipo": "Código fuente",
         "sistema": "SIGA", "servidor": "git01", "responsable": "漢字", "observaciones": "RSP302: \x1b[31mrojo\x1b[0m\nlínea " + "larga " * 40},
    ]
    lines = view.table(rows, width)
    assert max(view.width_of(line) for line in lines) <= width
    text = "\n".join(lines)
    for wanted in ("Fecha", "Hora", "Nombre del respaldo", "Tipo", "Sistema", "Servidor", "Responsable", "Tamaño", "Resultado", "Huella",
                   "Trámite_20261121", "1,4 GiB", "Ana Núñez", "RSP302", "2 asientos"):
        assert wanted in text, wanted
    assert "\x1b" not in text
    first, second = (next(line for line in lines if label in line) for label in ("Trámite_20261121", "SIGA_20261122"))
    assert first.index("Generada") == second.index("Fallida") == lines[0].index("Resultado")


def test_a_long_observation_is_shown_whole():
    told = "Advertencias: " + " ".join(f"La tabla n.º {number} no se copió." for number in range(30)) + " " + "x" * 300 + " Fin."
    lines = view.table([{"n": 1, "fecha": "2026-11-21", "observaciones": told}, {"n": 2, "fecha": "2026-11-22"}], 100)
    assert max(view.width_of(line) for line in lines) <= 100
    said = " ".join(line.strip() for line in lines)
    assert all(f"n.º {number} no" in said for number in range(30)) and "Fin." in said and "2 asientos" in said
    assert len(view.table([{"n": 1, "observaciones": "larga " * 5000}], 80)) < 60


def test_no_rows():
    assert view.table([], 80) == ["La bitácora no tiene asientos con esos criterios."]


def test_a_copy_dated_in_the_future_does_not_hide_those_made_after_it(tmp_path):
    """The clock was once ahead; what was copied since is what counts."""
    with stores.open_store(str(tmp_path / "b.sqlite")) as store:
        for label, at in (("S_20280601", "2028-06-01T10:00:00Z"), ("S_20280301", "2028-03-01T14:00:00Z")):
            body = {"started_at": at, "label": label, "system": "S", "kind": "database", "trust_level": "T2", "medium": "local"}
            store.append("copy_made", body, entries.now(), "test")
        assert store.last_good("database", "S")["label"] == "S_20280601"
        assert store.last_good("database", "S", until="2028-03-01T15:00:00Z")["label"] == "S_20280301"
        assert store.last_good("database", "S", until="2028-01-01T00:00:00Z")["label"] == "S_20280601", "told rather than nothing"
        assert store.last_good("database", "T", until="2028-01-01T00:00:00Z") is None
