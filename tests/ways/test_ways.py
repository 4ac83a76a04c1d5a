# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The three ways of use, each with a real copy: in a checkout, built and installed, through ansible-runner.

Each starts from an empty home and a clone, and ends with the copy's line in the bitácora.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import ansible_runner
import pytest

TOP = Path(__file__).resolve().parents[2]
LABEL = re.compile(r"\b\w+_20\d{6}(?:_\d\d)?\b")


def environment(home: Path) -> dict[str, str]:
    """Nothing of the caller's Ansible nor of tests/remembered, an empty home, a bitácora of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "BACKUP_", "RESPALDO_", "PYTHONPATH"))}
    return {**kept, "HOME": str(home), "LC_ALL": "C.UTF-8", "RESPALDO_BITACORA": f"sqlite:///{home}/bitacora.sqlite"}


def state(home: Path) -> dict[str, str]:
    """The variables that keep the copies out of this machine's own state."""
    return {"backup_local_state": str(home), "backup_custody_directory": str(home / "custody")}


def play(arguments: list[str], directory: Path, home: Path, **more: str) -> str:
    """Standard output of a run that must succeed."""
    answer = subprocess.run(["ansible-playbook", *arguments, "-e", json.dumps(state(home))], cwd=directory,
                            env={**environment(home), **more}, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The files that git keeps, as they stand now, in a repository of their own."""
    directory = tmp_path / "checkout"
    directory.mkdir()
    kept = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=TOP, capture_output=True, check=True).stdout
    files = b"\0".join(name for name in kept.split(b"\0") if name and os.path.lexists(os.fsencode(TOP) + b"/" + name))
    archive = subprocess.run(["tar", "--create", "--null", "--no-recursion", "--files-from=-"], cwd=TOP, input=files, capture_output=True, check=True).stdout
    subprocess.run(["tar", "--extract"], cwd=directory, input=archive, check=True)
    for command in (["init", "--quiet"], ["add", "--all"],
                    ["-c", "user.name=test", "-c", "user.email=test@example.org", "commit", "--quiet", "--message", "as it stands"]):
        subprocess.run(["git", *command], cwd=directory, check=True)
    return directory


@pytest.fixture
def home(tmp_path: Path) -> Path:
    directory = tmp_path / "home"
    directory.mkdir(mode=0o700)
    return directory


def test_in_a_checkout(clone: Path, home: Path) -> None:
    play(["playbooks/site.yml", "-i", "inventories/local"], clone, home)
    assert LABEL.search(play(["playbooks/bitacora.yml", "-i", "inventories/local"], clone, home))


def test_a_second_run_in_a_checkout_copies_nothing_again(clone: Path, home: Path) -> None:
    play(["playbooks/site.yml", "-i", "inventories/local"], clone, home)
    first = set(LABEL.findall(play(["playbooks/bitacora.yml", "-i", "inventories/local"], clone, home)))
    second = play(["playbooks/site.yml", "-i", "inventories/local"], clone, home)
    assert re.search(r"changed=0\b", second), second
    assert set(LABEL.findall(play(["playbooks/bitacora.yml", "-i", "inventories/local"], clone, home))) == first


def test_built_and_installed(clone: Path, home: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    run = {"env": environment(home), "check": True, "capture_output": True, "text": True}
    subprocess.run(["ansible-galaxy", "collection", "build", "--output-path", str(tmp_path)], cwd=clone, **run)
    artifact = next(tmp_path.glob("perucompras-respaldo-*.tar.gz"))
    subprocess.run(["ansible-galaxy", "collection", "install", "--offline", str(artifact), "-p", str(tmp_path / "collections")], cwd=elsewhere, **run)
    settings = {"ANSIBLE_COLLECTIONS_PATH": str(tmp_path / "collections"), "ANSIBLE_CALLBACKS_ENABLED": "perucompras.respaldo.bitacora",
                "ANSIBLE_INJECT_FACT_VARS": "False"}
    installed = tmp_path / "collections/ansible_collections/perucompras/respaldo"
    # an inventory is a file of the user's, wherever it is: this one names the clone as what is copied
    inventory = ["-i", str(clone / "inventories/local")]
    play(["perucompras.respaldo.site", *inventory], elsewhere, home, **settings)
    assert LABEL.search(play(["perucompras.respaldo.bitacora", *inventory], elsewhere, home, **settings))
    shipped = {path.name for path in installed.iterdir()}
    assert {"README.md", "LICENSE", "meta", "playbooks", "plugins", "roles"} <= shipped
    assert not {"tests", "molecule", "tools", "collections", ".git", "build"} & shipped


def test_through_ansible_runner(clone: Path, home: Path, tmp_path: Path) -> None:
    private = tmp_path / "runner"
    private.mkdir()
    shutil.move(clone, private / "project")
    project = private / "project"
    for playbook in ("site.yml", "bitacora.yml"):
        result = ansible_runner.run(private_data_dir=str(private), playbook=f"playbooks/{playbook}", inventory=str(project / "inventories/local"),
                                    extravars=state(home), envvars={**environment(home), "ANSIBLE_CONFIG": str(project / "ansible.cfg")}, quiet=True)
        output = result.stdout.read()
        assert result.rc == 0, output
    assert LABEL.search(output)
