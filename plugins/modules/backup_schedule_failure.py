#!/usr/bin/python
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action of the same name; it runs on the controller, so there is nothing to run here."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_schedule_failure
short_description: Record a scheduled start that recorded nothing itself
version_added: 0.3.0
description:
  - What C(respaldo-fallo@.service) runs when a service of M(perucompras.respaldo.backup_schedule) failed. It needs no inventory, which may be what is broken.
  - A run that began has its entries already, its failure among them; nothing is added to these. It is known by its process and its start.
  - Of a start that ended before Ansible could record anything, an entry C(schedule_failed) (RSP741) is the only record. It stands as a warning until the
    next start of that purpose.
  - Runs on the controller.
options:
  unit:
    description: The service that failed, C(respaldo-copies.service).
    type: str
    required: true
extends_documentation_fragment:
  - perucompras.respaldo.groups.respaldo
attributes:
  check_mode:
    description: Looks all the same; the entry is recorded as simulated.
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
author:
  - perucompras.respaldo contributors (@perucompras)
"""

EXAMPLES = r"""
- name: The copies did not begin
  perucompras.respaldo.backup_schedule_failure:
    unit: respaldo-copies.service
"""

RETURN = r"""
recorded_by:
  description: The run that recorded its failure itself; empty when none did.
  returned: success
  type: str
backup:
  description: The entry.
  returned: changed
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
