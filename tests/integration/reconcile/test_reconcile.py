# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""reconcile.yml (backup_reconcile) on a real medium that somebody touched."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from plugins.plugin_utils._bitacora.store import open_store

ROOT = Path(__file__).resolve().parents[3]


class House:
    def __init__(self, top):
        self.top, self.shelf, self.bitacora = top, top / "copias" / "database" / "SIGA", top / "state" / "bitacora.sqlite"
        with sqlite3.connect(top / "siga.sqlite") as database:
            database.executescript("CREATE TABLE t (a); INSERT INTO t VALUES (1);")
        system = {"name": "SIGA", "kind": "database", "criticality": "baja", "office": "OTI", "source": {"type": "sqlite", "path": str(top / "siga.sqlite")}}
        (top / "inventory.yml").write_text(json.dumps({"all": {"hosts": {"localhost": {
            "ansible_connection": "local", "ansible_python_interpreter": sys.executable, "backup_systems": [system], "common_install_tools": False,
            "backup_media": [{"name": "local", "path": str(top / "copias"), "create": True}]}}}}), "utf-8")

    def run(self, playbook, *options):
        command = [os.path.join(os.path.dirname(sys.executable), "ansible-playbook"), "-i", str(self.top / "inventory.yml"), f"playbooks/{playbook}.yml"]
        settings = dict(os.environ, RESPALDO_BITACORA=str(self.bitacora), ANSIBLE_LOCAL_TEMP=str(self.top / "ansible"), HOME=str(self.top))
        return subprocess.run([*command, *options], cwd=ROOT, env=settings, capture_output=True, text=True, timeout=180, check=False)

    def entries(self, *types):
        with open_store(str(self.bitacora), readonly=True) as store:
            return store.entries(type=types)

    def last_good(self):
        with open_store(str(self.bitacora), readonly=True) as store:
            return (store.last_good("database", "SIGA") or {}).get("label")


@pytest.fixture
def house(tmp_path):
    made = House(tmp_path)
    for options in ((), ("-e", "backup_emergency_reason=prueba")):
        done = made.run("database", *options)
        assert done.returncode == 0, done.stdout + done.stderr
    made.first, made.second = sorted(path.name for path in made.shelf.iterdir() if not path.name.startswith("."))
    return made


def test_all_is_where_the_bitacora_says(house):
    done = house.run("reconcile")
    assert done.returncode == 0 and "2 copias en el medio, 2 en la bitácora" in done.stdout, done.stdout
    assert not house.entries("copy_damaged", "stray_found")


def test_a_copy_that_is_gone_no_longer_counts_and_is_told_once(house):
    shutil.move(house.shelf / house.second, house.top / "away")
    done = house.run("reconcile")
    assert done.returncode == 2 and f"falta {house.second}" in done.stdout and "RSP405" in done.stdout, done.stdout
    assert house.last_good() == house.first
    assert house.run("reconcile").returncode == 0
    assert [entry["label"] for entry in house.entries("copy_damaged")] == [house.second]
    shutil.move(house.top / "away", house.shelf / house.second)
    assert house.run("verify", "-e", "verify_copies=0").returncode == 0
    assert house.last_good() == house.second, "it came back, and a verification found it whole"


def test_other_content_under_a_known_label(house):
    sums = house.shelf / house.second / "SHA256SUMS"
    sums.write_text(sums.read_text().replace("0", "1", 1))
    done = house.run("reconcile")
    assert done.returncode == 2 and f"difiere {house.second}" in done.stdout and "RSP501" in done.stdout, done.stdout
    assert house.last_good() == house.first


def test_what_has_no_entry_is_shown_each_time_and_recorded_once(house):
    shutil.copytree(house.shelf / house.first, house.shelf / "SIGA_20200101")
    (house.shelf / "copia manual").mkdir()
    for _night in range(2):
        done = house.run("reconcile")
        assert done.returncode == 0 and "sin asiento SIGA_20200101" in done.stdout and "sin asiento copia manual" in done.stdout, done.stdout
    assert sorted(entry["label"] for entry in house.entries("stray_found")) == ["SIGA_20200101", "copia manual"]


def test_a_renamed_copy_is_missing_and_without_entry(house):
    (house.shelf / house.second).rename(house.shelf / "SIGA_20200101")
    done = house.run("reconcile")
    assert done.returncode == 2 and f"falta {house.second}" in done.stdout and "sin asiento SIGA_20200101" in done.stdout


def test_check_mode_records_nothing_that_counts(house):
    shutil.rmtree(house.shelf / house.second)
    house.run("reconcile", "--check")
    assert house.last_good() == house.second
    assert all(entry.get("simulated") for entry in house.entries("copy_damaged"))
