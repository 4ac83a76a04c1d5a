# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets up a storage account and its containers, from the controller. See its module for the documentation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..module_utils._engine.errors import BackupError
from ..module_utils._engine.policy import policy, schema
from ..module_utils._engine.policy.places import LIFECYCLE, MAXIMUM_WRITE_ONCE
from ..module_utils._engine.policy.schema import Problem
from ..plugin_utils._inventory import InventoryAction, systems_of_all_hosts
from ..plugin_utils._tasks import plain

_CONTAINER = schema.table({"name": schema.text(r"[a-z0-9](-?[a-z0-9]){2,62}", "copias")}, {
    "write_once_days": schema.whole(0, MAXIMUM_WRITE_ONCE), "append_writes": schema.flag(), "locked": schema.flag(), "lifecycle": LIFECYCLE})
_ACCOUNTS = {
    "storage_account_name": schema.text(r"[a-z0-9]{3,24}", "copiasentidad"), "resource_group": schema.text(),
    "subscription_id": schema.text(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", "00000000-0000-0000-0000-000000000000"),
}


class ActionModule(InventoryAction):
    ARGUMENTS = {
        "storage_account_name": {"type": "str", "required": True},
        "resource_group": {"type": "str", "required": True},
        "subscription_id": {"type": "str", "required": True},
        "location": {"type": "str", "default": ""},
        "account_type": {"type": "str", "default": "", "choices": [
            "", "Standard_LRS", "Standard_ZRS", "Standard_GRS", "Standard_RAGRS", "Standard_GZRS", "Standard_RAGZRS"]},
        "allow_blob_public_access": {"type": "bool", "default": False},
        "allow_shared_key_access": {"type": "bool", "default": False},
        "minimum_tls_version": {"type": "str", "default": "TLS1_2", "choices": ["TLS1_0", "TLS1_1", "TLS1_2"]},
        "https_only": {"type": "bool", "default": True},
        "blob_soft_delete_days": {"type": "int", "default": 30},
        "container_soft_delete_days": {"type": "int", "default": 30},
        "versioning": {"type": "bool", "default": True},
        "containers": {"type": "list", "elements": "dict", "default": []},
        "lock_confirmation": {"type": "str", "default": ""},
        "media": {"type": "raw", "default": []},
        "policy": {"type": "raw"},
        "policy_file": {"type": "str"},
        "actors": {"type": "raw"},
        "endpoint": {"type": "str", "default": ""},
        "proxy": {"type": "str", "default": "", "no_log": True},
        "ca_certs": {"type": "path", "default": ""},
        "auth": {"type": "dict", "default": {}, "no_log": True},
    }

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        rules = self._policy(arguments, Path(task_vars.get("inventory_dir") or "."))
        media, systems = plain(arguments["media"]), systems_of_all_hosts(task_vars)
        policy.validate(rules, [], media)
        containers, mine = _containers(arguments, media)
        _checked(arguments, containers, mine)
        from ..plugin_utils._azure import setup  # only a play that sets something up pays for it

        lives = {str(medium["container"]): policy.lives(rules, policy.users_of(medium["name"], systems, media)) for medium in mine}
        storage = setup.Storage(arguments)
        try:
            before = storage.read([row["name"] for row in containers])
            after = setup.wanted(before, {**arguments, "containers": containers}, arguments["lock_confirmation"])
            setup.refuse_contradictions(after, containers, lives, {row["name"]: storage.foreign(row["name"]) for row in containers})
            changes = setup.differences(before, after)
            if changes and not self._task.check_mode:
                storage.change(before, after)
                storage.settled(after)
        finally:
            storage.close()
        return {"changed": bool(changes), "changes": changes, "storage": after, "diff": [{"before": before, "after": after}] if changes else [],
                "warnings": _warnings(before, after)}


def _containers(arguments: Mapping[str, Any], media: Sequence[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], list[Mapping[str, Any]]]:
    """The containers asked for, those of media with what the media say of them; and these media. Raises RSP101."""
    problems: list[Problem] = []
    schema.listing(_CONTAINER)(arguments["containers"], "containers", problems)
    for name, check in _ACCOUNTS.items():
        check(arguments[name], name, problems)
    for name in ("blob_soft_delete_days", "container_soft_delete_days"):
        schema.whole(0, 365)(arguments[name], name, problems)
    schema.raise_all(problems)
    found = {row["name"]: dict(row) for row in arguments["containers"]}
    mine = [medium for medium in media if medium.get("type") == "azure_blob" and medium["storage_account_name"] == arguments["storage_account_name"]]
    for index, medium in enumerate(mine):
        row = found.setdefault(medium["container"], {"name": medium["container"]})
        for name in ("write_once_days", "lifecycle", "tier"):
            if name in medium and row.setdefault(name, medium[name]) != medium[name]:
                problems.append(Problem(f"backup_media[{index}].{name}", medium[name], f"is not what containers[{row['name']}].{name} says ({row[name]})",
                                        "Say it once, with the medium."))
    schema.raise_all(problems)
    return list(found.values()), mine


def _checked(arguments: Mapping[str, Any], containers: Sequence[Mapping[str, Any]], mine: Sequence[Mapping[str, Any]]) -> None:
    """What would lock ourselves out. Raises RSP101."""
    if not containers:
        raise BackupError("invalid_input", where="containers", value=[], problem="is empty, and no medium is in this account",
                          mend="Name the containers, or correct storage_account_name.")
    schema.raise_all([
        Problem(f"backup_media ({medium['name']}).auth.account_key", schema.HIDDEN, "would stop working: shared keys are switched off",
                "Give this medium an identity (auth_source), or say allow_shared_key_access: true.")
        for medium in mine if (medium.get("auth") or {}).get("account_key") and not arguments["allow_shared_key_access"]])


def _warnings(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """What people must know before or after it."""
    told = []
    was = before.get("containers") or {}
    for name, state in after["containers"].items():
        if state["locked"] and not (was.get(name) or {}).get("locked"):
            told.append(f"The write-once policy of {name} is locked at {state['write_once_days']} days: nobody can shorten or remove it any more, and neither "
                        "container nor account can be deleted while blobs in it are protected.")
        elif state["write_once_days"] and not state["locked"]:
            told.append(f"The write-once policy of {name} is not locked: whoever administers the account can remove it. Lock it once it is proved.")
        if "delete" in state["lifecycle"]:
            told.append(f"The container {name} deletes blobs by itself after {state['lifecycle']['delete']} days; it knows no hold and no last good copy.")
    return told
