# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action of the same name; it runs on the controller, so there is nothing to run here."""

from __future__ import annotations

DOCUMENTATION = r"""
module: azure_backup_verify
short_description: Record what Azure Backup's jobs say of each protected item and day
version_added: 0.2.0
author:
  - perucompras.respaldo contributors (@perucompras)
description:
  - Reads the jobs of a vault, and gives each protected item and day one entry (numeral 7.2.3 b) with the id of the job. C(copy_made) when it is good
    (T1, its recovery point is listed), or, with C(warnings) and T0, when files were left out; C(copy_failed) when the job failed (RSP445), still runs too
    long (RSP446), is absent (RSP447), made no recovery point (RSP448), or when the item is not protected at all (RSP444).
  - Days are those of the policy's zone; a job counts for the day it began. A day is called absent half an hour after it ended.
  - Run again, it records nothing twice; a day whose job came out otherwise than was recorded gets one more entry, under the same label.
  - What protects the vault less than was decided is one C(verification_failed) (RSP449) in each run until it is mended. A vault that can't be read whole
    calls no day absent, and the task fails.
  - What the service says of threats is taken at its word (C(threatStatus) of a recovery point). A copy in whose point it sees one, of today or of months
    ago, gets C(copy_damaged) (RSP222), is T0, and is offered to no restore without O(perucompras.respaldo.azure_backup_restore#module:damaged) and a reason;
    when the service takes it back, C(copy_verified) lifts it. An item whose content it calls suspicious is C(verification_failed) (RSP223) in each run, and
    its new copies are T0.
  - A copy with files left out does not count as a good one for the frequency of numeral 6.4.
notes:
  - Runs on the controller, with the packages of C(requirements-azure.txt); the host needs no connection.
  - Requests are repeated with the delays that the service asks for. The identity is refused with RSP422 to RSP424; a missing role is RSP441.
options:
  days:
    description: Days before today that are looked at, 1 to 30.
    type: int
    default: 7
  show:
    description: Also print the findings in Spanish.
    type: bool
    default: false
extends_documentation_fragment:
  - perucompras.respaldo.planning.policy
  - perucompras.respaldo.vaults
  - perucompras.respaldo.groups.azure_backup
attributes:
  check_mode:
    description: The findings are the same; they are recorded as simulated.
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
seealso:
  - module: perucompras.respaldo.azure_backup_setup
  - module: perucompras.respaldo.bitacora_verdict
"""

EXAMPLES = r"""
- name: Verify the copies of the servers (7.2.3 b)
  perucompras.respaldo.azure_backup_verify:
    vaults: "{{ backup_vaults }}"
    systems: "{{ backup_systems }}"
    show: true
"""

RETURN = r"""
systems:
  description: How many systems of this host that were looked at. A run in which it is 0 for every host is empty, and ends with 71.
  returned: success
  type: int
  sample: 3
items:
  description:
    - Each system with its item, how many recovery points there are, the oldest and the newest, and its days, each with C(day), C(state), C(job) and
      whether it was C(recorded) before.
  returned: always
  type: list
  elements: dict
undeclared:
  description: What a vault protects and no system of the inventory names.
  returned: always
  type: list
  elements: dict
vaults:
  description: Each vault with its redundancy, soft delete, immutability and multi-user authorization.
  returned: always
  type: list
  elements: dict
summary:
  description: The same as lines in Spanish.
  returned: always
  type: list
  elements: str
backup:
  description: The entries.
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
