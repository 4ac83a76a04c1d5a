# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker that gives a copy its name does not outlive its controller, whatever session it has; before and after it may."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from plugins.module_utils._engine.errors import BackupError
from plugins.plugin_utils._bitacora import living

# A controller whose worker has a session of its own, as those of ansible-core 2.19 have, and tells its number before it waits.
CONTROLLER = """
import os, sys, time
from plugins.plugin_utils._bitacora import living
os.environ["RESPALDO_CONTROLLER_PID"] = str(os.getpid())
if os.fork() == 0:
    os.setsid()
    with living.dying_with_controller("SIGA_20261124"):
        if sys.argv[1] == "within":
            print(os.getpid(), flush=True)
            time.sleep(600)
    print(os.getpid(), flush=True)
    time.sleep(600)
time.sleep(600)
"""


def lives(pid):
    """Whether a process is there and no corpse that waits for its parent."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("where", ["within", "after"])
def test_it_dies_with_its_controller_while_it_gives_names(where):
    controller = subprocess.Popen([sys.executable, "-c", CONTROLLER, where], stdout=subprocess.PIPE, text=True)
    worker = int(controller.stdout.readline())
    try:
        controller.kill()
        controller.wait()
        until = time.monotonic() + 60
        while where == "within" and lives(worker) and time.monotonic() < until:
            time.sleep(0.01)
        assert lives(worker) == (where == "after")
    finally:
        if lives(worker):
            os.kill(worker, 9)
        controller.stdout.close()


def test_one_whose_controller_is_gone_gives_none(monkeypatch):
    monkeypatch.setenv("RESPALDO_CONTROLLER_PID", "1" if os.getppid() != 1 else "2")
    with pytest.raises(BackupError) as caught, living.dying_with_controller("SIGA_20261124"):
        raise AssertionError("nothing is done")
    assert caught.value.fault.name == "interrupted"
