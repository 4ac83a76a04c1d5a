# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real run of mailbox.yml over a mailbox of a fake Microsoft Graph: recorded, and nothing of its secrets is seen."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from graph import server

from .conftest import Dovecot, Institution

SUBJECT = "SECRETO-de-Ana-4711"


def test_a_mailbox_of_graph_is_copied_because_of_a_risk_and_its_secrets_are_nowhere(tmp_path: Path, dovecot: Dovecot) -> None:
    fake = server.FakeGraph(dovecot.top)
    kept = fake.put(f"Subject: {SUBJECT}\r\n\r\n{SUBJECT}\r\n".encode())
    bad = fake.put(b"Subject: opaque\r\n\r\nx\r\n")
    fake.fail(rf"{bad}/\$value", 500, "ErrorMimeContentConversionFailed", 1000)
    house = Institution(tmp_path, dovecot)
    here = {
        "ansible_connection": "local", "ansible_python_interpreter": sys.executable, "common_install_tools": False,
        "backup_media": [{"name": "local", "path": str(tmp_path / "copias"), "create": True}], "backup_custody_directory": str(tmp_path / "custodia"),
        "backup_systems": [{"name": "AnaQuispe", "kind": "mailbox", "criticality": "baja", "office": "Oficina de Logística", "source": {
            "type": "graph", "user": server.USER, "endpoint": fake.url, "on_missing": "partial", "oauth": {
                "tenant": server.TENANT, "client_id": server.CLIENT, "client_secret": server.SECRET, "authority": fake.url,
                "ca_certs": str(dovecot.top / "cert.pem")}}}]}
    (tmp_path / "hosts.yml").write_text(json.dumps({"all": {"hosts": {"localhost": here}}}), "utf-8")
    (tmp_path / "llave").write_text("llave\n", "utf-8")
    try:
        told = house.run("mailbox", "--vault-password-file", str(tmp_path / "llave"), "-vvv", backup_emergency_reason="Cuenta comprometida")
        tokens = set(fake.tokens)
    finally:
        fake.close()
    made, = house.entries("copy_made")
    assert (made["objects"], made["source_type"], made["encrypted"]) == (1, "graph", True)
    assert bad in str(made["warnings"]) and kept not in str(made["warnings"]) and "La copia es parcial" in told
    seen = told.encode() + b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path.name != "hosts.yml")
    assert tokens and not any(secret.encode() in seen for secret in (SUBJECT, server.SECRET, *tokens))
    assert fake.wrong == []
