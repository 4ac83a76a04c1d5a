# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action of the same name; it runs on the controller, so there is nothing to run here."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_select
short_description: Locate the copy to restore or verify, and open its restore in the bitácora
version_added: 0.1.0
description:
  - Locates in the bitácora the most recent good copy of a system, before the loss when O(lost_at) is given
    (manual 001-2019, numeral 7.1.3).
  - With O(for=restore) the result carries the C(backup) structure of a restore that starts, which the bitácora's callback
    records, so each restore has an entry before any work is done.
options:
  system:
    description: Name of the system as declared in the inventory.
    type: str
    required: true
  label:
    description: A certain copy instead of the most recent. With O(for=restore) an older copy than the most recent needs O(reason).
    type: str
    default: ""
  lost_at:
    description: When the information was lost, as C(YYYY-MM-DD) or C(YYYY-MM-DD HH:MM) in the policy's time zone. Copies started later are passed over.
    type: str
    default: ""
  time_zone:
    description: Time zone of O(lost_at).
    type: str
    default: America/Lima
  reason:
    description: Why another copy than the most recent is restored; recorded.
    type: str
    default: ""
  ticket:
    description:
      - Ticket of the request (numeral 7.1.2), or the number of the help desk that is bound to it; recorded.
      - One that no request has is refused (RSP763), and so is a request of another office than the system's, or than the folder's that the paths lie in
        (RSP762).
    type: str
    default: ""
  requester:
    description: Who asked for it (numeral 7.1.1); recorded.
    type: str
    default: ""
  requires_request:
    description:
      - Which restores need a request that the head of the OTI authorised (numeral 7.1; M(perucompras.respaldo.backup_request)), V(all), those of a
        V(file_server), or V(none). Without one they are refused with RSP754 before anything is touched, unless O(emergency) says why.
      - Of a O(ticket) that is a request, the copy is the most recent before its loss, and a later change is warned of (numeral 5.3 c), whatever this says.
    type: str
    choices: [none, file_server, all]
    default: none
  emergency:
    description: Why it is restored before there is leave for it; recorded. The request is opened or authorised afterwards.
    type: str
    default: ""
  paths:
    description:
      - What of a file server's copy will be restored, as in M(perucompras.respaldo.backup_restore). Compared with the request's office (RSP762), and no more.
      - A list, or a text with one path on each line.
    type: raw
    default: []
  offices:
    description: Whose the shared folders of a file server are, as path and office (numeral 5.2).
    type: dict
    default: {}
  mail:
    description: Of a mailbox, which mails are restored and as what, as in M(perucompras.respaldo.backup_restore). Looked at here; the bitácora gets none of it.
    version_added: 0.3.0
    type: dict
    default: {}
  mailbox:
    description:
      - Of a mailbox, the system whose mailbox the mails come back to; recorded. A restore of a mailbox always needs a request that names it, or O(emergency).
      - Another one than its own needs a request of the same office that names it, by a row C(buzon:NAME) of what it asks for (RSP763).
    version_added: 0.3.0
    type: str
    default: ""
  account:
    description:
      - Of a mailbox, the account that signs in for mails to come back, where the inventory's is not wanted.
      - It is that of O(mailbox), or a master user who enters it, as C(ACCOUNT*MASTER), parted as your server wants it.
    version_added: 0.3.0
    type: str
    default: ""
  target:
    description: Where it will be restored to; recorded. Only of a file server's copy, and into a mailbox, may it be left out of a restore.
    type: str
    default: ""
  media:
    description: The media of the inventory; the first that holds the copy is returned.
    type: list
    elements: dict
    required: true
  partial:
    description: Take what a run of a file server could read that failed with RSP220; O(label) names the run. It is no copy.
    type: bool
    default: false
  damaged:
    description: Offer the copy that O(label) names though it counts as damaged, for the O(reason) given; both are recorded.
    type: bool
    default: false
  for:
    description: What the copy is wanted for.
    type: str
    choices: [restore, verify]
    default: restore
extends_documentation_fragment:
  - perucompras.respaldo.backup.kind
  - perucompras.respaldo.groups.respaldo
attributes:
  check_mode:
    description: The same copy is located; the bitácora marks the entry as a simulation.
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
author:
  - perucompras.respaldo contributors (@perucompras)
"""

EXAMPLES = r"""
- name: Locate the most recent copy before the loss
  perucompras.respaldo.backup_select:
    system: SIGA
    kind: database
    lost_at: 2026-11-22 10:30
    ticket: 2026-0117
    target: siga_restaurada
    media: "{{ backup_media }}"
  register: chosen
"""

RETURN = r"""
mail_format:
  description: Of a mailbox that is restored, the form of its mails as M(perucompras.respaldo.backup_restore) takes it; empty for what is none.
  returned: with O(for=restore)
  type: str
label:
  description: Label of the copy.
  returned: success
  type: str
  sample: SIGA_20261122
sha256:
  description: SHA-256 of its SHA256SUMS, as recorded when it was made.
  returned: success
  type: str
key_reference:
  description: Where custody keeps its password; empty when it has none.
  returned: success
  type: str
medium:
  description: Name of the medium that holds it.
  returned: success
  type: str
source_type:
  description: What made it.
  returned: success
  type: str
chosen:
  description: Which copy it is, of when, on which medium, and why that one, in Spanish; printed before anything is done.
  returned: success, with O(for=restore)
  type: str
  sample: "Copia elegida: SIGA_20261122, del 22/11/2026 02:10, en el medio nas, nivel T3: es la más reciente"
copy:
  description: Its entry in the bitácora.
  returned: success
  type: dict
backup:
  description: What the bitácora records, with O(for=restore).
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
