# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict of a day by Azure Backup's jobs, and what of the inventory is which item. Pure functions: no service, not even a fake."""

from __future__ import annotations

import datetime
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
import zoneinfo
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.policy import policy as engine
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._azure import identity, jobs, protection, recovery
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._decisions import due
from hypothesis import given
from hypothesis import strategies as st

LIMA, UTC = zoneinfo.ZoneInfo("America/Lima"), datetime.timezone.utc
TWELVE = datetime.timedelta(hours=12)
STATES = ("Completed", "CompletedWithWarnings", "Failed", "Cancelled", "InProgress", "Cancelling")


def at(text):
    """A time of Lima."""
    return datetime.datetime.fromisoformat(text).replace(tzinfo=LIMA).astimezone(UTC)


def job(begin, status="Completed", hours=1, name=""):
    started = at(begin)
    return jobs.Job(name or begin, status, started, None if status in jobs._RUNNING else started + datetime.timedelta(hours=hours))


def judged(found, first, now):
    return {day.day.isoformat(): day.state for day in jobs.judge(found, datetime.date.fromisoformat(first), at(now), LIMA, TWELVE)}


def test_midnight_in_lima_parts_two_days():
    found = [job("2026-11-22T23:59:59"), job("2026-11-24T00:00:00")]
    assert judged(found, "2026-11-22", "2026-11-24T12:00") == {"2026-11-22": "good", "2026-11-23": "absent", "2026-11-24": "good"}


def test_a_day_is_open_until_half_an_hour_after_it_ended():
    assert judged([], "2026-11-22", "2026-11-23T00:29:59") == {}
    assert judged([], "2026-11-22", "2026-11-23T00:30:00") == {"2026-11-22": "absent"}


def test_the_last_night_of_a_year_and_a_leap_day():
    assert judged([job("2027-12-31T20:00")], "2027-12-31", "2028-01-01T08:00") == {"2027-12-31": "good"}
    assert judged([job("2028-02-29T20:00")], "2028-02-28", "2028-03-01T08:00") == {"2028-02-28": "absent", "2028-02-29": "good"}


@pytest.mark.parametrize(("hour", "state"), [("2026-11-23T08:00", "running"), ("2026-11-23T08:01", "stuck")])
def test_running_too_long(hour, state):
    assert judged([job("2026-11-22T20:00", "InProgress")], "2026-11-22", hour) == {"2026-11-22": state}


@pytest.mark.parametrize(("statuses", "state"), [
    (["Failed", "Completed", "Failed"], "good"), (["CompletedWithWarnings", "Failed"], "warnings"), (["Failed", "InProgress"], "running"),
    (["Cancelled"], "failed"), (["SomethingNew"], "failed"),
])
def test_the_best_of_a_day_decides(statuses, state):
    found = [job(f"2026-11-22T{20 + index}:00", status) for index, status in enumerate(statuses)]
    assert judged(found, "2026-11-22", "2026-11-22T23:30") == {"2026-11-22": state}


@given(st.lists(st.tuples(st.integers(0, 10 * 24 * 60), st.sampled_from(STATES)), max_size=30), st.integers(0, 11 * 24 * 60))
def test_every_day_that_is_over_has_one_verdict_and_no_job_is_invented(drawn, minutes):
    first = datetime.date(2026, 11, 15)
    start = datetime.datetime.combine(first, datetime.time(), LIMA)
    now = start + datetime.timedelta(minutes=minutes)
    found = sorted((jobs.Job(str(index), status, begin, None if status in jobs._RUNNING else begin) for index, (minute, status) in enumerate(drawn)
                    if (begin := start + datetime.timedelta(minutes=minute)) <= now), key=lambda row: row.started)
    days = jobs.judge(found, first, now, LIMA, TWELVE)
    assert len({day.day for day in days}) == len(days)
    for day in days:
        own = [row for row in found if row.started.astimezone(LIMA).date() == day.day]
        assert (day.job in own) == bool(own) and (day.state == "absent") == (not own)
        if any(row.status == "Completed" for row in own):
            assert day.state == "good"
    over = (now - jobs.LAG).astimezone(LIMA).date()
    assert {first + datetime.timedelta(days=place) for place in range((over - first).days)} <= {day.day for day in days}


def test_times_of_the_service():
    assert jobs.moment("2017-08-03T05:31:07.0146041Z") == jobs.moment("2017-08-03T05:31:07+00:00") == datetime.datetime(2017, 8, 3, 5, 31, 7, tzinfo=UTC)
    assert jobs.moment("2020-02-05T07:43:47-05:00").hour == 12
    with pytest.raises(ValueError, match="is no time"):
        jobs.moment("ayer")
    assert jobs.filter_of("agent", at("2026-11-22T00:00"), at("2026-11-22T19:30")) == (
        "backupManagementType eq 'MAB' and startTime eq '2026-11-22 05:00:00 AM' and endTime eq '2026-11-23 12:30:00 AM'")


def test_the_recovery_point_of_a_job_is_one_taken_while_it_ran():
    night = job("2026-11-22T20:00")
    points = [{"id": "1", "at": "2026-11-22T01:10:00Z"}, {"id": "2", "at": "2026-11-23T01:05:00.1234567Z"}, {"id": "3", "at": "2026-11-23T03:00:00Z"}]
    assert jobs.point_of(night, points) == "2" and jobs.point_of(night, points[:1]) == "" and jobs.point_of(night, []) == ""


def test_what_a_job_says():
    told = {"properties": {
        "errorDetails": [{"errorCode": 400001, "errorString": "no  snapshot", "recommendations": ["retry", "look"]}, {"errorString": "a.txt: in use"}],
        "extendedInfo": {"dynamicErrorMessage": "agent offline", "propertyBag": {"Number Of Skipped Files": "2", "Number Of Failed Files": "0", "VM Name": "x",
                                                                                 "Backup Size": "2359 MB"}}}}
    assert jobs.texts(told) == ["400001: no snapshot (retry; look)", "a.txt: in use", "agent offline", "Number Of Skipped Files: 2"]
    assert jobs.size_of(told) == 2359 * (1 << 20) and jobs.size_of({"properties": {}}) is None and jobs.texts({"properties": {"errorDetails": None}}) == []
    many = {"properties": {"errorDetails": [{"errorString": f"file {number}"} for number in range(50)]}}
    assert len(jobs.texts(many)) == 21 and jobs.texts(many)[-1] == "... (30)"


def agent(computer, volume):
    return protection.Item("c", "i", "/p", {"computerName": computer, "friendlyName": volume})


@pytest.mark.parametrize(("computer", "volume", "found"), [
    ("srv1.entidad.gob.pe", "D:", True), ("SRV1", "d:\\", True), ("srv1.otra.pe", "D:\\", False), ("srv10", "D:\\", False), ("srv1", "C:\\", False),
])
def test_a_server_is_known_by_its_name_in_any_spelling(computer, volume, found):
    item = agent("srv1.entidad.gob.pe.", "D:\\")
    source = {"protects": "agent", "computer": computer, "volume": volume}
    assert (protection.find([item], source) is item) is found
    row = {"properties": {"mabServerName": computer, "entityFriendlyName": volume}}
    assert jobs.is_of(row, "agent", item) is found


def test_two_machines_of_one_name_are_parted_by_their_group():
    items = [protection.Item(f"IaasVMContainer;iaasvmcontainerv2;{group};vm", "i", f"/{group}", {
        "friendlyName": "vm", "virtualMachineId": f"/subscriptions/s/resourceGroups/{group}/providers/Microsoft.Compute/virtualMachines/VM"})
        for group in ("rg1", "rg2")]
    source = {"protects": "machine", "machine": "vm"}
    with pytest.raises(BackupError, match="2 items of the vault"):
        protection.find(items, source)
    assert protection.find(items, {**source, "resource_group": "RG2"}) is items[1]
    row = {"properties": {"entityFriendlyName": "vm", "containerName": "iaasvmcontainerv2;rg1;vm"}}
    assert [jobs.is_of(row, "machine", item) for item in items] == [True, False]


def test_drift_is_what_protects_less_than_was_decided():
    found = {"soft_delete": "Enabled", "soft_delete_days": 14, "immutability": "Locked", "multi_user": False, "redundancy": "GeoRedundant"}
    assert protection.drift(found, {}) == [] and protection.drift(found, {"immutability": "Unlocked", "soft_delete": "Enabled", "soft_delete_days": 14}) == []
    assert protection.drift({**found, "soft_delete": "Disabled"}, {"soft_delete": "Enabled", "multi_user": True}) == [
        "soft_delete: Disabled, Enabled", "multi_user: false, true"]


def test_policies_in_the_services_words():
    assert protection.terms(protection.wanted_policy("share", "20:00", "UTC", 180)) == {
        "frequency": "Daily", "times": ["20:00"], "time_zone": "UTC", "daily_points": 180}
    with pytest.raises(BackupError, match="more than Azure Backup keeps of a share"):
        protection.wanted_policy("share", "20:00", "UTC", 201)
    assert protection.windows_zone({}, "America/Lima") == "SA Pacific Standard Time"
    assert protection.windows_zone({"time_zone": "Tokyo Standard Time"}, "Asia/Tokyo") == "Tokyo Standard Time"
    with pytest.raises(BackupError, match="has no name in Windows"):
        protection.windows_zone({}, "Asia/Tokyo")


def test_a_token_goes_to_no_other_host():
    vault = recovery.Vault.__new__(recovery.Vault)
    vault.address = "https://management.azure.com"
    for place in ("https://example.org/subscriptions/x", "https://management.azure.com.example.org/x"):
        with pytest.raises(BackupError, match="another host"):
            vault._look("x", place)


def test_what_azure_backup_copies_is_never_ours_to_copy_and_its_lateness_is_told():
    policy = {"time_zone": "America/Lima", "kinds": {"file_server": {"numeral": "7.2.3", "frequency_numeral": "6.4", "every": {"days": 1}}},
              "criticality": {"alta": {"required_trust": "T3"}}}
    system = {"name": "LEGAL", "kind": "file_server", "criticality": "alta", "office": "OTI", "source": {"type": "azure_backup", "vault": "b"}}
    now = at("2026-11-24T09:00")
    last = {"started_at": "2026-11-24T01:00:00Z", "trust_level": "T1", "ended_at": "2026-11-24T02:00:00Z"}       # 20:00 of the 23rd in Lima
    for emergency in ("", "aviso de ransomware"):
        told = due.decide(system, policy, last, now, emergency)
        assert (told.due, told.state, told.overdue_days) == ("no", "not_due", 0) and "La hace la herramienta" in told.why
    late = due.decide(system, policy, last, at("2026-11-26T09:00"))
    assert (late.due, late.state, late.overdue_days) == ("no", "overdue", 2) and "azure_backup.yml" in late.why
    assert due.decide(system, policy, None, now).due == "no"
    assert due.decide({**system, "enabled": False}, policy, last, now).why == "El sistema está deshabilitado en el inventario"


def test_the_example_that_is_commented_out_is_valid():
    text = (Path(__file__).resolve().parents[3] / "inventories/example/group_vars/all/media.yml").read_text(encoding="utf-8")
    lines = text[text.index("# backup_vaults:"):].splitlines()
    told = yaml.safe_load("\n".join(line[2:] for line in lines if re.match(r"# (backup_\w+:| )", line)))
    assert recovery.checked(told["backup_vaults"]) and len(told["backup_systems"]) == 3
    shipped = yaml.safe_load((Path(__file__).resolve().parents[3] / "policies/manual-001-2019.yml").read_text(encoding="utf-8"))
    engine.validate(shipped, told["backup_systems"], [])


def test_the_clouds_are_those_of_azure_cli_core():
    from azure.cli.core import cloud

    known = {each.name: each.endpoints.resource_manager.rstrip("/") for each in (cloud.AZURE_PUBLIC_CLOUD, cloud.AZURE_CHINA_CLOUD, cloud.AZURE_US_GOV_CLOUD)}
    assert recovery.MANAGERS == known and set(recovery.MANAGERS) == set(identity.LOGINS)


def test_a_play_without_vaults_imports_nothing_of_azure():
    code = ("import sys; import ansible_collections.perucompras.respaldo.plugins.action.azure_backup_verify as one, "
            "ansible_collections.perucompras.respaldo.plugins.action.backup_plan as two, "
            "ansible_collections.perucompras.respaldo.plugins.plugin_utils._azure.jobs as three; "
            "sys.exit(any(name == 'azure' or name.startswith(('azure.', 'msal', 'requests')) for name in sys.modules))")
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": ":".join(sys.path)})
