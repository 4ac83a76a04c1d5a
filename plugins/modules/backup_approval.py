#!/usr/bin/python
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action of the same name; it runs on the controller, so there is nothing to run here."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_approval
short_description: Record a person's visto bueno over the copies of a month
version_added: 0.2.0
description:
  - Writes an entry C(month_approved). A designated person has looked at the copies of a month that is over and approves them, which is how the EGCR
    "verificará" (numerals 7.2.1 b, 7.2.2 b and 7.2.3 b); the machine's own checks stand in entries of their own.
  - The entry says how many copies due were met, late, missing and excused, and up to which entry of the bitácora the person saw.
  - M(perucompras.respaldo.backup_compliance) and the evidence pack show who approved each month, and which are pending. A later one of the same month
    stands in the place of the former, which stays.
  - Runs on the controller.
notes:
  - Fails with RSP724 for a month that is not over, RSP725 for somebody who is neither EGCR nor head of the OTI that day, and RSP101 where copies were missing
    or late and O(remarks) does not say what was done.
options:
  month:
    description: The month, C(2026-10), in the policy's time zone.
    type: str
    required: true
  approver:
    description: Who approves it, by the name of the designation in O(actors), in force today (jefe_oti, or titular or suplente of an EGCR).
    type: str
    required: true
  remarks:
    description: What the person has to say. Required where copies were missing or late.
    type: str
    default: ""
  ticket:
    description: Ticket or document.
    type: str
extends_documentation_fragment:
  - perucompras.respaldo.planning.policy
  - perucompras.respaldo.groups.policy
attributes:
  check_mode:
    description: Checks what is given; the entry is recorded as simulated and approves nothing.
    support: full
  diff_mode:
    description: There is no former state to show.
    support: none
author:
  - perucompras.respaldo contributors (@perucompras)
"""

EXAMPLES = r"""
- name: October is as it should be
  perucompras.respaldo.backup_approval:
    month: 2026-10
    approver: Ana Quispe Núñez
    actors: "{{ backup_actors }}"
    remarks: La copia tardía del 12 se debió al corte de energía; se repitió el 13
    ticket: INFORME-0044-2026
"""

RETURN = r"""
month:
  description: The month.
  returned: success
  type: str
  sample: 2026-10
counts:
  description: How many copies due in it were C(met), C(late), C(missing) and C(excused).
  returned: success
  type: dict
backup:
  description: The entry C(month_approved).
  returned: success
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
