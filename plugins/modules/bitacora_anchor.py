#!/usr/bin/python
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of an action: see plugins/action/bitacora_anchor.py.
"""

from __future__ import annotations

DOCUMENTATION = r"""
module: bitacora_anchor
short_description: Sends the newest seal of the bitácora by mail
version_added: 0.2.0
author:
  - perucompras.respaldo contributors (@perucompras)
description:
  - A seal proves something only against what lies outside the controller. This sends the newest one, and those since the last mail (at most
    100), to mailboxes of people who are not of the office that makes the copies - the auditor, an archive - once for each new seal
    (Manual 001-2019, numerals 5.2 b and 8.2).
  - The mail is an anchor by itself. Saved as a file it is given to the verifier, C(chain.py --anchor mail.eml).
  - It states label and SHA-256 of the newest copies of kit and bitácora too, which M(perucompras.respaldo.backup_recover) demands of a private key.
  - What was sent, or was not, is an entry. Run it once a day, on the controller.
notes:
  - Fails with RSP709 when no run ever sealed the bitácora, RSP906 when the mail can't go, RSP907 when the account is refused.
options:
  institution:
    description: Name of the institution, in the subject and the text.
    type: str
    default: PERÚ COMPRAS
  zone:
    description: Time zone of the date in the mail.
    type: str
    default: America/Lima
extends_documentation_fragment:
  - perucompras.respaldo.mail
  - perucompras.respaldo.groups.respaldo
attributes:
  check_mode:
    description: Says what would be sent; sends and records nothing.
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
seealso:
  - module: perucompras.respaldo.bitacora_verify
"""

EXAMPLES = r"""
- name: Anchor the bitácora in the mailbox of the auditor
  perucompras.respaldo.bitacora_anchor:
    mail:
      host: correo.example.org
      username: respaldo
      password: "{{ vault_mail_password }}"
      sender: respaldo@example.org
      to: [oci@example.org, archivo@example.org]
"""

RETURN = r"""
anchor:
  description: Name of the anchor in the bitácora.
  returned: success
  type: str
  sample: "correo: oci@example.org"
sealed_n:
  description: The entry of the newest seal that went there.
  returned: success
  type: int
  sample: 1284
seals:
  description: How many seals the mail carries, or would in check mode; 0 when there is no new one.
  returned: success
  type: int
  sample: 3
subject:
  description: Subject of the mail.
  returned: when there is one to send
  type: str
backup:
  description: What the bitácora records, with C(event) V(anchor_sent) or V(anchor_failed).
  returned: when it was tried
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
