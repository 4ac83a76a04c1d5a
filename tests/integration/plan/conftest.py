# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real ansible-playbook runs of the actions backup_plan and backup_label, with a bitácora of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))


class Run:
    """What a playbook run left: its return code, all it printed, and the result of the action for each host."""

    def __init__(self, process, directory):
        self.status = process.returncode
        self.output = process.stdout + process.stderr
        self.results = {path.stem: json.loads(path.read_text("utf-8")) for path in directory.glob("*.json")}

    def plan(self, host="localhost"):
        return {(row["kind"], row["system"]): row for row in self.results[host]["plan"]}


@pytest.fixture
def bitacora(tmp_path):
    return tmp_path / "bitacora.sqlite"


@pytest.fixture
def play(tmp_path, bitacora):
    """Runs one task of ours on every host of an inventory; its result, failed or not, is in the Run.

    With several arguments it runs once for each, in one playbook (a playbook takes seconds), and the results are a list.
    """

    def run(action, *arguments, inventory="inventories/local", variables=None, options=(), environment=None):
        results = tmp_path / "results"
        results.mkdir(exist_ok=True)
        for old in results.glob("*.json"):
            old.unlink()
        names = [f"told_{index}" for index in range(len(arguments))]
        told = names[0] if len(names) == 1 else "[" + ", ".join(names) + "]"
        tasks = [{"name": "The action", action: given, "register": name, "ignore_errors": True} for name, given in zip(names, arguments, strict=True)]
        keep = {"ansible.builtin.copy": {"content": "{{ " + told + " | to_json }}", "dest": str(results) + "/{{ inventory_hostname }}.json", "mode": "0600"},
                "no_log": True, "check_mode": False, "delegate_to": "localhost"}
        playbook = tmp_path / "play.yml"
        playbook.write_text(json.dumps([{
            "hosts": "all", "gather_facts": False, "connection": "local",
            "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
            "tasks": [
                *tasks,
                dict(keep, name="Keep its result"),
                {"name": "End as the action did", "ansible.builtin.assert": {"that": [f"{name} is not failed" for name in names]}},
            ],
        }]), "utf-8")
        command = [os.path.join(os.path.dirname(sys.executable), "ansible-playbook"), "-i", str(inventory), str(playbook), *options]
        if variables:
            command += ["-e", json.dumps(variables)]
        settings = dict(os.environ, RESPALDO_BITACORA=str(bitacora), ANSIBLE_LOCAL_TEMP=str(tmp_path / "ansible"), HOME=str(tmp_path))
        settings.update(environment or {})
        process = subprocess.run(command, cwd=ROOT, env=settings, capture_output=True, text=True, timeout=120, check=False)
        return Run(process, results)

    return run
