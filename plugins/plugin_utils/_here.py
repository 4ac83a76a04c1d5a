# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An action's own module on the controller: where the identity or the key is, a medium is looked after."""

from __future__ import annotations

import copy
import sys
import typing as t

from ansible.plugins.action import ActionBase
from ansible.plugins.loader import connection_loader


def here(action: ActionBase, task_vars: dict[str, t.Any]) -> tuple[ActionBase, dict[str, t.Any]]:
    """The same action on the controller itself, by the account that runs the play, and the variables to run it with."""
    play_context = copy.copy(action._play_context)
    play_context.become = False
    local = copy.copy(action)
    local._play_context = play_context
    local._connection = connection_loader.get("ansible.builtin.local", play_context)
    local._connection.set_options(var_options={})
    return local, {**task_vars, "ansible_connection": "local", "ansible_python_interpreter": sys.executable}
