#!/usr/bin/python
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action of the same name; what it does on the host, M(perucompras.respaldo.backup_info) does."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_medium
short_description: Look at the health of a medium where it is, and record it
version_added: 0.2.0
description:
  - Whether a medium is reached from this host, can be listed and written to as its copies need it, and how much of it is free (numerals 5.1 a, c and 6.3).
  - The host looks at its own directories and at those it reaches by SSH; the controller at containers, and by its own key at append-only media.
  - Tells how long ago a copy of this host was last verified on it, too, by the bitácora.
  - Recorded as C(medium_checked), or as C(medium_failed) with the error. The board, C(compliance.yml), and warnings read these entries.
  - Nothing is made on a directory. Into a container a block of eight bytes is sent, which the service forgets within a week.
notes:
  - Of an append-only medium the rights of the controller's key are looked at. Those of the server's own key show with its next copy.
  - A network file system that hangs holds the task as it holds copies; give the task a C(timeout).
options:
  systems:
    description: The systems of this host, as in M(perucompras.respaldo.backup_plan); where they are to be written is looked at.
    type: list
    elements: dict
    default: []
  show:
    description: Also print how it stands, in Spanish.
    type: bool
    default: false
extends_documentation_fragment:
  - perucompras.respaldo.storage.medium
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
- name: How the first medium stands
  perucompras.respaldo.backup_medium:
    systems: "{{ backup_systems }}"
    medium: "{{ backup_media | first }}"
    show: true
"""

RETURN = r"""
healthy:
  description: Whether it is reached, listed and can be written to.
  returned: success
  type: bool
copies:
  description: How many copies lie there, of every system.
  returned: when it is healthy
  type: int
free:
  description: Bytes free, where the medium can tell.
  returned: when it is healthy
  type: int
total:
  description: Bytes of the whole medium, where it can tell.
  returned: when it is healthy
  type: int
verified_at:
  description: When a copy of this host was last verified there; empty when none was.
  returned: success
  type: str
unverified_days:
  description: Days since then, or since the first copy came there. None when there is no copy.
  returned: success
  type: int
summary:
  description: The same in a line of Spanish.
  returned: success
  type: str
backup:
  description: The entry.
  returned: success
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
