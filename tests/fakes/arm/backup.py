# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fake's Recovery Services: vaults, policies, protected items of three sorts, jobs and recovery points. It holds no data of anybody.

What the description does not say (the texts of refusals, the order of things, names with a hash) is as Microsoft's REST tutorials show it, or, where
they are silent, a guess; a guess is marked so.
"""

from __future__ import annotations

import hashlib
import re
import typing as t
import uuid
from datetime import datetime
from typing import Any

from .contract import ArmError, Contract
from .server import SUBSCRIPTION, Answer, FakeArm, Request, Shelf, filters

_TYPE = "Microsoft.RecoveryServices/vaults"
_TIME_ZONES = ("UTC", "SA Pacific Standard Time", "Pacific Standard Time", "India Standard Time")
# item type -> (backup management type, its job, its workload)
SORTS = {
    "Microsoft.Compute/virtualMachines": ("AzureIaasVM", "AzureIaaSVMJob", "VM"),
    "AzureFileShareProtectedItem": ("AzureStorage", "AzureStorageJob", "AzureFileShare"),
    "MabFileFolderProtectedItem": ("MAB", "MabJob", "FileFolder"),
}
_REQUESTS = {"AzureIaasVM": "IaasVMBackupRequest", "AzureStorage": "AzureFileShareBackupRequest"}


class FakeBackup:
    """Its state, what tests set, and one method for each operation."""

    def __init__(self, arm: FakeArm) -> None:
        self.arm = arm
        self.contract = Contract("backup")
        self.vaults, self.policies, self.containers, self.items, self.jobs = Shelf(arm), Shelf(arm), Shelf(arm), Shelf(arm), Shelf(arm)
        self.machines: dict[str, str] = {}              # id in small letters -> id
        self.shares: dict[str, list[str]] = {}          # id of a storage account -> its shares
        self.inquired: set[str] = set()
        self.configs: dict[str, dict[str, Any]] = {}
        self.guards: dict[str, list[dict[str, Any]]] = {}
        self.job_looks = 1                              # looks that a triggered job takes
        self.outcome: dict[str, Any] = {"status": "Completed"}
        self.restores: list[dict[str, Any]] = []
        arm.providers.append(self)

    # -- what is there before anybody asks

    def vault(self, group: str, name: str, location: str = "eastus2", **properties: Any) -> str:
        path = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}/providers/{_TYPE}/{name}"
        self.vaults.put(path, {
            "id": path, "name": name, "type": _TYPE, "location": location, "tags": {}, "sku": {"name": "RS0", "tier": "Standard"},
            "etag": "W/\"" + uuid.uuid4().hex + "\"",
            "properties": {"provisioningState": "Succeeded", "publicNetworkAccess": "Enabled",
                           "securitySettings": {"immutabilitySettings": {"state": "Disabled"},
                                                "softDeleteSettings": {"softDeleteState": "Enabled", "softDeleteRetentionPeriodInDays": 14},
                                                "multiUserAuthorization": "Disabled"}, **properties}})
        self.configs[path.lower()] = {
            "vaultconfig": {"enhancedSecurityState": "Enabled", "softDeleteFeatureState": "Enabled", "softDeleteRetentionPeriodInDays": 14},
            "vaultstorageconfig": {"storageModelType": "GeoRedundant", "storageType": "GeoRedundant", "storageTypeState": "Unlocked",
                                   "crossRegionRestoreFlag": False}}
        return path

    def machine(self, group: str, name: str) -> str:
        path = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}/providers/Microsoft.Compute/virtualMachines/{name}"
        self.machines[path.lower()] = path
        return path

    def account(self, group: str, name: str, *shares: str) -> str:
        path = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}/providers/Microsoft.Storage/storageAccounts/{name}"
        self.shares[path] = list(shares)
        return path

    def agent(self, vault: str, computer: str, *volumes: str) -> list[str]:
        """A Windows server whose MARS agent is registered, and its volumes."""
        container = f"{vault}/backupFabrics/Azure/protectionContainers/Windows;{computer.lower()}"
        self.containers.put(container, self._row(container, {
            "friendlyName": computer + ".", "backupManagementType": "MAB", "registrationStatus": "Registered", "healthStatus": "Healthy",
            "containerType": "Windows", "containerId": 1, "protectedItemCount": len(volumes), "agentVersion": "2.0.9270.0", "canReRegister": False}))
        return [self._item(container, "FileFolder;" + _hash(computer + volume), "MabFileFolderProtectedItem",
                           {"friendlyName": volume, "computerName": computer + ".", "protectionState": "Protected"}) for volume in volumes]

    def item(self, vault: str, source: str, share: str = "", policy: str = "") -> str:
        """A machine or a share that is protected already."""
        container, name, kind = self._place(vault, source, share)
        self.containers.put(container, self._container(container, source))
        told = {"friendlyName": share or source.rpartition("/")[2], "sourceResourceId": source, "protectionState": "Protected", "protectionStatus": "Healthy"}
        if kind.startswith("Microsoft"):
            told["virtualMachineId"] = source
        if policy:
            told["policyId"] = f"{vault}/backupPolicies/{policy}"
        return self._item(container, name, kind, told)

    def job(self, item: str, status: str, start: float, end: float | None = None, point: bool | None = None, operation: str = "Backup",
            bag: dict[str, str] | None = None, **told: Any) -> str:
        """A job of an item, with its recovery point when it made one (`point` None: when its state says so). Gives the job's id."""
        row = self.items.rows[item.lower()]
        management, kind, workload = SORTS[row["properties"]["protectedItemType"]]
        name = str(uuid.uuid4())
        vault = item.partition("/backupFabrics/")[0]
        properties = {"jobType": kind, "entityFriendlyName": row["properties"]["friendlyName"], "backupManagementType": management, "operation": operation,
                      "status": status, "startTime": self.arm.stamp(start), "activityId": str(uuid.uuid4()), **told}
        if kind == "MabJob":
            properties.update(mabServerName=row["properties"]["computerName"].rstrip("."), mabServerType="Windows", workloadType=workload)
        elif kind == "AzureStorageJob":
            properties.update(storageAccountName=row["properties"]["sourceResourceId"].rpartition("/")[2], storageAccountVersion="MicrosoftStorage")
        else:
            properties.update(containerName=row["properties"]["containerName"], virtualMachineVersion="Compute")
        if end is not None:
            properties.update(endTime=self.arm.stamp(end), duration=f"PT{int(end - start)}S")
        if bag:
            properties["extendedInfo"] = {"propertyBag": bag}
        self.jobs.put(f"{vault}/backupJobs/{name}", {"id": f"{vault}/backupJobs/{name}", "name": name, "type": f"{_TYPE}/backupJobs",
                                                     "properties": properties, "_item": item, "_looks": -1})
        if operation == "Backup" and (status.startswith("Completed") if point is None else point):
            self.point(item, end if end is not None else start)
        if operation == "Backup" and end is not None:
            row["properties"].update(lastBackupStatus="Completed" if status.startswith("Completed") else "Failed", lastBackupTime=self.arm.stamp(end))
        return name

    def point(self, item: str, at: float) -> str:
        """A recovery point of an item."""
        row = self.items.rows[item.lower()]
        name = str(900000000000000000 + int(at * 1000) % 10 ** 15 + len(row["_points"]))
        told: dict[str, Any] = {"objectType": "IaasVMRecoveryPoint", "recoveryPointType": "AppConsistent", "isManagedVirtualMachine": True}
        if row["properties"]["protectedItemType"].startswith("AzureFile"):
            account, share = row["properties"]["sourceResourceId"].rpartition("/")[2], row["properties"]["friendlyName"]
            told = {"objectType": "AzureFileShareRecoveryPoint", "recoveryPointType": "FileSystemConsistent", "recoveryPointSizeInGB": 1,
                    "fileShareSnapshotUri": f"https://{account}.file.core.windows.net/{share}?sharesnapshot={self.arm.stamp(at)}"}
        row["_points"].append({"id": f"{row['id']}/recoveryPoints/{name}", "name": name, "type": row["type"] + "/recoveryPoints",
                               "properties": {**told, "recoveryPointTime": self.arm.stamp(at)}, "_at": at})
        row["properties"]["lastRecoveryPoint"] = self.arm.stamp(at)
        return name

    def threat(self, item: str, point: str, status: str, **info: str) -> None:
        """What the service says of a recovery point now; `info` is the one threat it names."""
        told = next(row for row in self.items.rows[item.lower()]["_points"] if row["name"] == point)["properties"]
        told.update(threatStatus=status, threatInfo=[info] if info else [])

    def _item(self, container: str, name: str, kind: str, told: dict[str, Any]) -> str:
        path = f"{container}/protectedItems/{name}"
        management, _job, workload = SORTS[kind]
        row = self._row(path, {"protectedItemType": kind, "backupManagementType": management, "workloadType": workload,
                               "containerName": container.rpartition("/")[2], "protectionState": "IRPending", **told})
        self.items.put(path, {**row, "_points": []})
        return path

    def _container(self, path: str, source: str) -> dict[str, Any]:
        machine = "virtualMachines" in source
        told = {"friendlyName": source.rpartition("/")[2], "registrationStatus": "Registered", "healthStatus": "Healthy",
                "backupManagementType": "AzureIaasVM" if machine else "AzureStorage",
                "containerType": "Microsoft.Compute/virtualMachines" if machine else "StorageContainer"}
        told.update({"virtualMachineId": source} if machine else {"sourceResourceId": source})
        return self._row(path, told)

    def _place(self, vault: str, source: str, share: str) -> tuple[str, str, str]:
        """Container, name and kind of an item. The name of a share's item holds a hash, as of items made since 2020: it can't be guessed."""
        steps = source.split("/")
        group, name = steps[4], steps[-1]
        begin = f"{vault}/backupFabrics/Azure/protectionContainers/"
        if share:
            return f"{begin}StorageContainer;Storage;{group};{name}", "AzureFileShare;" + _hash(source + share), "AzureFileShareProtectedItem"
        return f"{begin}IaasVMContainer;iaasvmcontainerv2;{group};{name}", f"VM;iaasvmcontainerv2;{group};{name}", "Microsoft.Compute/virtualMachines"

    @staticmethod
    def _row(path: str, properties: dict[str, Any]) -> dict[str, Any]:
        types = path.partition("/providers/")[2].split("/")
        return {"id": path, "name": path.rpartition("/")[2], "type": "/".join([types[0], *types[1::2]]), "properties": properties}

    # -- vaults

    def vaults_get(self, request: Request) -> Answer:
        return Answer(200, _bare(self._vault(request)))

    def vaults_listbyresourcegroup(self, request: Request) -> Answer:
        return Answer(200, {"value": [_bare(row) for row in self.vaults.all(request.path + "/")]})

    def vaults_createorupdate(self, request: Request) -> Answer:
        if request.path.lower() in self.vaults.rows:
            self.vaults.rows[request.path.lower()]["properties"].update(request.body.get("properties") or {})
            return Answer(200, _bare(self.vaults.rows[request.path.lower()]))
        words = request.words
        self.vault(words["resourceGroupName"], words["vaultName"], request.body["location"], **(request.body.get("properties") or {}))
        made = self.vaults.rows[request.path.lower()]
        made["tags"] = request.body.get("tags") or {}
        operation = self.arm.begin(lambda: None)
        links = self.arm.links(request, request.path + "/operationStatus", request.path + "/operationResults", operation)
        return Answer(201, _bare(made), links)

    def vaults_update(self, request: Request) -> Answer:
        made = self._vault(request)
        given = request.body.get("properties") or {}
        if "securitySettings" in given:
            before = made["properties"]["securitySettings"]["immutabilitySettings"]["state"]
            wanted = (given["securitySettings"].get("immutabilitySettings") or {}).get("state", before)
            if before == "Locked" != wanted:
                raise ArmError(400, "ImmutabilityStateChangeNotAllowed", "The immutability of the vault is locked.")    # a guess
            for name, value in given["securitySettings"].items():
                made["properties"]["securitySettings"][name] = value
        return Answer(200, _bare(made))

    def getoperationstatus(self, request: Request) -> Answer:
        return self.arm.status(request.words["operationId"])

    def getoperationresult(self, request: Request) -> Answer:
        vault = self.vaults.rows[request.path.partition("/operationResults/")[0].lower()]
        return self.arm.result(request.words["operationId"], _bare(vault))

    def backupresourcevaultconfigs_get(self, request: Request) -> Answer:
        return self._config(request, "vaultconfig")

    def backupresourcevaultconfigs_update(self, request: Request) -> Answer:
        told = self.configs[self._vault(request)["id"].lower()]["vaultconfig"]
        given = request.body["properties"]
        if told["softDeleteFeatureState"] == "AlwaysON" and given.get("softDeleteFeatureState", "AlwaysON") != "AlwaysON":
            raise ArmError(400, "BMSUserErrorSoftDeleteStateChangeNotAllowed", "Soft delete is always on for this vault.")    # a guess
        told.update(given)
        return self._config(request, "vaultconfig")

    def backupresourcestorageconfigsnoncrr_get(self, request: Request) -> Answer:
        return self._config(request, "vaultstorageconfig")

    def backupresourcestorageconfigsnoncrr_update(self, request: Request) -> Answer:
        vault = self._vault(request)["id"]
        told = self.configs[vault.lower()]["vaultstorageconfig"]
        wanted = request.body["properties"].get("storageModelType", told["storageModelType"])
        if told["storageTypeState"] == "Locked" and wanted != told["storageModelType"]:
            raise ArmError(400, "BMSUserErrorStorageTypeLocked", "The storage type can't be changed once items are protected.")    # a guess
        told.update(storageModelType=wanted, storageType=wanted)
        return self._config(request, "vaultstorageconfig")

    def resourceguardproxies_get(self, request: Request) -> Answer:
        return Answer(200, {"value": self.guards.get(self._vault(request)["id"].lower(), [])})

    def _config(self, request: Request, name: str) -> Answer:
        vault = self._vault(request)["id"]
        folder = "backupconfig" if name == "vaultconfig" else "backupstorageconfig"
        return Answer(200, {"id": f"{vault}/{folder}/{name}", "name": name, "type": f"{_TYPE}/{folder}", "properties": dict(self.configs[vault.lower()][name])})

    def _vault(self, request: Request) -> dict[str, Any]:
        words = request.words
        found = self.vaults.get(f"/subscriptions/{words['subscriptionId']}/resourceGroups/{words['resourceGroupName']}/providers/{_TYPE}/{words['vaultName']}")
        if found is None:
            raise ArmError(404, "ResourceNotFound", f"The Resource '{_TYPE}/{words['vaultName']}' under resource group '{words['resourceGroupName']}' was not "
                           "found. For more details please go to https://aka.ms/ARMResourceNotFoundFix")
        return t.cast("dict[str, Any]", found)

    # -- policies

    def backuppolicies_list(self, request: Request) -> Answer:
        wanted = filters(request.query.get("$filter", ""))
        rows = self.policies.all(self._vault(request)["id"] + "/backupPolicies/")
        management = wanted.get("backupmanagementtype")
        return Answer(200, {"value": [row for row in rows if not management or row["properties"]["backupManagementType"].lower() == management.lower()]})

    def protectionpolicies_get(self, request: Request) -> Answer:
        self._vault(request)
        return Answer(200, self._found(self.policies, request.path, "BMSUserErrorPolicyNotFound"))

    def protectionpolicies_createorupdate(self, request: Request) -> Answer:
        vault = self._vault(request)["id"]
        path = f"{vault}/backupPolicies/{request.words['policyName']}"
        told = request.body["properties"]
        _policy(told)
        protected = [row for row in self.items.rows.values() if row["properties"].get("policyId", "").lower() == path.lower()]
        made = self._row(path, {**told, "protectedItemsCount": len(protected)})
        if not protected:
            self.policies.put(path, made)
            return Answer(200, made)
        operation = self.arm.begin(lambda: self.policies.put(path, made))
        return Answer(202, None, self.arm.links(request, path + "/operations", path + "/operationResults", operation))

    def protectionpolicyoperationstatuses_get(self, request: Request) -> Answer:
        return self.arm.status(request.words["operationId"])

    def protectionpolicyoperationresults_get(self, request: Request) -> Answer:
        self.arm.result(request.words["operationId"])
        return Answer(200, self.policies.rows[request.path.partition("/operationResults/")[0].lower()])

    # -- containers and what may be protected

    def protectioncontainers_refresh(self, request: Request) -> Answer:
        vault = self._vault(request)["id"]
        operation = self.arm.begin(lambda: None)
        links = self.arm.links(request, "", f"{vault}/backupFabrics/Azure/operationResults", operation)
        links.pop("Azure-AsyncOperation")
        return Answer(202, None, links)

    def protectioncontainerrefreshoperationresults_get(self, request: Request) -> Answer:
        return self.arm.result(request.words["operationId"])

    def protectablecontainers_list(self, request: Request) -> Answer:
        vault = self._vault(request)["id"]
        rows = []
        for account in self.shares:
            name = self._place(vault, account, "x")[0].rpartition("/")[2]
            if f"{vault}/backupFabrics/Azure/protectionContainers/{name}".lower() not in self.containers.rows:
                rows.append(self._row(f"{vault}/backupFabrics/Azure/protectableContainers/{name}", {
                    "friendlyName": account.rpartition("/")[2], "backupManagementType": "AzureStorage", "protectableContainerType": "StorageContainer",
                    "healthStatus": "Healthy", "containerId": account}))
        return Answer(200, {"value": rows})

    def backupprotectioncontainers_list(self, request: Request) -> Answer:
        wanted = filters(request.query.get("$filter", ""))
        if "backupmanagementtype" not in wanted:
            raise ArmError(400, "BMSUserErrorInvalidInput", "Input provided for the call is invalid: backupManagementType is missing in the filter.")
        rows = self.containers.all(self._vault(request)["id"] + "/")
        return Answer(200, {"value": [row for row in rows if row["properties"]["backupManagementType"].lower() == wanted["backupmanagementtype"].lower()]})

    def protectioncontainers_get(self, request: Request) -> Answer:
        self._vault(request)
        return Answer(200, self._found(self.containers, request.path, "BMSUserErrorContainerObjectNotFound"))

    def protectioncontainers_register(self, request: Request) -> Answer:
        vault = self._vault(request)["id"]
        source = request.body["properties"].get("sourceResourceId", "")
        account = next((row for row in self.shares if row.lower() == source.lower()), "")
        path = f"{vault}/backupFabrics/Azure/protectionContainers/{request.words['containerName']}"
        if not account or self._place(vault, account, "x")[0].lower() != path.lower():
            raise ArmError(400, "BMSUserErrorInvalidSourceResourceId", f"The storage account '{source}' was not found.")    # a guess
        made = self._container(path, account)
        operation = self.arm.begin(lambda: self.containers.put(path, made))
        return Answer(202, None, self.arm.links(request, path + "/operationsStatus", path + "/operationResults", operation))

    def protectioncontaineroperationresults_get(self, request: Request) -> Answer:
        given = self.arm.result(request.words["operationId"])
        path = request.path.partition("/operationResults/")[0].lower()
        return Answer(200, self.containers.rows[path]) if given.status == 204 else given

    def protectioncontainers_inquire(self, request: Request) -> Answer:
        path = self._vault(request)["id"] + request.path[request.path.lower().index("/backupfabrics/"):].rpartition("/")[0]
        self._found(self.containers, path, "BMSUserErrorContainerObjectNotFound")
        operation = self.arm.begin(lambda: self.inquired.add(path.lower()))
        return Answer(202, None, self.arm.links(request, path + "/operationsStatus", path + "/operationResults", operation))

    def backupprotectableitems_list(self, request: Request) -> Answer:
        vault, wanted = self._vault(request)["id"], filters(request.query.get("$filter", ""))
        management = wanted.get("backupmanagementtype", "")
        rows = []
        for source in self.machines.values() if management.lower() == "azureiaasvm" else []:
            rows.append(self._protectable(vault, source, "", {"virtualMachineId": source, "protectableItemType": "Microsoft.Compute/virtualMachines"}))
        for account, shares in self.shares.items() if management.lower() == "azurestorage" else []:
            if self._place(vault, account, "x")[0].lower() in self.inquired:
                rows += [self._protectable(vault, account, share, {
                    "protectableItemType": "AzureFileShare", "azureFileShareType": "XSMB", "parentContainerFabricId": account,
                    "parentContainerFriendlyName": account.rpartition("/")[2]}) for share in shares]
        return Answer(200, {"value": [row for row in rows if row]})

    def _protectable(self, vault: str, source: str, share: str, told: dict[str, Any]) -> dict[str, Any] | None:
        container, name, kind = self._place(vault, source, share)
        if f"{container}/protectedItems/{name}".lower() in self.items.rows:
            return None
        management, _job, workload = SORTS[kind]
        return self._row(f"{container}/protectableItems/{name}", {
            "friendlyName": share or source.rpartition("/")[2], "backupManagementType": management, "workloadType": workload,
            "protectionState": "NotProtected", **told})

    # -- protected items

    def backupprotecteditems_list(self, request: Request) -> Answer:
        wanted = filters(request.query.get("$filter", ""))
        management = wanted.get("backupmanagementtype", "").lower()
        rows = self.items.all(self._vault(request)["id"] + "/")
        return Answer(200, {"value": [_bare(row) for row in rows if not management or row["properties"]["backupManagementType"].lower() == management]})

    def protecteditems_get(self, request: Request) -> Answer:
        self._vault(request)
        row = self._found(self.items, request.path, "BMSUserErrorItemNotFound")
        told = _bare(row)
        if filters(request.query.get("$filter", "")).get("expand", "").lower() == "extendedinfo":
            points = sorted(row["_points"], key=lambda point: point["_at"])
            info: dict[str, Any] = {"recoveryPointCount": len(points)}
            if points:
                info["oldestRecoveryPoint"] = points[0]["properties"]["recoveryPointTime"]
            told["properties"] = {**told["properties"], "extendedInfo": info}
        return Answer(200, told)

    def protecteditems_createorupdate(self, request: Request) -> Answer:
        vault = self._vault(request)["id"]
        given = request.body["properties"]
        policy = self.policies.rows.get(str(given.get("policyId", "")).lower())
        management = SORTS.get(given["protectedItemType"], ("", "", ""))[0]
        if policy is None or policy["properties"]["backupManagementType"] != management:
            raise ArmError(400, "BMSUserErrorInvalidPolicyInput", f"Input for create or update policy is not in proper format: {given.get('policyId')}.")
        path = vault + request.path[request.path.lower().index("/backupfabrics/"):]
        source = str(given.get("sourceResourceId", ""))
        shares = {self._place(vault, account, share)[1].lower(): (account, share) for account, rows in self.shares.items() for share in rows}
        account, share = shares.get(path.rpartition("/")[2].lower(), ("", ""))
        known = self.machines.get(source.lower()) if management == "AzureIaasVM" else account if account.lower() == source.lower() else None
        if not known or self._place(vault, known, share)[0].lower() + "/protecteditems/" + self._place(vault, known, share)[1].lower() != path.lower():
            raise ArmError(400, "BMSUserErrorInvalidSourceResourceId", f"The item '{source}' was not found.")    # a guess
        container = path.rpartition("/protectedItems/")[0]
        if share and container.lower() not in self.containers.rows:
            raise ArmError(404, "BMSUserErrorContainerObjectNotFound", "The container is not registered with this vault.")
        old = self.items.rows.get(path.lower())
        if old and old["properties"].get("isScheduledForDeferredDelete") and not given.get("isRehydrate"):
            raise ArmError(400, "BMSUserErrorItemInSoftDeletedState", "The item is in soft deleted state.")    # a guess

        def protect() -> dict[str, Any]:
            if old:
                old["properties"]["policyId"] = policy["id"]
            else:
                self.item(vault, known, share, policy["name"])
                self.items.rows[path.lower()]["properties"]["protectionState"] = "IRPending"
                self.configs[vault.lower()]["vaultstorageconfig"]["storageTypeState"] = "Locked"
            now = self.arm.clock()
            return _job_info(self.job(path, "Completed", now, now, operation="ConfigureBackup"))

        operation = self.arm.begin(protect)
        return Answer(202, None, self.arm.links(request, path + "/operationsStatus", path + "/operationResults", operation))

    def protecteditemoperationstatuses_get(self, request: Request) -> Answer:
        return self.arm.status(request.words["operationId"])

    def protecteditemoperationresults_get(self, request: Request) -> Answer:
        given = self.arm.result(request.words["operationId"])
        row = self.items.rows.get(request.path.partition("/operationResults/")[0].lower())
        return Answer(200, _bare(row)) if given.status == 204 and row else given

    def backups_trigger(self, request: Request) -> Answer:
        row = self._item_of(request)
        management = row["properties"]["backupManagementType"]
        if request.body["properties"]["objectType"] != _REQUESTS.get(management):
            raise ArmError(400, "BMSUserErrorInvalidInput", f"Input provided for the call is invalid: {request.body['properties']['objectType']}.")
        running = [job for job in self.jobs.rows.values() if job["_item"] == row["id"] and job["properties"]["status"] == "InProgress"]
        if running:
            raise ArmError(409, "UserErrorBackupOperationInProgress", "A backup operation is currently in progress.")
        return self._trigger(request, row, "Backup", dict(self.outcome))

    def restores_trigger(self, request: Request) -> Answer:
        row = self._item_of(request)
        if not any(point["name"] == request.words["recoveryPointId"] for point in row["_points"]):
            raise ArmError(404, "BMSUserErrorRecoveryPointNotFound", "The recovery point was not found.")
        given = request.body["properties"]
        if given["objectType"] == "AzureFileShareRestoreRequest":
            self._share_restore(given)
        self.restores.append({"item": row["id"], "point": request.words["recoveryPointId"], **given})
        bag = {"Number Of Failed Files": "0", "Number Of Restored Files": "3", "Number Of Skipped Files": "0", "Data Transferred (in MB)": "12"}
        return self._trigger(request, row, "Restore", {"bag": bag, **self.outcome})

    def _share_restore(self, given: dict[str, Any]) -> None:
        target, specs = given.get("targetDetails") or {}, given.get("restoreFileSpecs") or []
        problems = {
            "sourceResourceId is missing": not given.get("sourceResourceId"),
            "targetDetails is missing": given.get("recoveryType") == "AlternateLocation" and not (target.get("name") and target.get("targetResourceId")),
            "restoreFileSpecs has no path": given.get("restoreRequestType") == "ItemLevelRestore" and not (specs and all(row.get("path") for row in specs)),
            "the target share does not exist": bool(target) and target.get("name") not in next(
                (rows for account, rows in self.shares.items() if account.lower() == str(target.get("targetResourceId")).lower()), [])}
        wrong = [name for name, found in problems.items() if found]
        if wrong:
            raise ArmError(400, "BMSUserErrorInvalidInput", f"Input provided for the call is invalid: {wrong[0]}.")

    def _trigger(self, request: Request, row: dict[str, Any], what: str, outcome: dict[str, Any]) -> Answer:
        def start() -> dict[str, Any]:
            name = self.job(row["id"], "InProgress", self.arm.clock(), operation=what, isUserTriggered=True)
            self.jobs.rows[f"{row['id'].partition('/backupFabrics/')[0]}/backupJobs/{name}".lower()].update(_looks=self.job_looks, _outcome=outcome)
            return _job_info(name)

        operation = self.arm.begin(start)
        return Answer(202, None, self.arm.links(request, row["id"] + "/operationsStatus", row["id"] + "/operationResults", operation))

    def recoverypoints_list(self, request: Request) -> Answer:
        row = self._item_of(request)
        return Answer(200, {"value": [_bare(point) for point in sorted(row["_points"], key=lambda point: -point["_at"])]})

    def recoverypoints_get(self, request: Request) -> Answer:
        for point in self._item_of(request)["_points"]:
            if point["name"] == request.words["recoveryPointId"]:
                return Answer(200, _bare(point))
        raise ArmError(404, "BMSUserErrorRecoveryPointNotFound", "The recovery point was not found.")

    def _item_of(self, request: Request) -> dict[str, Any]:
        self._vault(request)
        end = re.search(r"/protectedItems/[^/]+", request.path, re.IGNORECASE)
        return self._found(self.items, request.path[:end.end()] if end else request.path, "BMSUserErrorItemNotFound")

    # -- jobs

    def backupjobs_list(self, request: Request) -> Answer:
        wanted = filters(request.query.get("$filter", ""))
        begin, end = (_filter_time(wanted[name]) if name in wanted else None for name in ("starttime", "endtime"))
        rows = []
        for row in self.jobs.all(self._vault(request)["id"] + "/"):
            told = row["properties"]
            started = datetime.strptime(told["startTime"][:19], "%Y-%m-%dT%H:%M:%S")
            words = {"operation": told["operation"], "backupmanagementtype": told["backupManagementType"], "status": told["status"]}
            if (begin is None or started >= begin) and (end is None or started <= end) and all(
                    words[name].lower() == value.lower() for name, value in wanted.items() if name in words):
                told = {name: value for name, value in told.items() if name not in ("extendedInfo", "errorDetails")}
                rows.append(_bare({**row, "properties": told}))
        return Answer(200, {"value": rows})

    def jobdetails_get(self, request: Request) -> Answer:
        self._vault(request)
        row = self._found(self.jobs, request.path, "BMSUserErrorJobNotFound")
        if row["properties"]["status"] == "InProgress" and row["_looks"] >= 0:
            row["_looks"] -= 1
            if row["_looks"] < 0:
                self._end(row)
        return Answer(200, _bare(row))

    def _end(self, row: dict[str, Any]) -> None:
        outcome, now = dict(row["_outcome"]), self.arm.clock()
        bag = outcome.pop("bag", None)
        row["properties"].update(endTime=self.arm.stamp(now), duration="PT60S", **outcome)
        if bag:
            row["properties"]["extendedInfo"] = {"propertyBag": bag}
        if row["properties"]["operation"] == "Backup" and row["properties"]["status"].startswith("Completed"):
            self.point(row["_item"], now)
            self.items.rows[row["_item"].lower()]["properties"].update(lastBackupStatus="Completed", lastBackupTime=self.arm.stamp(now),
                                                                       protectionState="Protected")

    def backupoperationstatuses_get(self, request: Request) -> Answer:
        return self.arm.status(request.words["operationId"])

    def _found(self, shelf: Shelf, path: str, code: str) -> dict[str, Any]:
        found = shelf.get(path)
        if found is None:
            raise ArmError(404, code, f"The object '{path.rpartition('/')[2]}' was not found in the vault.")
        return t.cast("dict[str, Any]", found)


def _bare(row: dict[str, Any]) -> dict[str, Any]:
    """A row without what only the fake knows."""
    return {name: value for name, value in row.items() if not name.startswith("_")}


def _hash(text: str) -> str:
    return hashlib.sha256(text.lower().encode()).hexdigest()


def _job_info(name: str) -> dict[str, Any]:
    return {"objectType": "OperationStatusJobExtendedInfo", "jobId": name}


def _filter_time(text: str) -> datetime:
    """The form that the official examples have: '2016-01-01 00:00:00 AM', where 00 means 12."""
    try:
        return datetime.strptime(re.sub(r" 00:", " 12:", text), "%Y-%m-%d %I:%M:%S %p")
    except ValueError as error:
        raise ArmError(400, "BMSUserErrorInvalidInput", f"Input provided for the call is invalid: the time '{text}' can't be read.") from error


def _policy(told: dict[str, Any]) -> None:
    """What makes a policy one that the service takes. Raises ArmError."""
    schedule, retention = told.get("schedulePolicy") or {}, told.get("retentionPolicy") or {}
    runs = schedule.get("scheduleRunTimes") or []
    daily = retention.get("dailySchedule") or {}
    days = (daily.get("retentionDuration") or {}).get("count", 0)
    limit = 200 if told["backupManagementType"] == "AzureStorage" else 9999
    problems = {
        "schedulePolicy": schedule.get("scheduleRunFrequency") == "Daily" and len(runs) != 1,
        "retentionTimes": bool(daily) and daily.get("retentionTimes") != runs,
        "scheduleRunTimes": any(not re.search(r"T\d\d:(00|30):00", run) for run in runs),
        "retentionDuration": bool(daily) and not 1 <= days <= limit,
        "timeZone": told.get("timeZone", "UTC") not in _TIME_ZONES,
        "workLoadType": told["backupManagementType"] == "AzureStorage" and told.get("workLoadType") != "AzureFileShare",
        "backupManagementType": told["backupManagementType"] == "MAB",
    }
    wrong = [name for name, found in problems.items() if found]
    if wrong:
        raise ArmError(400, "BMSUserErrorInvalidPolicyInput", f"Input for create or update policy is not in proper format. Check {wrong[0]}.")
