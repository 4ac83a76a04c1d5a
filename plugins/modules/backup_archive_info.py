#!/usr/bin/python
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
---
module: backup_archive_info
short_description: Say what plain directories hold now
author:
  - perucompras.respaldo contributors (@perucompras)
version_added: "0.2.0"
description:
  - Gives the digest of files and directories, so that an update since the last copy is known without copying
    (manual 001-2019, numeral 6.4, "siempre que se produzca una actualización"). Names, sorts, modes, owners, attributes and bytes count, times do not.
  - Every file is read to its end, by GNU tar with the options of the copy.
  - Of many directories, all are asked by one task, which starts once on the server.
options:
  source:
    description: What is looked at. Give either this or O(sources).
    required: false
  sources:
    description: Several such sources. One that can't be asked is no error; it has no digest.
    version_added: "0.3.0"
extends_documentation_fragment:
  - perucompras.respaldo.source.paths
  - perucompras.respaldo.source.paths_many
  - perucompras.respaldo.backup.assigned
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
- name: Learn whether the files changed
  perucompras.respaldo.backup_archive_info:
    source:
      paths: [/srv/www/portal]
  register: now

- name: Learn which of several changed
  perucompras.respaldo.backup_archive_info:
    sources:
      - paths: [/srv/www/portal]
      - paths: [/srv/www/intranet, /etc/nginx]
        exclude: ["*.log"]
  register: now
"""

RETURN = r"""
---
digest:
  description: SHA-256 over all of it; equal to RV(ignore:backup.content_digest) of a copy that holds the same.
  returned: success, with O(source)
  type: str
digests:
  description: The same of each of O(sources), in their order; empty for one that can't be asked.
  returned: success, with O(sources)
  type: list
  elements: str
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

from ..module_utils import _options, _source_options
from ..module_utils._tasks import contents


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(_options.ASSIGNED, source=dict(type="dict", options=_source_options.PATHS_SOURCE),
                           sources=dict(type="list", elements="dict", options=_source_options.PATHS_SOURCE)),
        required_one_of=[("source", "sources")], mutually_exclusive=[("source", "sources")], supports_check_mode=True)
    contents.tell_contents(module)


if __name__ == "__main__":
    main()
