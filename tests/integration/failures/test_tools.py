# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tool of the pipeline is killed half-way, or its source is not what the inventory says."""

from __future__ import annotations

import os
import signal

import pytest

from .house import House, descendants


@pytest.mark.parametrize("victim, code, words", [
    ("dump.sh", "RSP202", "signal SIGKILL"),
    ("zstd", "RSP302", "zstd ended with signal SIGKILL"),
    ("gpg", "RSP302", "gpg --encrypt ended with signal SIGKILL"),
])
def test_a_tool_killed_half_way(house: House, victim: str, code: str, words: str) -> None:
    run, dump = house.begin_half()
    # of a dump that sleeps there are two for a moment: between fork and exec the child has its name
    found = [dump] if victim == "dump.sh" else [pid for pid, name in descendants(run.pid).items() if name == victim]
    assert len(found) == 1, descendants(run.pid)
    assert len(house.labels()) == 1 and len(house.hidden()) == 1
    os.kill(found[0], signal.SIGKILL)
    house.go_on()
    failed = house.failed_well(house.finished(run), code)
    assert words in failed["error_message"]
    assert len(house.labels()) == 1 and house.hidden() == []
    house.mended()
