# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who keeps passwords: one file for each type of custodian, behind the contract of base.py. Only those a play names are imported."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from .base import Custodian


def build(options: Mapping[str, t.Any], loader: t.Any) -> Custodian:
    """The custodian that checked options name; `loader` is Ansible's, whose vault identities vault files need."""
    kind = options.get("type", "vault_file")
    if kind == "azure_key_vault":
        from .azure_key_vault import AzureKeyVault

        return AzureKeyVault(options)
    if kind == "hashicorp_vault":
        from .hashicorp_vault import HashicorpVault

        return HashicorpVault(options)
    from .vault_file import VaultFile

    return VaultFile(options, loader)
