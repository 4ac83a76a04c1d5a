# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says in a few lines why a part of the tests failed, for where only the end of a long output is kept. Needs only Python's own library."""

from __future__ import annotations

import itertools
import re

NAMES, REASONS, LINES_EACH, CHARACTERS = 12, 6, 10, 700
# what tells the reason in the output of a play that an assertion carries: a task that ended badly, an error of ours, an exit status
TELLING = re.compile(r"fatal:|FAILED!|UNREACHABLE!|\bRSP\d{3}|\[ERROR\]|^ERROR|Traceback|^\w+(Error|Exception)\b|unreachable=[1-9]|failed=[1-9]|^assert ")
COLOUR, FRAME = re.compile(r"\x1b\[[0-9;]*m"), re.compile(r"^\s*│ ?")  # Molecule draws a frame, in colours, around what a verifier prints


def cut(line: str) -> str:
    """Both ends of a line that is too long: an error often says its cause last."""
    half = CHARACTERS // 2
    return line if len(line) <= CHARACTERS else f"{line[:half - 2]}[…]{line[2 - half - 1:]}"


def reason(block: list[str]) -> list[str]:
    """Of the lines that pytest marks with E for one failure: the first one that says something, those that tell, the last one."""
    lines = [line[1:].strip() for line in block]
    lines = [line for line in lines if line and line not in ("AssertionError:", "assert (")]
    middle = [line for line in lines[1:-1] if TELLING.search(line)]
    told = list(dict.fromkeys([*lines[:1], *middle[:LINES_EACH - 2], *lines[-1:]]))
    return [cut("E  " + line) for line in told]


def reasons(log: str) -> list[str]:
    """What a part's log says of its failures: the tests' names, then each different reason; its last lines where pytest said nothing."""
    lines = [FRAME.sub("", COLOUR.sub("", line)) for line in log.splitlines()]
    names = [cut(line) for line in lines if line.startswith(("FAILED ", "ERROR "))]
    blocks = [list(block) for marked, block in itertools.groupby(lines, key=lambda line: re.match(r"E(\s|$)", line) is not None) if marked]
    different = list(dict.fromkeys(tuple(reason(block)) for block in blocks))
    return [*names[:NAMES], *itertools.chain.from_iterable(different[:REASONS])] or [cut(line) for line in lines[-3:]]
