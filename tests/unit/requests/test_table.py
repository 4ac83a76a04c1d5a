# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests of a real bitácora on the board and as a table (_reports/requests.py): the queue, its age, and how long each thing took."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
import yaml
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import tickets
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._decisions import due
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._decisions import requests as machine
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._reports import board, compliance, facts, requests

RULES = yaml.safe_load((Path(__file__).resolve().parents[3] / "policies/manual-001-2019.yml").read_text("utf-8"))
NOW = datetime.datetime(2026, 11, 24, 15, 0, tzinfo=datetime.timezone.utc)
LIMA = due.zone("America/Lima")
POSTS = {"endorse": "heads", "estimate": "egcr.infrastructure.titular", "authorise": "jefe_oti", "conform": "heads", "close": "soporte"}


@pytest.fixture
def store(tmp_path):
    with open_store(str(tmp_path / "b.sqlite")) as opened:
        yield opened


def tell(store, at, type_, ticket="2026-0001", **more):
    body = {"event": type_, "ticket": ticket, "person": "Ana", "host": "c", "run": "R1", **more}
    return store.append(type_, body, f"2026-11-{at}:00Z", "test").n


def opened(store, at, ticket, **more):
    return tell(store, at, "request_opened", ticket, **{"request": "restore", "office": "Logística", "requester": "Ana", "post": "requester", **more})


def steps(store, ticket, **times):
    for name, at in times.items():
        tell(store, at, machine.STEPS[name].event, ticket, post=POSTS[name], **({"promised_for": "2026-11-21T10:00:00Z"} if name == "estimate" else {}))


@pytest.fixture
def told(store):
    """One that was closed, one whose promise is over, one that waits for its head, and what can't be."""
    opened(store, "20T10:00", "2026-0001")
    steps(store, "2026-0001", endorse="20T11:00", estimate="20T12:00", authorise="20T13:00")
    tell(store, "20T13:10", "restore_started", label="X_20261119")
    tell(store, "20T14:30", "restored", label="X_20261119")
    steps(store, "2026-0001", conform="22T14:30", close="22T15:00")
    opened(store, "20T09:00", "2026-0002", post="heads", office="<b>Otra</b>")
    steps(store, "2026-0002", estimate="20T12:00", authorise="20T13:00")
    opened(store, "24T14:53", "2026-0003")
    return tell(store, "24T14:55", "request_conformed", "2026-0003", post="heads")


def test_a_row_tells_how_long_each_thing_took(store, told):
    found = requests.read(store, NOW)
    assert [row["ticket"] for row in found] == ["2026-0002", "2026-0003", "2026-0001"]
    closed = found[2]
    assert {name: closed[name] for name in ("age", "to_answer", "to_restore", "to_conform", "kept", "late")} == {
        "age": 53 * 3600, "to_answer": 7200, "to_restore": 5400, "to_conform": 172800, "kept": True, "late": False}
    assert (found[0]["late"], found[0]["kept"], found[0]["to_restore"]) == (True, None, None)
    assert requests.cells(found[0], LIMA)[4:] == ["autorizada, por atender", "4 d 6 h", "3 h 0 min", "-", "-", "21/11/2026 05:00 (vencido)", "-"]
    assert requests.cells(found[1], LIMA)[4:] == ["en espera del visto bueno de la jefatura", "7 min", "-", "-", "-", "-", "-"]
    assert [row["ticket"] for row in requests.read(store, NOW, "2026-11-23T00:00:00Z")] == ["2026-0002", "2026-0003"]
    assert [odd.n for odd in store.passed_over.entries] == [told] and "la solicitud 2026-0003 está en espera" in store.passed_over.line()


def letter(store, at, type_, ticket, letter="acknowledgement", **more):
    tell(store, at, type_, ticket, letter=letter, links=1, post="heads", **more)


def test_letters_that_wait_and_the_help_desk_s_number_stand_beside(store, told):
    """What failed since its first failure; not what went in the end, what a run has just begun, what nobody tries any more, or a simulation."""
    for place, number in enumerate(("INC 4", "INC <5>")):      # the last that was bound
        tell(store, f"20T10:0{place}", "desk_bound", "2026-0002", desk="mesa", desk_number=number)
    for at in ("24T12:00", "24T14:58"):
        letter(store, at, "letter_started", "2026-0002")
        letter(store, at, "letter_failed", "2026-0002", error_code="RSP764", error_message_es="No se pudo")
    letter(store, "24T14:59", "letter_failed", "2026-0002", "forwarding", error_code="RSP767")
    letter(store, "24T11:00", "letter_failed", "2026-0003", error_code="RSP764")
    letter(store, "24T14:50", "request_told", "2026-0003")
    letter(store, "24T14:59", "letter_started", "2026-0003", "endorsement")
    letter(store, "24T14:59", "letter_failed", "2026-0003", "forwarding", simulated=True)
    letter(store, "20T14:59", "letter_failed", "2026-0001")
    second, third, first = (dict(zip(requests.HEADINGS, requests.cells(row, LIMA))) for row in requests.read(store, NOW))
    assert (second["Mesa de ayuda"], second["Correos sin enviar"]) == ("INC <5>", "2 desde el 24/11/2026 07:00 (RSP764)")
    assert {each[name] for each in (third, first) for name in ("Mesa de ayuda", "Correos sin enviar")} == {"-"}
    # a run that ended without a word of whether it went
    later = requests.read(store, NOW + datetime.timedelta(hours=2))
    assert requests.cells(later[1], LIMA)[-1] == "1 desde el 24/11/2026 09:59 (no consta si se envió)"
    day = datetime.date(2026, 11, 24)
    page = board.render(facts.read(store, RULES, [], day, day, NOW))
    assert "Correos sin enviar" in page and "2 desde el 24/11/2026 07:00 (RSP764)" in page and "INC &lt;5&gt;" in page


def test_they_stand_on_the_board_as_text(store, told):
    day = datetime.date(2026, 11, 24)
    found = facts.read(store, RULES, [], day - datetime.timedelta(days=9), day, NOW)
    page = board.render(found)
    assert 'id="solicitudes"' in page and "2026-0001" in page and "(vencido)" in page and "<b>Otra" not in page and "&lt;b&gt;Otra" in page
    assert f"n.º {told} (request_conformed" in page
    assert "solicitudes" not in board.render(found._replace(requests=()))
    controls = {row["name"]: row["entries"] for row in compliance.controls(store, RULES, "2026-11", "2026-11")}
    assert controls["requests"] == 11 and controls["conformities"] == 2


def test_an_emergency_stands_there_until_a_request_has_it(store):
    n = tell(store, "20T10:00", "restored", "", reason="emergency", office="Logística")
    tell(store, "20T10:00", "restored", "", reason="emergency", simulated=True)
    row, = requests.read(store, NOW)
    assert (row["n"], row["age"], row["state"]) == (n, 4 * 86400 + 5 * 3600, "emergency") and f"(asiento n.º {n})" in requests.cells(row, LIMA)[4]
    opened(store, "21T10:00", "2026-0001", post="heads")
    assert len(requests.read(store, NOW)) == 2
    tell(store, "21T11:00", "request_executed", post="egcr.infrastructure.titular", links=n)
    assert [row["state"] for row in requests.read(store, NOW)] == ["endorsed"]


def test_of_a_bitacora_without_requests_no_copy_is_read(store, monkeypatch):
    for place in range(3):
        tell(store, f"20T1{place}:00", "copy_made", reason="request")
        tell(store, f"20T1{place}:00", "restored")
    asked = []
    select = type(store).select
    monkeypatch.setattr(type(store), "select", lambda self, sql, values=(): asked.append(values) or select(self, sql, values))
    assert tickets.history(store, machine.EVENTS, machine.EXECUTED_BY) == [] and len(asked) == 1
    opened(store, "20T15:00", "2026-0001")
    assert [entry["type"] for entry in tickets.history(store, machine.EVENTS, machine.EXECUTED_BY)] == ["restored"] * 3 + ["request_opened"]
    opened(store, "20T15:00", "2026-0002", request="mailbox")
    assert len(tickets.history(store, machine.EVENTS, machine.EXECUTED_BY)) == 8
