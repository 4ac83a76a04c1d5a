# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action of the same name; it runs on the controller, so there is nothing to run here."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: azure_blob_info
short_description: List blobs, and ask for archived ones
author:
  - perucompras.respaldo contributors (@perucompras)
version_added: "0.2.0"
description:
  - Lists the blobs of a medium with size, tier and the SHA-256 that was recorded (manual 001-2019, numeral 7.1.3). It runs on the controller, which
    has the identity.
  - With O(rehydrate) those in the Archive tier are asked for, so that they can be read some hours later.
options:
  blob:
    description: Beginning of the names, below the medium's prefix. Empty lists all.
    type: str
    default: ""
  rehydrate:
    description: Ask for archived blobs to be made readable, in the Hot tier. It costs money and takes up to 15 hours.
    type: bool
    default: false
  medium:
    description: A medium of type C(azure_blob), as in C(backup_media).
    type: dict
    required: true
extends_documentation_fragment:
  - perucompras.respaldo.groups.respaldo
attributes:
  check_mode:
    description: Nothing is asked for.
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
"""

EXAMPLES = r"""
---
- name: What lies in the cloud of a system
  perucompras.respaldo.azure_blob_info:
    blob: database/SIGA/
    medium: "{{ backup_media | selectattr('name', 'eq', 'nube') | first }}"
"""

RETURN = r"""
---
blobs:
  description: The blobs, by name.
  returned: success
  type: list
  elements: dict
  contains:
    name: {description: Name below the prefix., type: str, sample: database/SIGA/SIGA_20261122/SHA256SUMS}
    size: {description: Bytes., type: int, sample: 180}
    tier: {description: Access tier., type: str, sample: Cool}
    sha256: {description: SHA-256 recorded when it was uploaded; empty for blobs of other programs., type: str}
    archived: {description: "Whether it must be rehydrated before it can be read.", type: bool}
    rehydrating: {description: "How far that is, as the service says it.", type: str}
asked: {description: Names that were asked for., returned: success, type: list, elements: str}
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
