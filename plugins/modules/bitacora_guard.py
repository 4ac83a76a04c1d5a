#!/usr/bin/python
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of an action: see plugins/action/bitacora_guard.py.
"""

from __future__ import annotations

DOCUMENTATION = r"""
module: bitacora_guard
short_description: Fails the play unless this run is being recorded in the bitácora
version_added: 0.1.0
author:
  - perucompras.respaldo contributors (@perucompras)
description:
  - Ansible's callbacks fail open, since one that is not enabled, or whose name is misspelt, gives only a warning and exit code 0. This action
    is the first task of every role that copies or restores, so that nothing is done that the bitácora would not record (Manual 001-2019,
    numerals 5.2 b, 7.2.1 c and 7.2.2 c).
  - It proves that the callback P(perucompras.respaldo.bitacora#callback) runs in this very process, that the start of the run is in the
    bitácora, and that the bitácora can be written now (locks, permissions, free space). It leaves nothing behind.
  - It refuses a controller that makes variables of facts (C(INJECT_FACTS_AS_VARS)), where a server that was taken over could replace the inventory
    by what it tells of itself. Every other action of this collection refuses it too.
  - It holds the last seal, and what this controller remembers and its anchors keep of it, against the bitácora, without reading all of it. What does
    not agree is a warning, not a failure, since copies matter most after an attack; it is not sealed, and M(perucompras.respaldo.bitacora_verify) fails.
  - In a container it refuses, before anything is done, what must last and would be gone with it; what may is said by the callback's
    O(perucompras.respaldo.bitacora#callback:may_be_lost).
  - It runs on the controller, also in check mode.
notes:
  - Fails with RSP786 when journal, logs, key of the seals or anchors lie on the disk of a container, RSP787 when its account can't write them.
  - Fails with RSP701 when the callback is not loaded, RSP702 when the bitácora can't be written, RSP707 when it lies on a network file system, RSP115 when
    facts are made variables, which C(inject_facts_as_vars = False) in C(ansible.cfg), or C(ANSIBLE_INJECT_FACT_VARS=False), ends.
extends_documentation_fragment:
  - perucompras.respaldo.groups.respaldo
attributes:
  check_mode:
    description: Can run in check mode, where it proves the same.
    support: full
  diff_mode:
    description: Returns what changed.
    support: none
seealso:
  - module: perucompras.respaldo.bitacora_confirm
  - plugin: perucompras.respaldo.bitacora
    plugin_type: callback
"""

EXAMPLES = r"""
- name: Make sure that what follows is recorded
  perucompras.respaldo.bitacora_guard:
  run_once: true
"""

RETURN = r"""
run:
  description: Identity of this run in the bitácora.
  returned: success
  type: str
  sample: 20261122T183000Z-1f3a9c2b7d
url:
  description: Where the bitácora is.
  returned: success
  type: str
  sample: sqlite:////var/lib/respaldo/bitacora.sqlite
findings:
  description: What does not agree with the last seal, as M(perucompras.respaldo.bitacora_verify) tells it.
  returned: success
  type: list
  elements: dict
error:
  description: The error, from the catalogue of this collection.
  returned: failure
  type: dict
  contains:
    code:
      description: Its stable code.
      type: str
      sample: RSP701
    name:
      description: Its name in the catalogue.
      type: str
    message:
      description: What is wrong, in English.
      type: str
    hint:
      description: What to do about it, in English.
      type: str
    message_es:
      description: What is wrong, in Spanish.
      type: str
    remedy_es:
      description: What to do about it, in Spanish.
      type: str
"""
