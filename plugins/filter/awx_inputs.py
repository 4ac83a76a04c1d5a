# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a credential or a notification of AWX is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.perucompras.respaldo.plugins.plugin_utils._schedules import awx_notifications

DOCUMENTATION = r"""
name: awx_inputs
short_description: What a credential or a notification of AWX is made of
version_added: "0.3.0"
author:
  - perucompras.respaldo contributors (@perucompras)
description:
  - Gives the inputs of a credential, as its type in AWX names them, of what C(backup_awx) says of it. What is not said is left out.
  - Of a notification, its configuration, with what AWX adds where nothing is said.
positional: _input, key
options:
  _input:
    description: The settings, C(backup_awx).
    type: dict
    required: true
  key:
    description: Which credential, or V(notification).
    type: str
    choices: [vault, bitacora, azure, notification]
    required: true
"""

EXAMPLES = r"""
- awx.awx.credential:
    name: respaldo vault
    credential_type: Vault
    inputs: "{{ backup_awx | perucompras.respaldo.awx_inputs('vault') }}"
  no_log: true
"""

RETURN = r"""
_value:
  description: The inputs, with their secrets.
  type: dict
"""

_NAMES = {
    "vault": {"password": "vault_password"},
    "bitacora": {"url": "url", "password": "password", "journal": "journal", "seal_key": "seal_key"},
    "azure": {"tenant": "tenant", "client_id": "client", "subscription_id": "subscription", "secret": "secret"},
}


def awx_inputs(settings: Mapping[str, Any], key: str) -> dict[str, Any]:
    given = settings[key]
    if key == "notification":
        return awx_notifications.whole(given)
    return {theirs: given[ours] for ours, theirs in _NAMES[key].items() if given.get(ours)}


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"awx_inputs": awx_inputs}
