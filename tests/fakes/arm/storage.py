# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fake's Storage: accounts, the blob service, containers with write-once policies, and lifecycle rules. It holds no blobs.

Codes and texts of refusals that the description does not give are as Microsoft's articles show them, or a guess; a guess is marked so.
"""

from __future__ import annotations

import copy
import uuid
from typing import Any

from .contract import ArmError, Contract
from .server import SUBSCRIPTION, Answer, FakeArm, Request, Shelf

_TYPE = "Microsoft.Storage/storageAccounts"
_MOST_EXTENSIONS = 5


class FakeStorage:
    """Its state, what tests set, and one method for each operation."""

    def __init__(self, arm: FakeArm) -> None:
        self.arm = arm
        self.contract = Contract("storage")
        self.accounts, self.containers = Shelf(arm), Shelf(arm)
        self.services: dict[str, dict[str, Any]] = {}
        self.policies: dict[str, dict[str, Any]] = {}     # account -> its lifecycle policy
        self.once: dict[str, dict[str, Any]] = {}         # container -> its write-once policy
        self.overridden: dict[str, Any] = {}              # properties of accounts that a policy of the subscription forces
        arm.providers.append(self)

    # -- what is there before anybody asks

    def account(self, group: str, name: str, location: str = "brazilsouth", sku: str = "Standard_ZRS", **properties: Any) -> str:
        path = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}/providers/{_TYPE}/{name}"
        self.accounts.put(path, {
            "id": path, "name": name, "type": _TYPE, "location": location, "kind": "StorageV2", "sku": {"name": sku, "tier": "Standard"}, "tags": {},
            "properties": {"provisioningState": "Succeeded", "creationTime": self.arm.stamp(), "supportsHttpsTrafficOnly": True,
                           "primaryEndpoints": {"blob": f"https://{name}.blob.core.windows.net/"}, **properties}})
        self.services[path.lower()] = {"cors": {"corsRules": []}, "deleteRetentionPolicy": {"enabled": False}}
        return path

    def container(self, account: str, name: str, **properties: Any) -> str:
        path = f"{account}/blobServices/default/containers/{name}"
        self.containers.put(path, {"id": path, "name": name, "type": f"{_TYPE}/blobServices/containers", "etag": _etag(),
                                   "properties": {"publicAccess": "None", "leaseState": "Available", "leaseStatus": "Unlocked", "hasLegalHold": False,
                                                  "lastModifiedTime": self.arm.stamp(), **properties}})
        return path

    def hold(self, container: str, days: int, state: str = "Unlocked", append: bool = False, extended: int = 0) -> None:
        """A write-once policy that is there already."""
        self.once[container.lower()] = {"etag": _etag(), "days": days, "state": state, "append": append, "extended": extended}

    # -- accounts

    def storageaccounts_getproperties(self, request: Request) -> Answer:
        return Answer(200, self._account(request.path))

    def storageaccounts_create(self, request: Request) -> Answer:
        if request.path.lower() in self.accounts.rows:
            return self.storageaccounts_update(request)
        words, body = request.words, copy.deepcopy(request.body)

        def made() -> None:
            self.account(words["resourceGroupName"], words["accountName"], body["location"], body["sku"]["name"], **(body.get("properties") or {}))
            self.accounts.rows[request.path.lower()]["properties"].update(self.overridden)

        operation = self.arm.begin(made)
        place = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Storage/locations/{body['location']}/asyncoperations/{operation}"

        def told() -> Answer:
            given = self.arm.result(operation, {})
            return given._replace(body=self.accounts.rows[request.path.lower()]) if given.status == 200 else given

        self.arm.places[place.lower()] = told
        return Answer(202, None, {"Location": f"{request.base}{place}?monitor=true&api-version={request.query['api-version']}",
                                  "Retry-After": str(self.arm.retry_after)})

    def storageaccounts_update(self, request: Request) -> Answer:
        account = self._account(request.path)
        account["properties"].update(request.body.get("properties") or {}, **self.overridden)
        return Answer(200, account)

    def _account(self, path: str) -> dict[str, Any]:
        account = path.partition("/blobServices")[0].partition("/managementPolicies")[0]
        found: dict[str, Any] | None = self.accounts.get(account)
        if found is None:
            raise ArmError(404, "ResourceNotFound", f"The Resource '{_TYPE}/{account.rpartition('/')[2]}' under resource group "
                           f"'{account.split('/')[4]}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix")
        return found

    # -- the blob service and the lifecycle

    def blobservices_getserviceproperties(self, request: Request) -> Answer:
        account = self._account(request.path)
        return Answer(200, {"id": request.path, "name": "default", "type": f"{_TYPE}/blobServices", "sku": account["sku"],
                            "properties": self.services[account["id"].lower()]})

    def blobservices_setserviceproperties(self, request: Request) -> Answer:
        account = self._account(request.path)
        given = dict(request.body.get("properties") or {})
        if given.get("restorePolicy", {}).get("enabled") and not given.get("isVersioningEnabled"):
            raise ArmError(400, "InvalidXmlNodeValue", "Point-in-time restore needs versioning.")    # a guess
        for name in ("deleteRetentionPolicy", "containerDeleteRetentionPolicy"):
            if (given.get(name) or {}).get("enabled") and not given[name].get("days"):
                raise ArmError(400, "InvalidRequestPropertyValue", f"The value of {name} is not valid: days are missing.")    # a guess
        self.services[account["id"].lower()] = copy.deepcopy(given)
        return Answer(200, {"id": request.path, "name": "default", "type": f"{_TYPE}/blobServices", "properties": given})

    def managementpolicies_get(self, request: Request) -> Answer:
        account = self._account(request.path)
        if account["id"].lower() not in self.policies:
            raise ArmError(404, "ManagementPolicyNotFound", "No ManagementPolicy found for account.")
        return Answer(200, self.policies[account["id"].lower()])

    def managementpolicies_createorupdate(self, request: Request) -> Answer:
        account = self._account(request.path)
        rules = request.body["properties"]["policy"]["rules"]
        if not rules or len({rule["name"] for rule in rules}) != len(rules):
            raise ArmError(400, "InvalidRequestPropertyValue", "The value of properties.policy.rules is not valid.")    # a guess
        for rule in rules:
            if not rule["name"].isalnum():
                raise ArmError(400, "InvalidRequestPropertyValue", f"The rule name '{rule['name']}' is not alphanumeric.")    # a guess
            if not rule["definition"]["actions"]:
                raise ArmError(400, "InvalidRequestPropertyValue", f"The rule '{rule['name']}' has no action.")    # a guess
        told = {"id": request.path, "name": "DefaultManagementPolicy", "type": f"{_TYPE}/managementPolicies",
                "properties": {"policy": copy.deepcopy(request.body["properties"]["policy"]), "lastModifiedTime": self.arm.stamp()}}
        self.policies[account["id"].lower()] = told
        return Answer(200, told)

    def managementpolicies_delete(self, request: Request) -> Answer:
        return Answer(200 if self.policies.pop(self._account(request.path)["id"].lower(), None) else 204)

    # -- containers

    def blobcontainers_get(self, request: Request) -> Answer:
        return Answer(200, self._told(request.path))

    def blobcontainers_create(self, request: Request) -> Answer:
        account = self._account(request.path)
        given = request.body.get("properties") or {}
        self._public(account, given)
        there = request.path.lower() in self.containers.rows
        if not there:
            self.container(account["id"], request.words["containerName"], **given)
        row = self.containers.rows[request.path.lower()]
        return Answer(200 if there else 201, {**row, "properties": given})

    def blobcontainers_update(self, request: Request) -> Answer:
        account, given = self._account(request.path), request.body.get("properties") or {}
        self._public(account, given)
        self._container(request.path)["properties"].update(given)
        return Answer(200, self._told(request.path))

    @staticmethod
    def _public(account: dict[str, Any], given: dict[str, Any]) -> None:
        if given.get("publicAccess", "None") != "None" and not account["properties"].get("allowBlobPublicAccess"):
            raise ArmError(409, "PublicAccessNotPermitted", "Public access is not permitted on this storage account.")

    def _container(self, path: str) -> dict[str, Any]:
        self._account(path)
        found: dict[str, Any] | None = self.containers.get(path.partition("/immutabilityPolicies")[0])
        if found is None:
            raise ArmError(404, "ContainerNotFound", "The specified container does not exist.")
        return found

    def _told(self, path: str) -> dict[str, Any]:
        row, once = copy.deepcopy(self._container(path)), self.once.get(path.lower())
        row["properties"]["hasImmutabilityPolicy"] = once is not None
        if once:
            row["properties"]["immutabilityPolicy"] = {"etag": once["etag"], "properties": _once(once), "updateHistory": []}
        return row

    # -- write-once policies

    def blobcontainers_createorupdateimmutabilitypolicy(self, request: Request) -> Answer:
        place = self._place(request)
        given, once = request.body["properties"], self.once.get(place)
        if once is not None:
            self._matches(request, once)
        if once and once["state"] == "Locked":
            raise ArmError(409, "ContainerImmutabilityPolicyFailure", "Operation not allowed on immutability policy with current state.")    # a guess
        days = given["immutabilityPeriodSinceCreationInDays"]
        if not 1 <= days <= 146000:
            raise ArmError(400, "InvalidRequestPropertyValue", f"The value {days} is not from 1 to 146000.")    # a guess
        self.hold(place, days, append=bool(given.get("allowProtectedAppendWrites")))
        return self._answer(request, place)

    def blobcontainers_deleteimmutabilitypolicy(self, request: Request) -> Answer:
        place = self._place(request)
        once = self._once(request, place)
        if once["state"] == "Locked":
            raise ArmError(409, "ContainerImmutabilityPolicyFailure", "Operation not allowed on immutability policy with current state.")    # a guess
        del self.once[place]
        return Answer(200, {"id": request.path, "name": "default", "type": f"{_TYPE}/blobServices/containers/immutabilityPolicies", "etag": _etag(),
                            "properties": {"immutabilityPeriodSinceCreationInDays": 0, "state": "Unlocked"}})

    def blobcontainers_lockimmutabilitypolicy(self, request: Request) -> Answer:
        place = self._place(request)
        self._once(request, place).update(state="Locked", etag=_etag())
        return self._answer(request, place)

    def blobcontainers_extendimmutabilitypolicy(self, request: Request) -> Answer:
        place = self._place(request)
        once, days = self._once(request, place), request.body["properties"]["immutabilityPeriodSinceCreationInDays"]
        if once["state"] != "Locked" or days < once["days"] or once["extended"] >= _MOST_EXTENSIONS:
            raise ArmError(409, "ContainerImmutabilityPolicyFailure", "Operation not allowed on immutability policy with current state.")    # a guess
        once.update(days=days, extended=once["extended"] + 1, etag=_etag())
        return self._answer(request, place)

    def _place(self, request: Request) -> str:
        self._container(request.path)
        return request.path.lower().partition("/immutabilitypolicies")[0]

    def _once(self, request: Request, place: str) -> dict[str, Any]:
        if place not in self.once:
            raise ArmError(404, "ContainerImmutabilityPolicyNotFound", "There is no immutability policy on the container.")    # a guess
        self._matches(request, self.once[place])
        return self.once[place]

    @staticmethod
    def _matches(request: Request, once: dict[str, Any]) -> None:
        given = request.headers.get("If-Match", "")
        if not given:
            raise ArmError(400, "MissingRequiredHeader", "The header If-Match is missing.")    # a guess
        if given != "*" and given.strip('"') != once["etag"].strip('"'):
            raise ArmError(412, "PreconditionFailed", "The condition specified using HTTP conditional header(s) is not met.")

    def _answer(self, request: Request, place: str) -> Answer:
        once = self.once[place]
        path = request.path.partition("/immutabilityPolicies")[0] + "/immutabilityPolicies/default"
        return Answer(200, {"id": path, "name": "default", "type": f"{_TYPE}/blobServices/containers/immutabilityPolicies", "etag": once["etag"],
                            "properties": _once(once)}, {"ETag": once["etag"]})


def _once(once: dict[str, Any]) -> dict[str, Any]:
    return {"immutabilityPeriodSinceCreationInDays": once["days"], "state": once["state"], "allowProtectedAppendWrites": once["append"]}


def _etag() -> str:
    return '"8d' + uuid.uuid4().hex[:13] + '"'
