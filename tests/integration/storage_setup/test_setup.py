# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An account and its containers are set up, by our requests against the fake: what is right is left alone, what can't be undone is asked for twice."""

from __future__ import annotations

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.policy.lifecycle import Life
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._azure import arm as manager
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._azure import setup
from arm.server import SUBSCRIPTION
from login import CLIENT, SECRET, TENANT

NAME = "copiasentidad"
SETTINGS = {"allow_blob_public_access": False, "allow_shared_key_access": False, "minimum_tls_version": "TLS1_2", "https_only": True,
            "blob_soft_delete_days": 30, "container_soft_delete_days": 14, "versioning": True}
COPIES = {"name": "copias", "write_once_days": 180, "lifecycle": {"cold": 30, "versions": 190}}
ANCHORS = {"name": "anclas", "write_once_days": 3650, "append_writes": True}


class Account:
    """One account, set up as the module does it."""

    def __init__(self, arm):
        self.options = {"storage_account_name": NAME, "resource_group": "rg", "subscription_id": SUBSCRIPTION, "endpoint": arm.url, "ca_certs": str(arm.ca),
                        "auth": {"auth_source": "service_principal", "client_id": CLIENT, "secret": SECRET, "tenant": TENANT, "authority": arm.login.url},
                        **SETTINGS}

    def run(self, *containers, lives=(), lock="", check=False, **changed):
        """The changes, a line each."""
        options = {**self.options, "containers": list(containers), **changed}
        storage = setup.Storage(options)
        try:
            before = storage.read([row["name"] for row in containers])
            after = setup.wanted(before, options, lock)
            setup.refuse_contradictions(after, containers, {row["name"]: lives for row in containers},
                                        {row["name"]: storage.foreign(row["name"]) for row in containers})
            changes = setup.differences(before, after)
            if changes and not check:
                storage.change(before, after)
                storage.settled(after)
            return changes
        finally:
            storage.close()

    def refused(self, *containers, **more):
        with pytest.raises(BackupError) as caught:
            self.run(*containers, **more)
        return caught.value


@pytest.fixture
def account(arm, storage, monkeypatch):
    monkeypatch.setattr(setup, "_BETWEEN", 0.0)
    monkeypatch.setattr(manager, "_USUAL_PAUSE", 0.05)
    monkeypatch.setattr(manager, "_RETRIES", 3)     # the pauses between them double
    return Account(arm)


def writes(arm):
    return [f"{row.method} {row.path.rpartition('storageAccounts/')[2]}" for row in arm.requests if row.method != "GET"]


def test_all_of_it_from_nothing_and_again_nothing(arm, storage, account):
    assert account.run(COPIES, ANCHORS, location="brazilsouth", account_type="Standard_ZRS", check=True)
    assert writes(arm) == [] and not storage.accounts.rows
    changes = account.run(COPIES, ANCHORS, location="brazilsouth", account_type="Standard_ZRS")
    assert "containers.copias.write_once_days: (none) -> 180" in changes
    told = storage.accounts.rows[next(iter(storage.accounts.rows))]
    assert (told["sku"]["name"], told["location"]) == ("Standard_ZRS", "brazilsouth")
    assert {name: told["properties"][name] for name in ("allowBlobPublicAccess", "allowSharedKeyAccess", "minimumTlsVersion", "supportsHttpsTrafficOnly")} == {
        "allowBlobPublicAccess": False, "allowSharedKeyAccess": False, "minimumTlsVersion": "TLS1_2", "supportsHttpsTrafficOnly": True}
    service = next(iter(storage.services.values()))
    assert (service["deleteRetentionPolicy"], service["isVersioningEnabled"]) == ({"enabled": True, "days": 30}, True)
    policies = {path.rpartition("/")[2]: (row["days"], row["state"], row["append"]) for path, row in storage.once.items()}
    assert policies == {"copias": (180, "Unlocked", False), "anclas": (3650, "Unlocked", True)}
    rule, = next(iter(storage.policies.values()))["properties"]["policy"]["rules"]
    assert rule["definition"]["filters"]["prefixMatch"] == ["copias/"]
    before = writes(arm)
    assert account.run(COPIES, ANCHORS) == [] and writes(arm) == before, "the second run changes nothing"


def test_what_others_set_stays(arm, storage, account):
    path = storage.account("rg", NAME, allowSharedKeyAccess=True)
    storage.services[path.lower()]["changeFeed"] = {"enabled": True, "retentionInDays": 7}
    foreign = {"name": "logs", "enabled": True, "type": "Lifecycle", "definition": {
        "actions": {"baseBlob": {"delete": {"daysAfterModificationGreaterThan": 9}}}, "filters": {"blobTypes": ["appendBlob"]}}}
    storage.policies[path.lower()] = {"properties": {"policy": {"rules": [foreign]}}}
    storage.container(path, "otros", publicAccess="None")
    account.run(COPIES)
    assert storage.services[path.lower()]["changeFeed"] == {"enabled": True, "retentionInDays": 7}
    assert [rule["name"] for rule in storage.policies[path.lower()]["properties"]["policy"]["rules"]] == ["logs", "respaldocopias"]
    patched = next(row for row in arm.requests if row.method == "PATCH")
    assert patched.body["properties"]["allowSharedKeyAccess"] is False and "supportsHttpsTrafficOnly" not in patched.body["properties"]
    assert account.run({"name": "copias"}) == [], "what is not said stays as it is"
    account.run({"name": "copias", "lifecycle": {"versions": 200}})
    account.run({"name": "copias", "lifecycle": {}}, versioning=False)
    assert [rule["name"] for rule in storage.policies[path.lower()]["properties"]["policy"]["rules"]] == ["logs"]


def test_a_container_open_to_the_public_is_closed(storage, account):
    path = storage.account("rg", NAME, allowBlobPublicAccess=True)
    storage.container(path, "copias", publicAccess="Blob")
    assert "containers.copias.public_access: Blob -> None" in account.run(COPIES)
    assert storage.containers.rows[f"{path}/blobServices/default/containers/copias".lower()]["properties"]["publicAccess"] == "None"


def test_a_lock_needs_its_own_words_and_is_the_last_thing_done(arm, storage, account):
    storage.account("rg", NAME)
    locked = {**COPIES, "locked": True}
    for words in ("", "copias", "copias 18", "copias 1800", "si"):
        assert account.refused(locked, lock=words).fault.name == "lock_unconfirmed"
    assert writes(arm) == [], "refused before anything was changed"
    assert account.run(locked, lock="anclas 3650,  copias   180", check=True)
    assert "containers.copias.locked: (none) -> True" in account.run(locked, lock="anclas 3650,  copias   180")
    assert writes(arm)[-1].endswith("/lock") and next(iter(storage.once.values()))["state"] == "Locked"
    assert account.run(locked) == [] == account.run(COPIES), "what is locked needs no confirmation, and is never unlocked"


def test_what_is_locked_can_only_become_longer(arm, storage, account):
    path = storage.account("rg", NAME)
    storage.hold(storage.container(path, "copias"), 180, "Locked")
    fewer = account.refused({**COPIES, "write_once_days": 90})
    assert fewer.fault.name == "write_once_locked" and "180" in fewer.message and "90" in fewer.message
    assert account.refused({**COPIES, "append_writes": True}).fault.name == "write_once_locked"
    assert account.refused({**COPIES, "write_once_days": 0}).fault.name == "write_once_locked"
    longer = {**COPIES, "write_once_days": 365, "lifecycle": {"versions": 400}}
    assert account.refused(longer, lock="copias 180").fault.name == "lock_unconfirmed"
    assert writes(arm) == []
    account.run(longer, lock="copias 365")
    assert next(iter(storage.once.values()))["days"] == 365 and any(line.endswith("/extend") for line in writes(arm))
    storage.hold(f"{path}/blobServices/default/containers/copias", 365, "Locked", extended=5)
    spent = account.refused({**longer, "write_once_days": 400}, lock="copias 400")
    assert spent.fault.name == "azure_request_refused" and "current state" in spent.message


def test_an_unlocked_policy_changes_and_goes(storage, account):
    path = storage.account("rg", NAME)
    storage.hold(storage.container(path, "copias"), 7)
    account.run(COPIES)
    assert next(iter(storage.once.values()))["days"] == 180
    account.run({**COPIES, "write_once_days": 0})
    assert not storage.once


def test_somebody_else_changed_the_policy_meanwhile(storage, account, monkeypatch):
    path = storage.account("rg", NAME)
    place = storage.container(path, "copias")
    storage.hold(place, 7)
    change = setup.Storage.change

    def interrupted(self, before, after):
        storage.hold(place, 8)      # with another ETag
        change(self, before, after)

    monkeypatch.setattr(setup.Storage, "change", interrupted)
    assert account.refused(COPIES).fault.name == "azure_changed_meanwhile"
    assert next(iter(storage.once.values()))["days"] == 8


def test_contradictions_are_refused_before_anything_is_done(arm, storage, account):
    path = storage.account("rg", NAME)
    lives = (Life("SIGA", 180, 180, 1),)
    foreign = {"name": "limpieza", "enabled": True, "type": "Lifecycle", "definition": {
        "actions": {"baseBlob": {"delete": {"daysAfterModificationGreaterThan": 60}}}, "filters": {"blobTypes": ["blockBlob"], "prefixMatch": ["cop"]}}}
    storage.policies[path.lower()] = {"properties": {"policy": {"rules": [foreign]}}}
    error = account.refused({"name": "copias", "write_once_days": 400, "lifecycle": {"delete": 100, "archive": 90}}, lives=lives)
    assert error.code == "RSP101"
    for words in ("protects copies of SIGA for longer than the policy keeps them", "could never delete", "deletes too early", "180 are charged",
                  "lifecycle.versions", "rule limpieza of the account", "Take this container out of that rule"):
        assert words in error.message + error.hint, (words, error.message)
    assert writes(arm) == []


def test_throttling_is_waited_out_and_an_outage_is_told(arm, storage, account):
    storage.account("rg", NAME)
    arm.fail("PUT .*containers/copias\\?", 429, times=2, retry_after="0")
    arm.fail("PATCH", 503, retry_after="0")
    account.run(COPIES)
    assert [row.status for row in arm.requests if row.status in (429, 503)] == [503, 429, 429]
    arm.fail("GET", 503, times=4, retry_after="0")
    assert account.refused(COPIES).fault.name == "azure_no_answer"


def test_who_may_not_is_told_which_role_is_missing(arm, storage, account):
    storage.account("rg", NAME)
    arm.forbid("Microsoft.Storage/storageAccounts/write")
    error = account.refused(COPIES)
    assert error.fault.name == "azure_role_missing" and "Storage Account Contributor" in error.message


def test_a_wrong_secret_a_missing_account_and_a_forced_property(arm, storage, account):
    assert account.refused(COPIES).fault.name == "storage_account_missing"
    account.options["auth"] = {**account.options["auth"], "secret": "otro"}
    assert account.refused(COPIES).fault.name == "identity_refused"
    account.options["auth"]["secret"] = SECRET
    storage.account("rg", NAME, allowSharedKeyAccess=True)
    storage.overridden = {"allowSharedKeyAccess": True}      # a policy of the subscription sets it back
    error = account.refused(COPIES)
    assert error.fault.name == "azure_not_as_told" and "allow_shared_key_access" in error.message


def test_an_authority_that_is_not_trusted(arm, storage, account):
    account.options["ca_certs"] = ""
    account.options["auth"]["ca_certs"] = str(arm.ca)
    assert account.refused(COPIES).fault.name == "azure_no_answer"


def test_a_new_account_is_seen_late(arm, storage, account):
    arm.lag = 2
    account.run(COPIES, location="brazilsouth", account_type="Standard_LRS")
    assert account.run(COPIES) == []


def test_the_managers_of_the_clouds_are_those_of_azure_cli_core():
    from azure.cli.core import cloud

    for name, address in manager.MANAGERS.items():
        known = getattr(cloud, {"AzureCloud": "AZURE_PUBLIC_CLOUD", "AzureChinaCloud": "AZURE_CHINA_CLOUD", "AzureUSGovernment": "AZURE_US_GOV_CLOUD"}[name])
        assert known.endpoints.resource_manager.rstrip("/") == address
