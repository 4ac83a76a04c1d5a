# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a real restore under a ticket is told of: where it lies now, from which copy, how it was verified, and what was changed after that copy (5.3 c)."""

from __future__ import annotations

import datetime
import json
import os
import sqlite3
import subprocess
import sys

from .conftest import ACTORS, ROOT


def test_the_request_for_conformity_says_what_was_restored_where_and_how_it_was_verified(institution):
    top = institution.directory
    with sqlite3.connect(top / "siga.sqlite") as database:
        database.execute("CREATE TABLE t (a)")
    people = {**ACTORS, "egcr": {**ACTORS["egcr"], "database": {"titular": [{"name": "Ana Quispe", "from": "2020-01-01", "email": "ana@example.org"}]}}}
    (top / "hosts.yml").write_text(json.dumps({"all": {"hosts": {"localhost": {
        "ansible_connection": "local", "ansible_python_interpreter": sys.executable, "common_install_tools": False, "backup_actors": people,
        "backup_media": [{"name": "nas-lima", "path": str(top / "copias"), "create": True}],
        "backup_systems": [{"name": "SIGA", "kind": "database", "criticality": "baja", "office": "Oficina de Logística",
                            "source": {"type": "sqlite", "path": str(top / "siga.sqlite")}}]}}}}), "utf-8")

    def play(name, **given):
        done = subprocess.run([os.path.join(os.path.dirname(sys.executable), "ansible-playbook"), "-i", str(top / "hosts.yml"), f"playbooks/{name}.yml",
                               "-e", json.dumps(given)], cwd=ROOT, env=institution.settings(), capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    play("database")
    lima = datetime.timezone(datetime.timedelta(hours=-5))
    play("request", request_step="open", request_person="Carmen Soto", request_office="Oficina de Logística", request_system="SIGA",
         request_what="La tabla de pedidos", request_paths=["pedidos", "saldos"], request_changed_at=f"{datetime.datetime.now(lima):%Y-%m-%d %H:%M:%S}")
    ticket = institution.entries("request_opened")[0]["ticket"]
    play("request", request_step="estimate", request_person="Ana Quispe", request_ticket=ticket)
    play("request", request_step="authorise", request_person="Rosa Vega", request_ticket=ticket)
    play("restore", restore_host="localhost", restore_kind="database", restore_system="SIGA", restore_target=str(top / "vuelta.sqlite"),
         restore_ticket=ticket)
    done = institution.letters(backup_actors=people)
    assert done.returncode == 0, done.output
    letters = {letter["To"].addresses[0].addr_spec: letter for letter in institution.taken() if "conformidad" in letter["Subject"]}
    assert list(letters) == ["carmen@example.org"]
    said = letters["carmen@example.org"].get_body(("plain",)).get_content()
    restored, = institution.entries("restored")
    flat = " ".join(said.split())
    assert f"Copia de respaldo: {restored['label']}" in flat and str(top / "vuelta.sqlite") in said and f"n.º {restored['n']}" in said, said
    assert "Verificación:" in said and "(5.3 c)" in flat and "- saldos" in said and "CONFORME" in said, said
    assert all(check in flat for check in restored.get("checks", [])), said
    print(said)
