# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How each purpose of the schedule stands: when it ran last and how that ended, and when it should have run. By the bitácora alone.

Warnings, board, compliance, evidence and metrics all say what `standing` says. A purpose that no schedule of ours starts (cron, AWX by hand) is told by its
runs: that it failed is known, that it is late is not.
"""

from __future__ import annotations

import datetime
import zoneinfo
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ...module_utils._engine.errors import BackupError
from .._bitacora.any_store import Store
from .._schedules import in_force, late, missed, times, when
from .._schedules.purposes import PURPOSES

DECLARED = (in_force.SET, in_force.REMOVED, missed.FAILED)
ENDED, INTERRUPTED = "run_ended", "run_interrupted"
RUNS = (missed.STARTED, ENDED, INTERRUPTED)
# state -> the word people read, the worst first
STATES = {"never": "nunca corrió", "missed": "no corrió cuando debía", "unstarted": "no llegó a empezar", "failed": "terminó con fallas",
          "interrupted": "quedó interrumpida", "empty": "no hizo nada", "partial": "hecha en parte", "running": "en curso", "waiting": "por correr",
          "good": "bien"}
MISSING = ("never", "missed", "unstarted")
BAD = ("failed", "interrupted", "empty", "partial")
# Whose failures nothing else tells: what copies, mails and letters failed at is told by system, mailbox and letter.
TOLD = ("drills", "verification", "prune", "transfer", "custody", "anchor", "reports", "metrics", "reconcile")
HEADINGS = ("Propósito", "Programada", "Última ejecución", "Estado", "Debió correr", "Próxima", "Inicios perdidos")


class Standing(NamedTuple):
    """A purpose, now. Times are UTC as the bitácora has them, "" where there is none."""

    purpose: str
    title: str            # Spanish
    schedule: str         # when it runs, in Spanish words; "" where no schedule of ours starts it
    state: str            # one of STATES
    missed: int           # starts in a row that did not come
    last: str             # when its last run began, and the entry of that
    last_n: int
    due: str              # when it should have run and did not
    next: str
    text: str             # Spanish: what a warning says of it; "" where there is nothing to say
    late: str = ""        # how much later than its hour the last run began; "" where it came in time
    late_text: str = ""   # Spanish: what a warning says of that


def read(store: Store, now: datetime.datetime) -> list[Standing]:
    """The standing of every purpose that the bitácora knows. Raises BackupError(bitacora_unreadable)."""
    since = _stamp(now - missed.LOOKED_BACK)
    return standing(store.entries(type=DECLARED), store.entries(type=RUNS, since=since), now, missed.up_for())


def standing(declared: Iterable[Mapping[str, Any]], runs: Iterable[Mapping[str, Any]], now: datetime.datetime,
             up: datetime.timedelta = missed.LOOKED_BACK) -> list[Standing]:
    """`declared` are the entries DECLARED, `runs` those of RUNS since `now - missed.LOOKED_BACK`, both oldest first; `up` is how long this machine is up."""
    # a run that a clock began that was ahead says nothing of how this purpose stands
    told, known = list(declared), [entry for entry in runs if not entry.get("simulated") and not missed.is_ahead(entry, now)]
    starts = [entry for entry in known if entry["type"] == missed.STARTED]
    started = {str(entry.get("playbook", "")): entry for entry in starts}
    ended = {entry.get("run"): entry for entry in known if entry["type"] in (ENDED, INTERRUPTED)}
    signs = {sign.purpose: sign for sign in missed.signs(told, starts, now, up)}
    timed = missed.in_force_now(told)
    found = []
    for name, purpose in PURPOSES.items():
        last = started.get(purpose.playbook + ".yml")
        if name not in timed and not last:
            continue
        sign = signs.get(name)
        state = _state(last, ended, sign)
        words, following = _planned(timed[name][0], now) if name in timed else ("", "")
        began = late.measured(name, told, starts, now) if name in timed else None
        text = sign.text if sign else _failed(name, purpose.title, state, last) if state in BAD else ""
        found.append(Standing(name, purpose.title, words, state, sign.missed if sign else 0, str(last["at_event"]) if last else "", last["n"] if last else 0,
                              _stamp(sign.due) if sign and sign.due else "", following, text, *_late(began)))
    return found


def _state(last: Mapping[str, Any] | None, ended: Mapping[Any, Mapping[str, Any]], sign: missed.Sign | None) -> str:
    if sign:
        return "unstarted" if sign.error is None else "missed" if last else "never"
    if not last:
        return "waiting"
    end = ended.get(last.get("run"))
    if end is None:
        return "running"
    verdict = str(end.get("verdict", "")) if end["type"] == ENDED else "interrupted"
    return verdict if verdict in STATES else "failed"


def _planned(timed: when.Timed, now: datetime.datetime) -> tuple[str, str]:
    """In words, and the next start."""
    try:
        zone = zoneinfo.ZoneInfo(timed.zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return when.in_words(timed.when), ""
    return when.in_words(timed.when), _stamp(next(times.after(timed.when, zone, now)))


def _late(start: late.Start | None) -> tuple[str, str]:
    if start is None or start.error is None:
        return "", ""
    return late.duration(start.late), f"{start.error.code}: {start.error.spanish}"


def _failed(name: str, title: str, state: str, last: Mapping[str, Any] | None) -> str:
    if not last:
        return ""
    error = BackupError("purpose_failed", purpose=name, purpose_es=title, state=state, state_es=STATES[state], at=last["at_event"])
    return f"{error.code}: {error.spanish}"


def light(each: Standing) -> str:
    """good, late or missing, as the lights of the board have them."""
    return "missing" if each.state in MISSING else "late" if each.state in BAD else "good"


def rows(found: Iterable[Standing], zone: datetime.tzinfo) -> list[list[str]]:
    """The cells of each under HEADINGS, times by the clocks of a zone."""
    return [[each.title[:1].upper() + each.title[1:], each.schedule or "sin programación declarada", _shown(each.last, zone),
             STATES[each.state] + (f"; empezó con {each.late} de atraso" if each.late else ""), _shown(each.due, zone), _shown(each.next, zone),
             str(each.missed)] for each in found]


def _shown(stamp: str, zone: datetime.tzinfo) -> str:
    return missed.moment({"at_event": stamp}).astimezone(zone).strftime("%Y-%m-%d %H:%M") if stamp else ""


def _stamp(moment: datetime.datetime) -> str:
    return moment.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
