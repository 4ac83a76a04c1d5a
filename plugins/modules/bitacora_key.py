#!/usr/bin/python
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of an action: see plugins/action/bitacora_key.py.
"""

from __future__ import annotations

DOCUMENTATION = r"""
module: bitacora_key
short_description: Changes the key that seals the bitácora, by a signed entry
version_added: 0.2.0
author:
  - perucompras.respaldo contributors (@perucompras)
description:
  - Each verification takes a seal by another key than the one in force for a forgery, until an entry of type C(key_changed) explains it. This writes
    that entry (Manual 001-2019, numerals 5.2 b and 8.2).
  - The entry is signed together with its place in the chain, so that it can't be moved or made again elsewhere. A rotation is signed by both keys, so
    that whoever knows one of them - an auditor with the public key of last year's record - needs no more than that.
  - The controller remembers the keys it knows, and the last seal that it made, in a file of mode 0600 beside the seal key (C(seal.key.known)). Back it
    up together with the key.
  - It runs on the controller. One that dies in between leaves either nothing, or a change that the next run finishes.
options:
  state:
    description:
      - V(rotated) makes a new key, which takes the place of O(key); the private half of that one is gone then.
      - V(added) vouches for the key of a further controller that shares this bitácora; V(withdrawn) does so no more. Each controller vouches for each other.
      - V(lost) states that the private half of O(key) is lost, or was taken, and that another takes its place - the one that lies where the callback's
        option C(seal_key) says, else one that is made. Nobody but people can vouch for that one; have its public key recorded in a document.
      - V(restored) states that the bitácora was brought back from a copy, or begun anew, and that what was sealed since then is lost. Only the entries
        that this controller's memory and its anchors know and the bitácora has not are excused, and each verification goes on to tell of them.
    type: str
    choices: [rotated, added, withdrawn, lost, restored]
    default: rotated
  key:
    description:
      - The public key it is about, 64 hexadecimal digits - the one to retire, the other controller's, the lost one. Not used with O(state=restored).
      - Naming it makes a repetition harmless, since a key that was retired already changes nothing.
    type: str
    default: ''
  reason:
    description: Why, for the bitácora.
    type: str
    required: true
  authority:
    description: Who orders it, and by which document.
    type: str
    required: true
notes:
  - Fails with RSP731 when the bitácora is not what was sealed before, RSP732 when the change can't be made, RSP712 and RSP729 when the files of the keys
    can't be used.
extends_documentation_fragment:
  - perucompras.respaldo.groups.respaldo
attributes:
  check_mode:
    description: Says whether anything would change; makes no key and writes nothing.
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
seealso:
  - module: perucompras.respaldo.bitacora_verify
  - module: perucompras.respaldo.bitacora_anchor
"""

EXAMPLES = r"""
- name: Rotate the key once a year
  perucompras.respaldo.bitacora_key:
    key: d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a
    reason: Cambio anual
    authority: Jefa de la OTI, Memorando 012-2027-OTI

- name: Say that the key is lost
  perucompras.respaldo.bitacora_key:
    state: lost
    key: d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a
    reason: El disco del controlador falló y no había copia de la clave
    authority: Jefa de la OTI, Acta 003-2027-OTI

- name: Say that the bitácora was brought back from its copy of last night
  perucompras.respaldo.bitacora_key:
    state: restored
    reason: El disco del controlador falló; se restauró la copia BITACORA_20270114
    authority: Jefa de la OTI, Acta 003-2027-OTI
"""

RETURN = r"""
public_key:
  description: Public key that seals here from now on; empty in check mode when it would be made.
  returned: success
  type: str
  sample: 3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c
n:
  description: Number of the entry that was written; 0 when none was.
  returned: success
  type: int
  sample: 1284
lost_from:
  description: First of the sealed entries that are declared lost; 0 when none is.
  returned: success, with O(state=restored)
  type: int
  sample: 1270
lost_to:
  description: Last of them.
  returned: success, with O(state=restored)
  type: int
  sample: 1284
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
