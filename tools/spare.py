# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the machine has a processor to spare: parts of the tests that wait for servers use half of one. Needs only Python's own library.

What is looked at is the machine, not the parts: where others work on it too, there is none to spare and nothing more is begun.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

LOOK_SECONDS = 10.0
IDLE_PROCESSORS = 0.6      # of all, on average over a look
MEMORY_KIB = 3 << 20       # available, so that one part more never makes the others wait for memory
_STAT, _MEMORY = Path("/proc/stat"), Path("/proc/meminfo")


def _ticks() -> tuple[int, int, int]:
    """(ticks in which a processor had nothing to do, ticks in all, processors) since the machine was started."""
    lines = _STAT.read_text("ascii").splitlines()
    told = [int(number) for number in lines[0].split()[1:9]]
    return told[3] + told[4], sum(told), sum(line.startswith("cpu") for line in lines) - 1


def _available() -> int:
    """KiB of memory that a program could have."""
    return next(int(line.split()[1]) for line in _MEMORY.read_text("ascii").splitlines() if line.startswith("MemAvailable:"))


def is_idle(needless: Callable[[], bool]) -> bool:
    """Waits until a processor has been idle; False when there is no need any more, or nothing tells."""
    try:
        while not needless():
            idle, every, processors = _ticks()
            until = time.monotonic() + LOOK_SECONDS
            while time.monotonic() < until:
                if needless():
                    return False
                time.sleep(min(0.2, LOOK_SECONDS))
            later, total, _count = _ticks()
            if total > every and (later - idle) / (total - every) * processors >= IDLE_PROCESSORS and _available() >= MEMORY_KIB:
                return True
    except (OSError, ValueError, IndexError, StopIteration):
        pass
    return False
