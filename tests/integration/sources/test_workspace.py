# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a killed run leaves is swept by the next; what a living run uses is not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.processes import workspace

HOLDER = """
import sys
sys.path.insert(0, sys.argv[1])
from _engine.processes.workspace import Workspace
held = Workspace(sys.argv[2])
print(held.path, flush=True)
sys.stdin.read()
"""


def test_sweep(tmp_path):
    utilities = Path(workspace.__file__).resolve().parents[2]
    holder = subprocess.Popen([sys.executable, "-B", "-c", HOLDER, str(utilities), str(tmp_path)], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE)
    held = holder.stdout.readline().decode().strip()
    assert os.stat(held).st_mode & 0o777 == 0o700
    os.utime(held, (time.time() - 3600,) * 2)
    workspace.Workspace(str(tmp_path)).close()
    assert os.path.isdir(held)
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    workspace.Workspace(str(tmp_path)).close()
    assert os.listdir(tmp_path) == []
