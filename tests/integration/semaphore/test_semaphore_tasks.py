# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our playbooks as Semaphore starts them (services/tasks/LocalJob.go, db_lib/AnsiblePlaybook.go of 2.10): under a terminal of their own, in the root of the
repository, with an environment made from scratch, HOME a directory of Semaphore's, the vault's password typed at its prompt, `semaphore_vars` on the command
line; stopped by SIGKILL of ansible-playbook alone.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret

from plugins.plugin_utils._bitacora.store import open_store

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = os.path.join(os.path.dirname(sys.executable), "ansible-playbook")
PASSWORD = "contrasena-de-la-boveda"


class Task:
    """One task of Semaphore's: what it starts, and what its terminal showed."""

    def __init__(self, top: Path, number: int, person: str, environment: dict[str, str]) -> None:
        told = {"semaphore_vars": {"task_details": {"id": number, "username": person, "url": f"https://semaphore.example.org/project/1/history?t={number}"}}}
        argv = [PROGRAM, "-i", str(top / "hosts.yml"), "--vault-id=respaldo@prompt", "--extra-vars", json.dumps(told), "playbooks/site.yml"]
        settings = {"PYTHONUNBUFFERED": "1", "ANSIBLE_FORCE_COLOR": "True", "PATH": os.environ["PATH"], "HOME": str(top / "semaphore"),
                    "PWD": str(ROOT), **environment}
        self.shown, self._terminal = "", os.openpty()
        leader, follower = self._terminal
        self.process = subprocess.Popen(["setsid", "--ctty", *argv], cwd=ROOT, env=settings, stdin=follower, stdout=follower, stderr=follower)
        os.close(follower)
        self._reader = threading.Thread(target=self._read, args=(leader,), daemon=True)
        self._reader.start()

    def _read(self, leader: int) -> None:
        """As Semaphore does: whatever ends in the prompt is answered."""
        answered = False
        while True:
            try:
                self.shown += os.read(leader, 4096).decode("utf-8", "replace")
            except OSError:
                break
            if not answered and "Vault password (respaldo):" in self.shown:
                os.write(leader, (PASSWORD + "\n").encode())
                answered = True
        os.close(leader)

    def wait(self) -> int:
        status = self.process.wait(timeout=180)
        self._reader.join(timeout=30)
        return status


class Institution:
    def __init__(self, top: Path) -> None:
        self.top, self.go = top, top / "adelante"
        (top / "semaphore").mkdir(mode=0o700)
        dump = f"while [ ! -e {self.go} ]; do sleep 0.1; done; echo datos"
        reason = VaultLib([("respaldo", VaultSecret(PASSWORD.encode()))]).encrypt("Aviso de ransomware", vault_id="respaldo").decode()
        self.variables: dict[str, Any] = {
            "ansible_connection": "local", "ansible_python_interpreter": sys.executable, "common_install_tools": False,
            "backup_media": [{"name": "local", "path": str(top / "copias"), "create": True}],
            "backup_systems": [{"name": "Datos", "kind": "database", "criticality": "baja", "office": "OTI", "source": {
                "type": "command", "dump": ["/bin/sh", "-c", dump], "verify": ["/usr/bin/grep", "-q", "datos"], "restore": ["/bin/cat"]}}],
        }
        indented = "".join(f"        {line}\n" for line in reason.splitlines())
        (top / "hosts.yml").write_text(
            f"all:\n  hosts:\n    localhost: {json.dumps(self.variables)}\n  vars:\n    backup_emergency_reason: !vault |\n{indented}", "utf-8")

    def start(self, number: int, person: str) -> Task:
        return Task(self.top, number, person, {"RESPALDO_BITACORA": str(self.top / "bitacora.sqlite")})

    def dumping(self) -> bool:
        """Whether a dump is at work, of whichever run."""
        for each in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                if str(self.go).encode() in each.read_bytes():
                    return True
        return False

    def entries(self, *types: str) -> list[dict[str, Any]]:
        with open_store(str(self.top / "bitacora.sqlite"), readonly=True) as store:
            return store.entries(type=types)


@pytest.fixture
def institution(tmp_path: Path) -> Institution:
    return Institution(tmp_path)


def _until(what: Any) -> Any:
    for _each in range(1200):
        found = what()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError("it did not come")


def test_a_task_a_stop_and_the_next_task(institution: Institution) -> None:
    # started by a schedule: no user; stopped in the middle of the copy
    stopped = institution.start(41, "")
    _until(institution.dumping)
    stopped.process.send_signal(signal.SIGKILL)
    assert stopped.wait() == -signal.SIGKILL
    assert not institution.entries("run_ended", "run_interrupted")

    # what was killed leaves its own processes behind: here they end
    institution.go.touch()
    _until(lambda: not institution.dumping())
    task = institution.start(42, "jperez")
    status = task.wait()
    assert status == 0, task.shown
    assert PASSWORD not in task.shown and "\x1b[" in task.shown
    first, second = institution.entries("run_started")
    account = first["operating_user"]
    assert first["executed_by"] == f"sin persona (según Semaphore, tarea 41; cuenta {account})"
    assert (first["claimed_by"], first["claimed_task"]) == ("Semaphore", "41")
    assert second["executed_by"] == f"jperez (según Semaphore, tarea 42; cuenta {account})" and second["claimed_user"] == "jperez"
    (closed,) = institution.entries("run_interrupted")
    assert (closed["run"], closed["closed_by"], closed["how"], closed["executed_by"]) == (first["run"], second["run"], "died", first["executed_by"])
    (failed,) = institution.entries("copy_failed")
    assert failed["run"] == first["run"] and "tarea 41" in failed["executed_by"]
    (made,) = institution.entries("copy_made")
    assert made["executed_by"] == second["executed_by"] and "Aviso de ransomware" in made["reason_text"]
    # nothing of ours lies where Semaphore throws things away
    assert not [path for path in (institution.top / "semaphore").rglob("*") if path.suffix in (".sqlite", ".key", ".jsonl")]
