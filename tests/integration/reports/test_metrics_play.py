# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/metrics.yml, that is the role metrics and the action backup_metrics, as people run it: what it writes, and what it refuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from prometheus_client.openmetrics.parser import text_string_to_metric_families

ROOT = Path(__file__).resolve().parents[3]
SECRET = "Cl4ve-plantada-77"
INVENTORY = """
all:
  hosts:
    localhost:
    db1:
      secreto: {secret}
      backup_systems:
        - {{name: SIGA, kind: database, source: {{type: postgresql, databases: [siga], password: "{{{{ secreto }}}}"}}, criticality: alta, office: OTI}}
"""


def test_the_file_is_written_for_node_exporter_and_holds_no_secret(tmp_path):
    (tmp_path / "hosts.yml").write_text(INVENTORY.format(secret=SECRET), "utf-8")
    there = tmp_path / "textfile"
    there.mkdir()

    def run(path, *options):
        command = [str(Path(sys.executable).with_name("ansible-playbook")), "playbooks/metrics.yml", "-i", str(tmp_path / "hosts.yml"),
                   "-e", json.dumps({"backup_metrics_file": str(path)}), *options]
        settings = dict(os.environ, RESPALDO_BITACORA=str(tmp_path / "b.sqlite"), HOME=str(tmp_path), ANSIBLE_NOCOLOR="1")
        return subprocess.run(command, cwd=ROOT, env=settings, capture_output=True, text=True, timeout=120, check=False)

    looked = run(there / "respaldo.prom", "--check")
    assert looked.returncode == 0 and not list(there.iterdir()), looked.stdout + looked.stderr
    done = run(there / "respaldo.prom")
    assert done.returncode == 0 and "changed=1" in done.stdout, done.stdout + done.stderr
    text = (there / "respaldo.prom").read_text("utf-8")
    told = {sample.name: sample for family in text_string_to_metric_families(text) for sample in family.samples}
    assert told["respaldo_system_declared"].labels == {"system": "SIGA", "kind": "database", "criticality": "alta"}
    assert told["respaldo_purpose_good"].labels == {"purpose": "metrics"} and told["respaldo_bitacora_verified"].value == 1
    assert SECRET not in text + done.stdout and str(tmp_path) not in text and (there / "respaldo.prom").stat().st_mode & 0o777 == 0o644
    refused = run(there / "respaldo.txt")
    assert refused.returncode == 2 and "RSP101" in refused.stdout and "termine en .prom" in refused.stdout
    missing = run(tmp_path / "no-hay" / "respaldo.prom")
    assert missing.returncode == 2 and "RSP902" in missing.stdout and not (tmp_path / "no-hay").exists()
