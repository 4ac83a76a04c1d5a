# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""schedule.yml (backup_schedule) and schedule_failure.yml (backup_schedule_failure), by the real ansible-playbook and systemd-analyze.

Where systemd starts the machine: molecule/schedule.

A test's machine is started by no systemd, so that `systemctl` is a fake here (FAKE), which knows one service that ended.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from plugins.plugin_utils._bitacora.store import open_store
from plugins.plugin_utils._schedules import systemd, units

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = os.path.join(os.path.dirname(sys.executable), "ansible-playbook")
FAKE = """#!/bin/sh
# a fake of systemctl, for a machine that systemd did not start: what `show` tells of a service that ended
cat "$FAKE_SYSTEMCTL"
"""
pytestmark = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")


class Institution:
    def __init__(self, top):
        self.top, self.bitacora = top, top / "bitacora.sqlite"
        (top / "datos").mkdir()
        (top / "datos" / "a.txt").write_text("uno\n", "utf-8")
        (top / "bin").mkdir()
        (top / "bin" / "systemctl").write_text(FAKE, "utf-8")
        (top / "bin" / "systemctl").chmod(0o755)
        self.variables = {
            "ansible_connection": "local", "ansible_python_interpreter": sys.executable, "common_install_tools": False,
            "backup_media": [{"name": "local", "path": str(top / "copias"), "create": True}],
            "backup_systems": [{"name": "Datos", "kind": "source_code", "criticality": "baja", "office": "OTI",
                                "source": {"type": "paths", "paths": [str(top / "datos")]}}],
        }

    def run(self, playbook, *options, inventory="", **environment):
        (self.top / "hosts.yml").write_text(json.dumps({"all": {"hosts": {"localhost": self.variables}}}), "utf-8")
        settings = {**os.environ, "RESPALDO_BITACORA": str(self.bitacora), "ANSIBLE_LOCAL_TEMP": str(self.top / "ansible"), "HOME": str(self.top),
                    "FAKE_SYSTEMCTL": str(self.top / "shown"), "PATH": f"{self.top / 'bin'}:{os.environ['PATH']}", **environment}
        return subprocess.run([PROGRAM, "-i", inventory or str(self.top / "hosts.yml"), f"playbooks/{playbook}.yml", *options], cwd=ROOT, env=settings,
                              capture_output=True, text=True, timeout=180, check=False)

    def entries(self, *types):
        with open_store(str(self.bitacora), readonly=True) as store:
            return store.entries(type=types)


@pytest.fixture
def institution(tmp_path):
    return Institution(tmp_path)


# -- schedule.yml -------------------------------------------------------------------------------------------------------------

def test_check_shows_every_unit_and_touches_nothing(institution):
    before = sorted(os.listdir(systemd.DIRECTORY))
    done = institution.run("schedule", "--check", "--diff")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "copies (site.yml): todos los días a las 22:00 (America/Lima)" in done.stdout and "+OnCalendar=*-*-* 22:00:00 America/Lima" in done.stdout
    assert f"+ExecStart={PROGRAM} --inventory {institution.top / 'hosts.yml'} " in done.stdout and "transfer.yml" not in done.stdout
    entries = institution.entries("schedule_set")
    assert {entry["purpose"] for entry in entries} == {"copies", "drills", "verification", "media_health", "reports"}
    assert all(entry["simulated"] for entry in entries) and sorted(os.listdir(systemd.DIRECTORY)) == before


def test_mistakes_are_told_before_anything(institution):
    institution.variables["backup_schedule"] = {"copiess": {"at": "22:00"}, "transfer": {"at": "06:30", "month_day": 1}}
    done = institution.run("schedule", "--check")
    assert done.returncode == 2 and "RSP101" in done.stdout and "uiso decir copies" in done.stdout, done.stdout
    institution.variables["backup_schedule"] = {"transfer": {"at": "06:30", "month_day": 1}}
    done = institution.run("schedule", "--check")
    assert "no tiene qué hacer: el inventario no tiene backup_repository" in done.stdout
    institution.variables["backup_schedul"] = {}
    institution.variables["backup_repository"] = "local"
    institution.variables["backup_schedule"] = {"transfer": {"off": "no hace falta"}}
    done = institution.run("schedule", "--check")
    assert "apaga lo que este inventario necesita (numeral 7.2.1 d)" in done.stdout


def test_a_zone_that_does_not_exist(institution):
    policy = (ROOT / "policies" / "manual-001-2019.yml").read_text("utf-8").replace("time_zone: America/Lima", "time_zone: America/Limax")
    (institution.top / "policy.yml").write_text(policy, "utf-8")
    institution.variables["backup_policy_file"] = str(institution.top / "policy.yml")
    done = institution.run("schedule", "--check")
    assert done.returncode == 2 and "America/Limax" in done.stdout and "RSP101" in done.stdout


def test_a_password_of_the_vault_is_named_by_its_path_alone(institution):
    secret = institution.top / "vault.pass"
    secret.write_text("Secreto-7-de-la-prueba\n", "utf-8")
    secret.chmod(0o644)
    done = institution.run("schedule", "--check", "--diff", "--vault-password-file", str(secret))
    assert done.returncode == 2 and "RSP101" in done.stdout and f"chmod 600 {secret}" in done.stdout
    secret.chmod(0o600)
    done = institution.run("schedule", "--check", "--diff", "--vault-id", f"respaldo@{secret}")
    assert done.returncode == 0 and f" --vault-id respaldo@{secret} " in done.stdout, done.stdout
    assert "Secreto-7-de-la-prueba" not in done.stdout + done.stderr + json.dumps(institution.entries("schedule_set"))


def test_a_list_of_hosts_is_no_inventory_of_a_timer(institution):
    done = institution.run("schedule", "--check", inventory="localhost,")
    assert done.returncode == 2 and "RSP101" in done.stdout and "inventories" in done.stdout


def test_lines_of_cron_are_shown_and_the_bitacora_knows_when_they_are_due(institution):
    """Nobody's crontab is written; what cron starts has its due dates by these entries, as what others start."""
    done = institution.run("schedule", "-e", "schedule_scheduler=cron")
    assert done.returncode == 0 and "copies (site.yml): todos los días a las 22:00 (America/Lima): 0 22 * * *" in done.stdout, done.stdout + done.stderr
    put = {entry["purpose"]: (entry["scheduler"], entry["schedule"]) for entry in institution.entries("schedule_set")}
    assert put["copies"] == ("cron", "week all 22:00; America/Lima; 5; 120") and len(put) == 5
    # taken away, nothing is due
    assert institution.run("schedule", "-e", "schedule_scheduler=cron", "-e", "schedule_state=absent").returncode == 0
    assert {entry["purpose"] for entry in institution.entries("schedule_removed")} == set(put)


@pytest.mark.skipif(systemd.runs(), reason="systemd started this machine")
def test_where_systemd_does_not_run_it_is_said(institution):
    done = institution.run("schedule")
    assert done.returncode == 2 and "RSP743" in done.stdout and institution.entries("schedule_set") == []


# -- a start that failed ------------------------------------------------------------------------------------------------------

def shown(institution, pid, began):
    (institution.top / "shown").write_text(
        f"ExecMainPID={pid}\nExecMainStartTimestamp=@{int(began)}\nExecMainCode=1\nExecMainStatus=4\nResult=exit-code\n", "utf-8")


def failure(institution, unit="respaldo-copies.service"):
    return institution.run("schedule_failure", "-e", f"schedule_failure_unit={unit}", inventory="localhost,")


def test_a_start_that_recorded_nothing_has_its_entry(institution):
    shown(institution, 4242, time.time())
    done = failure(institution)
    assert done.returncode == 0, done.stdout + done.stderr
    (entry,) = institution.entries("schedule_failed")
    assert (entry["purpose"], entry["error_code"]) == ("copies", "RSP741") and "respaldo-copies.service: exit-code, 4" in entry["error_message_es"]


def test_a_run_that_recorded_its_failure_is_not_told_twice(institution):
    (institution.top / "datos" / "a.txt").unlink()
    (institution.top / "datos").rmdir()
    began = time.time()
    assert institution.run("site", RESPALDO_SCHEDULE="copies").returncode == 2
    (run,) = [entry for entry in institution.entries("run_started") if entry["playbook"] == "site.yml"]
    assert run["purpose"] == "copies"
    shown(institution, run["pid"], began)
    done = failure(institution)
    assert done.returncode == 0 and institution.entries("schedule_failed") == [], done.stdout
    # the same process of another service, and another process of the same
    for pid, unit in ((run["pid"], "respaldo-drills.service"), (run["pid"] + 1, "respaldo-copies.service")):
        shown(institution, pid, began)
        assert failure(institution, unit).returncode == 0
    assert [entry["purpose"] for entry in institution.entries("schedule_failed")] == ["drills", "copies"]


@pytest.mark.parametrize("unit", ["sshd.service", "respaldo-copies.timer", "respaldo-nada.service", "-H root@otro"])
def test_a_unit_that_is_none_of_the_schedule_is_refused(institution, unit):
    done = failure(institution, unit.replace(" ", "\\ "))
    assert done.returncode == 2 and "RSP101" in done.stdout and institution.entries("schedule_failed") == []


# -- two starts ---------------------------------------------------------------------------------------------------------------

def test_what_the_first_start_copied_is_not_due_for_the_second(institution):
    """Two schedulers that start the same playbook, one after the other; at the same moment: tests/integration/failures/test_media.py (RSP404, or a wait)."""
    for _start in range(2):
        assert institution.run("site", RESPALDO_SCHEDULE="copies").returncode == 0
    assert len(institution.entries("copy_made")) == 1
    assert units.purpose_of("respaldo-copies.service") == "copies"
