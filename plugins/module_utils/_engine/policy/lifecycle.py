# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the policy's retention and the rules of a container of Azure Blob Storage mean for each other (numeral 6.6). Pure functions.

A container may forbid removal for some days (write-once), move blobs to colder tiers, and delete them by itself. Together with a
retention that removes copies, some of these rules can never act, act too early, or cost what was not meant. Days count from the
making of a copy.

Sources: learn.microsoft.com, "Time-based retention policies for immutable blob data" (a protected blob can be moved between tiers
but not deleted), "Access tiers for blob data" (early deletion), "Lifecycle management policy structure".
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from .schema import Problem

# Tier -> days that are charged at least, from the warmest to the coldest.
EARLY_DELETION = {"hot": 0, "cool": 30, "cold": 90, "archive": 180}
_WARMTH = list(EARLY_DELETION)
MOVES = ("cool", "cold", "archive")

# Rule that counts periods with a copy -> the shortest and the longest such period, in days.
_PERIODS = {"daily": (1, 1), "weekly": (7, 7), "monthly": (28, 31), "yearly": (365, 366)}
_SHORTEST_MONTH, _LONGEST_MONTH = 28, 31


class Life(NamedTuple):
    """How old copies become before retention removes them, in days: the first of them, the last. None: it removes none."""

    who: str               # the systems it is said of
    soonest: Optional[int]
    latest: Optional[int]
    every: int = 0         # days between two copies; 0 where the policy sets none


def life(who: str, rule: Mapping[str, int], every: int, minimum: int) -> Optional[Life]:
    """What a retention rule (points, days, months, daily, weekly, monthly, yearly) makes of copies taken each `every` days.

    `minimum` copies stay in any case. None where the age can't be told: copies that are counted, and have no fixed period.
    """
    if not rule:
        return Life(who, None, None, every)
    if not every and set(rule) - {"days", "months"}:
        return None
    soonest = [rule.get("days", 0), rule.get("months", 0) * _SHORTEST_MONTH, max(rule.get("points", 0), minimum) * every]
    latest = [rule.get("days", 0), rule.get("months", 0) * _LONGEST_MONTH, max(rule.get("points", 0), minimum) * every]
    for name, (shortest, longest) in _PERIODS.items():
        if every >= shortest:    # else only some copies are the one of their period
            soonest.append(rule.get(name, 0) * max(every, shortest))
        latest.append(rule.get(name, 0) * max(every, longest))
    return Life(who, max(soonest), max(latest), every)


def problems(container: Mapping[str, Any], lives: Sequence[Life], where: str) -> List[Problem]:
    """What contradicts itself: `container` has write_once_days, tier (of the upload) and lifecycle (cool, cold, archive, delete), all optional."""
    told: List[Problem] = []
    once, moves = container.get("write_once_days") or 0, dict(container.get("lifecycle") or {})
    delete = moves.pop("delete", None)
    versions = moves.pop("versions", None)
    if delete is not None and once and delete < once:
        told.append(Problem(where + ".lifecycle.delete", delete, "could never delete: the container protects copies for {0} days".format(once),
                            "Give {0} or more, or leave it out.".format(once)))
    if versions is not None and once and versions < once:
        told.append(Problem(where + ".lifecycle.versions", versions, "could never delete: the container protects copies for {0} days".format(once),
                            "Give {0} or more, or leave it out.".format(once)))
    steps = _steps(container.get("tier") or "hot", moves, where, told)
    for each in lives:
        _against(each, once, delete, steps, where, told)
    if delete is not None:
        _charged(delete, "its own rule deletes them", steps, where + ".lifecycle.delete", told)
    return told


def _against(each: Life, once: int, delete: Optional[int], steps: Sequence[Tuple[int, str]], where: str, told: List[Problem]) -> None:
    if each.soonest is not None and each.soonest < once:
        told.append(Problem(where + ".write_once_days", once, "protects copies of {0} for longer than the policy keeps them ({1} days): "
                            "retention could never remove them in time".format(each.who, each.soonest),
                            "Give {0} days or fewer, or let the policy keep copies for {1} days at least.".format(each.soonest, once)))
    if delete is not None and (each.latest is None or delete < each.latest):
        kept = "without end" if each.latest is None else "for up to {0} days".format(each.latest)
        told.append(Problem(where + ".lifecycle.delete", delete, "deletes too early: the policy keeps copies of {0} {1}".format(each.who, kept),
                            "Leave it out and let prune.yml remove copies" + (
                                "." if each.latest is None else ", or give {0} or more.".format(each.latest))))
    for day, tier in steps:
        if tier == "archive" and day <= each.every:
            told.append(Problem(where + ".lifecycle.archive" if day else where + ".tier", day or tier,
                                "puts the newest copy of {0} out of reach: one is made each {1} days".format(each.who, each.every),
                                "Archive after more than {0} days, so that the newest copy can be read at once.".format(each.every)))
    for age in sorted({age for age in (each.soonest, each.latest) if age is not None}):
        _charged(age, "the policy removes copies of {0}".format(each.who), steps, where + ".lifecycle", told)


def _steps(tier: str, moves: Mapping[str, int], where: str, told: List[Problem]) -> List[Tuple[int, str]]:
    """(day, tier) from the upload on, coldest last. A move to where blobs are already, or back, and a stay too short are mistakes."""
    steps = [(0, tier)]
    for name in (each for each in MOVES if each in moves):
        day, before = moves[name], steps[-1]
        place = "{0}.lifecycle.{1}".format(where, name)
        if _WARMTH.index(name) <= _WARMTH.index(before[1]):
            told.append(Problem(place, day, "moves blobs to {0}, and they are made in {1}".format(name, before[1]),
                                "Remove it, or give the medium a warmer tier."))
            continue
        if day - before[0] < EARLY_DELETION[before[1]]:
            told.append(Problem(place, day, "moves blobs out of {0} after {1} days, which are charged as {2}".format(
                before[1], day - before[0], EARLY_DELETION[before[1]]), "Give {0} or more.".format(before[0] + EARLY_DELETION[before[1]])))
        elif day <= before[0]:
            told.append(Problem(place, day, "is not after the move to {0}".format(before[1]), "Give more than {0}.".format(before[0])))
        steps.append((day, name))
    return steps


def _charged(age: int, why: str, steps: Sequence[Tuple[int, str]], where: str, told: List[Problem]) -> None:
    """A blob that goes at an age has been in its last tier for as long as is charged."""
    day, tier = [step for step in steps if step[0] <= age][-1]
    if age - day < EARLY_DELETION[tier]:
        told.append(Problem(where, age, "is the day when {0}, and they are {1} days in {2} then, where {3} are charged".format(
            why, age - day, tier, EARLY_DELETION[tier]), "Move them to {0} sooner or not at all, or keep them longer.".format(tier)))


def rule_name(container: str) -> str:
    """The name of our rule for a container: letters and digits only, as the service asks; a container's name has no capitals."""
    return "respaldo" + container.replace("-", "X")


def rule(container: str, lifecycle: Mapping[str, int]) -> Optional[Dict[str, Any]]:
    """The rule of the account's management policy that does what `lifecycle` says, for the blobs of one container; None when there is nothing to do."""
    base = {"tierTo" + name.capitalize(): {"daysAfterCreationGreaterThan": lifecycle[name]} for name in MOVES if name in lifecycle}
    if "delete" in lifecycle:
        base["delete"] = {"daysAfterCreationGreaterThan": lifecycle["delete"]}
    actions: Dict[str, Any] = {"baseBlob": base} if base else {}
    if "versions" in lifecycle:
        actions["version"] = {"delete": {"daysAfterCreationGreaterThan": lifecycle["versions"]}}
    if not actions:
        return None
    return {"name": rule_name(container), "enabled": True, "type": "Lifecycle", "definition": {
        "actions": actions, "filters": {"blobTypes": ["blockBlob"], "prefixMatch": [container + "/"]}}}
