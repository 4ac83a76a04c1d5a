# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Azure Backup protects and how: the vault, its policies, its items of three sorts, a copy on demand and a restore of a share (7.2.3).

Each function looks first, and asks only for what differs.
"""

from __future__ import annotations

import time
import typing as t
from collections.abc import Mapping, Sequence
from typing import Any

from ...module_utils._engine.errors import BackupError
from . import threats
from .recovery import FABRIC, ZONES, Vault


class Sort(t.NamedTuple):
    """A sort of protected item, in the service's words."""

    management: str
    item: str        # protectedItemType
    request: str     # of a backup on demand; "": none can be asked of the vault
    workload: str
    most_days: int   # that the service keeps daily points


SORTS = {
    "machine": Sort("AzureIaasVM", "Microsoft.Compute/virtualMachines", "IaasVMBackupRequest", "VM", 9999),
    "share": Sort("AzureStorage", "AzureFileShareProtectedItem", "AzureFileShareBackupRequest", "AzureFileShare", 200),
    "agent": Sort("MAB", "MabFileFolderProtectedItem", "", "FileFolder", 9999),
}
# A new thing is not seen at once everywhere: so often it is looked for, with so many seconds between.
_LOOKS, BETWEEN = 6, 5.0
_SETTINGS = {"soft_delete": "Enabled", "soft_delete_days": 14, "immutability": "Disabled", "multi_user": False}


class Item(t.NamedTuple):
    """A protected item as the vault knows it."""

    container: str
    name: str
    path: str
    properties: Mapping[str, Any]


def title(source: Mapping[str, Any]) -> str:
    """What people call a protected item."""
    if source["protects"] == "share":
        return f"{source['storage_account']}/{source['share']}"
    return str(source["machine"]) if source["protects"] == "machine" else f"{source['computer']} {source['volume']}"


# -- the vault -------------------------------------------------------------------------------------------------------
def vault_of(vault: Vault) -> dict[str, Any] | None:
    """The vault itself; None when the group has none of that name."""
    try:
        return vault.get(f"the vault {vault.name}", vault.vaults.vaults.get)
    except BackupError as error:
        # a group that is not there is a mistake; it is not made here
        if error.fault.name == "vault_missing" and str(error.details["detail"]).startswith("ResourceNotFound:"):
            return None
        raise


def settings(vault: Vault, told: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Redundancy, soft delete, immutability and multi-user authorization of the vault, as they are."""
    told = told if told is not None else vault.get(f"the vault {vault.name}", vault.vaults.vaults.get) or {}
    config = vault.get("the vault's settings", vault.backup.backup_resource_vault_configs.get) or {}
    storage = vault.get("the vault's redundancy", vault.backup.backup_resource_storage_configs_non_crr.get) or {}
    guards = vault.all("the vault's resource guard", vault.backup.resource_guard_proxies.get)
    security = told.get("properties", {}).get("securitySettings") or {}
    soft, config = security.get("softDeleteSettings") or {}, config.get("properties") or {}
    return {
        "redundancy": (storage.get("properties") or {}).get("storageModelType", ""),
        "redundancy_locked": (storage.get("properties") or {}).get("storageTypeState") == "Locked",
        "soft_delete": soft.get("softDeleteState") or config.get("softDeleteFeatureState") or "Disabled",
        "soft_delete_days": int(soft.get("softDeleteRetentionPeriodInDays") or config.get("softDeleteRetentionPeriodInDays") or 0),
        "immutability": (security.get("immutabilitySettings") or {}).get("state") or _SETTINGS["immutability"],
        "multi_user": bool(guards) or security.get("multiUserAuthorization") == "Enabled",
    }


_STRENGTH = {"soft_delete": ("Disabled", "Enabled", "AlwaysON"), "immutability": ("Disabled", "Unlocked", "Locked")}


def drift(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """What protects the vault less than `wanted` (backup_vaults) says, a line each; more than it is no drift."""
    lines = []
    for name, order in _STRENGTH.items():
        if name in wanted and order.index(wanted[name]) > (order.index(found[name]) if found[name] in order else 0):
            lines.append(f"{name}: {found[name]}, {wanted[name]}")
    if "soft_delete_days" in wanted and found["soft_delete_days"] < wanted["soft_delete_days"]:
        lines.append(f"soft_delete_days: {found['soft_delete_days']}, {wanted['soft_delete_days']}")
    if wanted.get("multi_user") and not found["multi_user"]:
        lines.append("multi_user: false, true")
    if "redundancy" in wanted and found["redundancy"] != wanted["redundancy"]:
        lines.append(f"redundancy: {found['redundancy']}, {wanted['redundancy']}")
    return lines


def make_vault(vault: Vault, location: str) -> None:
    """Make the vault, and wait until it can be used."""
    vault.do(f"a new vault {vault.name}", vault.vaults.vaults.begin_create_or_update, polling=False, vault={
        "location": location, "sku": {"name": "RS0", "tier": "Standard"}, "properties": {"publicNetworkAccess": "Enabled"}})
    _seen(f"the new vault {vault.name}", lambda: vault_of(vault))


def set_redundancy(vault: Vault, redundancy: str) -> None:
    vault.do("the vault's redundancy", vault.backup.backup_resource_storage_configs_non_crr.update,
             parameters={"properties": {"storageModelType": redundancy}})


# -- policies --------------------------------------------------------------------------------------------------------
def wanted_policy(sort: str, clock: str, zone: str, points: int) -> dict[str, Any]:
    """A daily policy in the service's words: `clock` HH:MM of the zone's name in Windows, so many daily points. Raises BackupError RSP101."""
    kind = SORTS[sort]
    if points > kind.most_days:
        raise BackupError("invalid_input", where="backup_policy.kinds.file_server.keep_copies", value=points, mend=f"Give {kind.most_days} at most.",
                          problem=f"is more than Azure Backup keeps of a {sort}")
    moment = f"2026-01-01T{clock}:00Z"    # of the date only the clock counts
    return {
        "backupManagementType": kind.management, **({"workLoadType": kind.workload} if sort == "share" else {}),
        "schedulePolicy": {"schedulePolicyType": "SimpleSchedulePolicy", "scheduleRunFrequency": "Daily", "scheduleRunTimes": [moment]},
        "retentionPolicy": {"retentionPolicyType": "LongTermRetentionPolicy", "dailySchedule": {
            "retentionTimes": [moment], "retentionDuration": {"count": points, "durationType": "Days"}}},
        "timeZone": zone,
    }


def windows_zone(vault: Mapping[str, Any], zone: str) -> str:
    """The zone's name in Windows. Raises BackupError RSP101 where it is not known."""
    found = str(vault.get("time_zone") or ZONES.get(zone, ""))
    if not found:
        raise BackupError("invalid_input", where="backup_policy.time_zone", value=zone, problem="has no name in Windows that is known here",
                          mend="Give time_zone in backup_vaults, such as 'SA Pacific Standard Time'.")
    return found


def terms(properties: Mapping[str, Any]) -> dict[str, Any]:
    """What of a policy the manual asks for, in few words, so that two can be compared."""
    schedule, retention = properties.get("schedulePolicy") or {}, properties.get("retentionPolicy") or {}
    runs = schedule.get("scheduleRunTimes") or (schedule.get("dailySchedule") or {}).get("scheduleRunTimes") or []
    daily = (retention.get("dailySchedule") or {}).get("retentionDuration") or {}
    return {"frequency": schedule.get("scheduleRunFrequency", ""), "times": [str(run)[11:16] for run in runs], "time_zone": properties.get("timeZone", "UTC"),
            "daily_points": int(daily.get("count") or 0)}


def policy_of(vault: Vault, name: str) -> dict[str, Any] | None:
    return vault.get(f"the policy {name}", vault.backup.protection_policies.get, policy_name=name)


def set_policy(vault: Vault, name: str, found: Mapping[str, Any] | None, wanted: Mapping[str, Any]) -> None:
    """Make the policy, or change in it what differs; what the institution added (weeks, months, years, tiers) stays."""
    properties = dict(wanted)
    if found:
        before = dict(found["properties"])
        if before.get("backupManagementType") != wanted["backupManagementType"]:
            raise BackupError("invalid_input", where="backup_vaults.policies", value=name, problem="is the name of a policy for another sort of item",
                              mend="Give the policy of this sort another name.")
        retention = {**(before.get("retentionPolicy") or {}), **wanted["retentionPolicy"]}
        for span in ("weeklySchedule", "monthlySchedule", "yearlySchedule"):
            if retention.get(span):
                retention[span] = {**retention[span], "retentionTimes": wanted["schedulePolicy"]["scheduleRunTimes"]}
        before.pop("protectedItemsCount", None)
        properties = {**before, **wanted, "retentionPolicy": retention}
    vault.do(f"the policy {name}", vault.backup.protection_policies.create_or_update, policy_name=name, parameters={"properties": properties})
    if policy_of(vault, name) is None:
        _seen(f"the policy {name}", lambda: policy_of(vault, name))


# -- items -----------------------------------------------------------------------------------------------------------
def items_of(vault: Vault, sort: str) -> list[Item]:
    """Every protected item of a sort."""
    rows = vault.all("the protected items", vault.backup.backup_protected_items.list, filter=f"backupManagementType eq '{SORTS[sort].management}'")
    return [_item(row) for row in rows]


def _item(row: Mapping[str, Any]) -> Item:
    steps = str(row["id"]).split("/")
    return Item(steps[-3], steps[-1], str(row["id"]), row["properties"])


def find(items: Sequence[Item], source: Mapping[str, Any]) -> Item | None:
    """The item that a source of the inventory means. Raises BackupError RSP101 when several could be meant."""
    found = [item for item in items if _is_meant(item.properties, source)]
    if len(found) > 1:
        more = "Give the computer's full name." if source["protects"] == "agent" else "Give its resource_group."
        raise BackupError("invalid_input", where="backup_systems.source", value=title(source), problem=f"is the name of {len(found)} items of the vault",
                          mend=more)
    return found[0] if found else None


def _is_meant(told: Mapping[str, Any], source: Mapping[str, Any]) -> bool:
    if source["protects"] == "agent":
        return (same_computer(str(told.get("computerName", "")), str(source["computer"]))
                and volume_name(str(told.get("friendlyName", ""))) == volume_name(str(source["volume"])))
    steps = str(told.get("sourceResourceId") or told.get("virtualMachineId") or "").lower().split("/")
    group = str(source.get("resource_group") or "").lower()
    if len(steps) < 9 or group and steps[4] != group:
        return False
    if source["protects"] == "machine":
        return steps[-1] == str(source["machine"]).lower()
    return steps[-1] == str(source["storage_account"]).lower() and str(told.get("friendlyName", "")).lower() == str(source["share"]).lower()


def same_computer(one: str, other: str) -> bool:
    """A name without a domain is that of any domain; the agent writes a dot at the end."""
    one, other = one.rstrip(".").lower(), other.rstrip(".").lower()
    return one == other or ("." not in one or "." not in other) and one.split(".")[0] == other.split(".")[0]


def volume_name(text: str) -> str:
    return text.rstrip("\\/").lower()


def resource_of(vault: Vault, source: Mapping[str, Any]) -> str:
    """The Azure resource that is protected: a machine, or the storage account of a share."""
    kind = f"Microsoft.Compute/virtualMachines/{source.get('machine')}"
    if source["protects"] == "share":
        kind = f"Microsoft.Storage/storageAccounts/{source['storage_account']}"
    return f"/subscriptions/{vault.subscription}/resourceGroups/{source.get('resource_group') or vault.group}/providers/{kind}"


def protect(vault: Vault, source: Mapping[str, Any], policy: str, item: Item | None) -> Item:
    """Protect a machine or a share by a policy; `item` is what the vault knows of it already. Raises BackupError."""
    sort = SORTS[source["protects"]]
    resource = resource_of(vault, source)
    if item is not None and item.properties.get("isScheduledForDeferredDelete"):
        raise BackupError("item_unprotected", vault=vault.name, item=title(source),
                          detail="it was deleted and is kept by soft delete; undelete it in the portal, or wait until it is gone")
    container, name = (item.container, item.name) if item else _protectable(vault, source, resource)
    vault.do(f"the protection of {title(source)}", vault.backup.protected_items.begin_create_or_update, polling=False, fabric_name=FABRIC,
             container_name=container, protected_item_name=name, parameters={"properties": {
                 "protectedItemType": sort.item, "sourceResourceId": resource, "policyId": f"{vault.path}/backupPolicies/{policy}"}})
    return t.cast(Item, _seen(f"the protection of {title(source)}", lambda: find(items_of(vault, source["protects"]), source)))


def _protectable(vault: Vault, source: Mapping[str, Any], resource: str) -> tuple[str, str]:
    """Container and name that the vault has for what is not protected yet. The tutorials say: never make up such a name."""
    sort = SORTS[source["protects"]]
    filters = {"filter": f"backupManagementType eq '{sort.management}'"}
    if source["protects"] == "share":
        _register(vault, resource, filters)

    def look() -> tuple[str, str] | None:
        for row in vault.all("what can be protected", vault.backup.backup_protectable_items.list, **filters):
            told = row["properties"]
            owner = str(told.get("virtualMachineId") or told.get("parentContainerFabricId") or "")
            if owner.lower() == resource.lower() and (source["protects"] == "machine" or str(told.get("friendlyName", "")).lower() == source["share"].lower()):
                steps = str(row["id"]).split("/")
                return steps[-3], steps[-1]
        return None

    found = look()
    if found is None and source["protects"] == "machine":
        vault.do("what the subscription has", vault.backup.protection_containers.refresh, fabric_name=FABRIC, **filters)
        found = look()
    if found is None and source["protects"] == "share":
        found = t.cast("tuple[str, str] | None", _seen("", look, strict=False))
    if found is None:
        raise BackupError("source_missing", source=f"{title(source)} ({resource})")
    return found


def _register(vault: Vault, account: str, filters: Mapping[str, str]) -> None:
    """The storage account of a share becomes known to the vault, and its shares are looked for."""
    containers = vault.all("the vault's containers", vault.backup.backup_protection_containers.list, **filters)
    known = next((row["name"] for row in containers if str(row["properties"].get("sourceResourceId", "")).lower() == account.lower()), None)
    if known is None:
        known = _container(vault, account, filters)
        vault.do(f"the registration of {account.rpartition('/')[2]}", vault.backup.protection_containers.begin_register, polling=False, fabric_name=FABRIC,
                 container_name=known, parameters={"properties": {
                     "containerType": "StorageContainer", "backupManagementType": "AzureStorage", "sourceResourceId": account,
                     "friendlyName": account.rpartition("/")[2], "acquireStorageAccountLock": "Acquire"}})
        _seen("the registration", lambda: vault.get("the container", vault.backup.protection_containers.get, fabric_name=FABRIC, container_name=known))
    vault.do("the shares of " + account.rpartition("/")[2], vault.backup.protection_containers.inquire, fabric_name=FABRIC, container_name=known,
             filter="workloadType eq 'AzureFileShare'")


def _container(vault: Vault, account: str, filters: Mapping[str, str]) -> str:
    """The name that the vault has for a storage account it does not protect yet."""
    for again in (False, True):
        if again:
            vault.do("the storage accounts of the subscription", vault.backup.protection_containers.refresh, fabric_name=FABRIC, **filters)
        for row in vault.all("the storage accounts", vault.backup.protectable_containers.list, fabric_name=FABRIC, **filters):
            if str(row["properties"].get("containerId", "")).lower() == account.lower():
                return str(row["name"])
    raise BackupError("source_missing", source=account)


def _seen(what: str, look: t.Callable[[], Any], strict: bool = True) -> Any:
    """What `look` finds at last, since the service shows new things eventually."""
    for left in reversed(range(_LOOKS)):
        found = look()
        if found is not None or not left:
            break
        time.sleep(BETWEEN)
    if found is None and strict:
        raise BackupError("azure_no_answer", what=what, detail="it was accepted, and the vault does not show it yet")
    return found


# -- copies and restores on demand -----------------------------------------------------------------------------------
def extended(vault: Vault, item: Item) -> dict[str, Any]:
    """How many recovery points an item has, and its oldest and newest."""
    told = vault.get("a protected item", vault.backup.protected_items.get, fabric_name=FABRIC, container_name=item.container,
                     protected_item_name=item.name, filter="expand eq 'extendedinfo'") or {}
    properties = told.get("properties") or {}
    info = properties.get("extendedInfo") or {}
    return {"points": int(info.get("recoveryPointCount") or 0), "oldest": info.get("oldestRecoveryPoint") or "",
            "newest": properties.get("lastRecoveryPoint") or properties.get("lastBackupTime") or "", "state": properties.get("protectionState") or ""}


def points_of(vault: Vault, item: Item) -> list[dict[str, str]]:
    """The recovery points of a machine or a share as {id, at, threat, told}, newest first; `threat` is "" where the service sees none (threats.py)."""
    rows = vault.all("the recovery points", vault.backup.recovery_points.list, fabric_name=FABRIC, container_name=item.container, protected_item_name=item.name)
    points = [{"id": str(row["name"]), "at": str(row["properties"].get("recoveryPointTime", "")), **threats.of_point(row["properties"])} for row in rows]
    return sorted(points, key=lambda point: point["at"], reverse=True)


def start_backup(vault: Vault, source: Mapping[str, Any], item: Item) -> str:
    """Begin a copy on demand; gives the id of its job. Raises BackupError."""
    told = vault.do(f"a copy of {title(source)}", vault.backup.backups.trigger, fabric_name=FABRIC, container_name=item.container,
                    protected_item_name=item.name, parameters={"properties": {"objectType": SORTS[source["protects"]].request}})
    return _job_of(told, f"a copy of {title(source)}")


def start_restore(vault: Vault, source: Mapping[str, Any], item: Item, point: str, paths: Sequence[Mapping[str, str]], target: Mapping[str, str],
                  overwrite: bool) -> str:
    """Begin to restore a share, or the `paths` ({path, type: File or Directory}) of it, from a point; gives the id of its job.

    `target` has storage account (an Azure resource), share and folder; empty: where it was. Raises BackupError.
    """
    specs = [{"path": row["path"], "fileSpecType": row["type"], **({"targetFolderPath": target["folder"]} if target else {})} for row in paths]
    if target and not paths:
        specs = [{"targetFolderPath": target["folder"]}]
    request: dict[str, Any] = {
        "objectType": "AzureFileShareRestoreRequest", "recoveryType": "AlternateLocation" if target else "OriginalLocation",
        "sourceResourceId": resource_of(vault, source), "copyOptions": "Overwrite" if overwrite else "FailOnConflict",
        "restoreRequestType": "ItemLevelRestore" if paths else "FullShareRestore"}
    if specs:
        request["restoreFileSpecs"] = specs
    if target:
        request["targetDetails"] = {"name": target["share"], "targetResourceId": target["account"]}
    told = vault.do(f"a restore of {title(source)}", vault.backup.restores.begin_trigger, polling=False, fabric_name=FABRIC, container_name=item.container,
                    protected_item_name=item.name, recovery_point_id=point, parameters={"properties": request})
    return _job_of(told, f"a restore of {title(source)}")


def _job_of(told: Mapping[str, Any], what: str) -> str:
    job = str(told.get("jobId") or "")
    if not job:
        raise BackupError("azure_no_answer", what=what, detail="it was accepted without a job; see the vault's jobs")
    return job


def job(vault: Vault, name: str) -> dict[str, Any]:
    """The details of a job. Raises BackupError."""
    found = vault.get(f"the job {name}", vault.backup.job_details.get, job_name=name)
    if found is None:
        raise BackupError("azure_no_answer", what=f"the job {name}", detail="the vault does not know it")
    return found


def await_job(vault: Vault, name: str, minutes: float, between: float) -> dict[str, Any]:
    """The job when it has ended, or as it is after so many minutes. Stage two: the operation is over, the job goes on by itself."""
    limit = time.monotonic() + minutes * 60
    found = _seen(f"the job {name}", lambda: vault.get(f"the job {name}", vault.backup.job_details.get, job_name=name))
    while str(found["properties"].get("status")) in ("InProgress", "Cancelling") and time.monotonic() < limit:
        time.sleep(between)
        found = job(vault, name)
    return t.cast("dict[str, Any]", found)
