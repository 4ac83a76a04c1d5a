# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of an action: see plugins/action/bitacora_anchor_blob.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: bitacora_anchor_blob
short_description: Adds the newest seals of the bitácora to a blob that can only grow
version_added: 0.2.0
author:
  - perucompras.respaldo contributors (@perucompras)
description:
  - A seal proves something only against what lies outside the controller. This adds the newest ones, at most 100, to an append blob, once each
    (Manual 001-2019, numerals 5.2 b and 8.2). In a container that is write-once with protected appends allowed nobody can take them back.
  - The blob, downloaded, is given to the verifier, C(chain.py --anchor sellos.jsonl).
  - What was added, or was not, is an entry. Run it once a day, on the controller.
notes:
  - Fails with RSP709 when no run ever sealed the bitácora, and with the errors of the medium.
options:
  medium:
    description: A medium of type C(azure_blob), as in C(backup_media); best in a storage account that the OTI does not administer.
    type: dict
    required: true
  blob:
    description: Name of the blob below the medium's prefix.
    type: str
    default: bitacora/sellos.jsonl
extends_documentation_fragment:
  - perucompras.respaldo.groups.respaldo
attributes:
  check_mode:
    description: Says what would be added; adds and records nothing.
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
seealso:
  - module: perucompras.respaldo.bitacora_anchor
  - module: perucompras.respaldo.bitacora_verify
"""

EXAMPLES = r"""
- name: Anchor the bitácora in a container of the auditor
  perucompras.respaldo.bitacora_anchor_blob:
    medium:
      name: ancla
      type: azure_blob
      storage_account_name: anclaoci
      container: sellos
"""

RETURN = r"""
anchor:
  description: Name of the anchor in the bitácora, the address of the blob.
  returned: success
  type: str
sealed_n:
  description: The entry of the newest seal that went there.
  returned: success
  type: int
  sample: 1284
seals:
  description: How many seals were added, or would be in check mode; 0 when there is no new one.
  returned: success
  type: int
  sample: 3
backup:
  description: What the bitácora records, with C(event) V(anchor_sent) or V(anchor_failed).
  returned: when it was tried
  type: dict
error:
  description: What went wrong.
  returned: failure
  type: dict
  contains:
    code: {description: Stable code., type: str, sample: RSP103}
    name: {description: Name of the error., type: str, sample: invalid_input}
    message: {description: "What is wrong and where, in English.", type: str}
    hint: {description: "What to do about it, in English.", type: str}
    message_es: {description: The same message in Spanish., type: str}
    remedy_es: {description: The same remedy in Spanish., type: str}
"""
