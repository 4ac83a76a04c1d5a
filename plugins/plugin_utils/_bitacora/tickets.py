# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ticket numbers of requests (numeral 7.1.2), and the entries that tell of requests.

A number is reserved by an entry of its own, written in the same transaction that looked which are taken: two runs, of two controllers on one store too,
never take one. A run that dies before its request stands leaves a number that no request has; the entry says whose it was.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ...module_utils._engine.errors import BackupError
from . import chain, entries
from .any_store import Store
from .readable import flat

RESERVED, OPENED = "ticket_reserved", "request_opened"
# One of ours: no year has a million requests, and a help desk may have any number.
_OWN = re.compile("([0-9]{4})-([0-9]{4,6})")
_LONGEST = 64
_RUN_ENDS = ("run_ended", "run_interrupted")


def checked(ticket: str) -> str:
    """A ticket that somebody gave, with single blanks. Raises BackupError(invalid_input) on one that is none."""
    found = " ".join(ticket.split())
    if not found or len(found) > _LONGEST or not found.isprintable():
        raise BackupError("invalid_input", where="request_ticket", value=ticket, problem="is not the number of a ticket",
                          mend="Write it as the help desk does, in at most 64 characters; leave it out for a number of ours.")
    return found


def following(known: Sequence[str], year: int) -> str:
    """The number after the highest of a year: 2026-0001 is the first."""
    used = [int(found[2]) for found in map(_OWN.fullmatch, known) if found and int(found[1]) == year]
    return "{0:04d}-{1:04d}".format(year, max(used, default=0) + 1)


def _free(known: Sequence[str], year: int) -> str:
    """The next number of a year that nobody has: a help desk may have given one that looks like ours."""
    taken, ticket = {each.casefold() for each in known}, following(known, year)
    while ticket.casefold() in taken:
        ticket = "{0:04d}-{1:04d}".format(year, int(ticket.partition("-")[2]) + 1)
    return ticket


def reserve(store: Store, year: int, run: str, host: str, ticket: str = "") -> str:
    """Take the next number of a year, or `ticket` when the help desk gave one, for this run. Durable when this returns.

    Raises BackupError: request_ticket_taken, bitacora_unwritable, bitacora_unreadable.
    """
    with store.exclusive():
        known = _known(store)
        if ticket:
            if _is_taken(store, ticket):
                raise BackupError("request_ticket_taken", ticket=ticket)
        else:
            ticket = _free(known, year)
        store.append(RESERVED, {"event": RESERVED, "ticket": ticket, "run": run, "host": host, "numeral": "7.1.2"}, entries.now(),
                     "{0}/ticket/{1}".format(run, ticket))
    return ticket


def next_of(store: Store, year: int, ticket: str = "") -> str:
    """The number that `reserve` would give now, without taking it: for a simulation."""
    if ticket and _is_taken(store, ticket):
        raise BackupError("request_ticket_taken", ticket=ticket)
    return ticket or _free(_known(store), year)


def _known(store: Store) -> list[str]:
    sql = "SELECT DISTINCT {0} FROM entries WHERE type IN (?, ?) AND {1}".format(store.field("ticket"), store.simulated(False))
    return [" ".join(str(ticket or "").split()) for (ticket,) in store.select(sql, (RESERVED, OPENED))]


def _is_taken(store: Store, ticket: str) -> bool:
    """Whether a request has this number, or a run that lives has reserved it; what a run that ended left without a request may be taken."""
    found = [entry for entry in store.entries(type=(RESERVED, OPENED)) if not entry.get("simulated") and
             " ".join(str(entry.get("ticket") or "").split()).casefold() == ticket.casefold()]
    return any(entry["type"] == OPENED or not store.entries(run=str(entry.get("run", "")), type=_RUN_ENDS, limit=1) for entry in found)


def history(store: Store, events: Sequence[str], executions: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """The entries that tell of requests, in the order they were written: their own `events`, and what may have executed them.

    `executions` are types of entries by the kind of request: they are read only where there is such a request, since most of a bitácora are copies.
    Raises BackupError(bitacora_unreadable). What of them is odd, the store remembers.
    """
    found = store.entries(type=events)
    kinds = {entry.get("request") for entry in found if entry["type"] == OPENED}
    types = tuple(dict.fromkeys(type_ for kind, of_kind in executions.items() if kind in kinds for type_ in of_kind))
    if types:
        sql = "SELECT {0} FROM entries WHERE type IN ({1}) AND ({2} IS NOT NULL OR {3} IN ('emergency', 'request') OR type = 'restored') ORDER BY n".format(
            ", ".join(chain.COLUMNS), ", ".join("?" * len(types)), store.field("ticket"), store.field("reason"))
        told = [flat(row) for row in store.select(sql, types)]
        store.passed_over.note(told)
        found += told
    return sorted(found, key=lambda entry: int(entry["n"]))
