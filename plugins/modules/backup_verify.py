#!/usr/bin/python
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
---
module: backup_verify
short_description: Verify a copy
author:
  - perucompras.respaldo contributors (@perucompras)
version_added: "0.1.0"
description:
  - Reads a published copy again and raises or confirms its trust level (manual 001-2019, numerals 7.2.1 b, 7.2.2 b).
  - A damaged copy is an error that tells which file and how, and is recorded as such.
options:
  level:
    description:
      - V(T1) compares the bytes of every file with their hashes.
      - V(T2) also opens every part and reads its structure to its end; an encrypted copy needs its password.
      - V(T3) also restores the copy into scratch on this server, compares it, and removes it again.
      - Of PostgreSQL that is a throw-away server of the same major version, run by an account of its own without network in a directory of O(scratch) and
        ended afterwards; the live server is not asked for anything. It needs root, Linux namespaces, the programs of that version (C(initdb), C(postgres)),
        and about the room that the largest database takes. Where that can't be, the copy keeps its trust level and the error says why
        (RSP508, RSP509, RSP510), unless O(source.rehearse_on_live).
      - Of MariaDB the same, by the programs C(mariadbd) and C(mariadb-install-db) of the live server's version; that one is only read, its settings and the
        structure of tables that views of the copy read. Of Oracle's MySQL there is none yet (RSP508).
      - V(T4) also compares it with the source as it is now, where that can tell something (git, files, SQLite, mailboxes). Where it can't, or
        the source changed since, the copy reaches V(T3) and RV(backup.warnings) say why.
      - Of a mailbox what is still there must be what was copied (RSP155); RV(backup.warnings) count what came, went and was marked since, by folder. Nothing is
        marked there. By Microsoft Graph mails are known by identifier, wherever they lie now, and what has the changeKey of the copy must have its content;
        what can't be read leaves the copy at V(T3). It signs in with the account of O(source); a drill does not ask for it.
      - So it does where the source lies outside O(assigned_paths) (numeral 6.2), which is then not read at all.
    type: str
    choices: [T1, T2, T3, T4]
    default: T2
  data_subsets:
    description:
      - Of a file server, from V(T2) on, the parts of its repository's data to read and compare, as V(7/30), the seventh of thirty. The parts are chosen by the
        names of its files, so that reading each of them in turn reads all. They stand in RV(backup.checks).
      - Empty leaves it to O(data_days).
    type: list
    elements: str
    default: []
  data_days:
    description:
      - Of a file server, within how many days all of its repository's data is read. The controller looks in the bitácora which part was read last, and takes
        the next one, or as many as there were days since. V(0) reads none.
    type: int
    default: 0
  source:
    description: For V(T3), how the engine that takes the scratch copy is reached; the same options as when the copy was made.
extends_documentation_fragment:
  - perucompras.respaldo.source.any
  - perucompras.respaldo.backup.copy
  - perucompras.respaldo.storage.medium
  - perucompras.respaldo.backup.opening
  - perucompras.respaldo.backup.assigned
  - perucompras.respaldo.groups.opening
attributes:
  check_mode:
    description:
      - Verification changes nothing but, for V(T3), scratch of its own. In check mode the copy is read to V(T2) at most,
        and the entry says it was a simulation.
    support: full
  diff_mode:
    description: Nothing is changed.
    support: none
"""

EXAMPLES = r"""
---
- name: Read the structure of a copy back
  perucompras.respaldo.backup_verify:
    label: SIGA_20261122
    system: SIGA
    kind: database
    medium:
      name: disco
      path: /srv/copias

- name: Prove that an encrypted copy restores
  perucompras.respaldo.backup_verify:
    label: SIGA_20261122
    system: SIGA
    kind: database
    level: T3
    medium:
      name: disco
      path: /srv/copias
    source:
      run_as: postgres
    decryption:
      custody: /etc/respaldo/custodia
"""

RETURN = r"""
---
backup:
  description:
    - What the bitácora records of this copy. Only fields that apply are there.
  returned: always
  type: dict
  contains:
    event: {description: What happened., type: str, sample: copy_verified}
    label: {description: Label (numeral 6.7)., type: str, sample: SIGA_20261122}
    printed_label: {description: Label as the manual prints it., type: str, sample: "SIGA_2026 11 22"}
    system: {description: System., type: str, sample: SIGA}
    kind: {description: Kind., type: str, sample: database}
    location: {description: Directory of the copy; several are joined by a comma., type: str, sample: /srv/copias/database/SIGA/SIGA_20261122}
    parts: {description: "Files of the copy, each with name, size in bytes and sha256.", type: list, elements: dict}
    size: {description: Bytes of all files., type: int, sample: 268951}
    size_original: {description: Bytes before compression and encryption., type: int, sample: 2590720}
    duration_ms: {description: Milliseconds the copy took., type: int, sample: 210}
    trust_level: {description: "T1 bytes hashed, T2 structure read back, T3 restored into scratch, T4 compared with the source.", type: str, sample: T2}
    warnings: {description: What a person should know although the copy is good., type: list, elements: str}
    checks: {description: What was verified., type: list, elements: str, sample: [sha256_readback, pg_restore_read]}
    sha256: {description: SHA-256 of the file SHA256SUMS of the copy., type: str}
    key_reference: {description: "Where custody keeps the password, when there is one.", type: str}
    key_id: {description: "Which key it is, without telling anything of it.", type: str}
    custodians: {description: Names of those that hold it., type: list, elements: str}
    error_code: {description: "Code of the error, on failure.", type: str, sample: RSP402}
manifest:
  description: The manifest (ficha) of the copy, with the stock commands that restore it.
  returned: success
  type: dict
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
from ..module_utils._tasks import verifying


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(
            _options.COPY, **_options.MEDIUM, **_options.OPENING, **_options.ASSIGNED,
            level=dict(type="str", choices=["T1", "T2", "T3", "T4"], default="T2"),
            data_subsets=dict(type="list", elements="str", default=[]),
            data_days=dict(type="int", default=0),
            source=_files_options.any_source()),
        supports_check_mode=True)
    verifying.verify_copy(module)


if __name__ == "__main__":
    main()
