# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The syntax of our files, read once for all rules that look into them."""

from __future__ import annotations

import ast
import functools
from pathlib import Path


def nodes_of(text: str) -> list[ast.AST]:
    return list(ast.walk(ast.parse(text)))


@functools.cache
def nodes(path: Path) -> list[ast.AST]:
    """All of a file; nobody changes them."""
    return nodes_of(path.read_text("utf-8"))


def called(node: ast.AST) -> str:
    """The last word of what a call calls: `append` of `self.notes.append(x)`."""
    return getattr(node.func, "attr", getattr(node.func, "id", "")) if isinstance(node, ast.Call) else ""
