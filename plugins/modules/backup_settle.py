# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action of the same name; what it does on the host, M(perucompras.respaldo.backup_verify) and others do."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_settle
short_description: Settle the copies of runs that died before their entries
version_added: 0.2.0
description:
  - A run that dies between the name that a copy gets and its entry leaves a copy that stands, while the bitácora calls it failed. The roles that copy, and
    M(perucompras.respaldo.backup_reconcile)'s, begin by settling what earlier runs of the same host left so.
  - Before a copy gets its name, the bitácora holds the digest that was sealed (C(copy_sealed)). What lies on the media of a copy that was sealed and then
    called failed is looked for by that digest, and read whole (T2), with its key out of custody where it is encrypted.
  - Good, it is recorded as C(copy_made), with the trust level of this reading; it says which run adopted it and which one died (C(adopted_run)). It counts
    for due dates, retention and restores as any other. Where it has its name on some of its media only, and lies sealed on the others, it gets it there too.
  - Not there, C(copy_withdrawn) says so.
  - Other than what was sealed, it is no copy, whoever made it - RSP427, recorded in each run until somebody removed it. It is not touched.
  - When it can't be told (medium or custody not available), nothing is changed, and RSP426 is recorded - the next run tries again.
  - A copy of which the bitácora holds no digest, as those of earlier versions, is not adopted; M(perucompras.respaldo.backup_reconcile) tells of it.
options:
  systems:
    description: The systems of this host, as in M(perucompras.respaldo.backup_plan).
    type: list
    elements: dict
    required: true
  media:
    description: Where copies lie, as in M(perucompras.respaldo.backup_plan).
    type: list
    elements: dict
    required: true
  kind:
    description: Settle only systems of this kind.
    type: str
    choices: [all, database, source_code, file_server, mailbox]
    default: all
  only:
    description: Settle only the systems of these names. Empty means all.
    type: list
    elements: str
    default: []
  custody:
    description: Who keeps the passwords - a directory, or a list of custodians as in M(perucompras.respaldo.backup_plan).
    type: raw
    default: ""
extends_documentation_fragment:
  - perucompras.respaldo.groups.respaldo
attributes:
  check_mode:
    description: Says what would be settled, and reads nothing.
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
author:
  - perucompras.respaldo contributors (@perucompras)
"""

EXAMPLES = r"""
- name: Settle what runs that died left
  perucompras.respaldo.backup_settle:
    systems: "{{ backup_systems }}"
    media: "{{ backup_media }}"
    custody: /var/lib/respaldo/custodia
"""

RETURN = r"""
systems:
  description: Of how many systems something was left.
  returned: success
  type: int
  sample: 0
adopted:
  description: Labels of copies that count now.
  returned: success
  type: list
  elements: str
  sample: [SIGA_20261122]
withdrawn:
  description: Labels of copies that were sealed and stand nowhere.
  returned: success
  type: list
  elements: str
unsettled:
  description: Labels of which nothing could be told, or in whose place something else lies. In check mode, of all that would be settled.
  returned: success
  type: list
  elements: str
summary:
  description: The same as lines in Spanish.
  returned: success
  type: list
  elements: str
backup:
  description: The entries of what was found.
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
