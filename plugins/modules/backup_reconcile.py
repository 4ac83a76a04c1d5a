# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action of the same name; what it does on the host, M(perucompras.respaldo.backup_info) and others do."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_reconcile
short_description: Compare what lies on a medium with what the bitácora says
version_added: 0.2.0
description:
  - Every copy that the bitácora knows of the host's systems on a medium must be there with the same C(SHA256SUMS), and every copy there must have its entry
    (numerals 5.1 a and 8.2; ISO/IEC 27001 A.12.4).
  - A copy that is missing or differs is recorded as C(copy_damaged) on that medium, once, so that it no longer counts. Each later run in which it still is
    so records one C(verification_failed) for the system (RSP505), so that no night looks good before it is mended.
  - When it is there again with the same digest its bytes are read (T1), and C(copy_found) gives it back the trust level it had. What a verification or
    a drill found damaged is not healed here.
  - A copy without an entry is recorded as C(stray_found), once for its content; those of systems that no host declares too. Nothing is removed.
  - Copies that retention removed are not missed; nor are those that it removed in a run that died before their entries, which they get now.
  - A copy that the bitácora knows on other media, with the very digest that lies here, was carried by a run that died before its entry. It is read (T1) and
    recorded as C(copy_transferred). What was made, and never recorded at all, M(perucompras.respaldo.backup_settle) settles.
  - A medium on which good copies are known, and not even the directory of one of their systems is found, is taken for one that is not mounted
    (RSP409), and no copy of it is called damaged; so is one that can't be reached.
options:
  systems:
    description: The systems of this host, as in M(perucompras.respaldo.backup_plan).
    type: list
    elements: dict
    required: true
  only:
    description: Compare only the systems of these names. Empty means all.
    type: list
    elements: str
    default: []
  accept_empty:
    description: The medium was replaced by an empty one, so that its copies are missing indeed.
    type: bool
    default: false
  lost_labels:
    description: Labels of missing copies that are lost for good. Each is recorded as C(copy_pruned) on this medium, and is not missed any more.
    type: list
    elements: str
    default: []
  lost_reason:
    description: Why they are given up. Required with O(lost_labels).
    type: str
    default: ""
  adopt_reason:
    description:
      - Why whole copies without an entry are taken into the bitácora, which came back from an older copy of itself. Empty takes none.
      - Each is read (T1), must be of its shelf's system and kind by its own manifest, and be of a label of which the bitácora tells no end. It is recorded
        as C(copy_made) with this reason, since a name and good sums alone prove nothing.
      - Of a file server its snapshot is found in its repository by the password that O(custody) has, with the tree and the label of the copy, and restic's
        check must call that repository whole.
    type: str
    default: ""
  custody:
    description: The custodians, or the directory of one, which have the passwords of repositories of file servers. Needed to adopt copies of these.
    type: raw
    default: ""
  show:
    description: Also print the findings in Spanish.
    type: bool
    default: false
extends_documentation_fragment:
  - perucompras.respaldo.storage.medium
  - perucompras.respaldo.groups.respaldo
attributes:
  check_mode:
    description: The findings are the same; they are recorded as simulated.
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
author:
  - perucompras.respaldo contributors (@perucompras)
"""

EXAMPLES = r"""
- name: Is everything where the bitácora says
  perucompras.respaldo.backup_reconcile:
    systems: "{{ backup_systems }}"
    medium: "{{ backup_media | first }}"
    show: true
"""

RETURN = r"""
systems:
  description: How many systems of this host that were compared. A run in which it is 0 for every host is empty, and ends with 71.
  returned: success
  type: int
  sample: 3
ghosts:
  description: Labels that the bitácora has and the medium has not.
  returned: success
  type: list
  elements: str
  sample: [SIGA_20261122]
differing:
  description: Labels whose C(SHA256SUMS) is not the one recorded.
  returned: success
  type: list
  elements: str
strays:
  description: Labels on the medium that no entry names.
  returned: success
  type: list
  elements: str
healed:
  description: Labels that were missed and count again.
  returned: success
  type: list
  elements: str
settled:
  description: Labels of copies that a run brought here or removed by retention, and died before its entry; they have it now.
  returned: success
  type: list
  elements: str
adopted:
  description: Labels of whole copies that were taken into the bitácora by O(adopt_reason).
  returned: success
  type: list
  elements: str
lost:
  description: Labels given up by O(lost_labels).
  returned: success
  type: list
  elements: str
leftovers:
  description: What dead runs left, as M(perucompras.respaldo.backup_info) lists it.
  returned: success
  type: list
  elements: dict
summary:
  description: The same as lines in Spanish.
  returned: success
  type: list
  elements: str
backup:
  description: The entries of what was found.
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
