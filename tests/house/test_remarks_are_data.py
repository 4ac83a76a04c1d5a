# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No part of the engine makes a remark of free text: each is of the catalogue, in two languages."""

from __future__ import annotations

import ast
import pathlib
import re

import trees

ENGINE = pathlib.Path(__file__).resolve().parents[2] / "plugins" / "module_utils" / "_engine"


def _elements(node):
    """What a list of an expression is made of, as far as it is written there."""
    if isinstance(node, (ast.List, ast.Tuple)):
        return node.elts
    if isinstance(node, ast.ListComp):
        return [node.elt]
    if isinstance(node, ast.BinOp):
        return [*_elements(node.left), *_elements(node.right)]
    return [*_elements(node.body), *_elements(node.orelse)] if isinstance(node, ast.IfExp) else []


def test_no_part_of_the_engine_makes_a_remark_of_free_text():
    """What gathers remarks is given remarks: mypy sees the types, and this what it can't see, such as Any."""
    gathers = re.compile(r"(self\.)?(notes|noted|remarks|warnings)\Z|self\.found\Z")
    wrong = []
    for path in sorted(ENGINE.rglob("*.py")):
        for node in trees.nodes(path):
            given = []
            if trees.called(node) == "append" and gathers.match(ast.unparse(node.func)[:-len(".append")]):
                given = node.args
            elif isinstance(node, (ast.AugAssign, ast.Assign)):
                target = node.target if isinstance(node, ast.AugAssign) else node.targets[0]
                if isinstance(target, (ast.Name, ast.Attribute)) and gathers.match(ast.unparse(target)):
                    given = _elements(node.value)
            wrong += ["{0}:{1}".format(path.name, each.lineno) for each in given if isinstance(each, (ast.Constant, ast.JoinedStr))
                      or (isinstance(each, ast.Call) and ast.unparse(each.func).endswith(".format"))]
    assert not wrong


def test_what_modules_warn_of_is_in_spanish_first():
    """Staff read it on the terminal and in AWX. A text that is no remark and no error is Spanish by itself, which its letters tell."""
    wrong, seen = [], 0
    for path in sorted(ENGINE.parent.rglob("*.py")):
        for node in trees.nodes(path):
            if trees.called(node) == "warn" and ast.unparse(node.func).endswith("module.warn"):
                seen += 1
                words = "".join(each.value for each in ast.walk(node) if isinstance(each, ast.Constant) and isinstance(each.value, str))
                if "in_both" not in ast.unparse(node) and not re.search("[áéíóúñ]", words):
                    wrong.append("{0}:{1}".format(path.name, node.lineno))
    assert seen >= 5 and not wrong
