# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a help desk is still to hear of requests, in which words, and what an inventory may say of one (_decisions/desks.py, policy/desks.py)."""

from __future__ import annotations

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.policy import desks as forms
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import desk_claims
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._decisions import desks, requests

SECRET = "ficha-secreta"
GLPI = {"name": "mesa", "type": "glpi", "url": "https://mesa.example.org/apirest.php", "user_token": SECRET}


def told(*entries):
    return [{"n": n, "at_event": f"2026-11-{n:02d}T10:00:00Z", "ticket": "2026-0001", **entry} for n, entry in enumerate(entries, 1)]


OPENED = {"type": "request_opened", "request": "restore", "office": "Logística", "requester": "Pedro Rey", "person": "Pedro Rey", "post": "requester",
          "system": "LOGISTICA", "reason_text": "Se borró la planilla de María"}
ENDORSED = {"type": "request_endorsed", "person": "Carmen Soto", "post": "heads"}


def known(*entries):
    return requests.told(told(*entries)).requests


def test_an_open_request_waits_for_a_number_and_then_for_its_steps():
    request = known(OPENED, ENDORSED)["2026-0001"]
    nothing = desks.standing([])
    assert [(work.number, [step.n for step in work.steps]) for work in desks.pending([request], nothing)] == [("", [2])]
    assert desks.pending([request], nothing, "2026-0002") == [] and len(desks.pending([request], nothing, "2026-0001")) == 1
    bound = {"type": "desk_bound", "desk_number": "41"}
    assert [work.number for work in desks.pending([request], desks.standing(told(bound)))] == ["41"]
    assert desks.pending([request], desks.standing(told(bound, {"type": "desk_told", "links": 2}))) == []


def test_what_was_closed_before_there_was_a_help_desk_is_none_of_its_business_but_what_it_did_not_take_is():
    request = known({**OPENED, "post": "heads"}, {"type": "request_withdrawn", "person": "Pedro Rey", "post": "requester"},
                    {"type": "request_closed", "person": "Eva", "post": "soporte"})["2026-0001"]
    assert not request.is_open and desks.pending([request], desks.standing([])) == []
    tried = desks.standing(told({"type": "desk_failed", "error_code": "RSP759"}))
    assert len(desks.pending([request], tried)) == 1 and tried.failed == {"2026-0001": "RSP759"}
    simulated = desks.standing(told({"type": "desk_bound", "desk_number": "41", "simulated": True}))
    assert simulated.numbers == {} and desks.standing(told({"type": "desk_failed", "error_code": "RSP759"}, {"type": "desk_told", "links": 1})).failed == {}


def test_what_it_hears_of_people_is_what_the_inventory_says():
    request = known(OPENED, ENDORSED)["2026-0001"]
    plain = desks.title(request) + desks.opening(request, forms.DEFAULT_TELLS) + desks.words(request, request.steps[1], forms.DEFAULT_TELLS)
    assert "Logística" in plain and "LOGISTICA" in plain and "con visto bueno" in plain
    assert not [name for name in ("Pedro", "Carmen", "María", "planilla") if name in plain]
    whole = desks.opening(request, forms.TELLS) + desks.words(request, request.steps[1], forms.TELLS)
    assert all(name in whole for name in ("Pedro Rey", "Carmen Soto", "planilla de María"))
    bare = desks.opening(request, []) + desks.words(request, request.steps[1], [])
    assert "Logística" not in bare and "LOGISTICA" not in bare
    long = requests.told(told({**OPENED, "reason_text": "x" * 4000, "office": "y" * 900})).requests["2026-0001"]
    assert len(desks.opening(long, forms.TELLS)) <= 1500 and desks.mark(long) in desks.opening(long, forms.TELLS)


def test_a_mark_is_of_one_request_and_one_step():
    request = known(OPENED, ENDORSED)["2026-0001"]
    others = [known({**OPENED, "office": "Otra"})["2026-0001"], requests.told([{**told(OPENED)[0], "n": 7}]).requests["2026-0001"]]
    assert desks.mark(request) == desks.mark(known(OPENED)["2026-0001"]) and desks.mark(request) not in map(desks.mark, others)
    step = request.steps[1]
    assert desks.is_told(["<p>x " + desks.mark_of(request, step) + "</p>"], request, step)
    assert not desks.is_told([desks.mark_of(request, step) + "7", desks.mark(request)], request, step)


def test_a_number_belongs_to_one_request():
    request = known(OPENED)["2026-0001"]
    standing = desks.standing([{**told({"type": "desk_bound", "desk_number": "INC 41"})[0], "ticket": "2026-0009"}])
    with pytest.raises(BackupError) as refused:
        desks.refuse_number(standing, request, "inc 41")
    assert refused.value.code == "RSP761" and "es de la solicitud 2026-0009" in refused.value.spanish
    desks.refuse_number(standing, request, "INC 42")
    assert desks.ticket_of_number(standing, " inc  41 ") == "2026-0009" and desks.ticket_of_number(standing, "42") == ""


def test_one_run_at_a_time_speaks_with_a_help_desk(tmp_path):
    with open_store(str(tmp_path / "b.sqlite")) as store:
        assert desk_claims.claim(store, "R1", "c", "mesa") == "" == desk_claims.claim(store, "R1", "c", "mesa")
        assert desk_claims.claim(store, "R2", "d", "mesa") == "R1" and desk_claims.claim(store, "R2", "d", "otra") == ""
        store.append("run_interrupted", {"run": "R1"}, "2026-11-28T10:00:00Z", "test")
        assert desk_claims.claim(store, "R2", "d", "mesa") == "" and desk_claims.claim(store, "R3", "d", "mesa") == "R2"


def test_a_claim_of_a_run_that_nobody_closed_ends(tmp_path):
    with open_store(str(tmp_path / "b.sqlite")) as store:
        store.append("desk_asked", {"desk": "mesa", "run": "R1"}, "2026-11-20T10:00:00Z", "test")
        assert desk_claims.claim(store, "R2", "d", "mesa") == ""


@pytest.mark.parametrize(("change", "words"), [
    ({"type": "otrs"}, ["backup_desk.type", "glpi"]), ({"url": "http://mesa.example.org"}, ["backup_desk.url", "Use https"]),
    ({"url": "https://u:clave@mesa.example.org"}, ["backup_desk.url"]), ({"user_token": ""}, ["backup_desk.user_token", "(hidden)"]),
    ({"user_token": SECRET + "\r\nX: y"}, ["backup_desk.user_token"]), ({"tells": ["todo"]}, ["backup_desk.tells[0]"]),
    ({"entity": "x"}, ["backup_desk.entity"]),
    ({"user_tokn": SECRET}, ["Did you mean user_token?"]), ({"type": "manual"}, ["backup_desk.user_token", "given by hand", "(hidden)"]),
    ({"name": "m/e"}, ["backup_desk.name"]),
])
def test_a_mistake_is_told_with_its_key_and_without_the_token(change, words):
    with pytest.raises(BackupError) as caught:
        forms.check({**GLPI, **change})
    shown = str(caught.value) + caught.value.hint
    assert caught.value.code == "RSP101" and all(word in shown for word in words), shown
    assert SECRET not in shown and "clave" not in shown


def test_what_is_right_passes_and_what_lacks_is_told():
    forms.check(GLPI)
    forms.check({**GLPI, "app_token": "x", "entity": 0, "category": 3, "tells": [], "url": "http://127.0.0.1:80/apirest.php"})
    forms.check({"name": "mesa", "type": "manual"})
    for wrong in ("mesa", [], {"name": "mesa", "type": "glpi"}):
        with pytest.raises(BackupError):
            forms.check(wrong)
