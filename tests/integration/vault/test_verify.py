# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Azure Backup's jobs say becomes entries (7.2.3 b): azure_backup_verify, playbooks/azure_backup.yml, against the fake."""

from __future__ import annotations

import datetime
import time

import pytest
from login import SECRET
from vault_house import LIMA, NAMES

VERIFY = "azure_backup_verify"


def only(house, name):
    """The inventory has this system alone."""
    house.sources = {name: house.sources[name]}


def states(given, name):
    return {row["day"].replace("-", ""): row["state"] for item in given["items"] if item["system"] == name for row in item["days"]}


@pytest.mark.parametrize("name", NAMES)
def test_each_verdict_of_each_sort_and_no_entry_twice(house, name):
    house.ready()
    only(house, name)
    good = house.night(name, 5)
    skipped = house.night(name, 4, "CompletedWithWarnings", errorDetails=[{"errorString": "D:\\actas\\abierto.docx: file in use"}],
                          bag={"Number Of Skipped Files": "1"})
    failed = house.night(name, 3, "Failed", errorDetails=[{"errorString": "The disk is full", "recommendations": ["Free some space"]}])
    stuck = house.night(name, 2, "InProgress", hours=None)
    # nothing yesterday
    given = house.act(VERIFY, days=5)
    assert states(given, name) == {house.day(5): "good", house.day(4): "warnings", house.day(3): "failed", house.day(2): "stuck", house.day(1): "absent"}
    entries = {entry["label"]: entry for entry in house.entries("copy_made", "copy_failed")}
    assert len(entries) == 5 and all(entry["responsible"] and entry["medium"] == "boveda" and entry["kind"] == "file_server" for entry in entries.values())
    made = entries[f"{name}_{house.day(5)}"]
    assert (made["type"], made["trust_level"], made["tool_job"]) == ("copy_made", "T1", good) and made["duration_ms"] == 3600000
    assert name == "PADRON" or made["tool_copy"] and made["tool_copy"] in made["note_es"]     # the label is an alias beside the point's id (6.7)
    partial = entries[f"{name}_{house.day(4)}"]
    assert (partial["type"], partial["trust_level"], partial["tool_job"]) == ("copy_made", "T0", skipped)
    assert "D:\\actas\\abierto.docx: file in use" in partial["warnings"] and any("abierto.docx" in row for row in partial["warnings_es"])
    bad = entries[f"{name}_{house.day(3)}"]
    assert (bad["type"], bad["error_code"], bad["tool_job"]) == ("copy_failed", "RSP445", failed)
    assert "The disk is full" in bad["error_message"] and "Free some space" in bad["error_message"]
    assert (entries[f"{name}_{house.day(2)}"]["error_code"], entries[f"{name}_{house.day(2)}"]["tool_job"]) == ("RSP446", stuck)
    assert entries[f"{name}_{house.day(1)}"]["error_code"] == "RSP447" and "tool_job" not in entries[f"{name}_{house.day(1)}"]
    for entry in entries.values():     # each stands on its own day
        assert datetime.datetime.fromisoformat(entry["started_at"].replace("Z", "+00:00")).astimezone(LIMA).strftime("%Y%m%d") in entry["label"]
    again = house.act(VERIFY, days=5)
    assert "backup" not in again and len(house.entries("copy_made", "copy_failed")) == 5
    assert all(row["recorded"] for item in again["items"] for row in item["days"])


@pytest.mark.parametrize("name", NAMES)
def test_what_becomes_of_a_day_later_is_told_once_more_under_its_label(house, name):
    house.ready()
    only(house, name)
    house.night(name, 3)
    job = house.night(name, 2, "InProgress", hours=None)
    house.night(name, 1)
    house.act(VERIFY, days=3)
    assert house.copies(name)[f"{name}_{house.day(2)}"] == "RSP446"
    row = next(row for row in house.backup.jobs.rows.values() if row["name"] == job)
    end = house.at(2, 34)
    row["properties"].update(status="Completed", endTime=house.arm.stamp(end))
    house.backup.point(house.items[name], end)
    house.act(VERIFY, days=3)
    house.act(VERIFY, days=3)
    told = [(entry["type"], entry.get("error_code")) for entry in house.entries("copy_made", "copy_failed", label=f"{name}_{house.day(2)}")]
    assert told == [("copy_failed", "RSP446"), ("copy_made", None)]


def test_a_job_that_came_late_answers_for_a_day_called_absent(house):
    """A MARS job reaches the vault after it ended, at times hours later."""
    house.ready()
    only(house, "PADRON")
    house.night("PADRON", 2)
    house.act(VERIFY, days=2)
    assert house.copies("PADRON")[f"PADRON_{house.day(1)}"] == "RSP447"
    house.night("PADRON", 1)
    house.act(VERIFY, days=2)
    assert house.copies("PADRON")[f"PADRON_{house.day(1)}"] == "T1"


def test_several_jobs_of_a_day_are_one_entry_and_the_best_decides(house):
    house.ready()
    only(house, "PADRON")
    house.night("PADRON", 1, hour=6)
    last = house.night("PADRON", 1, hour=13)
    house.night("PADRON", 1, "Failed", hour=20)
    house.act(VERIFY, days=1)
    house.act(VERIFY, days=1)
    entries = house.entries("copy_made", "copy_failed")
    assert [(entry["label"], entry["tool_job"]) for entry in entries] == [(f"PADRON_{house.day(1)}", last)]


def test_the_day_is_that_of_lima(house):
    """23:59:59 and 00:00:01 in Lima are one UTC day, and two of the policy."""
    house.ready()
    only(house, "ARCHIVOS")
    evening = house.night("ARCHIVOS", 2, hour=24 - 1 / 3600, hours=0.5)
    morning = house.night("ARCHIVOS", 1, hour=1 / 3600, hours=0.2)
    house.act(VERIFY, days=2)
    told = {entry["label"]: entry["tool_job"] for entry in house.entries("copy_made", "copy_failed")}
    assert told == {f"ARCHIVOS_{house.day(2)}": evening, f"ARCHIVOS_{house.day(1)}": morning}


def test_today_is_open_until_it_ends(house):
    house.ready()
    only(house, "ARCHIVOS")
    house.night("ARCHIVOS", 1)
    begun = time.time() - 60
    house.backup.job(house.items["ARCHIVOS"], "InProgress", begun)
    given = house.act(VERIFY, days=1)
    today = datetime.datetime.fromtimestamp(begun, LIMA).strftime("%Y%m%d")
    assert states(given, "ARCHIVOS") == {house.day(1): "good", today: "running"} and len(house.entries("copy_made", "copy_failed")) == 1


def test_a_new_item_owes_nothing_for_the_days_before(house):
    house.ready()
    house.sources = {name: house.sources[name] for name in ("LEGAL", "ARCHIVOS")}
    house.backup.job(house.items["LEGAL"], "Completed", time.time() - 60, time.time() - 50, operation="ConfigureBackup")
    given = house.act(VERIFY, days=7)
    assert states(given, "LEGAL") == {}
    # of the other nobody knows since when: yesterday is the one day that is asked for
    assert states(given, "ARCHIVOS") == {house.day(1): "absent"}


def test_a_job_that_ended_well_without_a_recovery_point(house):
    house.ready()
    only(house, "LEGAL")
    job = house.night("LEGAL", 1, point=False)
    fresh = house.backup.job(house.items["LEGAL"], "Completed", time.time() - 120, time.time() - 60, point=False)
    given = house.act(VERIFY, days=1)
    entries = house.entries("copy_made", "copy_failed")
    assert [(entry["error_code"], entry["tool_job"]) for entry in entries] == [("RSP448", job)]
    assert [row["state"] for row in given["items"][0]["days"] if row["job"] == fresh] == ["listed_late"]


@pytest.mark.parametrize("name", NAMES)
def test_what_the_vault_does_not_protect_is_told(house, name):
    house.ready()
    only(house, name)
    house.backup.items.remove(house.items[name])
    given = house.act(VERIFY)
    assert house.copies(name) == {f"{name}_{house.day(1)}": "RSP444"} and given["items"][0]["protected"] is False
    assert "backup" not in house.act(VERIFY)


def test_stopped_protection_and_what_nobody_declared(house):
    house.ready()
    house.backup.items.rows[house.items["LEGAL"].lower()]["properties"]["protectionState"] = "ProtectionStopped"
    del house.sources["PADRON"]
    for name in house.sources:
        house.night(name, 1)
    given = house.act(VERIFY, days=1)
    assert house.copies("LEGAL") == {f"LEGAL_{house.day(1)}": "RSP444"} and house.copies("ARCHIVOS") == {f"ARCHIVOS_{house.day(1)}": "T1"}
    assert [(row["sort"], row["name"]) for row in given["undeclared"]] == [("agent", "D:\\")]


def test_points_are_counted_against_the_policy(house):
    house.ready()
    only(house, "LEGAL")
    for days in range(176, 1, -1):
        house.backup.point(house.items["LEGAL"], house.at(days, 20.5))
    house.night("LEGAL", 1)
    given = house.act(VERIFY, days=1)
    item = given["items"][0]
    assert item["points"] == 176 and item["oldest"] < item["newest"]
    assert "puntos de recuperación: 176 de 180 (del " in house.entries("copy_made")[0]["note_es"]


def test_pages_are_read_to_the_last_and_a_page_that_fails_calls_nothing_absent(house):
    house.ready()
    only(house, "PADRON")
    for days in range(7, 0, -1):
        for hour in (6, 13, 20):
            house.night("PADRON", days, hour=hour)
    house.arm.page_size = 4
    house.arm.fail(r"backupJobs\?.*skipToken", 400, code="UserErrorInvalidSkipToken")
    given = house.act(VERIFY, "RSP442")
    assert [entry["type"] for entry in house.entries() if entry["type"].startswith(("copy", "verif"))] == ["verification_failed"] and not given["items"]
    assert set(states(house.act(VERIFY), "PADRON").values()) == {"good"} and len(house.copies("PADRON")) == 7


def test_throttling_and_errors_are_waited_out_with_the_delays_of_the_service(house):
    house.ready()
    for name in NAMES:
        house.night(name, 1)
    house.arm.fail("backupJobs", 429, retry_after="1")
    house.arm.fail("backupProtectedItems", 503, retry_after="1")
    house.arm.fail("recoveryPoints", 500)
    house.arm.fail("backupconfig", 0)
    begun = time.monotonic()
    house.act(VERIFY, days=1)
    assert time.monotonic() - begun >= 2 and all(house.copies(name) == {f"{name}_{house.day(1)}": "T1"} for name in NAMES)
    seen = {status: next(index for index, row in enumerate(house.arm.requests) if row.status == status) for status in (429, 503)}
    for index in seen.values():
        failed, after = house.arm.requests[index], house.arm.requests[index + 1]
        assert after.path == failed.path and after.at - failed.at >= 1, "the same request again, not sooner than the service said"


def test_a_service_that_does_not_come_back(house, monkeypatch):
    from azure.core.pipeline.policies import RetryPolicy

    monkeypatch.setattr(RetryPolicy, "BACKOFF_MAX", 0.01)
    house.ready()
    house.arm.fail("backupJobs", 503, times=50)
    house.act(VERIFY, "RSP443")
    assert [entry["error_code"] for entry in house.entries("verification_failed")] == ["RSP443"] and not house.entries("copy_failed")


def test_an_expired_secret_and_a_missing_role(house):
    house.ready()
    house.arm.login.refusal = "AADSTS7000222: The provided client secret keys for app are expired."
    assert "AADSTS7000222" in house.act(VERIFY, "RSP423")["msg"]
    house.arm.login.refusal = ""
    house.arm.forbid("Microsoft.RecoveryServices/vaults/backupJobs/read")
    assert "needs the role Backup Reader" in house.act(VERIFY, "RSP441")["msg"]
    assert [entry["error_code"] for entry in house.entries("verification_failed")] == ["RSP423", "RSP441"] and not house.entries("copy_failed")


def test_a_secret_from_ansible_vault_is_opened(house):
    """Older releases of ansible-core hand an action the encrypted text as an object that opens when it is read."""
    class Vaulted:
        __ENCRYPTED__ = True

        def __str__(self):
            return SECRET

    house.ready()
    house.night("LEGAL", 1)
    house.vault["auth"] = {**house.vault["auth"], "secret": Vaulted()}
    house.act(VERIFY, days=1)
    assert house.copies("LEGAL") and house.arm.login.asked[-1]["client_secret"] == SECRET


def test_what_protects_the_vault_is_told_in_each_run_until_it_is_mended(house):
    house.ready()
    only(house, "LEGAL")
    house.night("LEGAL", 1)
    house.vault.update(soft_delete="AlwaysON", immutability="Unlocked", multi_user=True)
    for _each in range(2):
        house.act(VERIFY, days=1)
    found = house.entries("verification_failed")
    assert [entry["error_code"] for entry in found] == ["RSP449"] * 2 and "immutability: Disabled, Unlocked" in found[0]["error_message"]
    told = house.backup.vaults.all()[0]["properties"]["securitySettings"]
    told.update(immutabilitySettings={"state": "Locked"}, softDeleteSettings={"softDeleteState": "AlwaysON", "softDeleteRetentionPeriodInDays": 30})
    house.backup.guards[house.backup.vaults.all()[0]["id"].lower()] = [{"name": "g", "properties": {"description": "x"}}]
    given = house.act(VERIFY, days=1)
    assert "backup" not in given and given["vaults"][0]["multi_user"] is True


def test_the_playbook_and_no_secret_anywhere(house):
    """-vvv, the bitácora and its log are searched for the secret and for tokens (house.close); the plan counts these copies."""
    house.ready()
    for name, status in (("LEGAL", "Completed"), ("ARCHIVOS", "Completed"), ("PADRON", "Failed")):
        house.night(name, 1, status)
    house.night("LEGAL", 2)
    said = house.run("azure_backup.yml", "-vvv", "-e", "azure_backup_days=2", status=2)
    assert "LEGAL" in said and "RSP445" in said and house.copies("PADRON") == {f"PADRON_{house.day(1)}": "RSP445"}
    assert house.copies("ARCHIVOS") == {f"ARCHIVOS_{house.day(1)}": "T1"} and len(house.copies("LEGAL")) == 2
    assert set(house.arm.connected) == {"management.azure.com:443", "login.microsoftonline.com:443"}, "by their own names, through the proxy"
    assert "azure.core" not in (house.top / "ansible.log").read_text("utf-8")
    said = house.run("plan.yml")
    assert "La hace la herramienta por sí misma" in said and "LEGAL" in said


def test_in_check_mode_the_findings_are_simulations(house):
    house.ready()
    house.night("LEGAL", 1)
    house.act(VERIFY, days=1, check=True)
    assert all(entry["simulated"] for entry in house.entries("copy_made", "copy_failed"))
    house.act(VERIFY, days=1)
    assert house.copies("LEGAL") == {f"LEGAL_{house.day(1)}": "T1"}
