# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A step of a request, checked against what the bitácora holds, as its entry: one way for whoever takes it, a playbook (backup_request) or a mail
(backup_request_mail). What decides a step reads the bitácora and writes nothing; `take` does both in one transaction.
"""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from ._bitacora import tickets, written_at_once
from ._bitacora.any_store import Store
from ._decisions import asking, due, entitled, estimates, requests

# What every step is given, with what it is where nobody says it.
UNSAID: dict[str, Any] = {
    "ticket": "", "proof": "word", "proof_reference": "", "request": "restore", "office": "", "system": "", "kind": None, "what": "", "paths": [],
    "lost_at": "", "discovered_at": "", "changed_at": "", "reason": "", "volume": None, "entry": None,
}


class Where(NamedTuple):
    """The run and the host that an entry is of, and whether nothing is written (check mode)."""

    run: str
    host: str
    simulated: bool = False


class Taken(NamedTuple):
    """A step: its entry, the request as it stands with it, and what of the bitácora was passed over."""

    entry: dict[str, Any]
    request: requests.Request
    passed_over: str


def take(store: Store, arguments: Mapping[str, Any], rules: Mapping[str, Any], systems: Sequence[Mapping[str, Any]], where: Where,
         now: datetime.datetime) -> Taken:
    """Decide a step and write it, at once: of two runs that take contradictory steps, the later reads what the earlier wrote, and is refused.

    Raises BackupError: as `opening` and `further`, request_ticket_taken, bitacora_unwritable, bitacora_unreadable.
    """
    with contextlib.nullcontext() if where.simulated else store.exclusive():
        history = tickets.history(store, requests.EVENTS, requests.EXECUTED_BY)
        if arguments["step"] == "open":
            given = tickets.checked(arguments["ticket"]) if arguments["ticket"] else ""
            entry = opening(store, arguments, rules, systems, now, lambda year: tickets.next_of(store, year, given) if where.simulated else
                            tickets.reserve(store, year, where.run, where.host, given))
        else:
            entry = further(store, history, arguments, rules, now)
        for odd in requests.told(history).odd:
            store.passed_over.add(*odd)
        taken = Taken(entry, asking.after(history, entry), store.passed_over.line())
        if not where.simulated:
            written_at_once.append(store, entry, where.run, where.host, "request")
    return taken


def opening(store: Store, arguments: Mapping[str, Any], rules: Mapping[str, Any], systems: Sequence[Mapping[str, Any]], now: datetime.datetime,
            number: Callable[[int], str]) -> dict[str, Any]:
    """The entry that opens a request. `number` gives its ticket, of a year; it is called last: whatever is refused has taken none.

    Raises BackupError: invalid_input, and what `number` does.
    """
    zone = due.zone(rules["time_zone"])
    local = now.astimezone(zone)
    system = asking.system_of(arguments, systems)
    times = asking.times(arguments, zone, now)
    asker = entitled.opener(rules, " ".join(arguments["person"].split()), " ".join(arguments["office"].split()), local.date())
    until = asking.until(arguments, local.date())
    warned = asking.warning(store.copies(system["kind"], system["name"]) if system else [], times, zone, now)

    def entry(ticket: str) -> dict[str, Any]:
        return asking.opening(arguments, ticket, asker, system, times, warned, until)

    asking.refuse_unrecordable(entry("0"))
    return entry(number(local.year))


def further(store: Store, history: list[dict[str, Any]], arguments: Mapping[str, Any], rules: Mapping[str, Any], now: datetime.datetime) -> dict[str, Any]:
    """The entry of any other step. Raises BackupError: request_unknown, request_step_refused, request_person_refused, request_link_refused."""
    known = requests.told(history)
    request = asking.known(known, arguments["ticket"])
    rule = requests.STEPS[arguments["step"]]
    asking.refuse_wrong_state(request, rule)
    person = entitled.who(rules, rule, arguments["person"], request, now.astimezone(due.zone(rules["time_zone"])).date())
    more: dict[str, Any] = {}
    if arguments["step"] == "estimate":
        more = _estimate(store, known, request, arguments["volume"], now, rules)
    elif arguments["step"] == "execute":
        more = asking.link(known, request, arguments["entry"])
    entry = asking.entry(rule, request, person, arguments, more)
    asking.refuse_unrecordable(entry)
    return entry


def _estimate(store: Store, known: requests.Told, request: requests.Request, volume: int | None, now: datetime.datetime,
              rules: Mapping[str, Any]) -> dict[str, Any]:
    kind = request.system_kind or "file_server"
    if volume is None:
        volume = asking.volume_of(request, store.copies(kind, request.system) if request.system else [], now)
    found = estimates.estimate(request, volume, kind, store.entries(type="restored"), known.requests.values(), now, rules)
    promised = due.moment(found.promised_for)
    if promised is None:
        raise ValueError("an estimate promises no moment: " + found.promised_for)
    return {"size": found.volume, "duration_ms": found.duration_ms, "promised_for": found.promised_for,
            "note_es": estimates.spanish(found, promised.astimezone(due.zone(rules["time_zone"])))}
