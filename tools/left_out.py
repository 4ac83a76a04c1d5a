# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts what a part of the tests left out, and why: tests that were skipped, and those that were never chosen. Needs only Python's own library."""

from __future__ import annotations

import re
from collections import Counter

# pytest's own line of the reasons (-rs), and the one that tests/conftest.py writes for tests that a part deselects
_TOLD = re.compile(r"(SKIPPED|DESELECTED) \[(\d+)\] (?:\S+?\.py(?::\d+)?: )?(.*)")
_WORDS = {"SKIPPED": "skipped", "DESELECTED": "deselected"}


def left_out(log: str) -> list[str]:
    """What a part's log says of tests that did not run: how many, in which way, why; those with the same reason together.

    A number of pytest's last line that no reason was told for is told too, so that nothing is left out in silence.
    """
    told: Counter[tuple[str, str]] = Counter()
    for way, number, reason in _TOLD.findall("\n".join(line for line in log.splitlines() if line.startswith(tuple(_WORDS)))):
        told[_WORDS[way], reason.strip() or "no reason given"] += int(number)
    ends = [line for line in log.splitlines() if re.search(r"\b\d+ (passed|failed|errors?|skipped|deselected)\b.* in [\d.]+s", line)]
    for way in _WORDS.values():
        total = re.search(r"(\d+) " + way, ends[-1]) if ends else None
        silent = int(total[1]) - sum(number for (each, _reason), number in told.items() if each == way) if total else 0
        if silent > 0:
            told[way, "no reason given"] += silent
    return [f"{number} {way}: {reason}" for (way, reason), number in sorted(told.items(), key=lambda item: (item[0][0], -item[1], item[0][1]))]
