# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action of the same name; it runs on the controller, so there is nothing to run here."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_hold
short_description: Hold copies so that retention never removes them, or let them go
version_added: 0.2.0
description:
  - Writes an entry that puts a copy, or all copies of a system, on hold or takes them off (numeral 6.6).
  - The bitácora is the only place where holds are; M(perucompras.respaldo.backup_retention) reads them there.
options:
  system:
    description: Name of the system.
    type: str
    required: true
  label:
    description: Label of the copy (numeral 6.7). Empty means every copy of the system, those to come too.
    type: str
    default: ''
  reason:
    description: Why, for the bitácora.
    type: str
    required: true
  ticket:
    description: Ticket or document that asks for it.
    type: str
  requester:
    description: Who asks for it.
    type: str
  state:
    description: V(present) holds, V(absent) lets go.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - perucompras.respaldo.backup.kind
  - perucompras.respaldo.groups.respaldo
attributes:
  check_mode:
    description: Says whether an entry would be written; it is recorded as simulated and holds nothing.
    support: full
  diff_mode:
    description: Shows the labels on hold before and after.
    support: full
author:
  - perucompras.respaldo contributors (@perucompras)
"""

EXAMPLES = r"""
- name: Keep a copy for an investigation
  perucompras.respaldo.backup_hold:
    system: SIGA
    kind: database
    label: SIGA_20261122
    reason: Investigación del OCI
    ticket: OFICIO-0117-2026
"""

RETURN = r"""
held:
  description: The labels on hold after this; an empty text stands for all copies of the system.
  returned: success
  type: list
  elements: str
  sample: [SIGA_20261122]
backup:
  description: The entry, C(copy_held) or C(copy_released).
  returned: when it changed
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
