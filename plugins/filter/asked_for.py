# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a system is among those asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine import label
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.plugin_utils import _names

DOCUMENTATION = r"""
name: asked_for
short_description: Whether a system is among those asked for
version_added: "0.2.0"
author:
  - perucompras.respaldo contributors (@perucompras)
description:
  - Compares a name with those of C(backup_only) as every role does, whatever case and accents it is written with.
  - Nothing asked for is every system. Whether a name is one of the inventory at all is not its business.
positional: _input, names
options:
  _input:
    description: The name of a system.
    type: str
    required: true
  names:
    description: The names asked for; a list, or a text with one on each line or between commas. Null and blank ask for all.
    type: raw
    required: true
"""

EXAMPLES = r"""
- ansible.builtin.debug:
    msg: "{{ 'SIGA' | perucompras.respaldo.asked_for(backup_only) }}"
"""

RETURN = r"""
_value:
  description: Whether it is asked for.
  type: bool
"""


def asked_for(name: Any, names: Any) -> bool:
    try:
        asked = _names.asked(names)
        return not asked or label.canonical(str(name)).lower() in [label.canonical(each, "only").lower() for each in asked]
    except BackupError as error:
        raise AnsibleFilterError(error.in_both()) from None


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"asked_for": asked_for}
