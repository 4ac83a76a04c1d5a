#!/usr/bin/python
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of an action: see plugins/action/backup_recovery_plan.py.
"""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_recovery_plan
short_description: Makes the plan of recovery, in the order in which systems come back
version_added: 0.3.0
author:
  - perucompras.respaldo contributors (@perucompras)
description:
  - For the worst day, and printed before it. What to type on an empty machine, then every system of the whole inventory by criticality, each after the
    systems that its C(depends_on) names, with its newest whole copy and the command that restores it.
  - Of each it tells what would be lost now, since its newest whole copy began, and what its restore took the last time, in a restore or a drill. Both are
    held to the objectives of the policy, C(recovery), by criticality. What was never measured is reckoned from its size, and said to be so.
  - It states what M(perucompras.respaldo.backup_recover) demands of who has a private key alone, the public key of the seals, and label and SHA-256 of the
    newest copies of kit and bitácora.
  - A C(depends_on) that names no system of the inventory is refused (RSP101).
  - Runs on the controller. Reads the bitácora and never writes it.
notes:
  - Files are replaced whole, mode 0640; one that would be the same is left alone. They hold no secret.
  - Fails with RSP901 when WeasyPrint is missing, RSP902 when a file can't be written, RSP708 when the bitácora can't be read.
options:
  repository:
    description: Name of the medium that is the repository, which the plan begins with.
    type: str
    default: ""
  formats:
    description: V(pdf) needs WeasyPrint and Pango on the controller (C(requirements-reports.txt)). A browser prints V(html) as well.
    type: list
    elements: str
    default: [html, txt]
    choices: [html, txt, pdf]
  directory:
    description: Where the files are written, on the controller; made when it does not exist. By default C(informes) beside the default bitácora.
    type: path
  show:
    description: Also print the plan.
    type: bool
    default: false
extends_documentation_fragment:
  - perucompras.respaldo.planning.policy
  - perucompras.respaldo.groups.policy
attributes:
  check_mode:
    description: Can run in check mode; nothing is written.
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
seealso:
  - module: perucompras.respaldo.backup_recover
"""

EXAMPLES = r"""
- name: Make the plan, for paper and for a medium
  perucompras.respaldo.backup_recovery_plan:
    repository: nas-lima
    formats: [pdf, txt]
    directory: /srv/informes
"""

RETURN = r"""
rows:
  description: The systems in their order.
  returned: success
  type: list
  elements: dict
problems:
  description: The objectives that do not hold now, in Spanish.
  returned: success
  type: list
  elements: str
lines:
  description: The plan in Spanish, line by line.
  returned: success
  type: list
  elements: str
files:
  description: The files of the plan.
  returned: success
  type: list
  elements: str
  sample: [/srv/informes/plan-de-recuperacion_2026-11-22.html]
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
