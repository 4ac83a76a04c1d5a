#!/usr/bin/python
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action of the same name; it runs on the controller, so there is nothing to run here."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_evidence
short_description: Pack the evidence of some months for an auditor
version_added: 0.2.0
description:
  - One ZIP with the policy, the inventory without its secrets, the entries of the period, the whole bitácora with its chain, seals, anchors, the verifier
    that needs only Python, verifications and restore tests, the compliance matrix (numerals 6.4, 7.2 and 8.2), an index in Spanish and C(SHA256SUMS).
  - The bitácora is copied as it is at one moment, while others may write.
  - The same bitácora, policy and inventory give the same bytes. The pack itself is an entry, C(evidence_made).
  - Runs on the controller, for the systems of the whole inventory.
notes:
  - Mode 0600, written whole or not at all. The entries as XLSX are there when XlsxWriter is installed.
  - A bitácora that does not verify is packed all the same, with a warning.
  - Fails with RSP101 when a month is not valid, RSP708 when the bitácora can't be read, RSP903 when O(dest) can't be written.
options:
  dest:
    description: The ZIP, in a directory of the controller that exists. It is replaced.
    type: path
    required: true
  anchors:
    description: Files of anchors, to be put beside the bitácora.
    type: list
    elements: path
    default: []
extends_documentation_fragment:
  - perucompras.respaldo.planning.policy
  - perucompras.respaldo.planning.months
  - perucompras.respaldo.groups.policy
attributes:
  check_mode:
    description: Checks what is given and writes nothing.
    support: full
  diff_mode:
    description: A pack is not shown as a difference.
    support: none
author:
  - perucompras.respaldo contributors (@perucompras)
"""

EXAMPLES = r"""
- name: The pack of the year
  perucompras.respaldo.backup_evidence:
    since: 2026-01
    until: 2026-12
    dest: /srv/auditoria/evidencia_2026.zip
"""

RETURN = r"""
path:
  description: The pack.
  returned: success
  type: str
sha256:
  description: SHA-256 of the pack.
  returned: when written
  type: str
size:
  description: Its size, in bytes.
  returned: when written
  type: int
files:
  description: What is in it.
  returned: when written
  type: list
  elements: str
whole:
  description: Whether the bitácora in it verifies.
  returned: when written
  type: bool
report:
  description: The words of the verifier, in Spanish.
  returned: when written
  type: list
  elements: str
since:
  description: The first month.
  returned: success
  type: str
until:
  description: The last month.
  returned: success
  type: str
backup:
  description: The entry C(evidence_made).
  returned: when written
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
