#!/usr/bin/python
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of an action: see plugins/action/bitacora_verify.py.
"""

from __future__ import annotations

DOCUMENTATION = r"""
module: bitacora_verify
short_description: Verifies that nobody changed the bitácora
version_added: 0.1.0
author:
  - perucompras.respaldo contributors (@perucompras)
description:
  - Each entry is sealed to the one before it. This walks the whole chain and tells in words where it was edited, cut, reordered or added to.
  - A rewrite of the whole chain, or a cut of its end, by somebody who knows how is seen only against what lies outside of it. Of the bitácora of this
    run that is used without being asked for - the keys that this controller knows (its own, and those in C(seal.key.known) beside it), the last seal that
    it remembers, and the anchors of the callback. O(anchors) and O(keys) add to them. Of another bitácora only those that are given are used.
  - A seal by another key than the one in force is broken until an entry explains it; see M(perucompras.respaldo.bitacora_key).
  - A content that does not match its digest is broken, whatever any entry says. Nothing is ever taken out of an entry.
  - A bitácora that no seal or anchor protects is whole as far as can be told, and RV(notices) say what is missing.
  - An auditor can do the same without Ansible, C(python3 chain.py bitacora.sqlite), with the file plugins/plugin_utils/_bitacora/chain.py.
  - It runs on the controller and never writes.
notes:
  - Fails with RSP704 when the chain is broken and O(fail) is true, RSP708 when the bitácora can't be read.
options:
  url:
    description:
      - The bitácora to verify. By default the one of this run.
    type: str
  anchors:
    description:
      - Further files on other media to which each run appended its seal, or saved mails of M(perucompras.respaldo.bitacora_anchor).
    type: list
    elements: path
    default: []
  keys:
    description:
      - Further public keys that sign seals, in hexadecimal, as kept outside the controller.
    type: list
    elements: str
    default: []
  fail:
    description:
      - Whether a broken chain fails the task.
    type: bool
    default: true
  show:
    description:
      - Print the report on the terminal, in Spanish.
    type: bool
    default: false
extends_documentation_fragment:
  - perucompras.respaldo.groups.respaldo
attributes:
  check_mode:
    description: Can run in check mode.
    support: full
  diff_mode:
    description: Returns what changed.
    support: none
seealso:
  - module: perucompras.respaldo.bitacora_info
"""

EXAMPLES = r"""
- name: Verify the bitácora
  perucompras.respaldo.bitacora_verify:

- name: Verify it against what lies outside
  perucompras.respaldo.bitacora_verify:
    anchors: [/mnt/seguridad/bitacora.anclas]
    keys: ["{{ bitacora_public_key }}"]

- name: Verify a copy of the bitácora that an auditor brought, and go on whatever it says
  perucompras.respaldo.bitacora_verify:
    url: /srv/auditoria/bitacora.sqlite
    fail: false
  register: chain
"""

RETURN = r"""
whole:
  description: Whether the chain is whole.
  returned: when it could be read
  type: bool
entries:
  description: How many entries were walked.
  returned: when it could be read
  type: int
  sample: 128
head:
  description: The last entry, to be compared with the anchors.
  returned: when it could be read
  type: dict
  contains:
    n:
      description: Its number.
      type: int
    digest:
      description: Its digest.
      type: str
findings:
  description: What is broken, each with its C(name), the entry C(n) where it is, and the words in C(english) and C(spanish).
  returned: when it could be read
  type: list
  elements: dict
notices:
  description: What is to be known but breaks nothing, such as a run without an end. Same form as RV(findings).
  returned: when it could be read
  type: list
  elements: dict
report:
  description: The report in Spanish, as lines.
  returned: when it could be read
  type: list
  elements: str
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
