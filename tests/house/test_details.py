# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every detail that the code writes into an error has its Spanish: what goes into the bitácora is in one language."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest
import trees

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "collections"))

from ansible_collections.perucompras.respaldo.plugins.module_utils._engine import spanish  # noqa: E402
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.faults import details, details_inventory, details_mailboxes  # noqa: E402

_ENGLISH = re.compile(r"\b(the|which|was|were|of|and|with|copy|could|files|database|is|are|it|its|not|has|to|for|on|by|from|this|that|there|did|does|server|"
                      r"than|or|be|at|as|but|they|who|what|when|after|before|ended|account|key|names|can't|don't|table|rows)\b")
# What Spanish has of these letters, and what is a name: commands, options, other programs' words.
_SPANISH = re.compile(r"\bno\b|«[^»]*»|--start-at-task|git refs migrate --ref-format=files|\bhost\b|su from\b|\bfrom (?:antes|y)\b")
_VALUE = "9"


def _texts(node):
    """The texts that an expression may give, each value in it 9."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _texts(node.body)
        yield from _texts(node.orelse)
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from _texts(value)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format" and isinstance(node.func.value, ast.Constant):
        yield re.sub(r"\{[^}]*\}", _VALUE, node.func.value.value)
    elif isinstance(node, ast.JoinedStr):
        yield "".join(part.value if isinstance(part, ast.Constant) else _VALUE for part in node.values)


def _found():
    told = {}
    for path in sorted((ROOT / "plugins").rglob("*.py")):
        if "faults" in path.parts:
            continue
        for node in trees.nodes(path):
            called = trees.called(node)
            if called in ("Problem", "_refused"):      # what is wrong, and what to write instead
                told.update((text, f"{path.name}:{node.lineno}") for each in node.args[2:] for text in _texts(each))
            if called == "BackupError":
                for keyword in node.keywords:
                    if keyword.arg in ("detail", "problem", "what", "step"):
                        told.update((text, f"{path.name}:{node.lineno}") for text in _texts(keyword.value))
    return told


FOUND = _found()


def test_details_are_found():
    assert len(FOUND) > 200


@pytest.mark.parametrize("text", FOUND, ids=lambda text: text[:60])
def test_each_detail_has_its_spanish(text):
    told = _SPANISH.sub("", spanish.of_detail(text))
    left = _ENGLISH.search(told)
    assert not left, f"{FOUND[text]}: give faults/details.py a row of {text!r}: {left.group(0)!r} stays English in {told!r}"


def test_each_row_has_as_many_values_in_both_languages_and_is_there_once():
    rows = (*details.ROWS, *details_inventory.ROWS, *details_mailboxes.ROWS)
    assert not [row for row in rows if row[0].count("{}") != row[1].count("{}")]
    english = [row[0] for row in rows]
    assert len(set(english)) == len(english)


def test_a_value_keeps_its_own_letters():
    assert spanish.of_detail(r"as account {0}: \1 \g<0> is empty") == r"con la cuenta {0}: \1 \g<0> está vacío"
    assert spanish.of_detail("the group a'b\n(c) does not exist") == "el grupo a'b\n(c) no existe"
