#!/usr/bin/python
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
---
module: azure_blob_download
short_description: Bring a blob to a file, checked
author:
  - perucompras.respaldo contributors (@perucompras)
version_added: "0.2.0"
description:
  - Reads a blob in ranges, several at a time, and compares its SHA-256 with the one in its metadata (manual 001-2019, numeral 7.1.3). The file gets
    its name only then. A connection that is cut is taken up where it was; a blob that changes meanwhile is an error.
  - The server gets a signature that reads this one blob.
options:
  blob:
    description: Name below the medium's prefix.
    type: str
    required: true
  dest:
    description: File of the server, or a directory that exists. A file with the same bytes is left as it is, another is replaced.
    type: path
    required: true
extends_documentation_fragment:
  - perucompras.respaldo.storage.medium
  - perucompras.respaldo.groups.respaldo
attributes:
  check_mode:
    description: Says whether it would be brought.
    support: full
  diff_mode:
    description: Contents are not shown.
    support: none
"""

EXAMPLES = r"""
---
- name: Bring an image back
  perucompras.respaldo.azure_blob_download:
    blob: imagenes/bd1_20261122.qcow2
    dest: /srv/imagenes/
    medium:
      name: nube
      type: azure_blob
      storage_account_name: copiasentidad
      container: copias
"""

RETURN = r"""
---
dest: {description: The file., returned: success, type: str, sample: /srv/imagenes/bd1_20261122.qcow2}
size: {description: Bytes., returned: when it was read, type: int, sample: 1073741824}
sha256: {description: SHA-256 of the file., returned: when it was read, type: str}
verified:
  description: Whether the blob's metadata had a SHA-256 to compare with; blobs of other programs have none.
  returned: when it was read
  type: bool
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
        argument_spec=dict(_options.MEDIUM, blob=dict(type="str", required=True), dest=dict(type="path", required=True)),
        supports_check_mode=True)
    _blobs.download(module)


if __name__ == "__main__":
    main()
