# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a report says of a period, read once from the bitácora: a cell for each system and day, and how each system stands."""

from __future__ import annotations

import collections
import contextlib
import datetime
import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ...module_utils._engine.policy import people
from ...module_utils._engine.policy import policy as engine
from ...module_utils._engine.policy.vocabulary import CRITICALITIES, EGCR_TITLES
from .._bitacora import by_medium, chain, entries, trust, view
from .._bitacora.any_store import Store
from .._bitacora.copies import LACKS
from .._bitacora.sqlite import SqliteStore
from .._decisions import drills, due, forges, proofs, purposes, recovery
from . import capacity, compliance, requests

# state of a system on a day -> letter, word. Letters tell them apart on paper and for whoever does not see the colours.
CELLS = {
    "good": ("B", "Buena"), "late": ("T", "Tardía"), "failed": ("F", "Fallida"), "damaged": ("D", "Dañada"), "missing": ("A", "Ausente"),
    "excused": ("J", "Justificada"),
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
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import chain
keys, anchors, last = json.loads(sys.argv[3])
report = open_store(sys.argv[1], readonly=True).verify(anchors and [chain.Path(anchor) for anchor in anchors], keys, last)
print(json.dumps(report.as_dict()))
sys.exit(0 if report.whole else 1)"""
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
    decision: due.Decision
    last: Mapping[str, Any] | None
    proof: Mapping[str, Any] | None
    proof_days: int
    cells: list[str]
    sizes: list[int]
    jumps: list[Jump]
    kept: int
    kept_limit: int
    proof_every: int    # days within which its criticality asks for a proven restore
    enabled: bool = True
    title: str = ""     # its name, and its kind where another system has the same name


class Medium(NamedTuple):
    """What the bitácora says a medium holds, and what is left of it when it is seen from here (-1 when not); `days_left` -1 when it does not grow."""

    name: str
    copies: int
    size: int
    free: int
    days_left: int
    unverified_days: int = -1    # since a copy was last read there again, by the server that waits longest; -1 where there is none
    problem: str = ""            # what the last look at it found


class Facts(NamedTuple):
    """All that the board shows."""

    institution: str
    manual: str
    first: datetime.date
    last: datetime.date
    now: datetime.datetime
    zone: str
    systems: list[System]
    entries: Sequence[Mapping[str, Any]]
    media: list[Medium]
    restores: list[Mapping[str, Any]]
    chain: chain.Report
    seal: Mapping[str, Any] | None
    designations: list[Mapping[str, str]]
    passed_over: str = ""   # what of the bitácora could not be read, or is not believed
    forges: Sequence[str] = ()   # of each forge that was not listed the last time, and whose repositories went lately, what there is to know
    requests: Sequence[Sequence[str]] = ()   # the cells of each request that waits, or was closed in these days (requests.py)
    purposes: Sequence[purposes.Standing] = ()   # how each purpose of the schedule stands
    left: Sequence[str] = ()     # systems that the inventory has no more and whose copies are still kept, each with how many
    recovery: Sequence[recovery.Row] = ()        # what of each system would be lost now, and what its restore took

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
    own = trust.protection(store)
    if isinstance(store, SqliteStore):
        command = [sys.executable, "-I", chain.__file__, str(store.path), "--json", *(f"--key={key}" for key in own.keys),
                   *(f"--anchor={anchor}" for anchor in own.anchors), *([f"--last={json.dumps(own.remembered)}"] if own.remembered else [])]
    else:
        command = [sys.executable, "-c", _VERIFY, store.url, json.dumps([str(Path(chain.__file__).parents[6]), *sys.path]),
                   json.dumps([own.keys, [str(anchor) for anchor in own.anchors], own.remembered])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL) as process:
        def report() -> chain.Report:
            told = process.communicate()[0]
            # What it could not read, or say, the store says with an error of the catalogue.
            if process.returncode not in (chain.WHOLE, chain.BROKEN):
                return trust.as_told_here(trust.verify(store))
            found = _report_of(json.loads(told))
            return trust.as_told_here(found._replace(notices=[*found.notices, *own.notices]))

        try:
            yield report
        finally:
            process.kill()


def _report_of(told: Mapping[str, Any]) -> chain.Report:
    findings, notices = ([chain.Finding(**each) for each in told[name] if each["name"] not in ("unanchored", "unkeyed")] for name in ("findings", "notices"))
    return chain.Report(told["entries"], told["head"]["n"], told["head"]["digest"], findings, notices)


def _read(store: Store, rules: Mapping[str, Any], systems: Iterable[Mapping[str, Any]], first: datetime.date, last: datetime.date,
          now: datetime.datetime, free: Mapping[str, int], verified: Callable[[], chain.Report]) -> Facts:
    here = due.zone(rules["time_zone"])
    span = (last - first).days + 1
    types = _TYPES if span > _LONG_PERIOD_DAYS else (*_TYPES, "copy_verified")
    told = store.entries(since=first.isoformat(), until=last.isoformat(), type=types, zone=rules["time_zone"])
    told_since = entries.moment(first.isoformat(), False, rules["time_zone"])
    grouped: dict[tuple[str, str], list[dict[str, Any]]] = collections.defaultdict(list)
    for entry in told:
        began = entry.get("started_at") if entry["type"] in ("copy_made", "copy_failed") else None
        entry["moment"] = (due.moment(began) or _time(entry["at_event"])).astimezone(here)
        grouped[entry.get("kind", ""), entry.get("system", "")].append(entry)
    known = [system for system in systems if system["kind"] in rules["kinds"]]
    kept = store.kept([(system["kind"], system["name"]) for system in known])
    changes = store.changes()
    held = capacity.held(changes)
    excuses = compliance.excuses_in_force(store)
    titles = view.titles((system["kind"], system["name"]) for system in known)
    # One query for all: asked for each system, the store would go through the same days once for each.
    earlier = {(entry.get("kind", ""), entry.get("system", "")): entry for entry in store.entries(
        since=(first - _LOOK_BACK).isoformat(), until=(first - _DAY).isoformat(), type="copy_made", zone=rules["time_zone"]) if not entry.get("simulated")}
    seen = []
    for system in known:
        key = (system["kind"], system["name"])
        own = [excuse for excuse in excuses if (excuse.get("kind"), excuse.get("system")) == key]
        found = _system(store, rules, system, store.believed(*key, grouped[key]), first, last, now, len(kept[key]), earlier.get(key), own)
        seen.append(found._replace(title=titles[key]))
    levels = capacity.history(changes)
    told_media = by_medium.seen(store, known, due.believed_until(now))
    free = {**{name: row["free"] for name, row in by_medium.space(told_media, now).items()}, **free}
    seals = store.entries(type="seal", until=due.believed_until(now), limit=1)
    seen.sort(key=lambda system: (CRITICALITIES.index(system.criticality), system.name.lower(), system.kind))
    asked = [requests.cells(row, here) for row in requests.read(store, now, told_since)]
    return Facts(
        rules["institution"], rules["manual"]["name"], first, last, now.astimezone(here), rules["time_zone"], seen, told,
        [of_medium(name, len(held.get(name, ())), levels.get(name, []), free.get(name, -1), capacity.standing(told_media, name, now), now)
         for name in sorted({*held, *free, *levels} - {""})],
        _open_restores(store, now), verified(), seals[-1] if seals else None, list(_designations(rules, now.astimezone(here).date())),
        store.passed_over.line(), [sign.text for sign in forges.signs(store.entries(type=forges.TYPES), now)], asked,
        purposes.read(store, now), _left(held, known),
        recovery.plan(recovery.read(store, [("", system) for system in known if system.get("enabled", True)], now), rules, now))


def _system(store: Store, rules: Mapping[str, Any], system: Mapping[str, Any], told: Sequence[Mapping[str, Any]], first: datetime.date,
            last: datetime.date, now: datetime.datetime, kept: int, before: Mapping[str, Any] | None, excuses: Sequence[Mapping[str, Any]] = ()) -> System:
    kind, name = system["kind"], system["name"]
    good = store.last_good(kind, name, engine.counted_trust(rules, system), due.believed_until(now))
    proof = proofs.newest(store, kind, name, due.believed_until(now))
    if before is None and good is not None and _time(good["at_event"]) < datetime.datetime.combine(first, datetime.time(), due.zone(rules["time_zone"])):
        before = good
    made = [entry for entry in told if entry["type"] == "copy_made" and not entry.get("simulated")]
    return System(
        name, kind, system["criticality"], system.get("office", ""), system.get("responsible", ""),
        due.noting(due.decide(system, rules, _dated(good), now), made[-1] if made else None), good, proof,
        (now - _time(proof["at_event"])).days if proof else -1,
        _cells(rules, system, told, before, first, last, now, excuses), [int(entry.get("size", 0)) for entry in made], _jumps(made, before),
        kept, int(rules["kinds"][kind].get("keep_copies", 0)), drills.rules_of(rules)["every"][system["criticality"]],
        bool(system.get("enabled", True)))


def _left(held: Mapping[str, set[tuple[str, str, str]]], known: Sequence[Mapping[str, Any]]) -> list[str]:
    """Systems of which copies are kept and that are none of the inventory's: nobody copies them any more, and their copies take their room."""
    declared = {(system["kind"], system["name"]) for system in known}
    kept = {copy for there in held.values() for copy in there if copy[:2] not in declared}
    counted = collections.Counter((kind, name) for kind, name, _label in kept)
    return [f"{name} ({view.KINDS.get(kind, kind)}): {'1 copia' if number == 1 else f'{number} copias'}"
            for (kind, name), number in sorted(counted.items(), key=lambda each: (each[0][1].casefold(), each[0][0]))]


def _cells(rules: Mapping[str, Any], system: Mapping[str, Any], told: Sequence[Mapping[str, Any]], before: Mapping[str, Any] | None,
           first: datetime.date, last: datetime.date, now: datetime.datetime, excuses: Sequence[Mapping[str, Any]] = ()) -> list[str]:
    by_day: dict[datetime.date, list[Mapping[str, Any]]] = collections.defaultdict(list)
    for entry in told:
        by_day[entry["moment"].date()].append(entry)
    damaged = {entry.get("label") for entry in told if entry["type"] == "copy_damaged"}
    here = due.zone(rules["time_zone"])
    today = now.astimezone(here).date()
    known, previous = before is not None, _dated(before)
    period, grace = engine.period(rules, system["kind"], system["criticality"]), int(rules["kinds"][system["kind"]].get("overdue_after_days", 0))
    counted = engine.counted_trust(rules, system)
    cells: list[str] = []
    for place in range((last - first).days + 1):
        day = first + _DAY * place
        events = by_day.get(day, [])
        known = known or bool(events)
        # what a tool copied with files left out is T0, and what is partial lacks something: there they lie, but they are no good copies of the day
        made = [entry for entry in events if entry["type"] == "copy_made" and not entry.get("simulated") and entry.get("trust_level") != "T0"
                and not entry.get(LACKS)]
        if made:
            good = [entry for entry in made if entry.get("label") not in damaged and entry.get("trust_level", "") >= counted]
            waited = _waited(previous, day, period, grace, here)
            late = waited is not None and waited.late
            cells.append("damaged" if all(entry.get("label") in damaged for entry in made) else
                         "excused" if late and waited and compliance.excused(waited.due, excuses) else "late" if late else "good")
            previous = _dated(good[-1]) if good else previous
            continue
        # What no day had yet when the system was first heard of is not an absence; nor is today, which has not ended.
        absent = False
        if known and day <= today:
            end = datetime.datetime.combine(day, datetime.time(23, 59, 59), here) if day < today else now
            decision = due.decide(system, rules, previous, end)
            absent = decision.state in PENDING and (day < today or decision.overdue_days > 0)
        if any(entry["type"] in ("copy_failed", "copy_refused", "copy_made") and not entry.get("simulated") for entry in events):
            cells.append("failed")
        elif absent:
            waited = _waited(previous, day, period, grace, here)
            cells.append("excused" if compliance.excused(waited.due if waited else day, excuses) else "missing")
        else:
            cells.append("simulated" if any(entry["type"] == "copy_simulated" or entry.get("simulated") for entry in events) else "none")
    return cells


def _waited(previous: Mapping[str, Any] | None, day: datetime.date, period: engine.Period | None, grace: int,
            here: datetime.tzinfo) -> compliance.Day | None:
    """What the report of compliance makes of this day; None without a copy before it, or a period."""
    return compliance.of_day(due.taken_at(previous).astimezone(here).date(), period, day, grace) if previous and period else None


def _jumps(made: Sequence[Mapping[str, Any]], before: Mapping[str, Any] | None) -> list[Jump]:
    found = []
    size = int(before.get("size", 0)) if before else 0
    for entry in made:
        now = int(entry.get("size", 0))
        if size and abs(now - size) * 100.0 / size >= JUMP_PERCENT:
            found.append(Jump(entry, (now - size) * 100.0 / size))
        size = now or size
    return found


def of_medium(name: str, copies: int, levels: Sequence[tuple[datetime.datetime, int]], free: int, stands: Mapping[str, Any], now: datetime.datetime) -> Medium:
    """By what lies there: copies made, brought and removed. One in balance lasts for ever (-1)."""
    by_day = capacity.growth(levels, now)
    age = stands["unverified_days"]
    return Medium(name, copies, levels[-1][1] if levels else 0, free, int(free / by_day) if free >= 0 and by_day > 0 else -1,
                  -1 if age is None else age, stands["problem"])


def _open_restores(store: Store, now: datetime.datetime) -> list[Mapping[str, Any]]:
    """Restores that were begun and of which no end is known."""
    since = (now - _DAY * _RESTORES_DAYS).strftime("%Y-%m-%dT%H:%M:%SZ")
    started: dict[tuple[Any, Any], Mapping[str, Any]] = {}
    for entry in store.entries(since=since, type=("restore_started", *entries.RESTORE_ENDS)):
        key = (entry.get("run"), entry.get("label"))
        if entry["type"] == "restore_started":
            started[key] = entry
        else:
            started.pop(key, None)
    return list(started.values())


def _designations(rules: Mapping[str, Any], today: datetime.date) -> Iterable[Mapping[str, str]]:
    for egcr, title in EGCR_TITLES.items():
        designated = engine.designated(rules, egcr, today)
        for person in designated:
            yield {"post": title, "name": person["name"], "since": str(people.date_of(person["from"])), "document": str(person.get("document", ""))}
        if not designated:
            yield {"post": title, "name": "", "since": "", "document": ""}


def _dated(entry: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    return {**entry, "started_at": entry.get("started_at") or entry["at_event"]} if entry else None


def _time(stamp: str) -> datetime.datetime:
    return due.taken_at({"started_at": stamp})
