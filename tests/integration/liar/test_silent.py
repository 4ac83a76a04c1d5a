# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that was taken, or whose disk hangs, and never answers: what is done on every other server is done all the same."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from institution import ROOT


@pytest.mark.parametrize(("playbook", "event", "systems"), [
    ("site", "copy_made", {"SIGA", "PORTAL"}), ("verify", "copy_verified", {"SIGA", "PORTAL"}), ("prune", "copy_pruned", {"SIGA"})])
def test_a_silent_server_holds_nobody_but_itself(institution, playbook, event, systems):
    """In lockstep the next kind of copies of every server waits for its answer: no copy of any of them is made any more, that night and the next."""
    top = institution.top
    Path(institution.interpreter()).write_text("#!/bin/sh\nexec sleep 3600\n")
    inventory = json.loads((top / "inventory.yml").read_text("utf-8"))
    hosts = inventory["all"]["hosts"]
    theirs = next(row for row in hosts["mala"]["backup_systems"] if row["name"] == "PORTAL")
    hosts["mala"]["backup_systems"].remove(theirs)
    hosts["buena"]["backup_systems"].append({**theirs, "moved_from": "mala"})
    (top / "inventory.yml").write_text(json.dumps(inventory), "utf-8")
    told = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "RESPALDO_"))}
    told.update(HOME=str(top), LC_ALL="C.UTF-8", ANSIBLE_CONFIG=str(ROOT / "ansible.cfg"), RESPALDO_BITACORA=str(institution.bitacora),
                RESPALDO_BITACORA_JOURNAL=str(top / "diario"), ANSIBLE_LOCAL_TEMP=str(top / "ansible"))
    argv = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(top / "inventory.yml"), "--vault-password-file", str(top / "vault"),
            str(ROOT / "playbooks" / (playbook + ".yml")), "-e", "backup_emergency_reason=prueba prune_repository=''"]
    with (top / "out").open("w") as out, subprocess.Popen(argv, cwd=ROOT, env=told, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                                          start_new_session=True) as running:
        made: set[str] = set()
        until = time.monotonic() + 180
        while time.monotonic() < until and running.poll() is None and made != systems:
            time.sleep(2)
            with contextlib.suppress(IndexError):
                made = {entry["system"] for entry in institution.last_run() if entry["type"] == event}
        alive = running.poll() is None
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.pid, number)
            time.sleep(2)
    assert alive and made == systems, (top / "out").read_text("utf-8")[-4000:]
