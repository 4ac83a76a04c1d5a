# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A database with two copies on a medium, and a way to run playbooks on it."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from plugins.plugin_utils._bitacora.store import open_store

ROOT = Path(__file__).resolve().parents[3]


class House:
    def __init__(self, top):
        self.top, self.shelf, self.bitacora = top, top / "copias" / "database" / "SIGA", top / "state" / "bitacora.sqlite"
        with sqlite3.connect(top / "siga.sqlite") as database:
            database.executescript("CREATE TABLE t (a); INSERT INTO t VALUES (1);")
        system = {"name": "SIGA", "kind": "database", "criticality": "baja", "office": "OTI", "source": {"type": "sqlite", "path": str(top / "siga.sqlite")}}
        self.variables = {
            "ansible_connection": "local", "ansible_python_interpreter": sys.executable, "backup_systems": [system], "common_install_tools": False}
        self.medium(create=True)

    def medium(self, **options):
        self.variables["backup_media"] = [{"name": "local", "path": str(self.top / "copias"), **options}]
        (self.top / "inventory.yml").write_text(json.dumps({"all": {"hosts": {"localhost": self.variables}}}), "utf-8")

    def policy(self, **rules):
        """The shipped policy, with these rules for databases."""
        policy = yaml.safe_load((ROOT / "policies" / "manual-001-2019.yml").read_text("utf-8"))
        policy["minimum_copies"] = 1
        policy["kinds"]["database"].update(rules)
        (self.top / "policy.yml").write_text(yaml.safe_dump(policy), "utf-8")
        self.variables["backup_policy_file"] = str(self.top / "policy.yml")
        self.medium(create=True)

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
