# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two servers on this machine, each with a system, and a run of them before it: what a hostile run is made in."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any, Mapping

import pytest
import yaml
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store

ROOT = Path(__file__).resolve().parents[3]
LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "common_install_tools": False}


def ansible_playbook() -> str:
    """RESPALDO_TEST_ANSIBLE_PLAYBOOK names another version's than the one beside this Python."""
    return os.environ.get("RESPALDO_TEST_ANSIBLE_PLAYBOOK") or str(Path(sys.executable).with_name("ansible-playbook"))


class Place:
    """A directory with an inventory, a medium and a bitácora of its own, and the runs made in it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.bitacora = directory / "db" / "bitacora.sqlite"
        self.medium = directory / "copias"
        self.inventory = directory / "hosts.yml"

    def furnish(self) -> None:
        for made in (self.bitacora.parent, self.medium):
            made.mkdir(mode=0o700, parents=True)
        for name in ("alfa", "beta"):
            with sqlite3.connect(self.directory / (name + ".sqlite")) as database:
                database.executescript("CREATE TABLE expediente (n INTEGER); INSERT INTO expediente VALUES (1), (2);")
        self.declare()

    def system(self, name: str, of: str = "", **more: Any) -> dict[str, Any]:
        source = {"type": "sqlite", "path": str(self.directory / ((of or name).lower() + ".sqlite"))}
        return {"name": name, "kind": "database", "criticality": "baja", "office": "OTI", "source": source, **more}

    def broken(self, name: str, **more: Any) -> dict[str, Any]:
        return self.system(name, of="no-hay", **more)

    def declare(self, hosts: Mapping[str, Mapping[str, Any]] | None = None, **more: Any) -> None:
        """Write the inventory: host -> its variables; by default a with ALFA and b with BETA."""
        found = {"a": {"backup_systems": [self.system("ALFA")]}, "b": {"backup_systems": [self.system("BETA")]}} if hosts is None else hosts
        told = {**LOCAL, "backup_media": [{"name": "disco", "path": str(self.medium)}], "backup_custody_directory": str(self.directory / "custodia"), **more}
        self.inventory.write_text(yaml.safe_dump({"all": {"hosts": dict(found), "vars": told}}, allow_unicode=True))

    def play(self, text: str, name: str = "propio.yml") -> str:
        path = self.directory / name
        path.write_text(text)
        return str(path)

    def environment(self, **more: str) -> dict[str, str]:
        told = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "RESPALDO_"))}
        told.update(HOME=str(self.directory), LC_ALL="C.UTF-8", ANSIBLE_CONFIG=str(ROOT / "ansible.cfg"), ANSIBLE_NOCOLOR="1",
                    ANSIBLE_COLLECTIONS_PATH=str(ROOT / "collections"), RESPALDO_BITACORA=str(self.bitacora),
                    RESPALDO_BITACORA_JOURNAL=str(self.directory / "journal"))
        return {**told, **more}

    def run(self, playbook: str, *arguments: str, inventory: str = "", program: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a shipped playbook by its name, or one of the test's own by its path."""
        found = playbook if playbook.startswith(("/", "-")) else str(ROOT / "playbooks" / (playbook + ".yml"))
        return subprocess.run(
            [program or ansible_playbook(), "-i", inventory or str(self.inventory), found, *arguments], env=self.environment(**environment), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=1200, cwd=self.directory, check=False)

    def entries(self, *types: str) -> list[dict[str, Any]]:
        with open_store(str(self.bitacora), readonly=True) as store:
            return [entry for entry in store.entries() if (entry["type"] in types if types else entry["type"] != "seal")]

    def last_run(self, *types: str) -> list[dict[str, Any]]:
        run = self.entries("run_started")[-1]["run"]
        return [entry for entry in self.entries(*types) if entry.get("run") == run]

    def verdict(self) -> str:
        return "".join(str(entry["verdict"]) for entry in self.last_run("run_ended"))

    def labels(self) -> list[str]:
        return sorted(path.name for path in self.medium.glob("*/*/[!.]*"))


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Place:
    made = Place(tmp_path_factory.mktemp("veredictos") / "lugar")
    made.furnish()
    done = made.run("database")
    assert done.returncode == 0 and len(made.labels()) == 2, done.stdout
    return made


@pytest.fixture
def place(furnished: Place, tmp_path: Path) -> Place:
    """A place of the test's own, where both systems have a good copy of today."""
    shutil.copytree(furnished.directory, tmp_path / "lugar", ignore=shutil.ignore_patterns(".ansible"))
    made = Place(tmp_path / "lugar")
    made.declare()
    return made
