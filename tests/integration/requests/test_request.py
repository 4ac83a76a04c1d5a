# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real runs of request.yml (backup_request): a request from its opening to its closing, what is refused, and a restore under its ticket."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import tickets
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._decisions import requests

ROOT = Path(__file__).resolve().parents[3]
SINCE = "2020-01-01"
ACTORS = {
    "jefe_oti": [{"name": "Rosa Vega", "from": SINCE, "document": "Resolución 1"}], "soporte": [{"name": "Eva Ruiz", "from": SINCE}],
    "heads": [{"name": "Carmen Soto Vega", "office": "Oficina de Logística", "from": SINCE}, {"name": "Otro Jefe", "office": "Otra", "from": SINCE}],
    "egcr": {"database": {"titular": [{"name": "Ana Quispe", "from": SINCE}]}}}


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """An institution with one system that was copied, and what runs our playbooks there."""
    top = tmp_path_factory.mktemp("house")
    with sqlite3.connect(top / "siga.sqlite") as database:
        database.execute("CREATE TABLE t (a)")
    here = {
        "ansible_connection": "local", "ansible_python_interpreter": sys.executable, "common_install_tools": False, "backup_actors": ACTORS,
        "backup_media": [{"name": "local", "path": str(top / "copias"), "create": True}],
        "backup_systems": [{"name": "SIGA", "kind": "database", "criticality": "baja", "office": "Oficina de Logística",
                            "source": {"type": "sqlite", "path": str(top / "siga.sqlite")}}]}
    (top / "hosts.yml").write_text(json.dumps({"all": {"hosts": {"localhost": here}}}), "utf-8")

    def run(playbook, *options, **given):
        settings = dict(os.environ, RESPALDO_BITACORA=str(top / "bitacora.sqlite"), ANSIBLE_LOCAL_TEMP=str(top / "ansible"), HOME=str(top))
        return subprocess.run([os.path.join(os.path.dirname(sys.executable), "ansible-playbook"), "-i", str(top / "hosts.yml"), f"playbooks/{playbook}.yml",
                               "-e", json.dumps(given), *options], cwd=ROOT, env=settings, capture_output=True, text=True, timeout=300, check=False)

    copied = run("database")
    assert copied.returncode == 0, copied.stdout + copied.stderr
    return top, run


def test_a_request_from_its_opening_to_its_closing(house, tmp_path):
    top, run = house

    def step(name, person, *options, wanted=0, **more):
        done = run("request", *options, request_step=name, request_person=person, **more)
        assert done.returncode == wanted, done.stdout + done.stderr
        return done.stdout

    ask = {"request_office": "Oficina de Logística", "request_system": "SIGA", "request_what": "La tabla de pedidos", "request_paths": ["a b", "c"],
           "request_changed_at": ""}
    # what was pasted may hold what nobody sees: then nothing is opened, and no number taken
    pasted = step("open", "Pedro Rey", wanted=2, **{**ask, "request_office": "Oficina de\u200b Logística"})
    assert "RSP101" in pasted and "request_office" in pasted and "no se ven" in pasted
    # words that Ansible loses are not recorded by half
    cut = step("open", "Pedro Rey", "-e", "request_proof_reference=Memorando doce", wanted=2, **ask)
    assert "RSP101" in cut and "request_proof_reference" in cut and "termina en su primer espacio" in cut and "doce" not in cut
    looked = step("open", "Pedro Rey", "--check", **ask)
    with open_store(str(top / "bitacora.sqlite"), readonly=True) as store:
        assert store.entries(type=tickets.RESERVED) == [] and [bool(each.get("simulated")) for each in store.entries(type="request_opened")] == [True]
    told = step("open", "Pedro Rey", request_proof="mail", request_proof_reference="<uno@example.org>", **ask)
    ticket = told.partition("Solicitud ")[2].partition(":")[0]
    assert ticket.endswith("-0001") and ticket in looked and "en espera del visto bueno de la jefatura" in told
    about = {"request_ticket": ticket}
    assert "RSP750" in (said := step("authorise", "Rosa Vega", wanted=2, **about)) and "endorse" in said
    step("endorse", "carmen  soto vega", **about)
    assert "plazo" in step("estimate", "Ana Quispe", **about)

    restore = {"restore_host": "localhost", "restore_kind": "database", "restore_system": "SIGA", "restore_target": str(top / "vuelta.sqlite"),
               "restore_ticket": ticket, "backup_restore_requires_request": "all"}
    refused = run("restore", **restore)
    assert refused.returncode == 2 and "RSP754" in refused.stdout and not (top / "vuelta.sqlite").exists(), refused.stdout + refused.stderr
    step("authorise", "Rosa Vega", **about)
    restored = run("restore", **restore)
    assert restored.returncode == 0 and (top / "vuelta.sqlite").exists(), restored.stdout + restored.stderr
    step("conform", "Carmen Soto Vega", request_proof="document", request_proof_reference="Memorando 12", **about)
    step("close", "Eva Ruiz", **about)

    # an emergency goes first and is regularised
    emergency = run("restore", **{**restore, "restore_ticket": "", "restore_target": str(top / "otra.sqlite"), "restore_emergency": "Cierre del mes"})
    assert emergency.returncode == 0, emergency.stdout + emergency.stderr
    with open_store(str(top / "bitacora.sqlite"), readonly=True) as store:
        n = store.entries(type="restored")[-1]["n"]
    second = step("open", "Carmen Soto Vega", **ask).partition("Solicitud ")[2].partition(":")[0]
    assert second.endswith("-0002")
    step("execute", "Ana Quispe", request_ticket=second, request_entry=n)
    with open_store(str(top / "bitacora.sqlite"), readonly=True) as store:
        found = requests.told(tickets.history(store, requests.EVENTS, requests.EXECUTED_BY))
        assert found.odd == [] and [request.state for request in found.requests.values()] == ["closed", "endorsed"]
        request = found.requests[ticket]
        assert [each.after for each in request.steps] == ["awaiting_endorsement", "endorsed", "estimated", "authorised", "executing", "restored", "conformed",
                                                           "closed"]
        assert (request.steps[0].proof, request.steps[0].reference, request.wanted) == ("mail", "<uno@example.org>", ("a b", "c"))
        assert found.requests[second].done == [n]
        rows = store.rows(type=("request_opened", "request_conformed"))
        assert [row["resultado"] for row in rows] == ["Simulación: Solicitud abierta", "Solicitud abierta", "Conformidad", "Solicitud abierta"]
        assert "Memorando 12" in rows[2]["observaciones"] and rows[1]["ticket"] == ticket


def opened(run, person="Carmen Soto Vega", office="Oficina de Logística", **more):
    done = run("request", request_step="open", request_person=person, request_office=office, request_what="La tabla de pedidos", **more)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.partition("Solicitud ")[2].partition(":")[0]


def allowed(run, ticket):
    for step, person in (("estimate", "Ana Quispe"), ("authorise", "Rosa Vega")):
        done = run("request", request_step=step, request_person=person, request_ticket=ticket, **({"request_volume": 10} if step == "estimate" else {}))
        assert done.returncode == 0, done.stdout + done.stderr


def told_of(top, *types):
    with open_store(str(top / "bitacora.sqlite"), readonly=True) as store:
        return store.entries(type=types)


def test_a_ticket_is_a_request_of_the_office_or_nothing_is_touched(house):
    """Also where the inventory asks for no request: nothing is accepted without being looked up."""
    top, run = house
    restore = {"restore_host": "localhost", "restore_kind": "database", "restore_system": "SIGA", "restore_target": str(top / "nadie.sqlite")}
    other = opened(run, "Otro Jefe", "Otra")
    done = run("request", request_step="estimate", request_person="Rosa Vega", request_ticket=other, request_volume=10)
    assert done.returncode == 0, done.stdout
    assert run("request", request_step="authorise", request_person="Rosa Vega", request_ticket=other).returncode == 0
    before = len(told_of(top, "restore_started", "copy_started"))
    for more, code in (({"restore_ticket": "T-1"}, "RSP763"), ({"restore_ticket": "T-1", "restore_emergency": "Ya"}, "RSP763"),
                       ({"restore_ticket": other}, "RSP762"),
                       ({"restore_ticket": other, "restore_emergency": "Ya"}, "RSP762"),
                       ({"restore_ticket": other, "backup_restore_requires_request": "all"}, "RSP762")):
        refused = run("restore", **restore, **more)
        assert refused.returncode == 2 and code in refused.stdout, refused.stdout
    for request, code in (({"ticket": "T-1", "requester": "Carmen Soto Vega"}, "RSP763"), ({"ticket": other, "requester": "Otro Jefe"}, "RSP763")):
        refused = run("database", backup_request=request)
        assert refused.returncode == 2 and code in refused.stdout, refused.stdout
    assert len(told_of(top, "restore_started", "copy_started")) == before and not (top / "nadie.sqlite").exists()


def test_a_copy_under_a_request_moves_it(house):
    top, run = house
    ticket = opened(run, request_of="emergency", request_system="SIGA")
    asked = {"backup_request": {"ticket": ticket, "requester": "Carmen Soto Vega"}}
    refused = run("database", **asked)
    assert refused.returncode == 2 and "RSP763" in refused.stdout and "por estimar" in refused.stdout, refused.stdout
    allowed(run, ticket)
    done = run("database", **asked)
    assert done.returncode == 0, done.stdout
    with open_store(str(top / "bitacora.sqlite"), readonly=True) as store:
        request = requests.told(tickets.history(store, requests.EVENTS, requests.EXECUTED_BY)).requests[ticket]
    assert request.state == requests.RESTORED and len(request.done) == 1


def test_the_help_desk_s_number_leads_to_the_request(house):
    top, run = house
    ticket = opened(run, request_system="SIGA")
    allowed(run, ticket)
    desk = {"backup_desk": {"name": "mesa", "type": "manual"}}
    bound = run("desk", desk_ticket=ticket, desk_number="INC 77", desk_person="Eva Ruiz", **desk)
    assert bound.returncode == 0, bound.stdout
    done = run("restore", restore_host="localhost", restore_kind="database", restore_system="SIGA", restore_target=str(top / "inc.sqlite"),
               restore_ticket="inc  77", backup_restore_requires_request="all")
    assert done.returncode == 0, done.stdout
    assert told_of(top, "restored")[-1]["ticket"] == ticket


def test_a_drill_is_no_request_s(house):
    top, run = house
    ticket = opened(run, request_system="SIGA")
    allowed(run, ticket)
    before = len(told_of(top, *requests.EVENTS))
    for playbook in ("drill", "verify"):
        done = run(playbook, backup_restore_requires_request="all")
        assert done.returncode == 0, done.stdout + done.stderr
    proven = told_of(top, "drill_started", "copy_verified")
    assert proven and not [entry for entry in proven if entry.get("ticket")] and len(told_of(top, *requests.EVENTS)) == before
