# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An institution, three requests of it, and mails to its support, for the tests beside."""

from __future__ import annotations

import datetime

from plugins.plugin_utils import _steps
from plugins.plugin_utils._bitacora import mails, tickets
from plugins.plugin_utils._decisions import requests
from plugins.plugin_utils._mail import identities, intake, reading
from plugins.plugin_utils._mail.believing import Servers
from plugins.plugin_utils._mail.deciding import House

KEY = bytes(range(32))
US, HEAD, OTHER_HEAD, CHIEF, STAFF = "soporte@example.org", "csoto@example.org", "otro@example.org", "rvega@example.org", "pedro@example.org"
SINCE = "2020-01-01"
RULES = {"time_zone": "America/Lima", "institution": "Entidad de Ejemplo", "actors": {
    "jefe_oti": [{"name": "Rosa Vega", "from": SINCE, "email": CHIEF}],
    "soporte": [{"name": "Eva Ruiz", "from": SINCE, "email": "eruiz@example.org"}, {"name": "Mesa", "from": SINCE, "email": "compartida@example.org"}],
    "heads": [{"name": "Carmen Soto Vega", "office": "Oficina de Logística", "from": SINCE, "email": HEAD},
              {"name": "Otro Jefe", "office": "Otra", "from": SINCE, "email": OTHER_HEAD},
              {"name": "Ex Jefa", "office": "Oficina de Prensa", "from": SINCE, "until": "2021-01-01", "email": "ex@example.org"}],
    "egcr": {"infrastructure": {"titular": [{"name": "Ana Quispe", "from": SINCE, "email": "compartida@example.org"}]}}}}
SYSTEMS = [{"name": "SIGA", "kind": "database", "criticality": "baja"}]
HOUSE = House(KEY, (US,), Servers(("mx.example.org",), ("smtp.example.org",), ("imap.example.org",)), ("example.org",), RULES, SYSTEMS)
WHERE = intake.Where("run-1", "localhost", "Atendidos", "Revisar")
NOW = datetime.datetime(2026, 11, 23, 15, 0, tzinfo=datetime.timezone.utc)
# the tickets of three requests of the Oficina de Logística, by the state that each is in
AWAITING, ESTIMATED, RESTORED = "2026-0001", "2026-0002", "2026-0003"

STAMP = "Authentication-Results: mx.example.org; dmarc=pass header.from=example.org"
RECEIVED = "Received: from pc.example.org by mx.example.org with ESMTPS; Mon, 23 Nov 2026 10:00:00 -0500"


def populate(store) -> None:
    """Three requests of the bitácora."""
    def write(entry):
        store.append(entry["event"], {**entry, "run": "run-0", "host": "localhost"}, "2026-11-20T15:00:00Z", "run-0")

    def step(name, person, ticket, **more):
        history = tickets.history(store, requests.EVENTS, requests.EXECUTED_BY)
        write(_steps.further(store, history, {**_steps.UNSAID, "step": name, "person": person, "ticket": ticket, **more}, RULES, NOW))

    for ticket in (AWAITING, ESTIMATED, RESTORED):
        said = {**_steps.UNSAID, "step": "open", "person": STAFF, "office": "Oficina de Logística", "what": "Una carpeta", "request": "emergency"}
        write(_steps.opening(store, said, RULES, SYSTEMS, NOW, lambda year, ticket=ticket: ticket))
    for ticket in (ESTIMATED, RESTORED):
        step("endorse", "Carmen Soto Vega", ticket)
        step("estimate", "Rosa Vega", ticket, volume=1000)
    copy = {"event": "copy_made", "reason": "emergency", "system": "SIGA", "kind": "database", "label": "SIGA_20261120", "medium": "local", "trust_level": "T2",
            "size": 1}
    write({**copy, "event": "copy_started"})
    write(copy)
    n = store.entries(type="copy_made")[-1]["n"]
    step("execute", "Rosa Vega", RESTORED, entry=n)
    step("authorise", "Rosa Vega", RESTORED)


def raw(*lines: str | bytes, body: str | bytes = "", stamp: str = STAMP, received: str = RECEIVED, sender: str = f"Alguien <{STAFF}>",
        subject: str = "Carpeta perdida", message_id: str = "<uno@example.org>", to: str = US) -> bytes:
    """A mail as bytes; an empty part is left out. `lines` are more of its header."""
    head = [stamp, received, f"From: {sender}" if sender else "", f"To: {to}" if to else "", f"Subject: {subject}" if subject else "",
            f"Message-ID: {message_id}" if message_id else "", *lines]
    told = b"\r\n".join(each if isinstance(each, bytes) else each.encode("utf-8", "surrogateescape") for each in head if each)
    return told + b"\r\n\r\n" + (body if isinstance(body, bytes) else body.encode()) + b"\r\n"


def identity(ticket: str, to: str, key: bytes = KEY, letter: str = "conformity") -> str:
    return identities.mark(key, "example.org", ticket, letter, to, "0123456789abcdef")


def answer(ticket: str, body: str | bytes, *lines: str, sender: str = HEAD, to_letter_of: str = "", **more) -> bytes:
    """An answer to a letter of ours."""
    return raw(f"In-Reply-To: {identity(ticket, to_letter_of or sender)}", *lines, body=body, sender=f"Alguien <{sender}>",
               **{"subject": f"Re: [Solicitud {ticket}]", "message_id": "<respuesta@example.org>", **more})


def take(store, mail: bytes, house: House = HOUSE, where: intake.Where = WHERE, now: datetime.datetime = NOW) -> intake.Outcome:
    return intake.take(store, reading.read(mail), house, where, now)


def states(store) -> dict[str, str]:
    found = requests.told(tickets.history(store, requests.EVENTS, requests.EXECUTED_BY))
    assert found.odd == []
    return {ticket: request.state for ticket, request in found.requests.items()}


def entries_of(store) -> list[dict]:
    return store.entries(type=(mails.TAKEN, mails.ASIDE))
