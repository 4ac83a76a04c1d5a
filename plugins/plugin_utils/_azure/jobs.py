# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Azure Backup's jobs say of a day (7.2.3 b): good, with warnings, failed, stuck, absent, or not over yet. Pure functions; they ask nobody."""

from __future__ import annotations

import datetime
import re
import typing as t
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .protection import SORTS, Item, same_computer, volume_name

UTC = datetime.timezone.utc
# The state of a MARS job reaches the vault up to 15 minutes late; so long after midnight a day without a job is still open.
LAG = datetime.timedelta(minutes=30)
# A recovery point is of a job when it was taken while the job ran, the clocks of both a little apart.
_AROUND = datetime.timedelta(minutes=10)
# so long after a job the vault may still not list its recovery point
LISTED_LATE = datetime.timedelta(hours=1)
_RUNNING = ("InProgress", "Cancelling")
_FINISHED = {"Completed": "good", "CompletedWithWarnings": "warnings"}
# from the best; what still runs may yet become good
_ORDER = ("good", "warnings", "running", "stuck", "failed")
_MOST_TEXTS = 20
# The service has said it by files and by counts, in English, whatever the portal's language.
_SKIPPED = re.compile(r"(?:failed|skipped|not backed up)", re.IGNORECASE)
_SIZES = {"B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}


class Job(t.NamedTuple):
    """A backup job, as far as a verdict needs it. Times are UTC."""

    id: str
    status: str
    started: datetime.datetime
    ended: datetime.datetime | None


class Day(t.NamedTuple):
    """What became of a day: its state and the job that decides it."""

    day: datetime.date
    state: str           # good, warnings, failed, stuck, absent, running
    job: Job | None


def moment(text: str) -> datetime.datetime:
    """A time of the service: UTC, with up to seven digits below the second. Raises ValueError."""
    told = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)?", text)
    if not told:
        raise ValueError(f"{text!r} is no time of the service")
    zone = "+00:00" if told[3] in (None, "Z") else told[3]
    return datetime.datetime.fromisoformat(told[1] + zone).astimezone(UTC)


def stamp(at: datetime.datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def filter_of(sort: str, since: datetime.datetime, until: datetime.datetime) -> str:
    """The filter for the jobs of a sort that began in between, as the official examples write it."""
    begin, end = (at.astimezone(UTC).strftime("%Y-%m-%d %I:%M:%S %p") for at in (since, until))
    return f"backupManagementType eq '{SORTS[sort].management}' and startTime eq '{begin}' and endTime eq '{end}'"


def is_of(row: Mapping[str, Any], sort: str, item: Item) -> bool:
    """Whether a job, as the service tells it, is of an item."""
    told, known = row["properties"], item.properties
    friendly = str(told.get("entityFriendlyName", ""))
    if sort == "agent":
        return (same_computer(str(told.get("mabServerName", "")), str(known.get("computerName", "")))
                and volume_name(friendly) == volume_name(str(known.get("friendlyName", ""))))
    if friendly.lower() != str(known.get("friendlyName", "")).lower():
        return False
    if sort == "share":
        return str(told.get("storageAccountName", "")).lower() == str(known.get("sourceResourceId", "")).rpartition("/")[2].lower()
    # a job of a machine names its container, which tells two machines of one name in two groups apart
    container = str(told.get("containerName", "")).lower()
    return not container or item.container.lower().endswith(container)


def backups(rows: Iterable[Mapping[str, Any]], sort: str, item: Item) -> list[Job]:
    """The backup jobs of an item, oldest first."""
    found = [Job(str(row["name"]), str(row["properties"].get("status", "")), moment(str(row["properties"]["startTime"])),
                 moment(str(row["properties"]["endTime"])) if row["properties"].get("endTime") else None)
             for row in rows if row["properties"].get("operation") == "Backup" and is_of(row, sort, item)]
    return sorted(found, key=lambda job: (job.started, job.id))


def configured(rows: Iterable[Mapping[str, Any]], sort: str, item: Item) -> datetime.datetime | None:
    """When the item was last put under protection, if that is among the jobs."""
    times = [moment(str(row["properties"]["startTime"])) for row in rows
             if row["properties"].get("operation") == "ConfigureBackup" and is_of(row, sort, item)]
    return max(times, default=None)


def state_of(job: Job, now: datetime.datetime, longest: datetime.timedelta) -> str:
    if job.status in _RUNNING:
        return "stuck" if now - job.started > longest else "running"
    return _FINISHED.get(job.status, "failed")


def judge(found: Sequence[Job], first: datetime.date, now: datetime.datetime, zone: datetime.tzinfo, longest: datetime.timedelta) -> list[Day]:
    """The verdict of each day from `first` to today, in `zone`; a day that is not over and has no job is left out.

    A job counts for the day it began. Of several the best decides, the last of the best.
    """
    today = now.astimezone(zone).date()
    days: dict[datetime.date, list[Job]] = {}
    for job in found:
        days.setdefault(job.started.astimezone(zone).date(), []).append(job)
    verdicts = []
    for place in range((today - first).days + 1):
        day = first + datetime.timedelta(days=place)
        if day in days:
            states = [(state_of(job, now, longest), job) for job in days[day]]
            best = min((state for state, _job in states), key=_ORDER.index)
            verdicts.append(Day(day, best, [job for state, job in states if state == best][-1]))
        elif now >= datetime.datetime.combine(day + datetime.timedelta(days=1), datetime.time(), zone) + LAG:
            verdicts.append(Day(day, "absent", None))
    return verdicts


def point_of(job: Job, points: Iterable[Mapping[str, str]]) -> str:
    """The id of the recovery point that a job made; "" when none was taken while it ran."""
    end = job.ended or job.started
    near = [(moment(point["at"]), point["id"]) for point in points if job.started - _AROUND <= moment(point["at"]) <= end + _AROUND]
    return max(near)[1] if near else ""


def texts(details: Mapping[str, Any]) -> list[str]:
    """What a job says of its errors and of what it left out: code, text and what is recommended, a line each, at most twenty."""
    told = details.get("properties") or {}
    info = told.get("extendedInfo") or {}
    lines = []
    for row in told.get("errorDetails") or ():
        code, text = row.get("errorCode"), " ".join(str(row.get("errorString") or row.get("errorTitle") or "").split())
        more = "; ".join(" ".join(str(each).split()) for each in row.get("recommendations") or ())
        lines.append(" ".join(part for part in (f"{code}:" if code is not None else "", text, f"({more})" if more else "") if part))
    if info.get("dynamicErrorMessage"):
        lines.append(" ".join(str(info["dynamicErrorMessage"]).split()))
    for name, value in (info.get("propertyBag") or {}).items():
        if _SKIPPED.search(str(name)) and str(value).strip() not in ("", "0"):
            lines.append(f"{name}: {value}")
    lines = list(dict.fromkeys(line for line in lines if line))
    return lines[:_MOST_TEXTS] + ([f"... ({len(lines) - _MOST_TEXTS})"] if len(lines) > _MOST_TEXTS else [])


def size_of(details: Mapping[str, Any]) -> int | None:
    """The bytes of a copy where the job tells them ("Backup Size": "2359 MB")."""
    bag = ((details.get("properties") or {}).get("extendedInfo") or {}).get("propertyBag") or {}
    told = re.fullmatch(r"([\d.]+)\s*([KMGT]?B)", str(bag.get("Backup Size", "")).strip(), re.IGNORECASE)
    return int(float(told[1]) * _SIZES[told[2].upper()]) if told else None
