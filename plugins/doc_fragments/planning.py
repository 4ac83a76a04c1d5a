# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of what is decided on the controller: by which policy, for which systems, of which months. What a policy, a system and a medium hold: backup_plan."""

from __future__ import annotations


class ModuleDocFragment:

    POLICY = r"""
options:
  policy:
    description:
      - The policy as a table, read on the controller. See C(policies/manual-001-2019.yml) of this collection for its keys.
      - It wins over O(policy_file).
    type: dict
  policy_file:
    description:
      - Path of the institution's own policy on the controller.
      - When neither O(policy) nor O(policy_file) is given, Manual 001-2019-PERÚ COMPRAS is used, which comes with this collection.
    type: path
  actors:
    description:
      - The people of the policy (numerals 5.1 b and 5.2), given apart from it because they change more often. It replaces the policy's C(actors).
      - Keys V(jefe_oti) and V(soporte) hold lists of designations; V(egcr) holds V(database), V(source_code) and V(infrastructure),
        each with the lists V(titular) and V(suplente).
      - Key V(heads) holds the directors and heads of the offices. Where it is given, a copy that is made on request only (mailboxes, numeral 6.4) waits until
        its requester is one of them, by name or e-mail, in force that day.
      - A designation has V(name) and V(from), and may have V(email), V(until), V(document), and V(public_key) or V(public_key_file)
        (OpenPGP, armoured; a relative path starts at the directory of the inventory or of the policy's file).
      - Both days of a designation count. V(until) before V(from) is refused, and so are two titulares (or heads of the OTI, or heads of one office) for
        the same day.
    type: dict
"""

    WATCHED = r"""
options:
  watched:
    description: Directories of the controller where media are mounted, to show what is left (numeral 6.3).
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the medium, as in the inventory.
        type: str
        required: true
      path:
        description: Its directory on the controller.
        type: path
        required: true
"""

    SYSTEMS = r"""
options:
  systems:
    description: The systems of this host, as in M(perucompras.respaldo.backup_plan).
    type: list
    elements: dict
    required: true
  media:
    description: Where copies lie (numeral 6.5), as in M(perucompras.respaldo.backup_plan).
    type: list
    elements: dict
    required: true
  only:
    description: Only the systems of these names. Empty means all.
    type: list
    elements: str
    default: []
"""

    MONTHS = r"""
options:
  since:
    description: First month, C(2026-11). Empty is O(until).
    type: str
    default: ""
  until:
    description: Last month. Empty is O(since), or this month in the policy's time zone.
    type: str
    default: ""
"""
