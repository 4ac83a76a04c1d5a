# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that the modules of Azure Backup share; their argument spec is ARGUMENTS of plugin_utils/_vaults.py."""

from __future__ import annotations


class ModuleDocFragment:

    DOCUMENTATION = r"""
options:
  vaults:
    description:
      - Recovery Services vaults, each a table with C(name), C(resource_group), C(subscription_id); and if need be C(location) (a vault that is not
        there is made in that region), C(redundancy) (V(GeoRedundant), V(LocallyRedundant), V(ZoneRedundant)), C(time) (HH:MM at a full or half hour, of the
        policy's zone; by default two hours after work), C(time_zone) (its name in Windows, where it is not known here), C(policies) (names for the
        sorts V(machine) and V(share)), C(longest_hours) (12, after which a job is called stuck), C(proxy), C(ca_certs), C(endpoint), C(api_version)
        (V(2026-10-01); V(2023-06-01) for a cloud that does not have it yet (RSP224), and that then tells no threats).
      - What protects the vault is compared and told, never changed, with C(soft_delete) (V(Enabled), V(AlwaysON)), C(soft_delete_days),
        C(immutability) (V(Unlocked), V(Locked)) and C(multi_user).
      - C(auth) is the controller's identity, with the keys of C(auth) of a medium of type C(azure_blob). It stays on the controller.
    type: raw
    required: true
  systems:
    description:
      - The systems of this host, as in M(perucompras.respaldo.backup_plan). Those whose source is of type C(azure_backup) are looked at.
      - Such a source has C(vault), C(protects) (V(agent), V(machine), V(share)), and C(computer) and C(volume) of a server with the MARS agent, C(machine)
        of a virtual machine, or C(storage_account) and C(share) of an Azure file share; the last two sorts also C(resource_group), by default the vault's.
    type: raw
    required: true
  only:
    description: Only the systems of these names. Empty means all.
    type: list
    elements: str
    default: []
"""

    WAITING = r"""
options:
  wait_minutes:
    description:
      - How long the job is waited for. One that still runs then is recorded as such (RSP446), and M(perucompras.respaldo.azure_backup_verify)
        tells its end.
    type: int
    default: 720
  poll_seconds:
    description: Seconds between two looks at the job.
    type: int
    default: 30
"""
