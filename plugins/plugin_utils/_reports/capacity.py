# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much the media hold, how fast that grows, when they are full, and what the policy's retention will need (numeral 6.3)."""

from __future__ import annotations

import datetime
import decimal
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...module_utils._engine import policy as engine
from .. import _due
from .._bitacora import store as stores

GIB = 1024 ** 3
_WINDOW = datetime.timedelta(days=180)
# Slopes of all pairs: with more points than this nothing is learned that is worth the time.
_POINTS = 60
_DAYS_OF_PERIOD = {"daily": 1, "weekly": 7, "monthly": 30, "yearly": 365}


def theil_sen(points: Sequence[tuple[float, float]]) -> float:
    """The median of the slopes between all pairs of points; one copy out of pattern does not bend it. 0 when nothing can be told."""
    slopes = [(later[1] - first[1]) / (later[0] - first[0]) for place, first in enumerate(points) for later in points[place + 1:] if later[0] != first[0]]
    return statistics.median(slopes) if slopes else 0.0


def used(copies: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """medium -> bytes of the copies that are there."""
    found: dict[str, int] = {}
    for copy in copies:
        for medium in copy["media"]:
            found[medium] = found.get(medium, 0) + int(copy.get("size", 0))
    return found


def history(told: Iterable[Mapping[str, Any]]) -> dict[str, list[tuple[datetime.datetime, int]]]:
    """medium -> what it held after each copy made or removed, in the order of time. `told` are entries copy_made and copy_pruned."""
    sizes: dict[tuple[str, str], int] = {}
    found: dict[str, list[tuple[datetime.datetime, int]]] = {}
    for entry in sorted((entry for entry in told if not entry.get("simulated")), key=lambda entry: (entry["at_event"], entry["n"])):
        at = _due.taken_at({"started_at": entry["at_event"]})
        for medium in filter(None, entry.get("medium", "").split(", ")):
            there = found.setdefault(medium, [])
            key = (medium, entry.get("label", ""))
            if entry["type"] == "copy_made":
                sizes[key] = change = int(entry.get("size", 0))
            else:
                change = -sizes.pop(key, 0)
            there.append((at, (there[-1][1] if there else 0) + change))
    return found


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


def plan(store: stores.Store, rules: Mapping[str, Any], systems: Iterable[Mapping[str, Any]], media: Iterable[Mapping[str, Any]],
         space: Mapping[str, Mapping[str, int]], now: datetime.datetime) -> dict[str, Any]:
    """The capacity of each medium and the need of each system. `space` is medium -> {total, free} in bytes, where somebody measured it."""
    declared = {medium["name"] for medium in media}
    levels = history(store.entries(type=("copy_made", "copy_pruned")))
    held: dict[str, int] = {}
    needs = []
    for system in systems:
        copies = store.copies(system["kind"], system["name"])
        for name, size in used(copies).items():
            held[name] = held.get(name, 0) + size
        needs.append(_need(system, rules, copies))
    rows = []
    for name in sorted({*declared, *held, *levels}):
        rate = growth(levels.get(name, ()), now)
        known = space.get(name, {})
        capacity = known.get("total")
        total_used = levels[name][-1][1] if name in levels else 0
        free = known.get("free", max(0, capacity - total_used) if capacity else None)
        rows.append({
            "medium": name, "used": total_used, "used_by_inventory": held.get(name, 0), "growth_per_day": round(rate), "capacity": capacity, "free": free,
            "days_to_full": max(0, int(free / rate)) if free is not None and rate > 0 else None,
            "forecast": [{"month": _due.add_months(now.date(), month).strftime("%Y-%m"),
                          "used": max(0, round(total_used + rate * (_due.add_months(now.date(), month) - now.date()).days))} for month in range(1, 13)],
            "cost": costs(rules.get("prices"), total_used),
        })
        rows[-1]["cost_in_12_months"] = costs(rules.get("prices"), rows[-1]["forecast"][-1]["used"])
    bounded = [need["bytes"] for need in needs if need["bytes"] is not None]
    return {"media": rows, "needs": needs, "needed": sum(bounded), "unbounded": [need["system"] for need in needs if need["copies"] is None],
            "numeral": "6.3"}


def _need(system: Mapping[str, Any], rules: Mapping[str, Any], copies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    period = engine.period(rules, system["kind"], system["criticality"])
    count = copies_kept(engine.retention(rules, system["kind"], system["criticality"]), period, int(rules.get("minimum_copies", 3)))
    sizes = [int(copy["size"]) for copy in copies[-5:] if copy.get("size")]
    size = round(statistics.median(sizes)) if sizes else None
    return {"system": system["name"], "kind": system["kind"], "copies": count, "size": size, "present": len(copies),
            "bytes": count * size if count is not None and size is not None else None}


def costs(prices: Mapping[str, Any] | None, size: int) -> dict[str, str]:
    """tier -> cost a month, by the price table of the policy: its prices are of a GiB and month."""
    if not prices:
        return {}
    return {tier: f"{(decimal.Decimal(price) * size / GIB).quantize(decimal.Decimal('0.01'))} {prices['currency']}"
            for tier, price in sorted(prices["gib_month"].items())}
