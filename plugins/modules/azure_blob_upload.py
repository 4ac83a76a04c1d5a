#!/usr/bin/python
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
---
module: azure_blob_upload
short_description: Upload a file, or the files of a copy, to Azure Blob Storage
author:
  - perucompras.respaldo contributors (@perucompras)
version_added: "0.2.0"
description:
  - Sends a file in blocks, several at a time, each with a checksum that the service compares (manual 001-2019, numeral 6.5). Nothing has to be
    installed on the server; it gets a signature that only makes blobs of these names, and the controller commits what it staged.
  - A blob that exists is never replaced. The same bytes again are a success without transfer; other bytes are an error before anything is sent.
  - An upload that was killed or cut off sends only the missing blocks when it runs again within a week.
  - It makes no entry in the bitácora, since it is no copy of a system. Copies go by the modules that make them, or M(perucompras.respaldo.backup_transfer).
options:
  src:
    description: A file of the server, or a directory whose files go beside each other, C(SHA256SUMS) last.
    type: path
    required: true
  blob:
    description: Name below the medium's prefix. Empty takes the last part of O(src).
    type: str
    default: ""
extends_documentation_fragment:
  - perucompras.respaldo.storage.medium
  - perucompras.respaldo.groups.respaldo
attributes:
  check_mode:
    description: Says what would be sent.
    support: full
  diff_mode:
    description: Blobs are never changed.
    support: none
"""

EXAMPLES = r"""
---
- name: Send an image of a server
  perucompras.respaldo.azure_blob_upload:
    src: /srv/imagenes/bd1.qcow2
    blob: imagenes/bd1_20261122.qcow2
    medium:
      name: nube
      type: azure_blob
      storage_account_name: copiasentidad
      container: copias
      tier: cool
"""

RETURN = r"""
---
files:
  description: What was committed.
  returned: success
  type: list
  elements: dict
  contains:
    blob: {description: Name below the prefix., type: str, sample: imagenes/bd1_20261122.qcow2}
    size: {description: Bytes., type: int, sample: 1073741824}
    sha256: {description: "SHA-256 of the whole, also in the blob's metadata.", type: str}
bytes_sent: {description: Bytes that were sent., returned: when something was sent, type: int, sample: 1073741824}
bytes_there: {description: Bytes of blocks that lay there from a run before., returned: when something was sent, type: int, sample: 0}
error:
  description: What went wrong.
  returned: failure
  type: dict
  contains:
    code: {description: Stable code., type: str, sample: RSP410}
    name: {description: Name of the error., type: str, sample: azure_refused}
    message: {description: "What is wrong and where, in English.", type: str}
    hint: {description: "What to do about it, in English.", type: str}
    message_es: {description: The same message in Spanish., type: str}
    remedy_es: {description: The same remedy in Spanish., type: str}
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import _blobs, _options


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(_options.MEDIUM, src=dict(type="path", required=True), blob=dict(type="str", default="")),
        supports_check_mode=True)
    _blobs.upload(module)


if __name__ == "__main__":
    main()
