#!/usr/bin/python
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action of the same name; it runs on the controller, so there is nothing to run here."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_index
short_description: Keep the index of names of a host's file servers
version_added: 0.3.0
description:
  - Keeps on the controller which names the copies of each file server have, a row a change and not a row a copy, so that M(perucompras.respaldo.backup_find)
    finds the day of a lost file (manual 001-2019, numeral 7.1.3).
  - Asks the server for the names in each copy that the index lacks, the newest first, and takes out those of copies that are gone. Each copy is added whole
    or not at all, so a run that is killed leaves nothing half.
  - No copy needs its index. It can be made again from the copies at any time, and says then the same.
  - What a server tells is its word alone; it is checked for its form, and refused as a whole with RSP773. Which copies there are says the bitácora.
notes:
  - What goes wrong with a system does not stop the others; it is told in RV(systems), and fails the task only if O(strict).
  - Fails with RSP774 when the index can't be used.
options:
  systems:
    description: The systems of this host; those that are no file servers of our own copies are passed over.
    type: raw
    required: true
  media:
    description: The media of the inventory; the names are read where a copy is whole.
    type: list
    elements: dict
    required: true
  custody:
    description: Where the passwords of the repositories are kept, a directory on the controller or a list of custodians.
    type: raw
    default: ""
  directory:
    description:
      - Directory of the controller for the indexes, of its own account alone (mode C(0700)); it is made when it is missing.
      - By default C(nombres) beside the bitácora, as C(/var/lib/respaldo/nombres).
    type: path
    default: ""
  only:
    description: Only these systems, by name. Empty takes all.
    type: list
    elements: str
    default: []
  most_copies:
    description: Of each system at most so many copies are added in this run, the newest of those that are lacking. V(0) adds them all.
    type: int
    default: 0
  anew:
    description: Begin each index from nothing.
    type: bool
    default: false
  gone_only:
    description: Only take out the names of copies that are gone, of indexes that are there. No server is asked, and nothing is opened.
    type: bool
    default: false
  strict:
    description: Fail when an index could not be kept, and show the lines.
    type: bool
    default: true
extends_documentation_fragment:
  - perucompras.respaldo.groups.respaldo
attributes:
  check_mode:
    description: Tells what is lacking; no server is asked.
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
author:
  - perucompras.respaldo contributors (@perucompras)
"""

EXAMPLES = r"""
- name: Make the indexes of names anew
  perucompras.respaldo.backup_index:
    systems: "{{ backup_systems }}"
    media: "{{ backup_media }}"
    custody: /var/lib/respaldo/custodia
    directory: /var/lib/respaldo/nombres
    anew: true
"""

RETURN = r"""
systems:
  description: The file servers, each with what was done.
  returned: always
  type: list
  elements: dict
  contains:
    system: {description: Name of the system., type: str, sample: RRHH}
    added: {description: Labels of the copies that were added., type: list, elements: str}
    dropped: {description: Labels of those that were taken out., type: list, elements: str}
    lacking: {description: "Labels of those whose names are not known yet, oldest first.", type: list, elements: str}
    left_out: {description: "How many names that are no UTF-8 the server's restic did not tell.", type: int}
    error: {description: "What went wrong, in both languages; empty when nothing did.", type: str}
lines:
  description: The same for people, in Spanish.
  returned: always
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
