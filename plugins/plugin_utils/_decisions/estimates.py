# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Until when a request can be attended to (numeral 5.1 e): its volume, how fast such things were restored, what waits before it, and the hours that people
work. Pure functions. What it took is compared with it afterwards.
"""

from __future__ import annotations

import datetime
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ...module_utils._engine.policy import people
from ...module_utils._engine.policy.vocabulary import CRITICALITIES, DAYS_OF_WEEK
from .._bitacora.view import amount
from . import due, requests

# What nobody has measured yet is taken to be slow: bytes in a second. And what people need for a request: to locate, to look at it, to tell.
UNMEASURED = 10 * 1024 ** 2
HANDLING = datetime.timedelta(minutes=30)
_MOST_MEASURED = 20
# A promise further away than this is none.
_FURTHEST = datetime.timedelta(days=3660)


class Estimate(NamedTuple):
    """Bytes, milliseconds of the restore alone, how many requests go before it, restores that were measured, and when it will be done (UTC)."""

    volume: int
    duration_ms: int
    queue: int
    measured: int
    promised_for: str


def rate(restores: Iterable[Mapping[str, Any]], kind: str) -> tuple[int, int]:
    """Bytes in a second that restores of a kind gave, the median of the last ones, and of how many; UNMEASURED of none.

    A median, since one restore over a slow line says nothing of the others.
    """
    told = [entry for entry in restores if entry.get("type") == "restored" and not entry.get("simulated") and entry.get("kind") == kind
            and entry.get("size") and entry.get("duration_ms")]
    rates = [entry["size"] * 1000 // entry["duration_ms"] for entry in told[-_MOST_MEASURED:]]
    return (max(1, int(statistics.median(rates))), len(rates)) if rates else (UNMEASURED, 0)


def before(request: requests.Request, others: Iterable[requests.Request]) -> list[requests.Request]:
    """The requests that are attended to before this one: those at work, and those that wait and are as critical or more, and older."""
    rank = _rank(request)
    return [other for other in others if other is not request and (other.state == requests.EXECUTING or (
        other.state in (requests.ESTIMATED, requests.AUTHORISED, requests.OBJECTED)
        and (_rank(other), other.opened_at, other.ticket) < (rank, request.opened_at, request.ticket)))]


def estimate(request: requests.Request, volume: int, kind: str, restores: Iterable[Mapping[str, Any]], others: Iterable[requests.Request],
             now: datetime.datetime, rules: Mapping[str, Any]) -> Estimate:
    """What attending to a request of `volume` bytes will take from `now` (aware) on."""
    speed, measured = rate(restores, kind)
    duration = datetime.timedelta(seconds=-(-volume // speed))
    ahead = before(request, others)
    waiting = sum((datetime.timedelta(milliseconds=other.estimated_ms) + HANDLING for other in ahead), datetime.timedelta())
    local = now.astimezone(due.zone(rules["time_zone"]))
    done = after_work(local, min(waiting + duration + HANDLING, _FURTHEST), rules)
    return Estimate(volume, duration // datetime.timedelta(milliseconds=1), len(ahead), measured,
                    done.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"))


def after_work(local: datetime.datetime, work: datetime.timedelta, rules: Mapping[str, Any]) -> datetime.datetime:
    """The moment when so much work, begun at a local moment, is done by people who keep the policy's working hours and holidays.

    A policy without them, or that leaves no day to work on, is taken to work always.
    """
    hours = rules.get("working_hours")
    if not hours or not hours["days"] or hours["from"] >= hours["until"]:
        return local + work
    holidays = {people.date_of(day) for day in rules.get("holidays") or ()}
    limit, moment = local + 3 * _FURTHEST, local
    while moment < limit:
        opens, closes = (_at(moment, hours[name]) for name in ("from", "until"))
        if DAYS_OF_WEEK[moment.weekday()] in hours["days"] and moment.date() not in holidays and moment < closes:
            begins = max(moment, opens)
            if work <= closes - begins:
                return begins + work
            work -= closes - begins
        moment = (moment + datetime.timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return moment


def kept(request: requests.Request) -> bool | None:
    """Whether a request was attended to by the time promised; None when nothing was promised, or it is not attended to yet."""
    attended = attended_at(request)
    return attended <= request.promised_for if attended and request.promised_for else None


def attended_at(request: requests.Request) -> str:
    """When a request was first attended to; "" while it is not."""
    return next((step.at for step in request.steps if step.after == requests.RESTORED), "")


def spanish(found: Estimate, local: datetime.datetime) -> str:
    """An estimate in one sentence; `local` is its promise in the zone of the policy."""
    basis = "mediana de {0} restauraciones medidas".format(found.measured) if found.measured else "sin restauraciones medidas: se supone lenta"
    return "Volumen de {0}, restauración de unos {1} min ({2}), solicitudes antes: {3}; plazo: {4:%d/%m/%Y %H:%M}".format(
        amount(found.volume), -(-found.duration_ms // 60000), basis, found.queue, local)


def _rank(request: requests.Request) -> int:
    order: Sequence[str] = CRITICALITIES
    return order.index(request.criticality) if request.criticality in order else len(order)


def _at(moment: datetime.datetime, clock: str) -> datetime.datetime:
    hour, minute = clock.split(":")
    return moment.replace(hour=int(hour), minute=int(minute), second=0, microsecond=0)
