#!/usr/bin/python
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of an action: see plugins/action/bitacora_confirm.py.
"""

from __future__ import annotations

DOCUMENTATION = r"""
module: bitacora_confirm
short_description: Fails unless the bitácora holds an entry of this run for a copy
version_added: 0.1.0
author:
  - perucompras.respaldo contributors (@perucompras)
description:
  - The callback writes, this action is the witness. It asks the bitácora itself whether this run recorded the event of a copy, and fails as any
    task fails when it did not (Manual 001-2019, numerals 7.2.1 c and 7.2.2 c).
  - Use it after the task that opens a copy and after the one that makes, verifies or restores it.
  - It runs on the controller. In check mode it asks for the simulated entry.
notes:
  - Fails with RSP703 when there is no such entry, RSP701 when the callback is not loaded, RSP708 when the bitácora can't be read.
options:
  label:
    description:
      - File name form of the copy's label (numeral 6.7). Empty for events that have none, such as those of shared folders.
    type: str
    default: ""
  labels:
    description:
      - Labels of several copies, each of which must have such an entry. What is returned is of the last entry.
    type: list
    elements: str
    version_added: 0.3.0
  event:
    description:
      - The event that must be recorded; with several, any of them will do.
    type: list
    elements: str
    required: true
    choices:
      - copy_started
      - copy_made
      - copy_simulated
      - copy_failed
      - copy_verified
      - copy_damaged
      - verification_failed
      - drill_started
      - copy_not_due
      - copy_refused
      - restore_started
      - restored
      - restore_simulated
      - restore_failed
      - path_assigned
      - path_changed
      - path_withdrawn
      - folder_reported
      - medium_checked
      - medium_failed
      - repository_key_started
      - repository_key_rotated
      - repository_key_withdrawn
      - repository_key_failed
      - entry_redacted
      - names_searched
      - readiness_checked
      - forge_listed
      - forge_failed
      - repository_found
      - repository_renamed
      - repository_gone
  system:
    description:
      - Take only entries of this system.
    type: str
  whole:
    description:
      - Of V(restored), also fail (RSP147) when the entry says that not all of the copy came back as it is in it.
    type: bool
    default: false
    version_added: 0.3.0
extends_documentation_fragment:
  - perucompras.respaldo.backup.only_kind
  - perucompras.respaldo.groups.respaldo
attributes:
  check_mode:
    description: Can run in check mode, where it looks for the simulated entry.
    support: full
  diff_mode:
    description: Returns what changed.
    support: none
seealso:
  - module: perucompras.respaldo.bitacora_guard
  - module: perucompras.respaldo.bitacora_info
"""

EXAMPLES = r"""
- name: Make sure that the copy is in the bitácora
  perucompras.respaldo.bitacora_confirm:
    label: SIGA_20261122
    system: SIGA
    kind: database
    event: copy_made

- name: Make sure that the bitácora says how the copy ended, well or not
  perucompras.respaldo.bitacora_confirm:
    label: SIGA_20261122
    event: [copy_made, copy_failed]
"""

RETURN = r"""
n:
  description: Number of the entry.
  returned: success
  type: int
  sample: 128
digest:
  description: Digest that seals the entry in the chain.
  returned: success
  type: str
event:
  description: The event that was found.
  returned: success
  type: str
  sample: copy_made
simulated:
  description: Whether it is an entry of check mode.
  returned: success
  type: bool
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
