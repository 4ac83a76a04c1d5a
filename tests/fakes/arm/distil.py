# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes out of the official API descriptions what the fake needs: `python tests/fakes/arm/distil.py DIRECTORY` writes contracts/*.json again.

DIRECTORY is a checkout (or a part) of github.com/Azure/azure-rest-api-specs, the one that has `specification/`.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent / "contracts"
SOURCE = {
    "source": "https://github.com/Azure/azure-rest-api-specs",
    "commit": "d6efaae65e2cf7690415bf2ee73322c6e0570cc6",
    "licence": "MIT, Copyright (c) 2017 Microsoft; see LICENSE beside this file",
    "made by": "tests/fakes/arm/distil.py",
}
_BACKUP = "specification/recoveryservicesbackup/resource-manager/Microsoft.RecoveryServices/stable/2023-06-01/bms.json"
_VAULTS = "specification/recoveryservices/resource-manager/Microsoft.RecoveryServices/stable/2023-06-01/vaults.json"
_STORAGE = "specification/storage/resource-manager/Microsoft.Storage/stable/2023-01-01/"

# contract -> description -> operations that our providers play
WANTED = {
    "backup": {
        _VAULTS: """Vaults_Get Vaults_CreateOrUpdate Vaults_Update Vaults_ListByResourceGroup GetOperationStatus GetOperationResult""",
        _BACKUP: """
            BackupResourceStorageConfigsNonCRR_Get BackupResourceStorageConfigsNonCRR_Update BackupResourceVaultConfigs_Get BackupResourceVaultConfigs_Update
            ProtectionPolicies_Get ProtectionPolicies_CreateOrUpdate BackupPolicies_List ProtectionPolicyOperationStatuses_Get
            ProtectionPolicyOperationResults_Get ProtectionContainers_Get ProtectionContainers_Register ProtectionContainers_Inquire
            ProtectionContainers_Refresh ProtectionContainerRefreshOperationResults_Get ProtectionContainerOperationResults_Get ProtectableContainers_List
            BackupProtectionContainers_List BackupProtectableItems_List ProtectedItems_Get ProtectedItems_CreateOrUpdate
            ProtectedItemOperationStatuses_Get ProtectedItemOperationResults_Get BackupProtectedItems_List Backups_Trigger RecoveryPoints_List
            RecoveryPoints_Get Restores_Trigger BackupOperationStatuses_Get BackupOperationResults_Get BackupJobs_List JobDetails_Get
            JobCancellations_Trigger JobOperationResults_Get ResourceGuardProxies_Get""",
    },
    "storage": {
        _STORAGE + "storage.json": """
            StorageAccounts_CheckNameAvailability StorageAccounts_Create StorageAccounts_GetProperties StorageAccounts_Update
            StorageAccounts_ListByResourceGroup StorageAccounts_List StorageAccounts_Delete ManagementPolicies_Get ManagementPolicies_CreateOrUpdate
            ManagementPolicies_Delete StorageAccounts_RevokeUserDelegationKeys""",
        _STORAGE + "blob.json": """
            BlobServices_SetServiceProperties BlobServices_GetServiceProperties BlobContainers_List BlobContainers_Create BlobContainers_Update
            BlobContainers_Get BlobContainers_Delete BlobContainers_SetLegalHold BlobContainers_ClearLegalHold
            BlobContainers_CreateOrUpdateImmutabilityPolicy BlobContainers_GetImmutabilityPolicy BlobContainers_DeleteImmutabilityPolicy
            BlobContainers_LockImmutabilityPolicy BlobContainers_ExtendImmutabilityPolicy BlobContainers_ObjectLevelWorm""",
    },
}
# kinds of things that no institution of ours has in its vaults
_UNWANTED = re.compile(r"Sql|SQL|Sap|SAP|SAPHana|Workload|Dpm|DPM|Generic|AzureBackupServer|Exchange|VMAppContainer|CRR|WithRehydration|ClassicCompute")
_UNWANTED_EXAMPLE = re.compile(r"ClassicCompute|VMAppContainer|AzureWorkload")
_KEPT = ("type", "format", "enum", "readOnly", "pattern", "minLength", "maxLength", "minimum", "maximum")
_EXAMPLES = 2


class Description:
    """The files of a checkout, read once, and the schemas that were asked of them."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.files: dict[Path, dict[str, Any]] = {}
        self.schemas: dict[str, dict[str, Any]] = {}

    def file(self, path: Path) -> dict[str, Any]:
        if path not in self.files:
            self.files[path] = json.loads(path.read_text(encoding="utf-8-sig"))
        return self.files[path]

    def find(self, reference: str, here: Path) -> tuple[str, dict[str, Any], Path]:
        """What a $ref means: its name, the thing and the file it stands in."""
        place, _sign, pointer = reference.partition("#")
        path = (here.parent / place).resolve() if place else here
        found: Any = self.file(path)
        for step in pointer.strip("/").split("/") if pointer else []:
            found = found[step]
        return pointer.rpartition("/")[2], found, path

    def refer(self, reference: str, here: Path) -> str:
        """The name in the contract of a definition, which is taken into it with all that it needs."""
        name, definition, path = self.find(reference, here)
        key = f"{path.stem}.{name}"
        if key not in self.schemas:
            self.schemas[key] = {}
            self.schemas[key].update(self.schema(definition, path))
            # after its properties, which each of its kinds takes over
            if definition.get("discriminator"):
                self.schemas[key].update(discriminator=definition["discriminator"], kinds=self.kinds(name, path))
        return key

    def schema(self, told: dict[str, Any], here: Path) -> dict[str, Any]:
        """A schema without prose, what it inherits written out."""
        if "$ref" in told:
            return {"$ref": self.refer(told["$ref"], here), **({"readOnly": True} if told.get("readOnly") else {})}
        made: dict[str, Any] = {key: told[key] for key in _KEPT if key in told}
        properties: dict[str, Any] = {}
        required = set(told.get("required", []))
        for parent in told.get("allOf", []):
            above = self.schemas[self.refer(parent["$ref"], here)]
            properties.update(above.get("properties", {}))
            required |= set(above.get("required", []))
        properties.update({key: self.schema(value, here) for key, value in told.get("properties", {}).items()})
        if properties:
            made.update(type="object", properties=properties)
        if required:
            made["required"] = sorted(required)
        if "items" in told:
            made["items"] = self.schema(told["items"], here)
        if isinstance(told.get("additionalProperties"), dict):
            made["additionalProperties"] = self.schema(told["additionalProperties"], here)
        return made

    def kinds(self, base: str, here: Path) -> dict[str, str]:
        """The definitions that inherit from `base`, by the value of its discriminator."""
        definitions = self.file(here)["definitions"]
        found: dict[str, str] = {}
        family = {base}
        while True:
            more = {name for name, told in definitions.items() if name not in family
                    for parent in told.get("allOf", []) if parent.get("$ref", "").rpartition("/")[2] in family}
            if not more:
                break
            family |= more
        for name in sorted(family - {base}):
            value = definitions[name].get("x-ms-discriminator-value", name)
            if not (_UNWANTED.search(name) or _UNWANTED.search(value)):
                found[value] = self.refer(f"#/definitions/{name}", here)
        return found

    def operation(self, told: dict[str, Any], shared: list[Any], path: str, method: str, here: Path) -> dict[str, Any]:
        parameters = [self.find(row["$ref"], here)[1] if "$ref" in row else row for row in [*shared, *told.get("parameters", [])]]
        body = next((row for row in parameters if row["in"] == "body"), None)
        made: dict[str, Any] = {
            "method": method.upper(), "path": path, "version": self.file(here)["info"]["version"],
            "query": {row["name"]: bool(row.get("required")) for row in parameters if row["in"] == "query"},
            "patterns": {row["name"]: {key: row[key] for key in _KEPT if key in row and key != "type"} for row in parameters
                         if row["in"] == "path" and set(row) & {"pattern", "minLength", "maxLength", "enum"}},
            "answers": {status: self.schema(answer["schema"], here) if "schema" in answer else None
                        for status, answer in told["responses"].items() if status != "default"},
        }
        if body:
            made["body"] = {"required": bool(body.get("required")), "schema": self.schema(body["schema"], here)}
        if told.get("x-ms-long-running-operation"):
            made["long"] = True
        if (told.get("x-ms-pageable") or {}).get("nextLinkName"):
            made["paged"] = True
        examples = [self.example(row["$ref"], here) for row in told.get("x-ms-examples", {}).values() if (here.parent / row["$ref"]).exists()]
        made["examples"] = [row for row in examples if not _UNWANTED_EXAMPLE.search(json.dumps(row))][:_EXAMPLES]
        return made

    def example(self, reference: str, here: Path) -> dict[str, Any]:
        told = self.find(reference, here)[1]
        return {"title": Path(reference).stem, "parameters": told["parameters"],
                "answers": {status: answer.get("body") for status, answer in told["responses"].items()}}


def distil(top: Path, wanted: dict[str, str]) -> dict[str, Any]:
    description = Description(top)
    operations: dict[str, Any] = {}
    for file, names in wanted.items():
        here = (top / file).resolve()
        for path, methods in description.file(here)["paths"].items():
            for method, told in methods.items():
                if method != "parameters" and told["operationId"] in names.split():
                    operations[told["operationId"]] = description.operation(told, methods.get("parameters", []), path, method, here)
        missing = set(names.split()) - set(operations)
        if missing:
            raise SystemExit(f"{file} has no {', '.join(sorted(missing))}")
    return {"about": {**SOURCE, "files": sorted(wanted)}, "operations": dict(sorted(operations.items())), "schemas": dict(sorted(description.schemas.items()))}


def lines(contract: dict[str, Any]) -> str:
    """JSON with a line for each operation and schema, so that a change can be read."""
    def block(rows: dict[str, Any]) -> str:
        return "{\n" + ",\n".join(f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in rows.items()) + "\n}"

    return "{\n" + ",\n".join(f"{json.dumps(key)}: {block(value)}" for key, value in contract.items()) + "\n}\n"


def main() -> None:
    top = Path(sys.argv[1])
    for name, wanted in WANTED.items():
        (HERE / f"{name}.json").write_text(lines(distil(top, wanted)), encoding="utf-8")
    (HERE / "LICENSE").write_text((top / "LICENSE").read_text(encoding="utf-8"), encoding="utf-8")


if __name__ == "__main__":
    main()
