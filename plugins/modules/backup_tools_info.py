#!/usr/bin/python
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which programs a server lacks, and what it says of its directories and its clock."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_tools_info
short_description: Learn which programs, and how much room, a server has
version_added: 0.3.0
description:
  - Looks for programs in the system's own directories, as the modules that copy do. A role installs packages only where one is missing, so that a usual
    night does not ask the package manager (numerals 7.2.1 a, 7.2.2 a and 7.2.3 a).
  - Tells also the room of directories, and the server's clock, for M(perucompras.respaldo.backup_check).
  - Changes nothing, and records nothing.
options:
  directories:
    description: Directories whose room is told.
    type: list
    elements: path
    default: []
  programs:
    description: Names of programs; where one of several will do, these with a bar between, C(mariadb-dump|mysqldump).
    type: list
    elements: str
    required: true
extends_documentation_fragment:
  - perucompras.respaldo.groups.respaldo
attributes:
  check_mode:
    description: Looks all the same.
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
author:
  - perucompras.respaldo contributors (@perucompras)
"""

EXAMPLES = r"""
- name: Look for what a copy of MariaDB needs
  perucompras.respaldo.backup_tools_info:
    programs: [zstd, gpg, mariadb-dump|mysqldump]
  register: tools

- name: Install it where it is missing
  ansible.builtin.package:
    name: [zstd, gnupg, mariadb-client]
  when: tools.missing
"""

RETURN = r"""
missing:
  description: Those of O(programs) that are not there, as they were given.
  returned: success
  type: list
  elements: str
  sample: [zstd]
rooms:
  description: Of each of O(directories) its C(path), whether it is C(there) and this account can write to it, and how many bytes are C(free).
  returned: success
  type: list
  elements: dict
clock:
  description: What the server takes for now, in seconds since 1970.
  returned: success
  type: float
"""

import os
import time
from typing import Any, Dict

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._engine.processes import system_path


def main() -> None:
    module = AnsibleModule({"programs": {"type": "list", "elements": "str", "required": True},
                            "directories": {"type": "list", "elements": "path", "default": []}}, supports_check_mode=True)
    module.exit_json(changed=False, missing=system_path.missing(module.params["programs"]), clock=time.time(),
                     rooms=[room(path) for path in module.params["directories"]])


def room(path: str) -> Dict[str, Any]:
    """What is left of a directory that this account can write to."""
    if not (os.path.isdir(path) and os.access(path, os.W_OK | os.X_OK)):
        return {"path": path, "there": False, "free": 0}
    found = os.statvfs(path)
    return {"path": path, "there": True, "free": found.f_bavail * found.f_frsize}


if __name__ == "__main__":
    main()
