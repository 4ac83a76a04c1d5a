# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A project of Semaphore by our own client over HTTPS, against the fake: made once, changed where it differs, and nothing of others touched."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fakes.semaphore import server

from plugins.module_utils._engine.errors import BackupError
from plugins.plugin_utils._semaphore import declaring, following, wanted
from plugins.plugin_utils._semaphore.client import Semaphore

from .conftest import PASSWORD, SECRETS, declaration

CRONS = {"copies": "0 3 * * *", "transfer": "30 11 1 * *"}
COPIES, TRANSFER = "respaldo: copias que corresponden", "respaldo: traslado mensual al repositorio"


def put(there: server.Semaphore, crons: dict[str, str] = CRONS, renew: bool = False, check_mode: bool = False, **more: Any) -> following.Done:
    declared = declaration(there, **more)
    declaring.check(declared)
    return following.follow(Semaphore(declared), "Respaldo", wanted.things(declared, crons), renew, check_mode)


@pytest.mark.parametrize("newer", [False, True], ids=["2.10", "2.12"])
def test_made_once_and_then_unchanged(there: server.Semaphore, newer: bool) -> None:
    there.newer = newer
    assert put(there, check_mode=True).any and there.writes == []
    done = put(there)
    assert len(done.made) == 15 and not done.changed and not done.removed
    template, key = there.named("templates")[COPIES], there.named("keys")["respaldo: boveda"]
    assert template["playbook"] == "playbooks/site.yml" and json.loads(template["arguments"]) == []
    assert [(each["name"], each["vault_key_id"]) for each in template["vaults"]] == [("respaldo", key["id"])]
    assert there.secrets[key["id"]]["password"] == PASSWORD
    schedule = there.named("schedules")[COPIES]
    assert (schedule["cron_format"], schedule["active"], schedule["template_id"]) == ("0 3 * * *", True, template["id"])
    asking = there.named("templates")["respaldo: solicitud de restauración"]
    assert json.loads(asking["arguments"])[1] == "request_step=open" and asking["survey_vars"][0] == {
        "name": "request_person", "title": "Quién la pide", "required": True, "type": "", "description": asking["survey_vars"][0]["description"]}
    environment = there.named("environment")["respaldo: entorno"]
    assert json.loads(environment["json"]) == {} and json.loads(environment["env"]) == {"RESPALDO_BITACORA": "postgresql://respaldo@bd/bitacora"}
    assert not [secret for secret in SECRETS if secret in json.dumps([*there.things.values()])]
    written = len(there.writes)
    assert not put(there).any and len(there.writes) == written


def test_vaults_of_a_template_keep_their_numbers(there: server.Semaphore) -> None:
    """Semaphore's database holds a key and a name once for each template, and puts what has no number in before what it replaces goes."""
    put(there, vaults=[{"key": "boveda", "id": "respaldo"}, {"key": "boveda", "id": "dos"}])
    before = {each["name"]: each["id"] for each in there.named("templates")[COPIES]["vaults"]}
    put(there, vaults=[{"key": "boveda", "id": "tres"}, {"key": "boveda", "id": "respaldo"}], playbooks="otros")
    after = {each["name"]: each["id"] for each in there.named("templates")[COPIES]["vaults"]}
    assert set(after) == {"respaldo", "tres"} and after["respaldo"] == before["respaldo"] and there.mistakes == []
    assert not put(there, vaults=[{"key": "boveda", "id": "tres"}, {"key": "boveda", "id": "respaldo"}], playbooks="otros").any


def test_what_differs_is_put_back_and_what_staff_added_stays(there: server.Semaphore) -> None:
    put(there)
    there.newer = True
    there.named("schedules")[COPIES].update(active=False, cron_format="0 * * * *")
    there.named("templates")[TRANSFER].update(playbook="playbooks/otro.yml", suppress_success_alerts=True)
    there.named("environment")["respaldo: entorno"]["env"] = "{}"
    done = put(there)
    assert {kind for kind, _name in done.changed} == {"schedules", "templates", "environment"} and not done.made and not done.removed
    assert there.named("schedules")[COPIES]["active"] and there.named("schedules")[COPIES]["cron_format"] == "0 3 * * *"
    assert there.named("templates")[TRANSFER]["playbook"] == "playbooks/transfer.yml" and there.named("templates")[TRANSFER]["suppress_success_alerts"] is True


def test_what_is_no_longer_wanted_goes_and_nothing_of_others(there: server.Semaphore) -> None:
    put(there)
    ours = there.named("templates")
    foreign = there.add("schedules", name="prueba de otra oficina", cron_format="0 5 * * *", template_id=ours[TRANSFER]["id"], active=True)
    there.add("templates", name="de otra oficina", playbook="a.yml", app="ansible", repository_id=there.named("repositories")["respaldo: repositorio"]["id"],
              inventory_id=there.named("inventory")["respaldo: inventario"]["id"])
    done = put(there, {"copies": "0 3 * * *"}, surveys=["copy"])
    assert done.removed[0] == ("schedules", TRANSFER) and done.kept == [("templates", TRANSFER)] and len(done.removed) == 4
    assert foreign in [row["id"] for row in there.named("schedules").values()] and "de otra oficina" in there.named("templates")
    # the whole of ours: what others use stays, and is told
    declared = declaration(there)
    done = following.follow(Semaphore(declared), "Respaldo", [], False, False)
    assert ("repositories", "respaldo: repositorio") in done.kept and ("templates", COPIES) in done.removed
    assert ("environment", "respaldo: entorno") not in done.removed
    assert {"None", "respaldo: git"} <= set(there.named("keys")) and set(there.named("schedules")) == {"prueba de otra oficina"}


def test_what_two_runs_at_once_made_twice_is_there_once(there: server.Semaphore) -> None:
    put(there)
    first = there.named("schedules")[COPIES]
    there.add("schedules", name=COPIES, cron_format="0 3 * * *", template_id=first["template_id"], active=True)
    assert put(there).removed == [("schedules", COPIES)]
    assert [row["id"] for row in there.things[there.projects[0]["id"], "schedules"] if row["name"] == COPIES] == [first["id"]]


def test_a_secret_is_told_again_only_when_asked(there: server.Semaphore) -> None:
    put(there)
    keys = declaration(there)["keys"]
    keys[1]["password"] = "otra-contrasena-muy-larga"
    assert not put(there, keys=keys).any
    done = put(there, keys=keys, renew=True)
    assert [name for _kind, name in done.changed] == ["respaldo: git", "respaldo: boveda"]
    assert there.secrets[there.named("keys")["respaldo: boveda"]["id"]]["password"] == "otra-contrasena-muy-larga"
    assert "contrasena" not in json.dumps(done.diff)


@pytest.mark.parametrize("at", [1, 4, 9, 14])
def test_a_server_that_fails_half_way_is_mended_by_the_next_run(there: server.Semaphore, at: int) -> None:
    def fail(method: str, path: str) -> None:
        if len(there.writes) == at and method != "GET":
            raise server.Refused(500, "database is locked")

    # half of them after they were done: whether it was, nobody is told
    (there.before if at % 2 else there.after).append(fail)
    with pytest.raises(BackupError) as caught:
        put(there)
    assert caught.value.code == "RSP749" and "database is locked" in caught.value.spanish
    del there.before[:], there.after[:]
    put(there)
    assert not put(there).any and len(there.projects) == 1
    for kind in server.KINDS:
        rows = [row["name"] for row in there.things[there.projects[0]["id"], kind]]
        assert len(rows) == len(set(rows))


def test_a_server_that_does_not_keep_what_it_took_is_told(there: server.Semaphore) -> None:
    there.after.append(lambda method, path: [row.update(cron_format="0 0 * * *") for row in there.named("schedules").values()] and None)
    with pytest.raises(BackupError) as caught:
        put(there)
    assert caught.value.code == "RSP749" and "no lo tiene así: cron_format" in caught.value.spanish


@pytest.mark.parametrize("answer", ["<html>", "{}", '[{"id": 1}]', '[{"id": true, "name": "x"}]', '[{"id": -4, "name": "x"}]'])
def test_an_answer_of_another_form_is_refused(there: server.Semaphore, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    from plugins.plugin_utils import _http

    monkeypatch.setattr(_http.Client, "ask", lambda *_unused: _http.Heard(200, {}, answer.encode()))
    with pytest.raises(BackupError) as caught:
        put(there)
    assert caught.value.code == "RSP749"


@pytest.mark.parametrize("repeats", SECRETS)
def test_a_refusal_that_repeats_what_it_was_sent_tells_no_secret(there: server.Semaphore, repeats: str) -> None:
    def fail(method: str, path: str) -> None:
        if method == "POST":
            raise server.Refused(400, f"no se acepta {repeats}")

    there.before.append(fail)
    with pytest.raises(BackupError) as caught:
        put(there)
    assert "no se acepta …" in caught.value.in_both() and repeats not in caught.value.in_both()
