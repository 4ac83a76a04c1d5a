# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action of the same name; it runs on the controller, so there is nothing to run here."""

from __future__ import annotations

DOCUMENTATION = r"""
module: bitacora_redact
short_description: Redact a text of an entry that must not be shown any more
version_added: 0.2.0
author:
  - perucompras.respaldo contributors (@perucompras)
description:
  - Writes an entry C(entry_redacted) - which entry, which of its texts, why, by which document (numeral 8.2, Ley 29733). From then on the bitácora's view,
    reports, board, compliance, mails and evidence pack show C([tachado]) in the place of the text.
  - The chain stays as it was. An entry's digest covers its whole content, so that nothing can be taken out of a row and the chain be whole; the text stays
    in the bitácora's own file or database, in its copies, and in the chain that an evidence pack holds. A secret that was written there must be changed.
  - Only free text can be redacted. What happened, to which copy, on which medium, with which result and code stays readable, so that no failure is hidden.
options:
  entries:
    description: Numbers (N.º) of the entries.
    type: list
    elements: int
    required: true
  fields:
    description: Which of their texts. Each entry must have all of them.
    type: list
    elements: str
    required: true
    choices: [reason_text, note_es, requester, ticket, responsible, executed_by, document, source, target, unread, warnings, warnings_es, error_message,
              error_message_es, error_remedy, error_remedy_es]
  reason:
    description: Why, for the bitácora, without the text itself.
    type: str
    required: true
  authority:
    description: Who orders it, and by which document.
    type: str
    required: true
  requester:
    description: Who asks for it.
    type: str
    default: ''
notes:
  - Fails with RSP739 for an entry that is not there, or a text that it has not or that must stay; with RSP101 for a blank reason.
extends_documentation_fragment:
  - perucompras.respaldo.groups.respaldo
attributes:
  check_mode:
    description: Says whether anything would change, and where else the text stands; the entry is marked as a simulation and hides nothing.
    support: full
  diff_mode:
    description: There is nothing to compare that may be shown.
    support: none
"""

EXAMPLES = r"""
- name: A password was typed into the reason
  perucompras.respaldo.bitacora_redact:
    entries: [5120, 5121]
    fields: [reason_text]
    reason: Contenía una contraseña, ya cambiada
    authority: Jefa de la OTI, Memorando 021-2027-OTI
"""

RETURN = r"""
elsewhere:
  description: Numbers of other entries, a hundred at most, that show the same text still.
  returned: success
  type: list
  elements: int
  sample: [5123]
backup:
  description: The entries C(entry_redacted).
  returned: changed
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
