# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real runs of request.yml and desk.yml: the help desk hears of each step (a fake of GLPI), is given numbers by hand, and stops nothing when it is silent."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store
from fakes.desks import glpi

from .conftest import declaration

ROOT = Path(__file__).resolve().parents[3]
SINCE = "2020-01-01"
ACTORS = {"jefe_oti": [{"name": "Rosa Vega", "from": SINCE, "document": "Resolución 1"}], "soporte": [{"name": "Eva Ruiz", "from": SINCE}],
          "heads": [{"name": "Carmen Soto", "office": "Oficina de Logística", "from": SINCE}]}
ASK = {"request_step": "open", "request_person": "Carmen Soto", "request_office": "Oficina de Logística", "request_what": "La planilla de María"}


class House:
    """An institution without systems, and the runs made in it."""

    def __init__(self, top: Path, desk) -> None:
        self.top = top
        self.bitacora = top / "bitacora.sqlite"
        here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "backup_actors": ACTORS, "backup_desk": desk}
        (top / "hosts.yml").write_text(json.dumps({"all": {"hosts": {"localhost": here}}}), "utf-8")

    def command(self, playbook, *options, **given):
        settings = dict(os.environ, RESPALDO_BITACORA=str(self.bitacora), ANSIBLE_LOCAL_TEMP=str(self.top / "ansible"), HOME=str(self.top))
        words = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(self.top / "hosts.yml"), f"playbooks/{playbook}.yml",
                 "-e", json.dumps(given), *options]
        return {"args": words, "cwd": ROOT, "env": settings, "text": True, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}

    def run(self, playbook, *options, wanted=0, **given):
        done = subprocess.run(**self.command(playbook, *options, **given), timeout=300, check=False)
        assert done.returncode == wanted, done.stdout
        assert glpi.USER_TOKEN not in done.stdout and glpi.APP_TOKEN not in done.stdout
        return done.stdout

    def entries(self, *types):
        with open_store(str(self.bitacora), readonly=True) as store:
            return store.entries(type=types)


def ticket_of(said):
    return said.partition("Solicitud ")[2].partition(":")[0]


def test_the_desk_hears_each_step_of_a_request(tmp_path, there):
    house = House(tmp_path, declaration(there))
    assert "mesa n.º 41" not in house.run("request", "--check", **ASK) and there.requests == []
    said = house.run("request", **ASK)
    ticket = ticket_of(said)
    assert "mesa n.º 41" in said and there.tickets[41]["status"] == 1 and "María" not in str(there.tickets) and "Carmen" not in str(there.tickets)
    about = {"request_ticket": ticket, "request_person": "Rosa Vega"}
    house.run("request", request_step="reject", request_reason="No es de esta entidad", **about)
    house.run("request", request_step="close", **about)
    assert there.tickets[41]["status"] == glpi.CLOSED and len(there.followups) == len(there.solutions) == 1
    bound, = house.entries("desk_bound")
    assert (bound["desk"], bound["desk_number"], bound["ticket"]) == ("mesa", "41", ticket)
    assert [entry["links"] for entry in house.entries("desk_told")] == [entry["n"] for entry in house.entries("request_rejected", "request_closed")]
    assert "ok" in house.run("desk") and len(house.entries("desk_asked")) == 3
    assert glpi.USER_TOKEN.encode() not in house.bitacora.read_bytes() and glpi.APP_TOKEN.encode() not in house.bitacora.read_bytes()


def test_a_silent_desk_stops_no_step_and_is_caught_up(tmp_path, there):
    def silent(_method, _path):
        raise glpi.Dropped

    there.before.append(silent)
    house = House(tmp_path, declaration(there))
    said = house.run("request", **ASK)
    assert "en espera" in said or "con visto bueno" in said
    assert "RSP759" in said and ticket_of(said).endswith("-0001") and [entry["error_code"] for entry in house.entries("desk_failed")] == ["RSP759"]
    assert "RSP759" in house.run("desk", wanted=2) and len(house.entries("desk_failed")) == 1
    there.before.clear()
    assert "mesa n.º 41" in house.run("desk") and len(there.tickets) == 1


@pytest.mark.cold     # found by what /proc tells of its variables
def test_a_run_that_is_killed_while_the_desk_makes_the_ticket_leaves_one(tmp_path, there):
    reached, go_on = threading.Event(), threading.Event()

    def wait(method, path):
        if (method, path) == ("POST", "/Ticket"):
            reached.set()
            go_on.wait(60)

    there.after.append(wait)
    house = House(tmp_path, declaration(there))
    running = subprocess.Popen(**house.command("request", **ASK), start_new_session=True)
    assert reached.wait(120) and len(there.tickets) == 1
    os.killpg(running.pid, 9)
    running.wait()
    time.sleep(0.1)
    for each in Path("/proc").glob("[0-9]*/environ"):      # its worker has a session of its own
        try:
            mine = str(house.bitacora).encode() in each.read_bytes()
        except OSError:
            continue
        if mine:
            os.kill(int(each.parent.name), 9)
    go_on.set()
    there.after.clear()
    assert house.entries("desk_bound") == [] and len(house.entries("request_opened")) == 1
    said = house.run("desk")
    assert "mesa n.º 41" in said and list(there.tickets) == [41]
    assert "de una ejecución que no llegó a decirlo" in house.entries("desk_bound")[0]["note_es"]


def test_two_runs_at_once_make_one_ticket(tmp_path, there):
    house = House(tmp_path, declaration(there))
    there.before.append(lambda *_asked: (_ for _ in ()).throw(glpi.Dropped))
    house.run("request", **ASK)
    there.before.clear()
    reached, go_on = threading.Event(), threading.Event()

    def wait(method, path):
        if path == "/search/Ticket":
            reached.set()
            go_on.wait(60)

    there.after.append(wait)
    first = subprocess.Popen(**house.command("desk"))
    assert reached.wait(120)
    assert "habla ahora con mesa" in house.run("desk")
    go_on.set()
    said = first.communicate(timeout=120)[0]
    assert first.returncode == 0 and "mesa n.º 41" in said and len(there.tickets) == 1, said


MANUAL = {"name": "mesa", "type": "manual"}


def test_a_number_by_hand_is_bound_by_an_entry(tmp_path):
    house = House(tmp_path, MANUAL)
    first, second = (ticket_of(house.run("request", **ASK)) for _each in range(2))
    by_hand = {"desk_ticket": first, "desk_number": "INC 4711", "desk_person": "eva  ruiz"}
    assert "RSP752" in house.run("desk", wanted=2, **{**by_hand, "desk_ticket": "2020-0009"})
    assert "RSP751" in house.run("desk", wanted=2, **{**by_hand, "desk_person": "Carmen Soto"})
    assert "RSP101" in house.run("desk", wanted=2, desk_number="INC 4711", desk_person="Eva Ruiz")
    assert "RSP101" in house.run("desk", wanted=2, desk_number="INC 4711", desk_ticket=first)
    assert "RSP101" in house.run("desk", wanted=2, **by_hand, backup_desk={})
    assert house.entries("desk_bound") == []
    house.run("desk", "--check", **by_hand)
    assert "es la INC 4711 de mesa" in house.run("desk", **by_hand)
    house.run("desk", **by_hand)     # again: nothing changes
    assert "RSP761" in (said := house.run("desk", wanted=2, **{**by_hand, "desk_ticket": second})) and first in said
    house.run("desk", **{**by_hand, "desk_number": "INC 4712", "desk_reason": "Se escribió mal"})
    told = [entry for entry in house.entries("desk_bound") if not entry.get("simulated")]
    assert [(entry["desk_number"], entry["person"], entry["post"]) for entry in told] == [
        ("INC 4711", "Eva Ruiz", "soporte"), ("INC 4712", "Eva Ruiz", "soporte")]
    assert "antes: INC 4711; Se escribió mal" in told[1]["note_es"]


def test_a_number_by_hand_is_looked_up_where_the_desk_can_be_asked(tmp_path, there):
    house = House(tmp_path, declaration(there))
    house.run("request", **ASK)
    ticket = house.entries("request_opened")[0]["ticket"]
    there.tickets[7] = {"id": 7, "name": "Por teléfono", "status": 1}
    by_hand = {"desk_ticket": ticket, "desk_person": "Rosa Vega"}
    assert "RSP761" in house.run("desk", wanted=2, desk_number="8", **by_hand)
    house.run("desk", desk_number="7", **by_hand)
    house.run("request", request_step="reject", request_ticket=ticket, request_person="Rosa Vega", request_reason="x")
    assert [each["items_id"] for each in there.followups] == [7] and not there.sessions


@pytest.mark.parametrize("wrong", [{"name": "mesa", "type": "otrs"}, {"name": "mesa", "type": "glpi"}, {**MANUAL, "user_token": glpi.USER_TOKEN}])
def test_a_declaration_with_a_mistake_is_refused(tmp_path, wrong):
    """Before anything is recorded, also where only a step is taken."""
    house = House(tmp_path, wrong)
    assert "RSP101" in house.run("desk", wanted=2) and "RSP101" in house.run("request", wanted=2, **ASK)
    assert house.entries("request_opened", "ticket_reserved") == []
