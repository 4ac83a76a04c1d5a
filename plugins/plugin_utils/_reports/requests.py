# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The requests of numeral 7.1 as a table: which wait for whom, how old they are, how long it took to answer, to restore and to conform, which number the help
desk has for them, and which letters about them could not be sent yet.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

from .._bitacora import tickets
from .._bitacora.any_store import Store
from .._decisions import desks, due, estimates, requests, unsent

_ANSWERS = tuple(requests.STEPS[name].event for name in ("estimate", "authorise", "reject", "outside"))
_JUDGED = tuple(requests.STEPS[name].event for name in ("conform", "object"))
_AUTHORISED = requests.STEPS["authorise"].event
# Once a request waits no more for anybody, it grows no older.
_ENDS = (requests.STEPS["close"].event,)


def read(store: Store, now: datetime.datetime, since: str = "") -> list[dict[str, Any]]:
    """A row for each emergency that is to be regularised, and for each request: the open ones first, the oldest of them first.

    Of those that are closed, the ones closed at `since` (UTC) or later. What of their entries can't be was passed over, and the store remembers it.
    Raises BackupError(bitacora_unreadable).
    """
    told = requests.told(tickets.history(store, requests.EVENTS, requests.EXECUTED_BY))
    for odd in told.odd:
        store.passed_over.add(*odd)
    linked = {n for request in told.requests.values() for n in request.done}
    waiting = [_emergency(entry, now) for entry in store.entries(type=requests.DONE[0])
               if entry.get("reason") == requests.EMERGENCY and not entry.get("simulated") and entry["n"] not in linked]
    numbers, unsent_ones = desks.standing(store.entries(type=desks.EVENTS)).numbers, unsent.waiting(store.entries(type=unsent.TYPES), now)
    return waiting + rows(told.requests.values(), now, since, numbers, unsent_ones)


def _emergency(entry: Mapping[str, Any], now: datetime.datetime) -> dict[str, Any]:
    """A restore that did not wait for leave, and of which no request says so yet: it is to be regularised."""
    return {**dict.fromkeys(("to_answer", "to_restore", "to_conform", "kept")), "ticket": "-", "n": entry["n"], "desk_number": "", "unsent": None,
            "kind": requests.KINDS["restore"],
            "office": entry.get("office", ""), "requester": entry.get("requester", ""), "system": entry.get("system", ""), "state": requests.EMERGENCY,
            "word": "emergencia por regularizar (asiento n.º {0})".format(entry["n"]), "opened_at": entry["at_event"],
            "age": _between(entry["at_event"], now), "promised_for": "", "late": False}


def rows(known: Iterable[requests.Request], now: datetime.datetime, since: str = "", numbers: Mapping[str, str] | None = None,
         unsent_ones: Mapping[str, unsent.Waiting] | None = None) -> list[dict[str, Any]]:
    """See `read`. Durations are seconds; None where there is none yet."""
    found = [{**_row(request, now), "desk_number": (numbers or {}).get(request.ticket, ""), "unsent": (unsent_ones or {}).get(request.ticket)}
             for request in known if request.is_open or request.steps[-1].at >= since]
    return sorted(found, key=lambda row: (row["state"] == requests.CLOSED, row["opened_at"], row["n"]))


def _row(request: requests.Request, now: datetime.datetime) -> dict[str, Any]:
    opened, ended = request.steps[0], request.last(*_ENDS)
    authorised, attended = request.first(_AUTHORISED), estimates.attended_at(request)
    return {
        "ticket": request.ticket, "n": opened.n, "kind": requests.KINDS[request.kind], "office": request.office, "requester": request.requester,
        "system": request.system, "state": request.state, "word": requests.SPANISH[request.state], "opened_at": request.opened_at,
        "age": _between(opened.at, ended.at if ended else now), "to_answer": _between(opened.at, _at(request.first(*_ANSWERS))),
        "to_restore": _between(authorised.at if authorised else "", attended), "to_conform": _between(attended, _at(request.last(*_JUDGED))),
        "promised_for": request.promised_for, "kept": estimates.kept(request),
        "late": bool(request.promised_for and not attended and request.state in requests.READY and _moment(request.promised_for) < now),
    }


def _at(step: requests.Step | None) -> str:
    return step.at if step else ""


def _moment(text: str) -> datetime.datetime:
    return due.moment(text) or due.UNKNOWN


def _between(begin: str, end: str | datetime.datetime) -> int | None:
    """Seconds from one moment to another, none less than nothing: a clock may have been set between them."""
    if not begin or not end:
        return None
    last = end if isinstance(end, datetime.datetime) else _moment(end)
    return max(0, int((last - _moment(begin)).total_seconds()))


def lasting(seconds: int | None) -> str:
    """A duration for people: 3 d 4 h, 2 h 5 min, 7 min; a dash where there is none."""
    if seconds is None:
        return "-"
    days, hours, minutes = seconds // 86400, seconds // 3600 % 24, seconds // 60 % 60
    return f"{days} d {hours} h" if days else f"{hours} h {minutes} min" if hours else f"{minutes} min"


HEADINGS = ("Ticket", "Mesa de ayuda", "Qué", "Órgano", "Estado", "Antigüedad", "Hasta responder", "Hasta restaurar", "Hasta la conformidad", "Plazo",
            "Correos sin enviar")


def cells(row: dict[str, Any], zone: datetime.tzinfo) -> list[str]:
    """A row as people read it, under HEADINGS."""
    promised = due.moment(row["promised_for"])
    verdict = {True: " (cumplido)", False: " (no cumplido)", None: " (vencido)" if row["late"] else ""}[row["kept"]]
    return [row["ticket"], row["desk_number"] or "-", row["kind"], row["office"], row["word"],
            *(lasting(row[name]) for name in ("age", "to_answer", "to_restore", "to_conform")),
            promised.astimezone(zone).strftime("%d/%m/%Y %H:%M") + verdict if promised else "-", _unsent(row["unsent"], zone)]


def _unsent(letters: unsent.Waiting | None, zone: datetime.tzinfo) -> str:
    """The letters that wait, as people read it: how many, since when, and the code of why."""
    since = due.moment(letters.since) if letters else None
    if letters is None or since is None:
        return "-"
    return "{0} desde el {1} ({2})".format(letters.letters, since.astimezone(zone).strftime("%d/%m/%Y %H:%M"), letters.why or "no consta si se envió")
