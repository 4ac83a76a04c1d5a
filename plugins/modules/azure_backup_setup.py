# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action of the same name; it runs on the controller, so there is nothing to run here."""

from __future__ import annotations

DOCUMENTATION = r"""
module: azure_backup_setup
short_description: Make Azure Backup protect what the inventory says
version_added: 0.2.0
author:
  - perucompras.respaldo contributors (@perucompras)
description:
  - Makes sure that a Recovery Services vault is there, that its policies copy daily outside working hours, in the policy's time zone, and keep as
    many points as the policy says (180), and that each virtual machine and Azure file share of O(systems) is protected by them (numerals 6.4, 6.6 and
    7.2.3 a and c).
  - A server with the MARS agent is only looked for (RSP444 when it is not registered); the agent is installed and given its schedule on the server itself.
  - Longer retention (weeks, months, years) that a policy has stays. Nothing is unprotected or removed here.
notes:
  - Runs on the controller, with the packages of C(requirements-azure.txt); the host needs no connection.
  - Requests are repeated with the delays that the service asks for. The identity is refused with RSP422 to RSP424; a missing role is RSP441.
options:
  show:
    description: Also print what was done, in Spanish.
    type: bool
    default: false
extends_documentation_fragment:
  - perucompras.respaldo.planning.policy
  - perucompras.respaldo.vaults
  - perucompras.respaldo.groups.azure_backup
attributes:
  check_mode:
    description: Asks nothing of Azure but what is there, and says what would be done.
    support: full
  diff_mode:
    description: Vault, policies and items before and after.
    support: full
seealso:
  - module: perucompras.respaldo.azure_backup_verify
  - module: perucompras.respaldo.azure_backup_run
"""

EXAMPLES = r"""
- name: Set Azure Backup up
  perucompras.respaldo.azure_backup_setup:
    vaults:
      - name: boveda-respaldo
        resource_group: rg-respaldo
        subscription_id: 00000000-0000-0000-0000-000000000000
        location: eastus2
        soft_delete: AlwaysON
        auth: {auth_source: cli}
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
  description: Each system, what it protects, and its state, V(protected), V(would be protected) or V(not registered).
  returned: always
  type: list
  elements: dict
vaults:
  description: Each vault with its redundancy, soft delete, immutability and multi-user authorization.
  returned: always
  type: list
  elements: dict
drift:
  description: What protects a vault less than was decided; it is not changed from here.
  returned: always
  type: list
  elements: str
  sample: ["boveda-respaldo: immutability: Disabled, Unlocked"]
summary:
  description: The same as lines in Spanish.
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
