#!/usr/bin/python
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
---
module: backup_transfer
short_description: Write a copy onto another medium, such as the repository
author:
  - perucompras.respaldo contributors (@perucompras)
version_added: "0.2.0"
description:
  - Carries a published copy from one medium to another, byte for byte (manual 001-2019, numerals 7.2.1 d and 7.2.2 c), between directories,
    other servers and clouds in any combination, without staging. It is not opened, so that no password is needed.
  - Every file is hashed as it is read and as it lies on the target. The copy appears there whole or not at all; the source is left as it is.
  - The data of a file server is brought by C(restic copy), which needs the password of its repository, and is proved there before the copy appears.
  - Into a cloud only the blocks that are missing are sent when it runs again after it was cut off.
options:
  source:
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
  sha256:
    description: SHA-256 of the copy's C(SHA256SUMS), as the bitácora has it. Another copy under the label is refused.
    type: str
    required: true
  trust_level:
    description: Trust level that the copy has where it comes from, and has on the target too since its bytes are the same.
    type: str
    choices: [T1, T2]
    default: T1
  decryption:
    description: What opens the repository of a file server, whose data is brought by restic. Other kinds need nothing.
    type: dict
    default: {}
    suboptions:
      password: {description: "Password of the repository. Left out, it is taken from O(decryption.custody).", type: str, default: ''}
      private_keys: {description: "Armoured OpenPGP private keys of holders of the second key, instead.", type: list, elements: str, default: []}
      key_reference: {description: "Reference of the password, as in the manifest and the bitácora.", type: str, default: ''}
      custody: {description: "Directory on the controller where passwords are kept, encrypted by Ansible Vault.", type: path, default: ''}
  lock_timeout:
    description: Seconds to wait while another run holds the system. 0 gives up at once.
    type: int
    default: 0
extends_documentation_fragment:
  - perucompras.respaldo.backup.copy
  - perucompras.respaldo.backup.medium
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
"""

RETURN = r"""
---
backup:
  description:
    - What the bitácora records of this copy. Only fields that apply are there.
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
            _module.COPY, **_module.MEDIUM, source=_module.MEDIUM["medium"], sha256=dict(type="str", required=True),
            **_module.DECRYPTION, trust_level=dict(type="str", choices=["T1", "T2"], default="T1"), lock_timeout=dict(type="int", default=0)),
        supports_check_mode=True)
    _module.transfer_copy(module)


if __name__ == "__main__":
    main()
