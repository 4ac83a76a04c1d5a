#!/usr/bin/python
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
---
module: backup_names
short_description: Tell the names in a copy of a file server
author:
  - perucompras.respaldo contributors (@perucompras)
version_added: "0.3.0"
description:
  - Lists the files and folders of one copy as restic has them, a page at a time and packed, for the index of names on the controller
    (manual 001-2019, numeral 7.1.3). M(perucompras.respaldo.backup_index) asks it and keeps what it tells.
  - Nothing is written on the server. What is told is this server's word; the controller checks its form.
options:
  after:
    description: How many names were told before; those that follow are told.
    type: int
    default: 0
  most:
    description: How many names are told at most.
    type: int
    default: 400000
extends_documentation_fragment:
  - perucompras.respaldo.backup.copy
  - perucompras.respaldo.storage.medium
  - perucompras.respaldo.backup.opening
  - perucompras.respaldo.groups.opening
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
- name: The names in a copy
  perucompras.respaldo.backup_names:
    label: RRHH_20261122
    system: RRHH
    kind: file_server
    medium:
      name: nas
      path: /srv/copias
    decryption:
      custody: /etc/respaldo/custodia
  register: names
"""

RETURN = r"""
---
names:
  description: "Lines of JSON, gzip, base64. Each line has path, kind (f file, d folder, l link, o other), bytes, and nanoseconds since 1970."
  returned: success
  type: str
count:
  description: Of how many of restic's names they are. One that is no UTF-8 is left out where restic's plain list does not have it as it is.
  returned: success
  type: int
more:
  description: Whether more names follow.
  returned: success
  type: bool
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
from ..module_utils._tasks import naming


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(
            _options.COPY, **_options.MEDIUM, **_options.OPENING, after=dict(type="int", default=0), most=dict(type="int", default=400000)),
        supports_check_mode=True)
    naming.tell_names(module)


if __name__ == "__main__":
    main()
