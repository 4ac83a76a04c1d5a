# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A copy and a restore by Azure Backup when a person asks, against the fake: azure_backup_run, azure_backup_restore and their playbooks."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import pytest
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store
from vault_house import ROOT

RUN, RESTORE, VERIFY = "azure_backup_run", "azure_backup_restore", "azure_backup_verify"


def today(house):
    return house.day(0)


def opened(house, name, reason="emergency"):
    """The start entry of a copy, as backup_label gives it."""
    return {"system": name, "label": f"{name}_{today(house)}", "poll_seconds": 0,
            "record": {"event": "copy_started", "reason": reason, "reason_text": "aviso de ransomware", "source_type": "azure_backup"}}


def test_a_copy_now_by_the_playbook_then_the_verification_of_the_day(house):
    house.ready()
    said = house.run("azure_backup_run.yml", "-e", "azure_backup_system=LEGAL", status=2)
    assert "RSP101: azure_backup_reason: falta. Diga el motivo" in said and not house.backup.jobs.rows
    house.run("azure_backup_run.yml", "-e", "azure_backup_system=LEGAL", "-e", "azure_backup_reason='aviso de ransomware'")
    made = house.entries("copy_made")
    assert len(made) == 1 and made[0]["reason_text"] == "aviso de ransomware" and made[0]["trust_level"] == "T1" and made[0]["tool_copy"]
    assert [row["properties"]["status"] for row in house.backup.jobs.rows.values()] == ["Completed"]
    assert house.entries("copy_started")[0]["label"] == made[0]["label"] == f"LEGAL_{today(house)}"
    # the day has its copy: it is neither told twice nor called absent; the night's own copy is the second of the day
    house.sources = {"LEGAL": house.sources["LEGAL"]}
    assert "backup" not in house.act(VERIFY, days=1)
    night = house.backup.job(house.items["LEGAL"], "Completed", time.time() - 30, time.time() - 1)
    house.act(VERIFY, days=1)
    assert {entry["label"]: entry["tool_job"] for entry in house.entries("copy_made")}.get(f"LEGAL_{today(house)}_02") == night


@pytest.mark.parametrize(("name", "request_type"), [("LEGAL", "AzureFileShareBackupRequest"), ("ARCHIVOS", "IaasVMBackupRequest")])
def test_each_sort_that_can_be_asked_for(house, name, request_type):
    house.ready()
    given = house.act(RUN, **opened(house, name))
    asked = [seen.body["properties"]["objectType"] for seen in house.arm.requests if seen.path.endswith("/backup")]
    assert asked == [request_type] and given["backup"]["event"] == "copy_made" and given["job"] == given["backup"]["tool_job"]
    assert not given["backup"]["location"].startswith("http") and "/protectedItems/" in given["backup"]["location"]


def test_what_the_agent_copies_is_not_the_vaults_to_order(house):
    house.ready()
    given = house.act(RUN, "RSP101", **opened(house, "PADRON"))
    assert "Start-OBBackup" in given["msg"] and given["backup"]["event"] == "copy_failed" and not house.asked("POST")


@pytest.mark.parametrize(("outcome", "code", "trust"), [
    ({"status": "Failed", "errorDetails": [{"errorCode": 400001, "errorString": "The share is busy"}]}, "RSP445", ""),
    ({"status": "Cancelled"}, "RSP445", ""),
    ({"status": "CompletedWithWarnings", "errorDetails": [{"errorString": "contratos/x.docx was skipped"}]}, "", "T0"),
])
def test_how_a_job_can_end(house, outcome, code, trust):
    house.ready()
    house.backup.outcome = outcome
    given = house.act(RUN, code, **opened(house, "LEGAL"))
    entry = house.entries("copy_made", "copy_failed")[0]
    assert entry.get("trust_level", "") == trust and entry["tool_job"] and entry["reason"] == "emergency"
    for row in outcome.get("errorDetails", ()):
        assert row["errorString"] in (given.get("msg") or " ".join(entry["warnings_es"]))


def test_a_job_that_goes_on_after_the_wait_is_told_by_the_verification(house):
    house.ready()
    house.sources = {"LEGAL": house.sources["LEGAL"]}
    house.backup.job_looks = 10 ** 6
    given = house.act(RUN, "RSP446", **{**opened(house, "LEGAL"), "wait_minutes": 0})
    row = next(iter(house.backup.jobs.rows.values()))
    assert given["backup"]["tool_job"] == row["name"]
    row["_looks"] = 0
    house.backup.jobdetails_get(type("Asked", (), {"path": row["id"], "words": {
        "subscriptionId": row["id"].split("/")[2], "resourceGroupName": "rg", "vaultName": "boveda"}})())
    house.act(VERIFY, days=1)
    assert [entry["tool_job"] for entry in house.entries("copy_made")] == [row["name"]]


def test_two_at_once_and_an_item_that_is_not_protected(house):
    house.ready()
    house.backup.job(house.items["LEGAL"], "InProgress", time.time() - 60)
    assert "UserErrorBackupOperationInProgress" in house.act(RUN, "RSP442", **opened(house, "LEGAL"))["msg"]
    house.backup.items.remove(house.items["ARCHIVOS"])
    house.act(RUN, "RSP444", **opened(house, "ARCHIVOS"))
    assert "is not a system that Azure Backup copies" in house.act(RUN, "RSP101", recorded=False, system="NADA", label=f"NADA_{today(house)}")["msg"]


def test_throttled_it_starts_one_copy(house):
    house.ready()
    house.arm.fail("POST .*/backup", 429, times=2, retry_after="1")
    begun = time.monotonic()
    house.act(RUN, **opened(house, "LEGAL"))
    assert time.monotonic() - begun >= 2 and len(house.backup.jobs.rows) == 1


def test_in_check_mode_nothing_is_asked_for(house):
    house.ready()
    assert house.act(RUN, check=True, **opened(house, "LEGAL"))["backup"]["event"] == "copy_simulated"
    assert not house.asked("POST", "PUT")


def test_killed_half_way_the_job_is_recorded_all_the_same(house):
    """The controller dies while the service copies: the next run closes the copy it had begun, and the job's own end is recorded."""
    house.ready()
    house.sources = {"LEGAL": house.sources["LEGAL"]}
    house.backup.job_looks = 10 ** 6
    house.write()
    options = ["-e", "azure_backup_system=LEGAL", "-e", "azure_backup_reason=prueba", "-e", "azure_backup_poll_seconds=1"]
    process = subprocess.Popen(house.command("azure_backup_run.yml", *options), env=house.environment(), cwd=ROOT, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, start_new_session=True)
    for _each in range(1200):
        if house.asked("GET") and any("backupJobs" in seen.path for seen in house.arm.requests):
            break
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    row = next(iter(house.backup.jobs.rows.values()))
    row["properties"].update(status="Completed", endTime=house.arm.stamp())
    point = house.backup.point(house.items["LEGAL"], time.time())
    house.act(VERIFY, days=1)
    assert [entry["error_code"] for entry in house.entries("copy_failed")] == ["RSP705"]
    made = house.entries("copy_made")
    assert [(entry["label"], entry["tool_job"], entry["tool_copy"]) for entry in made] == [(f"LEGAL_{today(house)}_02", row["name"], point)]


# -- restores ----------------------------------------------------------------------------------------------------------
def copied(house):
    """A copy of the share of yesterday, recorded; gives its label and recovery point."""
    house.ready()
    house.sources = {"LEGAL": house.sources["LEGAL"]}
    house.night("LEGAL", 1)
    house.act(VERIFY, days=1)
    made = house.entries("copy_made")[0]
    return made["label"], made["tool_copy"]


def allowed(house, ticket):
    """A request for a restore of the office of the share, authorised."""
    about = {"ticket": ticket, "request": "restore", "office": house.entries("copy_made")[0]["office"], "requester": "Rosa Huamán", "person": "Rosa Huamán"}
    with open_store(str(house.top / "b.sqlite")) as store:
        for type_, post in (("request_opened", "heads"), ("request_estimated", "jefe_oti"), ("request_authorised", "jefe_oti")):
            store.append(type_, {"event": type_, **about, "post": post}, "2026-11-22T10:00:00Z", "test")


def restore(house, code="", **arguments):
    label, point = copied(house)
    return label, house.act(RESTORE, code, **{"system": "LEGAL", "label": label, "recovery_point": point, "poll_seconds": 0, **arguments})


def test_files_come_back_into_a_folder_of_their_own_by_the_playbook(house):
    label, point = copied(house)
    allowed(house, "2026-0117")
    house.run("azure_backup_restore.yml", "-e", "azure_backup_system=LEGAL", "-e", '{"azure_backup_paths": ["contratos/2026/", "actas/a.docx"]}',
              "-e", "azure_backup_ticket=2026-0117", "-e", "azure_backup_requester='Rosa Huamán'")
    asked = house.backup.restores[0]
    assert asked["point"] == point and asked["restoreRequestType"] == "ItemLevelRestore" and asked["recoveryType"] == "AlternateLocation"
    assert asked["restoreFileSpecs"] == [{"path": "contratos/2026", "fileSpecType": "Directory", "targetFolderPath": f"_restaurado_{label}"},
                                         {"path": "actas/a.docx", "fileSpecType": "File", "targetFolderPath": f"_restaurado_{label}"}]
    assert asked["targetDetails"] == {"name": "legal", "targetResourceId": house.account} and asked["copyOptions"] == "FailOnConflict"
    done = house.entries("restored")[0]
    assert (done["label"], done["ticket"], done["numeral"], done["tool_copy"]) == (label, "2026-0117", "7.1.3", point)
    assert "archivos restaurados: 3" in done["note_es"] and done["target"].endswith(f"legal/_restaurado_{label}")
    assert house.entries("restore_started")[0]["label"] == label


def test_a_whole_share_elsewhere_or_where_it_was(house):
    label, _given = restore(house, target={"share": "otra"})
    assert house.backup.restores[0]["restoreFileSpecs"] == [{"targetFolderPath": f"_restaurado_{label}"}]
    assert house.backup.restores[0]["targetDetails"]["name"] == "otra" and house.backup.restores[0]["copyOptions"] == "FailOnConflict"
    point = house.entries("copy_made")[0]["tool_copy"]
    house.act(RESTORE, system="LEGAL", label=label, recovery_point=point, poll_seconds=0, original_location=True, overwrite=True)
    asked = house.backup.restores[1]
    assert (asked["recoveryType"], asked["copyOptions"]) == ("OriginalLocation", "Overwrite") and "targetDetails" not in asked


@pytest.mark.parametrize("path", ["/etc/passwd", "../otra/x", "a/../../x", "a//b", "\\windows"])
def test_nothing_outside_the_share(house, path):
    _label, given = restore(house, "RSP101", paths=[path])
    assert given["backup"]["event"] == "restore_failed" and not house.backup.restores


def test_restores_that_fail_are_told(house):
    label, given = restore(house, "RSP442", target={"share": "no-hay"})
    assert "the target share does not exist" in given["msg"] and house.entries("restore_failed")[0]["label"] == label
    assert "Azure rechazó una restauración de cuentaentidad/legal" in given["error"]["message_es"]
    house.backup.outcome = {"status": "CompletedWithWarnings", "bag": {"Number Of Restored Files": "2", "Number Of Failed Files": "1"}}
    point = house.entries("copy_made")[0]["tool_copy"]
    given = house.act(RESTORE, "RSP445", system="LEGAL", label=label, recovery_point=point, poll_seconds=0)
    assert "archivos fallidos: 1" in given["msg"]
    # the vault no longer has the recovery point
    house.act(RESTORE, "RSP405", system="LEGAL", label=label, recovery_point="1", poll_seconds=0)


def test_of_the_other_sorts_it_says_how(house):
    house.ready()
    for name in ("ARCHIVOS", "PADRON"):
        assert "is not a file share" in house.act(RESTORE, "RSP101", system=name, label=f"{name}_{house.day(1)}", recovery_point="1")["msg"]


def test_a_restore_in_check_mode(house):
    _label, given = restore(house, check=True)
    assert given["backup"]["event"] == "restore_simulated" and not house.backup.restores
