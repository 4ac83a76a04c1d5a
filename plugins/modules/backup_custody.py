# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action of the same name; it runs on the controller, so there is nothing to run here."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_custody
short_description: Give every custodian every key, and every key its seals
version_added: 0.2.0
description:
  - Compares what the custodians hold, and gives each the records that it lacks, read back after they were written (numerals 5.2, 7.2.1 b).
    A custodian that is new gets all of them; no copy is encrypted anew, and nothing is ever replaced or removed.
  - A custodian with V(retired=true) is only read from. When it has nothing that the others lack, it may go from the inventory.
  - Seals every record, beside each vault file, to the OpenPGP public keys of the EGCR of its kind and the EGCR of databases who are in
    charge today, where the seal that lies there is for others. This needs C(gpg) on the controller.
  - Keys of copies that still exist and that no custodian holds, custodians that do not answer, records that were changed and custodians that
    do not agree are recorded as C(custody_failed) (RSP801 to RSP810); the task itself goes on.
    M(perucompras.respaldo.bitacora_verdict) fails the play.
options:
  show:
    description: Also print what was found and done, in Spanish.
    type: bool
    default: false
extends_documentation_fragment:
  - perucompras.respaldo.planning.policy
  - perucompras.respaldo.custodians
  - perucompras.respaldo.groups.policy
attributes:
  check_mode:
    description: Says what each custodian would be given and what would be sealed anew; the entries are marked as a simulation.
    support: full
  diff_mode:
    description: Shows which references each custodian holds before and after.
    support: full
author:
  - perucompras.respaldo contributors (@perucompras)
"""

EXAMPLES = r"""
- name: A key vault was added to the inventory
  perucompras.respaldo.backup_custody:
    custodians: "{{ backup_custodians }}"
    actors: "{{ backup_actors }}"
    show: true
"""

RETURN = r"""
handed:
  description: By custodian, the references of the records that it was given.
  returned: success
  type: dict
  sample: {nube: ["custodia:database/SIGA/SIGA_20261122"]}
resealed:
  description: By vault file, the references whose seal was made, or made again for other public keys.
  returned: success
  type: dict
problems:
  description: What is not in order, each as an error of the catalogue.
  returned: success
  type: list
  elements: dict
  sample: [{code: RSP804, name: custodian_unreachable}]
summary:
  description: The same as lines in Spanish.
  returned: success
  type: list
  elements: str
backup:
  description: The entries C(custody_updated), C(custody_failed) and C(custody_checked). They hold references and names, and no secret.
  returned: success
  type: list
  elements: dict
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
