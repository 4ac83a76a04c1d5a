# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The requests of numeral 7.1 and annex 1 as a machine: the entries of the bitácora go in, the state of each request comes out. Pure functions.

A step that the state of its request does not allow, or of somebody whom it is not for, is passed over and told once: what is written stays written,
and must not make a state that can't be. What restores and copies did under a ticket are steps too, told by their own entries.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from .._bitacora.events import RETRIED

KINDS = {"restore": "Restauración", "mailbox": "Copia de buzón", "emergency": "Copia por riesgo no controlado"}
PROOFS = {"mail": "correo", "document": "documento", "helpdesk": "mesa de ayuda", "word": "de palabra"}

AWAITING, ENDORSED, ESTIMATED, AUTHORISED, REJECTED, EXECUTING, RESTORED, CONFORMED, OBJECTED, CLOSED, WITHDRAWN, OUTSIDE = STATES = (
    "awaiting_endorsement", "endorsed", "estimated", "authorised", "rejected", "executing", "restored", "conformed", "objected", "closed", "withdrawn",
    "outside")
SPANISH = {
    AWAITING: "en espera del visto bueno de la jefatura", ENDORSED: "con visto bueno, por estimar", ESTIMATED: "estimada, por autorizar",
    AUTHORISED: "autorizada, por atender", REJECTED: "rechazada, por cerrar", EXECUTING: "en ejecución", RESTORED: "atendida, en espera de conformidad",
    CONFORMED: "conforme, por cerrar", OBJECTED: "no conforme, por atender de nuevo", CLOSED: "cerrada", WITHDRAWN: "retirada, por cerrar",
    OUTSIDE: "fuera del numeral 6.2, por cerrar",
}
BEFORE = (AWAITING, ENDORSED, ESTIMATED)
READY = (AUTHORISED, OBJECTED, EXECUTING, RESTORED)

# Posts that a step may be taken in: those of the policy's actors, and who asked.
HEADS, SUPPORT, CHIEF, EGCR, REQUESTER = "heads", "soporte", "jefe_oti", "egcr", "requester"
EMERGENCY = "emergency"


class Rule(NamedTuple):
    """A step that a person takes: its event, the states that allow it, where it leads, who may, and how it is called in Spanish."""

    event: str
    allowed: tuple[str, ...]
    to: str
    posts: tuple[str, ...]
    spanish: str
    numeral: str


STEPS: dict[str, Rule] = {
    "open": Rule("request_opened", (), "", (), "abrir", "7.1.1"),
    "endorse": Rule("request_endorsed", (AWAITING,), ENDORSED, (HEADS,), "dar visto bueno", "7.1.1"),
    "estimate": Rule("request_estimated", (ENDORSED, ESTIMATED), ESTIMATED, (EGCR, CHIEF), "estimar", "5.1 e"),
    "authorise": Rule("request_authorised", (ESTIMATED,), AUTHORISED, (CHIEF,), "autorizar", "5.1 e"),
    "reject": Rule("request_rejected", BEFORE, REJECTED, (CHIEF,), "rechazar", "5.1 e"),
    "execute": Rule("request_executed", (*BEFORE, AUTHORISED, OBJECTED, RESTORED), RESTORED, (EGCR, CHIEF), "enlazar lo ejecutado", "7.1.3"),
    "conform": Rule("request_conformed", (RESTORED,), CONFORMED, (HEADS,), "dar conformidad", "7.1.4"),
    "object": Rule("request_objected", (RESTORED,), OBJECTED, (HEADS,), "decir que no hay conformidad", "7.1.4"),
    "close": Rule("request_closed", (CONFORMED, REJECTED, WITHDRAWN, OUTSIDE), CLOSED, (SUPPORT, CHIEF), "cerrar", "7.1.4"),
    "withdraw": Rule("request_withdrawn", (*BEFORE, AUTHORISED, OBJECTED), WITHDRAWN, (HEADS, REQUESTER), "retirar", "7.1.1"),
    "outside": Rule("request_outside", (*BEFORE, AUTHORISED, OBJECTED), OUTSIDE, (EGCR, CHIEF), "declarar fuera del numeral 6.2", "6.2"),
}
OPENED = STEPS["open"].event
_BY_EVENT = {rule.event: rule for rule in STEPS.values()}
EVENTS = tuple(_BY_EVENT)

# What executes a request, by its kind: the start, the good end, the bad one.
_RESTORE, _COPY = ("restore_started", "restored", "restore_failed"), ("copy_started", "copy_made", "copy_failed")
EXECUTED_BY = {"restore": _RESTORE, "mailbox": _COPY, EMERGENCY: _COPY}
EXECUTIONS = (*_RESTORE, *_COPY)
DONE = (_RESTORE[1], _COPY[1])


class Step(NamedTuple):
    """One step of a request: its entry, when, by whom in which capacity, by which proof, and what it made of the state."""

    n: int
    event: str
    at: str
    person: str
    post: str
    proof: str
    reference: str
    before: str
    after: str


class Odd(NamedTuple):
    """An entry that was passed over, and why, in Spanish."""

    n: int
    why: str


@dataclasses.dataclass
class Request:
    """A request as its entries tell it. Times are UTC as the bitácora writes them, durations milliseconds, volumes bytes; what nobody said is empty."""

    ticket: str
    kind: str
    office: str
    requester: str
    opened_at: str
    state: str
    system: str = ""
    system_kind: str = ""
    criticality: str = ""
    what: str = ""
    wanted: tuple[str, ...] = ()
    lost_at: str = ""
    discovered_at: str = ""
    changed_at: str = ""
    promised_for: str = ""
    estimated_ms: int = 0
    volume: int = 0
    kept_until: str = ""      # of a mailbox: the last day on which its copy is kept
    steps: list[Step] = dataclasses.field(default_factory=list)
    done: list[int] = dataclasses.field(default_factory=list)     # entries of what was restored or copied under it
    _running: set[tuple[str, str, str]] = dataclasses.field(default_factory=set)
    _resume: str = ""      # the state that a failed execution falls back to

    @property
    def is_open(self) -> bool:
        return self.state != CLOSED

    def last(self, *events: str) -> Step | None:
        """The last step of these events; None when there is none."""
        return next((step for step in reversed(self.steps) if step.event in events), None)

    def first(self, *events: str) -> Step | None:
        """The first step of these events; None when there is none."""
        return next((step for step in self.steps if step.event in events), None)


class Why(NamedTuple):
    """Why something can't be, in both languages."""

    english: str
    spanish: str


class Told(NamedTuple):
    """What a history tells: the requests by ticket, in the order they were opened, what of it was passed over, and what may have executed a request."""

    requests: dict[str, Request]
    odd: list[Odd]
    executions: dict[int, Mapping[str, Any]]      # by number what came to a good end, whosever it is


def may(request: Request) -> list[str]:
    """The steps that people may take now."""
    return [name for name, rule in STEPS.items() if request.state in rule.allowed]


def told(history: Iterable[Mapping[str, Any]]) -> Told:
    """The requests that entries tell, whatever the entries are. Simulations are nothing. Never raises on entries that a store gave."""
    found = Told({}, [], {})
    reader = _Reader(found)
    for entry in sorted((each for each in history if not each.get("simulated")), key=lambda each: int(each["n"])):
        why = reader.take(entry)
        if why:
            found.odd.append(Odd(entry["n"], "{0}: {1}".format(entry["type"], why)))
    return found


class _Reader:
    """Goes through a history once. `take` says in Spanish why an entry was passed over; "" when it was not."""

    def __init__(self, found: Told) -> None:
        self.requests = found.requests
        self.executions = found.executions
        self.linked: set[int] = set()
        self.refused: set[tuple[str, str, str]] = set()        # executions whose start was told already

    def take(self, entry: Mapping[str, Any]) -> str:
        type_, ticket = entry["type"], ticket_of(entry)
        if type_ in DONE:
            self.executions[entry["n"]] = entry
        if type_ == OPENED:
            return self._open(entry, ticket)
        request = self.requests.get(ticket)
        if type_ in EXECUTIONS:
            # a ticket of before there were requests, or of a help desk whose request stands nowhere, is a word and no more
            return self._of_request(request, entry) if request else ""
        rule = _BY_EVENT.get(type_)
        if rule is None:
            return ""
        if request is None:
            return "la solicitud {0} no está abierta".format(ticket or "sin ticket")
        if request.state not in rule.allowed:
            return "la solicitud {0} está {1}".format(ticket, SPANISH[request.state])
        if not is_for(rule, request, entry):
            return "no le corresponde a quien lo dice ({0})".format(entry.get("person") or "nadie")
        return self._link(request, entry) if rule is STEPS["execute"] else self._step(request, entry, rule.to)

    def _open(self, entry: Mapping[str, Any], ticket: str) -> str:
        if not ticket or entry.get("request") not in KINDS or not entry.get("office") or not entry.get("requester"):
            return "le falta el ticket, qué se pide, el órgano o quién pide"
        if ticket in self.requests:
            return "el ticket {0} ya es de otra solicitud".format(ticket)
        request = self.requests[ticket] = Request(
            ticket, entry["request"], entry["office"], entry["requester"], entry["at_event"], "", entry.get("system", ""), entry.get("kind", ""),
            entry.get("criticality", ""), entry.get("reason_text", ""), tuple(entry.get("wanted", ())),
            entry.get("lost_at", ""), entry.get("discovered_at", ""), entry.get("changed_at", ""))
        request.kept_until = entry.get("retention_until", "")
        # a head who asks needs no other head's word (7.1.1)
        return self._step(request, entry, ENDORSED if post_of(entry) == HEADS else AWAITING)

    def _step(self, request: Request, entry: Mapping[str, Any], after: str) -> str:
        if entry["type"] == STEPS["estimate"].event:
            request.promised_for, request.volume = entry.get("promised_for", ""), entry.get("size", 0)
            request.estimated_ms = entry.get("duration_ms", 0)
        if after == AUTHORISED and request._running:
            request._resume = RESTORED if request.done else AUTHORISED
            after = EXECUTING
        elif after == AUTHORISED and request.done:     # an emergency, regularised
            after = RESTORED
        request.steps.append(Step(entry["n"], entry["type"], entry["at_event"], entry.get("person") or entry.get("requester", ""), entry.get("post", ""),
                                  entry.get("proof", ""), entry.get("proof_reference", ""), request.state, after))
        request.state = after
        return ""

    def _link(self, request: Request, entry: Mapping[str, Any]) -> str:
        why = why_no_link(request, entry.get("links"), self.executions, self.linked)
        if why:
            return why.spanish
        self.linked.add(entry["links"])
        request.done.append(entry["links"])
        return self._step(request, entry, request.state if request.state in BEFORE else RESTORED)

    def _of_request(self, request: Request, entry: Mapping[str, Any]) -> str:
        key = (str(entry.get("run", "")), str(entry.get("host", "")), str(entry.get("label", "")))
        why = self._execution(request, entry, key)
        if why or key in self.refused:
            self.executions.pop(entry["n"], None)     # what was passed over executed no request, whoever links it
        return why

    def _execution(self, request: Request, entry: Mapping[str, Any], key: tuple[str, str, str]) -> str:
        start, good, bad = EXECUTED_BY[request.kind]
        if entry["type"] == start:
            return self._begin(request, entry, key)
        if entry["type"] not in (good, bad) or key in self.refused or entry.get(RETRIED):
            return ""     # of an attempt that is repeated, the last one counts
        if key not in request._running:
            return "no tiene un inicio de la misma ejecución"
        request._running.discard(key)
        if entry["type"] == good:
            request.done.append(entry["n"])
            self.linked.add(entry["n"])
            request._resume = RESTORED
        if request.state == EXECUTING and not request._running:
            return self._step(request, entry, request._resume)
        return ""

    def _begin(self, request: Request, entry: Mapping[str, Any], key: tuple[str, str, str]) -> str:
        if request.state in BEFORE and entry.get("reason") == EMERGENCY:
            request._running.add(key)
            return ""
        if request.state not in READY:
            self.refused.add(key)
            return "la solicitud {0} está {1}".format(request.ticket, SPANISH[request.state])
        request._running.add(key)
        if request.state == EXECUTING:
            return ""
        request._resume = request.state
        return self._step(request, entry, EXECUTING)


def ticket_of(entry: Mapping[str, Any]) -> str:
    """The ticket of an entry, as requests are known by it."""
    return " ".join(str(entry.get("ticket") or "").split())


def post_of(entry: Mapping[str, Any]) -> str:
    """In which capacity somebody took a step, without whether of titular or suplente."""
    return str(entry.get("post") or "").partition(".")[0]


def same_name(one: Any, other: Any) -> bool:
    """Whether two names are one, but for blanks and capitals."""
    return " ".join(str(one).casefold().split()) == " ".join(str(other).casefold().split())


def is_for(rule: Rule, request: Request, entry: Mapping[str, Any]) -> bool:
    """Whether the one who took a step says to have the capacity for it."""
    post = post_of(entry)
    return post in rule.posts and bool(entry.get("person")) and (post != REQUESTER or same_name(entry["person"], request.requester))


def why_no_link(request: Request, n: Any, executions: Mapping[int, Mapping[str, Any]], linked: Iterable[int]) -> Why | None:
    """Why entry n is not what executed this request; None when it may be. Before there is leave for it, only an emergency may."""
    entry = executions.get(n) if isinstance(n, int) else None
    if entry is None or entry["type"] != EXECUTED_BY[request.kind][1]:
        done, done_es = ("restored", "restaurado") if request.kind == "restore" else ("copied", "copiado")
        return Why("entry {0} is not of something {1}".format(n, done), "el asiento n.º {0} no es de algo {1}".format(n, done_es))
    if n in linked:
        return Why("entry {0} is of a request already".format(n), "el asiento n.º {0} ya es de una solicitud".format(n))
    if entry.get("reason") == EMERGENCY:
        return None
    authorised = request.last(STEPS["authorise"].event)
    if authorised is None or entry["n"] < authorised.n:
        return Why("entry {0} came before the authorisation and was no emergency".format(n),
                   "el asiento n.º {0} es anterior a la autorización y no fue una emergencia".format(n))
    return None
