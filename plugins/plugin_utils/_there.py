# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An action's own module on another server of the inventory: what one says of a medium that others share, another can be asked too."""

from __future__ import annotations

import copy
import typing as t

from ansible import constants
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import become_loader, connection_loader

# Beside those that the plugins of the connection and of become name themselves.
_PLAIN = ("ansible_facts", "ansible_python_interpreter", "discovered_interpreter_python", "inventory_hostname")


def there(action: ActionBase, task_vars: dict[str, t.Any], host: str) -> tuple[ActionBase, dict[str, t.Any]]:
    """The same action on another host of the inventory, as a task delegated to it would reach it, and the variables to run it with."""
    theirs = task_vars["hostvars"][host]
    context = copy.copy(action._play_context)
    # as Ansible's own executor: the seconds of a task, and its repetitions, are not those of a connection
    keys = {**action._task.dump_attrs(), "timeout": context.timeout}
    keys.pop("retries", None)
    keys.update({name: value for name, value in (("password", context.password), ("become_pass", context.become_pass)) if value})
    connection = connection_loader.get(str(theirs.get("ansible_connection") or action._task.connection or "ssh"), context)
    plain = set(_PLAIN)
    names = set(constants.config.get_plugin_vars("connection", connection._load_name))
    connection.set_options(task_keys=keys, var_options={name: theirs[name] for name in names if name in theirs})
    plain |= names
    context.become = boolean(theirs.get("ansible_become", action._task.become) or False)
    become = None
    if context.become:
        become = become_loader.get(str(theirs.get("ansible_become_method") or action._task.become_method or "sudo"))
        names = set(constants.config.get_plugin_vars("become", become._load_name))
        become.set_options(task_keys=keys, var_options={name: theirs[name] for name in names if name in theirs})
        plain |= names
    connection.set_become_plugin(become)
    other = copy.copy(action)
    other._play_context, other._connection = context, connection
    other._discovered_interpreter_key = None
    variables = {name: value for name, value in task_vars.items() if name not in plain}
    return other, {**variables, "ansible_facts": {}, **{name: theirs[name] for name in plain if name in theirs}}
