# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A storage account and its containers as they are and as they should be (numerals 6.5, 7.2.1 d): read, compared, changed, read again.

`read` gives a state that people can read; `wanted` says what it should become, and refuses what can't be or must not be, without asking anybody;
`Storage.change` carries out the difference. A locked write-once policy is never made without its confirmation: nobody can undo it, Microsoft included.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...module_utils._engine.errors import BackupError
from ...module_utils._engine.policy import lifecycle, schema
from ...module_utils._engine.policy.schema import Problem
from .arm import Answered, Arm

VERSION = "2023-01-01"
ROLE = "Storage Account Contributor"
# Looks at what was changed before it is believed that it is not as told: the service shows things eventually.
_LOOKS, _BETWEEN = 5, 2.0

# Our names (azure.azcollection's where it has one) -> the service's.
_ACCOUNT = {"allow_blob_public_access": "allowBlobPublicAccess", "allow_shared_key_access": "allowSharedKeyAccess", "minimum_tls_version": "minimumTlsVersion",
            "https_only": "supportsHttpsTrafficOnly"}
# What the service takes for granted where an account does not say.
_UNSAID = {"allow_blob_public_access": False, "allow_shared_key_access": True, "minimum_tls_version": "TLS1_0", "https_only": True}
_SERVICE = ("blob_soft_delete_days", "container_soft_delete_days", "versioning")


class Storage:
    """One account, by Azure Resource Manager. `options`: storage_account_name, resource_group, subscription_id, and Arm's."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.name, self.group = str(options["storage_account_name"]), str(options["resource_group"])
        self.path = (f"/subscriptions/{options['subscription_id']}/resourceGroups/{self.group}/providers/Microsoft.Storage/storageAccounts/{self.name}")
        self.arm = Arm(options, ROLE)
        self.service: dict[str, Any] = {}                 # properties of the blob service as they were read, for what we don't know
        self.rules: list[dict[str, Any]] = []             # of the management policy
        self.etags: dict[str, str] = {}                   # container -> ETag of its write-once policy

    def close(self) -> None:
        self.arm.close()

    def read(self, containers: Iterable[str]) -> dict[str, Any]:
        """What is there of the account and of those containers; {} when there is no account."""
        found = self.arm.get(self.path, VERSION)
        if found is None:
            return {}
        told = found.body.get("properties") or {}
        state: dict[str, Any] = {"location": found.body["location"], "account_type": (found.body.get("sku") or {}).get("name", "")}
        state.update((ours, told[theirs] if told.get(theirs) is not None else _UNSAID[ours]) for ours, theirs in _ACCOUNT.items())
        service = self.arm.get(self.path + "/blobServices/default", VERSION)
        self.service = dict((service.body if service else {}).get("properties") or {})
        state.update(blob_soft_delete_days=_days(self.service.get("deleteRetentionPolicy")), versioning=bool(self.service.get("isVersioningEnabled")),
                     container_soft_delete_days=_days(self.service.get("containerDeleteRetentionPolicy")))
        policy = self.arm.get(self.path + "/managementPolicies/default", VERSION)
        self.rules = list((((policy.body if policy else {}).get("properties") or {}).get("policy") or {}).get("rules") or [])
        state["containers"] = {name: self._container(name) for name in containers}
        return state

    def _container(self, name: str) -> dict[str, Any]:
        """{} when there is none of that name."""
        found = self.arm.get(self._of(name), VERSION)
        if found is None:
            return {}
        told = found.body.get("properties") or {}
        policy = told.get("immutabilityPolicy") or {}
        once = policy.get("properties") or {}
        days = int(once.get("immutabilityPeriodSinceCreationInDays") or 0) if told.get("hasImmutabilityPolicy", bool(policy)) else 0
        self.etags[name] = str(policy.get("etag") or "") if days else ""
        ours = lifecycle.rule_name(name)
        return {"public_access": told.get("publicAccess") or "None", "write_once_days": days, "locked": bool(days) and once.get("state") == "Locked",
                "append_writes": bool(days) and bool(once.get("allowProtectedAppendWrites")),
                "lifecycle": next((_moves(rule) for rule in self.rules if rule["name"] == ours), {})}

    def foreign(self, container: str) -> list[tuple[str, int]]:
        """(name, days) of the rules that are not ours and delete blobs of a container."""
        found = []
        for rule in self.rules:
            delete = (((rule["definition"].get("actions") or {}).get("baseBlob")) or {}).get("delete") or {}
            days = min((int(value) for name, value in delete.items() if name.startswith("daysAfter")), default=None)
            if days is not None and rule["name"] != lifecycle.rule_name(container) and rule.get("enabled", True) and _meets(rule, container):
                found.append((str(rule["name"]), days))
        return found

    def change(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        """Make `after` of `before`, what can't be undone last. Raises BackupError; what was done until then stays and is found by the next run."""
        if not before:
            self._make(after)
        changed = {theirs: after[ours] for ours, theirs in _ACCOUNT.items() if before and before[ours] != after[ours]}
        if changed:
            self.arm.do("PATCH", self.path, VERSION, {"properties": changed})
        if any(before.get(name) != after[name] for name in _SERVICE):
            self._serve(after)
        was = before.get("containers") or {}
        for name, told in after["containers"].items():
            self._hold(name, was.get(name) or {}, told)
        if any((was.get(name) or {}).get("lifecycle", {}) != told["lifecycle"] for name, told in after["containers"].items()):
            self._rule(after["containers"])
        for name, told in after["containers"].items():
            if told["locked"] and not (was.get(name) or {}).get("locked"):
                self.arm.do("POST", self._of(name) + "/immutabilityPolicies/default/lock", VERSION, None, self.etags[name])

    def settled(self, after: Mapping[str, Any]) -> None:
        """Read again what was changed, until it is as told. Raises azure_not_as_told."""
        for look in range(_LOOKS):
            if look:
                time.sleep(_BETWEEN)
            found = self.read(after["containers"])
            if found == after:
                return
        raise BackupError("azure_not_as_told", what=self.name, detail="; ".join(differences(found, after)) or "it can't be found")

    def _make(self, after: Mapping[str, Any]) -> None:
        body = {"sku": {"name": after["account_type"]}, "kind": "StorageV2", "location": after["location"],
                "properties": {theirs: after[ours] for ours, theirs in _ACCOUNT.items()}}
        self._new(self.path, body)

    def _new(self, path: str, body: Any) -> None:
        """Make a thing, and wait until it is there for what comes next."""
        self.arm.do("PUT", path, VERSION, body)
        for _look in range(_LOOKS):
            if self.arm.get(path, VERSION):
                return
            time.sleep(_BETWEEN)
        raise BackupError("azure_not_as_told", what=path.rpartition("/")[2], detail="it was made and can't be found")

    def _serve(self, after: Mapping[str, Any]) -> None:
        """The service replaces all of its properties, so those we don't know go back as they were."""
        if not self.service:
            found = self.arm.get(self.path + "/blobServices/default", VERSION)
            self.service = dict((found.body if found else {}).get("properties") or {})
        told = {**self.service, "isVersioningEnabled": after["versioning"], "deleteRetentionPolicy": _retention(after["blob_soft_delete_days"]),
                "containerDeleteRetentionPolicy": _retention(after["container_soft_delete_days"])}
        self.arm.do("PUT", self.path + "/blobServices/default", VERSION, {"properties": told})

    def _hold(self, name: str, was: Mapping[str, Any], told: Mapping[str, Any]) -> None:
        """A container, closed to the public, and its write-once policy."""
        if not was:
            self._new(self._of(name), {"properties": {"publicAccess": told["public_access"]}})
        elif was["public_access"] != told["public_access"]:
            self.arm.do("PATCH", self._of(name), VERSION, {"properties": {"publicAccess": told["public_access"]}})
        policy = self._of(name) + "/immutabilityPolicies/default"
        days, had = told["write_once_days"], was.get("write_once_days", 0)
        if (days, told["append_writes"]) == (had, was.get("append_writes", False)):
            return
        body: dict[str, Any] = {"properties": {"immutabilityPeriodSinceCreationInDays": days}}
        if not days:
            self.arm.do("DELETE", policy, VERSION, None, self.etags[name])
            return
        if was.get("locked"):
            done = self.arm.do("POST", policy + "/extend", VERSION, body, self.etags[name])
        else:
            body["properties"]["allowProtectedAppendWrites"] = told["append_writes"]
            done = self.arm.do("PUT", policy, VERSION, body, self.etags.get(name, ""))
        self.etags[name] = _etag(done)

    def _rule(self, containers: Mapping[str, Any]) -> None:
        """Our rules among those of others, which stay as they are."""
        names = {lifecycle.rule_name(name) for name in containers}
        made = [rule for name, told in containers.items() if (rule := lifecycle.rule(name, told["lifecycle"])) is not None]
        rules = [rule for rule in self.rules if rule["name"] not in names] + made
        path = self.path + "/managementPolicies/default"
        if rules:
            self.arm.do("PUT", path, VERSION, {"properties": {"policy": {"rules": rules}}})
        else:
            self.arm.do("DELETE", path, VERSION)

    def _of(self, container: str) -> str:
        return f"{self.path}/blobServices/default/containers/{container}"


def wanted(before: Mapping[str, Any], options: Mapping[str, Any], confirmation: str) -> dict[str, Any]:
    """What the account should become: `options` over what is there. What they don't say stays as it is.

    Raises storage_account_missing, write_once_locked, lock_unconfirmed.
    """
    after: dict[str, Any] = {**copy.deepcopy(dict(before)), **{name: options[name] for name in (*_ACCOUNT, *_SERVICE)}}
    if not before:
        if not (options.get("location") and options.get("account_type")):
            raise BackupError("storage_account_missing", account=options["storage_account_name"], group=options["resource_group"],
                              detail="and location and account_type don't say what to make")
        after.update(location=options["location"], account_type=options["account_type"], containers={})
    confirmed = {" ".join(words.split()) for words in confirmation.split(",") if words.strip()}
    for told in options["containers"]:
        was = after["containers"].get(told["name"]) or {}
        after["containers"][told["name"]] = _container_wanted(told, was, confirmed, confirmation)
    return after


def _container_wanted(told: Mapping[str, Any], was: Mapping[str, Any], confirmed: set[str], confirmation: str) -> dict[str, Any]:
    name = str(told["name"])
    days = was.get("write_once_days", 0) if told.get("write_once_days") is None else told["write_once_days"]
    append = was.get("append_writes", False) if told.get("append_writes") is None else told["append_writes"]
    made = {"public_access": "None", "write_once_days": days, "locked": bool(was.get("locked")) or bool(told.get("locked")),
            "append_writes": bool(append) and bool(days),
            "lifecycle": dict(was.get("lifecycle", {}) if told.get("lifecycle") is None else told["lifecycle"])}
    if was.get("locked") and (days < was["write_once_days"] or made["append_writes"] != was["append_writes"]):
        raise BackupError("write_once_locked", container=name, days=was["write_once_days"],
                          wanted=f"{days} days" if days < was["write_once_days"] else f"append_writes: {str(bool(append)).lower()}")
    # a locked policy made longer can't be made shorter again either
    if made["locked"] and (not was.get("locked") or days > was["write_once_days"]) and f"{name} {days}" not in confirmed:
        raise BackupError("lock_unconfirmed", container=name, days=days, given=confirmation)
    return made


def refuse_contradictions(after: Mapping[str, Any], containers: Sequence[Mapping[str, Any]], lives: Mapping[str, Sequence[lifecycle.Life]],
                          foreign: Mapping[str, Sequence[tuple[str, int]]]) -> None:
    """Retention of the policy against the rules of the containers, ours and those of others. Raises RSP101 with every mistake at once."""
    problems: list[Problem] = []
    for told in containers:
        name = str(told["name"])
        state, where = after["containers"][name], f"containers[{name}]"
        problems += lifecycle.problems({**state, "tier": told.get("tier") or "hot"}, lives.get(name, ()), where)
        if state["locked"] and not state["write_once_days"]:
            problems.append(Problem(where + ".locked", True, "has nothing to lock", "Give write_once_days."))
        if after["versioning"] and not state["lifecycle"].get("versions") and lives.get(name):
            days = max(30, state["write_once_days"])
            problems.append(Problem(where + ".lifecycle.versions", None, "is missing: with versioning, what retention removes would stay as a former version "
                                    "for ever", f"Give the days after which former versions go, such as {days}, or versioning: false."))
        for rule, days in foreign.get(name, ()):
            for life in lives.get(name, ()):
                if life.latest is None or days < life.latest:
                    kept = "without end" if life.latest is None else f"for up to {life.latest} days"
                    problems.append(Problem(f"{where}: rule {rule} of the account", days, f"deletes too early: the policy keeps copies of {life.who} {kept}",
                                            "Take this container out of that rule (prefixMatch), or the rule away; it is not ours."))
    schema.raise_all(problems)


def differences(before: Mapping[str, Any], after: Mapping[str, Any], where: str = "") -> list[str]:
    """What changes, a line each."""
    lines = []
    for name in after:
        old, new, place = before.get(name), after[name], f"{where}{name}"
        if isinstance(new, Mapping) and name != "lifecycle":
            lines += differences(old if isinstance(old, Mapping) else {}, new, place + ".")
        elif old != new:
            lines.append(f"{place}: {'(none)' if old is None else old} -> {new}")
    return lines


def _days(policy: Any) -> int:
    told = policy or {}
    return int(told.get("days") or 0) if told.get("enabled") else 0


def _retention(days: int) -> dict[str, Any]:
    return {"enabled": True, "days": days} if days else {"enabled": False}


def _moves(rule: Mapping[str, Any]) -> dict[str, int]:
    """What a rule of ours does, in our words."""
    actions = rule["definition"].get("actions") or {}
    base, found = actions.get("baseBlob") or {}, {}
    for name in lifecycle.MOVES:
        found[name] = (base.get("tierTo" + name.capitalize()) or {}).get("daysAfterCreationGreaterThan")
    found["delete"] = (base.get("delete") or {}).get("daysAfterCreationGreaterThan")
    found["versions"] = ((actions.get("version") or {}).get("delete") or {}).get("daysAfterCreationGreaterThan")
    return {name: int(days) for name, days in found.items() if days is not None and rule.get("enabled", True)}


def _meets(rule: Mapping[str, Any], container: str) -> bool:
    """Whether a rule looks at blobs of a container."""
    filters = rule["definition"].get("filters") or {}
    prefixes = filters.get("prefixMatch") or []
    return "blockBlob" in (filters.get("blobTypes") or ["blockBlob"]) and (
        not prefixes or any((container + "/").startswith(prefix) or prefix.startswith(container + "/") for prefix in prefixes))


def _etag(done: Answered) -> str:
    return str(done.body.get("etag") or done.etag)
