# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the worst day refuses: copies that are not ours to adopt, places that are taken, a bitácora that is not whole."""

from __future__ import annotations

import os
import sqlite3

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine import result
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._copying import adopting, recovering, vouching

AT, DIGEST, NAME = "2026-11-24T15:00:00Z", "a" * 64, "SIGA_20261124"
SIGA = {"name": "SIGA", "kind": "database", "criticality": "alta", "office": "OTI", "source": {"password": "secreta"}}
MANIFEST = {"kind": "database", "system": "SIGA", "encrypted": True, "started_at": AT, "ended_at": AT, "compression": "zstd",
            "parts": [{"file": "SIGA_20261124.siga.dump.zst.gpg", "size": 5, "size_original": 9, "sha256": DIGEST}],
            "key_reference": "custodia:database/OTRO/X"}
CUSTODIAN = vouching.Asked({"kit": "", "bitacora": ""}, "", "", by_key=False)


@pytest.fixture
def lost(tmp_path):
    with open_store(str(tmp_path / "bitacora.sqlite")) as made:
        yield made


def test_what_is_never_adopted(lost):
    lost.append("copy_started", {"label": NAME, "kind": "database", "system": "SIGA"}, AT, "prueba")
    assert adopting.why_not(lost, "database", "SIGA", NAME, DIGEST) == "", "begun, as the bitácora's own copy is in its copy"
    lost.append("copy_failed", {"label": NAME, "kind": "database", "system": "SIGA", "error_code": "RSP705"}, AT, "prueba")
    assert adopting.why_not(lost, "database", "SIGA", NAME, DIGEST) == "", "closed by the run that found it open"
    assert "huellas" in adopting.why_not(lost, "database", "SIGA", NAME, "")
    assert "de este sistema" in adopting.why_not(lost, "database", "SIGA", "OTRO_20261124", DIGEST)
    assert "no es un rótulo" in adopting.why_not(lost, "database", "SIGA", "copia manual", DIGEST)
    for ended in ("copy_failed", "copy_pruned", "copy_made"):
        name = NAME + {"copy_failed": "_02", "copy_pruned": "_03", "copy_made": "_04"}[ended]
        n = lost.append(ended, {"label": name, "kind": "database", "system": "SIGA", "error_code": "RSP501"}, AT, "prueba")
        assert ended in adopting.why_not(lost, "database", "SIGA", name, DIGEST), n


def adopted(closed=False, **answer):
    asked = []

    def read(given):
        asked.append(given)
        return {"manifest": MANIFEST, "backup": {"size": 7, "checks": ["sha256"], "source_type": "postgresql", "key_reference": "otra"}, **answer}

    return adopting.adopt(read, SIGA, {"name": "nas", "path": "/srv/copias"}, NAME, DIGEST, "Incendio", closed), asked


def test_an_adopted_copy_is_what_was_read_and_its_key_is_never_what_the_medium_says():
    entry, (asked,) = adopted()
    assert (asked["level"], asked["sha256"]) == ("T1", DIGEST)
    assert {name: entry[name] for name in ("event", "trust_level", "medium", "key_reference", "reason", "size", "size_original", "started_at", "office")} == {
        "event": "copy_made", "trust_level": "T1", "medium": "nas", "key_reference": f"custodia:database/SIGA/{NAME}", "reason": "adopted", "size": 7,
        "size_original": 9, "started_at": AT, "office": "OTI"}
    assert "Incendio" in entry["note_es"] and "secreta" not in str(entry) and result.clean(entry) == entry


def test_a_copy_of_a_file_server_is_adopted_from_its_own_repository_alone():
    files = {**SIGA, "kind": "file_server"}
    manifest = {**MANIFEST, "kind": "file_server", "parts": [], "restic": {"repository": "Organo-OTI", "total_bytes_processed": 9, "total_files_processed": 2}}

    def adopted_from(*own):
        return adopting.adopt(lambda _asked: {"manifest": manifest, "backup": {"size": 7}}, files, {"name": "nas"}, NAME, DIGEST, "Incendio", own=own)

    entry = adopted_from("SIGA", "Organo-OTI")
    assert (entry["repository"], entry["key_reference"], entry["size_original"], entry["objects"], entry["trust_level"]) == (
        "Organo-OTI", "custodia:file_server/Organo-OTI/repositorio", 9, 2, "T1")
    with pytest.raises(BackupError) as caught:
        adopted_from("SIGA")
    assert caught.value.code == "RSP793" and "repositorio" in caught.value.spanish


@pytest.mark.parametrize("answer", [
    {"failed": True, "error": {"message": "other bytes"}}, {"manifest": {**MANIFEST, "system": "OTRO"}}, {"manifest": {**MANIFEST, "kind": "source_code"}},
    {"manifest": None}])
def test_what_does_not_read_as_a_copy_of_its_system_is_refused(answer):
    with pytest.raises(BackupError) as caught:
        adopted(**answer)
    assert caught.value.code == "RSP793" and NAME in caught.value.spanish


def test_one_in_clear_of_a_system_whose_copies_are_encrypted_is_not_adopted():
    adopted(closed=True)
    with pytest.raises(BackupError) as caught:
        adopted(closed=True, manifest={**MANIFEST, "encrypted": False})
    assert caught.value.code == "RSP793"


def test_a_kit_in_clear_is_none_whoever_laid_it_there(monkeypatch):
    copies = [{"label": "X_20991122", "sha256": DIGEST, "manifest": {"started_at": "2099-11-22T00:00:00Z", "encrypted": False}}]
    action = recovering.RecoverAction.__new__(recovering.RecoverAction)
    monkeypatch.setattr(action, "module", lambda *_asked: {"copies": copies}, raising=False)
    given = {"medium": {"name": "nas"}, "kit": "Maletín", "kit_label": "", "kit_sha256": ""}
    with pytest.raises(BackupError) as caught:
        action._whole(given, "kit", {})
    assert caught.value.code == "RSP794"
    copies.append({"label": "X_20261122", "sha256": DIGEST, "manifest": {"started_at": "2026-11-22T00:00:00Z", "encrypted": True}})
    assert [copy["label"] for copy in action._whole(given, "kit", {})[0]] == ["X_20261122"]


def test_nothing_that_stands_in_a_place_is_replaced(tmp_path):
    source, place = tmp_path / "aparte", tmp_path / "etc" / "clave"
    source.write_text("nueva")
    recovering._put(source, str(place), tmp_path)
    assert place.read_text() == "nueva" and not source.exists()
    source.write_text("otra")
    with pytest.raises(BackupError) as caught:
        recovering._put(source, str(place), tmp_path)
    assert caught.value.code == "RSP795" and place.read_text() == "nueva" and source.read_text() == "otra"
    os.symlink(tmp_path / "nada", tmp_path / "enlace")
    with pytest.raises(BackupError):
        recovering._put(source, str(tmp_path / "enlace"), tmp_path)


def test_a_bitacora_whose_chain_is_broken_or_that_is_none_is_refused(lost, tmp_path):
    with pytest.raises(BackupError) as caught:
        recovering._proved(tmp_path / "bitacora.sqlite", "BITACORA_20261124", CUSTODIAN)
    assert caught.value.code == "RSP796" and "no tiene asientos" in caught.value.spanish
    for _each in range(3):
        lost.append("copy_started", {"label": NAME}, AT, "prueba")
    assert recovering._proved(tmp_path / "bitacora.sqlite", "X", CUSTODIAN).entries == 3
    with sqlite3.connect(tmp_path / "bitacora.sqlite") as database:
        database.execute("DROP TRIGGER IF EXISTS entries_no_update")
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f'DROP TRIGGER "{name}"')
        database.execute("UPDATE entries SET body = '{}' WHERE n = 2")
    with pytest.raises(BackupError) as caught:
        recovering._proved(tmp_path / "bitacora.sqlite", "BITACORA_20261124", CUSTODIAN)
    assert caught.value.code == "RSP796" and "asiento 2" in caught.value.spanish
    (tmp_path / "texto").write_text("no es una base de datos, ni lo fue nunca" * 100)
    with pytest.raises(BackupError) as caught:
        recovering._proved(tmp_path / "texto", "X", CUSTODIAN)
    assert caught.value.code == "RSP796"


def test_a_kit_that_does_not_say_where_its_files_belong_is_refused():
    for paths in ([], ["../etc/passwd"], ["/srv/../etc"], [5]):
        with pytest.raises(BackupError) as caught:
            recovering._paths({"label": "X", "manifest": {"source": {"facts": {"real_paths": paths}}}})
        assert caught.value.fault.name == "manifest_unreadable"
