# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In the machine: the entries that runs of the stand-in would have written at their starts, by the collection's own store, and each once."""

from __future__ import annotations

import datetime
import fcntl
import os
import socket
import sys
from pathlib import Path

sys.path[:0] = ["/opt/ansible/lib", "/opt/respaldo"]

from plugins.plugin_utils._bitacora.store import open_store  # noqa: E402

HERE = Path("/srv/week")
COUNT = HERE / "recorded"

with open(HERE / "lock", "w", encoding="utf-8") as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)
    lines = (HERE / "starts").read_text("utf-8").splitlines()
    recorded = int(COUNT.read_text("utf-8")) if COUNT.exists() else 0
    with open_store(os.environ["RESPALDO_BITACORA"]) as store:
        for number, line in enumerate(lines[recorded:], recorded):
            began, purpose, playbook, how, pid = line.split()
            if how != "alone":
                continue
            at = datetime.datetime.fromtimestamp(int(began), datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
            facts = {"run": f"{int(began):012x}-{number}", "playbook": playbook, "purpose": purpose, "pid": int(pid), "controller": socket.gethostname(),
                     "executed_by": "root"}
            store.append("run_started", facts, at, facts["run"])
            store.append("run_ended", {**facts, "verdict": "ok"}, at, facts["run"])
    COUNT.write_text(str(len(lines)), "utf-8")
