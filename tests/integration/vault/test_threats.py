# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A recovery point that Azure Backup calls unhealthy is no good copy: told, not offered, and lifted when the service takes it back."""

from __future__ import annotations

import pytest
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._azure import recovery, threats
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store
from arm.contract import Contract
from arm.present import CLIENTS, bare, paths_of, version_of

VERIFY, RESTORE = "azure_backup_verify", "azure_backup_restore"
ALERT = {"threatTitle": "Ransomware behavior detected", "threatSeverity": "High", "threatState": "Active"}


def points(house, name):
    return [row["name"] for row in sorted(house.backup.items.rows[house.items[name].lower()]["_points"], key=lambda row: row["_at"])]


def told(house, name):
    return [(entry["type"], entry["label"][-8:], entry.get("error_code", ""), entry.get("trust_level", ""))
            for entry in house.entries("copy_made", "copy_failed", "copy_damaged", "copy_verified", system=name)]


def alone(house, name):
    house.ready()
    house.sources = {name: house.sources[name]}


def known(house, name):
    with open_store(str(house.top / "b.sqlite"), readonly=True) as store:
        return {copy["label"][-8:]: copy["media"]["boveda"] for copy in store.copies("file_server", name)}


@pytest.mark.parametrize(("name", "status"), [("LEGAL", "UnHealthy"), ("ARCHIVOS", "Warning")])
def test_a_new_point_with_a_threat_is_a_copy_that_nobody_is_offered(house, name, status):
    alone(house, name)
    house.night(name, 2)
    house.night(name, 1)
    house.backup.threat(house.items[name], points(house, name)[-1], status, **ALERT)
    given = house.act(VERIFY, days=2)
    made, damaged = (house.entries(each, label=f"{name}_{house.day(1)}")[0] for each in ("copy_made", "copy_damaged"))
    assert (made["trust_level"], damaged["error_code"]) == ("T0", "RSP222") and status in damaged["error_message_es"]
    assert "Ransomware behavior detected" in damaged["error_message"] and any(status in row for row in made["warnings_es"])
    assert "azure_threat" in made["warning_keys"] and any("RSP222" in line for line in given["summary"])
    assert known(house, name) == {house.day(2): "T1", house.day(1): ""}
    assert "backup" not in house.act(VERIFY, days=2), "told once"
    # and taken back: the day is told once more, and the copy is offered again
    house.backup.threat(house.items[name], points(house, name)[-1], "Healthy")
    house.act(VERIFY, days=2)
    assert known(house, name) == {house.day(2): "T1", house.day(1): "T1"} and "backup" not in house.act(VERIFY, days=2)


def test_a_threat_found_months_later_in_a_copy_that_was_good(house):
    alone(house, "LEGAL")
    for days in range(9, 0, -1):
        house.night("LEGAL", days)
    house.act(VERIFY, days=10)
    assert {entry["trust_level"] for entry in house.entries("copy_made")} == {"T1"}
    old = points(house, "LEGAL")[0]
    house.backup.threat(house.items["LEGAL"], old, "UnHealthy", **{**ALERT, "threatState": "Resolved"})
    house.act(VERIFY, days=1)
    assert told(house, "LEGAL")[9:] == [("copy_damaged", house.day(9), "RSP222", "")] and known(house, "LEGAL")[house.day(9)] == ""
    assert threats.NOTHING in house.entries("copy_damaged")[0]["error_message"], "a threat that is over is not the one"
    house.backup.threat(house.items["LEGAL"], old, "NotAvailable")
    house.act(VERIFY, days=1)
    assert told(house, "LEGAL")[10:] == [("copy_verified", house.day(9), "", "T1")] and known(house, "LEGAL")[house.day(9)] == "T1"
    assert "backup" not in house.act(VERIFY, days=1)


def test_files_left_out_stay_left_out_when_the_threat_is_over(house):
    alone(house, "LEGAL")
    house.night("LEGAL", 1, "CompletedWithWarnings", errorDetails=[{"errorString": "x.docx was skipped"}])
    house.backup.threat(house.items["LEGAL"], points(house, "LEGAL")[0], "UnHealthy")
    house.act(VERIFY, days=1)
    house.backup.threat(house.items["LEGAL"], points(house, "LEGAL")[0], "Unknown")
    house.act(VERIFY, days=1)
    assert [row[0::3] for row in told(house, "LEGAL")] == [("copy_made", "T0"), ("copy_damaged", ""), ("copy_verified", "T0")]


@pytest.mark.parametrize("name", ["LEGAL", "PADRON"])
def test_an_item_whose_content_is_suspicious_has_no_good_new_copies(house, name):
    """Of what an agent copies the vault lists no points; what it says of the item is all there is."""
    alone(house, name)
    house.night(name, 1)
    item = house.backup.items.rows[house.items[name].lower()]["properties"]
    item["sourceSideScanInfo"] = {"sourceSideScanStatus": "Configured", "sourceSideScanSummary": "Suspicious"}
    house.act(VERIFY, days=1)
    assert [(entry["error_code"], entry["system"]) for entry in house.entries("verification_failed")] == [("RSP223", name)]
    assert [(entry["trust_level"], entry["warning_keys"]) for entry in house.entries("copy_made")] == [("T0", ["azure_suspicious"])]
    item["sourceSideScanInfo"]["sourceSideScanSummary"] = "NoThreatsReported"
    house.act(VERIFY, days=1)
    assert told(house, name)[-1] == ("copy_made", house.day(1), "", "T1")


def test_a_restore_asks_the_service_too_and_only_a_person_says_all_the_same(house):
    alone(house, "LEGAL")
    house.night("LEGAL", 1)
    house.act(VERIFY, days=1)
    point, name = points(house, "LEGAL")[0], f"LEGAL_{house.day(1)}"
    house.backup.threat(house.items["LEGAL"], point, "UnHealthy", **ALERT)
    asked = {"system": "LEGAL", "label": name, "recovery_point": point, "poll_seconds": 0}
    assert "Ransomware" in house.act(RESTORE, "RSP222", **asked)["msg"] and not house.backup.restores
    house.act(VERIFY, days=1)
    options = ["-e", "azure_backup_system=LEGAL", "-e", f"azure_backup_label={name}"]
    said = house.run("azure_backup_restore.yml", *options, status=2)
    assert "RSP222" in said and not house.backup.restores, said
    said = house.run("azure_backup_restore.yml", *options, "-e", "azure_backup_damaged=sí", "-e", "azure_backup_reason='revisada por seguridad'")
    entry = house.entries("restored")[0]
    assert "RSP222" in entry["note_es"] and "consta como dañada" in entry["reason_text"] and len(house.backup.restores) == 1


def test_a_cloud_that_does_not_have_this_version_yet(house):
    alone(house, "LEGAL")
    house.night("LEGAL", 1)
    house.arm.fail("backupstorageconfig|backupconfig|vaults/boveda[?]", 400, times=9, code="NoRegisteredProviderFound")
    given = house.act(VERIFY, "RSP224", days=1)
    assert recovery.VERSION in given["msg"] and not house.entries("copy_failed")
    house.vault["api_version"] = "2020-01-01"
    assert "backup_vaults[0].api_version" in house.act(VERIFY, "RSP101", recorded=False)["msg"]


def test_the_fake_speaks_the_versions_that_we_and_the_clients_do():
    assert {"bms": recovery.VERSION, "vaults": recovery.VERSIONS[recovery.VERSION]} == {space: version_of(package) for space, package in CLIENTS.items()}
    known = {package: paths_of(package) for package in CLIENTS.values()}
    for operation in Contract("backup").operations:
        speaks = [version_of(package) for package, paths in known.items() if bare(operation.told["path"]) in paths]
        assert speaks == [operation.told["version"]], operation.name
    assert threats.of_point({"threatStatus": "Quarantined"})["threat"] == "Quarantined", "a word of tomorrow is no good word"
    assert all(not word or word.lower() in ("unhealthy", "warning") for word in (
        threats.of_point({"threatStatus": value})["threat"] for value in Contract("backup").schemas["bms.RecoveryPoint"]["properties"]["threatStatus"]["enum"]))
