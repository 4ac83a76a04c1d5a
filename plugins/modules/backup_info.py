#!/usr/bin/python
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
---
module: backup_info
short_description: List the copies that lie on a medium
author:
  - perucompras.respaldo contributors (@perucompras)
version_added: "0.1.0"
description:
  - Lists the published copies of a system with what their manifests say (manual 001-2019, numeral 7.1.3, to locate a copy).
  - Unfinished copies have no final name and are not listed.
options:
  system:
    description: Name of the system as declared in the inventory.
    type: str
  shelves:
    description:
      - Lists all that lies on the medium, instead of one system. Of the directories named here, such as C(database/SIGA), the lists of files are read too.
      - Directories that are in no C(KIND/SYSTEM) are not looked at.
    type: list
    elements: str
  health:
    description:
      - Tells how the medium stands, instead of what lies there. It is listed, and asked whether the directories named here, such as C(database/SIGA), can be
        written to; nothing is made. The account and place are those of the copies, or the controller's own for a container and an append-only medium.
    type: list
    elements: str
extends_documentation_fragment:
  - perucompras.respaldo.backup.only_kind
  - perucompras.respaldo.storage.medium
  - perucompras.respaldo.groups.respaldo
attributes:
  check_mode:
    description: Nothing is changed.
    support: full
  diff_mode:
    description: Nothing is changed.
    support: none
"""

EXAMPLES = r"""
---
- name: List the copies of a system
  perucompras.respaldo.backup_info:
    system: SIGA
    kind: database
    medium:
      name: disco
      path: /srv/copias
  register: copies
"""

RETURN = r"""
---
copies:
  description: The copies, oldest label first.
  returned: success
  type: list
  elements: dict
  contains:
    label: {description: Label., type: str, sample: SIGA_20261122}
    location: {description: Directory of the copy., type: str, sample: /srv/copias/database/SIGA/SIGA_20261122}
    sha256: {description: SHA-256 of its SHA256SUMS., type: str}
    manifest: {description: "Its manifest; absent when it can't be read.", type: dict}
    error: {description: "Why the manifest can't be read.", type: str}
    error_es: {description: "The same in Spanish.", type: str}
    code: {description: "Its code, where the manifest can't be read.", type: str, sample: RSP504}
    kind: {description: "With O(shelves), its kind.", type: str}
    system: {description: "With O(shelves), the directory of its system.", type: str}
health:
  description: One row, how the medium stands.
  returned: with O(health)
  type: list
  elements: dict
  contains:
    copies: {description: "How many copies lie there, of every system.", type: int, sample: 180}
    free: {description: "Bytes free, where the medium can tell.", type: int}
    total: {description: "Bytes of the whole medium, where it can tell.", type: int}
shelves:
  description: The directories of systems, C(KIND/SYSTEM).
  returned: with O(shelves)
  type: list
  elements: str
  sample: [database/SIGA]
leftovers:
  description: What runs that died left, C(.LABEL.partial), C(.LABEL.sealed) or C(.LABEL.pruned). The next run of the system sweeps it.
  returned: with O(shelves)
  type: list
  elements: dict
  contains:
    kind: {description: Kind., type: str}
    system: {description: Directory of the system., type: str}
    name: {description: Name of the directory., type: str, sample: .SIGA_20261122.partial}
    age: {description: Seconds since something was made or removed in it., type: int}
error:
  description: What went wrong.
  returned: failure
  type: dict
  contains:
    code: {description: Stable code., type: str, sample: RSP402}
    name: {description: Name of the error., type: str, sample: medium_full}
    message: {description: "What is wrong and where, in English.", type: str}
    hint: {description: "What to do about it, in English.", type: str}
    message_es: {description: The same message in Spanish., type: str}
    remedy_es: {description: The same remedy in Spanish., type: str}
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import _options
from ..module_utils._engine.result import KINDS
from ..module_utils._tasks import listing


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(
            _options.MEDIUM, system=dict(type="str"), kind=dict(type="str", choices=list(KINDS)), shelves=dict(type="list", elements="str"),
            health=dict(type="list", elements="str")),
        required_together=[("system", "kind")], required_one_of=[("system", "shelves", "health")], mutually_exclusive=[("system", "shelves", "health")],
        supports_check_mode=True)
    listing.list_copies(module)


if __name__ == "__main__":
    main()
