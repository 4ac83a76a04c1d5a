# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of azure_blob_upload: signatures before, the commit after."""

from __future__ import annotations

import os
from typing import Any

from ..module_utils._engine.errors import BackupError
from ..plugin_utils._copying.opening import PlainAction


class ActionModule(PlainAction):
    RECORDED = False

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        from ..plugin_utils._copying import clouds  # only a play with such a medium pays for it

        blob = str(arguments.get("blob") or os.path.basename(str(arguments.get("src") or "").rstrip("/")))
        with clouds.account_of(arguments.get("medium")) as account:
            try:
                return self._uploaded(clouds.uploading(self, account, blob), arguments, blob, account, task_vars)
            except BackupError as error:
                if error.fault.name != "blocks_lost":
                    raise
                # the server's own note told of blocks that the service had forgotten
                return self._uploaded(clouds.uploading(self, account, blob, True), arguments, blob, account, task_vars)

    def _uploaded(self, uploading: Any, arguments: dict[str, Any], blob: str, account: Any, task_vars: dict[str, Any]) -> dict[str, Any]:
        with uploading as medium:
            staged = self.run_there("azure_blob_upload", dict(arguments, blob=blob, medium=medium), task_vars)
        if staged.get("failed") or self._task.check_mode:
            return {name: value for name, value in staged.items() if name != "staged"}
        return dict(staged, files=account.commit(blob, staged.pop("staged")))
