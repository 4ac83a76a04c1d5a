# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks Azure Backup for a share, or files of it, from a recovery point (7.1.3, 7.2.3). See its module for the documentation."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from ..module_utils._engine import label, result
from ..module_utils._engine.errors import BackupError
from ..plugin_utils import _vaults
from ..plugin_utils._actions import failed

_COUNTED = {"Number Of Restored Files": "restaurados", "Number Of Skipped Files": "omitidos", "Number Of Failed Files": "fallidos"}


class ActionModule(_vaults.VaultAction):
    CHANGES = True
    UNCUT = ("paths",)
    ARGUMENTS = {
        **_vaults.ARGUMENTS, "system": {"type": "str", "required": True}, "label": {"type": "str", "required": True},
        "recovery_point": {"type": "str", "default": ""}, "paths": {"type": "list", "elements": "str", "default": []},
        "target": {"type": "dict", "default": {}, "options": {
            name: {"type": "str", "default": ""} for name in ("storage_account", "resource_group", "share", "folder")}},
        "original_location": {"type": "bool", "default": False}, "overwrite": {"type": "bool", "default": False},
        "damaged": {"type": "bool", "default": False},
        "wait_minutes": {"type": "int", "default": 720}, "poll_seconds": {"type": "int", "default": 30}, "record": {"type": "dict", "default": {}},
    }

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        named = label.parse(arguments["label"])
        record = {**result.clean(arguments["record"]), **result.build(
            label=named.name, printed_label=named.printed, kind="file_server", system=arguments["system"])}
        started: dict[str, Any] = {}
        try:
            return self._restored(arguments, task_vars, named.name, record, started)
        except BackupError as error:
            return {**failed(error), "backup": {**record, **started, "event": "restore_failed", **result.failure(error)}}

    def _restored(self, arguments: dict[str, Any], task_vars: dict[str, Any], name: str, record: dict[str, Any], started: dict[str, Any]) -> dict[str, Any]:
        from ..plugin_utils._azure import jobs, protection, threats

        found, vaults = self.read(arguments, task_vars)
        system = _vaults.one_of(found, arguments["system"])
        source, title = system["source"], protection.title(system["source"])
        if source["protects"] != "share":
            raise BackupError("invalid_input", where="system", value=system["name"], problem="is not a file share, the one sort that is restored from here",
                              mend="A machine: the portal, or its disks; a MARS agent: Recover Data, on a server with the passphrase.")
        paths = _paths(arguments["paths"])
        if arguments["original_location"] and any(arguments["target"].values()):
            raise BackupError("invalid_input", where="target", value=", ".join(arguments["target"].values()), problem="has no meaning in the original location",
                              mend="Leave out target, or original_location.")
        place = {} if arguments["original_location"] else _place(arguments["target"], source, name)
        started.update(_vaults.about(system, found.rules, _vaults.today(found.rules, datetime.datetime.now(datetime.timezone.utc))), numeral="7.1.3")
        started["target"] = f"{title} (ubicación original)" if not place else "{0}/{1}/{2}".format(place["account"], place["share"], place["folder"])
        options = next(vault for vault in vaults if vault["name"] == source["vault"])
        with _vaults.opened(options) as vault:
            item = protection.find(protection.items_of(vault, "share"), source)
            if item is None:
                raise BackupError("item_unprotected", vault=vault.name, item=title, detail="it is not among its items")
            point, there = arguments["recovery_point"], {row["id"]: row for row in protection.points_of(vault, item)}
            if not point or point not in there:
                raise BackupError("copy_missing", label=f"{name} ({point or 'no recovery point'})", location=f"{vault.name}: {title}")
            # the service may have found it since the bitácora was told last
            unhealthy = BackupError("tool_copy_unhealthy", point=point, item=title, status=there[point]["threat"],
                                    detail=there[point]["told"] or threats.NOTHING) if there[point]["threat"] else None
            if unhealthy and not arguments["damaged"]:
                raise unhealthy
            if self._task.check_mode:
                return {"changed": True, "target": started["target"], "backup": {**record, **started, "event": "restore_simulated"}}
            target = {**place, "account": protection.resource_of(vault, {
                "protects": "share", "storage_account": place["account"], "resource_group": place["group"]})} if place else {}
            started["tool_job"] = protection.start_restore(vault, source, item, point, paths, target, arguments["overwrite"])
            told = protection.await_job(vault, started["tool_job"], arguments["wait_minutes"], arguments["poll_seconds"])
        status, texts = str(told["properties"].get("status")), jobs.texts(told)
        counts = _counts(told)
        if status != "Completed":
            raise BackupError("tool_job_failed", job=started["tool_job"], item=title, status=status,
                              detail="; ".join([*texts, *counts]) or "the service gives no reason")
        begun = jobs.moment(str(told["properties"]["startTime"]))
        warned = [f"restaurada a sabiendas: {unhealthy.code}: {unhealthy.spanish}"] if unhealthy else []
        note = "; ".join([f"Trabajo {started['tool_job']} de Azure Backup: {started['target']}", *counts, *warned])
        ended = jobs.moment(str(told["properties"].get("endTime") or told["properties"]["startTime"]))
        return {"changed": True, "job": started["tool_job"], "target": started["target"], "backup": {**record, **started, **result.build(
            event="restored", started_at=jobs.stamp(begun), ended_at=jobs.stamp(ended), tool_copy=point, note_es=note)}}


def _paths(given: Sequence[str]) -> list[dict[str, str]]:
    """Paths inside the share; one that ends in a slash is a directory. Raises BackupError RSP101 on one that leads out of it."""
    rows = []
    for index, text in enumerate(given):
        steps = text.replace("\\", "/").strip("/").split("/")
        if text.startswith(("/", "\\")) or any(step in ("", ".", "..") for step in steps):
            raise BackupError("invalid_input", where=f"paths[{index}]", value=text, problem="is not a path inside the share",
                              mend="Write it from the share's root, such as contratos/2026/ for a folder or contratos/a.docx for a file.")
        rows.append({"path": "/".join(steps), "type": "Directory" if text.endswith(("/", "\\")) else "File"})
    return rows


def _place(target: Mapping[str, str], source: Mapping[str, Any], name: str) -> dict[str, str]:
    """Where the files go: by default a folder of their own in the same share, so that nothing newer is touched."""
    folder = (target.get("folder") or f"_restaurado_{name}").strip("/")
    if any(step in ("", ".", "..") for step in folder.split("/")):
        raise BackupError("invalid_input", where="target.folder", value=folder, problem="is not a folder inside the share", mend="Write a plain path.")
    own = not target.get("storage_account") or target["storage_account"] == source["storage_account"]
    return {"account": target.get("storage_account") or str(source["storage_account"]), "share": target.get("share") or str(source["share"]), "folder": folder,
            "group": target.get("resource_group") or (str(source.get("resource_group") or "") if own else "")}


def _counts(told: Mapping[str, Any]) -> list[str]:
    bag = ((told["properties"].get("extendedInfo") or {}).get("propertyBag")) or {}
    return [f"archivos {words}: {bag[name]}" for name, words in _COUNTED.items() if name in bag]
