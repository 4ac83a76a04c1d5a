#!/usr/bin/python
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action of the same name; it runs on the controller, so there is nothing to run here."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_desk
short_description: Tell the help desk what it has not heard of requests
version_added: 0.3.0
description:
  - A request for lost information has a number of ours from the moment it is opened (M(perucompras.respaldo.backup_request), numeral 7.1.2). Where the
    institution has a help desk with an API, this makes a ticket there for each request that is open, adds a text for each step, and closes the ticket when the
    request is closed. Each of these is an entry, C(desk_bound) or C(desk_told).
  - The number of ours is reserved before the help desk is asked, and stands alone. A help desk that is silent is told (RSP759), recorded once
    (C(desk_failed)), and stops nothing. What it has not heard is told by a later run.
  - A ticket there is searched for by a mark that only this request has before it is made, and so is each text before it is added. A run that died in between
    makes nothing twice. One run at a time speaks with a help desk.
  - O(number) binds a number by hand. It is the only way of a help desk of type V(manual).
  - Runs on the controller.
notes:
  - Fails with RSP761 for a number that belongs to another request, or that the help desk does not have, and RSP751 for somebody whom it is not for.
options:
  desk:
    description:
      - The help desk, C(backup_desk). Empty is none, and nothing is done.
      - V(name), by which people know it. V(type), V(glpi), or V(manual) where numbers are given by hand.
      - Of V(glpi), V(url) is the address of its REST API as GLPI shows it (Setup, General, API), such as C(https://mesa.example.org/apirest.php).
        V(user_token) is the API token of an account of its own, and V(app_token) that of the API client where GLPI asks for one. V(ca_certs) and V(proxy) are
        as in C(backup_forges). V(entity) and V(category) are numbers of GLPI. V(retry_seconds) (V(30)) is for how long a busy help desk is asked again.
      - V(tells) lists what the help desk hears of a request beside number, state, numeral and time. By default V(office) and V(system). V(person), names of
        people, and V(what), what was lost in the words of who asked, only where they are listed.
    type: dict
    default: {}
  ticket:
    description: Only the request of this ticket of ours. Empty is every request. Required with O(number).
    type: str
    default: ""
  number:
    description: The number that the help desk gave this request, bound by hand. Another one that the request had is replaced, and told.
    type: str
    default: ""
  person:
    description: Of O(number), who says so, soporte or the head of the OTI, by the name of the designation in O(actors). Required with it.
    type: str
    default: ""
  reason:
    description: Of O(number), why, for the bitácora.
    type: str
    default: ""
  strict:
    description: Fail where the help desk did not take something. What was done is recorded all the same.
    type: bool
    default: false
extends_documentation_fragment:
  - perucompras.respaldo.planning.policy
  - perucompras.respaldo.groups.policy
attributes:
  check_mode:
    description: The help desk is not asked. Says what it would be told; a number that is bound by hand is recorded as simulated.
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
seealso:
  - module: perucompras.respaldo.backup_request
author:
  - perucompras.respaldo contributors (@perucompras)
"""

EXAMPLES = r"""
- name: Tell the help desk what it has not heard
  perucompras.respaldo.backup_desk:
    desk:
      name: mesa
      type: glpi
      url: https://mesa.example.org/apirest.php
      user_token: "{{ vault_mesa_user_token }}"
      app_token: "{{ vault_mesa_app_token }}"

- name: The help desk gave this request a number by telephone
  perucompras.respaldo.backup_desk:
    desk: {name: mesa, type: manual}
    ticket: 2026-0001
    number: INC-4711
    person: Eva Ruiz
    actors: "{{ backup_actors }}"
"""

RETURN = r"""
lines:
  description: What people are told, in Spanish.
  returned: success
  type: list
  elements: str
waiting:
  description: How many requests the help desk has still to hear of.
  returned: success
  type: int
  sample: 0
backup:
  description: The entries C(desk_bound), C(desk_told) and C(desk_failed).
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
