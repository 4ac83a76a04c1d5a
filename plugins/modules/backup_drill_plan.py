# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action of the same name; it runs on the controller, so there is nothing to run here."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_drill_plan
short_description: Choose the copies that are restored into scratch tonight
version_added: 0.2.0
description:
  - A rotation of restore tests (ISO/IEC 27001 A.12.3.1, 8.13 in 2022; numeral 5.1 c). A system is due when its newest proof, a verification of trust
    level T3 or a restore, is older than the policy's C(drills.every) for its criticality (30, 90 and 180 days by default).
  - The one that waits longest comes first, since its time was over or since its last drill failed, so that one that always fails starves nobody.
    Drills are taken until the estimated times fill C(drills.budget_minutes) of the policy (120 by default);
    the first is taken even when it alone exceeds that. A restore is estimated by what it took before, or from the size.
  - A system that has copies and none of them good can't be drilled. With O(record) that is an entry C(verification_failed) each night (RSP506).
  - Nothing is restored here; the role C(drill) does it with M(perucompras.respaldo.backup_verify).
options:
  budget_minutes:
    description: Minutes of this night, instead of those of the policy. V(0) takes the policy's.
    type: int
    default: 0
  record:
    description: Whether systems without a good copy are given as entries of the bitácora.
    type: bool
    default: false
  show:
    description: Also print the turns in Spanish.
    type: bool
    default: false
extends_documentation_fragment:
  - perucompras.respaldo.planning.policy
  - perucompras.respaldo.planning.systems
  - perucompras.respaldo.backup.any_kind
  - perucompras.respaldo.groups.policy
attributes:
  check_mode:
    description: The answer is the same, since nothing is changed.
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
author:
  - perucompras.respaldo contributors (@perucompras)
"""

EXAMPLES = r"""
- name: Whose turn is it
  perucompras.respaldo.backup_drill_plan:
    systems: "{{ backup_systems }}"
    media: "{{ backup_media }}"
    budget_minutes: 30
    show: true
"""

RETURN = r"""
systems:
  description: How many systems of this host whose turn was looked at. A run in which it is 0 for every host is empty, and ends with 71.
  returned: success
  type: int
  sample: 3
turns:
  description: One row for each system, the most urgent first.
  returned: success
  type: list
  elements: dict
  contains:
    index: {description: Position of the system in O(systems)., type: int}
    system: {description: Name of the system., type: str, sample: SIGA}
    kind: {description: Its kind., type: str, sample: database}
    chosen: {description: Whether its copy is restored tonight., type: bool}
    why: {description: "Why, in Spanish.", type: str, sample: nunca se probó su restauración (se exige cada 30 días)}
    label: {description: Label of its newest whole copy; empty without one., type: str, sample: SIGA_20261122}
    entry: {description: "The entry of that copy, with C(media) of the one medium it is restored from.", type: dict}
    level: {description: "The level it is proved at: T4, or T3 of what is looked into for a request alone (mailboxes).", type: str, sample: T4}
    days: {description: Days since the last proof; -1 when there is none., type: int}
    every: {description: Days within which its criticality asks for one., type: int}
    estimate_ms: {description: Milliseconds the restore is reckoned to take., type: int}
    measured_ms: {description: Milliseconds of the last proof; 0 when there is none., type: int}
coverage_percent:
  description: Percentage of the systems whose proof is within its time.
  returned: success
  type: int
  sample: 83
backup:
  description: With O(record), the entries of systems that have copies and none of them good.
  returned: when there are any
  type: list
  elements: dict
summary:
  description: The same as lines in Spanish.
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
