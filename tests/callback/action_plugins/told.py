# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands for a module that copies: gives back what it is told, and on demand fails, waits, or loses its server."""

from __future__ import annotations

import os
import time

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    _supports_check_mode = True

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        told = dict(self._task.args)
        marker, seconds = told.pop("marker", None), float(told.pop("wait", 0))
        if marker:
            with open(marker + ".new", "w", encoding="ascii") as file:
                file.write(str(os.getpid()))
            os.rename(marker + ".new", marker)
        time.sleep(seconds)
        if told.pop("lose_server", False):
            raise AnsibleConnectionFailure("the server went away")
        result.update(told)
        return result
