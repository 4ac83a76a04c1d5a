#!/usr/bin/python
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which programs a server lacks."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_tools_info
short_description: Learn which programs a server lacks
version_added: 0.3.0
description:
  - Looks for programs in the system's own directories, as the modules that copy do. A role installs packages only where one is missing, so that a usual
    night does not ask the package manager (numerals 7.2.1 a, 7.2.2 a and 7.2.3 a).
  - Changes nothing, and records nothing.
options:
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
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._engine.processes import system_path


def main() -> None:
    module = AnsibleModule({"programs": {"type": "list", "elements": "str", "required": True}}, supports_check_mode=True)
    module.exit_json(changed=False, missing=system_path.missing(module.params["programs"]))


if __name__ == "__main__":
    main()
