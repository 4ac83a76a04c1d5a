# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real runs of mailbox.yml (backup_mailbox) because of a risk that lasts: the second one begins with the first, which a changed copy can't be used for."""

from __future__ import annotations

from pathlib import Path

from opened_vault import opened

from .conftest import PASSWORD, Dovecot, Institution

SECRET = "SECRETO-de-Ana-4711"


def test_a_risk_that_lasts_has_only_what_is_new_travel(house: Institution, dovecot: Dovecot, tmp_path: Path) -> None:
    key = house.holds_a_mailbox()

    def copied(**given: object) -> dict:
        nonlocal told
        told += house.run("mailbox", "-vvv", *key, backup_emergency_reason="El equipo falla", **given)
        return house.entries("copy_made")[-1]

    told = ""
    dovecot.put(*(b"Subject: %s %d\r\n\r\n" % (SECRET.encode(), number) + b"x" * 4000 + b"\r\n" for number in range(20)))
    first = copied()
    assert (first["travelled_objects"], first["objects"]) == (20, 20) and "since" not in first and "note_es" not in first
    dovecot.put(b"Subject: nuevo\r\n\r\nx\r\n")
    second = copied()
    assert (second["since"], second["travelled_objects"], second["objects"], second["trust_level"]) == (first["label"], 1, 21, "T2")
    assert second["travelled"] < first["travelled"] / 4 and "warning_keys" not in second
    # of 21 mails 20 are read again, by chance
    assert second["note_es"] == f"Viajaron 1 de 21 mensajes; los demás son los de la copia {first['label']}" + (
        " y los bytes de 1 de ellos no se volvieron a leer en el servidor" if second["not_read_again"] else "") and second["not_read_again"] in (0, 1)
    assert second["key_reference"] != first["key_reference"] and second["key_id"] != first["key_id"]

    file, = (tmp_path / "copias/mailbox/AnaQuispe" / second["label"]).glob("*.tar*")
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    third = copied()
    assert (third["travelled_objects"], third["objects"]) == (21, 21) and "since" not in third and third["warning_keys"] == ["earlier_damaged"]
    assert any("RSP501" in each and second["label"] in each for each in third["warnings_es"])
    fourth = copied(backup_mailbox_only_new="no")
    assert fourth["travelled_objects"] == 21 and "warning_keys" not in fourth

    # each opens by its own password, and none is told, nor lies anywhere but in custody
    files = [path for path in (tmp_path / "custodia").rglob("*") if path.is_file() and path.read_bytes().startswith(b"$ANSIBLE_VAULT")]
    passwords = {opened(path, tmp_path / "llave")["password"] for path in files}
    assert len(passwords) == 4
    elsewhere = (path for path in tmp_path.rglob("*") if path.is_file() and path.name != "hosts.yml")
    seen = told.encode() + b"".join(path.read_bytes() for path in elsewhere)
    assert not any(word.encode() in seen for word in (SECRET, PASSWORD, *passwords))
