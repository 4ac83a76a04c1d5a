#!/usr/bin/python
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action of the same name; it runs on the controller, so there is nothing to run here."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_request_letters
short_description: Send the letters about requests that are due, each once
version_added: 0.3.0
description:
  - Writes by mail to each actor of numeral 7.1 what concerns him of each request - the acknowledgement with the ticket, the request for the endorsement of
    the head, the forwarding to the EGCR, the estimate (numeral 5.1 e) and the request for its authorisation, a rejection, that something is outside numeral
    6.2 or that no copy is older than the loss, what was restored and where with its verification and warnings (numeral 5.3 c), the request for conformity,
    an objection, that the ticket is to be closed, and its closing.
  - What letters are due follows from the entries of the bitácora and the policy alone. Who has to give an endorsement or a conformity is reminded by
    working days (C(requests), C(working_hours) and C(holidays) of the policy); after the last reminder the head of the OTI is told. No conformity is tacit.
  - Each letter is reserved by an entry C(letter_started) before it goes and told by C(request_told) after, so that two controllers never send one twice.
    A run that is killed between the two leaves a letter that the next run sends again under the same Message-ID.
  - What can't be sent is an entry C(letter_failed), fails the task, and stays due. It is tried again after 5 minutes, then after twice as long each time, at
    most a day; M(perucompras.respaldo.backup_warn) tells of it after an hour.
  - Runs on the controller, for a timer each few minutes.
options:
  mail:
    description: The mail server, and the addresses that letters come from and are answered to.
    type: dict
    required: true
    suboptions:
      reply_to:
        description: Address of soporte, which answers go to. By default the sender's.
        type: str
  key:
    description:
      - The key that Message-IDs are signed with, at least 32 characters, by which an answer is known to belong to its letter and its addressee.
      - What reads the answers needs the same.
    type: str
    required: true
  templates:
    description: A directory of the institution with templates of its own; those that are not in it are the collection's.
    type: path
  names_directory:
    description:
      - Directory of the controller with the indexes of names (M(perucompras.respaldo.backup_index)). Empty is C(nombres) beside the bitácora.
      - By them the letters to the head, to the EGCR, and with the estimate say which versions the copies have of what is asked for, and the request for
        conformity lists what was restored as an attached CSV, at most 5,000 names or 1 MiB; what is left out is said there, and its digest is in the entry.
      - Only names of folders of the request's own office are told. Whoever asks in the name of an office is told none before its head agreed.
    type: path
    default: ""
notes:
  - Fails with RSP765 for a template that can't be used, before anything is sent; with RSP764 for a letter that could not be sent, RSP766 where no token was
    given, RSP767 where nobody with an address is designated, and RSP768 for a value that would forge a header.
extends_documentation_fragment:
  - perucompras.respaldo.planning.policy
  - perucompras.respaldo.mail.server
  - perucompras.respaldo.groups.policy
attributes:
  check_mode:
    description: RV(letters) says which letters would go to whom; nothing is sent or recorded, and no names are looked for.
    support: full
  diff_mode:
    description: Shows the text of each letter.
    support: full
author:
  - perucompras.respaldo contributors (@perucompras)
"""

EXAMPLES = r"""
- name: Send the letters that are due
  perucompras.respaldo.backup_request_letters:
    mail:
      host: smtp.office365.com
      username: respaldo@example.org
      oauth:
        tenant: 00000000-0000-0000-0000-000000000000
        client_id: 00000000-0000-0000-0000-000000000000
        client_secret: "{{ vault_mail_client_secret }}"
      sender: respaldo@example.org
      reply_to: soporte@example.org
    key: "{{ vault_mail_key }}"
    actors: "{{ backup_actors }}"
"""

RETURN = r"""
letters:
  description: Every letter that is due.
  returned: success
  type: list
  elements: dict
  contains:
    ticket:
      description: The ticket of its request.
      type: str
    letter:
      description: Which letter, such as V(acknowledgement) or V(conformity).
      type: str
    reminder:
      description: Its number among the reminders; 0 for others.
      type: int
    addressee:
      description: Whom it is for.
      type: str
    address:
      description: Where it goes.
      type: str
    state:
      description: V(sent), V(failed), V(waits) until its next try, V(left) to another run that has it, or V(would) be sent, in check mode.
      type: str
    subject:
      description: Its subject.
      type: str
lines:
  description: What people are told, in Spanish.
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
