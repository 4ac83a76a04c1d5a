#!/usr/bin/python
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of an action: see plugins/action/backup_report.py.
"""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_report
short_description: Makes the board of copies, or the bitácora of a period, in files
version_added: 0.2.0
author:
  - perucompras.respaldo contributors (@perucompras)
description:
  - The board is one HTML file that asks nothing of a network (numerals 5.1 a and 6.4). It shows each kind, what is overdue, each system and day,
    proved restores, sizes, media, integrity and designations, with their entries.
  - The bitácora of a day, week or month is for print, for spreadsheets, or both (numeral 8.2). The digest of its last entry stands at the foot of each page.
  - Runs on the controller for the systems of the whole inventory. Reads the bitácora and never writes it.
notes:
  - Files are replaced whole, mode 0640; one that would be the same is left alone.
  - Fails with RSP901 when a library is missing, RSP902 when a file can't be written, RSP708 when the bitácora can't be read.
options:
  what:
    description: V(board) or V(bitacora).
    type: str
    required: true
    choices: [board, bitacora]
  url:
    description: The bitácora to read. By default the one of this run.
    type: str
  date:
    description: Last day of the board, C(2026-11-22), or any day of the bitácora's period. Empty is today in the policy's time zone.
    type: str
    default: ""
  period:
    description: What the bitácora covers. A week begins on Monday.
    type: str
    default: month
    choices: [day, week, month]
  days:
    description: Days the board covers, 1 to 366.
    type: int
    default: 30
  formats:
    description:
      - Formats of the bitácora. V(xlsx) needs the library XlsxWriter on the controller, V(pdf) WeasyPrint and Pango (C(requirements-reports.txt)).
      - The board is always HTML, and a browser prints it as PDF.
    type: list
    elements: str
    default: [html, csv]
    choices: [html, csv, xlsx, pdf]
  directory:
    description: Where the files are written, on the controller; made when it does not exist. By default C(informes) beside the default bitácora.
    type: path
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
  - module: perucompras.respaldo.bitacora_info
"""

EXAMPLES = r"""
- name: Make the board of the last 30 days
  perucompras.respaldo.backup_report:
    what: board
    directory: /srv/informes

- name: Make the bitácora of November for print and for Excel
  perucompras.respaldo.backup_report:
    what: bitacora
    period: month
    date: "2026-11-01"
    formats: [html, csv, xlsx, pdf]
    directory: /srv/informes
"""

RETURN = r"""
files:
  description: The files of the report.
  returned: success
  type: list
  elements: str
  sample: [/srv/informes/bitacora_2026-11.html]
written:
  description: Those that were new or different.
  returned: success
  type: list
  elements: str
since:
  description: First day of the report.
  returned: success
  type: str
  sample: "2026-11-01"
until:
  description: Last day of the report.
  returned: success
  type: str
  sample: "2026-11-30"
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
