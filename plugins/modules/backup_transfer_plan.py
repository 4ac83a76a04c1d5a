# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action of the same name; it runs on the controller, so there is nothing to run here."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_transfer_plan
short_description: Say which copies are not yet in the repository
version_added: 0.2.0
description:
  - Monthly all copies go to the repository, local or in a cloud (manual 001-2019, numerals 7.2.1 d and 7.2.2 c). This says which of a host's systems
    are not there yet by the bitácora, and from which medium each is to be taken, the one where it is proved best.
  - A copy that is whole on no medium of the host is told and left out.
  - Nothing is carried here; the role C(repository) does it with M(perucompras.respaldo.backup_transfer).
options:
  repository:
    description: Name of the medium in O(media) that is the repository.
    type: str
    required: true
  show:
    description: Also print the turns in Spanish.
    type: bool
    default: false
extends_documentation_fragment:
  - perucompras.respaldo.planning.policy
  - perucompras.respaldo.planning.systems
  - perucompras.respaldo.groups.policy
attributes:
  check_mode:
    description: The answer is the same, since nothing is changed.
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
author:
  - perucompras.respaldo contributors (@perucompras)
"""

EXAMPLES = r"""
- name: What is not in the repository yet
  perucompras.respaldo.backup_transfer_plan:
    systems: "{{ backup_systems }}"
    media: "{{ backup_media }}"
    repository: repositorio
    show: true
"""

RETURN = r"""
systems:
  description: How many systems of this host whose copies were looked at. A run in which it is 0 for every host is empty, and ends with 71.
  returned: success
  type: int
  sample: 3
transfers:
  description: The copies to be carried, oldest first in each system.
  returned: success
  type: list
  elements: dict
  contains:
    label: {description: Label (numeral 6.7)., type: str, sample: SIGA_20261122}
    system: {description: System., type: str, sample: SIGA}
    kind: {description: Kind., type: str, sample: database}
    sha256: {description: SHA-256 of the copy's list of files., type: str}
    source: {description: Name of the medium to take it from., type: str, sample: disco}
    trust_level: {description: "Trust level it has on the repository afterwards, T1 or T2.", type: str, sample: T2}
    record: {description: What its entry says beside., type: dict}
batches:
  description: The same copies, as many together as one task of M(perucompras.respaldo.backup_transfer) carries from one medium.
  returned: success
  type: list
  elements: dict
  contains:
    kind: {description: Kind., type: str, sample: database}
    source: {description: Name of the medium to take them from., type: str, sample: disco}
    copies: {description: "What RV(transfers) says of each.", type: list, elements: dict}
    labels: {description: Their labels., type: list, elements: str, sample: [SIGA_20261122]}
summary:
  description: The same in Spanish, for people.
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
