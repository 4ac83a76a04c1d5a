# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/newcomer.md: each of the thirty steps of a newcomer's month has its row and its test; each row of `make month` stands there and types what it says."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import NamedTuple

TOP = Path(__file__).resolve().parents[2]
STEPS = range(1, 31)
GUIDE = (TOP / "docs/guia-operador.md").read_text("utf-8")
README = (TOP / "README.md").read_text("utf-8")


class Step(NamedTuple):
    typed: set[str]
    tests: list[tuple[str, str]]


def steps() -> dict[int, Step]:
    found = {}
    for line in (TOP / "docs/newcomer.md").read_text("utf-8").splitlines():
        if re.match(r"\| \d", line):
            number, _step, typed, tests = (cell.strip() for cell in line.strip("|").split("|"))
            found[int(number)] = Step(set(re.findall("`([^`]+)`", typed)), re.findall(r"`(tests/[\w/.]+\.py)::(\w+)`", tests))
    return found


def functions(file: str) -> dict[str, str]:
    """The text of each test of a file."""
    text = (TOP / file).read_text("utf-8")
    return {node.name: ast.get_source_segment(text, node) or "" for node in ast.parse(text).body
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def typed_by(text: str) -> set[str]:
    """The verbs, playbooks and targets of make that a row types; those that read their lines in the guide or the README type what stands there."""
    text = text.partition('"""')[2].partition('"""')[2]      # without what it says of itself
    if "README.md" in text:
        return {f"ansible-playbook playbooks/{name}.yml" for name in re.findall(r"`ansible-playbook playbooks/(\w+)\.yml -i INVENTORY", README)}
    if "lines_of_the_guide()" in text:
        text += GUIDE.partition("### De una máquina vacía a la primera copia cifrada")[2].partition("\n```\n")[0]
    plays = {f"ansible-playbook playbooks/{name}.yml" for name in re.findall(r"PLAY\.format\([\"'](\w+)[\"']\)", text)}
    verbs = {f"respaldo {verb}" for verb in re.findall(r"(?:^|[\"'&; ])respaldo(?:\", \"| )([a-z][a-z-]+)", text, re.MULTILINE)}
    return plays | verbs | {f"make {''.join(target)}" for target in re.findall(r"make -C /srv/respaldo (\w+)( REASON=)?", text)}


def test_each_step_has_its_row_and_each_row_a_test_that_is_there() -> None:
    told = steps()
    assert list(told) == list(STEPS)
    for number, step in told.items():
        assert step.typed and step.tests, number
        for file, test in step.tests:
            assert (TOP / file).is_file() and test in functions(file), f"{number}: {file}::{test}"


def test_each_row_of_the_month_stands_in_the_table() -> None:
    named = {each for step in steps().values() for each in step.tests}
    for path in (TOP / "tests/month").glob("test_*.py"):
        file = str(path.relative_to(TOP))
        assert {(file, test) for test in functions(file)} <= named


def test_a_row_types_what_stands_in_the_table_and_in_the_guide() -> None:
    for number, step in steps().items():
        typed = [typed_by(functions(file)[test]) for file, test in step.tests if file.startswith("tests/month/")]
        assert not typed or set().union(*typed) == step.typed, f"{number}: {set().union(*typed) ^ step.typed}"
        for line in step.typed:
            assert line.split("/")[-1] in GUIDE + README, f"{number}: {line}"
