# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of all variables that roles and playbooks read, as a module of the controller: reading forty specifications at each task would cost more than
most tasks do.
"""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import yaml

HEAD = '''# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables that roles and playbooks of ours read. Made by `make docs` from the roles' argument specs and the playbooks: not edited by hand."""

from __future__ import annotations

# role -> what follows its name and a low line in the names of its options
OF_ROLES = {
'''
FOOT = '''}
OPTIONS = frozenset(f"{role}_{word}" for role, words in OF_ROLES.items() for word in words.split())
'''
_WIDTH = 140


def names(top: Path) -> dict[str, set[str]]:
    """Role -> what is left of the names of its options; each name belongs to the role with the longest name that it begins with."""
    roles = sorted((path.parent.name for path in top.glob("roles/*/meta")), key=len, reverse=True)
    found: dict[str, set[str]] = {role: set() for role in roles}
    given = {name for file in top.glob("roles/*/meta/argument_specs.yml")
             for entry in yaml.safe_load(file.read_text("utf-8"))["argument_specs"].values() for name in entry.get("options", {})}
    for path in top.glob("playbooks/*.yml"):
        text = re.sub(r"(?m)#.*$|perucompras\.respaldo\.\w+", "", path.read_text("utf-8"))
        given.update(re.findall(r"\b[a-z]+_[a-z_]+\b", text))
    for name in given:
        role = next((role for role in roles if name.startswith(role + "_")), "")
        if role:
            found[role].add(name[len(role) + 1:])
    return found


def pages(top: Path) -> dict[Path, str]:
    lines = []
    for role, words in sorted(names(top).items()):
        parts = textwrap.wrap(" ".join(sorted(words)), _WIDTH - len(role)) or [""]
        if len(parts) == 1:
            lines.append(f'    "{role}": "{parts[0]}",')
        else:
            lines += [f'    "{role}": (', *(f'        "{part} "' for part in parts[:-1]), f'        "{parts[-1]}"),']
    return {top / "plugins" / "plugin_utils" / "_role_options.py": HEAD + "".join(line + "\n" for line in lines) + FOOT}
