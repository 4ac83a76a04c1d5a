#!/usr/bin/python
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action of the same name; it runs on the controller, so there is nothing to run here."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_semaphore
short_description: Make a project of Semaphore of the inventory's schedule
version_added: 0.3.0
description:
  - By the REST API of Semaphore, 2.10 and later, makes a project with keys, a repository, an inventory that is a file of it, an environment, a template and
    a schedule for each purpose, and templates with a survey for what people start by hand (an emergency copy, a request for a restore, an excuse, a hold).
  - All that it made has a name that begins with C(respaldo:). What of that is no longer wanted it removes; anything else it never touches, and a template of
    its own that somebody gave another schedule it leaves there and tells.
  - Semaphore knows no time zone of a schedule. Times are moved from the policy's zone to the server's; where those do not differ by the same hours all year
    round, or a day of the month would not be one, nothing is written (RSP748).
  - Each object is read back after it was written. Secrets of keys are never given back by Semaphore, so they are told when a key is made and with
    O(renew_keys) alone. No secret goes into an environment or an argument.
  - Records nothing itself; M(perucompras.respaldo.backup_schedule) records which times are in force.
  - Runs on the controller.
notes:
  - Fails with RSP748 for what is not well declared and for times that Semaphore can't have, before anything is written, and with RSP749 when it refuses or
    does not answer. Run again, it does what is still missing.
options:
  semaphore:
    description:
      - The server and what its project is made of, C(backup_semaphore) of the inventory.
      - V(url) and V(token), the address of Semaphore and a token of a user who may manage the project (to make it, an administrator).
      - V(zone), by which zone the server counts; needed where it does not tell that itself (2.10), refused where it tells another.
      - V(project) (C(Respaldo)), V(repository) (V(url), V(branch), V(key)), V(inventory) (path of the inventory in the repository), V(playbooks) (where our
        playbooks are in it, C(playbooks)).
      - V(keys), rows of V(name), V(type) (V(ssh) or V(login_password)), V(login), V(private_key), V(password); V(ssh_key) and V(become_key) name those for
        servers, V(vaults) (rows of V(key), V(id)) those that open vaults.
      - V(environment), names and texts that each task is told. No secrets.
      - V(surveys), which of V(copy), V(restore), V(excuse), V(hold) people may start. By default all.
      - V(ca_certs), V(proxy), V(retry_seconds), as of other services.
    type: raw
    required: true
  schedules:
    description: What runs when, rows that M(perucompras.respaldo.backup_schedule) returned as C(schedules).
    type: list
    elements: dict
    default: []
  state:
    description: V(absent) takes away all that was made here. The project itself stays, with what others put there.
    type: str
    choices: [present, absent]
    default: present
  renew_keys:
    description: Tell Semaphore the secrets of all keys again, after they changed.
    type: bool
    default: false
extends_documentation_fragment:
  - perucompras.respaldo.groups.respaldo
attributes:
  check_mode:
    description: Asks the server, and tells what would be made, changed and removed.
    support: full
  diff_mode:
    description: Shows each object before and after, without secrets.
    support: full
author:
  - perucompras.respaldo contributors (@perucompras)
"""

EXAMPLES = r"""
- name: What is to run when
  perucompras.respaldo.backup_schedule:
    schedule: "{{ backup_schedule }}"
    scheduler: semaphore
  register: plan

- name: Put it into Semaphore
  perucompras.respaldo.backup_semaphore:
    semaphore: "{{ backup_semaphore }}"
    schedules: "{{ plan.schedules }}"
"""

RETURN = r"""
crons:
  description: By purpose, when it runs, by the server's clock.
  returned: success
  type: dict
  sample: {"copies": "0 3 * * *"}
made:
  description: What was made, or would be.
  returned: success
  type: list
  elements: str
  sample: ["schedules: respaldo: copias que corresponden"]
updated:
  description: What was changed, or would be.
  returned: success
  type: list
  elements: str
removed:
  description: What was removed, or would be.
  returned: success
  type: list
  elements: str
kept:
  description: What is no longer wanted, and stays because something of others uses it.
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
