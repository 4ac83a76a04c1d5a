# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks Azure Backup for a copy now, and waits for its job (5.1 d, 7.2.3). See its module for the documentation."""

from __future__ import annotations

import datetime
import time
import typing as t
from collections.abc import Mapping
from typing import Any

from ..module_utils._engine import label, remarks, result
from ..module_utils._engine.errors import BackupError
from ..plugin_utils import _vaults
from ..plugin_utils._actions import failed

if t.TYPE_CHECKING:
    from ..plugin_utils._azure import protection
    from ..plugin_utils._azure.recovery import Vault

_LOOKS_FOR_A_POINT = 6


class ActionModule(_vaults.VaultAction):
    CHANGES = True
    ARGUMENTS = {
        **_vaults.ARGUMENTS, "system": {"type": "str", "required": True}, "label": {"type": "str", "required": True},
        "wait_minutes": {"type": "int", "default": 720}, "poll_seconds": {"type": "int", "default": 30}, "record": {"type": "dict", "default": {}},
    }

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        named = label.parse(arguments["label"])
        record = {**result.clean(arguments["record"]), **result.build(
            label=named.name, printed_label=named.printed, kind="file_server", system=arguments["system"])}
        started: dict[str, Any] = {}
        try:
            return self._copied(arguments, task_vars, record, started)
        except BackupError as error:
            return {**failed(error), "backup": {**record, **started, "event": "copy_failed", **result.failure(error)}}

    def _copied(self, arguments: dict[str, Any], task_vars: dict[str, Any], record: dict[str, Any], started: dict[str, Any]) -> dict[str, Any]:
        from ..plugin_utils._azure import jobs, protection

        found, vaults = self.read(arguments, task_vars)
        system = _vaults.one_of(found, arguments["system"])
        source, title = system["source"], protection.title(system["source"])
        started.update(_vaults.about(system, found.rules, _vaults.today(found.rules, datetime.datetime.now(datetime.timezone.utc))))
        if not protection.SORTS[source["protects"]].request:
            raise BackupError("invalid_input", where="system", value=system["name"], problem="is copied by the agent on its server, which no vault can order",
                              mend="On that server, run Start-OBBackup (Back Up Now) in Microsoft Azure Backup; azure_backup.yml records the job.")
        options = next(vault for vault in vaults if vault["name"] == source["vault"])
        with _vaults.opened(options) as vault:
            item = protection.find(protection.items_of(vault, source["protects"]), source)
            if item is None:
                raise BackupError("item_unprotected", vault=vault.name, item=title, detail="it is not among its items")
            started["location"] = item.path
            if self._task.check_mode:
                return {"changed": True, "backup": {**record, **started, "event": "copy_simulated"}}
            started["tool_job"] = protection.start_backup(vault, source, item)
            told = protection.await_job(vault, started["tool_job"], arguments["wait_minutes"], arguments["poll_seconds"])
            return {"changed": True, "job": started["tool_job"], "backup": {
                **record, **started, **_made(vault, item, source, jobs.backups([told], source["protects"], item)[0], told, title)}}


def _made(vault: Vault, item: protection.Item, source: Mapping[str, Any], job: Any, told: Mapping[str, Any], title: str) -> dict[str, Any]:
    """What the job made. Raises BackupError tool_job_failed, tool_job_stuck, tool_copy_missing."""
    from ..plugin_utils._azure import jobs, protection, threats

    now = datetime.datetime.now(datetime.timezone.utc)
    state, texts = jobs.state_of(job, now, datetime.timedelta(days=3650)), jobs.texts(told)
    if state == "running":
        minutes = int((now - job.started).total_seconds() // 60)
        raise BackupError("tool_job_stuck", job=job.id, item=title, hours=minutes // 60, limit=minutes // 60)
    if state == "failed":
        raise BackupError("tool_job_failed", job=job.id, item=title, status=job.status, detail="; ".join(texts) or "the service gives no reason")
    points = protection.points_of(vault, item)
    point = jobs.point_of(job, points)
    for _each in range(_LOOKS_FOR_A_POINT if not point else 0):
        time.sleep(protection.BETWEEN)
        points = protection.points_of(vault, item)
        point = point or jobs.point_of(job, points)
    if not point:
        raise BackupError("tool_copy_missing", job=job.id, item=title)
    ended = job.ended or now
    said = [remarks.Remark("azure_backup_said", detail=text) for text in texts]
    suspicious, seen = threats.of_item(item.properties), next((row for row in points if row["id"] == point), {"threat": "", "told": ""})
    if seen["threat"]:
        said.append(remarks.Remark("azure_threat", status=seen["threat"], detail=seen["told"] or threats.NOTHING))
    elif suspicious:
        said.append(remarks.Remark("azure_suspicious", item=title, status=suspicious))
    return result.build(
        event="copy_made", started_at=jobs.stamp(job.started), ended_at=jobs.stamp(ended), duration_ms=int((ended - job.started).total_seconds() * 1000),
        tool_copy=point, size=jobs.size_of(told), trust_level="T0" if state == "warnings" or seen["threat"] or suspicious else "T1",
        checks=["azure_backup_job", "recovery_point"],
        **remarks.fields(said),
        note_es=f"Trabajo {job.id} de Azure Backup; punto de recuperación {point}")
