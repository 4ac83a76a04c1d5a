# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever reads or writes the data of a source is told the assigned paths, and passes them on (numerals 6.1, 6.2): modules, tasks, roles, sources."""

from __future__ import annotations

import ast
import inspect
import pathlib
import re

import pytest
import yaml
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources import catalogue

ROOT = pathlib.Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "plugins"
# sources that read no path of the server themselves
NOT_PATHS = {
    "mariadb": "what a database server tells, by its socket or its host",
    "postgresql": "what a database server tells, by its socket or its host",
}
SMALLEST = {"command": {"dump": ["/bin/true"], "verify": ["/bin/true"]}, "paths": {"paths": ["/srv"]}, "restic": {"paths": ["/srv"]},
            "sqlite": {"path": "/srv/x"}, "git": {"path": "/srv/x"}}


def of_sources():
    """The modules that take the options of a source of data."""
    for path in sorted((PLUGINS / "modules").glob("*.py")):
        text = path.read_text("utf-8")
        if re.search(r"_source_options\.|_files_options\.|perucompras\.respaldo\.source\.", text):
            yield path.stem, text


MODULES = dict(of_sources())


def test_all_modules_are_found():
    assert {"backup_archive", "backup_archive_info", "backup_database", "backup_files", "backup_git", "backup_git_info", "backup_restore",
            "backup_verify"} <= set(MODULES)


@pytest.mark.parametrize("name", MODULES)
def test_a_module_that_takes_a_source_takes_the_assigned_paths(name):
    assert "_options.ASSIGNED" in MODULES[name], f"{name} does not take assigned_paths"
    assert "perucompras.respaldo.backup.assigned" in MODULES[name], f"{name} does not document assigned_paths"


def builds():
    """Each place where a source is built: file, line, the call's text."""
    for path in [*sorted((PLUGINS / "modules").glob("*.py")), *sorted((PLUGINS / "module_utils" / "_tasks").glob("*.py"))]:
        text = path.read_text("utf-8")
        media = re.search(r"media import catalogue\b(?! as)", text)
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "build" and isinstance(node.func.value, ast.Name):
                of = node.func.value.id
                if of.startswith("of_") or of == "catalogue" and not media:
                    yield f"{path.name}:{node.lineno}", ast.unparse(node)


def test_whoever_builds_a_source_passes_them_on():
    found = dict(builds())
    assert len(found) >= 7
    missing = [place for place, call in found.items() if not re.search(r"params\[['\"]assigned_paths['\"]\]", call)]
    assert missing == [], "these build a source without the assigned paths"


def test_roles_pass_them_on():
    missing, seen = [], set()
    names = {"perucompras.respaldo." + name: name for name in MODULES}

    def look(rows, path):
        for row in rows or ():
            for key, value in row.items():
                if key in names:
                    seen.add(names[key])
                    missing.extend([str(path)] if "assigned_paths" not in value else [])
                elif key in ("block", "rescue", "always"):
                    look(value, path)

    for path in sorted(ROOT.glob("roles/*/tasks/*.yml")):
        look(yaml.safe_load(path.read_text("utf-8")), path.relative_to(ROOT))
    assert missing == [] and seen >= {"backup_verify", "backup_restore", "backup_files"}, missing


def test_each_source_keeps_them_or_says_why_not():
    known = re.search(r"Use one of: (.*?)\.", inspect.getsource(catalogue)).group(1).split(", ")
    for name in known:
        built = catalogue.build(name, SMALLEST.get(name, {}), ["/srv/asignada"])
        assert getattr(built, "assigned", None) == ["/srv/asignada"] or name in NOT_PATHS, f"{name} does not know the assigned paths"
    assert set(NOT_PATHS) <= set(known)
