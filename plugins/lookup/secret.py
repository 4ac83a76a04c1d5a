# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A secret of the institution, read from a custodian of the inventory."""

from __future__ import annotations

DOCUMENTATION = r"""
name: secret
short_description: Reads a secret from a custodian of the inventory
version_added: 0.2.0
author:
  - perucompras.respaldo contributors (@perucompras)
description:
  - Gives the password of a database, or any other secret that the institution itself keeps in an Azure Key Vault, a HashiCorp Vault or an
    OpenBao, by the same declaration and the same clients as the custodians of copies' passwords (Manual 001-2019, numeral 5.2).
  - The secret is read on the controller when the value is needed, once in a run whatever the number of tasks and hosts, and kept in the
    memory of that run only. A run that lasts for hours goes on with what it read first.
  - It never writes. The identity of the custodian needs to read that secret, no more.
  - A secret that can't be had is an error, which begins with its code; never an empty text. RSP606 is that there is no such secret, RSP607 that
    it holds no such field or nothing, RSP608 that this type of custodian keeps none; RSP804 that the service can't be reached, RSP805 that
    it refuses us, RSP809 that the secret was deleted there. No error tells anything of what was read.
options:
  _terms:
    description:
      - The names of the secrets.
      - In a HashiCorp Vault or OpenBao, the path below the C(mount) of the custodian, a KV engine of version 2; the custodian's C(path),
        where copies' passwords are, is not put before it.
      - In an Azure Key Vault, the name of the secret.
    type: list
    elements: str
    required: true
  custodian:
    description:
      - The name of the custodian among O(custodians).
      - May be left out where only one of them is a service.
    type: str
    default: ""
  field:
    description:
      - The field wanted of a secret that has several, in a KV engine or in a Key Vault whose value is a JSON object.
      - By default C(password), or the only field of a secret that has one only. A value that is plain text has none.
    type: str
    default: ""
  custodians:
    description:
      - The custodians, as in M(perucompras.respaldo.backup_plan).
      - Give others than those of the inventory where databases' passwords are kept apart from copies', with an identity of their own.
    type: list
    elements: dict
    default: []
    vars:
      - name: backup_custodians
seealso:
  - module: perucompras.respaldo.backup_custody
  - module: perucompras.respaldo.backup_plan
"""

EXAMPLES = r"""
# in the inventory: no password there, not even encrypted
backup_custodians:
  - name: boveda
    type: hashicorp_vault
    address: https://boveda.example.org:8200
    role_id: "{{ vault_role_id }}"
    secret_id: "{{ vault_secret_id }}"
backup_systems:
  - name: SIGA
    kind: database
    criticality: alta
    office: OTI
    source:
      type: postgresql
      databases: [siga]
      host: siga.example.org
      user: respaldo
      password: "{{ lookup('perucompras.respaldo.secret', 'bases/siga', custodian='boveda') }}"

# a field of another name, of an Azure Key Vault whose value is JSON
siaf_password: "{{ lookup('perucompras.respaldo.secret', 'siaf-respaldo', custodian='nube', field='clave') }}"
"""

RETURN = r"""
_raw:
  description: The secrets, in the order of the names.
  type: list
  elements: str
"""

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError


class LookupModule(LookupBase):
    def run(self, terms: list[Any], variables: Mapping[str, Any] | None = None, **options: Any) -> list[str]:
        # only a play that asks pays for the clients
        from ansible_collections.perucompras.respaldo.plugins.plugin_utils._custodians import entrusted

        self.set_options(var_options=variables, direct=options)
        custodians = self.get_option("custodians")
        if "custodians" not in options:
            # as written in the inventory: its secrets are templates
            custodians = self._templar.template(custodians)
        try:
            return [entrusted.read(self._loader, custodians, str(self.get_option("custodian")), str(term), str(self.get_option("field")))
                    for term in terms]
        except BackupError as error:
            # told by a template, which has no other place for the Spanish; without its cause, which Ansible would tell a second time
            raise AnsibleError(error.in_both()) from None
