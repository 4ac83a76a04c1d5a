# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Directories by playbooks/source_code.yml: whether they changed is asked of all in one task, and only those that did are copied."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from plugins.plugin_utils._bitacora.store import open_store

ROOT = Path(__file__).resolve().parents[3]
NAMES = ("UNO", "DOS", "TRES", "CUATRO")


def play(top):
    """A run of the playbook: its status, how often directories were asked, and the systems that it copied."""
    systems = [{"name": name, "kind": "source_code", "criticality": "baja", "office": "OTI", "source": {"type": "paths", "paths": [str(top / name)]}}
               for name in NAMES]
    variables = {
        "ansible_connection": "local", "ansible_python_interpreter": sys.executable, "common_install_tools": False, "backup_systems": systems,
        "backup_assigned_paths": [str(top)], "backup_policy_file": str(ROOT / "policies" / "manual-001-2019.yml"),
        "backup_media": [{"name": "disco", "path": str(top / "disco"), "create": True}]}
    (top / "inventory.yml").write_text(json.dumps({"all": {"hosts": {"uno": variables}}}), "utf-8")
    bitacora = top / "state" / "bitacora.sqlite"
    before = 0
    if bitacora.exists():
        with open_store(str(bitacora), readonly=True) as store:
            before = len(store.entries())
    done = subprocess.run([os.path.join(os.path.dirname(sys.executable), "ansible-playbook"), "-i", str(top / "inventory.yml"), "playbooks/source_code.yml"],
                          cwd=ROOT, env=dict(os.environ, RESPALDO_BITACORA=str(bitacora), HOME=str(top), ANSIBLE_LOCAL_TEMP=str(top / "ansible"),
                                             ANSIBLE_NOCOLOR="1"), capture_output=True, text=True, check=False)
    with open_store(str(bitacora), readonly=True) as store:
        made = [entry["system"] for entry in store.entries()[before:] if entry["type"] == "copy_made"]
    return done.returncode, done.stdout.count("Ask the directories for their content]"), sorted(made), done.stdout


def test_all_directories_are_asked_in_one_task(tmp_path):
    for name in NAMES:
        (tmp_path / name).mkdir()
        (tmp_path / name / "a").write_text(name, "utf-8")
    status, asked, made, out = play(tmp_path)
    assert (status, asked, made) == (0, 0, sorted(NAMES)), out

    (tmp_path / "DOS" / "a").write_text("otro", "utf-8")
    status, asked, made, out = play(tmp_path)
    assert (status, asked, made) == (0, 1, ["DOS"]), out
    # what had nothing new says so, in one entry: a second start of the same job explains itself
    with open_store(str(tmp_path / "state" / "bitacora.sqlite"), readonly=True) as store:
        (idle,) = store.entries(type="copy_not_due")
    assert (idle["kind"], idle["objects"]) == ("source_code", 3) and idle["reason_text"].count("sin cambios desde") == 3 and "DOS" not in idle["reason_text"]
    assert out.count("sin cambios desde") == 3, out

    # one that can't be asked is due, its copy fails and is recorded; the others are told apart all the same
    (tmp_path / "TRES" / "a").unlink()
    (tmp_path / "TRES").rmdir()
    (tmp_path / "UNO" / "a").write_text("otro", "utf-8")
    status, asked, made, out = play(tmp_path)
    assert (status, asked, made) == (2, 1, ["UNO"]) and "RSP201" in out, out
