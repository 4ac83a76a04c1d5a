# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking another action of ours for what it would do, from within one of ours: its own check mode is the preflight, so that there is no second one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase

_COLLECTION = "perucompras.respaldo."


def simulate(action: ActionBase, name: str, arguments: Mapping[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
    """The result of an action of ours on the same server in check mode; one that Ansible itself refuses is a failed result.

    Raises AnsibleConnectionFailure where the server is not reached.
    """
    task = action._task.copy()
    task.action, task.args, task.check_mode = _COLLECTION + name, dict(arguments), True
    asked = action._shared_loader_obj.action_loader.get(
        _COLLECTION + name, task=task, connection=action._connection, play_context=action._play_context, loader=action._loader,
        templar=action._templar, shared_loader_obj=action._shared_loader_obj)
    try:
        return dict(asked.run(task_vars=task_vars))
    except AnsibleConnectionFailure:
        raise
    except AnsibleError as error:
        return {"failed": True, "msg": str(error)}
