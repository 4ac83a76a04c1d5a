# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action of the same name; it runs on the controller, so there is nothing to run here."""

from __future__ import annotations

DOCUMENTATION = r"""
module: append_only_medium
short_description: Work out what each server may do on a medium that servers may only add to
version_added: 0.2.0
description:
  - Gives the C(authorized_keys) and the configuration of the gate for a medium of C(backup_media) with C(append_only) (numeral 6.5). Nothing is written.
  - The key of a server opens the gate and nothing else, for the shelves of the systems that the inventory declares on that host and lets go to the medium.
  - What a server said of its key is taken in one strict form, and a key that two of them give is refused.
options:
  name:
    description: Name of the medium.
    type: str
    required: true
  media:
    description: The media of the inventory, C(backup_media).
    type: list
    elements: dict
    required: true
  keys:
    description: The public key of each server, one line of a C(.pub) file, by its name in the inventory.
    type: dict
    default: {}
  keeper_keys:
    description: The public keys of the controller for this medium. They open a shell, by which copies get their names, are looked at and removed.
    type: list
    elements: str
    required: true
  limits:
    description: Most GiB that all copies of a server may take there, by its name in the inventory. A server that is not named has no limit.
    type: dict
    default: {}
  without:
    description: Servers whose key may be missing, which takes them their way in. Any other server without a key is an error (RSP455); in check mode it is told.
    type: list
    elements: str
    default: []
  python:
    description: The Python 3.8 or later of the machine of the medium.
    type: path
    default: /usr/bin/python3
  program:
    description: Where the gate lies there.
    type: path
    default: /usr/local/lib/respaldo/gate.py
  configuration:
    description: Where its configuration lies there.
    type: path
    default: /etc/respaldo/medio.json
extends_documentation_fragment:
  - perucompras.respaldo.groups.respaldo
attributes:
  check_mode:
    description: Nothing is written in any mode.
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
author:
  - perucompras.respaldo contributors (@perucompras)
"""

EXAMPLES = r"""
- name: Work out what each server may do
  perucompras.respaldo.append_only_medium:
    name: nas-lima
    media: "{{ backup_media }}"
    keys:
      bd1.example.org: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExampleEx
    keeper_keys:
      - ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIElpmaxEelpmaxEelpmaxEelpmaxEelpmaxEelpmaxE controlador
  register: allowed
"""

RETURN = r"""
authorized_keys:
  description: The file of the account on the machine of the medium.
  returned: success
  type: str
configuration:
  description: The configuration of the gate, JSON.
  returned: success
  type: str
path:
  description: The directory of the copies.
  returned: success
  type: str
account:
  description: The account there.
  returned: success
  type: str
missing:
  description: Servers that have systems for this medium, and no key.
  returned: success
  type: list
  elements: str
shared:
  description: Repositories of file servers that more than one server works in, with the servers. Each of them can read what the others put there.
  returned: success
  type: dict
summary:
  description: What each server may add to, in Spanish.
  returned: success
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
