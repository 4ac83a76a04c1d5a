# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""drill.yml on real copies: what backup_drill_plan chooses is restored, recorded, and not asked for again."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from plugins.plugin_utils._bitacora.store import open_store

ROOT = Path(__file__).resolve().parents[3]
NAMES = ("SIGA", "SIAF")


@pytest.fixture
def house(tmp_path):
    """Two databases with a copy each; a function that runs a playbook, and one that reads entries."""
    systems = []
    for name in NAMES:
        with sqlite3.connect(tmp_path / f"{name}.sqlite") as database:
            database.executescript("CREATE TABLE t (a); INSERT INTO t VALUES (1);")
        source = {"type": "sqlite", "path": f"{tmp_path}/{name}.sqlite"}
        systems.append({"name": name, "kind": "database", "criticality": "baja", "office": "OTI", "source": source})
    inventory, bitacora = tmp_path / "inventory.yml", tmp_path / "state" / "bitacora.sqlite"
    inventory.write_text(json.dumps({"all": {"hosts": {"localhost": {
        "ansible_connection": "local", "ansible_python_interpreter": sys.executable, "backup_systems": systems, "common_install_tools": False,
        "backup_media": [{"name": "local", "path": str(tmp_path / "copias"), "create": True}]}}}}), "utf-8")

    def run(playbook, *options):
        command = [os.path.join(os.path.dirname(sys.executable), "ansible-playbook"), "-i", str(inventory), f"playbooks/{playbook}.yml", *options]
        settings = dict(os.environ, RESPALDO_BITACORA=str(bitacora), ANSIBLE_LOCAL_TEMP=str(tmp_path / "ansible"), HOME=str(tmp_path), TMPDIR=str(tmp_path))
        return subprocess.run(command, cwd=ROOT, env=settings, capture_output=True, text=True, timeout=180, check=False)

    def entries(*types):
        with open_store(str(bitacora), readonly=True) as store:
            return store.entries(type=types)

    made = run("database")
    assert made.returncode == 0, made.stdout + made.stderr
    return run, entries, tmp_path


def test_a_night_of_drills_then_a_night_without(house):
    run, entries, top = house
    shown = run("drill", "-e", "drill_plan_only=true")
    assert shown.returncode == 0 and "SIGA (Base de datos): se prueba SIGA_" in shown.stdout and "Cobertura: 0 %" in shown.stdout, shown.stdout
    assert not entries("copy_verified")
    done = run("drill")
    assert done.returncode == 0, done.stdout + done.stderr
    proven = entries("copy_verified")
    assert {(entry["system"], entry["verification_level"], entry["reason"]) for entry in proven} == {(name, "T4", "drill") for name in NAMES}
    assert all(entry["duration_ms"] > 0 and "sqlite_source_image" in entry["checks"] for entry in proven)
    assert len(entries("drill_started")) == 2, "backup_drill_start opened each"
    again = run("drill")
    assert again.returncode == 0 and "Cobertura: 100 %" in again.stdout and len(entries("copy_verified")) == 2
    assert not list(top.glob("respaldo-*")), "scratch is left"


def test_a_copy_that_does_not_come_back_fails_the_night_and_is_recorded(house):
    run, entries, top = house
    part, = (path for path in (top / "copias" / "database" / "SIGA").glob("SIGA_*/*") if path.suffix not in (".json", "") and path.name != "SHA256SUMS")
    part.write_bytes(part.read_bytes()[:-1] + b"\x00")
    done = run("drill")
    assert done.returncode == 2 and "RSP501" in done.stdout, done.stdout
    assert [(entry["system"], entry["reason"]) for entry in entries("copy_damaged")] == [("SIGA", "drill")]
    assert [entry["system"] for entry in entries("copy_verified")] == ["SIAF"], "the other one was drilled all the same"
    shown = run("drill", "-e", "drill_plan_only=true")
    assert "SIGA (Base de datos): no se prueba: no tiene ninguna copia buena que probar" in shown.stdout
    again = run("drill")
    assert again.returncode == 2 and "RSP506" in again.stdout, again.stdout
    assert [(entry["system"], entry["error_code"]) for entry in entries("verification_failed")] == [("SIGA", "RSP506")]
    assert run("database", "-e", "backup_emergency_reason=prueba").returncode == 0
    assert run("drill").returncode == 0, "mended by a good copy"


def test_a_source_that_changed_since_is_no_failure(house):
    run, entries, top = house
    with sqlite3.connect(top / "SIGA.sqlite") as database:
        database.execute("INSERT INTO t VALUES (2)")
    assert run("drill").returncode == 0
    told = {entry["system"]: entry for entry in entries("copy_verified")}
    assert told["SIGA"]["verification_level"] == "T3" and told["SIAF"]["verification_level"] == "T4"
    assert told["SIGA"]["warnings"] == ["the source changed since the copy; 0 of 1 tables have as many rows as then"]
