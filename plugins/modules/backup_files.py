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
  source:
    description: What is copied.
    type: dict
    required: true
    suboptions:
      type:
        description: Type of the source.
        type: str
        choices: [restic]
        default: restic
      paths:
        description: Folders, with full paths.
        type: list
        elements: path
        default: []
      exclude:
        description: Patterns left out, as C(restic backup --exclude) reads them.
        type: list
        elements: str
        default: []
      exclude_caches:
        description: Leave out directories marked by a C(CACHEDIR.TAG).
        type: bool
        default: false
      one_file_system:
        description: Do not enter other file systems mounted below the folders.
        type: bool
        default: false
      repository:
        description:
          - Whose repository the copies go to, its own (V(system)), one for all systems of the server, or one for all of the office.
          - Systems that share one save the room of what they have in common, and wait for each other.
        type: str
        choices: [system, server, office]
        default: system
      snapshot:
        description:
          - Snapshot of the file system that is copied instead of the living files, so that all are of one moment. V(lvm), V(btrfs) and
            V(zfs) make it an error (RSP221) where there can be none; V(auto) takes one of Btrfs where it can and warns where not. It needs root.
          - All that was written before is in it. With V(btrfs) a file that a program writes at that very moment, and does not sync, may be of some
            hundredths of a second before the others, as after a loss of power.
          - It is mounted for restic alone, at the folders' own paths, and removed whatever happens; what a killed run left goes with the next copy of the
            system.
          - V(btrfs) was tried; V(lvm), whose snapshot gets 10 % of the volume for what is written meanwhile, and V(zfs) follow their manuals and were not.
        type: str
        choices: [none, auto, lvm, btrfs, zfs]
        default: none
      limit_upload:
        description: KiB a second that writing to the repository may take; V(0) sets no limit.
        type: int
        default: 0
      limit_upload_working_hours:
        description: The same for a copy that begins in working hours (O(working_hours)); V(0) takes O(source.limit_upload) then too.
        type: int
        default: 0
      read_concurrency:
        description: Files read at the same time; V(0) leaves it to restic. Needs restic 0.15.
        type: int
        default: 0
      changed_files:
        description:
          - Whether files that changed while or after they were read are told as a warning of a good copy (V(warn)), or make the copy fail with RSP203
            (V(fail)).
        type: str
        choices: [warn, fail]
        default: warn
  working_hours:
    description: Whether it is working hours now, as M(perucompras.respaldo.backup_plan) tells.
    type: bool
    default: false
  server:
    description: Name of the server in the inventory, recorded as restic's host. The controller fills it in.
    type: str
    default: ""
extends_documentation_fragment:
  - perucompras.respaldo.backup.copy
  - perucompras.respaldo.backup.media
  - perucompras.respaldo.backup.sealing
  - perucompras.respaldo.backup.assigned
  - perucompras.respaldo.backup.attributes
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
    unread: {description: "Paths that could not be read, the first of them, on failure with RSP220.", type: list, elements: str}
    unread_count: {description: How many there are., type: int, sample: 2}
    duration_ms: {description: Milliseconds the copy took., type: int, sample: 210}
    trust_level: {description: "T1 bytes hashed, T2 structure read back, T3 restored into scratch.", type: str, sample: T2}
    checks: {description: What was verified., type: list, elements: str, sample: [exit_statuses, repository_files_readback, snapshot_readback, counts]}
    sha256: {description: SHA-256 of the file SHA256SUMS of the copy., type: str}
    key_reference: {description: "Where custody keeps the password, when there is one.", type: str}
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

from ..module_utils import _module


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(
            _module.COPY, **_module.MEDIA, **_module.SEALING, **_module.ASSIGNED,
            source=dict(type="dict", required=True, options=_module.FILES_SOURCE), server=dict(type="str", default=""),
            working_hours=dict(type="bool", default=False)),
        supports_check_mode=True)
    _module.make_files(module)


if __name__ == "__main__":
    main()
