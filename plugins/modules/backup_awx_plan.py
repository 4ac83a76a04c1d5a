#!/usr/bin/python
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action of the same name; it runs on the controller, so there is nothing to run here."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_awx_plan
short_description: Tell what AWX is to have of a schedule, before anything is made there
version_added: 0.3.0
description:
  - Checks O(settings), that the collection C(awx.awx) is installed, and that AWX answers to who asks. Reads what AWX has of ours, and tells what its modules
    are to make and to remove. Makes nothing itself.
  - Names are the prefix and a word of a list of ours, and only the organization of O(settings) is looked at. What others made is in none of the lists.
  - No secret is in the result.
  - Runs on the controller.
notes:
  - Fails with RSP746 for settings that are not valid or an AWX that does not take them, RSP747 where C(awx.awx) is not installed, RSP475 where AWX did not find
    the playbooks in the project, and RSP476 where it runs what is to be removed.
options:
  settings:
    description:
      - Where AWX is, who asks, and what ours is made of there, C(backup_awx) of the inventory.
      - V(url), by https; V(token), an OAuth token of AWX, or V(username) and V(password). V(organization), which is made where it is not there.
      - V(project), with V(url) of a git repository, V(branch), V(credential), the name of one in AWX that reads it, and V(update_on_launch), whether AWX reads
        the repository before each start, at most each five minutes (V(true)); without it, what was pushed counts from the next synchronisation that a person
        asks for. A manual project is of no use, since AWX reads no inventory from it. V(playbooks) is the directory of our playbooks in it
        (V(playbooks)), and V(inventory) the path of the inventory in it.
      - V(image), the execution environment.
      - V(vault) with V(password), V(bitacora) with V(url), V(password), V(journal) and V(seal_key), V(azure) with V(tenant), V(client_id),
        V(subscription_id) and V(secret) are credentials that are made and given to each template. One whose secret is left out is made without, for a
        person to fill in AWX, and not touched again. V(credentials) lists names of others that AWX has, such as the key for SSH.
      - V(notification), with V(type) and V(configuration) as AWX names them, is told of each template's failure and of a
        restore that waits for its approval. It can hold no secret.
      - V(approval_hours) is how long a restore waits for its approval (24). V(prefix) begins all names (V(respaldo)).
    type: dict
    required: true
  schedules:
    description: The plan, as RV(perucompras.respaldo.backup_schedule#module:schedules) gives it.
    type: list
    elements: dict
    default: []
  state:
    description: V(absent) wants nothing that runs. What holds secrets or history stays.
    type: str
    choices: [present, absent]
    default: present
  project_wait:
    description: For how many seconds to wait until AWX has read the repository of the project. With V(0) it is not looked at.
    type: int
    default: 0
extends_documentation_fragment:
  - perucompras.respaldo.groups.respaldo
attributes:
  check_mode:
    description: Changes nothing in any mode. In a simulation it is changed when AWX has not what it is to have.
    support: full
  diff_mode:
    description: Shows the objects that AWX has of ours, and those that it is to have.
    support: full
author:
  - perucompras.respaldo contributors (@perucompras)
"""

EXAMPLES = r"""
- name: What AWX is to have
  perucompras.respaldo.backup_awx_plan:
    settings:
      url: https://awx.example.org
      token: "{{ vault_awx_token }}"
      organization: OTI
      project: {url: "https://git.example.org/oti/respaldo.git", branch: main}
      inventory: inventories/entidad/hosts.yml
      image: registro.example.org/respaldo:0.3.0
      vault: {password: "{{ vault_password_of_this_vault }}"}
      credentials: [llave-ssh]
    schedules: "{{ planned.schedules }}"
"""

RETURN = r"""
ground:
  description: What the rest stands on, a table each for V(organization), V(credential_type), V(image), V(project), V(inventory) and V(notification).
  returned: success
  type: dict
credentials:
  description: Credentials, without their secrets.
  returned: success
  type: list
  elements: dict
templates:
  description: Job templates, with the surveys of those that have one.
  returned: success
  type: list
  elements: dict
workflow:
  description: The workflow in which a restore waits for its approval.
  returned: success
  type: dict
schedules:
  description: Schedules, each with the template of its name.
  returned: success
  type: list
  elements: dict
unwanted:
  description: Names of what is ours and no longer wanted, by collection of AWX.
  returned: success
  type: dict
error:
  description: What went wrong.
  returned: failure
  type: dict
  contains:
    code: {description: Stable code., type: str, sample: RSP746}
    name: {description: Name of the error., type: str, sample: awx_refused}
    message: {description: "What is wrong and where, in English.", type: str}
    hint: {description: "What to do about it, in English.", type: str}
    message_es: {description: The same message in Spanish., type: str}
    remedy_es: {description: The same remedy in Spanish., type: str}
"""
