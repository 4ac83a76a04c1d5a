#!/usr/bin/python
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action of the same name; what it does on servers, the modules that make copies do in check mode."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_check
short_description: Look at all that copies need, up to the first byte, and tell what is not ready
version_added: 0.3.0
description:
  - With O(phase=server), on each server, asks the modules that make copies, in check mode, whether each of its systems could be copied now, due or not
    (sources, accounts, tools, media, scope), how each medium stands (M(perucompras.respaldo.backup_medium)), and what the server says of its clock and of
    the room for scratch. A server that is not as it should be does not fail the task, its findings are its result.
  - With O(phase=report), on the controller, gathers what all servers told, and looks at the inventory's files (YAML, vault and Jinja, by file and line; keys
    that stand twice; names that nothing reads), the callback and the bitácora, the people's public keys (whether they encrypt, when they end), custody,
    warnings by mail, signs of life and the schedule. It prints a numbered list, each with where and the mend, and ends with C(Listo), or fails with RSP781.
  - Nothing is changed on servers, and nothing counts as a copy. The report is an entry C(readiness_checked) (numeral 5.1).
options:
  phase:
    description: What is looked at.
    type: str
    default: server
    choices: [server, report]
  systems:
    description: The systems of this host, as in M(perucompras.respaldo.backup_plan).
    type: list
    elements: dict
    default: []
  media:
    description: Where copies lie (numeral 6.5), as in M(perucompras.respaldo.backup_plan).
    type: list
    elements: dict
    default: []
  only:
    description: Only the systems of these names. Empty means all.
    type: list
    elements: str
    default: []
  directory:
    description: Directory of the controller that keeps passwords, where there are no O(custodians).
    type: path
    default: ""
  assigned_paths:
    description: Assigned paths (numeral 6.2), as in M(perucompras.respaldo.backup_database).
    type: list
    elements: path
    default: []
  scratch:
    description: Directory of the server for restores that prove copies. Empty is C(/tmp).
    type: path
    default: ""
  spool:
    description: Directory of the server where copies of format 7z are written first.
    type: path
    default: ""
  variables:
    description: With O(phase=report), the variables in which a host's result may be registered. The first that a host has counts.
    type: list
    elements: str
    default: [check_failed, check_found]
  mail:
    description: The mail server and who is warned, as in M(perucompras.respaldo.backup_warn).
    type: dict
  services:
    description: Services that are warned, as in M(perucompras.respaldo.backup_warn).
    type: list
    elements: dict
    default: []
  heartbeats:
    description: Services that wait for signs of life (C(backup_heartbeats)).
    type: list
    elements: dict
    default: []
  schedule:
    description: What runs when, as in M(perucompras.respaldo.backup_schedule).
    type: dict
  scheduler:
    description: Who starts the playbooks. Empty is systemd.
    type: str
    default: ""
  sends:
    description: Send a mail of proof to those who are warned, and a sign of life to each service that waits for one.
    type: bool
    default: false
  json:
    description: File of the controller for the report as JSON (C(docs/schemas/comprobacion.json)), mode 0640. Empty writes none.
    type: path
    default: ""
  html:
    description: File of the controller for the report as an HTML page, mode 0640. Empty writes none.
    type: path
    default: ""
extends_documentation_fragment:
  - perucompras.respaldo.custodians
  - perucompras.respaldo.planning.policy
  - perucompras.respaldo.groups.policy
attributes:
  check_mode:
    description: Looks all the same; files of the report are not written.
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
author:
  - perucompras.respaldo contributors (@perucompras)
"""

EXAMPLES = r"""
- name: Look at this server
  perucompras.respaldo.backup_check:
    systems: "{{ backup_systems }}"
    media: "{{ backup_media }}"
  register: check_found

- name: Tell what is not ready, of all servers
  perucompras.respaldo.backup_check:
    phase: report
    html: /var/lib/respaldo/informes/comprobacion.html
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
heard:
  description: What is not ready on this server, each with C(code), C(weight), C(server), C(system), C(what), C(where) and C(mend), in Spanish.
  returned: with phase server
  type: list
  elements: dict
systems_seen:
  description: The systems that were looked at, each with C(system) and C(kind).
  returned: with phase server
  type: list
  elements: dict
report:
  description: The whole report, as O(json) has it.
  returned: with phase report
  type: dict
written:
  description: The files that were written.
  returned: with phase report
  type: list
  elements: str
backup:
  description: The entry.
  returned: with phase report
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
