#!/usr/bin/python
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action of the same name; it runs on the controller, so there is nothing to run here."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_compliance
short_description: Tell which copies were made as the manual asks, and what media will hold
version_added: 0.2.0
description:
  - For each system of the whole inventory and each month, how many copies that were due (numeral 6.4) are met, late, missing or excused, with their
    entries, the numerals (6.4, 6.6, 6.7, 7.2.1, 7.2.2, 7.2.3) and the controls of ISO/IEC 27001, A.12.3.1 and A.12.4 in 2014, 8.13 and 8.15 in 2022.
  - A system owes copies from the day of its first entry. An excuse is an entry of M(perucompras.respaldo.backup_excuse).
  - For each control, the query that finds its evidence in the SQLite file, the number of entries and some of them.
  - For each medium what it holds, its growth a day over 180 days, days to full, cost by the policy's C(prices) and a forecast of 12 months (numeral 6.3).
    Media are known by name; media of one name on several servers count as one.
  - Runs on the controller and reads only the bitácora.
notes:
  - Fails with RSP101 when a month is not valid, RSP708 when the bitácora can't be read, RSP902 when O(dest) can't be written.
options:
  space:
    description: What is known of the space of media.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the medium.
        type: str
        required: true
      total:
        description: Its size, in bytes.
        type: int
      free:
        description: What is free, in bytes. By default O(space[].total) without what the bitácora knows there.
        type: int
  dest:
    description: Where to write matrix and controls as one HTML file, mode 0640. By default nowhere.
    type: path
  show:
    description: Print matrix and capacity on the terminal, in Spanish.
    type: bool
    default: false
extends_documentation_fragment:
  - perucompras.respaldo.planning.policy
  - perucompras.respaldo.planning.months
  - perucompras.respaldo.groups.policy
attributes:
  check_mode:
    description: Says whether O(dest) would change.
    support: full
  diff_mode:
    description: Reports are not shown as differences.
    support: none
author:
  - perucompras.respaldo contributors (@perucompras)
"""

EXAMPLES = r"""
- name: The first half of the year
  perucompras.respaldo.backup_compliance:
    since: 2026-01
    until: 2026-06
    show: true
"""

RETURN = r"""
approved:
  description: The months of the span that a person approved (M(perucompras.respaldo.backup_approval)), each with C(n) of its entry, C(name) and C(at).
  returned: success
  type: dict
matrix:
  description: A row for each system and month, with V(state), the numbers of each state, numerals, ISO controls and evidence.
  returned: success
  type: list
  elements: dict
periods:
  description: Each period behind the matrix, with its due day and entries.
  returned: success
  type: list
  elements: dict
controls:
  description: Each control with its query, number of entries and samples.
  returned: success
  type: list
  elements: dict
requests:
  description:
    - The requests of numeral 7.1 that wait, and those closed since O(since), each with its C(ticket), C(state), C(age), C(promised_for), whether that was
      C(kept), and the seconds C(to_answer), C(to_restore) and C(to_conform).
  returned: success
  type: list
  elements: dict
recovery:
  description:
    - What would be lost now of each system and what its restore took, against the objectives of the policy, as M(perucompras.respaldo.backup_recovery_plan)
      tells it.
  returned: success
  type: list
  elements: dict
purposes:
  description:
    - How each purpose of the schedule stands, with its C(purpose), C(title), C(schedule) in words, C(state), the C(missed) starts in a row, when it ran
      C(last) (entry C(last_n)), when it was C(due) and did not run, and when it runs C(next), in UTC; C(text) is what warnings say of it.
  returned: success
  type: list
  elements: dict
capacity:
  description: Rows C(media) and C(needs), and the bytes C(needed) by the retention in force; C(unbounded) names systems of which nothing is removed.
  returned: success
  type: dict
since:
  description: The first month.
  returned: success
  type: str
until:
  description: The last month.
  returned: success
  type: str
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
