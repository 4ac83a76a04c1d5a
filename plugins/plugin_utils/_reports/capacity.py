# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much the media hold, how fast that grows, when they are full, and what the policy's retention will need (numeral 6.3)."""

from __future__ import annotations

import datetime
import decimal
import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...module_utils._engine import result
from ...module_utils._engine.errors import BackupError
from ...module_utils._engine.policy import policy as engine
from .._bitacora import by_medium, view
from .._bitacora.any_store import Store
from .._decisions import due, media

GIB = 1024 ** 3
_WINDOW = datetime.timedelta(days=180)
# Slopes of all pairs: with more points than this nothing is learned that is worth the time.
_POINTS = 60
_DAYS_OF_PERIOD = {"daily": 1, "weekly": 7, "monthly": 30, "yearly": 365}


_Key = tuple[str, str, str]


def theil_sen(points: Sequence[tuple[float, float]]) -> float:
    """The median of the slopes between all pairs of points; one copy out of pattern does not bend it. 0 when nothing can be told."""
    slopes = [(later[1] - first[1]) / (later[0] - first[0]) for place, first in enumerate(points) for later in points[place + 1:] if later[0] != first[0]]
    return statistics.median(slopes) if slopes else 0.0


def used(copies: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """medium -> bytes of the copies that are there."""
    found: dict[str, int] = {}
    for copy in copies:
        for medium in copy["media"]:
            found[medium] = found.get(medium, 0) + int(copy.get("size") or 0)
    return found


def history(told: Iterable[Mapping[str, Any]]) -> dict[str, list[tuple[datetime.datetime, int]]]:
    """medium -> what it held after each copy made, brought or removed, in the order of time. `told` are rows of Store.changes, or entries.

    Copies of a repository share their data: what it holds is what its server measured. Where an entry has no measure (releases before 0.2), a copy adds
    what it brought, and one that is removed gives back no more than leaves what the newest copies need.
    """
    plain: dict[tuple[str, _Key], int] = {}
    shared: dict[tuple[str, str], _Repository] = {}
    made: dict[_Key, Mapping[str, Any]] = {}
    found: dict[str, list[tuple[datetime.datetime, int]]] = {}
    for entry in sorted((entry for entry in told if not entry.get("simulated")), key=lambda entry: (entry["at_event"], entry["n"])):
        try:
            at = due.taken_at({"started_at": entry["at_event"]})
        except (BackupError, ValueError, TypeError):
            continue
        label = _key(entry)
        if entry["type"] == "copy_made":
            made[label] = entry
        copy = made.get(label, {})
        measured = _numbers(entry.get("repository_sizes"))
        media = [name for name in str(entry.get("medium") or "").split(", ") if name]
        for place, medium in enumerate(media):
            there = found.setdefault(medium, [])
            before = there[-1][1] if there else 0
            if copy.get("repository"):
                repository = shared.setdefault((medium, str(copy["repository"])), _Repository())
                change = repository.after(entry["type"], copy, measured[place] if place < len(measured) else None)
            elif entry["type"] == "copy_pruned":
                change = -plain.pop((medium, label), 0)
            else:
                change = _number(copy.get("size")) - plain.get((medium, label), 0)
                plain[medium, label] = _number(copy.get("size"))
            there.append((at, max(0, before + change)))
    return found


def held(told: Iterable[Mapping[str, Any]]) -> dict[str, set[_Key]]:
    """medium -> the copies that are there, of every system, by the same rows: what the bytes of `history` are of."""
    made: set[_Key] = set()
    found: dict[str, set[_Key]] = {}
    for entry in told:
        if entry["type"] == "copy_made":
            made.add(_key(entry))
        for medium in str(entry.get("medium") or "").split(", ") if _key(entry) in made and not entry.get("simulated") else ():
            there = found.setdefault(medium, set())
            (there.discard if entry["type"] == "copy_pruned" else there.add)(_key(entry))
    return {medium: there for medium, there in found.items() if medium and there}


def _key(entry: Mapping[str, Any]) -> _Key:
    """Kind, system and label: a database and a repository of one name have one label on one day."""
    return str(entry.get("kind") or ""), str(entry.get("system") or ""), str(entry.get("label") or "")


class _Repository:
    """What a repository on one medium holds, as entries tell it."""

    def __init__(self) -> None:
        self.level = 0
        self.share = 1.0                                    # of the bytes of files, those that are stored of a whole copy
        self.present: dict[_Key, Mapping[str, Any]] = {}

    def after(self, type_: str, copy: Mapping[str, Any], measured: int | None) -> int:
        """How many bytes came or went (negative) with a copy that was made, brought or removed."""
        before, label, size = self.level, _key(copy), _number(copy.get("size"))
        if type_ == "copy_pruned":
            gone = self.present.pop(label, None)
            self.level = max(before - (size if gone else 0), min(before, self._needed()))
        elif label not in self.present:
            if not self.present and _number(copy.get("size_original")):
                self.share = min(1.0, size / _number(copy["size_original"])) if type_ == "copy_made" else self.share
                size = max(size, round(self.share * _number(copy["size_original"]))) if type_ == "copy_transferred" else size
            self.present[label] = copy
            self.level = before + size
        self.level = self.level if measured is None else measured
        return self.level - before

    def _needed(self) -> int:
        """What the newest copies of all its systems need at least."""
        newest = {(copy.get("kind"), copy.get("system")): copy for copy in self.present.values()}
        return round(self.share * sum(_number(copy.get("size_original")) for copy in newest.values()))


def _number(value: Any) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:      # as PostgreSQL gives it
        return int(value)
    return int(value) if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0


def _numbers(value: Any) -> list[int]:
    """A list of numbers as an entry, or SQL, gives it."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return []
    return value if isinstance(value, list) and all(isinstance(each, int) and not isinstance(each, bool) and each >= 0 for each in value) else []


def growth(levels: Sequence[tuple[datetime.datetime, int]], now: datetime.datetime) -> float:
    """Bytes a day, over the last 180 days: the level at the end of evenly spaced days, so that busy days do not weigh more."""
    if len(levels) < 2:
        return 0.0
    start = max(levels[0][0], now - _WINDOW)
    days = (now - start) / datetime.timedelta(days=1)
    count = min(_POINTS, int(days) + 1)
    if count < 2:
        return 0.0
    points, place = [], 0
    for index in range(count):
        at = start + (now - start) * index / (count - 1)
        while place + 1 < len(levels) and levels[place + 1][0] <= at:
            place += 1
        points.append((days * index / (count - 1), float(levels[place][1])))
    return theil_sen(points)


def copies_kept(rule: Mapping[str, int], period: engine.Period | None, minimum: int) -> int | None:
    """At most how many copies the retention keeps of a system; None when nothing is ever removed.

    One copy may stand for several rules, so that this is an upper bound, which is what media are bought by.
    """
    if not rule:
        return None
    every = period.days or period.months * 30 if period else 1
    kept = rule.get("points", 0) + -(-rule.get("days", 0) // every) + -(-rule.get("months", 0) * 31 // every)
    # A rule by weeks finds no more copies than are made.
    kept += sum(min(rule.get(name, 0), -(-rule.get(name, 0) * days // every)) for name, days in _DAYS_OF_PERIOD.items())
    return max(kept, minimum, 1)


def plan(store: Store, rules: Mapping[str, Any], systems: Iterable[Mapping[str, Any]], media: Iterable[Mapping[str, Any]],
         space: Mapping[str, Mapping[str, int]], now: datetime.datetime) -> dict[str, Any]:
    """The capacity of each medium and the need of each system. `space` is medium -> {total, free} in bytes, where somebody measured it."""
    declared = {medium["name"] for medium in media}
    changes = store.changes()
    levels, there = history(changes), held(changes)
    systems = list(systems)
    told = by_medium.seen(store, systems, due.believed_until(now))
    space = {**by_medium.space(told, now), **space}
    of_inventory: dict[str, int] = {}
    needs = []
    for system in systems:
        copies = store.copies(system["kind"], system["name"])
        for name, size in used(copies).items():
            of_inventory[name] = of_inventory.get(name, 0) + size
        needs.append(_need(system, rules, copies))
    rows = []
    for name in sorted({*declared, *of_inventory, *levels}):
        rate = growth(levels.get(name, ()), now)
        known = space.get(name, {})
        capacity = known.get("total")
        total_used = levels[name][-1][1] if name in levels else 0
        free = known.get("free", max(0, capacity - total_used) if capacity else None)
        rows.append({
            "medium": name, "copies": len(there.get(name, ())), "used": total_used, "used_by_inventory": of_inventory.get(name, 0),
            "growth_per_day": round(rate), "capacity": capacity, "free": free,
            "days_to_full": max(0, int(free / rate)) if free is not None and rate > 0 else None,
            "forecast": [{"month": due.add_months(now.date(), month).strftime("%Y-%m"),
                          "used": max(0, round(total_used + rate * (due.add_months(now.date(), month) - now.date()).days))} for month in range(1, 13)],
            "cost": costs(rules.get("prices"), total_used), **standing(told, name, now),
        })
        rows[-1]["cost_in_12_months"] = costs(rules.get("prices"), rows[-1]["forecast"][-1]["used"])
    titles = view.titles((need["kind"], need["system"]) for need in needs)
    bounded = [need["bytes"] for need in needs if need["bytes"] is not None]
    unbounded = [titles[need["kind"], need["system"]] for need in needs if need["copies"] is None]
    return {"media": rows, "needs": needs, "needed": sum(bounded), "unbounded": unbounded, "numeral": "6.3"}


def standing(told: Iterable[by_medium.Seen], medium: str, now: datetime.datetime) -> dict[str, Any]:
    """How a medium stands, by the worst of what servers see of it: when it was last looked at, what was wrong, the days since its last verification."""
    rows = [row for row in told if row.medium == medium]
    looked = [row.checked for row in rows if row.checked]
    ages = [age for age in (media.unverified_days(row, now) for row in rows) if age >= 0]
    return {"checked_at": min((str(entry["at_event"]) for entry in looked), default=""), "unverified_days": max(ages, default=None),
            "problem": "; ".join("{0}: {1}".format(entry.get("error_code", ""), entry.get("error_message_es", ""))
                                 for entry in looked if entry["type"] == "medium_failed")}


def _need(system: Mapping[str, Any], rules: Mapping[str, Any], copies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    period = engine.period(rules, system["kind"], system["criticality"])
    count = copies_kept(engine.retention(rules, system["kind"], system["criticality"]), period, int(rules.get("minimum_copies", 3)))
    # of what is copied on request alone nobody knows how often: what lies there is what there is
    count = len(copies) if system["kind"] in result.KINDS_ON_REQUEST and period is None else count
    sizes = [int(copy["size"]) for copy in copies[-5:] if copy.get("size")]
    size = round(statistics.median(sizes)) if sizes else None
    needed = count * size if count is not None and size is not None else None
    if needed is not None and count is not None and size is not None and copies[-1].get("repository"):
        # the first brings all, each that follows what changed since
        needed = max(needed, _whole(copies) + (count - 1) * size)
    return {"system": system["name"], "kind": system["kind"], "copies": count, "size": size, "present": len(copies), "bytes": needed}


def _whole(copies: Sequence[Mapping[str, Any]]) -> int:
    """What one whole copy of a repository takes: by the share of its first copy that was stored, or by what was measured when one copy was all there was."""
    first, last = copies[0], copies[-1]
    original = _number(first.get("size_original"))
    measured = _numbers(last.get("repository_sizes"))
    grown = sum(_number(copy.get("size")) for copy in copies[1:])
    by_share = round(min(1.0, _number(first.get("size")) / original) * _number(last.get("size_original"))) if original else _number(first.get("size"))
    return max(by_share, max(measured) - grown if measured else 0)


def costs(prices: Mapping[str, Any] | None, size: int) -> dict[str, str]:
    """tier -> cost a month, by the price table of the policy: its prices are of a GiB and month."""
    if not prices:
        return {}
    return {tier: f"{(decimal.Decimal(price) * size / GIB).quantize(decimal.Decimal('0.01'))} {prices['currency']}"
            for tier, price in sorted(prices["gib_month"].items())}
