#!/usr/bin/python
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
---
module: backup_publish
short_description: Give a sealed copy its final name
author:
  - perucompras.respaldo contributors (@perucompras)
version_added: "0.1.0"
description:
  - Second and last step of making a copy. The copying modules seal the copy under a hidden name; this renames it, on every
    medium, if it still has the bytes that were verified.
  - The copying modules do this by themselves from the controller; it is here for callers that seal with O(ignore:publish=false).
  - Publishing the same bytes again changes nothing; other bytes under a label in use are an error (numeral 6.7).
options:
  sha256:
    description: SHA-256 of the sealed copy's C(SHA256SUMS), from RV(ignore:backup.sha256) of the module that sealed it. Needed with O(label).
  copies:
    description: Several copies of the same kind. Only M(perucompras.respaldo.backup_transfer) asks so; a task that gives them is refused (RSP101).
  sealed:
    description: What the module that sealed the copy returned as RV(ignore:sealed); media of type C(azure_blob) need it.
    type: dict
    default: {}
  state:
    description: V(sealed) takes the name back from a copy that was just published here, since another medium failed.
    type: str
    choices: [published, sealed]
    default: published
extends_documentation_fragment:
  - perucompras.respaldo.backup.several_sealed
  - perucompras.respaldo.backup.copy
  - perucompras.respaldo.storage.media
  - perucompras.respaldo.groups.respaldo
attributes:
  check_mode:
    description: Says whether the copy is published already.
    support: full
  diff_mode:
    description: A name has no former state.
    support: none
"""

EXAMPLES = r"""
---
- name: Publish a copy that was sealed
  perucompras.respaldo.backup_publish:
    label: SIGA_20261122
    system: SIGA
    kind: database
    sha256: "{{ sealed.backup.sha256 }}"
    record: "{{ sealed.backup }}"
    media:
      - name: disco
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
    event: {description: What happened., type: str, sample: copy_made}
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
    key_id: {description: "Which key it is, without telling anything of it.", type: str}
    custodians: {description: Names of those that hold it., type: list, elements: str}
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

from ..module_utils import _options
from ..module_utils._tasks import publishing


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(_options.several(sealed=dict(type="dict", default={})), **_options.MEDIA,
                           state=dict(type="str", choices=["published", "sealed"], default="published")),
        supports_check_mode=True, **_options.ONE_OR_SEVERAL)
    publishing.publish_copy(module)


if __name__ == "__main__":
    main()
