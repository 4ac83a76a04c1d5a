# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that several modules share; each fragment has its argument spec of the same name in module_utils/_module.py."""

from __future__ import annotations


class ModuleDocFragment:

    COPY = r"""
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
  kind:
    description: Kind of backup (numeral 6.4).
    type: str
    required: true
    choices: [database, source_code, file_server, mailbox]
  record:
    description:
      - More fields of the RV(ignore:backup) structure to be recorded in the bitácora as they are, such as C(criticality),
        C(office), C(responsible), C(numeral), C(reason), C(reason_text), C(ticket) and C(previous_label).
      - Unknown fields and fields of another type are left out. It must hold no secret.
    type: dict
    default: {}
"""

    MEDIA = r"""
options:
  media:
    description:
      - Media that the copy is written to, all at once in one pass (numeral 6.5).
      - The copy becomes a directory C(PATH/KIND/SYSTEM/LABEL) on each.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the medium, as recorded in the bitácora.
        type: str
        required: true
      type:
        description: Type of the medium.
        type: str
        choices: [local, azure_blob]
        default: local
      path:
        description: Directory that holds the copies, for a medium of type C(local). It must exist unless O(media[].create).
        type: path
        default: ""
      create:
        description: Make the directory. Leave it off for mounted shares, so that a share that is not mounted is an error.
        type: bool
        default: false
      default:
        description: Whether systems that name no medium use this one. Read by M(perucompras.respaldo.backup_plan).
        type: bool
        default: true
      host:
        description: Another server that holds the directory, reached by SSH from the server with the data. Empty for this server.
        type: str
        default: ""
      port:
        description: SSH port of O(media[].host).
        type: int
        default: 22
      user:
        description: Account on O(media[].host).
        type: str
        default: ""
      identity_file:
        description: Private key, a file on the server with the data.
        type: path
        default: ""
      ssh_key:
        description: Private key as text, instead of O(media[].identity_file). It is never written to a disk.
        type: str
        default: ""
      known_hosts:
        description: Lines of a C(known_hosts) file, or the path of one on the server where the module runs, with the key of
          O(media[].host). The key is always checked.
        type: str
        default: ""
      storage_account_name:
        description: Storage account of a medium of type C(azure_blob).
        type: str
        default: ""
      endpoint:
        description:
          - Address of the account's blob service where it is not C(https://ACCOUNT.blob.core.windows.net), for a private endpoint
            or another cloud.
        type: str
        default: ""
      container:
        description: Container of a medium of type C(azure_blob). It is made beforehand.
        type: str
        default: ""
      prefix:
        description: Path inside the container under which copies lie.
        type: str
        default: ""
      tier:
        description: Access tier that blobs are made in. Empty takes the account's own. V(archive) can't be read before it is rehydrated.
        type: str
        choices: ["", hot, cool, cold, archive]
        default: ""
      workers:
        description: Blocks that are sent, or ranges read, at the same time. Each takes up to 16 MiB of memory.
        type: int
        default: 3
      bandwidth:
        description: Bytes a second that sending may take. V(0) sets no limit.
        type: int
        default: 0
      proxy:
        description: Proxy that the server and the controller go through, C(http://[user:password@]host:port).
        type: str
        default: ""
      ca_certs:
        description: Certificates in PEM of a private authority, or the path of their file on the controller, trusted beside the system's own.
        type: str
        default: ""
      retry_seconds:
        description: Seconds that a request is tried again when the service is busy or the connection is lost.
        type: int
        default: 600
      write_once_days:
        description:
          - Days for which the container lets nobody remove or change a blob, as it was set up with M(perucompras.respaldo.azure_storage). Retention
            does not try sooner, and is compared with it when the inventory is checked.
        type: int
        default: 0
      lifecycle:
        description: Days after which the container moves (V(cool), V(cold), V(archive)) or deletes blobs by itself; compared with retention as well.
        type: dict
        default: {}
      auth:
        description:
          - Identity of the controller for a medium of type C(azure_blob), with the option names of azure.azcollection, C(auth_source),
            C(client_id), C(secret), C(tenant) and so on; or C(account_key) (discouraged, since it opens the whole account) or C(sas_token).
          - It stays on the controller. A server receives a signature that only makes new blobs, or only reads, for the names of one copy,
            valid C(sas_minutes) (default 60) and renewed while the task runs.
        type: dict
        default: {}
      session:
        description: What the controller adds for the server. Not to be written by people.
        type: dict
        default: {}
"""

    MEDIUM = r"""
options:
  medium:
    description: The medium that holds the copy.
    type: dict
    required: true
    suboptions:
      name:
        description: Name of the medium, as recorded in the bitácora.
        type: str
        required: true
      type:
        description: Type of the medium.
        type: str
        choices: [local, azure_blob]
        default: local
      path:
        description: Directory that holds the copies, for a medium of type C(local).
        type: path
        default: ""
      create:
        description: Accepted so that a medium of the inventory can be given whole; not used for reading.
        type: bool
        default: false
      default:
        description: Accepted so that a medium of the inventory can be given whole; not used for reading.
        type: bool
        default: true
      host:
        description: Another server that holds the directory, reached by SSH. Empty for this server.
        type: str
        default: ""
      port:
        description: SSH port of O(medium.host).
        type: int
        default: 22
      user:
        description: Account on O(medium.host).
        type: str
        default: ""
      identity_file:
        description: Private key, a file on the server where the module runs.
        type: path
        default: ""
      ssh_key:
        description: Private key as text, instead of O(medium.identity_file).
        type: str
        default: ""
      known_hosts:
        description: Lines of a C(known_hosts) file, or the path of one on the server where the module runs, with the key of
          O(medium.host). The key is always checked.
        type: str
        default: ""
      storage_account_name:
        description: Storage account of a medium of type C(azure_blob).
        type: str
        default: ""
      endpoint:
        description:
          - Address of the account's blob service where it is not C(https://ACCOUNT.blob.core.windows.net), for a private endpoint
            or another cloud.
        type: str
        default: ""
      container:
        description: Container of a medium of type C(azure_blob). It is made beforehand.
        type: str
        default: ""
      prefix:
        description: Path inside the container under which copies lie.
        type: str
        default: ""
      tier:
        description: Access tier that blobs are made in. Empty takes the account's own. V(archive) can't be read before it is rehydrated.
        type: str
        choices: ["", hot, cool, cold, archive]
        default: ""
      workers:
        description: Blocks that are sent, or ranges read, at the same time. Each takes up to 16 MiB of memory.
        type: int
        default: 3
      bandwidth:
        description: Bytes a second that sending may take. V(0) sets no limit.
        type: int
        default: 0
      proxy:
        description: Proxy that the server and the controller go through, C(http://[user:password@]host:port).
        type: str
        default: ""
      ca_certs:
        description: Certificates in PEM of a private authority, or the path of their file on the controller, trusted beside the system's own.
        type: str
        default: ""
      retry_seconds:
        description: Seconds that a request is tried again when the service is busy or the connection is lost.
        type: int
        default: 600
      write_once_days:
        description:
          - Days for which the container lets nobody remove or change a blob, as it was set up with M(perucompras.respaldo.azure_storage). Retention
            does not try sooner, and is compared with it when the inventory is checked.
        type: int
        default: 0
      lifecycle:
        description: Days after which the container moves (V(cool), V(cold), V(archive)) or deletes blobs by itself; compared with retention as well.
        type: dict
        default: {}
      auth:
        description:
          - Identity of the controller for a medium of type C(azure_blob), with the option names of azure.azcollection, C(auth_source),
            C(client_id), C(secret), C(tenant) and so on; or C(account_key) (discouraged, since it opens the whole account) or C(sas_token).
          - It stays on the controller. A server receives a signature that only makes new blobs, or only reads, for the names of one copy,
            valid C(sas_minutes) (default 60) and renewed while the task runs.
        type: dict
        default: {}
      session:
        description: What the controller adds for the server. Not to be written by people.
        type: dict
        default: {}
"""

    MAKING = r"""
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
      key_reference:
        description: Where custody keeps the password; it goes into the manifest and the bitácora. Filled in by O(encryption.custody).
        type: str
        default: ""
      custody:
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
  publish:
    description:
      - Give the copy its final name once it is whole and verified.
      - The controller's side of the module always does this in a step of its own, which it leaves out when the run was
        killed meanwhile. V(false) leaves the copy sealed for M(perucompras.respaldo.backup_publish);
        the bitácora records it as made only when that is done.
    type: bool
    default: true
"""

    SEALING = r"""
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
      key_reference:
        description: Where custody keeps the password; it goes into the manifest and the bitácora. Filled in by O(encryption.custody).
        type: str
        default: ""
      custody:
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
      - A repository that a restic holds which is none of these runs, or of one that was killed just now, is waited for a minute at least.
    type: int
    default: 0
  publish:
    description:
      - Give the copy its final name once it is whole and verified.
      - The controller's side of the module always does this in a step of its own, which it leaves out when the run was
        killed meanwhile. V(false) leaves the copy sealed for M(perucompras.respaldo.backup_publish);
        the bitácora records it as made only when that is done.
    type: bool
    default: true
"""

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
