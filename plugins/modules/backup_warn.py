# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action of the same name; it runs on the controller, so there is nothing to run here."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_warn
short_description: Warn people of what is not as it should be, once
version_added: 0.2.0
description:
  - Looks in the bitácora for copies that are overdue (numeral 6.4), failed, or of an unusual size, for verifications and drills that failed or
    are too old, for transfers, removals and restores that failed and were not repeated well since, for warnings
    of the last copy, for a broken chain and an old seal, and at directories of the controller that are nearly full (numeral 6.3).
  - Sends to each channel one message with what changed since that channel was told last - new, worse, solved - and once a day a summary.
    A condition that only goes on is not sent again.
  - What was sent is recorded in the bitácora, by the callback, and read from there the next time. What could not be sent is recorded as
    such, fails the task, and is sent by the next run.
  - With O(mail.by_role) each designated person gets what concerns them, in a mail of their own that is remembered apart.
  - A change of who is designated (numeral 5.1 b) that no entry tells yet is recorded.
  - A scheduled start that did not come, and a purpose (transfer, prune, verification, custody, anchor, drills) whose last run failed, are told too. Of each
    series of missed starts one entry C(schedule_missed) is written, for those who read only the bitácora.
  - The key C(warnings) of the policy holds the limits.
  - Run it once, on the controller. It knows the C(backup_systems) of every host of the inventory; they are read without opening secrets.
options:
  mail:
    suboptions:
      by_role:
        description:
          - Each person that O(actors) and the systems' C(responsible) designate for the day and that has an C(email) gets one mail with what concerns
            them, and nothing else - the EGCR of a kind (titular and suplente) its systems; the one of infrastructure also media and the bitácora, the
            one of databases custody, the one of source code the forges; the head of the OTI what lasts (from 4 days or failures on), schedules that
            did not run, integrity and designations; support the requests; a system's own responsible that system.
          - What nobody with an address is designated for goes to C(to), which says why, and so does what the mail server refused for somebody.
        type: bool
        default: false
  services:
    description: Send to services by the library apprise (Teams, Slack, Telegram, ntfy and others); C(requirements-notify.txt) brings it.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the channel, by which the bitácora knows what it was told.
        type: str
        required: true
      url:
        description: Its address as apprise writes it. It is a secret as a whole.
        type: str
        required: true
  watched:
    description: Directories of the controller - mounted media, the disk of the bitácora - whose free space is watched.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: How people know it.
        type: str
        required: true
      path:
        description: The directory.
        type: path
        required: true
  summary_from:
    description: The first run of a day after this time (HH:MM, in the policy's zone) sends the summary. Empty sends none.
    type: str
    default: '07:00'
attributes:
  check_mode:
    description: RV(messages) says what would be sent; nothing is sent or recorded.
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
extends_documentation_fragment:
  - perucompras.respaldo.planning.policy
  - perucompras.respaldo.mail
  - perucompras.respaldo.groups.policy
author:
  - perucompras.respaldo contributors (@perucompras)
"""

EXAMPLES = r"""
- name: Warn by mail and in the chat of the office
  perucompras.respaldo.backup_warn:
    mail:
      host: correo.example.org
      username: respaldo
      password: "{{ vault_mail_password }}"
      sender: respaldo@example.org
      to: [oti@example.org]
      by_role: true
    services:
      - name: chat-oti
        url: "{{ vault_chat_url }}"
    watched:
      - name: nas-lima
        path: /srv/copias
"""

RETURN = r"""
messages:
  description: What was sent, or would be in check mode, to each channel.
  returned: success
  type: list
  elements: dict
  contains:
    channel:
      description: V(correo), or that with the address of a designated person, or the name of the service.
      type: str
    subject:
      description: Its subject.
      type: str
    text:
      description: Its text, in Spanish.
      type: str
conditions:
  description: All conditions in force, told before or not, each with C(key), C(name), C(level), C(text), C(system), C(kind),
    C(responsible) and C(remedy).
  returned: success
  type: list
  elements: dict
left_to:
  description: The run of the same playbook that began earlier and is still at work; it warns, and this one sends nothing.
  returned: when there is one
  type: str
results:
  description: A row with C(backup) for each thing that was told, or not, and for each new series of missed starts, for the bitácora.
  returned: when something was sent or failed, or missed starts are written down
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
