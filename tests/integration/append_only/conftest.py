# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two servers and a controller around a medium behind our gate, and a way to run playbooks there."""

from __future__ import annotations

import importlib.util
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
MEDIA = ROOT / "tests" / "integration" / "media" / "conftest.py"


def _media_conftest():
    specification = importlib.util.spec_from_file_location("media_conftest", MEDIA)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


class House:
    """bd1 has the database SIGA and the folder LEGAL, bd2 the database PORTAL; all copies go to `nas`, and `local` is a directory of each."""

    def __init__(self, top, gate):
        self.top, self.gate, self.bitacora = top, gate, top / "state" / "bitacora.sqlite"
        self.hooks: dict[str, object] = {}      # of PORTAL
        self.folder = top / "legal"
        self.folder.mkdir()
        (self.folder / "acta.txt").write_text("uno")
        for name in ("siga", "portal"):
            with sqlite3.connect(top / (name + ".sqlite")) as database:
                database.executescript(f"CREATE TABLE t (a); INSERT INTO t VALUES ('{name}');")
        policy = yaml.safe_load((ROOT / "policies" / "manual-001-2019.yml").read_text("utf-8"))
        policy["minimum_copies"] = 1
        for kind in ("database", "file_server"):
            policy["kinds"][kind]["retention"] = {"points": 2}
        (top / "policy.yml").write_text(yaml.safe_dump(policy), "utf-8")
        self.write()

    def system(self, name, kind="database", **source):
        source = source or {"type": "sqlite", "path": str(self.top / (name.lower() + ".sqlite"))}
        return {"name": name, "kind": kind, "criticality": "media" if kind == "database" else "baja", "office": "OTI", "source": source}

    def medium(self):
        options = self.gate.options("")
        key, keeper = str(self.gate.directory) + "/{{ inventory_hostname }}", str(self.gate.server.directory / "client")
        return {**{name: options[name] for name in ("path", "host", "port", "user", "known_hosts")}, "name": "nas", "identity_file": key,
                "append_only": True, "keeper": {"identity_file": keeper}}

    def write(self, **changed):
        common = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "common_install_tools": False,
                  "backup_policy_file": str(self.top / "policy.yml"), "backup_custody_directory": str(self.top / "custodia"),
                  "backup_media": [self.medium(), {"name": "local", "path": str(self.top / "otro"), "create": True, "default": False}], **changed}
        hosts = {"bd1": {"backup_systems": [self.system("SIGA"), self.system("LEGAL", "file_server", type="restic", paths=[str(self.folder)])],
                         "backup_assigned_paths": [str(self.top)]},
                 "bd2": {"backup_systems": [{**self.system("PORTAL"), "hooks": self.hooks}]}}
        (self.top / "inventory.yml").write_text(json.dumps({"all": {"hosts": hosts, "vars": common}}), "utf-8")

    def command(self, playbook, *options):
        """How a playbook is run: the command, and its environment."""
        command = [os.path.join(os.path.dirname(sys.executable), "ansible-playbook"), "-i", str(self.top / "inventory.yml"),
                   f"playbooks/{playbook}.yml", "--vault-password-file", str(self.password), *options]
        return command, dict(os.environ, RESPALDO_BITACORA=str(self.bitacora), ANSIBLE_LOCAL_TEMP=str(self.top / "ansible"), HOME=str(self.top))

    def run(self, playbook, *options, limit="bd1"):
        command, settings = self.command(playbook, "--limit", limit, *options)
        return subprocess.run(command, cwd=ROOT, env=settings, capture_output=True, text=True, timeout=900, check=False)

    def start(self, playbook, *options):
        """One that is to be killed."""
        command, settings = self.command(playbook, *options)
        with open(self.top / "out", "w", encoding="utf-8") as out:
            return subprocess.Popen(command, cwd=ROOT, env=settings, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)

    @property
    def password(self):
        path = self.top / "vault-password"
        path.write_text("prueba")
        return path

    def good(self, playbook, *options, limit="bd1"):
        done = self.run(playbook, *options, limit=limit)
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
        return done

    def entries(self, *types):
        with open_store(str(self.bitacora), readonly=True) as store:
            return store.entries(type=types)

    def shelf(self, shelf):
        path = self.gate.path / shelf
        return sorted(each.name for each in path.iterdir() if not each.name.startswith(".")) if path.is_dir() else []

    def permissions(self):
        return [path for path in (self.gate.path / ".respaldo").glob("permisos/*/*") if path.is_file()]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    running = _media_conftest().Server(tmp_path_factory.mktemp("sshd"))
    yield running
    running.stop()


@pytest.fixture
def house(server, tmp_path):
    path = tmp_path / "medium"
    path.mkdir()
    return House(tmp_path, _media_conftest().Gate(server, path))
