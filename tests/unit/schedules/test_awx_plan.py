# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX is to have: its settings, and what of it is ours."""

from __future__ import annotations

import pytest

from plugins.filter.awx_inputs import awx_inputs
from plugins.module_utils._engine.errors import BackupError
from plugins.plugin_utils._schedules import awx_forms, awx_objects, awx_settings, questions
from plugins.plugin_utils._schedules.purposes import PURPOSES

SETTINGS = {"url": "https://awx.example.org", "token": "ficha-muy-secreta", "organization": "OTI", "image": "registro.example.org/respaldo:0.3.0",
            "project": {"url": "https://git.example.org/oti/respaldo.git"}, "inventory": "inventories/entidad/hosts.yml"}
COPIES = {"purpose": "copies", "playbook": "site.yml", "title": "copias", "rrules": ["DTSTART;TZID=America/Lima:20260101T220000 RRULE:FREQ=DAILY;INTERVAL=1"]}


def nothing():
    return {collection: {} for collection in awx_objects.COLLECTIONS}


@pytest.mark.parametrize("change, told", [
    ({}, ""),
    ({"url": "http://127.0.0.1:8052"}, ""),
    ({"token": None, "username": "respaldo", "password": "muy-secreta"}, ""),
    ({"project": {"path": "respaldo"}}, ""),
    ({"url": "http://awx.example.org"}, "enviaría el token sin cifrar"),
    ({"url": "https://respaldo:muy-secreta@awx.example.org"}, "backup_awx.url"),
    ({"url": "https://awx.example.org/?token=muy-secreta"}, "backup_awx.url"),
    ({"token": "muy secreta"}, "backup_awx.token"),
    ({"token": None}, "necesita token, o username y su password"),
    ({"token": None, "username": "respaldo"}, "necesita token, o username y su password"),
    ({"username": "respaldo", "password": "muy-secreta"}, "necesita token, o username y su password"),
    ({"project": {}}, "necesita exactamente una de url y path"),
    ({"project": {"path": "respaldo", "branch": "main"}}, "tiene branch o credential junto a path"),
    ({"inventory": "/etc/hosts"}, "backup_awx.inventory"), ({"playbooks": "../otro"}, "backup_awx.playbooks"),
    ({"bitacora": {"url": "postgresql://respaldo:muy-secreta@bd/bitacora"}}, "backup_awx.bitacora.url"),
    ({"bitacora": {"url": "sqlite:////tmp/b.sqlite"}}, "backup_awx.bitacora.url"),
    ({"notification": {"type": "email", "configuration": {"password": "muy-secreta"}}}, "cada ejecución sería un cambio"),
    ({"approval_hours": 0}, "backup_awx.approval_hours"), ({"organisation": "OTI"}, "backup_awx.organisation"),
])
def test_settings(change, told):
    settings = {name: value for name, value in {**SETTINGS, **change}.items() if value is not None}
    if not told:
        awx_settings.check(settings)
        return
    with pytest.raises(BackupError) as found:
        awx_settings.check(settings)
    assert found.value.code == "RSP746" and told in found.value.spanish and "muy" not in found.value.in_both(), found.value.in_both()


def test_every_mistake_is_told_at_once():
    with pytest.raises(BackupError) as found:
        awx_settings.check({"url": "x"})
    assert all(f"backup_awx.{name}: falta" in found.value.spanish for name in ("organization", "project", "image", "inventory"))


def test_what_is_ours_and_no_longer_wanted():
    there = nothing()
    there["schedules"] = {name: {"name": name, "rrule": "X"} for name in ("respaldo copies", "respaldo prune", "respaldo de otros", "respaldo prune 2")}
    there["job_templates"] = {name: {"name": name} for name in ("respaldo prune", "respaldo copies", "respaldo hold", "respaldo emergencia")}
    plan = awx_objects.plan(SETTINGS, [COPIES], there, absent=False)
    assert plan.unwanted == {"schedules": ["respaldo prune"], "job_templates": ["respaldo prune"], "workflow_job_templates": []}
    assert "programación respaldo copies X\n" in plan.before and "programación respaldo copies DTSTART;TZID=America/Lima" in plan.after
    assert "programación respaldo prune" not in plan.after and "de otros" not in plan.before + plan.after
    there[awx_objects.OF_OTHERS] = {"respaldo prune": {"name": "de otros"}}
    assert awx_objects.plan(SETTINGS, [COPIES], there, absent=False).unwanted["job_templates"] == []
    del there[awx_objects.OF_OTHERS]
    gone = awx_objects.plan(SETTINGS, [], there, absent=True)
    assert gone.unwanted["schedules"] == ["respaldo copies", "respaldo prune"] and gone.templates == [] and gone.workflow["wanted"] is False
    assert gone.unwanted["job_templates"] == ["respaldo copies", "respaldo emergencia", "respaldo prune"]


def test_names_of_purposes_and_forms_are_apart():
    assert not set(PURPOSES) & {*questions.FORMS, awx_forms.WORKFLOW}


def test_a_credential_without_its_secret_is_made_once():
    settings = {**SETTINGS, "vault": {"password": "muy-secreta"}, "bitacora": {"url": "postgresql://respaldo@bd/bitacora"}, "azure": {
        "tenant": "t", "client_id": "c", "subscription_id": "s"}}
    there = nothing()
    assert [row["make"] for row in awx_objects.plan(settings, [], there, absent=False).credentials] == [True, True, True]
    there["credentials"] = {f"respaldo {key}": {} for key in ("vault", "bitacora", "azure")}
    plan = awx_objects.plan(settings, [], there, absent=False)
    assert [row["make"] for row in plan.credentials] == [True, False, False] and "muy-secreta" not in str(plan)
    assert awx_inputs(settings, "vault") == {"vault_password": "muy-secreta"}
    assert awx_inputs(settings, "azure") == {"tenant": "t", "client": "c", "subscription": "s"}


def test_no_variable_of_a_credential_is_one_that_awx_refuses():
    assert not [name for name in awx_objects.BITACORA_INJECTORS["env"] if name.startswith("ANSIBLE_")]
