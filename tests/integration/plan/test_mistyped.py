# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mistyped variable of a role is refused without showing the inventory: Ansible renders a role's whole specification into that error."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SECRETS = {"database": "Zq9-clave-de-la-base", "medium": "Zq9-llave-del-medio", "custodian": "Zq9-ficha-del-custodio", "mail": "Zq9-clave-del-correo"}
# playbook, the variable that is mistyped, its value
MISTAKES = (
    ("verify", "verify_copies", "todas"), ("drill", "drill_plan_only", "talvez"), ("database", "common_lock_timeout", "media-hora"),
    ("restore", "restore_overwrite", "talvez"), ("prune", "prune_lock_timeout", "nunca"), ("transfer", "repository_lock_timeout", "nunca"),
    ("custody", "custody_copies", "todas"), ("plan", "plan_actors", "Ana"), ("azure_backup", "azure_backup_days", "todos"),
    ("reconcile", "reconcile_accept_empty", "talvez"), ("report", "report_days", "todos"), ("shared_folder", "shared_folder_recreate", "talvez"),
)


@pytest.mark.parametrize(("playbook", "name", "value"), MISTAKES)
def test_it_shows_no_secret(tmp_path, playbook, name, value):
    inventory = tmp_path / "hosts.yml"
    inventory.write_text(json.dumps({"all": {"hosts": {"localhost": {
        "ansible_connection": "local", "ansible_python_interpreter": sys.executable,
        "backup_systems": [{"name": "SIGA", "kind": "database", "criticality": "baja", "office": "OTI",
                            "source": {"type": "postgresql", "databases": ["siga"], "user": "u", "host": "h", "password": SECRETS["database"]}}],
        "backup_media": [{"name": "nas", "path": "/nas", "host": "nas", "user": "u", "ssh_key": SECRETS["medium"]}],
        "backup_custodians": [{"name": "boveda", "type": "hashicorp_vault", "address": "https://boveda", "token": SECRETS["custodian"]}],
        "backup_warn_mail": {"host": "correo", "to": ["a@example.org"], "password": SECRETS["mail"]},
        "backup_shared_folders": [{"name": "rrhh", "path": "/srv/rrhh", "office": "RRHH"}]}}}}), "utf-8")
    told = {name: value, "restore_host": "localhost", "restore_kind": "database", "restore_system": "SIGA"}
    done = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(inventory), f"playbooks/{playbook}.yml", "-e", json.dumps(told)],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
        env=dict(os.environ, HOME=str(tmp_path), RESPALDO_BITACORA=str(tmp_path / "bitacora.sqlite"), ANSIBLE_LOCAL_TEMP=str(tmp_path / "ansible")))
    output = done.stdout + done.stderr
    assert done.returncode == 2 and name in output, output
    assert [secret for secret in SECRETS.values() if secret in output] == []
