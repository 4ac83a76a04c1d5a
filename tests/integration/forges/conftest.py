# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A forge that answers, and a controller whose inventory declares it and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from plugins.plugin_utils._bitacora.store import open_store

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests"))

from fakes.forges import gitea, server  # noqa: E402


class Institution:
    """A directory with an inventory, a medium and a bitácora, and the runs made in it."""

    def __init__(self, directory: Path, forge: server.Forge, declared: dict[str, Any]) -> None:
        self.directory, self.forge, self.declared = directory, forge, declared
        self.bitacora = directory / "db" / "bitacora.sqlite"
        self.inventory = directory / "hosts.yml"
        directory.mkdir(parents=True, exist_ok=True)
        self.declare()

    def declare(self, **changes: Any) -> None:
        self.declared = {**self.declared, **changes}
        told = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "common_install_tools": False,
                "backup_media": [{"name": "disco", "path": str(self.directory / "copias"), "create": True}], "backup_forges": [self.declared]}
        self.inventory.write_text(yaml.safe_dump({"all": {"hosts": {"git1": told}}}, allow_unicode=True), "utf-8")

    def run(self, playbook: str, *options: str) -> subprocess.CompletedProcess[str]:
        settings = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "RESPALDO_"))}
        settings.update(HOME=str(self.directory), LC_ALL="C.UTF-8", ANSIBLE_CONFIG=str(ROOT / "ansible.cfg"), ANSIBLE_NOCOLOR="1",
                        ANSIBLE_COLLECTIONS_PATH=str(ROOT / "collections"), RESPALDO_BITACORA=str(self.bitacora),
                        RESPALDO_BITACORA_JOURNAL=str(self.directory / "journal"), ANSIBLE_LOCAL_TEMP=str(self.directory / "ansible"))
        command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(self.inventory), str(ROOT / "playbooks" / (playbook + ".yml")), *options]
        done = subprocess.run(command, env=settings, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600,
                              cwd=self.directory, check=False)
        assert server.TOKEN not in done.stdout
        return done

    def entries(self, *types: str) -> list[dict[str, Any]]:
        with open_store(str(self.bitacora), readonly=True) as store:
            return store.entries(type=types)

    def last(self, *types: str) -> list[dict[str, Any]]:
        """Those of the last run."""
        run = self.entries("run_started")[-1]["run"]
        return [entry for entry in self.entries(*types) if entry["run"] == run]

    def labels(self) -> list[str]:
        return sorted(path.name for path in (self.directory / "copias").glob("*/*/[!.]*"))


def declaration(forge: server.Forge, **more: Any) -> dict[str, Any]:
    return {"name": "forja", "type": "gitea", "url": forge.url, "owner": gitea.OWNER, "token": server.TOKEN, "ca_certs": str(forge.ca),
            "criticality": "baja", "office": "OTI", "retry_seconds": 0, **more}


@pytest.fixture
def forge(tmp_path: Path) -> Any:
    opened = gitea.open_fake(tmp_path / "forja")
    yield opened
    opened.close()
    assert opened.mistakes == []


@pytest.fixture
def institution(tmp_path: Path, forge: server.Forge) -> Institution:
    return Institution(tmp_path / "entidad", forge, declaration(forge))


def told(**variables: Any) -> str:
    return json.dumps(variables)
