# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/azure_backup_setup.yml against the fake Azure Resource Manager: azure_backup_setup."""

from __future__ import annotations

import pytest

CHANGES = ("PUT", "PATCH", "POST", "DELETE")


def setup(house, code="", **arguments):
    return house.act("azure_backup_setup", code, recorded=False, **arguments)


def test_from_nothing_and_again(house):
    """A share and a machine from no vault at all; the second run asks for nothing, for each sort."""
    path = house.backup.vault("rg", "otra-boveda").rpartition("/")[0]
    house.vault.update(location="eastus2", redundancy="LocallyRedundant")
    del house.sources["PADRON"]
    done = setup(house, check=True)
    assert "    se haría: bóveda nueva en rg, eastus2" in done["summary"] and done["changed"] and not house.asked(*CHANGES)
    said = house.run("azure_backup_setup.yml")
    assert "cuentaentidad/legal protegido por respaldo-share-diaria" in said and "changed=1" in said
    policies = {row["name"]: row["properties"] for row in house.backup.policies.rows.values()}
    for name, management in (("respaldo-share-diaria", "AzureStorage"), ("respaldo-machine-diaria", "AzureIaasVM")):
        told = policies[name]
        assert told["backupManagementType"] == management and told["timeZone"] == "SA Pacific Standard Time"
        assert told["schedulePolicy"]["scheduleRunTimes"] == ["2026-01-01T20:00:00Z"]       # two hours after work, which ends at 18:00
        assert told["retentionPolicy"]["dailySchedule"]["retentionDuration"] == {"count": 180, "durationType": "Days"}
    protected = {row["properties"]["friendlyName"]: row["properties"]["policyId"].rpartition("/")[2] for row in house.backup.items.rows.values()}
    assert protected == {"legal": "respaldo-share-diaria", "vm-archivos": "respaldo-machine-diaria"}
    assert house.backup.configs[f"{path}/boveda".lower()]["vaultstorageconfig"]["storageModelType"] == "LocallyRedundant"
    house.arm.requests.clear()
    assert not setup(house)["changed"] and not house.asked(*CHANGES)
    assert not (house.top / "b.sqlite").exists() or not house.entries("copy_made", "copy_failed")


def test_what_differs_is_changed_and_what_was_added_stays(house):
    house.ready()
    house.vault.update(time="01:30", policies={"share": "carpetas"})
    setup(house)
    path = house.backup.vaults.all()[0]["id"]
    carpetas = house.backup.policies.rows[f"{path}/backupPolicies/carpetas".lower()]["properties"]
    carpetas["retentionPolicy"]["weeklySchedule"] = {"daysOfTheWeek": ["Sunday"], "retentionTimes": ["2026-01-01T01:30:00Z"],
                                                     "retentionDuration": {"count": 12, "durationType": "Weeks"}}
    carpetas["retentionPolicy"]["dailySchedule"]["retentionDuration"]["count"] = 30
    house.vault["time"] = "22:00"
    done = setup(house)
    assert done["changed"] and "    hecho: política carpetas (share): diaria a las 22:00, SA Pacific Standard Time, 180 puntos" in done["summary"]
    assert done["diff"]["before"]["boveda policy carpetas"]["daily_points"] == 30 and done["diff"]["after"]["boveda policy carpetas"]["daily_points"] == 180
    now = house.backup.policies.rows[f"{path}/backupPolicies/carpetas".lower()]["properties"]["retentionPolicy"]
    assert now["dailySchedule"]["retentionDuration"]["count"] == 180
    assert now["weeklySchedule"]["retentionDuration"]["count"] == 12 and now["weeklySchedule"]["retentionTimes"] == ["2026-01-01T22:00:00Z"]
    assert not setup(house)["changed"]


def test_a_server_with_the_agent_is_only_looked_for(house):
    house.ready()
    house.sources = {"PADRON": house.sources["PADRON"], "NOMINA": {"protects": "agent", "computer": "srv-nomina", "volume": "E:\\"}}
    done = setup(house, "RSP444")
    assert "srv-nomina E:" in done["msg"] and [row["state"] for row in done["items"]] == ["protected", "not registered"] and not house.asked(*CHANGES)
    del house.sources["NOMINA"]
    assert not setup(house)["changed"]


def test_what_protects_the_vault_is_told_and_not_changed(house):
    house.ready()
    setup(house)
    house.vault.update(soft_delete="AlwaysON", soft_delete_days=30, immutability="Locked", multi_user=True, redundancy="ZoneRedundant")
    house.backup.configs[house.backup.vaults.all()[0]["id"].lower()]["vaultstorageconfig"]["storageTypeState"] = "Locked"
    house.arm.requests.clear()
    done = setup(house)
    for line in ("soft_delete: Enabled, AlwaysON", "soft_delete_days: 14, 30", "immutability: Disabled, Locked", "multi_user: false, true",
                 "redundancy: GeoRedundant, ZoneRedundant"):
        assert "boveda: " + line in done["drift"]
    assert not done["changed"] and not house.asked(*CHANGES)


def test_mistakes_are_told_before_anything_is_asked(house):
    house.vault.update(time="10:00")
    assert "is within the working hours" in setup(house, "RSP101")["msg"]
    house.vault.update(time="22:15", immutability="Disabled", redundansy="x")
    said = setup(house, "RSP101")["msg"]
    for word in ("backup_vaults[0].time", "backup_vaults[0].immutability", "Did you mean redundancy?"):
        assert word in said
    assert not house.arm.requests


def test_the_name_of_the_vault_is_misspelt(house):
    house.ready()
    house.vault["name"] = "bovedas"
    said = setup(house, "RSP101")["msg"]
    assert "backup_systems[0].source.vault" in said and "is not a vault of backup_vaults" in said and "Did you mean bovedas?" in said
    for source in house.sources.values():
        source["vault"] = "bovedas"
    said = setup(house, "RSP440")["msg"]
    assert "Did you mean boveda?" in said and not house.asked(*CHANGES)
    house.vault["resource_group"] = "rg2"
    assert "That group has no vault." in setup(house, "RSP440")["msg"]


def test_an_item_kept_by_soft_delete_waits_for_a_person(house):
    house.ready()
    house.backup.items.rows[house.items["LEGAL"].lower()]["properties"]["isScheduledForDeferredDelete"] = True
    said = setup(house, "RSP444")["msg"]
    assert "soft delete" in said


def test_a_share_that_is_not_there(house):
    house.ready()
    house.sources["LEGAL"]["share"] = "legales"
    said = setup(house, "RSP201")["msg"]
    assert "cuentaentidad/legales" in said


def test_what_is_new_is_seen_late(house):
    """The service shows new things eventually: they are looked for again, in each step."""
    house.vault.update(location="eastus2")
    del house.sources["PADRON"]
    house.arm.lag = 1
    assert setup(house)["changed"]
    house.arm.lag = 0
    assert not setup(house)["changed"] and len(house.backup.items.rows) == 2
    house.backup.items.rows.clear()
    house.arm.lag = 1000
    assert "the vault does not show it yet" in setup(house, "RSP443")["msg"]


@pytest.mark.parametrize(("action", "role", "what"), [
    ("Microsoft.RecoveryServices/vaults/read", "Backup Reader", ""),
    ("Microsoft.RecoveryServices/vaults/backupFabrics/protectionContainers/inquire/action", "Backup Operator", "LEGAL"),
    ("Microsoft.RecoveryServices/vaults/backupFabrics/protectionContainers/protectedItems/write", "Backup Contributor", "ARCHIVOS"),
])
def test_the_role_that_is_missing_is_named(house, action, role, what):
    house.ready()
    if what:
        house.backup.items.remove(house.items[what])
    house.arm.forbid(action)
    said = setup(house, "RSP441")["msg"]
    assert action in said and f"needs the role {role}" in said


def test_the_identity_lacks_a_role(house):
    house.ready()
    house.arm.forbid("Microsoft.RecoveryServices/vaults/backupPolicies/write")
    said = setup(house, "RSP441")["msg"]
    assert "needs the role Backup Contributor" in said and "Microsoft.RecoveryServices/vaults/backupPolicies/write" in said


def test_killed_between_two_steps_it_goes_on_where_it_was(house):
    """The service refuses the last step; what was done is kept, and the next run asks only for what is left."""
    house.ready()
    house.backup.items.remove(house.items["ARCHIVOS"])
    house.arm.fail("PUT .*protectedItems/VM", 409, code="UserErrorVmNotFound")
    said = setup(house, "RSP442")["msg"]
    assert "UserErrorVmNotFound" in said and "RSP442: Azure rechazó la protección de vm-archivos" in said
    house.arm.requests.clear()
    setup(house)
    assert [row for row in house.asked(*CHANGES)] == ["PUT VM;iaasvmcontainerv2;rg;vm-archivos"]
