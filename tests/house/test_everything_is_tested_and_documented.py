# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module, role or plugin without a test, or that ansible-doc shows with a hole, fails here."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parents[2]
DOCUMENTED = ("callback", "lookup", "filter", "test", "inventory")


def files_of(kind: str) -> list[str]:
    return sorted(path.stem for path in (TOP / "plugins" / kind).glob("*.py") if not path.stem.startswith("_"))


def roles() -> list[str]:
    return sorted(path.name for path in (TOP / "roles").glob("*") if path.is_dir())


def documentation(kind: str, names: list[str]) -> dict[str, Any]:
    """What ansible-doc shows of these, as its JSON."""
    if not names:
        return {}
    answer = subprocess.run(
        ["ansible-doc", "--type", kind, "--json", *(f"perucompras.respaldo.{name}" for name in names)],
        cwd=TOP, env={**os.environ, "ANSIBLE_CONFIG": str(TOP / "ansible.cfg")}, capture_output=True, text=True, check=False,
    )
    # of a key that stands twice whoever looks a module up is warned, and shown the second
    assert answer.returncode == 0 and "uplicate" not in answer.stderr, answer.stderr
    return {name.rsplit(".", 1)[-1]: shown for name, shown in json.loads(answer.stdout).items()}


def holes(where: str, options: dict[str, Any]) -> list[str]:
    """Options without a description or a type, suboptions too."""
    found = []
    for name, option in options.items():
        place = f"{where}, option {name}"
        found += [f"{place}: no {key}" for key in ("description", "type") if not option.get(key)]
        found += holes(place, option.get("suboptions") or option.get("options") or {})
    return found


def text_of(*patterns: str) -> str:
    """The text of all test files, this room's own excepted."""
    paths = {path for pattern in patterns for path in TOP.glob(pattern) if path.is_file() and "tests/house" not in str(path)}
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(paths) if path.suffix in {".py", ".yml", ".yaml", ".j2"})


def test_each_module_and_plugin_is_named_in_a_test() -> None:
    words = set(re.findall(r"\w+", text_of("tests/**/*", "molecule/**/*")))
    names = files_of("modules") + [name for kind in ("action", *DOCUMENTED) for name in files_of(kind)]
    assert not [name for name in names if name not in words], "without a test"


def test_each_role_is_run_by_a_scenario_or_an_integration_test() -> None:
    text = text_of("molecule/**/*", "tests/integration/**/*")
    named = set(re.findall(r"(?<=perucompras\.respaldo\.)\w+|(?<=playbooks/)\w+(?=\.yml)|\b\w+(?=\.yml\b)", text))
    assert not [name for name in roles() if name not in named], "without a scenario"


def test_each_module_is_documented_whole() -> None:
    found = []
    for name, shown in documentation("module", files_of("modules")).items():
        found += holes(name, shown["doc"].get("options", {}))
        found += [f"{name}: no {key}" for key in ("short_description", "description", "author") if not shown["doc"].get(key)]
        found += [f"{name}: no {key}" for key in ("examples", "return") if not shown.get(key)]
        found += [f"{name}: {key} lacks {part}" for key, value in (shown.get("return") or {}).items()
                  for part in ("description", "returned", "type") if not value.get(part)]
    assert not found


def test_each_action_has_the_documentation_of_a_module() -> None:
    assert not sorted(set(files_of("action")) - set(files_of("modules")))


def test_each_plugin_is_documented_whole() -> None:
    found = []
    for kind in DOCUMENTED:
        for name, shown in documentation(kind, files_of(kind)).items():
            found += holes(f"{kind} {name}", shown["doc"].get("options", {}))
            found += [f"{kind} {name}: no {key}" for key in ("short_description", "description") if not shown["doc"].get(key)]
    assert not found


def test_each_role_is_documented_whole() -> None:
    shown = documentation("role", roles())
    assert sorted(shown) == roles(), "ansible-doc knows a role by its meta/argument_specs.yml"
    found = []
    for name, role in shown.items():
        for entry, specification in role["entry_points"].items():
            where = f"role {name}, entry point {entry}"
            found += holes(where, specification.get("options", {}))
            found += [f"{where}: no {key}" for key in ("short_description", "description") if not specification.get(key)]
    assert not found
