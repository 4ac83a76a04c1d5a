#!/usr/bin/python
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
---
module: backup_transfer
short_description: Write copies onto another medium, such as the repository
author:
  - perucompras.respaldo contributors (@perucompras)
version_added: "0.2.0"
description:
  - Carries a published copy from one medium to another, byte for byte (manual 001-2019, numerals 7.2.1 d and 7.2.2 c), between directories,
    other servers and clouds in any combination, without staging. It is not opened, so that no password is needed.
  - Every file is hashed as it is read and as it lies on the target. The copy appears there whole or not at all; the source is left as it is.
  - The data of a file server is brought by C(restic copy), which needs the password of its repository, and is proved there before the copy appears.
  - Into a cloud only the blocks that are missing are sent when it runs again after it was cut off.
  - Of several copies each has an entry of its own, and one that fails hides no other. Between directories and other servers they are carried by one start
    on the server and named by another; what goes to or comes from a cloud or a medium that servers only add to, and what lies in a repository of
    file servers, goes one after the other.
options:
  sha256:
    description:
      - SHA-256 of the copy's C(SHA256SUMS), as the bitácora has it. Another copy under the label is refused. Needed with O(label).
  trust_level:
    description: Trust level that the copy has where it comes from, and has on the target too since its bytes are the same.
    type: str
    choices: [T1, T2]
    default: T1
  copies:
    description:
      - Several copies of the same kind, from the same medium, as a row of RV(perucompras.respaldo.backup_transfer_plan#module:batches) has them.
      - Give either these or O(label).
  lock_timeout:
    description: Seconds to wait while another run holds the system. 0 gives up at once.
    type: int
    default: 0
extends_documentation_fragment:
  - perucompras.respaldo.backup.repository
  - perucompras.respaldo.backup.several_carried
  - perucompras.respaldo.backup.copy
  - perucompras.respaldo.storage.medium
  - perucompras.respaldo.storage.source_medium
  - perucompras.respaldo.groups.opening
attributes:
  check_mode:
    description: The copy's list of files is read and the target is checked; nothing is written.
    support: full
  diff_mode:
    description: A copy has no former state.
    support: none
"""

EXAMPLES = r"""
---
- name: Carry a copy to the repository
  perucompras.respaldo.backup_transfer:
    label: SIGA_20261122
    system: SIGA
    kind: database
    sha256: "{{ known.sha256 }}"
    source:
      name: disco
      path: /srv/copias
    medium:
      name: repositorio
      path: /mnt/repositorio

- name: Carry several copies
  perucompras.respaldo.backup_transfer:
    kind: database
    copies:
      - label: SIGA_20261122
        system: SIGA
        sha256: "{{ known.sha256 }}"
      - label: SIGA_20261129
        system: SIGA
        sha256: "{{ newer.sha256 }}"
    source:
      name: disco
      path: /srv/copias
    medium:
      name: repositorio
      path: /mnt/repositorio
"""

RETURN = r"""
---
backup:
  description:
    - What the bitácora records of this copy. Only fields that apply are there.
    - With O(copies) it is a list of such, one for each, in their order.
  returned: always
  type: dict
  contains:
    event: {description: What happened., type: str, sample: copy_transferred}
    label: {description: Label (numeral 6.7)., type: str, sample: SIGA_20261122}
    printed_label: {description: Label as the manual prints it., type: str, sample: "SIGA_2026 11 22"}
    system: {description: System., type: str, sample: SIGA}
    kind: {description: Kind., type: str, sample: database}
    location: {description: Directory of the copy; several are joined by a comma., type: str, sample: /srv/copias/database/SIGA/SIGA_20261122}
    parts: {description: "Files of the copy, each with name, size in bytes and sha256.", type: list, elements: dict}
    size: {description: Bytes of all files., type: int, sample: 268951}
    size_original: {description: Bytes before compression and encryption., type: int, sample: 2590720}
    duration_ms: {description: Milliseconds the copy took., type: int, sample: 210}
    trust_level: {description: "T1 bytes hashed, T2 structure read back, T3 restored into scratch.", type: str, sample: T2}
    checks: {description: What was verified., type: list, elements: str, sample: [exit_statuses, sha256_readback, pg_restore_read]}
    sha256: {description: SHA-256 of the file SHA256SUMS of the copy., type: str}
    key_reference: {description: "Where custody keeps the password, when there is one.", type: str}
    key_id: {description: "Which key it is, without telling anything of it.", type: str}
    custodians: {description: Names of those that hold it., type: list, elements: str}
    error_code: {description: "Code of the error, on failure.", type: str, sample: RSP402}
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
from ..module_utils._tasks import transferring


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(
            _options.several(trust_level=dict(type="str", choices=["T1", "T2"], default="T1")), **_options.MEDIUM, source=_options.MEDIUM["medium"],
            **_options.DECRYPTION, lock_timeout=dict(type="int", default=0)),
        supports_check_mode=True, **_options.ONE_OR_SEVERAL)
    transferring.transfer_copy(module)


if __name__ == "__main__":
    main()
