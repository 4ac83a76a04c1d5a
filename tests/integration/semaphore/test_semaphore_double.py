# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Schedulers that fire one job: real runs of site.yml at the same moment make one copy, and each other says why it made none, and which run did.

RESPALDO_DOUBLE=10 (`make week`) starts as many at once; without it three. Every order of two runs: tests/unit/bitacora/test_rivals.py.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

from plugins.plugin_utils._bitacora.store import open_store

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = os.path.join(os.path.dirname(sys.executable), "ansible-playbook")
BY_SEMAPHORE = {"semaphore_vars": {"task_details": {"id": 7, "username": "", "url": "https://semaphore.example.org/project/1/history?t=7"}}}
BY_AWX = {"awx_job_id": 42, "awx_job_launch_type": "scheduled", "awx_schedule_name": "Copias de la noche"}
# what each is started with: variables, environment, and how the bitácora names who began it
SCHEDULERS = ((None, {"RESPALDO_SCHEDULE": "copies"}, ""), (BY_SEMAPHORE, {}, "sin persona (según Semaphore, tarea 7; "),
              (BY_AWX, {}, "programación «Copias de la noche» (según AWX; "))
RUNS = int(os.environ.get("RESPALDO_DOUBLE", "3"))


def test_one_copy_and_as_many_explanations(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "siga.db") as database:
        database.execute("CREATE TABLE t (a)")
    (tmp_path / "hosts.yml").write_text(json.dumps({"all": {"hosts": {"localhost": {
        "ansible_connection": "local", "ansible_python_interpreter": sys.executable, "common_install_tools": False,
        "backup_media": [{"name": "local", "path": str(tmp_path / "copias"), "create": True}],
        "backup_systems": [{"name": "SIGA", "kind": "database", "criticality": "baja", "office": "OTI",
                            "source": {"type": "sqlite", "path": str(tmp_path / "siga.db")}}],
    }}}}), "utf-8")
    # the policy's own, but without the hours in which no test could run
    policy = (ROOT / "policies" / "manual-001-2019.yml").read_text("utf-8").replace("outside_working_hours: true", "outside_working_hours: false")
    (tmp_path / "policy.yml").write_text(policy, "utf-8")
    settings = {**os.environ, "RESPALDO_BITACORA": str(tmp_path / "bitacora.sqlite"), "ANSIBLE_LOCAL_TEMP": str(tmp_path / "ansible"), "HOME": str(tmp_path)}
    started = []
    for number in range(RUNS):
        variables, environment, _who = SCHEDULERS[number % len(SCHEDULERS)]
        argv = [PROGRAM, "-i", str(tmp_path / "hosts.yml"), "playbooks/site.yml", "-e", f"backup_policy_file={tmp_path / 'policy.yml'}"]
        started.append(subprocess.Popen([*argv, *(["-e", json.dumps(variables)] if variables else [])], cwd=ROOT, env={**settings, **environment},
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
    told = [(each.communicate(timeout=1200)[0], each.returncode) for each in started]
    assert [status for _out, status in told] == [0] * RUNS, "\n".join(out for out, status in told if status)
    with open_store(str(tmp_path / "bitacora.sqlite"), readonly=True) as store:
        began = {entry["run"]: entry for entry in store.entries(type="run_started")}
        made, idle, failed = store.entries(type="copy_made"), store.entries(type="copy_not_due"), store.entries(type=("copy_failed", "copy_refused"))
        verdicts = [entry["verdict"] for entry in store.entries(type="run_ended")]
    assert len(began) == RUNS and verdicts == ["good"] * RUNS
    for number in range(len(SCHEDULERS)):
        who = SCHEDULERS[number][2]
        of = [each for each in began.values() if (each["executed_by"].startswith(who) if who else each.get("purpose") == "copies")]
        assert len(of) == len(range(number, RUNS, len(SCHEDULERS))), "each scheduler began its own"
    assert len(made) == 1 and not failed
    runs = {entry["run"]: entry.get("note_es") or entry["reason_text"] for entry in idle}
    assert len(runs) == RUNS - 1 and made[0]["run"] not in runs
    print("", *runs.values(), sep="\n")
    for run, why in runs.items():
        # planned after the copy was made: until when it is not due; else which run has it, by its number and by who began it
        after = "No corresponde hasta el " in why and "numeral 6.4" in why
        assert after or why.endswith(f": {made[0]['run']}, {began[made[0]['run']]['executed_by']}") and "SIGA: no corresponde, porque " in why, (run, why)
