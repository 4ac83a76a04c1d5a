# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The official clients, unmodified, take the fake Azure Resource Manager for the service; and what it must refuse, it refuses."""

from __future__ import annotations

import http.client
import json
import ssl
import time

import pytest
from arm import clients
from arm.contract import ArmError, Contract
from arm.server import FakeArm, action_of, filters
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.recoveryservices import RecoveryServicesClient
from azure.mgmt.recoveryservicesbackup import RecoveryServicesBackupClient
from login import token

VERSION, VAULTS = "2026-10-01", "2026-11-01"
# the official client's methods don't agree on the order of these two
VAULT = {"resource_group_name": "rg", "vault_name": "boveda"}
POLICY = {"properties": {
    "backupManagementType": "AzureStorage", "workLoadType": "AzureFileShare", "timeZone": "SA Pacific Standard Time",
    "schedulePolicy": {"schedulePolicyType": "SimpleSchedulePolicy", "scheduleRunFrequency": "Daily", "scheduleRunTimes": ["2026-01-01T22:00:00Z"]},
    "retentionPolicy": {"retentionPolicyType": "LongTermRetentionPolicy", "dailySchedule": {
        "retentionTimes": ["2026-01-01T22:00:00Z"], "retentionDuration": {"count": 180, "durationType": "Days"}}}}}


@pytest.fixture
def client(arm):
    return clients.client(RecoveryServicesBackupClient, arm, VERSION)


def ask(arm: FakeArm, method, path, body=None, bearer=None, version=None):
    """One request by hand: status and answer."""
    version = (VERSION if "/backup" in path else VAULTS) if version is None else version
    connection = http.client.HTTPSConnection("localhost", arm.server.server_port, context=ssl.create_default_context(cafile=str(arm.ca)), timeout=10)
    given = token("https://management.azure.com") if bearer is None else bearer
    headers = {"Authorization": "Bearer " + given} if given else {}
    connection.request(method, path + (f"?api-version={version}" if version else ""), json.dumps(body) if body is not None else None, headers)
    answer = connection.getresponse()
    told = answer.read()
    connection.close()
    return answer.status, json.loads(told) if told else None


def refused(arm, *request, **more):
    status, told = ask(arm, *request, **more)
    return status, told["error"]["code"]


def test_a_vault_is_made(arm, backup):
    client = clients.client(RecoveryServicesClient, arm, VAULTS)
    made = client.vaults.begin_create_or_update("rg", "boveda", {
        "location": "eastus2", "sku": {"name": "RS0", "tier": "Standard"}, "properties": {"publicNetworkAccess": "Enabled"}}).result()
    assert made.properties.provisioning_state == "Succeeded" and client.vaults.get("rg", "boveda").name == "boveda"
    assert [row.name for row in client.vaults.list_by_resource_group("rg")] == ["boveda"]
    with pytest.raises(ResourceNotFoundError, match="ResourceNotFound.*Microsoft.RecoveryServices/vaults/otra"):
        client.vaults.get("rg", "otra")


def test_a_share_from_nothing_to_a_copy_and_back(arm, backup, client):
    backup.vault("rg", "boveda")
    account = backup.account("rg", "cuenta", "legal", "legal2")
    container = next(row.name for row in client.protectable_containers.list(**VAULT, fabric_name="Azure", filter="backupManagementType eq 'AzureStorage'"))
    client.protection_containers.begin_register(**VAULT, fabric_name="Azure", container_name=container, parameters={"properties": {
        "containerType": "StorageContainer", "backupManagementType": "AzureStorage", "sourceResourceId": account, "friendlyName": "cuenta"}}).result()
    looked = "backupManagementType eq 'AzureStorage'"
    assert not list(client.backup_protectable_items.list(**VAULT, filter=looked))   # before the inquiry the vault knows no share
    client.protection_containers.inquire(**VAULT, fabric_name="Azure", container_name=container)
    for operation in list(arm.operations):
        while arm.status(operation).body["status"] == "InProgress":
            pass
    item = next(row for row in client.backup_protectable_items.list(**VAULT, filter=looked) if row.properties.friendly_name == "legal")
    assert "legal" not in item.name
    client.protection_policies.create_or_update(**VAULT, policy_name="diaria", parameters=POLICY)
    place = {**VAULT, "fabric_name": "Azure", "container_name": container, "protected_item_name": item.name}

    def job_of(responses):
        """Stage one: the operation, whose end tells the job."""
        operation = responses[0].http_response.headers["Azure-AsyncOperation"].rpartition("/")[2].partition("?")[0]
        states = [client.protected_item_operation_statuses.get(**place, operation_id=operation) for _each in range(2)]
        assert [row.status for row in states] == ["InProgress", "Succeeded"]
        return states[1].properties.job_id

    policy = client.protection_policies.get(**VAULT, policy_name="diaria").id
    client.protected_items.begin_create_or_update(**place, parameters={"properties": {
        "protectedItemType": "AzureFileShareProtectedItem", "sourceResourceId": account, "policyId": policy}}).result()
    seen = []
    client.backups.trigger(**place, raw_response_hook=seen.append, parameters={"properties": {"objectType": "AzureFileShareBackupRequest"}})
    job = job_of(seen)
    # stage two: the operation is over, the job is not
    assert [client.job_details.get(**VAULT, job_name=job).properties.status for _each in range(2)] == ["InProgress", "Completed"]
    point = next(iter(client.recovery_points.list(**place)))
    client.restores.begin_trigger(**place, recovery_point_id=point.name, parameters={"properties": {
        "objectType": "AzureFileShareRestoreRequest", "recoveryType": "AlternateLocation", "sourceResourceId": account, "copyOptions": "Overwrite",
        "restoreRequestType": "ItemLevelRestore", "restoreFileSpecs": [{"path": "a/b.txt", "fileSpecType": "File", "targetFolderPath": "_restaurado"}],
        "targetDetails": {"name": "legal", "targetResourceId": account}}}).result()
    assert backup.restores[0]["restoreFileSpecs"][0]["path"] == "a/b.txt" and backup.restores[0]["point"] == point.name


def test_pages_and_filters(arm, backup, client):
    vault = backup.vault("rg", "boveda")
    item = backup.agent(vault, "SRV1", "C:\\")[0]
    machine = backup.item(vault, backup.machine("rg", "vm1"))
    names = {backup.job(item, "Completed", 1790000000 + each * 86400, 1790000600 + each * 86400) for each in range(7)}
    backup.job(machine, "Failed", 1790000000, 1790000060, errorDetails=[{"errorCode": 400001, "errorString": "no snapshot"}])
    arm.page_size = 3
    found = list(client.backup_jobs.list(**VAULT, filter="backupManagementType eq 'MAB' and operation eq 'Backup'"))
    assert {row.name for row in found} == names and found[0].properties.mab_server_name == "SRV1"
    assert sum(1 for row in arm.requests if "$skipToken" in row.query) == 2
    day = "startTime eq '2026-09-22 12:00:00 AM' and endTime eq '2026-09-22 11:59:59 PM'"
    assert len(list(client.backup_jobs.list(**VAULT, filter=day))) == 1
    with pytest.raises(HttpResponseError, match="BMSUserErrorInvalidInput"):
        list(client.backup_jobs.list(**VAULT, filter="startTime gt '2026'"))


def test_the_production_names_by_its_proxy(arm, backup):
    backup.vault("rg", "boveda")
    client = clients.client(RecoveryServicesClient, arm, VAULTS, base_url="https://management.azure.com", proxies={"https": arm.proxy})
    assert client.vaults.get("rg", "boveda").name == "boveda"
    assert arm.connected == ["management.azure.com:443"]
    other = clients.client(RecoveryServicesClient, arm, VAULTS, base_url="https://example.org", proxies={"https": arm.proxy}, retry_total=0)
    with pytest.raises(Exception, match="403 Forbidden"):
        other.vaults.get("rg", "boveda")


def test_throttled_and_failing_requests_are_repeated_by_the_official_client(arm, backup, client):
    backup.vault("rg", "boveda")
    arm.fail("backupJobs", 429, retry_after="1")
    arm.fail("backupJobs", 503)
    began = time.monotonic()
    assert list(client.backup_jobs.list(**VAULT)) == []
    assert [row.status for row in arm.requests] == [429, 503, 200] and time.monotonic() - began >= 1


def test_a_new_thing_is_seen_late(arm, backup):
    arm.lag = 2
    vault = backup.vault("rg", "boveda")
    assert [ask(arm, "GET", vault)[0] for _each in range(3)] == [404, 404, 200]


@pytest.mark.parametrize(("change", "word"), [
    ({"backupManagementType": "Cinta"}, "is not one of AzureStorage"),
    ({"schedulePolicy": {"scheduleRunFrequency": "Daily"}}, "schedulePolicyType"),
    ({"workLoadType": "Nada"}, "is not one of Invalid, VM"),
    ({"horario": 1}, "Could not find member 'horario'"),
    ({"timeZone": 5}, "to type 'string'"),
    ({"schedulePolicy": {"schedulePolicyType": "SimpleSchedulePolicy", "scheduleRunTimes": ["mañana"]}}, "is no date and time"),
])
def test_bodies_are_checked_by_the_description(arm, backup, change, word):
    vault = backup.vault("rg", "boveda")
    status, told = ask(arm, "PUT", f"{vault}/backupPolicies/p", {"properties": {**POLICY["properties"], **change}})
    assert status == 400 and told["error"]["code"] == "InvalidRequestContent" and word in told["error"]["message"]


def test_requests_are_checked_by_the_description(arm, backup):
    vault = backup.vault("rg", "boveda")
    assert refused(arm, "GET", vault, version="") == (400, "MissingApiVersionParameter")
    assert refused(arm, "GET", vault, version="2011-01-01") == (400, "NoRegisteredProviderFound")
    assert refused(arm, "GET", vault + "/cintas") == (404, "InvalidResourceType")
    assert refused(arm, "POST", vault, {}) == (405, "MethodNotAllowed")
    assert refused(arm, "PUT", f"{vault}/backupPolicies/p") == (400, "InvalidRequestContent")
    assert refused(arm, "GET", vault.replace("cc/", "dd/")) == (404, "SubscriptionNotFound")
    assert refused(arm, "GET", vault, bearer="") == (401, "AuthenticationFailed")
    assert refused(arm, "GET", vault, bearer=token("https://storage.azure.com")) == (401, "InvalidAuthenticationTokenAudience")
    assert refused(arm, "GET", vault, bearer=token("https://management.azure.com", -9)) == (401, "ExpiredAuthenticationToken")
    assert refused(arm, "PUT", f"{vault}/backupPolicies/p", {"properties": {**POLICY["properties"], "timeZone": "America/Lima"}}) == (
        400, "BMSUserErrorInvalidPolicyInput")
    arm.forbid("Microsoft.RecoveryServices/vaults/backupJobs/read")
    assert refused(arm, "GET", f"{vault}/backupJobs") == (403, "AuthorizationFailed")


def test_the_fake_can_not_answer_what_the_description_does_not_allow(arm, backup):
    contract = Contract("backup")
    operation = next(row for row in contract.operations if row.name == "BackupJobs_List")
    with pytest.raises(AssertionError, match="never answers 418"):
        contract.check_answer(operation, 418, None)
    with pytest.raises(AssertionError, match="is not one of AzureIaaSVMJob"):
        contract.check_answer(operation, 200, {"value": [{"properties": {"jobType": "Cinta"}}]})


@pytest.mark.parametrize("name", ["backup", "storage"])
def test_the_official_examples_pass_their_own_description(name):
    """So the judge refuses nothing that the service's own examples ask."""
    contract = Contract(name)
    slips = []
    for operation in contract.operations:
        for example in operation.told["examples"]:
            body = next((value for key, value in example["parameters"].items() if isinstance(value, dict)), None)
            query = {"api-version": operation.told["version"]}
            try:
                contract.check(operation, {key: str(value) for key, value in example["parameters"].items()}, query, body)
                for status, answer in example["answers"].items():
                    contract.check_answer(operation, int(status), answer)
            except (ArmError, AssertionError) as error:
                slips.append(f"{operation.name} {example['title']}: {error}")
    assert slips == [] and sum(len(row.told["examples"]) for row in contract.operations) > 20


def test_small_things():
    assert action_of("POST", "/subscriptions/s/resourceGroups/g/providers/Microsoft.RecoveryServices/vaults/v/backupJobs/j/cancel") == (
        "Microsoft.RecoveryServices/vaults/backupJobs/cancel/action")
    assert filters("a eq 'b c' and D eq 'e'") == {"a": "b c", "d": "e"}
