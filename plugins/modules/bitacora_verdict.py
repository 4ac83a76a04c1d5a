# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action of the same name; it runs on the controller, so there is nothing to run here."""

from __future__ import annotations

DOCUMENTATION = r"""
module: bitacora_verdict
short_description: Fail when copies of this host failed in this run
version_added: 0.1.0
description:
  - Asks the bitácora which copies, verifications and restores of this host failed in this run, and fails if there are any.
  - A role goes on with the other systems when one fails. This is its last step, so that the run does not end as a success.
extends_documentation_fragment:
  - perucompras.respaldo.backup.only_kind
  - perucompras.respaldo.groups.respaldo
attributes:
  check_mode:
    description: It only reads. In check mode it looks at the simulated entries.
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
author:
  - perucompras.respaldo contributors (@perucompras)
"""

EXAMPLES = r"""
- name: Fail if a copy failed
  perucompras.respaldo.bitacora_verdict:
    kind: database
"""

RETURN = r"""
good:
  description: Labels that were made, verified or restored in this run.
  returned: always
  type: list
  elements: str
  sample: [SIGA_20261122]
bad:
  description: What failed, each with its label, code and message in Spanish.
  returned: always
  type: list
  elements: dict
  contains:
    label: {description: Label., type: str}
    system: {description: System., type: str}
    code: {description: Code of the error., type: str}
    message_es: {description: What is wrong., type: str}
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
