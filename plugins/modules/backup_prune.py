#!/usr/bin/python
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
---
module: backup_prune
short_description: Remove copies of a system from a medium
author:
  - perucompras.respaldo contributors (@perucompras)
version_added: "0.2.0"
description:
  - Removes published copies from one medium (numerals 6.6 and 7.2.3 c), as M(perucompras.respaldo.backup_retention) chose them.
  - First the newest good copy is read whole and hashed there, and the others that must stay are found with their list of files.
    When one of them is not as the bitácora has it, nothing is removed (RSP407).
  - A copy loses its name before its files go, so that what a killed run leaves is no copy; the next run sweeps it.
    One that is gone already is told as removed, so that the bitácora learns of it.
  - Copies of a file server share a restic repository. Their snapshots are forgotten after the copies lost their names, together with those of runs that
    died and partial ones older than the newest copy; then C(restic prune) gives their space back.
  - What a write-once container or a legal hold does not let go of yet stays, is told (C(prune_deferred), one entry for all of them) and is tried again
    by the next run; it is no failure. With C(write_once_days) in the medium, M(perucompras.respaldo.backup_retention) does not even ask for it.
  - Two runs at once wait for each other for O(lock_timeout) or end with RSP404.
options:
  label:
    description: Label of the newest good copy on this medium, which is proven first.
    type: str
    required: true
  sha256:
    description: SHA-256 of its C(SHA256SUMS), as the bitácora has it.
    type: str
    required: true
  system:
    description: Name of the system.
    type: str
    required: true
  keep:
    description: Further copies that must be there, with C(label) and C(sha256).
    type: list
    elements: dict
    default: []
    suboptions:
      label: {description: Label of the copy., type: str, required: true}
      sha256: {description: SHA-256 of its C(SHA256SUMS)., type: str, default: ''}
  victims:
    description: The copies to remove, in this order.
    type: list
    elements: dict
    required: true
    suboptions:
      label: {description: Label of the copy., type: str, required: true}
      sha256: {description: "SHA-256 of its C(SHA256SUMS); another copy under this label is not removed. Empty takes any.", type: str, default: ''}
      reason: {description: "Why, for the bitácora.", type: str, default: ''}
      size: {description: Bytes of the copy; not used here., type: int, default: 0}
  expired:
    description:
      - Whether the copies exist for a request alone (mailboxes, numeral 6.4) and its day has passed. Then nothing is proven and nothing has to stay, and the
        last copy goes too; O(label) is that of one of them. Any other kind is refused (RSP151).
    type: bool
    default: false
    version_added: "0.3.0"
  lock_timeout:
    description: Seconds to wait while another run holds the system. V(0) gives up at once.
    type: int
    default: 0
  record:
    description: Further fields of the entries, as C(numeral) and C(responsible).
    type: dict
    default: {}
extends_documentation_fragment:
  - perucompras.respaldo.backup.kind
  - perucompras.respaldo.backup.repository
  - perucompras.respaldo.storage.medium
  - perucompras.respaldo.groups.opening
attributes:
  check_mode:
    description: What must stay is proven, and what would go is told; nothing is removed.
    support: full
  diff_mode:
    description: In check mode, the labels on the medium before and after.
    support: partial
"""

EXAMPLES = r"""
---
- name: Remove what retention chose
  perucompras.respaldo.backup_prune:
    system: "{{ row.system }}"
    kind: "{{ row.kind }}"
    medium: "{{ backup_media | selectattr('name', 'eq', row.medium) | first }}"
    label: "{{ row.newest.label }}"
    sha256: "{{ row.newest.sha256 }}"
    keep: "{{ row.keep }}"
    victims: "{{ row.victims }}"
"""

RETURN = r"""
backup:
  description: One entry for each copy, C(copy_pruned), C(prune_simulated) in check mode, or C(prune_failed) for the one that could not be removed;
    one C(prune_deferred) for those that are still protected.
  returned: always
  type: list
  elements: dict
deferred:
  description: Labels of the copies that are still protected.
  returned: success
  type: list
  elements: str
error:
  description: What went wrong.
  returned: failure
  type: dict
  contains:
    code: {description: Stable code., type: str, sample: RSP407}
    name: {description: Name of the error., type: str, sample: last_good_unproven}
    message: {description: "What is wrong and where, in English.", type: str}
    hint: {description: "What to do about it, in English.", type: str}
    message_es: {description: The same message in Spanish., type: str}
    remedy_es: {description: The same remedy in Spanish., type: str}
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import _options
from ..module_utils._tasks import pruning


def main() -> None:
    named = dict(label=dict(type="str", required=True), sha256=dict(type="str", default=""))
    module = AnsibleModule(
        argument_spec=dict(
            _options.COPY, **_options.MEDIUM, **_options.DECRYPTION, sha256=dict(type="str", required=True), lock_timeout=dict(type="int", default=0),
            expired=dict(type="bool", default=False),
            keep=dict(type="list", elements="dict", default=[], options=named),
            victims=dict(type="list", elements="dict", required=True, options=dict(
                named, reason=dict(type="str", default=""), size=dict(type="int", default=0)))),
        supports_check_mode=True)
    pruning.prune_copies(module)


if __name__ == "__main__":
    main()
