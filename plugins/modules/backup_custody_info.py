# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action of the same name; it runs on the controller, so there is nothing to run here."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_custody_info
short_description: Tell who holds which key
version_added: 0.2.0
description:
  - The report of custody (numeral 5.2). It lists, for each key, the copy it opens, its custodians, when it was made, when its custody last changed and
    when a copy last opened with it, as far as custodians and the bitácora tell. No password is read or returned.
options:
  reference:
    description: Only this key, C(custodia:KIND/SYSTEM/LABEL); custodians are then also asked since when they hold it.
    type: str
    default: ""
  system:
    description: Only keys of this system.
    type: str
    default: ""
  show:
    description: Also print the report in Spanish, a line for each system.
    type: bool
    default: false
extends_documentation_fragment:
  - perucompras.respaldo.backup.any_kind
  - perucompras.respaldo.custodians
  - perucompras.respaldo.groups.respaldo
attributes:
  check_mode:
    description: The answer is the same, since nothing is changed.
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
author:
  - perucompras.respaldo contributors (@perucompras)
"""

EXAMPLES = r"""
- name: Who can open the copies of SIGA
  perucompras.respaldo.backup_custody_info:
    custodians: "{{ backup_custodians }}"
    system: SIGA
    show: true
"""

RETURN = r"""
keys:
  description: One row for each key that a custodian or the bitácora knows.
  returned: success
  type: list
  elements: dict
  contains:
    reference: {description: Its reference., type: str, sample: "custodia:database/SIGA/SIGA_20261122"}
    key_id: {description: "Which key it is, without telling anything of it.", type: str, sample: 5a0c1e5f2b7d9a31}
    kind: {description: Kind of the copy., type: str, sample: database}
    system: {description: Its system., type: str, sample: SIGA}
    label: {description: "Label of the copy, or the last word of another reference.", type: str, sample: SIGA_20261122}
    created_at: {description: "When the copy that it opens was made, in UTC.", type: str}
    rotated_at: {description: "When its custody last changed (a new custodian, a new seal), in UTC.", type: str}
    proved_at: {description: "When the copy last opened with what custody holds, in UTC.", type: str}
    custodians: {description: Names of those that hold it., type: list, elements: str}
    sealed_in: {description: Names of the vault files that hold a seal of it., type: list, elements: str}
    exists: {description: Whether the copy lies on a medium still., type: bool}
    known: {description: Whether the bitácora knows it., type: bool}
    kept_at: {description: "With O(reference), since when each custodian holds it, in UTC.", type: dict}
custodians:
  description: The custodians, each with its name, type, location, and whether it is required or retired.
  returned: success
  type: list
  elements: dict
problems:
  description: Custodians that could not be asked, each as an error of the catalogue.
  returned: success
  type: list
  elements: dict
summary:
  description: The report as lines in Spanish.
  returned: success
  type: list
  elements: str
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
