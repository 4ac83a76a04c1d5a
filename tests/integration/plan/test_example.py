# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The example inventory has the machine of its append-only medium: the playbook of the guide finds it, and no other play reaches it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from plugins.plugin_utils._bitacora.store import open_store

ROOT = Path(__file__).resolve().parents[3]
MEDIUM = "nas-lima.example.org"


def run(tmp_path, playbook, *options):
    # a name that nothing answers to: who reaches for it is told so by Ansible at once
    return subprocess.run(
        [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "inventories/example", f"playbooks/{playbook}.yml", "-e", "vault_nas_keeper_key=x",
         "-e", "ansible_ssh_common_args='-o ConnectTimeout=2'", *options],
        cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False,
        env=dict(os.environ, HOME=str(tmp_path), RESPALDO_BITACORA=str(tmp_path / "bitacora.sqlite"), RESPALDO_BITACORA_JOURNAL=str(tmp_path / "diario"),
                 ANSIBLE_LOCAL_TEMP=str(tmp_path / "ansible")))


def test_the_playbook_of_the_guide_finds_its_machine(tmp_path):
    chosen = ("-e", f"append_only_medium_host={MEDIUM}", "-e", "append_only_medium_name=nas-lima")
    assert f"({MEDIUM},): The gate" in run(tmp_path, "append_only_medium", *chosen, "--list-hosts").stdout
    # past the check, and at the gate the machine is reached for: there is none
    done = run(tmp_path, "append_only_medium", *chosen, "--limit", MEDIUM, "--check")
    assert done.returncode == 4 and "UNREACHABLE" in done.stdout and "The gate" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("playbook", ["site", "verify", "reconcile"])
def test_no_other_play_reaches_it(tmp_path, playbook):
    done = run(tmp_path, playbook, "--limit", MEDIUM)
    # that machine alone has no system, so nothing was done
    assert done.returncode == 71 and "unreachable=0" in done.stdout and "RSP734" in done.stdout + done.stderr, done.stdout + done.stderr


def test_a_wrong_key_of_the_controllers_ends_the_run_before_a_server_is_reached(tmp_path):
    done = run(tmp_path, "database", "--limit", "bd1.example.org")
    assert done.returncode == 2 and "unreachable=0" in done.stdout and "backup_media[1].keeper.ssh_key: '(hidden)' is not a private key" in done.stdout
    with open_store(str(tmp_path / "bitacora.sqlite"), readonly=True) as store:
        told = [entry for entry in store.entries() if "RSP101" in str(entry)]
    assert "no es una clave privada" in str(told), told
