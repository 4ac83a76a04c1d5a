# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The request that a ticket names, whoever gives it: a restore, a copy that was asked for, a plan. One way for all: each ticket is looked up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ._bitacora import tickets
from ._bitacora.any_store import Store
from ._decisions import desks, leave, requests


def named(store: Store, ticket: str) -> requests.Request | None:
    """The request of a ticket of ours, or of a number of the help desk that is bound to one; None when there is none.

    Raises BackupError(bitacora_unreadable).
    """
    known = requests.told(tickets.history(store, requests.EVENTS, requests.EXECUTED_BY)).requests
    wanted = requests.ticket_of({"ticket": ticket}).casefold()
    found = next((request for name, request in known.items() if name.casefold() == wanted), None)
    return found or known.get(desks.ticket_of_number(desks.standing(store.entries(type=desks.EVENTS)), ticket))


def for_copies(store: Store, ticket: str, systems: Iterable[Mapping[str, str]]) -> requests.Request:
    """The request under which these systems may be copied. Raises BackupError: request_gives_no_leave, request_of_another_office."""
    request = named(store, ticket)
    systems = list(systems)
    found = leave.refuse_copy(request, ticket, systems)
    for system in systems:
        leave.refuse_other_office(found, str(system["name"]), str(system.get("office") or ""))
    return found
