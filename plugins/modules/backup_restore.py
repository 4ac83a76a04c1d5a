#!/usr/bin/python
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
---
module: backup_restore
short_description: Restore a copy
author:
  - perucompras.respaldo contributors (@perucompras)
version_added: "0.1.0"
description:
  - Restores a whole copy into a chosen target, and verifies it there before it is announced (manual 001-2019, numeral 7.1.3).
  - All bytes of the copy are compared with their hashes before the target is touched. When anything fails, what was begun is
    removed again.
options:
  target:
    description:
      - Where the copy is restored to. PostgreSQL and MariaDB take the name of a database, SQLite a file, git and directories a directory.
      - It must not exist, or be empty, unless O(overwrite).
      - Of a file server it may be left out; the files then come back into C(_restaurado_LABEL) inside the copied folder.
    type: str
    default: ""
  restore_paths:
    description:
      - Of a file server, the files and folders to restore, each with its full path or below the copied folder. Empty restores all.
      - Each comes to its place below O(target). What stands there is an error, or with O(overwrite) kept under a name that ends in C(before_LABEL).
    type: list
    elements: str
    default: []
  offices:
    description:
      - Of a file server, the office of each shared folder, by its path. What was copied from a folder of one office comes back only into folders of the same
        (RSP111, numeral 6.2). Empty compares nothing.
    type: dict
    default: {}
  partial:
    description:
      - Of a file server, restore what a run could read that failed with RSP220 since some files could not be read. It is no copy and was never verified as
        one; O(label) is that of the run.
    type: bool
    default: false
  repository:
    description: With O(partial), name of the restic repository, as the bitácora has it. Empty takes that of the system.
    type: str
    default: ""
  overwrite:
    description:
      - Replace what is there. The former data is kept beside it, under a name that ends in C(before_LABEL).
    type: bool
    default: false
  part:
    description: The database to restore, of a copy that holds several.
    type: str
    default: ""
  source:
    description: How the engine that takes the data is reached; the same options as when the copy was made.
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
        choices: [none, auto, lvm, btrfs, zfs]
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
  - perucompras.respaldo.backup.assigned
attributes:
  check_mode:
    description: The copy is found and its bytes compared with their hashes; the target is not touched.
    support: full
  diff_mode:
    description: What is restored can be of any size.
    support: none
"""

EXAMPLES = r"""
---
- name: Restore a database beside the one in use
  perucompras.respaldo.backup_restore:
    label: SIGA_20261122
    system: SIGA
    kind: database
    target: siga_restaurada
    medium:
      name: disco
      path: /srv/copias
    source:
      run_as: postgres
    decryption:
      custody: /etc/respaldo/custodia
    record:
      ticket: "2026-0117"

- name: Bring a directory back in place, keeping what is there now
  perucompras.respaldo.backup_restore:
    label: BATCH_20261122
    system: BATCH
    kind: source_code
    target: /opt/batch
    overwrite: true
    assigned_paths: [/opt]
    medium:
      name: disco
      path: /srv/copias
"""

RETURN = r"""
---
backup:
  description:
    - What the bitácora records of this copy. Only fields that apply are there.
  returned: always
  type: dict
  contains:
    event: {description: What happened., type: str, sample: restored}
    label: {description: Label (numeral 6.7)., type: str, sample: SIGA_20261122}
    printed_label: {description: Label as the manual prints it., type: str, sample: "SIGA_2026 11 22"}
    system: {description: System., type: str, sample: SIGA}
    kind: {description: Kind., type: str, sample: database}
    location: {description: Directory of the copy; several are joined by a comma., type: str, sample: /srv/copias/database/SIGA/SIGA_20261122}
    parts: {description: "Files of the copy, each with name, size in bytes and sha256.", type: list, elements: dict}
    size: {description: Bytes of all files., type: int, sample: 268951}
    size_original: {description: Bytes before compression and encryption., type: int, sample: 2590720}
    duration_ms: {description: Milliseconds the copy took., type: int, sample: 210}
    target: {description: Where it was restored to., type: str, sample: siga_restaurada}
    sha256: {description: SHA-256 of the file SHA256SUMS of the copy., type: str}
    key_reference: {description: "Where custody keeps the password, when there is one.", type: str}
    key_id: {description: "Which key it is, without telling anything of it.", type: str}
    custodians: {description: Names of those that hold it., type: list, elements: str}
    error_code: {description: "Code of the error, on failure.", type: str, sample: RSP402}
restored:
  description: Where the data is now.
  returned: success
  type: dict
  contains:
    target: {description: "The target, links resolved.", type: str}
    objects: {description: How many things were restored., type: int}
    kept: {description: "Where the former data was moved to, when there was some.", type: str}
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
            _module.COPY, **_module.MEDIUM, **_module.OPENING, **_module.ASSIGNED,
            target=dict(type="str", default=""),
            restore_paths=dict(type="list", elements="str", default=[]),
            offices=dict(type="dict", default={}),
            partial=dict(type="bool", default=False),
            repository=dict(type="str", default=""),
            overwrite=dict(type="bool", default=False),
            part=dict(type="str", default=""),
            source=_module.any_source()),
        supports_check_mode=True)
    _module.restore_copy(module)


if __name__ == "__main__":
    main()
