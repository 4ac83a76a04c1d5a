# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action of the same name; it runs on the controller, so there is nothing to run here."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_retention
short_description: Say which copies stay and which may go, and why
version_added: 0.2.0
description:
  - Applies the retention of the policy to the copies that the bitácora knows of each system, on each medium (numerals 6.6 and 7.2.3 c).
  - A copy counts when it reached the trust level its criticality asks for. It stays when any rule of the policy keeps it
    (V(points), V(days), V(months), V(daily), V(weekly), V(monthly), V(yearly)).
  - What never goes, whatever the policy says, is the newest good copy, the newest C(minimum_copies) good ones, what is on hold
    (M(perucompras.respaldo.backup_hold)), and what is dated in the future. Without a rule nothing goes; without a good copy nothing goes.
  - A mailbox is copied on request alone (numeral 6.4). Such a copy is kept until the day that its request says, else for the days of the policy, and then
    may go, also the last one; a hold wins.
  - A clock behind the newest entry of the bitácora, or more than 45 days ahead of it, is refused with RSP408. What was written in the last three days speaks
    for no clock, as a night whose clock jumped copies before it removes.
  - Nothing is removed here; M(perucompras.respaldo.backup_prune) does it.
options:
  repository:
    description:
      - Name of the medium that is the repository (numeral 7.2.1 d). On the others a good copy stays until it lies there too.
      - Empty asks nothing of it.
    type: str
    default: ""
  clock_confirmed:
    description: A person has looked at the clock, and it is right.
    type: bool
    default: false
  show:
    description: Also print what stays and what goes, in Spanish.
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
- name: What would go, and why
  perucompras.respaldo.backup_retention:
    systems: "{{ backup_systems }}"
    media: "{{ backup_media }}"
    show: true
"""

RETURN = r"""
systems:
  description: How many systems of this host whose copies were judged. A run in which it is 0 for every host is empty, and ends with 71.
  returned: success
  type: int
  sample: 3
retention:
  description: One row for each system and medium.
  returned: success
  type: list
  elements: dict
  contains:
    system: {description: Name of the system., type: str, sample: SIGA}
    kind: {description: Its kind., type: str, sample: database}
    medium: {description: Name of the medium., type: str, sample: local}
    numeral: {description: Numeral of the manual that rules its copies., type: str, sample: 7.2.1}
    newest: {description: "The newest good copy, C(label) and C(sha256); empty when there is none. With C(expired) the first that goes.", type: dict}
    expired: {description: "Whether these copies exist for a request alone, so that nothing has to stay for what goes.", type: bool, sample: false}
    keep: {description: "The further good copies that the minimum asks for, each with C(label) and C(sha256).", type: list, elements: dict}
    kept: {description: "All copies that stay, each with C(label) and C(why) in Spanish.", type: list, elements: dict}
    victims: {description: "The copies that may go, oldest first, each with C(label), C(sha256), C(size) in bytes and C(reason).", type: list, elements: dict}
summary:
  description: The same as lines in Spanish.
  returned: success
  type: list
  elements: str
backup:
  description: An entry C(prune_started) for each row that has victims, recorded before anything is removed.
  returned: when something may go
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
