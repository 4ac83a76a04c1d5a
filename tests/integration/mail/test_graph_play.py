# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real run of mailbox.yml over a mailbox of a fake Microsoft Graph: recorded, and nothing of its secrets is seen."""

from __future__ import annotations

from pathlib import Path

from graph import server

from .conftest import Dovecot, Institution

SUBJECT = "SECRETO-de-Ana-4711"


def test_a_mailbox_of_graph_is_copied_because_of_a_risk_twice_and_compared_and_its_secrets_are_nowhere(tmp_path: Path, dovecot: Dovecot) -> None:
    fake = server.FakeGraph(dovecot.top)
    kept = fake.put(f"Subject: {SUBJECT}\r\n\r\n{SUBJECT}\r\n".encode())
    house = Institution(tmp_path, dovecot)
    key = house.holds_a_mailbox(backup_systems=[{"name": "AnaQuispe", "kind": "mailbox", "criticality": "baja", "office": "Oficina de Logística", "source": {
        "type": "graph", "user": server.USER, "endpoint": fake.url, "on_missing": "partial", "oauth": {
            "tenant": server.TENANT, "client_id": server.CLIENT, "client_secret": server.SECRET, "authority": fake.url,
            "ca_certs": str(dovecot.top / "cert.pem")}}}])
    try:
        told = house.run("mailbox", *key, "-vvv", backup_emergency_reason="Cuenta comprometida")
        first, = house.entries("copy_made")
        assert (first["objects"], first["source_type"], first["encrypted"], first["travelled_objects"]) == (1, "graph", True, 1)
        told += house.run("verify", *key, "-vvv", verify_level="T4")
        verified, = house.entries("copy_verified")
        assert verified["trust_level"] == "T4" and {"mailbox_listed", "source_mails"} <= set(verified["checks"])
        assert any(each.startswith("Del buzón como está ahora, 1 mensajes están en el estado que se copió") for each in verified["warnings_es"])
        # the same risk again: what is there already does not travel, and what can't be given is missing all the same
        new, bad = fake.put(b"Subject: nuevo\r\n\r\nx\r\n"), fake.put(b"Subject: opaque\r\n\r\nx\r\n")
        fake.fail(rf"{bad}/\$value", 500, "ErrorMimeContentConversionFailed", 1000)
        told += house.run("mailbox", *key, "-vvv", backup_emergency_reason="Cuenta comprometida")
        tokens = set(fake.tokens)
    finally:
        fake.close()
    made = house.entries("copy_made")[-1]
    assert (made["since"], made["travelled_objects"], made["objects"], made["lacks"]) == (first["label"], 1, 2, 1)
    assert made["note_es"].startswith(f"Viajaron 1 de 2 mensajes; los demás son los de la copia {first['label']}")
    assert bad in str(made["warnings"]) and kept not in str(made["warnings"]) and new not in str(made["warnings"]) and "La copia es parcial" in told
    seen = told.encode() + b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path.name != "hosts.yml")
    assert tokens and not any(secret.encode() in seen for secret in (SUBJECT, server.SECRET, *tokens))
    assert fake.wrong == []
