# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How copies stand, as numbers for a program that watches: OpenMetrics text, which node_exporter's textfile collector reads too (gauges, no times of samples).

Names and labels are for good: alert rules and boards of institutions hold them (docs/monitoring). No path, address or person is among them.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ...module_utils._engine import result
from ...module_utils._engine.policy import policy as engine
from .._bitacora import by_medium, trust
from .._bitacora.any_store import Store
from .._decisions import drills, due, proofs, purposes
from .._decisions import requests as steps
from . import capacity, facts, requests

_DAY = 24 * 60 * 60     # seconds, the base unit of a time there


class Metric(NamedTuple):
    """A name for good, its unit ("" for none, else the end of the name), and what it says."""

    name: str
    unit: str
    told: str


METRICS = (
    Metric("respaldo_generated_timestamp_seconds", "seconds", "When these numbers were made."),
    Metric("respaldo_bitacora_head_entries", "entries", "Number of the last entry of the chain."),
    Metric("respaldo_bitacora_verified", "", "1 when the whole chain with its seals and anchors agrees, 0 when it does not."),
    Metric("respaldo_system_declared", "", "1 for each enabled system of the inventory."),
    Metric("respaldo_copy_last_timestamp_seconds", "seconds", "Begin of the last good copy."),
    Metric("respaldo_copy_due_timestamp_seconds", "seconds", "Begin of the day on which the next copy is due."),
    Metric("respaldo_copy_overdue_seconds", "seconds", "Whole days that a copy is overdue, in seconds, 0 when it is not."),
    Metric("respaldo_copy_size_bytes", "bytes", "Size of the last good copy."),
    Metric("respaldo_copy_duration_seconds", "seconds", "How long the last good copy took."),
    Metric("respaldo_copy_trust_level", "", "Trust level of the last good copy, 0 to 5."),
    Metric("respaldo_copy_lacking", "", "What the last copy lacks of its source, 0 when it is whole; one that lacks anything is never the last good one."),
    Metric("respaldo_drill_last_timestamp_seconds", "seconds", "When a copy was last restored to prove it."),
    Metric("respaldo_drill_every_seconds", "seconds", "Time within which the policy asks for a proved restore."),
    Metric("respaldo_medium_used_bytes", "bytes", "What the bitácora says that copies hold on a medium."),
    Metric("respaldo_medium_free_bytes", "bytes", "What is left of a medium, where that was measured."),
    Metric("respaldo_medium_full_seconds", "seconds", "Time until a medium is full, where it grows and its free space is known."),
    Metric("respaldo_requests_open", "", "Requests of numeral 7.1 that wait for somebody."),
    Metric("respaldo_requests_late", "", "Open requests whose promised time is over."),
    Metric("respaldo_purpose_last_timestamp_seconds", "seconds", "Begin of the last run of a purpose of the schedule."),
    Metric("respaldo_purpose_missed_starts", "", "Scheduled starts of a purpose that did not come, in a row."),
    Metric("respaldo_purpose_good", "", "1 when the last run of a purpose was good, is at work or is not due yet, 0 when it failed or did not come."),
)
_NAMES = frozenset(metric.name for metric in METRICS)


class Sample(NamedTuple):
    name: str
    value: int
    labels: Mapping[str, str] = {}


def read(store: Store, rules: Mapping[str, Any], systems: Iterable[Mapping[str, Any]], now: datetime.datetime,
         free: Mapping[str, int] | None = None) -> list[Sample]:
    """The samples, by the figures of the board and the warnings. `free` are free bytes of media by name. Raises BackupError(bitacora_unreadable)."""
    report = trust.verify(store)
    found = [Sample("respaldo_generated_timestamp_seconds", int(now.timestamp())), Sample("respaldo_bitacora_head_entries", report.head_n),
             Sample("respaldo_bitacora_verified", int(report.whole))]
    known = [system for system in systems if system.get("enabled", True) and system["kind"] in rules["kinds"]]
    for system in known:
        found += _of_system(store, rules, system, now)
    found += _of_media(store, known, now, free or {})
    asked = [row for row in requests.read(store, now) if row["state"] != steps.CLOSED]
    found += [Sample("respaldo_requests_open", len(asked)), Sample("respaldo_requests_late", sum(bool(row["late"]) for row in asked))]
    for each in purposes.read(store, now):
        labels = {"purpose": each.purpose}
        if each.last:
            found.append(Sample("respaldo_purpose_last_timestamp_seconds", _seconds(each.last), labels))
        found += [Sample("respaldo_purpose_missed_starts", each.missed, labels), Sample("respaldo_purpose_good", int(purposes.light(each) == "good"), labels)]
    return found


def _of_system(store: Store, rules: Mapping[str, Any], system: Mapping[str, Any], now: datetime.datetime) -> list[Sample]:
    kind, name = system["kind"], system["name"]
    labels = {"system": name, "kind": kind}
    found = [Sample("respaldo_system_declared", 1, {**labels, "criticality": system["criticality"]}),
             Sample("respaldo_drill_every_seconds", drills.rules_of(rules)["every"][system["criticality"]] * _DAY, labels)]
    last = store.last_good(kind, name, engine.counted_trust(rules, system), due.believed_until(now))
    decision = due.decide(system, rules, last, now)
    found.append(Sample("respaldo_copy_overdue_seconds", decision.overdue_days * _DAY, labels))
    if decision.next_due:
        day = datetime.datetime.combine(datetime.date.fromisoformat(decision.next_due), datetime.time(), due.zone(rules["time_zone"]))
        found.append(Sample("respaldo_copy_due_timestamp_seconds", int(day.timestamp()), labels))
    if last and not due.is_ahead(last, now):
        found.append(Sample("respaldo_copy_last_timestamp_seconds", int(due.taken_at(last).timestamp()), labels))
        found += [Sample(metric, last[field] // unit, labels) for metric, field, unit in (
            ("respaldo_copy_size_bytes", "size", 1), ("respaldo_copy_duration_seconds", "duration_ms", 1000)) if isinstance(last.get(field), int)]
        if last.get("trust_level") in result.TRUST_LEVELS:
            found.append(Sample("respaldo_copy_trust_level", result.TRUST_LEVELS.index(last["trust_level"]), labels))
    made = store.entries(system=name, kind=kind, type="copy_made", limit=1)
    found += [Sample("respaldo_copy_lacking", made[0].get("lacks", 0), labels)] if made else []
    proof = proofs.newest(store, kind, name, due.believed_until(now))
    return [*found, Sample("respaldo_drill_last_timestamp_seconds", _seconds(proof["at_event"]), labels)] if proof else found


def _of_media(store: Store, known: list[Mapping[str, Any]], now: datetime.datetime, free: Mapping[str, int]) -> list[Sample]:
    levels, told = capacity.history(store.changes()), by_medium.seen(store, known, due.believed_until(now))
    left = {**{name: row["free"] for name, row in by_medium.space(told, now).items()}, **free}
    found = []
    for name in sorted({*levels, *left} - {""}):
        medium = facts.of_medium(name, 0, levels.get(name, []), left.get(name, -1), capacity.standing(told, name, now), now)
        found += [Sample(metric, value, {"medium": name}) for metric, value in (
            ("respaldo_medium_used_bytes", medium.size), ("respaldo_medium_free_bytes", medium.free), ("respaldo_medium_full_seconds", medium.days_left * _DAY))
            if value >= 0]
    return found


def _seconds(stamp: str) -> int:
    return int(due.taken_at({"started_at": stamp}).timestamp())


def text(samples: Iterable[Sample]) -> str:
    """The file: each metric with its help, type and unit, then its samples. Raises KeyError for a name that is none of METRICS."""
    grouped: dict[str, list[Sample]] = {}
    for sample in samples:
        if sample.name not in _NAMES:
            raise KeyError(sample.name)
        grouped.setdefault(sample.name, []).append(sample)
    lines = []
    for metric in METRICS:
        if metric.name in grouped:
            lines += [f"# HELP {metric.name} {metric.told}", f"# TYPE {metric.name} gauge"]
            lines += [f"# UNIT {metric.name} {metric.unit}"] if metric.unit else []
            lines += [_line(sample) for sample in grouped[metric.name]]
    return "\n".join([*lines, "# EOF"]) + "\n"


def _line(sample: Sample) -> str:
    labels = ",".join('{0}="{1}"'.format(name, _escaped(value)) for name, value in sample.labels.items())
    return f"{sample.name}{{{labels}}} {sample.value}" if labels else f"{sample.name} {sample.value}"


def _escaped(value: str) -> str:
    return result.seen(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
