#!/usr/bin/python
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action of the same name; it runs on the controller, so there is nothing to run here."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_request_mail
short_description: Read the support mailbox and make steps of requests of its mails
version_added: 0.3.0
description:
  - Reads what lies in a mailbox by IMAP, the oldest first. Each mail opens a request, takes a step of one (numerals 7.1.1, 7.1.4 and 5.1 e), or is set aside
    for a person with the reason; then it is moved to a folder. No mail is removed, and none is marked as read.
  - An entry of each mail, with its digest, is written in the transaction that takes the step. A mail is acted on once, whoever reads it again, be it after a
    run that died or by another controller on the same bitácora.
  - A sender is believed by what the institution's own servers wrote on top of the mail, never by C(From). What is not believed is set aside.
  - A step is taken only in answer to a letter of ours, by its signed Message-ID, from the very address that it was written to, by somebody designated with
    that address. The answer begins with one of C(CONFORME), C(NO CONFORME), C(VISTO BUENO), C(AUTORIZO), C(NO AUTORIZO), C(RETIRO), alone. Nothing else
    takes a step, no link does, and no silence.
  - A new request needs a sender of one of O(origin.domains), words of his own, and an office. That is the one that he is head of, else the one named on a line
    C(Oficina:), else that of the one head in copy. Lines C(Sistema:), C(Ruta:) and C(Perdido:) say more. It waits for the head unless a head wrote it.
  - A line C(Conservar la copia hasta:) beside a system that is a mailbox asks for a copy of it (numeral 6.4), kept until that day; where it is not one day
    that can be, the days of the policy count, and the line stays in the request's words.
  - Runs on the controller. Run it every few minutes.
notes:
  - Fails with RSP770 when the mailbox can't be reached, RSP771 when it refuses the account, RSP772 when it does not do
    what is needed, RSP766 where no token was given, and RSP101 where something is missing or has not its form. What was taken until then is told and stands.
  - A server that writes no C(Authentication-Results) but is named in O(origin.authserv_ids) makes the sender's own words believed where
    O(origin.results_below=true). Such a server must take out fields of its own name that come from outside, as RFC 8601 demands.
  - A server of O(origin.submission_servers) must let each account send as its own address only.
options:
  origin:
    description: Whose word is believed about where a mail is from.
    type: dict
    required: true
    suboptions:
      domains:
        description: The domains of the institution's people.
        type: list
        elements: str
        required: true
      authserv_ids:
        description:
          - The names by which the institution's own servers sign C(Authentication-Results). Only the topmost such field is read, and only above the
            C(Received) of the server that let the mail in.
          - Believed is DMARC, or where that is not told DKIM or SPF of exactly the domain of C(From).
        type: list
        elements: str
        default: []
      submission_servers:
        description: Servers of the institution that take mail from people with their password, as C(Received) names them (by), with ESMTPA or ESMTPSA.
        type: list
        elements: str
        default: []
      relays:
        description: Servers above them in the header that only pass on what those let in, such as the one that holds the mailboxes. They let in nobody.
        type: list
        elements: str
        default: []
      results_below:
        description: Whether the server writes C(Authentication-Results) below its own C(Received), as Gmail does, and not above.
        type: bool
        default: false
  key:
    description: The key that the identities of our letters are signed with, at least 32 characters. A secret, the same that sends them.
    type: str
    required: true
  addresses:
    description: The addresses that we send from and receive at; their mails are never answered. By default that of the mailbox.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - perucompras.respaldo.mail.mailbox
  - perucompras.respaldo.planning.policy
  - perucompras.respaldo.groups.policy
attributes:
  check_mode:
    description: Reads, and says what each mail would lead to; entries are recorded as simulated, no number is taken and no mail is moved.
    support: full
  diff_mode:
    description: The lines say what each mail leads to.
    support: none
author:
  - perucompras.respaldo contributors (@perucompras)
"""

EXAMPLES = r"""
- name: Read the mailbox of requests
  perucompras.respaldo.backup_request_mail:
    mailbox:
      host: imap.example.org
      username: soporte@example.org
      password: "{{ lookup('perucompras.respaldo.secret', 'correo/soporte', custodian='boveda-lima') }}"
    origin:
      domains: [example.org]
      authserv_ids: [mx.example.org]
      relays: [imap.example.org]
    key: "{{ vault_letters_key }}"
    actors: "{{ backup_actors }}"
"""

RETURN = r"""
lines:
  description: What people are told, in Spanish.
  returned: always
  type: list
  elements: str
mails:
  description: What became of each mail that was read.
  returned: always
  type: list
  elements: dict
  contains:
    sha256:
      description: Its digest.
      type: str
    folder:
      description: Where it goes.
      type: str
    new:
      description: Whether it was taken by this run; one of a run that died is only moved.
      type: bool
    outcome:
      description: What it led to, a step of a request or why to none.
      type: str
    ticket:
      description: The ticket that it is about.
      type: str
results:
  description: The entries, each under C(backup).
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
