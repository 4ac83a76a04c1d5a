# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which start should have been and was not, by the bitácora alone: what was put in force there, and the runs that began. Pure functions."""

from __future__ import annotations

import datetime
import zoneinfo
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ...module_utils._engine import result
from ...module_utils._engine.errors import BackupError
from . import in_force
from .in_force import REMOVED as REMOVED
from .in_force import SCHEDULERS
from .in_force import SET as SET
from .purposes import PURPOSES
from .times import until
from .when import Timed, read

FAILED, STARTED = "schedule_failed", "run_started"
# More than the longest way from one start to the next, a month, with the longest delay and grace.
LOOKED_BACK = datetime.timedelta(days=45)
# A clock that was set back a little, or an entry's time cut to the second, makes no start too early.
_EARLY = datetime.timedelta(minutes=1)
_UNKNOWN = datetime.datetime(2000, 1, 1, tzinfo=datetime.timezone.utc)


class Sign(NamedTuple):
    """A purpose whose last start did not come, or ended before it could record anything."""

    purpose: str
    missed: int       # starts in a row that did not come; 1 for one that failed to begin
    text: str         # Spanish, with its code


def signs(declared: Iterable[Mapping[str, Any]], starts: Iterable[Mapping[str, Any]], now: datetime.datetime) -> list[Sign]:
    """`declared` are the entries SET, REMOVED and FAILED, `starts` the runs since `now - LOOKED_BACK`, both oldest first."""
    entries = list(declared)
    failed = {str(entry.get("purpose", "")): entry for entry in entries if entry["type"] == FAILED and not entry.get("simulated")}
    last: dict[str, datetime.datetime] = {}
    for entry in starts:
        if not entry.get("simulated"):
            last[str(entry.get("playbook", ""))] = _moment(entry)
    found = []
    for purpose, put in in_force.read(entries).items():
        timed = read(put.schedule)
        if not timed:
            continue
        started = last.get(PURPOSES[purpose].playbook + ".yml")
        error = failed.get(purpose)
        if error and not (started and started > _moment(error)):
            found.append(Sign(purpose, 1, f"{error.get('error_code', '')}: {error.get('error_message_es', '')}"))
            continue
        found += _missed(purpose, timed, put, started, now)
    return found


def _missed(purpose: str, timed: Timed, put: in_force.InForce, started: datetime.datetime | None, now: datetime.datetime) -> list[Sign]:
    try:
        zone = zoneinfo.ZoneInfo(timed.zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return []
    late = datetime.timedelta(minutes=timed.delay_minutes + timed.grace_minutes)
    begin = max(_moment(put.entry), now - LOOKED_BACK, *([started + _EARLY] if started else []))
    due = until(timed.when, zone, begin, now - late)
    if not due:
        return []
    error = BackupError("schedule_missed", purpose=purpose, purpose_es=PURPOSES[purpose].title, at=due[-1].astimezone(zone).strftime("%Y-%m-%d %H:%M"),
                        times=len(due), scheduler=SCHEDULERS.get(put.scheduler, put.scheduler))
    return [Sign(purpose, len(due), f"{error.code}: {error.spanish}. {error.remedy}")]


def _moment(entry: Mapping[str, Any]) -> datetime.datetime:
    """When an entry happened; long ago where that is no time, so that nothing counts as started by it."""
    if not result.is_time(entry.get("at_event")):
        return _UNKNOWN
    return datetime.datetime.strptime(entry["at_event"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc)
