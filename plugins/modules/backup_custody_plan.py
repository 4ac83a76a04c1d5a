# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action of the same name; it runs on the controller, so there is nothing to run here."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_custody_plan
short_description: Choose which copies are opened with what custody holds
version_added: 0.2.0
description:
  - A rotation that proves, copy by copy, that custody opens them (numerals 5.2, 7.2.1 b). The encrypted copy of this host that waits longest for a proof
    comes first, the oldest among those that never had one.
  - The record of each custodian is read and compared here. Custodians with the same password make one turn, since what opens with one of them
    opens with all; custodians that differ make one each, and M(perucompras.respaldo.backup_verify) tells which is right.
  - A record that is gone, changed or can't be read is recorded as C(custody_failed). No password is returned.
options:
  copies:
    description: How many copies are chosen.
    type: int
    default: 1
  show:
    description: Also print the turns in Spanish.
    type: bool
    default: false
extends_documentation_fragment:
  - perucompras.respaldo.planning.policy
  - perucompras.respaldo.planning.systems
  - perucompras.respaldo.custodians
  - perucompras.respaldo.groups.policy
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
- name: Whose turn is it
  perucompras.respaldo.backup_custody_plan:
    systems: "{{ backup_systems }}"
    media: "{{ backup_media }}"
    custodians: "{{ backup_custodians }}"
    copies: 3
    show: true
"""

RETURN = r"""
systems:
  description: How many systems of this host whose keys were looked at. A run in which it is 0 for every host is empty, and ends with 71.
  returned: success
  type: int
  sample: 3
turns:
  description: One row for each copy, and for each password that its custodians have for it.
  returned: success
  type: list
  elements: dict
  contains:
    label: {description: Label of the copy., type: str, sample: SIGA_20261122}
    system: {description: Its system., type: str, sample: SIGA}
    kind: {description: Its kind., type: str, sample: database}
    index: {description: Position of the system in O(systems)., type: int}
    custodians: {description: Names of the custodians that agree on its password., type: list, elements: str}
    entry: {description: "The entry of the copy, with C(media) of the one medium it is read from.", type: dict}
waiting:
  description: Encrypted copies of this host that have to wait for another run.
  returned: success
  type: int
summary:
  description: The same as lines in Spanish.
  returned: success
  type: list
  elements: str
backup:
  description: The entries C(custody_failed).
  returned: when there are any
  type: list
  elements: dict
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
