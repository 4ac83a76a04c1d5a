# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action of the same name; it runs on the controller, so there is nothing to run here."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_label
short_description: Take the label of a new copy (numeral 6.7) and open its entry in the bitácora
version_added: 0.1.0
description:
  - Gives the next free label of a system, C(Nombredelsistema_YYYYMMDD), and its printed form C(Nombredelsistema_YYYY MM DD) of numeral 6.7.
    The second copy of a day ends in C(_02). A label that the bitácora knows is never given again.
  - The date is that of the start in the policy's time zone, whatever the clock of a server says.
  - Accents and ñ of the system's name are folded and its spaces removed. Names with slashes, C(..), control characters or other signs are refused.
  - The result carries the C(backup) structure of a copy that starts. The bitácora's callback records it,
    so each copy has an entry before any work is done.
options:
  system:
    description: Name of the system.
    type: str
    required: true
  criticality:
    description: Criticality of the system, for the entry.
    type: str
    choices: [alta, media, baja]
  office:
    description: Office (órgano) that the system belongs to, for the entry.
    type: str
  responsible:
    description: The EGCR, a person, for the entry (numeral 5.2).
    type: str
  numeral:
    description: Numeral of the manual that rules the copy, for the entry.
    type: str
  reason:
    description: Why the copy is made.
    type: str
    choices: [scheduled, update, emergency, request]
    default: scheduled
  reason_text:
    description: The reason in words, in Spanish.
    type: str
  required_trust:
    description: Trust level that the copy must reach.
    type: str
    choices: [T0, T1, T2, T3, T4, T5]
  source_type:
    description: What is copied, e.g. V(postgresql).
    type: str
  ticket:
    description: Ticket of the request, if there is one. It is one that the bitácora knows, authorised, for a copy (RSP763), of the system's office (RSP762).
    type: str
  requester:
    description: Who asked for it, if somebody did.
    type: str
  time_zone:
    description: Zone in which the day is counted.
    type: str
    default: America/Lima
  date:
    description: Day of the label as YYYY-MM-DD, in place of today.
    type: str
  taken:
    description: Labels that are taken besides those of the bitácora, e.g. those found on a medium.
    type: list
    elements: str
    default: []
  custody:
    description:
      - Where the password of the copy will go, as in C(encryption.custody) of M(perucompras.respaldo.backup_database).
        Every custodian that is required must answer and know the controller before the copy is opened, or there is none.
      - Empty asks nobody, for a copy that is not encrypted.
    type: raw
    default: ""
extends_documentation_fragment:
  - perucompras.respaldo.backup.kind
  - perucompras.respaldo.groups.respaldo
attributes:
  check_mode:
    description: Gives the label that would be taken; the bitácora marks the entry as a simulation.
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
author:
  - perucompras.respaldo contributors (@perucompras)
"""

EXAMPLES = r"""
- name: Open the copy of a database
  perucompras.respaldo.backup_label:
    system: SIGA
    kind: database
    criticality: alta
    office: Oficina de Administración
    responsible: Ana Quispe
    numeral: 7.2.1
    reason_text: Corresponde desde el 22/11/2026
    required_trust: T2
    source_type: postgresql
  register: opened
"""

RETURN = r"""
label:
  description: The label as file name.
  returned: success
  type: str
  sample: SIGA_20261122
printed_label:
  description: The label as the manual prints it.
  returned: success
  type: str
  sample: SIGA_2026 11 22
yielded:
  description: Whether another run makes this scheduled copy, or has just made it. Then there is no label, and C(backup.event) is C(copy_not_due).
  returned: when it does
  type: bool
backup:
  description: What the bitácora records, C(event) being C(copy_started).
  returned: success
  type: dict
  sample: {event: copy_started, label: SIGA_20261122, printed_label: SIGA_2026 11 22, system: SIGA, kind: database,
           started_at: "2026-11-22T23:00:05Z"}
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
