# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action of the same name; it runs on the controller, so there is nothing to run here."""

from __future__ import annotations

DOCUMENTATION = r"""
module: azure_backup_restore
short_description: Ask Azure Backup for a file share, or files of it
version_added: 0.2.0
author:
  - perucompras.respaldo contributors (@perucompras)
description:
  - Restores a whole Azure file share, or files and folders of it, from the recovery point of a copy, waits for the job and records it (numerals 7.1.3
    and 7.2.3). By default into a folder of its own in the same share, C(_restaurado_LABEL), so that nothing newer is touched.
  - Fails with RSP445 when the service left files out.
notes:
  - Runs on the controller, with the packages of C(requirements-azure.txt); the host needs no connection.
  - Requests are repeated with the delays that the service asks for. The identity is refused with RSP422 to RSP424; a missing role is RSP441.
options:
  system:
    description: Name of the system.
    type: str
    required: true
  label:
    description: Label of the copy.
    type: str
    required: true
  recovery_point:
    description: Id of the recovery point, C(tool_copy) of the copy's entry.
    type: str
    default: ""
  paths:
    description: Files, and folders (with a slash at the end), from the root of the share. Empty restores all of it.
    type: list
    elements: str
    default: []
  target:
    description: Another place than the folder in the same share. The share must exist.
    type: dict
    default: {}
    suboptions:
      storage_account: {description: Another storage account of the vault's region., type: str, default: ""}
      resource_group: {description: Its resource group. By default the vault's., type: str, default: ""}
      share: {description: Another share., type: str, default: ""}
      folder: {description: "Another folder than C(_restaurado_LABEL).", type: str, default: ""}
  original_location:
    description: Restore where the files were.
    type: bool
    default: false
  overwrite:
    description: Files that are there give way. Without it a file that is there fails the job.
    type: bool
    default: false
  damaged:
    description: Restore from a recovery point though the service sees a threat in it, instead of RSP222. The entry says so.
    type: bool
    default: false
  record:
    description: More fields for the entry, as M(perucompras.respaldo.backup_select) gave them. It must hold no secret.
    type: dict
    default: {}
extends_documentation_fragment:
  - perucompras.respaldo.planning.policy
  - perucompras.respaldo.vaults
  - perucompras.respaldo.vaults.waiting
  - perucompras.respaldo.groups.azure_backup
attributes:
  check_mode:
    description: Starts nothing; the entry is C(restore_simulated).
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
seealso:
  - module: perucompras.respaldo.azure_backup_run
  - module: perucompras.respaldo.backup_select
"""

EXAMPLES = r"""
- name: Get a folder back
  perucompras.respaldo.azure_backup_restore:
    vaults: "{{ backup_vaults }}"
    systems: "{{ backup_systems }}"
    system: LEGAL
    label: LEGAL_20261124
    recovery_point: "932881138555802864"
    paths: [contratos/2026/]
"""

RETURN = r"""
job:
  description: Id of the job in the vault.
  returned: success
  type: str
target:
  description: Where the files are now.
  returned: success
  type: str
backup:
  description: The entry, C(restored) or C(restore_failed), with C(tool_job) and C(tool_copy).
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
