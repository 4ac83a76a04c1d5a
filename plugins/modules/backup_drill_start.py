# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action of the same name; it runs on the controller, so there is nothing to run here."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_drill_start
short_description: Open the entry of a restore test
version_added: 0.2.0
description:
  - Records that a copy is about to be restored into scratch (ISO/IEC 27001 A.12.3.1, 8.13 in 2022). The verification that follows closes it; when the run
    dies before, the next run closes it as failed.
options:
  entry:
    description: The copy, as RV(perucompras.respaldo.backup_drill_plan#module:turns) has it in C(entry).
    type: dict
    required: true
extends_documentation_fragment:
  - perucompras.respaldo.groups.respaldo
attributes:
  check_mode:
    description: The entry is recorded as simulated.
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
author:
  - perucompras.respaldo contributors (@perucompras)
"""

EXAMPLES = r"""
- name: Open the entry of the drill
  perucompras.respaldo.backup_drill_start:
    entry: "{{ drill_turn.entry }}"
"""

RETURN = r"""
backup:
  description: The entry C(drill_started).
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
