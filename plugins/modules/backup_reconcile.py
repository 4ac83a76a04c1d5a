# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action of the same name; what runs on the server is M(perucompras.respaldo.backup_info)."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_reconcile
short_description: Compare what lies on a medium with the bitácora, in both directions
version_added: 0.2.0
description:
  - Every copy that the bitácora knows of a system on a medium must be there with the same C(SHA256SUMS), and every copy there must have its entry
    (numerals 5.1 a and 8.2; ISO/IEC 27001 A.12.4).
  - A copy that is missing or differs is recorded as C(copy_damaged) on that medium, once, so that it no longer counts; one without an entry as
    C(stray_found), once for its content. Nothing is removed or read whole; M(perucompras.respaldo.backup_verify) reads the bytes.
  - Copies that retention removed are not missed.
options:
  system:
    description: Name of the system.
    type: str
    required: true
  kind:
    description: Its kind.
    type: str
    choices: [database, source_code, file_server, mailbox]
    required: true
  show:
    description: Also print the findings in Spanish.
    type: bool
    default: false
extends_documentation_fragment:
  - perucompras.respaldo.backup.medium
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
    system: SIGA
    kind: database
    medium: "{{ backup_media | first }}"
    show: true
"""

RETURN = r"""
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
summary:
  description: The same as lines in Spanish.
  returned: success
  type: list
  elements: str
backup:
  description: The entries C(copy_damaged) and C(stray_found) of what was not known before.
  returned: when there are any
  type: list
  elements: dict
"""
