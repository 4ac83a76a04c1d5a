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
  - A copy of a database is code, too. What owners of its tables wrote (functions of CHECK constraints, expressions of indexes and computed columns, casts) runs
    while it is loaded, as the account of O(source). Restoring into a living PostgreSQL as its superuser is a person's decision; RV(backup.warnings) says
    when it was done so. For a copy of doubtful origin give O(source.user) that is no superuser, with O(source.owners=false).
  - Into a living MariaDB or MySQL it is loaded by a database account made for that and dropped afterwards, which may do all in the target and nothing
    elsewhere, by a client that runs as an account of the system that nobody has and knows no command of the system. O(source) must name an account that
    may make one (RSP610), as root may. What stays is that the text may name any account as DEFINER, and so act as it, which makes restoring a
    person's decision.
    RV(restored.works_as) and RV(backup.warnings) name the accounts that came back. A text that asks for more than its database is refused (RSP609).
  - All bytes of the copy are compared with their hashes before the target is touched. When anything fails, what was begun is
    removed again.
options:
  target:
    description:
      - Where the copy is restored to. PostgreSQL and MariaDB take the name of a database, SQLite a file, git and directories a directory.
      - It must not exist, or be empty, unless O(overwrite).
      - Of a file server it may be left out; the files then come back into C(_restaurado_LABEL) inside the copied folder.
      - Of a mailbox, a directory; left out where mails come back into a mailbox.
    type: str
    default: ""
  mail:
    description: Of a mailbox, which of its mails come back and as what. Empty restores all, as it lies in the copy.
    version_added: "0.3.0"
    type: dict
    default: {}
    suboptions:
      format:
        description:
          - V(maildir), as it lies in the copy; V(eml), a file a mail, named by its folder's number and its UID; V(mbox), a file a folder, quoted as mboxrd.
            Each with an index that has folders, flags, keywords, dates and digests.
          - V(mailbox) gives them back into the mailbox that O(source) reaches, below a folder C(Restaurado LABEL) that is made, or gone on with where it is
            there. Bytes that lie in it already are not given again, so that a restore that was killed can be run again. Nothing outside of it is written,
            and what was given is read again and compared.
        type: str
        choices: [maildir, eml, mbox, mailbox]
        default: maildir
      folders:
        description:
          - Only these folders, by their names as people or the server write them, with C(/) between levels. One that the copy has not is refused (RSP134).
        type: list
        elements: str
        default: []
      sender:
        description: Only mails of which this is a part of the sender, its name or its address. Capitals and accents don't count.
        type: str
        default: ""
      since:
        description: Only mails received on this day of Lima or later, as C(2026-11-22), or since a moment in UTC, C(2026-11-22T05:00:00Z).
        type: str
        default: ""
      until:
        description: Only mails received on this day or before, in the same forms.
        type: str
        default: ""
      subject:
        description: Only mails whose subject has all of these words.
        type: str
        default: ""
  restore_paths:
    description:
      - Of a file server, the files and folders to restore, each with its full path or below the copied folder. Empty restores all.
      - Each comes to its place below O(target). What stands there is an error, or with O(overwrite) kept under a name that ends in C(before_LABEL).
    type: list
    elements: str
    default: []
  restore_special:
    description:
      - Of directories and file servers, bring back set-user-ID and set-group-ID bits of files, devices, file capabilities and attributes C(trusted.*) too.
      - By default they are left out and named in the warnings, since a server that was taken may have put them into its copy. The set-group-ID bits of
        directories, FIFOs and ACLs always come back.
    type: bool
    default: false
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
  damaged:
    description:
      - Restore a copy that counts as damaged all the same; a person gave the reason, which the bitácora has with the start of the restore.
      - Bytes that are not those recorded become a warning, and what still opens is restored. What does not open fails as ever, and nothing of it stays.
    type: bool
    default: false
  bitacora_lost:
    description:
      - The bitácora itself was lost with its controller and this restore brings it back, so that no run can record it. Refused (RSP101) where the controller
        has a bitácora with entries; everywhere else a restore needs a run that records it (RSP701).
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
extends_documentation_fragment:
  - perucompras.respaldo.source.any
  - perucompras.respaldo.backup.copy
  - perucompras.respaldo.storage.medium
  - perucompras.respaldo.backup.opening
  - perucompras.respaldo.backup.assigned
  - perucompras.respaldo.groups.opening
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

- name: Give the mails of one sender back into the mailbox
  perucompras.respaldo.backup_restore:
    label: AnaQuispe_20261122
    system: AnaQuispe
    kind: mailbox
    mail:
      format: mailbox
      sender: proveedor@example.com
      since: 2026-10-01
    source:
      host: correo.example.gob.pe
      user: aquispe@example.gob.pe
      password: "{{ vault_respaldo_imap }}"
    medium:
      name: disco
      path: /srv/copias
    decryption:
      custody: /etc/respaldo/custodia
    record:
      ticket: "2026-0118"
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
    warnings: {description: "What the restore could not bring, and what people must know of it.", type: list, elements: str}
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
    given: {description: "Into a mailbox: how many mails were given to it now.", type: int}
    there: {description: "Into a mailbox: how many lay there already.", type: int}
    left_out:
      description:
        - "Databases: what the copy did not hold or the server could not make, each with its cause and, where there is one, the SQL to make it."
        - "Into a mailbox: folder and UID of each mail that the server does not take."
      type: list
      elements: str
    other:
      description: "Into a mailbox: folder and UID of each mail that was given and is not there as it was given."
      type: list
      elements: str
    not_back: {description: "Into a mailbox: how many mails are not there as they are in the copy.", type: int}
    restored: {description: "File servers, where O(restore_paths) was given: where each of them is now.", type: list, elements: str}
    works_as: {description: "MariaDB: the accounts that views, routines, triggers and events of the restored database work as.", type: list, elements: str}
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
from ..module_utils._engine.sources import imap_asked
from ..module_utils._tasks import restoring


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(
            _options.COPY, **_options.MEDIUM, **_options.OPENING, **_options.ASSIGNED,
            target=dict(type="str", default=""),
            restore_paths=dict(type="list", elements="str", default=[]),
            restore_special=dict(type="bool", default=False),
            offices=dict(type="dict", default={}),
            mail=dict(type="dict", default={}, options=dict(
                format=dict(type="str", choices=list(imap_asked.FORMS), default=imap_asked.FORMS[0]),
                folders=dict(type="list", elements="str", default=[]),
                sender=dict(type="str", default=""), since=dict(type="str", default=""), until=dict(type="str", default=""),
                subject=dict(type="str", default=""))),
            partial=dict(type="bool", default=False),
            damaged=dict(type="bool", default=False),
            bitacora_lost=dict(type="bool", default=False),
            repository=dict(type="str", default=""),
            overwrite=dict(type="bool", default=False),
            part=dict(type="str", default=""),
            source=_files_options.any_source()),
        supports_check_mode=True)
    restoring.restore_copy(module)


if __name__ == "__main__":
    main()
