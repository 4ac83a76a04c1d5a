# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of azure_blob_download: a signature that reads the one blob."""

from __future__ import annotations

from typing import Any

from ..plugin_utils._copying.opening import PlainAction


class ActionModule(PlainAction):
    RECORDED = False

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        from ..plugin_utils._copying import clouds  # only a play with such a medium pays for it

        with clouds.account_of(arguments.get("medium")) as account, clouds.downloading(self, account, str(arguments.get("blob") or "")) as medium:
            return self.run_there("azure_blob_download", dict(arguments, medium=medium), task_vars)
