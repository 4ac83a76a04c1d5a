#!/usr/bin/python
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action of the same name; it runs on the controller, so there is nothing to run here."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_request
short_description: Record one step of a request for information that was lost
version_added: 0.2.0
description:
  - Writes one entry for one step that a person takes in the procedure of numeral 7.1 and annex 1. The state of a request is made of its entries alone.
  - A request is opened, waits for the word of the head of its office, is estimated (numeral 5.1 e), authorised or rejected, executed, and waits for
    conformity; it is closed after that, or after it was rejected, withdrawn, or said to be outside numeral 6.2. No conformity is tacit.
  - What M(perucompras.respaldo.backup_restore) does under the request's ticket moves it by itself; O(step=execute) links what was done without the ticket.
  - Each step says by which O(proof) it is known, and is taken only by somebody designated for it that day.
  - Runs on the controller.
notes:
  - Fails with RSP750 for a step that the state does not allow, RSP751 for somebody whom it is not for, RSP752 for a ticket that no request has, RSP753 for one
    that another has, RSP755 for an entry that can't be linked, and RSP101 where something is missing or has not its form. Nothing is recorded then.
  - It proves no identity. Whoever may run on the controller may write another's name; the entry keeps the account.
options:
  step:
    description:
      - Which step is taken, and who may take it.
      - V(open), anybody; a request that the head of its office (V(heads) of O(actors)) opens waits for no other word.
      - V(endorse), V(conform), V(object), the head of the office.
      - V(estimate), V(execute), V(outside), the EGCR of the system's kind (de Infraestructura where it names none), or the head of the OTI.
      - V(authorise), V(reject), the head of the OTI.
      - V(withdraw), the head of the office, or who asked.
      - V(close), soporte, or the head of the OTI.
    type: str
    required: true
    choices: [open, endorse, estimate, authorise, reject, execute, conform, object, close, withdraw, outside]
  person:
    description: Who takes the step, by the name of the designation in O(actors), in force today. Of V(open), who asks.
    type: str
    required: true
  ticket:
    description:
      - The ticket of the request. Of V(open), the number that a help desk gave; empty takes the next of the year, as C(2026-0001).
      - Two runs, of two controllers on one bitácora too, never get one number.
    type: str
    default: ""
  proof:
    description: By which the step is known. V(word) is somebody's word and no more.
    type: str
    choices: [mail, document, helpdesk, word]
    default: word
  proof_reference:
    description: Message-ID of the mail, number of the document, or ticket of the help desk. Required unless O(proof=word).
    type: str
    default: ""
  request:
    description: Of V(open), what is asked for. A restore, a copy of a mailbox (numeral 6.4), or a copy because of a risk (numeral 5.1 d).
    type: str
    choices: [restore, mailbox, emergency]
    default: restore
  office:
    description: Of V(open), the office whose information it is. Required there.
    type: str
    default: ""
  system:
    description: Of V(open), the system of the inventory, where it is known.
    type: str
    default: ""
  kind:
    description: Its kind, where one name has several.
    type: str
    choices: [database, source_code, file_server, mailbox]
  what:
    description: Of V(open), what was lost or is asked for, in words. Required there.
    type: str
    default: ""
  paths:
    description: Of V(open), the files and folders that are asked for; a list, or a text with one on each line, as surveys have it.
    type: raw
    default: []
  lost_at:
    description:
      - Of V(open), when it was lost, C(2026-11-22) or C(2026-11-22 10:30) in the policy's zone.
      - A restore under the ticket takes the most recent copy before it.
    type: str
    default: ""
  discovered_at:
    description: Of V(open), when the loss was seen (numeral 5.3 c).
    type: str
    default: ""
  changed_at:
    description: Of V(open), when the information was last changed. A warning says so where that is after the last copy before the loss (numeral 5.3 c).
    type: str
    default: ""
  until:
    description: Of V(open) for a mailbox, the last day on which its copy is kept, as C(2027-03-31). Empty takes the days of the policy. Then it is removed.
    type: str
    default: ""
    version_added: "0.3.0"
  reason:
    description: Why. Required of V(reject), V(object), V(withdraw) and V(outside).
    type: str
    default: ""
  volume:
    description: Of V(estimate), how many bytes. Without it, those of the copy that would be restored, which is more than what a part of it takes.
    type: int
  entry:
    description: Of V(execute), number (N.º) of the entry of what was restored or copied. Before the authorisation only that of an emergency.
    type: int
  desk:
    description: The help desk that will hear of the step, as in M(perucompras.respaldo.backup_desk). Its form is checked here, before the step is recorded.
    type: dict
    default: {}
  names_directory:
    description:
      - Directory of the controller with the indexes of names (M(perucompras.respaldo.backup_index)). Empty is C(nombres) beside the bitácora.
      - After V(open), V(endorse) and V(estimate) the lines say which versions the copies have of O(paths), in folders of the request's office, where the
        step was taken in a capacity that may look for names (M(perucompras.respaldo.backup_find)); an entry C(names_searched) says so.
    type: path
    default: ""
extends_documentation_fragment:
  - perucompras.respaldo.planning.policy
  - perucompras.respaldo.groups.policy
attributes:
  check_mode:
    description: Checks what is given and shows what the step would make; the entry is recorded as simulated, no number is taken and nothing moves.
    support: full
  diff_mode:
    description: The lines say the state that the step leads to.
    support: none
author:
  - perucompras.respaldo contributors (@perucompras)
"""

EXAMPLES = r"""
- name: A head of office asks
  perucompras.respaldo.backup_request:
    step: open
    person: Carmen Soto Vega
    office: Oficina de Logística
    system: LOGISTICA
    what: La carpeta contratos/2026
    paths: [contratos/2026]
    lost_at: "2026-11-22 10:30"
    proof: mail
    proof_reference: "<CAF117@example.org>"
    actors: "{{ backup_actors }}"

- name: The restore may be done
  perucompras.respaldo.backup_request:
    step: authorise
    ticket: 2026-0001
    person: Ana Quispe Núñez
    actors: "{{ backup_actors }}"
"""

RETURN = r"""
ticket:
  description: The ticket of the request.
  returned: success
  type: str
  sample: 2026-0001
state:
  description: The state that the step leads to.
  returned: success
  type: str
  sample: authorised
allowed:
  description: The steps that may be taken then.
  returned: success
  type: list
  elements: str
lines:
  description: What people are told, in Spanish.
  returned: success
  type: list
  elements: str
entry:
  description: The entry of the step, as it was written in the transaction that decided it.
  returned: success
  type: dict
backup:
  description: The same, of a simulation, for the callback to record as one.
  returned: in check mode
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
