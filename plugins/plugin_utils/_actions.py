# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every action plugin of ours does the same way: check its arguments, and turn an error of the catalogue into a result."""

from __future__ import annotations

import abc
from typing import Any

from ansible.plugins.action import ActionBase

from ..module_utils._engine.errors import BackupError


def failed(error: BackupError) -> dict[str, Any]:
    """The failed result that tells an error: `msg` for people, `error` for playbooks and for the callback."""
    return {
        "failed": True,
        "changed": False,
        "msg": "{0}: {1}. {2}".format(error.code, error.message, error.hint),
        "error": {
            "code": error.code,
            "name": error.fault.name,
            "message": error.message,
            "hint": error.hint,
            "message_es": error.spanish,
            "remedy_es": error.remedy,
        },
    }


class BackupAction(ActionBase):
    """An action plugin that only writes `work`; what it raises of the catalogue becomes a failed result.

    A subclass gives ARGUMENTS, an argument spec as a module has it. Files are not transferred and nothing runs on the host
    unless `work` does so.
    """

    ARGUMENTS: dict[str, Any] = {}
    TRANSFERS_FILES = False
    _supports_check_mode = True

    @abc.abstractmethod
    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """The task itself: its checked arguments in, its result out. May raise BackupError."""

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        arguments = self.validate_argument_spec(argument_spec=self.ARGUMENTS)[1]
        try:
            result.update(self.work(arguments, task_vars or {}))
        except BackupError as error:
            result.update(failed(error))
        return result
