# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX is to have: its settings, and what of it is ours."""

from __future__ import annotations

import pytest

from plugins.filter.awx_inputs import awx_inputs
from plugins.module_utils._engine.errors import BackupError
from plugins.plugin_utils._schedules import awx_conflicts, awx_forms, awx_notifications, awx_objects, awx_settings, questions
from plugins.plugin_utils._schedules.purposes import PURPOSES

SETTINGS = {"url": "https://awx.example.org", "token": "ficha-muy-secreta", "organization": "OTI", "image": "registro.example.org/respaldo:0.3.0",
            "project": {"url": "https://git.example.org/oti/respaldo.git"}, "inventory": "inventories/entidad/hosts.yml"}
COPIES = {"purpose": "copies", "playbook": "site.yml", "title": "copias", "rrules": ["DTSTART;TZID=America/Lima:20260101T220000 RRULE:FREQ=DAILY;INTERVAL=1"]}


def nothing():
    beside = (awx_objects.STRANGERS, awx_objects.NAMED, awx_objects.RUNNING)
    return {**{name: {} for name in (*awx_objects.COLLECTIONS, *beside)}, awx_objects.ASKING: {"1": {"id": 1, "is_superuser": True}}}


def project(**changes):
    return {"id": 7, "name": "respaldo", "scm_url": SETTINGS["project"]["url"], "scm_branch": "", "status": "successful", awx_objects.PLAYBOOKS: [
        "playbooks/site.yml", *(f"playbooks/{form.playbook}.yml" for form in questions.FORMS.values())], **changes}


@pytest.mark.parametrize("change, told", [
    ({}, ""),
    ({"url": "http://127.0.0.1:8052"}, ""),
    ({"token": None, "username": "respaldo", "password": "muy-secreta"}, ""),
    ({"project": {"url": "https://git.example.org/a.git", "update_on_launch": False}}, ""),
    # of a manual project AWX reads no inventory
    ({"project": {"path": "respaldo"}}, "backup_awx.project.path: no es una clave conocida"),
    ({"url": "http://awx.example.org"}, "enviaría el token sin cifrar"),
    ({"url": "https://respaldo:muy-secreta@awx.example.org"}, "backup_awx.url"),
    ({"url": "https://awx.example.org/?token=muy-secreta"}, "backup_awx.url"),
    ({"token": "muy secreta"}, "backup_awx.token"),
    ({"token": None}, "necesita token, o username y su password"),
    ({"token": None, "username": "respaldo"}, "necesita token, o username y su password"),
    ({"username": "respaldo", "password": "muy-secreta"}, "necesita token, o username y su password"),
    ({"project": {}}, "backup_awx.project.url: falta"),
    ({"inventory": "/etc/hosts"}, "backup_awx.inventory"), ({"playbooks": "../otro"}, "backup_awx.playbooks"),
    ({"bitacora": {"url": "postgresql://respaldo:muy-secreta@bd/bitacora"}}, "backup_awx.bitacora.url"),
    ({"bitacora": {"url": "sqlite:////tmp/b.sqlite"}}, "backup_awx.bitacora.url"),
    ({"notification": {"type": "email", "configuration": {"password": "muy-secreta"}}}, "cada ejecución sería un cambio"),
    ({"notification": {"type": "mattermost", "configuration": {"mattermost_url": "https://chat.example.org/hooks/muy-secreta"}}}, ""),
    ({"notification": {"type": "rocketchat", "configuration": {}}}, "notification.configuration.rocketchat_url: falta"),
    ({"notification": {"type": "email", "configuration": {"host": "h", "port": "25", "use_tls": True, "use_ssl": False, "sender": "muy", "recipients": ["a"]}}},
     "configuration.port: no es del tipo que AWX pide. Escriba un número entero"),
    ({"notification": {"type": "email", "configuration": {"host": "h", "port": True, "use_tls": True, "use_ssl": False, "sender": "muy", "recipients": []}}},
     "configuration.recipients: no es del tipo que AWX pide. Escriba una lista"),
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


def refused(there, absent=False, **changes):
    settings = {**SETTINGS, **changes}
    made = awx_objects.plan(settings, [] if absent else [COPIES], there, absent)
    with pytest.raises(BackupError) as found:
        awx_conflicts.check(settings, made, there, absent)
    return found.value


def test_what_awx_would_refuse_half_way_is_told_at_once():
    there = nothing()
    there[awx_objects.NAMED] = {str(row["id"]): row for row in (
        {"id": 1, "name": "llave", "kind": "ssh", "credential_type": 1}, {"id": 2, "name": "llave", "kind": "ssh", "credential_type": 1},
        {"id": 3, "name": "git", "kind": "scm", "credential_type": 2}, {"id": 4, "name": "otra", "kind": "vault", "credential_type": 3, "inputs": {}},
        {"id": 5, "name": "tercera", "kind": "vault", "credential_type": 3, "inputs": {"vault_id": "x"}})}
    there[awx_objects.STRANGERS] = {"execution_environments/respaldo": {}, "inventories/respaldo": {}, "inventories/de otros": {}}
    told = refused(there, credentials=["llave", "nada", "git", "otra", "tercera"], vault={"password": "p"},
                   project={**SETTINGS["project"], "credential": "otra"})
    assert told.code == "RSP746" and all(each in told.spanish for each in (
        "AWX muestra 2 credenciales «llave»", "AWX muestra 0 credenciales «nada»", "«git» no es de un tipo que sirva aquí (scm)",
        "«otra» es del mismo tipo que backup_awx.vault", "backup_awx.project.credential: «otra» no es de un tipo",
        "otra organización de este AWX, o ninguna, ya tiene respaldo (imagen), respaldo (inventario). ")), told.spanish
    assert "tercera" not in told.spanish and "de otros" not in told.spanish


def test_who_may_not_make_the_organization_is_told():
    there = nothing()
    there[awx_objects.ASKING] = {"2": {"id": 2, "is_superuser": False}}
    assert "«OTI» (organización)" in refused(there).spanish
    there["organizations"] = {"OTI": {"id": 2}}
    assert "«respaldo bitacora» (tipo de credencial)" in refused(there, bitacora={"url": "postgresql://respaldo@bd/bitacora"}).spanish
    awx_conflicts.check(SETTINGS, awx_objects.plan(SETTINGS, [COPIES], there, False), there, False)


def test_nothing_is_removed_while_it_runs():
    there = nothing()
    there["job_templates"] = {"respaldo prune": {"id": 5}, "respaldo copies": {"id": 6}}
    there[awx_objects.RUNNING] = {"9": {"id": 9, "name": "respaldo copies", "unified_job_template": 6}}
    awx_conflicts.check(SETTINGS, awx_objects.plan(SETTINGS, [COPIES], there, False), there, False)
    told = refused(there, absent=True)
    assert told.code == "RSP476" and "respaldo copies" in told.spanish and "prune" not in told.spanish


def test_a_repository_is_read_again_when_playbooks_are_missing():
    def reading(**changes):
        found = awx_objects.plan(SETTINGS, [COPIES], {**nothing(), "projects": {"respaldo": project(**changes)}}, absent=False).ground["project"]
        return found["unread"], found["stale"]

    assert reading() == (False, False)
    assert reading(**{awx_objects.PLAYBOOKS: ["playbooks/site.yml"]}) == (True, True)
    assert reading(**{awx_objects.PLAYBOOKS: [], "status": "running"}) == (True, False)
    assert reading(**{awx_objects.PLAYBOOKS: [], "scm_branch": "otra"}) == (False, False)      # AWX reads it unasked
    assert awx_objects.plan(SETTINGS, [COPIES], nothing(), absent=False).ground["project"]["stale"] is False


def test_a_notification_is_as_awx_keeps_it():
    assert awx_notifications.whole({"type": "webhook", "configuration": {"url": "https://a.example.org"}}) == {
        "url": "https://a.example.org", "http_method": "POST", "disable_ssl_verification": False, "username": "", "password": "", "headers": {}}
    given = {"notification": {"type": "mattermost", "configuration": {"mattermost_url": "u", "mattermost_channel": "oti"}}}
    assert awx_inputs(given, "notification") == {"mattermost_url": "u", "mattermost_no_verify_ssl": False, "mattermost_channel": "oti"}
