#!/usr/bin/python
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of an action: see plugins/action/backup_metrics.py.
"""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_metrics
short_description: Writes how copies stand, as numbers for Prometheus
version_added: 0.3.0
author:
  - perucompras.respaldo contributors (@perucompras)
description:
  - One file of OpenMetrics text for the textfile collector of node_exporter, replaced whole - of each system its last good copy, when the next is due, size,
    duration, trust level and proved restore; media, requests, purposes of the schedule, head of the bitácora and whether its chain agrees.
  - By the figures of the board and the warnings. No secret, path, address or person is in it. Names and labels stay; C(docs/monitoring) has
    alert rules and a board.
  - Runs on the controller for the systems of the whole inventory. Reads the bitácora and never writes it.
notes:
  - The file has mode 0644, and its directory must be there.
  - Fails with RSP101 for a path that node_exporter would not read, RSP902 when the file can't be written, RSP708 when the bitácora can't be read.
options:
  dest:
    description: The file, on the controller. Its name ends in C(.prom).
    type: path
    required: true
extends_documentation_fragment:
  - perucompras.respaldo.planning.policy
  - perucompras.respaldo.planning.watched
  - perucompras.respaldo.groups.policy
attributes:
  check_mode:
    description: Can run in check mode; nothing is written.
    support: full
  diff_mode:
    description: Returns what changed.
    support: none
seealso:
  - module: perucompras.respaldo.backup_report
"""

EXAMPLES = r"""
- name: Write the numbers for node_exporter
  perucompras.respaldo.backup_metrics:
    dest: /var/lib/prometheus/node-exporter/respaldo.prom
"""

RETURN = r"""
file:
  description: The file.
  returned: success
  type: str
  sample: /var/lib/prometheus/node-exporter/respaldo.prom
samples:
  description: How many numbers it has.
  returned: success
  type: int
error:
  description: What went wrong.
  returned: failure
  type: dict
  contains:
    code: {description: Stable code., type: str, sample: RSP902}
    name: {description: Name of the error., type: str, sample: report_unwritable}
    message: {description: "What is wrong and where, in English.", type: str}
    hint: {description: "What to do about it, in English.", type: str}
    message_es: {description: The same message in Spanish., type: str}
    remedy_es: {description: The same remedy in Spanish., type: str}
"""
