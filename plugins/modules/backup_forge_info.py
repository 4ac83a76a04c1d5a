# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action of the same name; it runs on the controller, so there is nothing to run here."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_forge_info
short_description: List the repositories of forges, and what changed among them
version_added: 0.2.0
description:
  - Asks Gitea, Forgejo, GitLab or Azure DevOps for all repositories of an organization, group or project (manual 001-2019, numeral 7.2.2), and compares them
    with what the bitácora remembers. What is new, renamed, or gone is told, and recorded as C(repository_found), C(repository_renamed), C(repository_gone),
    with C(forge_listed) for the listing itself. The roles that copy source code ask for it; nobody has to run it by hand.
  - A repository is known by its number in the forge, not by its name. So one that is renamed stays the same system, with its copies; and a new one with the
    name of one that was deleted is another system.
  - The name of a system is the prefix and the path of the repository below O(forges)[].owner (of Azure DevOps, below the project), with C(-) for slashes and
    spaces, accents folded, and C(_) for what a label can't hold (numeral 6.7). When it had to be changed so, is too long, or is another system's,
    C(-) and the repository's number follow it. It is given once and stays.
  - What a list lacks is asked for by its number before it is taken for gone. A list that is not whole, or in which all or more than half of what is
    known is lacking, disabled or not asked for any more, is refused (RSP462, RSP463), and so is one of which nothing is to be copied (RSP464). Then
    C(forge_failed) is recorded, the run ends as failed, and all that is known is still copied.
  - Repositories without any commit are not copied until they have one. Wikis are repositories too, and systems of their own.
  - It runs on the controller, which sends the token to the forge's own address only. The server that copies gets it like the password of any git source.
options:
  forges:
    description:
      - The forges, C(backup_forges). Each has V(name), V(type) (V(gitea), V(forgejo), V(gitlab) or V(azure_devops)), V(url), V(token), and what its
        systems have in common, V(criticality) and V(office).
      - V(owner) is an organization or user (Gitea, Forgejo), a group with its subgroups (GitLab), the organization or collection (Azure DevOps, needed).
        Without it, all that the account sees, or with GitLab is a member of. V(project) is one project of Azure DevOps.
      - V(include) and V(exclude) are patterns (V(*), V(?)) for the name of a repository, or with a slash for its whole path. V(archived), V(forks) and
        V(wikis), each V(true), say whether those are copied.
      - V(prefix) begins the names of its systems. V(username) is the account of git, where the forge looks at it. V(lfs), V(ca_certs) and V(proxy) are as in a
        git source; V(ca_certs), when it is a path, must be there on the controller and on the server. V(retry_seconds) (V(120)) is for how long a
        busy forge is asked again. V(enabled=false) asks nothing and copies nothing.
      - V(responsible), V(media), V(minimum_size), V(compression) and V(encryption_format) are as in C(backup_systems).
      - A forge belongs to the one host that copies its repositories. Repositories of other criticality or office are another forge of the same V(url).
    type: list
    elements: dict
    required: true
  systems:
    description: The other systems of the host, C(backup_systems), whose names are taken.
    type: list
    elements: dict
    default: []
  accept_gone:
    description: Names of forges of which a list that lacks all or most of what is known is believed, or all of which is left out on purpose.
      A list, or a text with commas.
    type: raw
  record:
    description: Returns RV(backup), so that the bitácora remembers what was found.
    type: bool
    default: false
  show:
    description: Also print in Spanish what changed.
    type: bool
    default: false
extends_documentation_fragment:
  - perucompras.respaldo.groups.respaldo
attributes:
  check_mode:
    description: The forges are asked, and what is found is not remembered.
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
seealso:
  - plugin: perucompras.respaldo.with_forges
    plugin_type: filter
author:
  - perucompras.respaldo contributors (@perucompras)
"""

EXAMPLES = r"""
- name: What is there, and what changed since the last run
  perucompras.respaldo.backup_forge_info:
    forges:
      - name: gitea
        type: gitea
        url: https://git.example.org
        owner: oti
        token: "{{ vault_gitea_token }}"
        criticality: media
        office: Oficina de Tecnologías de la Información
        exclude: [pruebas-*]
      - name: gitlab
        type: gitlab
        url: https://gitlab.example.org
        owner: sistemas/portal
        token: "{{ vault_gitlab_token }}"
        criticality: alta
        office: Oficina de Tecnologías de la Información
      - name: devops
        type: azure_devops
        url: https://dev.azure.com
        owner: entidad
        project: Portal
        token: "{{ vault_devops_token }}"
        criticality: alta
        office: Dirección de Acuerdos Marco
        prefix: devops-
    show: true
  register: listed
"""

RETURN = r"""
systems:
  description: How many repositories are known, those that are gone too.
  returned: success
  type: int
  sample: 203
repositories:
  description: Each repository that is known of these forges, in the order in which they were first found.
  returned: success
  type: list
  elements: dict
  contains:
    forge: {description: Name of the forge., type: str, sample: gitea}
    id: {description: "The repository's number or identity there, with C(.wiki) for its wiki.", type: str, sample: "17"}
    path: {description: Where it lies there., type: str, sample: oti/portal}
    system: {description: The system that it is., type: str, sample: portal}
    gone: {description: "In Spanish, why it is copied no more; empty while it is.", type: str}
    gone_at: {description: When that was seen., type: str}
    new: {description: Whether this listing found it., type: bool, returned: when it did}
failures:
  description: The forges that were not listed, each with C(forge), C(code), C(message) and C(message_es).
  returned: success
  type: list
  elements: dict
summary:
  description: What changed, in Spanish, a line each.
  returned: success
  type: list
  elements: str
backup:
  description: The entries C(forge_listed), C(forge_failed), C(repository_found), C(repository_renamed) and C(repository_gone).
  returned: when O(record) is set
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
