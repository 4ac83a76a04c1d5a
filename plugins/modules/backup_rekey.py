#!/usr/bin/python
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_rekey
short_description: Give a repository of file servers another password
version_added: 0.2.0
description:
  - Rotates the password of a restic repository (numerals 5.2, 7.2.1 b) on all media that it lies on. No data is encrypted anew; every copy, also the old
    ones, opens with the new password.
  - V(rotated) makes a new password, puts it with every custodian and reads it back, adds it to the repository on each medium, takes it out of custody
    once more and proves that each repository opens with it. Its entry C(repository_key_rotated) puts it in force; until then copies use the former one.
  - V(withdrawn) removes the former password where the bitácora says that another is in force and custody has that one. The second key of the
    holders, which follows from the former password, goes with it as soon as a copy made with the new one lies on the medium with its own second key.
  - Each step may be cut off and is repeated by the next run; at any moment the password in force is with the custodians and opens the repository.
  - Keys of others (former holders, other systems that share the repository) are not touched; they are told. What a medium does not let go of is told too.
notes:
  - Fails with RSP465 when copies of the repository lie on a medium that is not given, or that has it no more;
    with RSP467 when the former one is to be removed before a new one is in force; with RSP802 when neither password opens the repository;
    with the 8xx of custody.
options:
  state:
    description: V(rotated) puts a new password in force; V(withdrawn) removes the former one.
    type: str
    choices: [rotated, withdrawn]
    default: rotated
  repository:
    description: Name of the repository, as M(perucompras.respaldo.backup_rekey_plan) gives it.
    type: str
    required: true
  key_id:
    description: Of V(rotated), the id of the key that goes. Where another is in force already nothing is changed.
    type: str
    default: ""
  public_keys:
    description: Armoured OpenPGP public keys of those who hold the second key.
    type: list
    elements: str
    default: []
  lock_timeout:
    description: Seconds to wait while another run works in the repository.
    type: int
    default: 0
  step:
    description: Of the server's part, what is done; given by the action.
    type: str
    choices: [looked, added, removed]
    default: looked
  former:
    description: Of the server's part, the password that goes; given by the action.
    type: dict
    default: {}
    suboptions:
      password:
        description: The password.
        type: str
        default: ""
  second_key:
    description: Of the server's part, whether the second key of the former password goes too; given by the action.
    type: bool
    default: false
extends_documentation_fragment:
  - perucompras.respaldo.backup.copy
  - perucompras.respaldo.backup.repository
  - perucompras.respaldo.storage.media
  - perucompras.respaldo.groups.respaldo
attributes:
  check_mode:
    description: Looks whether each repository opens with the password in force; nothing is put into custody, added or removed.
    support: full
  diff_mode:
    description: There is nothing to compare that is not secret.
    support: none
author:
  - perucompras.respaldo contributors (@perucompras)
"""

EXAMPLES = r"""
- name: A new password, in force from now on
  perucompras.respaldo.backup_rekey:
    label: "{{ turn.label }}"
    system: "{{ turn.system }}"
    kind: file_server
    repository: "{{ turn.repository }}"
    media: "{{ backup_media }}"
    decryption:
      custody: "{{ backup_custodians }}"

- name: The former one is of no use any more
  perucompras.respaldo.backup_rekey:
    state: withdrawn
    label: "{{ turn.label }}"
    system: "{{ turn.system }}"
    kind: file_server
    repository: "{{ turn.repository }}"
    media: "{{ backup_media }}"
    decryption:
      custody: "{{ backup_custodians }}"
"""

RETURN = r"""
key_id:
  description: Id of the key in force after this, as entries have it; it tells nothing of the password.
  returned: success
  type: str
left:
  description: By medium, what could not be removed and why, or waits for the next copy.
  returned: success
  type: dict
backup:
  description: The entry C(repository_key_rotated), C(repository_key_withdrawn) or C(repository_key_failed).
  returned: always
  type: dict
error:
  description: What went wrong.
  returned: failure
  type: dict
  contains:
    code: {description: Stable code., type: str, sample: RSP103}
    name: {description: Name of the error., type: str, sample: invalid_input}
    message: {description: "What is wrong and where, in English.", type: str}
    hint: {description: "What to do about it, in English.", type: str}
    message_es: {description: The same message in Spanish., type: str}
    remedy_es: {description: The same remedy in Spanish., type: str}
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import _options
from ..module_utils._tasks import rekeying


def main() -> None:
    former = dict(type="dict", default={}, no_log=False, options=dict(password=dict(type="str", default="", no_log=True)))
    module = AnsibleModule(
        argument_spec=dict(
            _options.COPY, **_options.MEDIA, **_options.DECRYPTION, repository=dict(type="str", required=True),
            state=dict(type="str", choices=["rotated", "withdrawn"], default="rotated"), former=former,
            key_id=dict(type="str", default="", no_log=False),
            step=dict(type="str", choices=["looked", "added", "removed"], default="looked"), second_key=dict(type="bool", default=False, no_log=False),
            public_keys=dict(type="list", elements="str", default=[], no_log=False), lock_timeout=dict(type="int", default=0)),
        supports_check_mode=True)
    rekeying.rekey(module)


if __name__ == "__main__":
    main()
