# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a report says of a period, read once from the bitácora: a cell for each system and day, and how each system stands."""

from __future__ import annotations

import contextlib
import datetime
import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ...module_utils._engine import policy as engine
from .. import _drills, _due
from .._bitacora import chain
from .._bitacora.sqlite import SqliteStore
from .._bitacora.store import Store

# state of a system on a day -> letter, word. Letters tell them apart on paper and for whoever does not see the colours.
CELLS = {
    "good": ("B", "Buena"), "late": ("T", "Tardía"), "failed": ("F", "Fallida"), "damaged": ("D", "Dañada"), "missing": ("A", "Ausente"),
    "simulated": ("S", "Simulada"), "none": ("·", "No correspondía"),
}
PENDING = ("due", "overdue", "ask", "outside_window")
JUMP_PERCENT = 30.0

_TYPES = ("copy_made", "copy_failed", "copy_refused", "copy_damaged", "verification_failed", "copy_simulated", "restored", "restore_failed", "copy_pruned")
_LONG_PERIOD_DAYS = 92
# What verifies a database, in a process of its own: its address and where modules lie come as arguments.
_VERIFY = """import json, sys
sys.path[:0] = json.loads(sys.argv[2])
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store
report = open_store(sys.argv[1], readonly=True).verify()
print(json.dumps(report.as_dict()))
sys.exit(0 if report.whole else 1)"""
_PROVED = ("T3", "T4", "T5")
_PROOFS_LOOKED_AT = 100
_RESTORES_DAYS = 90
_DAY = datetime.timedelta(days=1)
_LOOK_BACK = datetime.timedelta(days=62)  # two of the longest periods of numeral 6.4


class Jump(NamedTuple):
    """A copy whose size is far from that of the one before."""

    entry: Mapping[str, Any]
    percent: float


class System(NamedTuple):
    """A system in the period and now."""

    name: str
    kind: str
    criticality: str
    office: str
    responsible: str
    decision: _due.Decision
    last: Mapping[str, Any] | None
    proof: Mapping[str, Any] | None
    proof_days: int
    cells: list[str]
    sizes: list[int]
    jumps: list[Jump]
    kept: int
    kept_limit: int
    proof_every: int    # days within which its criticality asks for a proven restore


class Medium(NamedTuple):
    """What the bitácora says a medium holds, and what is left of it when it is seen from here (-1 when not)."""

    name: str
    copies: int
    size: int
    free: int
    days_left: int


class Facts(NamedTuple):
    """All that the board shows."""

    institution: str
    manual: str
    first: datetime.date
    last: datetime.date
    now: datetime.datetime
    zone: str
    systems: list[System]
    entries: list[Mapping[str, Any]]
    media: list[Medium]
    restores: list[Mapping[str, Any]]
    chain: chain.Report
    seal: Mapping[str, Any] | None
    designations: list[Mapping[str, str]]

    @property
    def days(self) -> list[datetime.date]:
        return [self.first + _DAY * place for place in range((self.last - self.first).days + 1)]


def read(store: Store, rules: Mapping[str, Any], systems: Iterable[Mapping[str, Any]], first: datetime.date, last: datetime.date,
         now: datetime.datetime, free: Mapping[str, int] | None = None) -> Facts:
    """The facts of the days `first` to `last`. `systems` are those of the whole inventory, `free` the free bytes of media by name."""
    with _verifying(store) as verified:
        return _read(store, rules, systems, first, last, now, free or {}, verified)


@contextlib.contextmanager
def _verifying(store: Store) -> Iterator[Callable[[], chain.Report]]:
    """What gives the report of the chain, which is verified beside: on a second core it takes a board no time. A file is, by the auditor's command."""
    if isinstance(store, SqliteStore):
        command = [sys.executable, "-I", chain.__file__, str(store.path), "--json"]
    else:
        command = [sys.executable, "-c", _VERIFY, store.url, json.dumps([str(Path(chain.__file__).parents[6]), *sys.path])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL) as process:
        def report() -> chain.Report:
            told = process.communicate()[0]
            # What it could not read, or say, the store says with an error of the catalogue.
            return _report_of(json.loads(told)) if process.returncode in (chain.WHOLE, chain.BROKEN) else store.verify()

        try:
            yield report
        finally:
            process.kill()


def _report_of(told: Mapping[str, Any]) -> chain.Report:
    findings, notices = ([chain.Finding(**each) for each in told[name] if each["name"] != "unanchored"] for name in ("findings", "notices"))
    return chain.Report(told["entries"], told["head"]["n"], told["head"]["digest"], findings, notices)


def _read(store: Store, rules: Mapping[str, Any], systems: Iterable[Mapping[str, Any]], first: datetime.date, last: datetime.date,
          now: datetime.datetime, free: Mapping[str, int], verified: Callable[[], chain.Report]) -> Facts:
    here = _due.zone(rules["time_zone"])
    span = (last - first).days + 1
    types = _TYPES if span > _LONG_PERIOD_DAYS else (*_TYPES, "copy_verified")
    told = store.entries(since=first.isoformat(), until=last.isoformat(), type=types, zone=rules["time_zone"])
    grouped: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for entry in told:
        stamp = (entry.get("started_at") if entry["type"] in ("copy_made", "copy_failed") else None) or entry["at_event"]
        entry["moment"] = datetime.datetime.fromisoformat(stamp[:19] + "+00:00").astimezone(here)
        grouped[entry.get("kind", ""), entry.get("system", "")].append(entry)
    known = [system for system in systems if system["kind"] in rules["kinds"]]
    kept = store.kept([(system["kind"], system["name"]) for system in known])
    used: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for media, size in (copy for copies in kept.values() for copy in copies):
        for name in media:
            used[name][0] += 1
            used[name][1] += size
    # One query for all: asked for each system, the store would go through the same days once for each.
    earlier = {(entry.get("kind", ""), entry.get("system", "")): entry for entry in store.entries(
        since=(first - _LOOK_BACK).isoformat(), until=(first - _DAY).isoformat(), type="copy_made", zone=rules["time_zone"]) if not entry.get("simulated")}
    seen = [_system(store, rules, system, grouped[system["kind"], system["name"]], first, last, now, len(kept[system["kind"], system["name"]]),
                    earlier.get((system["kind"], system["name"])))
            for system in known]
    growth: dict[str, int] = defaultdict(int)
    for entry in told:
        if entry["type"] == "copy_made" and not entry.get("simulated"):
            for name in entry.get("medium", "").split(", "):
                growth[name] += int(entry.get("size", 0))
    seals = store.entries(type="seal", limit=1)
    seen.sort(key=lambda system: (engine.CRITICALITIES.index(system.criticality), system.name.lower(), system.kind))
    return Facts(
        rules["institution"], rules["manual"]["name"], first, last, now.astimezone(here), rules["time_zone"], seen, told,
        [_medium(name, *used[name], free.get(name, -1), growth[name] / span) for name in sorted({*used, *free} - {""})],
        _open_restores(store, now), verified(), seals[-1] if seals else None, list(_designations(rules, now.astimezone(here).date())))


def _system(store: Store, rules: Mapping[str, Any], system: Mapping[str, Any], told: Sequence[Mapping[str, Any]], first: datetime.date,
            last: datetime.date, now: datetime.datetime, kept: int, before: Mapping[str, Any] | None) -> System:
    kind, name = system["kind"], system["name"]
    good = store.last_good(kind, name, engine.counted_trust(rules, system))
    proofs = [entry for entry in store.entries(system=name, kind=kind, type=("copy_verified", "restored"), newest_first=True, limit=_PROOFS_LOOKED_AT)
              if not entry.get("simulated") and (entry["type"] == "restored" or entry.get("trust_level", "") in _PROVED)]
    proof = proofs[0] if proofs else None
    if before is None and good is not None and _time(good["at_event"]) < datetime.datetime.combine(first, datetime.time(), _due.zone(rules["time_zone"])):
        before = good
    made = [entry for entry in told if entry["type"] == "copy_made" and not entry.get("simulated")]
    return System(
        name, kind, system["criticality"], system.get("office", ""), system.get("responsible", ""),
        _due.decide(system, rules, _dated(good), now), good, proof, (now - _time(proof["at_event"])).days if proof else -1,
        _cells(rules, system, told, before, first, last, now), [int(entry.get("size", 0)) for entry in made], _jumps(made, before),
        kept, int(rules["kinds"][kind].get("keep_copies", 0)), _drills.rules_of(rules)["every"][system["criticality"]])


def _cells(rules: Mapping[str, Any], system: Mapping[str, Any], told: Sequence[Mapping[str, Any]], before: Mapping[str, Any] | None,
           first: datetime.date, last: datetime.date, now: datetime.datetime) -> list[str]:
    by_day: dict[datetime.date, list[Mapping[str, Any]]] = defaultdict(list)
    for entry in told:
        by_day[entry["moment"].date()].append(entry)
    damaged = {entry.get("label") for entry in told if entry["type"] == "copy_damaged"}
    here = _due.zone(rules["time_zone"])
    today = now.astimezone(here).date()
    known, previous = before is not None, _dated(before)
    copied: datetime.date | None = None
    cells: list[str] = []
    for place in range((last - first).days + 1):
        day = first + _DAY * place
        events = by_day.get(day, [])
        known = known or bool(events)
        # what a tool copied with files left out is T0: there it lies, but it is no good copy of the day
        made = [entry for entry in events if entry["type"] == "copy_made" and not entry.get("simulated") and entry.get("trust_level") != "T0"]
        if made:
            # No period is shorter than a day: a copy of the day after the last one is never late, which saves most of the work of a year.
            late = previous is not None and copied != day - _DAY and _due.decide(system, rules, previous, made[0]["moment"]).overdue_days > 0
            cells.append("damaged" if all(entry.get("label") in damaged for entry in made) else "late" if late else "good")
            previous, copied = _dated(made[-1]), day
            continue
        # What no day had yet when the system was first heard of is not an absence; nor is today, which has not ended.
        absent = False
        if known and day <= today:
            end = datetime.datetime.combine(day, datetime.time(23, 59, 59), here) if day < today else now
            decision = _due.decide(system, rules, previous, end)
            absent = decision.state in PENDING and (day < today or decision.overdue_days > 0)
        if any(entry["type"] in ("copy_failed", "copy_refused", "copy_made") and not entry.get("simulated") for entry in events):
            cells.append("failed")
        elif absent:
            cells.append("missing")
        else:
            cells.append("simulated" if any(entry["type"] == "copy_simulated" or entry.get("simulated") for entry in events) else "none")
    return cells


def _jumps(made: Sequence[Mapping[str, Any]], before: Mapping[str, Any] | None) -> list[Jump]:
    found = []
    size = int(before.get("size", 0)) if before else 0
    for entry in made:
        now = int(entry.get("size", 0))
        if size and abs(now - size) * 100.0 / size >= JUMP_PERCENT:
            found.append(Jump(entry, (now - size) * 100.0 / size))
        size = now or size
    return found


def _medium(name: str, copies: int, size: int, free: int, by_day: float) -> Medium:
    return Medium(name, copies, size, free, int(free / by_day) if free >= 0 and by_day > 0 else -1)


def _open_restores(store: Store, now: datetime.datetime) -> list[Mapping[str, Any]]:
    """Restores that were begun and of which no end is known."""
    since = (now - _DAY * _RESTORES_DAYS).strftime("%Y-%m-%dT%H:%M:%SZ")
    started: dict[tuple[Any, Any], Mapping[str, Any]] = {}
    for entry in store.entries(since=since, type=("restore_started", "restored", "restore_failed")):
        key = (entry.get("run"), entry.get("label"))
        if entry["type"] == "restore_started":
            started[key] = entry
        else:
            started.pop(key, None)
    return list(started.values())


def _designations(rules: Mapping[str, Any], today: datetime.date) -> Iterable[Mapping[str, str]]:
    for egcr, title in engine.EGCR_TITLES.items():
        people = engine.designated(rules, egcr, today)
        for person in people:
            yield {"post": title, "name": person["name"], "since": str(engine.date_of(person["from"])), "document": str(person.get("document", ""))}
        if not people:
            yield {"post": title, "name": "", "since": "", "document": ""}


def _dated(entry: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    return {**entry, "started_at": entry.get("started_at") or entry["at_event"]} if entry else None


def _time(stamp: str) -> datetime.datetime:
    return datetime.datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc)
