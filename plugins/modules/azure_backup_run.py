# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action of the same name; it runs on the controller, so there is nothing to run here."""

from __future__ import annotations

DOCUMENTATION = r"""
module: azure_backup_run
short_description: Ask Azure Backup for a copy now
version_added: 0.2.0
author:
  - perucompras.respaldo contributors (@perucompras)
description:
  - Starts a copy of a virtual machine or an Azure file share, waits for the operation, then for its job, and records the job and its recovery point
    beside the label (numerals 5.1 d, 6.7 and 7.2.3).
  - What a MARS agent copies can't be ordered from the vault (RSP101 says how it is done on the server).
notes:
  - Runs on the controller, with the packages of C(requirements-azure.txt); the host needs no connection.
  - Requests are repeated with the delays that the service asks for. The identity is refused with RSP422 to RSP424; a missing role is RSP441.
options:
  system:
    description: Name of the system.
    type: str
    required: true
  label:
    description: Label of this copy, from M(perucompras.respaldo.backup_label).
    type: str
    required: true
  record:
    description: More fields for the entry, as M(perucompras.respaldo.backup_label) gave them. It must hold no secret.
    type: dict
    default: {}
extends_documentation_fragment:
  - perucompras.respaldo.planning.policy
  - perucompras.respaldo.vaults
  - perucompras.respaldo.vaults.waiting
  - perucompras.respaldo.groups.azure_backup
attributes:
  check_mode:
    description: Starts nothing; the entry is C(copy_simulated).
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
seealso:
  - module: perucompras.respaldo.azure_backup_setup
  - module: perucompras.respaldo.azure_backup_verify
"""

EXAMPLES = r"""
- name: Copy now
  perucompras.respaldo.azure_backup_run:
    vaults: "{{ backup_vaults }}"
    systems: "{{ backup_systems }}"
    system: LEGAL
    label: "{{ opened.label }}"
    record: "{{ opened.backup }}"
"""

RETURN = r"""
job:
  description: Id of the job in the vault.
  returned: success
  type: str
backup:
  description: The entry, C(copy_made) or C(copy_failed), with C(tool_job) and C(tool_copy).
  returned: always
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
