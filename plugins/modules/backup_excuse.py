#!/usr/bin/python
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action of the same name; it runs on the controller, so there is nothing to run here."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_excuse
short_description: Excuse the absence of a system's copies, or withdraw an excuse
version_added: 0.2.0
description:
  - Writes an entry C(excuse), which says that copies due on some days (numeral 6.4) are absent or late for a good reason, and who says so.
  - M(perucompras.respaldo.backup_compliance) counts them apart; nothing else changes, and what is due stays due.
  - With O(withdraw), writes an entry C(excuse_withdrawn) instead, after which that excuse excuses nothing. Both entries stay in the bitácora.
  - Runs on the controller.
notes:
  - Fails with RSP101 when a date, the reason or the requester is not valid, and when O(withdraw) is not an excuse of the system; with RSP708 when
    O(withdraw) is given and the bitácora can't be read.
options:
  system:
    description: Name of the system, as in the inventory.
    type: str
    required: true
  from:
    description: First due day excused, C(2026-11-22), in the policy's time zone. Required without O(withdraw).
    type: str
    default: ""
  until:
    description: Last due day excused. Required without O(withdraw).
    type: str
    default: ""
  withdraw:
    description: Number (N.º) of the excuse's entry in the bitácora, to withdraw it whole. One withdrawn already is left alone.
    type: int
  reason:
    description: Why they are excused, or why the excuse is withdrawn, for the bitácora.
    type: str
    required: true
  requester:
    description: Who says so, a person.
    type: str
    required: true
  ticket:
    description: Ticket or document.
    type: str
extends_documentation_fragment:
  - perucompras.respaldo.backup.kind
  - perucompras.respaldo.groups.respaldo
attributes:
  check_mode:
    description: Checks what is given; the entry is recorded as simulated and excuses nothing.
    support: full
  diff_mode:
    description: There is no former state to show.
    support: none
author:
  - perucompras.respaldo contributors (@perucompras)
"""

EXAMPLES = r"""
- name: The data centre had no power
  perucompras.respaldo.backup_excuse:
    system: SIGA
    kind: database
    from: "2026-11-20"
    until: "2026-11-22"
    reason: Corte de energía
    requester: Ana Quispe Núñez
    ticket: OFICIO-0117-2026

- name: It had, in the end
  perucompras.respaldo.backup_excuse:
    system: SIGA
    kind: database
    withdraw: 5120
    reason: El corte fue en otro local
    requester: Ana Quispe Núñez
"""

RETURN = r"""
days:
  description: How many days are excused, or were by what is withdrawn.
  returned: success
  type: int
  sample: 3
backup:
  description: The entry C(excuse) or C(excuse_withdrawn).
  returned: changed
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
