# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module can answer stands in its RETURN: whoever writes a play of his own finds there what a restore left out, for one.

Read from where answers get their form: the keys that a server's answer may have (MODULES of answers.py), what sources give of a restore, the fields of
an entry (SCHEMA of result.py), and the tables that actions return.
"""

from __future__ import annotations

import ast
import functools
from pathlib import Path
from typing import Any, Iterator

import pytest
import trees
import yaml

from plugins.module_utils._engine import result
from plugins.plugin_utils._copying import answers

TOP = Path(__file__).resolve().parents[2]
# What every result of Ansible may have.
_NEVER_FAIL = {"backup_tools_info"}      # it looks for files, and each answer is one
_OF_ANY = {"changed", "failed", "msg", "diff", "skipped", "warnings", "ansible_facts", "traceback"}
# What an action takes out of a server's answer before it gives its own.
_BETWEEN = {"azure_blob_upload": {"staged"}, "backup_transfer": {"sealed"}, "backup_rekey": set(answers.MODULES["backup_rekey"].keys)}
MODULES = sorted(path.stem for path in (TOP / "plugins" / "modules").glob("*.py"))


def assigned(path: Path, name: str) -> str:
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == name:
            assert isinstance(node.value, ast.Constant)
            return str(node.value.value)
    raise AssertionError(f"{path}: no {name}")


@functools.cache
def told(module: str) -> dict[str, Any]:
    return yaml.safe_load(assigned(TOP / "plugins" / "modules" / f"{module}.py", "RETURN")) or {}


def tables(path: Path) -> Iterator[set[str]]:
    """The keys of each table that is written out in a file."""
    for node in trees.nodes(path):
        if isinstance(node, ast.Dict):
            yield {str(key.value) for key in node.keys if isinstance(key, ast.Constant)}
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "dict":
            yield {word.arg for word in node.keywords if word.arg}


@pytest.mark.parametrize("module", sorted(answers.MODULES))
def test_what_a_server_may_answer_is_told(module: str) -> None:
    may = answers.MODULES[module]
    can = (set(may.keys) | ({"backup"} if may.good or may.failed else set())) - _BETWEEN.get(module, set())
    assert not can - set(told(module)) - _OF_ANY


@pytest.mark.parametrize("module", MODULES)
def test_what_an_action_returns_is_told(module: str) -> None:
    path = TOP / "plugins" / "action" / f"{module}.py"
    can = set().union(*(keys for keys in tables(path) if "changed" in keys)) if path.exists() else set()
    assert not can - set(told(module)) - _OF_ANY


@pytest.mark.parametrize("module", MODULES)
def test_what_went_wrong_and_the_fields_of_entries_are_told_as_they_are(module: str) -> None:
    found = told(module)
    if module in _NEVER_FAIL:
        return
    assert set(found["error"]["contains"]) == {"code", "name", "message", "hint", "message_es", "remedy_es"}
    fields = set((found.get("backup") or {}).get("contains") or {})
    assert not fields - set(result.SCHEMA)


def test_what_a_restore_gives_is_told() -> None:
    given = [keys for path in (TOP / "plugins" / "module_utils" / "_engine" / "sources").glob("*.py") for keys in tables(path) if {"target", "kept"} <= keys]
    assert len(given) >= 6
    assert set().union(*given) == set(told("backup_restore")["restored"]["contains"])
