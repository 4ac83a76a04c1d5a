# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The assigned paths of a list of shared folders."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

DOCUMENTATION = r"""
name: assigned_paths
short_description: The paths of the shared folders that are in force
version_added: "0.2.0"
author:
  - perucompras.respaldo contributors (@perucompras)
description:
  - Gives the paths of the folders of C(backup_shared_folders) that are not withdrawn (manual 001-2019, numerals 5.2 and 6.2).
  - It is what C(backup_assigned_paths) is when an inventory does not give it.
positional: _input
options:
  _input:
    description: The folders, each with C(path) and perhaps C(state).
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- ansible.builtin.debug:
    msg: "{{ backup_shared_folders | perucompras.respaldo.assigned_paths }}"
"""

RETURN = r"""
_value:
  description: The paths, in the order of the folders.
  type: list
  elements: str
"""


def assigned_paths(folders: Any) -> list[str]:
    if not isinstance(folders, (list, tuple)) or not all(isinstance(row, Mapping) and isinstance(row.get("path"), str) for row in folders):
        raise AnsibleFilterError("backup_shared_folders is not a list of folders with a path")
    return [row["path"] for row in folders if row.get("state", "present") != "withdrawn"]


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"assigned_paths": assigned_paths}
