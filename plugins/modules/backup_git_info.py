#!/usr/bin/python
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
---
module: backup_git_info
short_description: Say what a git repository holds now
author:
  - perucompras.respaldo contributors (@perucompras)
version_added: "0.1.0"
description:
  - Gives the digest of all refs of a repository, so that a change since the last copy is known without copying
    (manual 001-2019, numeral 6.4, "siempre que se produzca una actualización").
  - A repository elsewhere is asked by C(git ls-remote); nothing is downloaded.
options:
  source:
    description: The repository and how it is reached.
    type: dict
    required: true
    suboptions:
      type:
        description: Type of the source.
        type: str
        choices: [git]
        default: git
      path:
        description: A repository on this server, bare or not.
        type: path
        default: ""
      url:
        description: A repository elsewhere, by ssh, http or https. Give either this or O(source.path).
        type: str
        default: ""
      identity_file:
        description: Private SSH key, a file on this server.
        type: path
        default: ""
      ssh_key:
        description: Private SSH key as text. It is never written to a disk.
        type: str
        default: ""
      known_hosts:
        description: Lines of a C(known_hosts) file, or the path of one on this server, for O(source.url). The key is always checked.
        type: str
        default: ""
      username:
        description: Account for http and https.
        type: str
        default: ""
      password:
        description: Password or token for http and https.
        type: str
        default: ""
      lfs:
        description: "Large files (Git LFS): V(auto) includes the objects there are and names the missing, V(require) makes a missing one an error."
        type: str
        choices: [auto, require, skip]
        default: auto
      work_dir:
        description: Directory on this server that keeps mirrors of repositories elsewhere, so that the next copy fetches only what is new.
        type: path
        default: ""
extends_documentation_fragment:
  - perucompras.respaldo.backup.assigned
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
- name: Learn whether the repository changed
  perucompras.respaldo.backup_git_info:
    source:
      path: /srv/git/portal.git
  register: now
"""

RETURN = r"""
---
digest:
  description: SHA-256 over HEAD and all refs; equal to RV(ignore:backup.content_digest) of a copy that holds the same refs.
  returned: success
  type: str
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

from ..module_utils import _module


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(_module.ASSIGNED, source=dict(type="dict", required=True, options=_module.GIT_SOURCE)),
        supports_check_mode=True)
    _module.tell_refs(module)


if __name__ == "__main__":
    main()
