# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The official client, unmodified, takes the fake for the service; and reads what our own requests made."""

from __future__ import annotations

import pytest
from arm import clients
from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.storage import StorageManagementClient

VERSION = "2023-01-01"
PLACE = ("rg", "copiasentidad")


def only(etag):
    return {"etag": etag, "match_condition": MatchConditions.IfNotModified}


@pytest.fixture
def client(arm, storage):
    return clients.client(StorageManagementClient, arm, VERSION)


def test_an_account_is_made_and_changed(arm, client):
    with pytest.raises(ResourceNotFoundError):
        client.storage_accounts.get_properties(*PLACE)
    made = client.storage_accounts.begin_create(*PLACE, {
        "sku": {"name": "Standard_ZRS"}, "kind": "StorageV2", "location": "brazilsouth", "properties": {"minimumTlsVersion": "TLS1_2"}},
        polling_interval=0).result()
    assert (made.sku.name, made.minimum_tls_version) == ("Standard_ZRS", "TLS1_2")
    assert sum("/asyncoperations/" in row.path for row in arm.requests) >= 2
    changed = client.storage_accounts.update(*PLACE, {"properties": {"allowSharedKeyAccess": False}})
    assert changed.allow_shared_key_access is False and changed.minimum_tls_version == "TLS1_2"


def test_containers_policies_and_rules(client, storage):
    storage.account(*PLACE)
    client.blob_services.set_service_properties(*PLACE, {"properties": {
        "isVersioningEnabled": True, "deleteRetentionPolicy": {"enabled": True, "days": 30}, "containerDeleteRetentionPolicy": {"enabled": True, "days": 30}}})
    assert client.blob_services.get_service_properties(*PLACE).delete_retention_policy.days == 30
    client.blob_containers.create(*PLACE, "copias", {"properties": {"publicAccess": "None"}})
    made = client.blob_containers.create_or_update_immutability_policy(*PLACE, "copias", parameters={"properties": {
        "immutabilityPeriodSinceCreationInDays": 180}})
    with pytest.raises(HttpResponseError, match="PreconditionFailed"):
        client.blob_containers.lock_immutability_policy(*PLACE, "copias", **only('"other"'))
    locked = client.blob_containers.lock_immutability_policy(*PLACE, "copias", **only(made.etag))
    with pytest.raises(HttpResponseError, match="current state"):
        client.blob_containers.delete_immutability_policy(*PLACE, "copias", **only(locked.etag))
    longer = client.blob_containers.extend_immutability_policy(*PLACE, "copias", **only(locked.etag), parameters={"properties": {
        "immutabilityPeriodSinceCreationInDays": 365}})
    assert (longer.state, longer.immutability_period_since_creation_in_days) == ("Locked", 365)
    told = client.blob_containers.get(*PLACE, "copias")
    assert told.has_immutability_policy and told.immutability_policy.etag == longer.etag
    with pytest.raises(ResourceNotFoundError, match="ManagementPolicyNotFound"):
        client.management_policies.get(*PLACE, "default")
    client.management_policies.create_or_update(*PLACE, "default", {"properties": {"policy": {"rules": [{
        "name": "uno", "enabled": True, "type": "Lifecycle", "definition": {
            "actions": {"baseBlob": {"tierToCold": {"daysAfterCreationGreaterThan": 30}}},
            "filters": {"blobTypes": ["blockBlob"], "prefixMatch": ["copias/"]}}}]}}})
    assert client.management_policies.get(*PLACE, "default").policy.rules[0].definition.actions.base_blob.tier_to_cold.days_after_creation_greater_than == 30


def test_public_access_is_not_given_where_the_account_forbids_it(client, storage):
    storage.account(*PLACE)
    with pytest.raises(HttpResponseError, match="PublicAccessNotPermitted"):
        client.blob_containers.create(*PLACE, "copias", {"properties": {"publicAccess": "Blob"}})
