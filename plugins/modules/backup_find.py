#!/usr/bin/python
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action of the same name; it runs on the controller, so there is nothing to run here."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_find
short_description: Find a lost file in the copies of an office's folders
version_added: 0.3.0
description:
  - Looks in the indexes of names (M(perucompras.respaldo.backup_index)) for files and folders of one office, and tells each version that the copies have, with
    dates, size, the label that it comes back from, and the very variables of C(playbooks/restore.yml) (manual 001-2019, numeral 7.1.3).
  - Never tells names of another office. A name is of the office whose shared folder is the innermost around it (C(backup_shared_folders)), and of that of
    its system where there is none, as the bitácora has it of the newest copy.
  - Each search is an entry C(names_searched), since it reads names of people's files. It says who looked, for whom, why and for what.
  - Copies that the index lacks are told.
notes:
  - A head looks in the own office. Support, the EGCR of infrastructure and the head of the OTI look for an office, or for all with O(office) empty, and say
    O(reason) or O(ticket). Anybody else is refused with RSP775, and nothing is told.
  - Fails with RSP752 for a ticket that is no request, RSP774 when an index can't be used, RSP101 for what is written wrong.
  - Runs on the controller.
options:
  person:
    description: Who looks, by the name of the designation in O(actors), in force today.
    type: str
    required: true
  office:
    description: The office whose names are looked at. Empty takes that of O(ticket), else all offices.
    type: str
    default: ""
  name:
    description: Part of the name of a file or folder; case and accents don't matter. Empty takes every name.
    type: str
    default: ""
  folder:
    description: Full path of a folder of the server; only what is in it, or below.
    type: str
    default: ""
  since:
    description: Only what a copy had that began on this day or later, C(YYYY-MM-DD) in the policy's time zone.
    type: str
    default: ""
  until:
    description: Only what a copy had that began on this day or before.
    type: str
    default: ""
  deleted:
    description: Whether only what the newest copy has no more is told (V(yes)), only what it has (V(no)), or both (V(any)).
    type: str
    choices: [any, "yes", "no"]
    default: any
  limit:
    description: How many names are told at most, of 1 to 500.
    type: int
    default: 50
  only:
    description: Only these systems, by name. Empty takes all.
    type: list
    elements: str
    default: []
  ticket:
    description: Ticket of the request that it is looked for (M(perucompras.respaldo.backup_request)).
    type: str
    default: ""
  reason:
    description: Why, where there is no ticket. Recorded.
    type: str
    default: ""
  directory:
    description: Directory of the controller with the indexes. By default that of M(perucompras.respaldo.backup_index).
    type: path
    default: ""
extends_documentation_fragment:
  - perucompras.respaldo.planning.policy
  - perucompras.respaldo.groups.policy
attributes:
  check_mode:
    description: The same is told; its entry is marked as a simulation.
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
author:
  - perucompras.respaldo contributors (@perucompras)
"""

EXAMPLES = r"""
- name: Where is the contract
  perucompras.respaldo.backup_find:
    person: Carmen Soto Vega
    office: Oficina de Logística
    name: contrato
    deleted: "yes"
    directory: /var/lib/respaldo/nombres
    actors: "{{ backup_actors }}"
  register: found
"""

RETURN = r"""
found:
  description: The names, in the order of their paths.
  returned: success
  type: list
  elements: dict
  contains:
    path: {description: "Its path, as people read it.", type: str, sample: /srv/compartido/logistica/contrato.docx}
    system: {description: Its system., type: str, sample: LOGISTICA}
    deleted: {description: Whether the newest copy has it no more., type: bool}
    versions:
      description: Its versions, oldest first.
      type: list
      elements: dict
      contains:
        kind: {description: "C(f) file, C(d) folder, C(l) link, C(o) other.", type: str, sample: f}
        size: {description: Bytes., type: int, sample: 18231}
        modified: {description: "When it was changed, in the policy's time zone; empty of a folder.", type: str, sample: "2026-11-20 17:42:10"}
        first: {description: Label of the first copy that has it., type: str, sample: LOGISTICA_20261121}
        last: {description: Label of the last one., type: str, sample: LOGISTICA_20261127}
        label: {description: "Label that it comes back from, the newest that is whole; empty when none is.", type: str, sample: LOGISTICA_20261127}
        restore: {description: "Variables of C(playbooks/restore.yml) that bring it back, beside what is there.", type: dict}
more:
  description: Whether there are more names than O(limit).
  returned: success
  type: bool
lacking:
  description: Labels of copies whose names the indexes lack.
  returned: success
  type: list
  elements: str
lines:
  description: The same for people, in Spanish.
  returned: success
  type: list
  elements: str
backup:
  description: The entry C(names_searched).
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
