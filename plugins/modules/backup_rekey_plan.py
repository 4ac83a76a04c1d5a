# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action of the same name; it runs on the controller, so there is nothing to run here."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_rekey_plan
short_description: Choose which repositories of file servers get another password
version_added: 0.2.0
description:
  - Chooses the repositories of this host whose password in force is the one asked for (numerals 5.2, 7.2.1 b), those of which a run left a rotation half
    done, and those with a former password still to be removed. Asking again for a key that was replaced chooses nothing.
  - Writes an entry C(repository_key_started) for each rotation, without which M(perucompras.respaldo.backup_rekey) does nothing.
notes:
  - Fails with RSP465 when the repository has copies on a medium that this host does not declare, or that may be another disk on a server that shares it;
    with RSP466 for a key that no repository has or had; with RSP101 for a blank reason; with the 8xx of custody.
options:
  key_id:
    description: Id of the key whose password goes, as the entries of copies and custody show it.
    type: str
    default: ""
  before:
    description: Passwords made before this date or time, in the policy's time zone, go. It may not lie ahead (RSP101).
    type: str
    default: ""
  former:
    description: Whether the former password is to be removed, or kept for now.
    type: str
    choices: [removed, kept]
    default: removed
  shared_paths:
    description: Media that are paths are the same share on all servers that share a repository.
    type: bool
    default: false
  reason:
    description: Why, for the bitácora. Required with O(key_id) or O(before).
    type: str
    default: ""
  authority:
    description: Who orders it, by which document. Required with O(key_id) or O(before).
    type: str
    default: ""
  show:
    description: Also print what will be done, in Spanish.
    type: bool
    default: false
extends_documentation_fragment:
  - perucompras.respaldo.planning.policy
  - perucompras.respaldo.planning.systems
  - perucompras.respaldo.custodians
  - perucompras.respaldo.groups.policy
attributes:
  check_mode:
    description: The answer is the same; the entries are marked as a simulation.
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
author:
  - perucompras.respaldo contributors (@perucompras)
"""

EXAMPLES = r"""
- name: All passwords of last year
  perucompras.respaldo.backup_rekey_plan:
    systems: "{{ backup_systems }}"
    media: "{{ backup_media }}"
    custodians: "{{ backup_custodians }}"
    before: "2026-01-01"
    reason: Cambio anual
    authority: Memorando 004-2026-OTI
"""

RETURN = r"""
systems:
  description: How many file servers of this host were looked at. A run in which it is 0 for every host is empty, and ends with 71.
  returned: success
  type: int
turns:
  description: One row for each repository with something to do.
  returned: success
  type: list
  elements: dict
  sample: [{repository: RRHH, system: RRHH, label: RRHH_20261122, rotate: true, withdraw: true, key_id: 0123456789abcdef}]
summary:
  description: The same as lines in Spanish.
  returned: success
  type: list
  elements: str
backup:
  description: The entries C(repository_key_started).
  returned: when a password is to be changed
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
