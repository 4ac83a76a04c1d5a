#!/usr/bin/python
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of an action: see plugins/action/bitacora_store.py.
"""

from __future__ import annotations

DOCUMENTATION = r"""
module: bitacora_store
short_description: Sets up the bitácora in PostgreSQL, and moves one there
version_added: 0.2.0
author:
  - perucompras.respaldo contributors (@perucompras)
description:
  - Makes the schema C(respaldo) of a database, with the table of entries, the Spanish view and the roles, so that several controllers, or
    controllers in containers, keep one bitácora (Manual 001-2019, numerals 5.2 b and 8.2).
  - The role that runs write as may only INSERT and SELECT; a role that could do more is refused. Safe to repeat, also after an upgrade.
  - With O(move_from) the entries of a SQLite bitácora are brought over byte by byte, so that its chain, its seals and its anchors go on.
    The last entry of the file says where it went, and the file refuses any other. The run that moves it goes on writing in the database.
  - It runs on the controller and needs the library psycopg (C(requirements-postgresql.txt)).
notes:
  - Fails with RSP719 without psycopg, RSP720 when a role is too strong, RSP721 when the bitácora can't be moved (its chain is broken, the
    database has other entries), RSP702 when the database can't be reached or written.
  - Roles that are missing are made, able to log in and without a password; give them one, or a certificate, in the database.
  - PgBouncer must pool by session.
options:
  url:
    description:
      - The address runs will use, C(postgresql://role@server/database). Its role is the writer. No password; libpq reads C(~/.pgpass).
    type: str
    required: true
  admin_url:
    description:
      - The same database, as the role that will own the schema. It may make roles when some are missing.
    type: str
    required: true
  writers:
    description:
      - Further roles that write, such as those of other controllers.
    type: list
    elements: str
    default: []
  readers:
    description:
      - Roles that only read, such as the auditor's.
    type: list
    elements: str
    default: []
  move_from:
    description:
      - The SQLite bitácora to move, C(sqlite:////absolute/path) or a plain path. It must be whole.
    type: str
extends_documentation_fragment:
  - perucompras.respaldo.groups.respaldo
attributes:
  check_mode:
    description: Does everything and takes it back; moves nothing.
    support: full
  diff_mode:
    description: Shows the objects, their definitions and their rights before and after.
    support: full
seealso:
  - module: perucompras.respaldo.bitacora_verify
"""

EXAMPLES = r"""
- name: Set up the bitácora of several controllers
  perucompras.respaldo.bitacora_store:
    url: postgresql://respaldo@bd.entidad.gob.pe/bitacora
    admin_url: postgresql://postgres@bd.entidad.gob.pe/bitacora
    readers: [auditor]

- name: Move the bitácora of this controller there
  perucompras.respaldo.bitacora_store:
    url: postgresql://respaldo@bd.entidad.gob.pe/bitacora
    admin_url: postgresql://postgres@bd.entidad.gob.pe/bitacora
    move_from: /var/lib/respaldo/bitacora.sqlite
"""

RETURN = r"""
url:
  description: The address to set as C(url) of the section C(callback_bitacora).
  returned: success
  type: str
  sample: postgresql://respaldo@bd.entidad.gob.pe/bitacora
changes:
  description: What was made or changed in the database, with its definition.
  returned: success
  type: list
  elements: str
  sample: ["role respaldo"]
moved:
  description: Whether a SQLite bitácora was, or in check mode would be, brought over by this task.
  returned: success
  type: bool
entries:
  description: How many entries the chain has.
  returned: when O(move_from) is given
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
