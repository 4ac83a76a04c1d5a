# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a part of the tests ends: by itself, with what it used, or made to, with all its children. Needs only Python's own library."""

from __future__ import annotations

import os
import signal
import subprocess
import time


def end(process: subprocess.Popen[bytes]) -> None:
    """Ends a part with all its children: asked first, then made to."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(10)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def wait(process: subprocess.Popen[bytes], seconds: float) -> tuple[int, float]:
    """Until the part ends: its status, and the seconds of processors that it and its children used. Raises TimeoutExpired at its limit."""
    limit = time.monotonic() + seconds
    while True:
        try:
            found, status, used = os.wait4(process.pid, os.WNOHANG)
        except ChildProcessError:      # somebody ended it, and waited
            return process.wait(), 0.0
        if found:
            process.returncode = os.waitstatus_to_exitcode(status)
            return process.returncode, used.ru_utime + used.ru_stime
        if time.monotonic() >= limit:
            raise subprocess.TimeoutExpired(process.args, seconds)
        time.sleep(0.1)
