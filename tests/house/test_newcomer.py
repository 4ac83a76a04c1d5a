# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/mistakes.md: each of a newcomer's 46 mistakes has its row, and each test that a row names is there and knows the number."""

from __future__ import annotations

import re
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
MISTAKES = range(1, 47)
# These tests take the mistake by its number.
NUMBERED = {"test_a_mistake_in_variables_is_told_with_where_and_mend": "IN_VARIABLES", "test_a_mistake_in_what_is_typed": "TYPED",
            "test_a_mistake_that_the_inventory_shows": "CHOSEN"}


def rows() -> dict[int, list[tuple[str, str]]]:
    found = {}
    for line in (TOP / "docs/mistakes.md").read_text("utf-8").splitlines():
        if re.match(r"\| \d", line):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            found[int(cells[0])] = re.findall(r"`(tests/[\w/.]+\.py)::(\w+)`", cells[2])
    return found


def test_each_mistake_has_its_row_and_each_row_its_test() -> None:
    assert list(rows()) == list(MISTAKES) and all(rows().values())


def test_each_test_that_is_named_is_there_and_knows_the_number() -> None:
    wrong = []
    for number, tests in rows().items():
        for file, test in tests:
            text = (TOP / file).read_text("utf-8") if (TOP / file).is_file() else ""
            table = NUMBERED.get(test)
            known = table is None or re.search(rf"^{table} = {{.*?^    {number}: \(.*?^}}$", text, re.MULTILINE | re.DOTALL)
            if not re.search(rf"^def {test}\(", text, re.MULTILINE) or not known:
                wrong.append(f"{number}: {file}::{test}")
    assert wrong == []
