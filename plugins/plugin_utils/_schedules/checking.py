# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a schedule is enough for what the policy and the inventory ask for, and does not stand in its own way."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any, NamedTuple

from ...module_utils._engine.policy import policy as engine
from ...module_utils._engine.policy.schema import Problem
from .declaring import WHERE, Declared
from .purposes import PURPOSES
from .times import until
from .when import When, minutes_of, minutes_of_day

APART = 30          # minutes between the starts of two purposes that take the same locks
_SHORTEST_MONTH, _LONGEST_MONTH = 28, 31
# Over these days every form has come several times; any will do, these have no 29 February.
_SINCE = datetime.datetime(2027, 1, 1, tzinfo=datetime.timezone.utc)
_FOR = datetime.timedelta(days=100)


class Used(NamedTuple):
    """What an inventory has that asks for a purpose."""

    systems: tuple[Mapping[str, Any], ...]   # of all hosts, enabled; of each its kind, criticality and source.type
    repository: bool                         # backup_repository
    channels: bool                           # backup_warn_mail, backup_warn_services
    anchors: bool                            # backup_anchor_mail, backup_anchor_medium
    mailbox: bool = False                    # backup_request_mail_box
    letters: bool = False                    # backup_letters_mail
    metrics: bool = False                    # backup_metrics_file


class Need(NamedTuple):
    """That a purpose must run, within how many days each time (0: whenever), and what asks for it."""

    days: int
    why: str


def needs(policy: Mapping[str, Any], used: Used, drill_days: Mapping[str, int], warning_days: Mapping[str, int]) -> dict[str, Need]:
    """What the policy needs of an inventory. `drill_days` by criticality, `warning_days` by name: those of the policy with their defaults."""
    ours = [system for system in used.systems if not engine.copied_by_a_tool(system)]
    told: dict[str, Need] = {}
    if ours:
        periods = [engine.period(policy, system["kind"], system["criticality"]) for system in ours]
        told["copies"] = Need(min((each.days or each.months * _SHORTEST_MONTH for each in periods if each), default=_SHORTEST_MONTH), "6.4")
        names = ("medium_verified_days", *(("data_read_days",) if any(system["kind"] in ("file_server", "mailbox") for system in ours) else ()))
        told["verification"] = Need(min((warning_days[name] for name in names if warning_days[name]), default=0), "5.1 c")
        told["drills"] = Need(min(drill_days[system["criticality"]] for system in ours), "A.12.3.1")
        told["media_health"] = Need(0, "5.1 a")
        if any(engine.retention(policy, system["kind"], system["criticality"]) for system in ours):
            told["prune"] = Need(0, "6.6")
        if any(policy["criticality"][system["criticality"]]["password"] or system["kind"] == "file_server" for system in ours):
            told["custody"] = Need(_LONGEST_MONTH, "5.2")
        if used.repository:
            told["transfer"] = Need(_LONGEST_MONTH, "7.2.1 d")
    tools = [system for system in used.systems if engine.copied_by_a_tool(system)]
    if tools:
        periods = [engine.period(policy, system["kind"], system["criticality"]) for system in tools]
        told["azure_backup"] = Need(min((each.days or each.months * _SHORTEST_MONTH for each in periods if each), default=1), "7.2.3 b")
    if used.systems:
        told["reports"] = Need(0, "8.2")
    if used.channels:
        told["warnings"] = Need(1, "5.1 a, c")
    if used.anchors:
        told["anchor"] = Need(warning_days["anchor_days"], "8.2")
    if used.mailbox:
        told["requests"] = Need(1, "7.1")
    if used.letters:
        told["letters"] = Need(1, "7.1")
    if used.metrics:
        told["metrics"] = Need(1, "5.1 a")
    return told


def check(declared: Declared, wanted: Mapping[str, Need], policy: Mapping[str, Any], zone: datetime.tzinfo, problems: list[Problem]) -> None:
    """Append what is missing, too rare, idle, in working hours or in the way of another."""
    for name, need in wanted.items():
        where = f"{WHERE}.{name}"
        if name in declared.off:
            problems.append(Problem(where + ".off", declared.off[name], f"switches off what this inventory needs (numeral {need.why})",
                                    "Say when it runs, or remove the key to take the default."))
        elif name in declared.timed and need.days:
            longest = _longest_gap(declared.timed[name].when, zone)
            if longest > need.days:
                problems.append(Problem(where, f"{longest} d", f"is not often enough: it must run each {need.days} days (numeral {need.why})",
                                        "Let it run more often."))
    for name in declared.timed:
        if name not in wanted and name in _IDLE:
            problems.append(Problem(f"{WHERE}.{name}", None, f"has nothing to do: the inventory has no {_IDLE[name]}", "Remove it, or declare what it is for."))
    if "copies" in declared.timed and "copies" not in declared.reasons:
        _in_working_hours(declared.timed["copies"].when, declared.timed["copies"].delay_minutes, policy, problems)
    _apart(declared, zone, problems)


# What ends in an error, or as a run without any work (RSP734), where the inventory has nothing for it.
_IDLE = {"transfer": "backup_repository", "azure_backup": "source.type azure_backup", "warnings": "backup_warn_mail, backup_warn_services",
         "anchor": "backup_anchor_mail, backup_anchor_medium", "metrics": "backup_metrics_file"}


def _longest_gap(when: When, zone: datetime.tzinfo) -> int:
    """The most days from one start to the next; days of 24 hours, an hour of summer time not counted."""
    if when.every_minutes:
        return 1      # at most: its steps divide a day, so that none need be counted
    found = until(when, zone, _SINCE, _SINCE + _FOR)
    return max(round((later - sooner) / datetime.timedelta(days=1)) for sooner, later in pairwise(found))


def _in_working_hours(when: When, delay: int, policy: Mapping[str, Any], problems: list[Problem]) -> None:
    hours = policy.get("working_hours")
    if not hours or (when.days and not set(when.days) & set(hours["days"])):
        return
    begin, end = minutes_of(hours["from"]), minutes_of(hours["until"])
    if any(minute < end and minute + delay >= begin for minute in minutes_of_day(when)):
        problems.append(Problem(f"{WHERE}.copies", when.at or when.every_minutes,
                                f"is in the working hours ({hours['from']}-{hours['until']}), delay_minutes included (numeral 6.4)",
                                "Choose another hour, or say why with the key reason."))


def _apart(declared: Declared, zone: datetime.tzinfo, problems: list[Problem]) -> None:
    """Two that take the same locks must not begin together. What runs each few minutes is meant to meet the others: it waits, or is refused (RSP404)."""
    starts = sorted((start, name) for name, timed in declared.timed.items() if PURPOSES[name].locks and timed.when.at
                    for start in until(timed.when, zone, _SINCE, _SINCE + _FOR))
    seen: set[tuple[str, str]] = set()
    for (sooner, one), (later, other) in pairwise(starts):
        if later - sooner < datetime.timedelta(minutes=APART) and (one, other) not in seen and (other, one) not in seen:
            seen.add((one, other))
            problems.append(Problem(f"{WHERE}.{_said(declared, one, other)}", declared.timed[_said(declared, one, other)].when.at,
                                    f"begins within {APART} minutes of {one if _said(declared, one, other) == other else other}, which takes the same locks",
                                    f"Leave {APART} minutes or more between them."))


def _said(declared: Declared, one: str, other: str) -> str:
    """Which of two the inventory itself says something of."""
    return other if other in declared.said or one not in declared.said else one


def purposes_of(needed: Iterable[str]) -> list[str]:
    """In the order of the catalogue."""
    return [name for name in PURPOSES if name in set(needed)]
