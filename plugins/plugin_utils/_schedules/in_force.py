# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which times are in force, by the bitácora alone, and what differs from those that are wanted. Pure functions.

Of one purpose the last entry counts, whichever scheduler it names: so a move from systemd to AWX is one entry, and what is taken away later from the scheduler
that was left takes away nothing from the new one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from ...module_utils._engine import result
from .purposes import PURPOSES
from .when import Timed, in_words, written

SET, REMOVED = "schedule_set", "schedule_removed"
SYSTEMD, CRON = "systemd", "cron"
# Each has its file in roles/schedule/tasks, and its name for people here.
SCHEDULERS = {SYSTEMD: "systemd", "awx": "AWX", "semaphore": "Semaphore", CRON: "cron"}


class InForce(NamedTuple):
    """The last entry that put a purpose in force."""

    schedule: str     # as when.written writes it, if one of us wrote it
    scheduler: str
    entry: Mapping[str, Any]


def read(entries: Iterable[Mapping[str, Any]]) -> dict[str, InForce]:
    """By purpose. `entries` are those of SET and REMOVED, oldest first; others and simulated ones are passed over."""
    found: dict[str, InForce] = {}
    for entry in entries:
        purpose, scheduler = str(entry.get("purpose", "")), str(entry.get("scheduler") or SYSTEMD)
        if entry.get("simulated") or purpose not in PURPOSES:
            continue
        if entry.get("type") == SET:
            found[purpose] = InForce(str(entry.get("schedule")), scheduler, entry)
        elif entry.get("type") == REMOVED and purpose in found and found[purpose].scheduler == scheduler:
            del found[purpose]
    return found


def differences(schedule: Mapping[str, Timed], reasons: Mapping[str, str], found: Mapping[str, InForce], scheduler: str) -> list[dict[str, Any]]:
    """The entries that make the bitácora say that `scheduler` has `schedule`, and no other purpose."""
    entries = [put(name, timed, reasons, scheduler) for name, timed in schedule.items()
               if name not in found or found[name][:2] != (written(timed), scheduler)]
    return entries + [taken(name, scheduler) for name, each in found.items() if each.scheduler == scheduler and name not in schedule]


def by_systemd(schedule: Mapping[str, Timed], reasons: Mapping[str, str], found: Mapping[str, InForce], touched: Collection[str],
               others: Collection[str]) -> list[dict[str, Any]]:
    """The same of the timers of this machine: of the purposes that were `touched`, and of what the bitácora does not say as it is by now, because a run died
    between the timer and its entry. What `others` have, another inventory or another machine with this bitácora, stays theirs.
    """
    entries = [put(name, timed, reasons, SYSTEMD) for name, timed in schedule.items()
               if name in touched or name not in found or found[name][:2] != (written(timed), SYSTEMD)]
    return entries + [taken(name, SYSTEMD) for name in PURPOSES if name not in schedule and name not in others
                      and (name in touched or name in found and found[name].scheduler == SYSTEMD)]


def put(name: str, timed: Timed, reasons: Mapping[str, str], scheduler: str) -> dict[str, Any]:
    """The entry of a time that a scheduler has taken."""
    return result.build(event=SET, purpose=name, schedule=written(timed), scheduler=scheduler, reason_text=reasons.get(name),
                        note_es=f"{PURPOSES[name].title}: {in_words(timed.when)} ({timed.zone}), por {SCHEDULERS[scheduler]}")


def taken(name: str, scheduler: str) -> dict[str, Any]:
    """The entry of a purpose that a scheduler no longer starts."""
    return result.build(event=REMOVED, purpose=name, scheduler=scheduler, note_es=f"{PURPOSES[name].title}: {SCHEDULERS[scheduler]} ya no lo inicia")
