# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs real playbooks with a real ansible-playbook, and reads what the callback left.

RESPALDO_TEST_ANSIBLE_PLAYBOOK names the ansible-playbook to use; by default the one beside this Python, else the one on PATH.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
COLLECTIONS = ROOT.parents[2] if ROOT.parents[1].name == "ansible_collections" else ROOT / "collections"
if str(COLLECTIONS) not in sys.path:
    sys.path.insert(0, str(COLLECTIONS))

SERVERS = """localhost
[servers]
db[01:03]
[all:vars]
ansible_connection=local
ansible_python_interpreter={{ ansible_playbook_python }}
"""


def ansible_playbook() -> str:
    beside = Path(sys.executable).with_name("ansible-playbook")
    return os.environ.get("RESPALDO_TEST_ANSIBLE_PLAYBOOK") or (str(beside) if beside.exists() else shutil.which("ansible-playbook") or "ansible-playbook")


# The actions that are played by told.py, so that a play gives their results without a server.
PLAYED = ("backup_label", "backup_archive", "backup_verify", "backup_prune", "backup_select", "backup_restore", "backup_drill_start", "backup_warn",
          "backup_hold", "shared_folder", "backup_request", "backup_desk")


def with_played_actions(directory: Path) -> Path:
    """A path of collections where ours is as it is, but for the actions of PLAYED."""
    real, double = COLLECTIONS / "ansible_collections/perucompras/respaldo", directory / "collections/ansible_collections/perucompras/respaldo"
    (double / "plugins/action").mkdir(parents=True)
    for name in ("meta", "roles", "playbooks"):
        (double / name).symlink_to(os.path.realpath(real / name))
    for room in os.listdir(real / "plugins"):
        if room != "action":
            (double / "plugins" / room).symlink_to(os.path.realpath(real / "plugins" / room))
    for file in os.listdir(real / "plugins/action"):
        played = file.rpartition(".")[0] in PLAYED
        (double / "plugins/action" / file).symlink_to(HERE / "action_plugins/told.py" if played else os.path.realpath(real / "plugins/action" / file))
    return directory / "collections"


class Place:
    """A directory with a bitácora of its own, and the runs made in it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.file = directory / "db" / "bitacora.sqlite"
        self.journal = directory / "journal"
        self.inventory = directory / "hosts"
        self.inventory.write_text(SERVERS)
        (directory / "ansible.cfg").write_text("[defaults]\ninject_facts_as_vars = False\ninternal_poll_interval = 0.005\n")
        self.collections = with_played_actions(directory)
        self.processes: list[subprocess.Popen] = []

    def environment(self, **more: str) -> dict[str, str]:
        told = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "RESPALDO_"))}
        told.update(
            HOME=str(self.directory), LC_ALL="C.UTF-8", ANSIBLE_COLLECTIONS_PATH=str(self.collections), ANSIBLE_LOCALHOST_WARNING="False",
            ANSIBLE_CALLBACKS_ENABLED="perucompras.respaldo.bitacora", ANSIBLE_ACTION_PLUGINS=str(HERE / "action_plugins"),
            ANSIBLE_CONFIG=str(self.directory / "ansible.cfg"), ANSIBLE_NOCOLOR="1",
            RESPALDO_BITACORA=str(self.file), RESPALDO_BITACORA_JOURNAL=str(self.journal),
        )
        return {**told, **more}

    def playbook(self, text: str, name: str = "play.yml") -> Path:
        path = self.directory / name
        path.write_text(text)
        return path

    def command(self, *arguments: object) -> list[str]:
        return [ansible_playbook(), "-i", str(self.inventory), *map(str, arguments)]

    def run(self, text: str, *arguments: object, **environment: str) -> subprocess.CompletedProcess:
        """Run a playbook given as text to its end. One that hangs fails the test."""
        return self.run_file(self.playbook(text), *arguments, **environment)

    def run_file(self, *arguments: object, **environment: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            self.command(*arguments), env=self.environment(**environment), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120,
            stdin=subprocess.DEVNULL, cwd=self.directory,
        )

    def begin(self, text: str, marker: Path) -> tuple[subprocess.Popen, int]:
        """Start a playbook and wait until its task with this marker is at work; gives the process, and the pid of that task's worker."""
        process = subprocess.Popen(
            self.command(self.playbook(text)), env=self.environment(), stdout=open(self.directory / "output", "w"), stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL, cwd=self.directory,
        )
        self.processes.append(process)
        limit = time.monotonic() + 40
        while not marker.exists():
            assert process.poll() is None and time.monotonic() < limit, (self.directory / "output").read_text()
            time.sleep(0.05)
        return process, int(marker.read_text())

    def entries(self) -> list[dict]:
        from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store

        """What was recorded; the seals that end runs are left out."""
        with open_store(str(self.file), readonly=True) as store:
            return [entry for entry in store.entries() if entry["type"] != "seal"]

    def types(self) -> list[str]:
        return [entry["type"] for entry in self.entries()]

    def whole(self) -> bool:
        from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import chain

        return chain.verify_file(self.file).whole

    def tamper(self, statement: str) -> None:
        with contextlib.closing(sqlite3.connect(self.file)) as connection:
            connection.executescript("DROP TRIGGER entries_refuse_update; DROP TRIGGER entries_refuse_delete;" + statement)


@pytest.fixture
def place(tmp_path):
    made = Place(tmp_path)
    yield made
    for process in made.processes:
        if process.poll() is None:
            process.kill()
        process.wait(10)


@pytest.fixture
def stop():
    """Send a signal to a run, wait for it, and end the worker that some versions of Ansible leave behind."""

    def send(process: subprocess.Popen, worker: int, number: int) -> int:
        process.send_signal(number)
        status = process.wait(60)
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)
        return status

    return send


@pytest.fixture
def small_disk(place):
    """The bitácora's directory on a disk of 1 MiB of its own."""
    place.file.parent.mkdir()
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    options = "size=1m,uid={0},gid={1},mode=0750".format(os.geteuid(), os.getegid())
    subprocess.run([*as_root, "mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place.file.parent)], check=True)
    yield lambda option: subprocess.run([*as_root, "mount", "-o", "remount," + option, str(place.file.parent)], check=True)
    subprocess.run([*as_root, "umount", str(place.file.parent)], check=True)
