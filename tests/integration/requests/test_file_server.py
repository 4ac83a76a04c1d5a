# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numeral 7.1 from the loss to the closing, by the playbooks, on a file server with the folders of two offices and a real restic; and what ends otherwise."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import tickets
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._decisions import requests

ROOT = Path(__file__).resolve().parents[3]
SINCE = "2020-01-01"
LOGISTICS, PEOPLE, OTI = "Oficina de Logística", "Recursos Humanos", "OTI"
ACTORS = {
    "jefe_oti": [{"name": "Rosa Vega", "from": SINCE, "document": "Resolución 1"}], "soporte": [{"name": "Eva Ruiz", "from": SINCE}],
    "heads": [{"name": "Carmen Soto", "office": LOGISTICS, "from": SINCE}, {"name": "Luis Rojas", "office": PEOPLE, "from": SINCE}],
    "egcr": {"infrastructure": {"titular": [{"name": "Juan Paz", "from": SINCE}]}}}
WHO = {"endorse": "Carmen Soto", "estimate": "Juan Paz", "authorise": "Rosa Vega", "conform": "Carmen Soto", "object": "Carmen Soto", "close": "Eva Ruiz",
       "outside": "Juan Paz", "withdraw": "Pedro Rey"}


class House:
    """A file server of the OTI with the folders of two offices, and a copy of it."""

    def __init__(self, top: Path) -> None:
        self.top, self.shared = top, top / "compartido"
        self.mine, self.theirs = self.shared / "logística", self.shared / "rrhh"
        for folder in (self.mine / "contratos", self.theirs):
            folder.mkdir(parents=True)
        (self.mine / "contratos" / "año 2026.txt").write_text("contrato\n", "utf-8")
        (self.theirs / "planilla.csv").write_text("secreto\n", "utf-8")
        (top / "vault").write_text("clave de la bóveda\n", "utf-8")
        here = {
            "ansible_connection": "local", "ansible_python_interpreter": sys.executable, "common_install_tools": False, "backup_actors": ACTORS,
            "backup_custody_directory": str(top / "custodia"), "backup_restore_requires_request": "file_server",
            "backup_assigned_paths": [str(self.shared)],
            "backup_shared_folders": [{"name": name, "path": str(path), "office": office, "group": "root", "document": "Memorando 1"}
                                      for name, path, office in (("Logística", self.mine, LOGISTICS), ("RRHH", self.theirs, PEOPLE))],
            "backup_media": [{"name": "nas", "path": str(top / "nas"), "create": True}],
            "backup_systems": [{"name": "COMUN", "kind": "file_server", "criticality": "alta", "office": OTI,
                                "source": {"type": "restic", "paths": [str(self.shared)]}}]}
        (top / "inventory.yml").write_text(json.dumps({"all": {"hosts": {"localhost": here}}}), "utf-8")
        self.run("file_server", backup_emergency_reason="Prueba")

    def run(self, playbook, wanted=0, **given):
        done = subprocess.run(
            [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(self.top / "inventory.yml"), "--vault-password-file", str(self.top / "vault"),
             f"playbooks/{playbook}.yml", "-e", json.dumps(given)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600,
            check=False, env=dict(os.environ, RESPALDO_BITACORA=str(self.top / "b.sqlite"), ANSIBLE_LOCAL_TEMP=str(self.top / "ansible"), HOME=str(self.top)))
        assert done.returncode == wanted, done.stdout
        return done.stdout

    def open(self, **more):
        said = self.run("request", request_step="open", request_proof="mail", request_proof_reference="<a@example.org>",
                        **{"request_person": "Pedro Rey", "request_office": LOGISTICS, "request_what": "contratos", "request_system": "COMUN", **more})
        return said.partition("Solicitud ")[2].partition(":")[0]

    def step(self, ticket, *names, wanted=0, **more):
        said = ""
        for name in names:
            said = self.run("request", wanted, request_step=name, request_ticket=ticket, **{"request_person": WHO[name], **more})
        return said

    def restore(self, ticket, path, wanted=0, **more):
        return self.run("restore", wanted, restore_host="localhost", restore_kind="file_server", restore_system="COMUN", restore_ticket=ticket,
                        restore_paths=[str(path)], **more)

    def request(self, ticket):
        with open_store(str(self.top / "b.sqlite"), readonly=True) as store:
            told = requests.told(tickets.history(store, requests.EVENTS, requests.EXECUTED_BY))
            assert told.odd == []
            return told.requests[ticket]

    def entries(self, *types):
        with open_store(str(self.top / "b.sqlite"), readonly=True) as store:
            return store.entries(type=types)


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    return House(tmp_path_factory.mktemp("entidad"))


def test_from_the_loss_to_the_closing_with_an_objection(house):
    lost = house.mine / "contratos" / "año 2026.txt"
    lost.unlink()
    ticket = house.open()
    assert "RSP754" in house.restore(ticket, lost, wanted=2) and "RSP751" in house.step(ticket, "endorse", wanted=2, request_person="Luis Rojas")
    house.step(ticket, "endorse", "estimate", "authorise")
    # another office's folder, and all of the server, are not this office's to have
    for path in (house.theirs / "planilla.csv", house.shared, house.mine / ".." / "rrhh"):
        assert "RSP762" in house.restore(ticket, path, wanted=2)
    assert not house.entries("restore_started") and not list(house.top.glob("**/*restaurado*"))
    house.restore(ticket, lost)
    back = [path for path in house.top.glob("**/año 2026.txt") if "restic" not in str(path)]
    assert [path.read_text("utf-8") for path in back] == ["contrato\n"] and not list(house.top.glob("nas/../**/*restaurado*/**/planilla.csv"))
    assert "RSP750" in house.step(ticket, "close", wanted=2)      # no conformity is tacit
    house.step(ticket, "object", request_reason="Falta en su carpeta")
    house.restore(ticket, lost, restore_target=str(house.mine), restore_reason="En su carpeta, como pidió")
    house.step(ticket, "conform", "close")
    request = house.request(ticket)
    assert [each.after for each in request.steps] == ["awaiting_endorsement", "endorsed", "estimated", "authorised", "executing", "restored", "objected",
                                                       "executing", "restored", "conformed", "closed"]
    assert len(request.done) == 2 and request.promised_for
    assert {entry["ticket"] for entry in house.entries("restored")} == {ticket} and list(house.mine.rglob("año 2026.txt"))


def test_nothing_suitable_before_that_date_then_outside_6_2(house):
    ticket = house.open(request_lost_at="2020-01-02")
    assert "No hay ninguna copia anterior a la pérdida" in str(house.entries("request_opened")[-1]["warnings_es"])
    house.step(ticket, "endorse")
    # no copy tells how much it is: the EGCR says so
    assert "RSP101" in house.step(ticket, "estimate", wanted=2)
    house.step(ticket, "estimate", request_volume=1000)
    house.step(ticket, "authorise")
    before = len(house.entries("restore_started"))
    assert "RSP" in house.restore(ticket, house.mine / "contratos", wanted=2) and len(house.entries("restore_started")) == before
    house.step(ticket, "outside", request_reason="No estaba en una ruta asignada (6.2)")
    assert "RSP754" in house.restore(ticket, house.mine / "contratos", wanted=2)
    house.step(ticket, "close")
    assert [each.after for each in house.request(ticket).steps][-2:] == ["outside", "closed"]


def test_who_asked_takes_it_back(house):
    ticket = house.open()
    assert "RSP751" in house.step(ticket, "withdraw", wanted=2, request_person="Otra Persona", request_reason="x")
    house.step(ticket, "withdraw", request_reason="Lo encontró")
    assert "RSP750" in house.step(ticket, "authorise", wanted=2)
    house.step(ticket, "close")
    assert [each.after for each in house.request(ticket).steps] == ["awaiting_endorsement", "withdrawn", "closed"]
