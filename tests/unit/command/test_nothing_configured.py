# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What playbooks say that are run with nothing configured yet: in Spanish, by the names that a person writes in the inventory."""

from __future__ import annotations

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible_collections.perucompras.respaldo.plugins.action import backup_warn
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._custodians import custody


def test_custody_without_a_vault_password_says_so_in_spanish(tmp_path):
    with pytest.raises(BackupError) as caught:
        custody.keep(DataLoader(), str(tmp_path / "custodia"), "custodia:database/SIGA/SIGA_20261128")
    assert caught.value.code == "RSP801" and "no se indicó ninguna identidad de Ansible Vault" in caught.value.spanish and "--vault-id" in caught.value.remedy


def test_a_warning_that_reaches_nobody_names_the_variables_of_the_inventory():
    with pytest.raises(BackupError) as caught:
        backup_warn._services({"mail": None, "services": []})
    assert caught.value.code == "RSP101" and "backup_warn_mail, backup_warn_services" in caught.value.spanish
