#!/usr/bin/python
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
---
module: backup_files
short_description: Copy shared folders incrementally with restic
author:
  - perucompras.respaldo contributors (@perucompras)
version_added: "0.2.0"
description:
  - Copies the folders of a file server into a restic repository (manual 001-2019, numerals 6.6 and 7.2.3). Each copy holds all of them, with owners, modes,
    ACLs and extended attributes, and costs only what changed since the one before.
  - A copy is a directory with manifest and C(SHA256SUMS) under its label, as of any kind; its data is a snapshot in the repository
    C(MEDIUM/file_server/.restic.NAME). On the second and further media the same snapshot is brought by C(restic copy).
  - It is called a copy only when restic could read everything, each file that it added to the repository was read back and had the SHA-256 of its name, and
    the snapshot was read back (trust level T2). What it shares with earlier copies was proved by them;
    M(perucompras.respaldo.backup_verify) reads it again.
  - When some files could not be read the copy fails with RSP220 and names them. What was read stays in the repository under the tag C(parcial).
  - Links are copied as links, never what they point to.
options:
  working_hours:
    description: Whether it is working hours now, as M(perucompras.respaldo.backup_plan) tells.
    type: bool
    default: false
  server:
    description: Name of the server in the inventory, recorded as restic's host. The controller fills it in.
    type: str
    default: ""
extends_documentation_fragment:
  - perucompras.respaldo.source.files
  - perucompras.respaldo.backup.copy
  - perucompras.respaldo.storage.media
  - perucompras.respaldo.backup.sealing
  - perucompras.respaldo.backup.assigned
  - perucompras.respaldo.backup.attributes
  - perucompras.respaldo.groups.making
seealso:
  - module: perucompras.respaldo.backup_label
  - module: perucompras.respaldo.backup_verify
  - module: perucompras.respaldo.backup_restore
  - module: perucompras.respaldo.backup_prune
"""

EXAMPLES = r"""
---
- name: Copy the folders of an office
  perucompras.respaldo.backup_files:
    label: RRHH_20261122
    system: RRHH
    kind: file_server
    source:
      paths: [/srv/compartido/rrhh]
      exclude: ["*.tmp"]
    media:
      - name: nas
        path: /mnt/nas
    encryption:
      custody: /var/lib/respaldo/custodia
    assigned_paths: [/srv/compartido]
"""

RETURN = r"""
---
backup:
  description:
    - What the bitácora records of this copy. Only fields that apply are there.
  returned: always
  type: dict
  contains:
    event: {description: What happened., type: str, sample: copy_made}
    label: {description: Label (numeral 6.7)., type: str, sample: RRHH_20261122}
    printed_label: {description: Label as the manual prints it., type: str, sample: "RRHH_2026 11 22"}
    system: {description: System., type: str, sample: RRHH}
    kind: {description: Kind., type: str, sample: file_server}
    location: {description: Directory of the copy; several are joined by a comma., type: str, sample: /srv/copias/file_server/RRHH/RRHH_20261122}
    parts: {description: "Files of the copy, each with name, size in bytes and sha256.", type: list, elements: dict}
    size: {description: Bytes that this copy added to the first medium., type: int, sample: 268951}
    size_original: {description: Bytes in the folders., type: int, sample: 259072000}
    objects: {description: Files in the folders., type: int, sample: 184201}
    files_new: {description: Files that the copy before did not hold., type: int, sample: 12}
    files_changed: {description: Files that changed since., type: int, sample: 31}
    files_unmodified: {description: Files that did not., type: int, sample: 184158}
    data_added: {description: Bytes of new content., type: int, sample: 801244}
    repository: {description: Name of the restic repository., type: str, sample: RRHH}
    repository_sizes:
      description: Bytes of all files of the repository once the copy was made, on each of the media in their order.
      type: list
      elements: int
      sample: [5368709120]
    unread: {description: "Paths that could not be read, the first of them, on failure with RSP220.", type: list, elements: str}
    unread_count: {description: How many there are., type: int, sample: 2}
    duration_ms: {description: Milliseconds the copy took., type: int, sample: 210}
    trust_level: {description: "T1 bytes hashed, T2 structure read back, T3 restored into scratch.", type: str, sample: T2}
    checks: {description: What was verified., type: list, elements: str, sample: [exit_statuses, repository_files_readback, snapshot_readback, counts]}
    sha256: {description: SHA-256 of the file SHA256SUMS of the copy., type: str}
    key_reference: {description: "Where custody keeps the password, when there is one.", type: str}
    error_code: {description: "Code of the error, on failure.", type: str, sample: RSP402}
published:
  description: Whether the copy has its final name; with O(publish=false) it is sealed.
  returned: success, but in check mode
  type: bool
sealed:
  description: With O(publish=false), what M(perucompras.respaldo.backup_publish) is to be given of media that need it; without secrets.
  returned: when a medium needs it
  type: dict
yielded:
  description: Whether another run makes this scheduled copy, or has just made it, so that nothing was done; C(backup.event) is C(copy_not_due).
  returned: when it does
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

from ..module_utils import _files_options, _options
from ..module_utils._tasks import making_files


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(
            _options.COPY, **_options.MEDIA, **_options.SEALING, **_options.ASSIGNED,
            source=dict(type="dict", required=True, options=_files_options.FILES_SOURCE), server=dict(type="str", default=""),
            working_hours=dict(type="bool", default=False)),
        supports_check_mode=True)
    making_files.make_files(module)


if __name__ == "__main__":
    main()
