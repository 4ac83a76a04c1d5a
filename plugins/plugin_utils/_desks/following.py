# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Telling a help desk what it has not heard of requests: one thing after the other, each looked up before it is done, each an entry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ...module_utils._engine import result
from ...module_utils._engine.errors import BackupError
from ...module_utils._engine.policy.desks import DEFAULT_TELLS
from .._decisions import desks, requests
from . import base


class Outcome(NamedTuple):
    """What was done: its entries, its lines in Spanish, and what failed."""

    entries: list[dict[str, Any]]
    lines: list[str]
    failures: list[BackupError]


def follow(desk: base.Desk, wanted: Sequence[desks.Work], told: desks.Standing) -> Outcome:
    """Tell the help desk all of `wanted`. One request that fails does not stop the others; a desk that is silent is not asked for each."""
    outcome = Outcome([], [], [])
    silent: BackupError | None = None
    for work in wanted:
        try:
            if silent is not None:
                raise silent
            _one(desk, work, outcome)
        except BackupError as error:
            if error.fault.name == "desk_unreachable":
                silent = error
            _failed(desk, work.request, told, outcome, error)
    desk.leave()
    return outcome


def _one(desk: base.Desk, work: desks.Work, outcome: Outcome) -> None:
    request, number = work.request, work.number
    tells = desk.declared.get("tells", DEFAULT_TELLS)
    if not number:
        number, found = _ticket(desk, request, tells)
        outcome.entries.append(bound(desk.name, request, number, "Ya estaba en la mesa de ayuda, de una ejecución que no llegó a decirlo" if found else ""))
        outcome.lines.append("Solicitud {0}: {1} n.º {2}".format(request.ticket, desk.name, number))
    if not work.steps:
        return
    state = desk.state(number)
    if not state:
        raise desk.refused("there is no ticket {0}".format(number))
    if state == base.CLOSED and request.is_open:
        raise desk.refused("ticket {0} is closed there, and the request is not".format(number))
    texts = [] if state == base.CLOSED else desk.texts(number)
    for step in work.steps:
        if state != base.CLOSED:
            if step.after == requests.CLOSED:
                desk.close(number, desks.words(request, step, tells))
            elif not desks.is_told(texts, request, step):
                desk.add(number, desks.words(request, step, tells))
        outcome.entries.append(_entry(desks.HEARD, desk.name, request, number, links=step.n, note_es="Dicho a la mesa de ayuda: {0}".format(
            requests.SPANISH[step.after]) + ("; ya la tenía cerrada" if state == base.CLOSED else "")))
    outcome.lines.append("Solicitud {0}: {1} n.º {2}, pasos dichos: {3}".format(request.ticket, desk.name, number, len(work.steps)))


def _ticket(desk: base.Desk, request: requests.Request, tells: Sequence[str]) -> tuple[str, bool]:
    """The number of a request's ticket there, and whether it was there. An answer that did not come is looked for once: it may have been made."""
    mark = desks.mark(request)
    found = desk.find(mark)
    if found:
        return found, True
    try:
        return desk.open(desks.title(request), desks.opening(request, tells)), False
    except BackupError as error:
        if error.fault.name != "desk_unreachable":
            raise
        found = desk.find(mark)
        if not found:
            raise
        return found, False


def _failed(desk: base.Desk, request: requests.Request, told: desks.Standing, outcome: Outcome, error: BackupError) -> None:
    """What failed is told each time, and is an entry once: a desk that is silent for a day fills no bitácora."""
    if error not in outcome.failures:
        outcome.failures.append(error)
    if told.failed.get(request.ticket) != error.code:
        outcome.entries.append(_entry(desks.FAILED, desk.name, request, "", **result.failure(error)))


def bound(desk: str, request: requests.Request, number: str, why: str, **more: Any) -> dict[str, Any]:
    """The entry that binds a request to a number of a help desk."""
    told = "La solicitud {0} es la {1} de {2}".format(request.ticket, number, desk)
    return _entry(desks.BOUND, desk, request, number, note_es="{0}. {1}".format(told, why) if why else told, **more)


def _entry(event: str, desk: str, request: requests.Request, number: str, **more: Any) -> dict[str, Any]:
    about: Mapping[str, Any] = {"system": request.system or None, "kind": request.system_kind or None}
    return result.build(event=event, numeral="7.1.2", ticket=request.ticket, request=request.kind, office=request.office, desk=desk,
                        desk_number=number or None, **about, **more)
