# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The systems of an inventory with those that its forges bring."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils._engine.errors import BackupError

DOCUMENTATION = r"""
name: with_forges
short_description: The systems of a host, with the repositories of its forges
version_added: "0.2.0"
author:
  - perucompras.respaldo contributors (@perucompras)
description:
  - Adds to C(backup_systems) a system for each repository of C(backup_forges) that the bitácora knows (manual 001-2019, numeral 7.2.2), in the order in which
    they were first found. One that is gone from its forge is there too, with C(enabled=false), so that its copies stay under the policy.
  - No forge is asked; M(perucompras.respaldo.backup_forge_info) asks them. Without forges the systems are given back as they are.
  - What it gives holds the tokens of the forges, as C(backup_systems) holds passwords.
positional: _input, forges
options:
  _input:
    description: The systems, C(backup_systems).
    type: list
    elements: dict
    required: true
  forges:
    description: The forges, C(backup_forges), as M(perucompras.respaldo.backup_forge_info) reads them.
    type: list
    elements: dict
    required: true
  repositories:
    description: What M(perucompras.respaldo.backup_forge_info) has just returned as RV(perucompras.respaldo.backup_forge_info#module:repositories). Without it,
      what the bitácora remembers.
    type: list
    elements: dict
"""

EXAMPLES = r"""
- ansible.builtin.debug:
    msg: "{{ backup_systems | default([], true) | perucompras.respaldo.with_forges(backup_forges) | map(attribute='name') }}"
"""

RETURN = r"""
_value:
  description: The systems.
  type: list
  elements: dict
"""


def with_forges(given: Any, forges: Any, repositories: Any = None) -> Any:
    if not forges:
        return given
    # each process that reads backup_systems loads this filter, and few institutions have a forge
    from ..module_utils._engine.policy import forges as forms
    from ..plugin_utils._forges import declared, systems
    from ..plugin_utils._tasks import plain

    try:
        forms.check(plain(forges))
        known = declared.known() if repositories is None else _just_listed(plain(repositories))
    except BackupError as error:
        raise AnsibleFilterError(error.in_both()) from None
    if not isinstance(given, (list, tuple)):
        return given    # the check of the systems tells what is wrong with them
    return [*given, *systems.rows(forges, known)]


def _just_listed(rows: list[dict[str, Any]]) -> list[Any]:
    """Of what is new, another host may have had the name first: the bitácora says it, and is asked only then."""
    from ..plugin_utils._forges import declared
    from ..plugin_utils._forges.memory import Known, as_written

    found = [Known(**{name: row[name] for name in Known._fields if name in row}) for row in rows]
    return as_written(found, declared.known()) if any(row.get("new") for row in rows) else found


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"with_forges": with_forges}
