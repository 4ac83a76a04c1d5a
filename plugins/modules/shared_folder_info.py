#!/usr/bin/python
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
---
module: shared_folder_info
short_description: Say what the shared folders of the offices hold
author:
  - perucompras.respaldo contributors (@perucompras)
version_added: "0.2.0"
description:
  - Walks each folder that is in force once, and tells its size, files, growth since the last report of the bitácora, recycle bin, oldest and largest files, and
    files of kinds that do not belong there (manual 001-2019, numeral 5.3 a and b).
  - An entry for each folder keeps its size, so that the next report knows the growth.
  - Links are counted and not followed; what is mounted inside a folder is passed over and told. A file with several names counts under each.
  - Memory does not grow with the number of files.
options:
  longest:
    description: Most files that the lists of the oldest and of the largest name.
    type: int
    default: 10
  show:
    description: Print the report in Spanish. It is made by the controller.
    type: bool
    default: false
extends_documentation_fragment:
  - perucompras.respaldo.planning.policy
  - perucompras.respaldo.folders
  - perucompras.respaldo.groups.policy
attributes:
  check_mode:
    description: Nothing is changed; the entries are marked as simulations, and the next report does not compare with them.
    support: full
  diff_mode:
    description: Nothing is changed.
    support: none
"""

EXAMPLES = r"""
---
- name: What the folders hold
  perucompras.respaldo.shared_folder_info:
    folders: "{{ backup_shared_folders }}"
    show: true
"""

RETURN = r"""
---
reports:
  description: One for each folder.
  returned: always
  type: list
  elements: dict
  contains:
    name: {description: Its name., type: str}
    path: {description: Its path., type: str}
    office: {description: Its office., type: str}
    size: {description: "Bytes of all files, the recycle bin's too.", type: int}
    files: {description: How many files., type: int}
    directories: {description: How many directories below it., type: int}
    links: {description: How many links., type: int}
    others: {description: "How many pipes, sockets and devices.", type: int}
    bin_size: {description: "Bytes in the recycle bin.", type: int}
    bin_files: {description: Files in the recycle bin., type: int}
    previous_size: {description: "Bytes at the last report, if there was one.", type: int}
    previous_files: {description: "Files at the last report, if there was one.", type: int}
    previous_at: {description: "When the last report was made, UTC.", type: str}
    growth: {description: "Bytes more than at the last report, if there was one.", type: int}
    unwanted: {description: "Files by kind that does not belong there: kind, files, size, examples.", type: list, elements: dict}
    largest: {description: "The largest files: path, size, modified (seconds since 1970).", type: list, elements: dict}
    oldest: {description: "The files unchanged for longest, as largest.", type: list, elements: dict}
    complete: {description: "Whether the folder was walked to its end; after an hour the totals are of what was seen by then.", type: bool}
    mounted: {description: "What is mounted inside and was passed over.", type: list, elements: str}
    unreadable: {description: "How many files and directories could not be looked at.", type: int}
    unreadable_examples: {description: "The first of them.", type: list, elements: str}
summary:
  description: The report in Spanish, line by line.
  returned: always
  type: list
  elements: str
backup:
  description: The entries of the bitácora, one for each folder.
  returned: always
  type: list
  elements: dict
error:
  description: What went wrong.
  returned: failure
  type: dict
  contains:
    code: {description: Stable code., type: str, sample: RSP110}
    name: {description: Name of the error., type: str, sample: assigned_path_changed}
    message: {description: "What is wrong and where, in English.", type: str}
    hint: {description: "What to do about it, in English.", type: str}
    message_es: {description: The same message in Spanish., type: str}
    remedy_es: {description: The same remedy in Spanish., type: str}
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import _folders


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(_folders.FOLDERS, **_folders.RULES, longest=dict(type="int", default=10), show=dict(type="bool", default=False)),
        supports_check_mode=True)
    _folders.report_folders(module)


if __name__ == "__main__":
    main()
