# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a role says of itself holds: its defaults, its names, its length, and whose collections it uses."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any

import yaml

TOP = Path(__file__).resolve().parents[2]
OURS = {"ansible.builtin", "perucompras.respaldo"}


class Loader(yaml.SafeLoader):
    """Reads Ansible's own tags as plain values."""


Loader.add_multi_constructor("!", lambda loader, suffix, node: loader.construct_scalar(node))


@functools.cache
def load(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), Loader) if path.exists() else None


def roles() -> list[Path]:
    return sorted(path for path in (TOP / "roles").glob("*") if path.is_dir())


def options(role: Path) -> dict[str, Any]:
    specification = load(role / "meta" / "argument_specs.yml") or {}
    return {name: option for entry in specification.get("argument_specs", {}).values() for name, option in (entry.get("options") or {}).items()}


def task_files() -> list[Path]:
    return [*sorted(TOP.glob("roles/*/tasks/*.yml")), *sorted(TOP.glob("roles/*/handlers/*.yml")), *sorted(TOP.glob("playbooks/*.yml"))]


def is_template(value: Any) -> bool:
    return "{{" in str(value)


def test_defaults_are_those_of_the_argument_specs() -> None:
    different = []
    for role in roles():
        defaults = load(role / "defaults" / "main.yml") or {}
        told = {name for name, default in defaults.items() if is_template(default)}
        declared = {name: option["default"] for name, option in options(role).items() if "default" in option}
        for name in sorted((set(defaults) | set(declared)) - told):
            if name not in defaults or name not in declared or defaults[name] != declared[name] or type(defaults[name]) is not type(declared[name]):
                different.append(f"{role.name}: {name} is {defaults.get(name, 'absent')!r} in defaults, {declared.get(name, 'absent')!r} in argument_specs")
    assert not different


def test_no_template_stands_in_argument_specs() -> None:
    """Ansible renders the whole specification into the error of one mistyped variable: the inventory's passwords would be printed."""
    found = [str(role.name) for role in roles() if is_template((role / "meta" / "argument_specs.yml").read_text("utf-8"))]
    assert not found


def test_a_default_that_the_inventory_gives_is_told_in_words() -> None:
    untold = []
    for role in roles():
        for name, default in (load(role / "defaults" / "main.yml") or {}).items():
            option = options(role).get(name)
            if not is_template(default):
                continue
            words = " ".join([option["description"]] if isinstance(option["description"], str) else option["description"]) if option else ""
            if option is None or "default" in option or not re.search(r"C\((?:{0})\)".format("|".join(re.findall(r"backup_\w+", str(default)))), words):
                untold.append(f"{role.name}: {name}")
    assert not untold


def test_each_role_has_argument_specs_and_a_short_main() -> None:
    faults = []
    for role in roles():
        if not (load(role / "meta" / "argument_specs.yml") or {}).get("argument_specs", {}).get("main"):
            faults.append(f"{role.name}: no argument_specs for main")
        tasks = load(role / "tasks" / "main.yml") or []
        if len(tasks) > 7:
            faults.append(f"{role.name}: tasks/main.yml has {len(tasks)} tasks, more than 7")
    assert not faults


def test_no_shell_and_only_declared_collections() -> None:
    # what only one scheduler needs is asked for apart, so that nobody else has to have it
    rows = [row for file in ("requirements.yml", "requirements-awx.yml") for row in load(TOP / file)["collections"]]
    declared = {row["name"] if isinstance(row, dict) else row for row in rows}
    faults = []
    for path in task_files():
        for name in re.findall(r"^\s*(?:- )?([a-z][a-z0-9_]*\.[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*):", path.read_text(encoding="utf-8"), re.MULTILINE):
            if name == "ansible.builtin.shell" or name.rpartition(".")[0] not in OURS | declared:
                faults.append(f"{path.relative_to(TOP)}: {name}")
    assert not faults
