# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that several modules share; each fragment has its argument spec of the same name in module_utils/_options.py. Those of media: storage.py."""

from __future__ import annotations

# the kinds of copies, as _engine/result.py has them (KINDS)
_KINDS = "database, source_code, file_server, mailbox"

_KIND = """
  kind:
    description: Kind of backup (numeral 6.4).
    type: str
    required: true
    choices: [{0}]
"""

# what MAKING and SEALING have in common; Ansible merges options, but no suboptions
_KEY_REFERENCE = r"""
      key_reference:
        description: Where custody keeps the password; it goes into the manifest and the bitácora. Filled in by O(encryption.custody).
        type: str
        default: ""
"""

_PUBLISH = r"""
  publish:
    description:
      - Give the copy its final name once it is whole and verified.
      - The controller's side of the module always does this in a step of its own, which it leaves out when the run was
        killed meanwhile. V(false) leaves the copy sealed for M(perucompras.respaldo.backup_publish);
        the bitácora records it as made only when that is done.
    type: bool
    default: true
"""

_HOOKS = r"""
  hooks:
    description:
      - Commands of the institution around the making of this copy - freeze and thaw, stop and start, mount and unmount. Each is a program and its arguments;
        no shell reads them, and what they print goes nowhere, as it may hold secrets.
      - Those of the controller run around those of the server. A command before that fails, is not there, or does not end in time fails the copy before
        anything is read (RSP126), and the next ones are not begun.
      - Once the commands before are begun, each command after runs, whatever became of the copy; so does it where a system has none before. One that fails is
        a warning (RSP127), and the copy stands. If the run is killed meanwhile, the next copy of the system runs them first; so they must do no harm twice.
      - A program that others than root and the account of the task can change, or a directory or link on the way to it, is refused (RSP790).
      - They get C(RESPALDO_HOOK), C(RESPALDO_KIND), C(RESPALDO_SYSTEM), C(RESPALDO_LABEL), and after the copy C(RESPALDO_RESULT), V(good) or V(failed).
      - Arguments are seen by everybody on that computer; a secret belongs in a file that the program reads. In check mode none runs.
    type: dict
    default: {}
    suboptions:
      before:
        description: Commands before the first byte is read, in this order.
        type: list
        elements: dict
        default: []
        suboptions: &hook
          name:
            description: How the bitácora names it. By default its place in the list.
            type: str
            default: ''
          argv:
            description: The full path of a program, and its arguments.
            type: list
            elements: str
            required: true
          'on':
            description: The computer it runs on, V(server) by the account that copies, V(controller) by that which runs Ansible.
            type: str
            choices: [server, controller]
            default: server
          timeout_seconds:
            description: After so long it is ended, with all that it began.
            type: int
            default: 300
      after:
        description: Commands after the copy was made, or failed, in this order.
        type: list
        elements: dict
        default: []
        suboptions: *hook
"""

# several copies of a kind, instead of the one that COPY names
_SEVERAL = """
options:
  label:
    description: Label of the copy as a file name, C(SIGA_20261122) or C(SIGA_20261122_02) (numeral 6.7).
    required: false
  system:
    description: Name of the system as declared in the inventory. Needed with O(label).
    required: false
  sha256:
    type: str
  copies:
    type: list
    elements: dict
    version_added: "0.3.0"
    suboptions:
      label:
        description: As O(label).
        type: str
        required: true
      system:
        description: As O(system).
        type: str
        required: true
      sha256:
        description: As O(sha256).
        type: str
        required: true
      record:
        description: As O(record).
        type: dict
        default: {}
"""


class ModuleDocFragment:

    # annotated, since yamllint of ansible-test reads only plain texts of a class and ends at one that is put together
    COPY: str = r"""
options:
  label:
    description:
      - Label of the copy as a file name, C(SIGA_20261122) or C(SIGA_20261122_02) (numeral 6.7).
      - Take it from M(perucompras.respaldo.backup_label), which never gives one twice.
    type: str
    required: true
  system:
    description: Name of the system as declared in the inventory.
    type: str
    required: true
""" + _KIND.format(_KINDS) + r"""  record:
    description:
      - More fields of the RV(ignore:backup) structure to be recorded in the bitácora as they are, such as C(criticality),
        C(office), C(responsible), C(numeral), C(reason), C(reason_text), C(ticket) and C(previous_label).
      - Unknown fields and fields of another type are left out. It must hold no secret.
    type: dict
    default: {}
"""

    KIND: str = """
options:
""" + _KIND.format(_KINDS)

    ONLY_KIND: str = """
options:
  kind:
    description: Only what belongs to this kind of backup (numeral 6.4).
    type: str
    choices: [{0}]
""".format(_KINDS)

    ANY_KIND: str = """
options:
  kind:
    description: Only what belongs to this kind of backup (numeral 6.4).
    type: str
    choices: [all, {0}]
    default: all
""".format(_KINDS)

    MAKING: str = r"""
options:
  compression:
    description: Compression (numeral 7.2.1 b).
    type: str
    choices: [gzip, none, xz, zstd]
    default: zstd
  compression_level:
    description: Level of the compression; by default 3 for zstd, 6 for gzip and xz.
    type: int
  compression_threads:
    description: Threads of zstd and xz. 0 takes one for each processor, 4 at most.
    type: int
    default: 0
  encryption:
    description:
      - Encryption by AES-256. In O(encryption.format=gpg) to the password and to all the recipients at once; each opens the copy alone.
      - The copy is not encrypted when neither a password, nor recipients, nor custody are given.
    type: dict
    default: {}
    suboptions:
      password:
        description: Password of this copy. Leave it out and give O(encryption.custody) to have one generated and kept.
        type: str
        default: ""
      recipients:
        description: Armoured OpenPGP public keys of the custodians, so that losing the controller loses nothing.
        type: list
        elements: str
        default: []
""" + _KEY_REFERENCE + r"""      custody:
        description:
          - Where a generated password is kept - a directory on the controller (one file a copy, encrypted by Ansible Vault), or a list of
            custodians as C(backup_custodians) of M(perucompras.respaldo.backup_plan) has them.
          - The password is in every custodian, and was read back from each, before the copy begins. With a directory C(ansible-playbook)
            needs a vault identity. Nothing of this reaches the server but the password of this copy.
        type: raw
        default: ""
      format:
        description:
          - V(gpg) is OpenPGP, which streams.
          - V(7z) is for those who open copies on Windows. 7-Zip opens it by the password alone; with O(encryption.recipients) it is refused,
            since the format knows no public keys. What was compressed by zstd opens in 7-Zip 24.01 or later, by gzip or xz in any.
          - The format can't be written or read through a pipe. Each part is written to O(encryption.spool), encrypted already, and goes on from there.
          - V(7z) needs C(7zz) on the server (Debian's package C(7zip)).
        type: str
        choices: [gpg, 7z]
        default: gpg
      spool:
        description:
          - Directory on the server for V(7z), with room for the largest part of the copy as encrypted. By default C(/var/tmp).
          - Where a copy of format V(7z) is read from another server or a cloud, it is spooled the same way below C(scratch) of the module that reads it.
        type: path
        default: ""
  minimum_size:
    description: Bytes before compression below which the copy is an error rather than a copy.
    type: int
    default: 1
  lock_timeout:
    description: Seconds to wait while another run holds this system on a medium. 0 gives up at once.
    type: int
    default: 0
""" + _PUBLISH + _HOOKS

    SEALING: str = r"""
options:
  encryption:
    description: The keys of the repository. It is always encrypted, by restic (AES-256).
    type: dict
    default: {}
    suboptions:
      password:
        description: Password of the repository. Leave it out and give O(encryption.custody) to have one generated once and kept.
        type: str
        default: ""
      recipients:
        description:
          - Armoured OpenPGP public keys of those in charge (EGCR). A second key of the repository is generated and sealed to them, in a file of each
            copy, so that losing the custody loses nothing.
        type: list
        elements: str
        default: []
""" + _KEY_REFERENCE + r"""      custody:
        description:
          - Where the generated password is kept under the repository's name - a directory on the controller, or a list of custodians as
            C(backup_custodians) of M(perucompras.respaldo.backup_plan) has them.
          - The password is in every custodian before the copy begins. With a directory C(ansible-playbook) needs a vault identity.
        type: raw
        default: ""
  minimum_size:
    description: Bytes in the folders below which the copy is an error rather than a copy.
    type: int
    default: 1
  lock_timeout:
    description:
      - Seconds to wait while another run holds this system or its repository on a medium. 0 gives up at once.
      - A repository that is not the system's alone (C(source.repository)) is waited for an hour at least; two servers of one run take turns.
      - A repository that a restic holds which is none of these runs, or of one that was killed just now, is waited for a minute at least.
    type: int
    default: 0
""" + _PUBLISH + _HOOKS

    OPENING = r"""
options:
  sha256:
    description: SHA-256 of the copy's C(SHA256SUMS) as the bitácora recorded it; a copy that was exchanged as a whole is noticed by it.
    type: str
    default: ""
  decryption:
    description: What opens an encrypted copy.
    type: dict
    default: {}
    suboptions:
      password:
        description: Password of the copy. Left out, it is taken from O(decryption.custody).
        type: str
        default: ""
      private_keys:
        description: Armoured OpenPGP private keys without passphrase, instead of the password.
        type: list
        elements: str
        default: []
      key_reference:
        description: Reference of the password, as in the manifest and the bitácora. By default the one that custody gives to O(label).
        type: str
        default: ""
      custody:
        description:
          - Where passwords are kept - a directory on the controller, or a list of custodians as for O(ignore:encryption.custody).
          - The password is taken from the first custodian that gives it.
        type: raw
        default: ""
      custodians:
        description: Only these of O(decryption.custody), by name. Empty takes them all.
        type: list
        elements: str
        default: []
  scratch:
    description: Directory on the server under which a private directory for scratch is made. By default the system's own for temporary files.
    type: path
    default: ""
"""

    REPOSITORY = r"""
options:
  decryption:
    description: What opens the repository of a file server, whose data is in the hands of restic. Other kinds need nothing.
    type: dict
    default: {}
    suboptions:
      password: {description: "Password of the repository. Left out, it is taken from O(decryption.custody).", type: str, default: ''}
      private_keys: {description: "Armoured OpenPGP private keys of holders of the second key, instead.", type: list, elements: str, default: []}
      key_reference: {description: "Reference of the password, as in the manifest and the bitácora.", type: str, default: ''}
      custody: {description: "Where passwords are kept - a directory on the controller, or a list of custodians.", type: raw, default: ''}
      custodians: {description: "Only these of O(decryption.custody), by name. Empty takes them all.", type: list, elements: str, default: []}
"""

    ASSIGNED = r"""
options:
  assigned_paths:
    description:
      - Assigned paths (numeral 6.2). A path that, its links resolved, lies outside all of them is refused with RSP102, and one whose
        assigned path is not itself any more (a link in its place, renamed, gone) with RSP110.
      - What is mounted below an assigned path is no part of it, unless its mount point is assigned too.
      - Empty guards nothing; file servers need at least one.
    type: list
    elements: path
    default: []
"""

    ATTRIBUTES = r"""
attributes:
  check_mode:
    description: Everything up to the first byte written is done, and the result says what would happen.
    support: full
  diff_mode:
    description: A copy has no former state to compare with.
    support: none
"""

    SEVERAL_CARRIED: str = _SEVERAL + """      trust_level:
        description: As O(trust_level).
        type: str
        choices: [T1, T2]
        default: T1
"""

    SEVERAL_SEALED: str = _SEVERAL + """      sealed:
        description: As O(sealed).
        type: dict
        default: {}
"""
