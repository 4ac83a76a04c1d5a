# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which start came later than its hour, and which before it never came, whoever was to make them: by what schedule.yml declared and by the starts that the
bitácora has. Pure functions.

One rule for every scheduler: systemd catches up after an outage, AWX starts what it could not, cron and Semaphore go on with their next hour, and a person
starts what was forgotten. Each of them is a start, and is measured against the hours since the start before it.
"""

from __future__ import annotations

import datetime
import zoneinfo
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ...module_utils._engine import result
from ...module_utils._engine.errors import BackupError
from . import missed
from .in_force import SCHEDULERS, InForce
from .purposes import PURPOSES
from .times import until
from .when import Timed

TOLD = "schedule_late"      # that a start came late, written by the run that it began
_LOOKED_AT = 20             # starts without an hour of their own, after the last that had one


class Start(NamedTuple):
    """A start of a purpose, measured."""

    late: datetime.timedelta      # behind its hour; nothing where it came in time
    error: BackupError | None     # that it was late
    lost: missed.Sign | None      # the starts between the one before and this one that never came


def measured(purpose: str, declared: Iterable[Mapping[str, Any]], starts: Iterable[Mapping[str, Any]], now: datetime.datetime,
             run: object = None) -> Start | None:
    """The start of `run`, or the last one that had an hour of its own: none had come since the start before it, where a person or a second scheduler began it.

    `declared` are the entries SET, REMOVED and FAILED, `starts` the runs of `missed.LOOKED_BACK`, both in the order of the bitácora. None where there is none.
    """
    told = list(declared)
    playbook = PURPOSES[purpose].playbook + ".yml"
    latest = _stamp(now + missed.EARLY)     # what bears a date of the future was no start
    known = [entry for entry in starts if entry.get("playbook") == playbook and not entry.get("simulated")
             and result.is_time(entry.get("at_event")) and entry["at_event"] <= latest]
    # a start that failed before it could record anything (RSP741) is one, too
    failed = [entry for entry in told if entry["type"] == missed.FAILED and entry.get("purpose") == purpose and not entry.get("simulated")]
    timed, put = missed.in_force_now(told).get(purpose, (None, None))
    if timed is None or put is None:
        return None
    for number in range(len(known) - 1, max(-1, len(known) - 1 - _LOOKED_AT), -1):
        if run is None or known[number].get("run") == run:
            found = _measured(purpose, timed, put, missed.moment(known[number]), [*known[:number], *failed])
            if found or run is not None:
                return found
    return None


def _measured(purpose: str, timed: Timed, put: InForce, at: datetime.datetime, others: Iterable[Mapping[str, Any]]) -> Start | None:
    try:
        zone = zoneinfo.ZoneInfo(timed.zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return None
    # the clock of another controller may be a little ahead of this one's
    before = max((entry for entry in others if str(entry.get("at_event")) <= _stamp(at + missed.EARLY)), key=lambda entry: str(entry["at_event"]), default=None)
    since = max(missed.moment(put.entry), at - missed.LOOKED_BACK, *([missed.moment(before) + missed.EARLY] if before else []))
    due = until(timed.when, zone, since, at + missed.EARLY)
    if not due:
        return None
    late = max(at - due[-1], datetime.timedelta(0))
    error = None
    if late > datetime.timedelta(minutes=timed.delay_minutes + timed.grace_minutes):
        error = BackupError("schedule_late", purpose=purpose, purpose_es=PURPOSES[purpose].title, at=_shown(due[-1], zone), began=_shown(at, zone),
                            late=duration(late), scheduler=SCHEDULERS.get(put.scheduler, put.scheduler))
    return Start(late if error else datetime.timedelta(0), error, missed.series(purpose, put, zone, since, due[:-1]))


def duration(late: datetime.timedelta) -> str:
    """In words of both languages: 3 d 02 h 05 min."""
    minutes = int(late.total_seconds()) // 60
    days, hours = minutes // 1440, minutes // 60 % 24
    return f"{days} d {hours:02d} h {minutes % 60:02d} min" if days else f"{hours} h {minutes % 60:02d} min"


def _stamp(moment: datetime.datetime) -> str:
    return moment.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _shown(moment: datetime.datetime, zone: datetime.tzinfo) -> str:
    return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M")
