# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/report.yml, that is the role report and the action backup_report, as people run it, with an inventory and a bitácora of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
INVENTORY = """
all:
  hosts:
    localhost:
    db1:
      backup_systems:
        - {name: SIGA, kind: database, source: {type: postgresql, databases: [siga], password: "{{ secreto }}"},
           criticality: alta, office: OTI, responsible: Ana}
"""


@pytest.fixture
def report(tmp_path):
    (tmp_path / "hosts.yml").write_text(INVENTORY, "utf-8")

    def run(*options, **variables):
        told = {"report_directory": str(tmp_path / "informes"), **variables}
        command = [str(Path(sys.executable).with_name("ansible-playbook")), "playbooks/report.yml", "-i", str(tmp_path / "hosts.yml"),
                   "-e", json.dumps(told), *options]
        settings = dict(os.environ, RESPALDO_BITACORA=str(tmp_path / "b.sqlite"), HOME=str(tmp_path), ANSIBLE_NOCOLOR="1")
        return subprocess.run(command, cwd=ROOT, env=settings, capture_output=True, text=True, timeout=120, check=False)

    return run


def test_reports_are_written_once_and_look_only_in_check_mode(report, tmp_path):
    looked = report("--check")
    assert looked.returncode == 0, looked.stdout + looked.stderr
    assert not (tmp_path / "informes").exists()
    done = report(report_formats=["html", "csv", "xlsx"], report_date="2026-02-10")
    assert done.returncode == 0, done.stdout + done.stderr
    made = sorted((tmp_path / "informes").iterdir())
    assert [path.name for path in made] == ["bitacora_2026-02.csv", "bitacora_2026-02.html", "bitacora_2026-02.xlsx", "tablero_2026-02-10.html"]
    assert {path.stat().st_mode & 0o777 for path in made} == {0o640}
    assert "SIGA" in made[3].read_text("utf-8")
    again = report(report_formats=["html", "csv", "xlsx"], report_date="2026-02-10")
    # the run itself is an entry, which the board tells of; a month that has ended stays as it was
    assert "changed=1" in again.stdout


def test_a_directory_that_takes_no_file_is_told(report, tmp_path):
    (tmp_path / "file").write_text("")
    done = report(report_directory=str(tmp_path / "file" / "informes"))
    assert done.returncode == 2
    assert "RSP902" in done.stdout
