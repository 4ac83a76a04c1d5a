#!/usr/bin/python
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of an action: see plugins/action/bitacora_info.py.
"""

from __future__ import annotations

DOCUMENTATION = r"""
module: bitacora_info
short_description: Reads the bitácora
version_added: 0.1.0
author:
  - perucompras.respaldo contributors (@perucompras)
description:
  - Gives the entries (asientos) that match every filter, as data, as rows of the Spanish view that staff and auditors read, and as a table for
    a terminal (Manual 001-2019, numerals 5.2 b, 7.2.1 c and 8.2).
  - It runs on the controller and never writes.
notes:
  - Fails with RSP708 when the bitácora can't be read, RSP101 when a filter is not understood.
options:
  url:
    description:
      - The bitácora to read. By default the one of this run.
    type: str
  system:
    description:
      - Name of the system, as in the inventory.
    type: str
  since:
    description:
      - First day or time, C(2026-11-22) or C(2026-11-22T18:30:00), in O(zone) unless it says its own.
    type: str
  until:
    description:
      - Last day, whole, or last time.
    type: str
  type:
    description:
      - Types of entry, such as V(copy_made), V(copy_failed), V(run_started) or V(run_interrupted).
    type: list
    elements: str
  label:
    description:
      - File name form of a copy's label.
    type: str
  run:
    description:
      - Identity of a run.
    type: str
  result:
    description:
      - V(good) is copies made or verified and restores done; V(failed) is failed or damaged copies, failed verifications and restores, and interrupted runs.
      - Simulated entries (check mode) count only as V(simulated).
    type: str
    choices: [good, failed, started, not_due, refused, simulated]
  limit:
    description:
      - Give only so many, the newest.
    type: int
  newest_first:
    description:
      - The newest first instead of the oldest.
    type: bool
    default: false
  zone:
    description:
      - Time zone of dates and times, those asked for and those shown in RV(rows) and RV(table).
    type: str
    default: America/Lima
  width:
    description:
      - Columns of the table, 80 to 200. By default those of the terminal.
    type: int
    default: 0
  show:
    description:
      - Print the table on the terminal as it is.
    type: bool
    default: false
extends_documentation_fragment:
  - perucompras.respaldo.backup.only_kind
  - perucompras.respaldo.groups.respaldo
attributes:
  check_mode:
    description: Can run in check mode.
    support: full
  diff_mode:
    description: Returns what changed.
    support: none
seealso:
  - module: perucompras.respaldo.bitacora_verify
"""

EXAMPLES = r"""
- name: Print the copies of this month that failed
  perucompras.respaldo.bitacora_info:
    result: failed
    since: "2026-11-01"
    until: "2026-11-30"
    show: true

- name: Find the newest good copy of a database
  perucompras.respaldo.bitacora_info:
    system: SIGA
    kind: database
    type: [copy_made]
    limit: 1
  register: newest
"""

RETURN = r"""
copies:
  description:
    - The copies of a system that are still on a medium, oldest first, when O(system) and O(kind) are given; with O(limit), the newest ones.
    - Each is its entry, with C(trust_level) as it is by now and C(media), the trust level by medium, empty where it was found damaged since.
  returned: success
  type: list
  elements: dict
entries:
  description:
    - The entries, each one mapping with the fields of its body and those of its line (RV(entries[].n), RV(entries[].type) and the times,
      which are UTC).
  returned: success
  type: list
  elements: dict
  contains:
    n:
      description: Number of the entry.
      type: int
    type:
      description: What happened.
      type: str
    at_event:
      description: When it happened, UTC.
      type: str
    at_recorded:
      description: When it was written, UTC; later than RV(entries[].at_event) when the entry waited in the journal.
      type: str
    run:
      description: The run it belongs to.
      type: str
    label:
      description: Label of the copy.
      type: str
  sample:
    - n: 3
      type: copy_made
      at_event: "2026-11-22T03:01:05Z"
      label: SIGA_20261121
      system: SIGA
      size: 123456789
rows:
  description: Rows of the Spanish view, one for each copy, with C(n), C(fecha), C(hora), C(nombre_respaldo), C(rotulo), C(tipo) and so on.
  returned: success
  type: list
  elements: dict
table:
  description: The rows as lines of text.
  returned: success
  type: list
  elements: str
url:
  description: The bitácora that was read.
  returned: success
  type: str
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
