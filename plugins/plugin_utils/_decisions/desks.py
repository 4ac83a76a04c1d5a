# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a help desk is still to hear of requests (numeral 7.1.2), and in which words. Pure functions over entries.

The number of ours is reserved first and stands alone: a help desk that is silent stops nothing, and hears the rest from a later run.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ...module_utils._engine.errors import BackupError
from . import requests
from .requests import Request, Rule, Step

BOUND, HEARD, FAILED = EVENTS = ("desk_bound", "desk_told", "desk_failed")
# Who says by hand which number a request has there.
BY_HAND = Rule(BOUND, (), "", (requests.SUPPORT, requests.CHIEF), "enlazar con la mesa de ayuda", "7.1.2")
_LONGEST_WORDS, _LONGEST_WHAT, _LONGEST_NAME = 1500, 500, 120


class Standing(NamedTuple):
    """What the bitácora knows of requests at the help desk, by ticket of ours."""

    numbers: dict[str, str]          # their numbers there
    heard: dict[str, set[int]]       # the entries of steps that were told there
    failed: dict[str, str]           # the code of what failed last, where nothing went well since
    tried: set[str]                  # those that the help desk once failed to take


class Work(NamedTuple):
    """A request that the help desk is to hear of: its number there, "" where it has none yet, and the steps it has not heard."""

    request: Request
    number: str
    steps: list[Step]


def standing(entries: Iterable[Mapping[str, Any]]) -> Standing:
    """What entries of a bitácora tell, in the order they were written. Simulations are nothing."""
    found = Standing({}, {}, {}, set())
    for entry in sorted((each for each in entries if not each.get("simulated")), key=lambda each: int(each["n"])):
        ticket = requests.ticket_of(entry)
        if entry["type"] == BOUND and entry.get("desk_number"):
            found.numbers[ticket] = entry["desk_number"]
        elif entry["type"] == HEARD and isinstance(entry.get("links"), int):
            found.heard.setdefault(ticket, set()).add(entry["links"])
        if entry["type"] == FAILED:
            found.failed[ticket] = str(entry.get("error_code"))
            found.tried.add(ticket)
        elif entry["type"] in EVENTS:
            found.failed.pop(ticket, None)
    return found


def pending(known: Iterable[Request], told: Standing, ticket: str = "") -> list[Work]:
    """What is still to be told, of one request or of all. What was closed before there was a help desk is none of its business."""
    found = []
    for request in known:
        if ticket and request.ticket.casefold() != ticket.casefold():
            continue
        number = told.numbers.get(request.ticket, "")
        # the opening is what the ticket itself says
        steps = [step for step in request.steps[1:] if step.n not in told.heard.get(request.ticket, ())]
        if (steps if number else request.is_open or request.ticket in told.tried):
            found.append(Work(request, number, steps))
    return found


def mark(request: Request) -> str:
    """What the ticket of a request is known by there: of this bitácora's request alone, and nothing that tells of people."""
    told = "\n".join((request.ticket, request.opened_at, request.office, str(request.steps[0].n)))
    return "RESPALDO-" + hashlib.sha256(told.encode()).hexdigest()[:16]


def mark_of(request: Request, step: Step) -> str:
    """What the text of a step is known by there."""
    return "{0}/{1}".format(mark(request), step.n)


def is_told(texts: Iterable[str], request: Request, step: Step) -> bool:
    """Whether one of a ticket's texts is that of a step."""
    wanted = re.compile(re.escape(mark_of(request, step)) + "(?![0-9])")
    return any(wanted.search(text) for text in texts)


def title(request: Request) -> str:
    """The title of a ticket there."""
    return "{0}, solicitud {1} [{2}]".format(requests.KINDS[request.kind], request.ticket, mark(request))


def opening(request: Request, tells: Sequence[str]) -> str:
    """What the ticket there says of a request: of people and of what was lost only what the inventory lets be told."""
    told = ["Solicitud {0} de la bitácora de respaldos: {1} (numeral 7.1).".format(request.ticket, requests.KINDS[request.kind].lower())]
    for name, spanish, value, most in (("office", "Órgano", request.office, _LONGEST_NAME), ("system", "Sistema", request.system, _LONGEST_NAME),
                                       ("person", "Pedida por", request.requester, _LONGEST_NAME), ("what", "Qué", request.what, _LONGEST_WHAT)):
        if name in tells and value:
            told.append("{0}: {1}".format(spanish, value[:most]))
    told.append("Los pasos se registran en la bitácora; aquí se copian. Referencia: {0}".format(mark(request)))
    return "\n".join(told)[:_LONGEST_WORDS]


def words(request: Request, step: Step, tells: Sequence[str]) -> str:
    """What a ticket there hears of a step."""
    told = "Solicitud {0}: {1}.".format(request.ticket, requests.SPANISH[step.after])
    by = "\nPor: {0}".format(step.person[:_LONGEST_NAME]) if "person" in tells and step.person else ""
    return "{0}{1}\nAsiento n.º {2}, {3} UTC. Referencia: {4}".format(told, by, step.n, step.at, mark_of(request, step))


def refuse_number(told: Standing, request: Request, number: str) -> None:
    """Raises BackupError desk_number_refused for a number that another request has."""
    for ticket, other in told.numbers.items():
        if other.casefold() == number.casefold() and ticket != request.ticket:
            raise BackupError("desk_number_refused", number=number, ticket=request.ticket, detail="it belongs to the request {0}".format(ticket))


def ticket_of_number(told: Standing, number: str) -> str:
    """The ticket of ours of a number of the help desk; "" when no request has it."""
    wanted = " ".join(number.split()).casefold()
    return next((ticket for ticket, other in told.numbers.items() if other.casefold() == wanted), "")
