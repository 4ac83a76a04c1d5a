# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Letters about requests that could not be sent, and since when: what the warnings and the board tell of them. Pure functions over entries."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from . import due as moments
from .signs import days_of, rank, time_of

TYPES = ("request_told", "letter_started", "letter_failed")
# What goes with the next try is no news for anybody. A letter that is still due is tried each day at least: one that is not has no entry lately.
_PATIENCE = datetime.timedelta(hours=1)
_TRIED_LATELY = datetime.timedelta(days=3)


class Sign(NamedTuple):
    """What is not as it should be of one request's letters."""

    key: str
    level: int
    text: str      # Spanish


def signs(entries: Iterable[Mapping[str, Any]], now: datetime.datetime) -> list[Sign]:
    """A sign for each request with letters that have failed for more than an hour, or that a run began and nobody ended."""
    found = _untold(entries, now)
    # nobody can tell since when a letter waits that only a clock tried that was ahead
    late = {ticket: [tries for tries in letters if not -moments.CLOCKS_DIFFER <= now - _since(tries) < _PATIENCE] for ticket, letters in found.items()}
    return [_sign(ticket, letters, now) for ticket, letters in sorted(late.items()) if letters]


class Waiting(NamedTuple):
    """The letters of a request that wait to be sent."""

    letters: int
    since: str      # when the oldest of them was first tried, UTC
    why: str        # the code of what failed last; "" where a run ended without a word


def waiting(entries: Iterable[Mapping[str, Any]], now: datetime.datetime) -> dict[str, Waiting]:
    """What waits of each request, by its ticket, from the first failure on. A letter that a run has just begun goes its way."""
    found = {}
    for ticket, letters in _untold(entries, now).items():
        stuck = [tries for tries in letters if tries[-1]["type"] == TYPES[2] or now - time_of(tries[-1]["at_event"]) >= _PATIENCE]
        if stuck:
            oldest = min(stuck, key=lambda tries: str(tries[0]["at_event"]))
            found[ticket] = Waiting(len(stuck), str(oldest[0]["at_event"]), str(_failure(oldest).get("error_code", "")))
    return found


def _untold(entries: Iterable[Mapping[str, Any]], now: datetime.datetime) -> dict[str, list[list[Mapping[str, Any]]]]:
    """The tries of each letter that was not told and is still tried, by ticket."""
    open_ones: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for entry in entries:
        if entry.get("simulated") or entry["type"] not in TYPES:
            continue
        key = tuple(entry.get(name) for name in ("ticket", "letter", "links", "reminder", "post"))
        if entry["type"] == TYPES[0]:
            open_ones.pop(key, None)
        else:
            open_ones.setdefault(key, []).append(entry)
    found: dict[str, list[list[Mapping[str, Any]]]] = {}
    for tries in open_ones.values():
        if now - time_of(tries[-1]["at_event"]) <= _TRIED_LATELY:
            found.setdefault(str(tries[0].get("ticket", "")), []).append(tries)
    return found


def _since(tries: list[Mapping[str, Any]]) -> datetime.datetime:
    """Since when a letter is tried: of what a clock that was ahead wrote, the later tries tell."""
    return min(time_of(each["at_event"]) for each in tries)


def _failure(tries: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The last failure of a letter's tries; empty where there is none."""
    return next((entry for entry in reversed(tries) if entry.get("error_code")), {})


def _sign(ticket: str, letters: list[list[Mapping[str, Any]]], now: datetime.datetime) -> Sign:
    oldest = min(letters, key=_since)
    age = (now - _since(oldest)).days
    last = _failure(oldest)
    why = "{0}: {1}".format(last["error_code"], last.get("error_message_es", "")) if last else "una ejecución terminó sin decir si lo envió"
    many = "un correo" if len(letters) == 1 else "{0} correos".format(len(letters))
    return Sign("letters:" + ticket, rank(age), "Solicitud {0}: {1} sin enviar desde hace {2}. {3}".format(
        ticket, many, days_of(age) if age else "más de una hora", why))
