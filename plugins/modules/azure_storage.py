#!/usr/bin/python
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action of the same name; it runs on the controller, so there is nothing to run here."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: azure_storage
short_description: Set up a storage account and its containers for copies
author:
  - perucompras.respaldo contributors (@perucompras)
version_added: "0.2.0"
description:
  - Makes a storage account of Azure and its containers safe for copies (manual 001-2019, numerals 6.5 and 7.2.1 d), through Azure Resource Manager, from the
    controller, which has the identity. What is so already is left alone; what other people set otherwise in the account stays as it is.
  - Each container can be write-once (time-based immutability) for some days. The policy is made unlocked; locking it can't be undone by anybody, so it
    takes O(lock_confirmation).
  - "Before anything is changed the retention of the policy is compared with the rules of the containers, also those that others made: write-once
    for longer than copies are kept, deletion before their retention ends, and moves between tiers that are charged for days not used, are errors (RSP101)."
  - What was changed is read again; RSP439 when it is not as it was told.
  - The identity needs the role C(Storage Account Contributor) on the account (RSP441).
options:
  storage_account_name:
    description: Name of the storage account.
    type: str
    required: true
  resource_group:
    description: Its resource group, which must be there.
    type: str
    required: true
  subscription_id:
    description: Its subscription.
    type: str
    required: true
  location:
    description: Region, such as V(brazilsouth). With O(account_type) an account that is not there is made; without, that is RSP435.
    type: str
    default: ""
  account_type:
    description: Redundancy of an account that is made. One that is there keeps its own.
    type: str
    choices: ["", Standard_LRS, Standard_ZRS, Standard_GRS, Standard_RAGRS, Standard_GZRS, Standard_RAGZRS]
    default: ""
  allow_blob_public_access:
    description: Whether anonymous reading may be allowed by a container.
    type: bool
    default: false
  allow_shared_key_access:
    description: Whether the account's keys, and signatures made by them, open it. Off, only identities do, and the user delegation signatures that servers get.
    type: bool
    default: false
  minimum_tls_version:
    description: Oldest version of TLS that is accepted.
    type: str
    choices: [TLS1_0, TLS1_1, TLS1_2]
    default: TLS1_2
  https_only:
    description: Refuse plain HTTP.
    type: bool
    default: true
  blob_soft_delete_days:
    description: Days for which a deleted blob can be brought back, up to 365. V(0) switches it off.
    type: int
    default: 30
  container_soft_delete_days:
    description: The same for a deleted container.
    type: int
    default: 30
  versioning:
    description:
      - Keep former versions of blobs. Copies are never overwritten, so these are copies that were deleted; C(lifecycle.versions) of each container says
        when they go.
    type: bool
    default: true
  containers:
    description:
      - Containers, beside those of O(media) in this account. Each has V(name), and may have V(write_once_days) (V(0) takes an unlocked policy away),
        V(append_writes) (append blobs may grow, for the anchors of the bitácora), V(locked), and V(lifecycle) with the days after which copies go to the tiers
        V(cool), V(cold) and V(archive), are deleted (V(delete)), and after which former V(versions) go. What is not said stays as it is.
      - What a medium says of its container (C(write_once_days), C(lifecycle), C(tier)) need not be said again.
    type: list
    elements: dict
    default: []
  lock_confirmation:
    description:
      - "The name and the days of each container whose policy is to be locked, or, locked already, made longer: V(copias 180), several with commas between."
      - Nobody can undo it. Give it by hand, not in an inventory.
    type: str
    default: ""
  media:
    description: The media of the inventory (C(backup_media)).
    type: raw
    default: []
  endpoint:
    description: Address of Azure Resource Manager where it is not that of the cloud.
    type: str
    default: ""
  proxy:
    description: Proxy that the controller goes through, C(http://[user:password@]host:port).
    type: str
    default: ""
  ca_certs:
    description: File with certificates of a private authority, in PEM, instead of the system's own.
    type: path
    default: ""
  auth:
    description: Identity of the controller, with the option names of azure.azcollection, as C(auth) of a medium.
    type: dict
    default: {}
extends_documentation_fragment:
  - perucompras.respaldo.planning.policy
  - perucompras.respaldo.groups.policy
attributes:
  check_mode:
    description: Everything is read and compared; nothing is changed.
    support: full
  diff_mode:
    description: The state before and after.
    support: full
"""

EXAMPLES = r"""
---
- name: Set up the account of the media, with a container for anchors
  perucompras.respaldo.azure_storage:
    storage_account_name: copiasentidad
    resource_group: rg-respaldo
    subscription_id: 00000000-0000-0000-0000-000000000000
    media: "{{ backup_media }}"
    containers:
      - name: anclas
        write_once_days: 3650
        append_writes: true

- name: Lock what was decided
  perucompras.respaldo.azure_storage:
    storage_account_name: copiasentidad
    resource_group: rg-respaldo
    subscription_id: 00000000-0000-0000-0000-000000000000
    containers:
      - {name: copias, write_once_days: 180, locked: true}
    lock_confirmation: "{{ azure_storage_lock }}"
"""

RETURN = r"""
---
changes:
  description: What was or would be changed, a line each.
  returned: success
  type: list
  elements: str
  sample: ["containers.copias.write_once_days: 0 -> 180"]
storage:
  description: The account and its containers as they are now, or would be.
  returned: success
  type: dict
  contains:
    location: {description: Region., type: str, sample: brazilsouth}
    account_type: {description: Redundancy., type: str, sample: Standard_ZRS}
    allow_blob_public_access: {description: Whether containers may be public., type: bool}
    allow_shared_key_access: {description: Whether keys open the account., type: bool}
    minimum_tls_version: {description: Oldest TLS., type: str}
    https_only: {description: Whether plain HTTP is refused., type: bool}
    blob_soft_delete_days: {description: Days., type: int}
    container_soft_delete_days: {description: Days., type: int}
    versioning: {description: Whether former versions are kept., type: bool}
    containers: {description: "By name: public_access, write_once_days, locked, append_writes, lifecycle.", type: dict}
error:
  description: What went wrong.
  returned: failure
  type: dict
  contains:
    code: {description: Stable code., type: str, sample: RSP437}
    name: {description: Name of the error., type: str, sample: lock_unconfirmed}
    message: {description: "What is wrong and where, in English.", type: str}
    hint: {description: "What to do about it, in English.", type: str}
    message_es: {description: The same message in Spanish., type: str}
    remedy_es: {description: The same remedy in Spanish., type: str}
"""
