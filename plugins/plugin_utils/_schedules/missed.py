# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which start should have been and was not, by the bitácora alone: what was put in force there, and the runs that began. Pure functions."""

from __future__ import annotations

import datetime
import time
import zoneinfo
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ...module_utils._engine import result
from ...module_utils._engine.errors import BackupError
from . import in_force
from .in_force import SCHEDULERS
from .purposes import PURPOSES
from .times import until
from .when import Timed, read

FAILED, STARTED = "schedule_failed", "run_started"
TOLD = "schedule_missed"     # that a series of missed starts was written down, once
# More than the longest way from one start to the next, a month, with the longest delay and grace.
LOOKED_BACK = datetime.timedelta(days=45)
# A clock that was set back a little, or an entry's time cut to the second, makes no start too early.
EARLY = datetime.timedelta(minutes=1)
_CLOCKS_DIFFER = datetime.timedelta(minutes=5)
# After a boot, until systemd has begun its timers; then each start that it catches up waits for its own random delay.
_BOOT = datetime.timedelta(minutes=2)
_UNKNOWN = datetime.datetime(2000, 1, 1, tzinfo=datetime.timezone.utc)


class Sign(NamedTuple):
    """A purpose whose last start did not come, or ended before it could record anything."""

    purpose: str
    missed: int       # starts in a row that did not come; 1 for one that failed to begin
    text: str         # Spanish, with its code
    error: BackupError | None = None                # of starts that did not come
    since: datetime.datetime | None = None          # the last start that did come, or when the schedule was put in force: the series is after it
    due: datetime.datetime | None = None            # the last start that did not come


def up_for() -> datetime.timedelta:
    """How long this machine is up."""
    return datetime.timedelta(seconds=time.clock_gettime(time.CLOCK_BOOTTIME))


def signs(declared: Iterable[Mapping[str, Any]], starts: Iterable[Mapping[str, Any]], now: datetime.datetime,
          up: datetime.timedelta = LOOKED_BACK) -> list[Sign]:
    """`declared` are the entries SET, REMOVED and FAILED, `starts` the runs since `now - LOOKED_BACK`, both oldest first.

    `up` is how long this machine is up: what its systemd is about to catch up is not missed yet.
    """
    told = list(declared)
    failed = {str(entry.get("purpose", "")): entry for entry in told
              if entry["type"] == FAILED and not entry.get("simulated") and not is_ahead(entry, now)}
    last: dict[str, datetime.datetime] = {}
    for entry in starts:
        if not entry.get("simulated"):
            name, at = str(entry.get("playbook", "")), moment(entry)
            # what a journal kept back for a while is appended after what began later
            last[name] = max(at, last.get(name, _UNKNOWN)) if at <= now + EARLY else last.get(name, _UNKNOWN)
    found = []
    for purpose, (timed, put) in in_force_now(told).items():
        started = last.get(PURPOSES[purpose].playbook + ".yml")
        error = failed.get(purpose)
        if error and not (started and started > moment(error)):
            found.append(Sign(purpose, 1, f"{error.get('error_code', '')}: {error.get('error_message_es', '')}"))
            started = moment(error)      # a start came, and failed: what did not come after it is a series of its own
        found += _missed(purpose, timed, put, started, now, up)
    return found


def in_force_now(declared: Iterable[Mapping[str, Any]]) -> dict[str, tuple[Timed, in_force.InForce]]:
    """purpose -> when it runs, and the entry by which it was put in force; where that entry's words say no time of ours, nothing."""
    known = in_force.read(declared)
    return {purpose: (timed, put) for purpose, put in known.items() if (timed := read(put.schedule))}


def unwritten(found: Iterable[Sign], told: Iterable[Mapping[str, Any]], now: datetime.datetime) -> list[Sign]:
    """Of the signs, the series of missed starts that no entry TOLD tells yet. One that lasts longer than LOOKED_BACK is told again."""
    written: dict[str, datetime.datetime] = {}
    for entry in told:
        if not entry.get("simulated") and not is_ahead(entry, now):
            written[str(entry.get("purpose", ""))] = moment(entry)
    return [sign for sign in found if sign.error and sign.since and written.get(sign.purpose, _UNKNOWN) <= sign.since]


def _missed(purpose: str, timed: Timed, put: in_force.InForce, started: datetime.datetime | None, now: datetime.datetime,
            up: datetime.timedelta) -> list[Sign]:
    try:
        zone = zoneinfo.ZoneInfo(timed.zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return []
    late = datetime.timedelta(minutes=timed.delay_minutes + timed.grace_minutes)
    # what was put in force by a clock that was ahead may have been so all the time
    put_at = _UNKNOWN if is_ahead(put.entry, now) else moment(put.entry)
    begin = max(put_at, now - LOOKED_BACK, *([started + EARLY] if started else []))
    if put.scheduler == in_force.SYSTEMD and timed.catch_up and up < _BOOT + datetime.timedelta(minutes=timed.delay_minutes):
        begin = max(begin, now - up)
    due = until(timed.when, zone, begin, now - late)
    sign = series(purpose, put, zone, begin, due)
    return [sign] if sign else []


def series(purpose: str, put: in_force.InForce, zone: datetime.tzinfo, since: datetime.datetime, due: Sequence[datetime.datetime]) -> Sign | None:
    """What is told of starts that did not come after `since`, oldest first; None of none."""
    if not due:
        return None
    error = BackupError("schedule_missed", purpose=purpose, purpose_es=PURPOSES[purpose].title, at=due[-1].astimezone(zone).strftime("%Y-%m-%d %H:%M"),
                        times=len(due), scheduler=SCHEDULERS.get(put.scheduler, put.scheduler))
    return Sign(purpose, len(due), f"{error.code}: {error.spanish}. {error.remedy}", error, since, due[-1])


def is_ahead(entry: Mapping[str, Any], now: datetime.datetime) -> bool:
    """Whether a clock that was ahead wrote an entry: it says nothing of what has been since."""
    return moment(entry) > now + _CLOCKS_DIFFER


def moment(entry: Mapping[str, Any]) -> datetime.datetime:
    """When an entry happened; long ago where that is no time, so that nothing counts as started by it."""
    if not result.is_time(entry.get("at_event")):
        return _UNKNOWN
    return datetime.datetime.strptime(entry["at_event"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc)
