# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Letters about requests that could not be sent, and since when: what the warnings tell of them. Pure functions over entries."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

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
    waiting: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for entry in entries:
        if entry.get("simulated") or entry["type"] not in TYPES:
            continue
        key = tuple(entry.get(name) for name in ("ticket", "letter", "links", "reminder", "post"))
        if entry["type"] == TYPES[0]:
            waiting.pop(key, None)
        else:
            waiting.setdefault(key, []).append(entry)
    found: dict[str, list[list[Mapping[str, Any]]]] = {}
    for tries in waiting.values():
        if now - time_of(tries[0]["at_event"]) >= _PATIENCE and now - time_of(tries[-1]["at_event"]) <= _TRIED_LATELY:
            found.setdefault(str(tries[0].get("ticket", "")), []).append(tries)
    return [_sign(ticket, letters, now) for ticket, letters in sorted(found.items())]


def _sign(ticket: str, letters: list[list[Mapping[str, Any]]], now: datetime.datetime) -> Sign:
    oldest = min(letters, key=lambda tries: str(tries[0]["at_event"]))
    age = (now - time_of(oldest[0]["at_event"])).days
    last: Mapping[str, Any] = next((entry for entry in reversed(oldest) if entry.get("error_code")), {})
    why = "{0}: {1}".format(last["error_code"], last.get("error_message_es", "")) if last else "una ejecución terminó sin decir si lo envió"
    many = "un correo" if len(letters) == 1 else "{0} correos".format(len(letters))
    return Sign("letters:" + ticket, rank(age), "Solicitud {0}: {1} sin enviar desde hace {2}. {3}".format(
        ticket, many, days_of(age) if age else "más de una hora", why))
