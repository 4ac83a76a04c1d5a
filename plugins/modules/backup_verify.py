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
      - V(T4) also compares it with the source as it is now, where that can tell something (git, files, SQLite). Where it can't, or the source
        changed since, the copy reaches V(T3) and RV(backup.warnings) say why.
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
    type: dict
    default: {}
    suboptions:
      type:
        description: Type of the source; empty takes the one in the manifest.
        type: str
        default: ""
      path:
        description: "git: a repository on this server. SQLite: the database file."
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
        description: Password or token of the account that reads or restores.
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
      paths:
        description: Files and directories, with full paths. Links are copied as links.
        type: list
        elements: path
        default: []
      exclude:
        description: Patterns left out, as C(tar --exclude) reads them.
        type: list
        elements: str
        default: []
      exclude_caches:
        description: "V(restic): leave out directories marked by a C(CACHEDIR.TAG)."
        type: bool
        default: false
      one_file_system:
        description: "V(restic): do not enter other file systems mounted below the folders."
        type: bool
        default: false
      repository:
        description: "V(restic): whose repository the copies go to."
        type: str
        choices: [system, server, office]
        default: system
      snapshot:
        description: "V(restic): snapshot of the file system that is copied instead of the living files."
        type: str
        choices: [none, auto, btrfs]
        default: none
      limit_upload:
        description: "V(restic): KiB a second that writing to the repository may take; V(0) sets no limit."
        type: int
        default: 0
      limit_upload_working_hours:
        description: "V(restic): the same for copies that begin in working hours."
        type: int
        default: 0
      read_concurrency:
        description: "V(restic): files read at the same time; V(0) leaves it to restic. Needs restic 0.15."
        type: int
        default: 0
      changed_files:
        description: "V(restic): whether files that changed while they were read are told or make the copy fail."
        type: str
        choices: [warn, fail]
        default: warn
      databases:
        description: "PostgreSQL, MariaDB: names of the databases, or V(all)."
        type: raw
      host:
        description: "PostgreSQL, MariaDB: address of the server. Empty uses the local socket."
        type: str
        default: ""
      port:
        description: Port; 0 is the engine's own.
        type: int
        default: 0
      user:
        description: Account of the engine. Empty uses the operating system account's.
        type: str
        default: ""
      run_as:
        description: Operating system account that runs the engine's tools, such as V(postgres).
        type: str
        default: ""
      socket:
        description: "MariaDB: path of the local socket."
        type: path
        default: ""
      bin_dir:
        description: "PostgreSQL, MariaDB: directory of the engine's tools, when they are not on the system's path."
        type: path
        default: ""
      globals:
        description: "PostgreSQL, MariaDB: copy roles and users too. Their password hashes are included only in encrypted copies."
        type: bool
        default: true
      dump:
        description: "V(command): program and arguments that write the copy to standard output."
        type: list
        elements: str
        default: []
      verify:
        description: "V(command): program and arguments that read the copy on standard input and exit with 0 only when it is whole."
        type: list
        elements: str
        default: []
      restore:
        description: "V(command): program and arguments that read the copy on standard input and restore it into C($RESPALDO_TARGET)."
        type: list
        elements: str
        default: []
      rehearse:
        description: "V(command): program and arguments that restore the copy into C($RESPALDO_SCRATCH) and compare it (trust level T3)."
        type: list
        elements: str
        default: []
      extension:
        description: "V(command): extension of the file."
        type: str
        default: dump
extends_documentation_fragment:
  - perucompras.respaldo.backup.copy
  - perucompras.respaldo.backup.medium
  - perucompras.respaldo.backup.opening
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

from ..module_utils import _module


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(
            _module.COPY, **_module.MEDIUM, **_module.OPENING,
            level=dict(type="str", choices=["T1", "T2", "T3", "T4"], default="T2"),
            data_subsets=dict(type="list", elements="str", default=[]),
            data_days=dict(type="int", default=0),
            source=_module.any_source()),
        supports_check_mode=True)
    _module.verify_copy(module)


if __name__ == "__main__":
    main()
