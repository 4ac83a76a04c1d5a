# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verifies the chain of the bitácora."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..module_utils._engine.errors import BackupError, in_both
from ..plugin_utils._actions import BackupAction, failed, show
from ..plugin_utils._bitacora import trust
from ..plugin_utils._bitacora.store import open_store, resolve_url


class ActionModule(BackupAction):
    ARGUMENTS = {
        "url": {"type": "str"},
        "anchors": {"type": "list", "elements": "path", "default": []},
        "keys": {"type": "list", "elements": "str", "default": [], "no_log": False},
        "fail": {"type": "bool", "default": True},
        "show": {"type": "bool", "default": False},
    }

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        with open_store(arguments["url"] or resolve_url(), readonly=True) as store:
            try:
                report = trust.verify(store, [Path(path) for path in arguments["anchors"]], [key.strip().lower() for key in arguments["keys"]],
                                      indexes=True)
            except OSError as error:
                raise BackupError("bitacora_unreadable", store=error.filename or "the anchor", detail=error.strerror or error) from error
        report = trust.as_told_here(report)
        if arguments["show"]:
            show("\n".join(report.lines()))
        told = {"changed": False, **report.as_dict(), "report": report.lines()}
        if report.whole or not arguments["fail"]:
            return told
        few = report.findings[:5]
        detail = in_both("; ".join(finding.english for finding in few), "; ".join(finding.spanish for finding in few))
        return {**told, **failed(BackupError("chain_broken", detail=detail))}
