# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lays out on an empty machine what a lost controller had. See its module for the documentation."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ..module_utils._engine.errors import BackupError
from ..plugin_utils._copying.recovering import RecoverAction
from ..plugin_utils._reports import institution
from ..plugin_utils._tasks import plain


class ActionModule(RecoverAction):
    """The same, where the inventory is back: what it says of media."""

    ARGUMENTS = {**RecoverAction.ARGUMENTS, "mounted": {"type": "list", "elements": "str", "default": []}, "media": {"type": "raw", "default": []}}

    def work(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        if arguments.get("phase") == "record":
            self._refuse_unknown(arguments, task_vars)
        return super().work(arguments, task_vars)

    def _refuse_unknown(self, arguments: Mapping[str, t.Any], task_vars: Mapping[str, t.Any]) -> None:
        """Nothing would be taken in from a medium that is named nowhere, or mounted elsewhere than the inventory has it, and nobody be told.

        Raises invalid_input.
        """
        mounted = self.validate_argument_spec(argument_spec=self.ARGUMENTS)[1]["mounted"]
        if not mounted:
            raise BackupError("invalid_input", where="recover_mounted", value="", problem="is missing, and the inventory has no backup_repository",
                              mend="Give the name or the path of the medium that is mounted here.")
        media = [*institution.media_of(institution.of_all_hosts(task_vars)),
                 *(each for each in plain(arguments.get("media")) or () if isinstance(each, Mapping))]
        known = [str(each[name]) for each in media for name in ("name", "path") if each.get(name)]
        for each in mounted:
            if each not in known:
                raise BackupError("invalid_input", where="recover_mounted", value=each, problem="is not a medium of backup_media",
                                  mend="Mount it at the path that the inventory has, and give that path or its name.")
