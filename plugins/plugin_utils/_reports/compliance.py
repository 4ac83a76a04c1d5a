# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether each system was copied as numeral 6.4 asks, period by period, each cell with its entries; and what proves each control.

A copy is due a period after the one before it; the first, on the day of the system's first entry. A due day passes:
met (copied by then), late (copied before the next due day), missing (not at all in that period), excused (late or missing, with an entry
`excuse` that covers the due day and that nobody withdrew). A copy before its due day ends that period there and begins the next. Days are those of
the policy's zone.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ...module_utils._engine.policy import policy as engine
from .._bitacora import copies, entries
from .._bitacora.any_store import Store
from .._decisions import due as _due
from .._decisions import requests
from . import approvals

# state -> the word people read, worst first: a month is what the worst of its periods is. Only the four of them are kept of a finished month.
STATES = {"missing": "faltante", "late": "tardía", "excused": "justificada", "met": "cumplida", "pending": "por vencer", "none": "sin periodo en el mes"}
ISO_2014 = ("A.12.3.1", "A.12.4")
ISO_2022 = ("8.13", "8.15")
EXCUSES = ("excuse", "excuse_withdrawn")
_ATTEMPTS = ("copy_failed", "copy_refused", "copy_damaged")
_OF_COPIES = ("copy_made", "copy_verified", "copy_damaged")
_MOST_EVIDENCE = 40
DAY = datetime.timedelta(days=1)


class Obligation(NamedTuple):
    """One period of a system: the day its copy was due, what became of it, and the entries that tell (n, label)."""

    day: datetime.date   # the day it counts for: of the copy when that came early, else the due day
    due: datetime.date
    state: str           # met, late, missing, excused, pending
    evidence: list[dict[str, Any]]


class Control(NamedTuple):
    """A requirement and the entries that show it: of these types, with these values in their bodies (None: any value)."""

    name: str
    title: str  # Spanish
    numeral: str
    iso_2014: str
    iso_2022: str
    types: tuple[str, ...]
    where: Mapping[str, tuple[Any, ...] | None] = {}
    whole: bool = False      # of copies that lack nothing only


CONTROLS = (
    Control("emergency", "Copias ante un riesgo no controlado", "5.1 d", "A.12.3.1", "8.13", ("copy_made",), {"reason": ("emergency",)}),
    Control("paths", "Nada fuera de las rutas asignadas: rechazos", "6.2", "A.12.3.1", "8.13", ("copy_refused",)),
    Control("frequency", "Copias con la frecuencia debida", "6.4", "A.12.3.1", "8.13", ("copy_made",), whole=True),
    Control("excuses", "Ausencias justificadas, y justificaciones retiradas", "6.4", "A.12.3.1", "8.13", EXCUSES),
    Control("retention", "Copias retiradas según la política, y retenidas", "6.6", "A.12.3.1", "8.13", ("copy_pruned", "copy_held", "copy_released")),
    Control("labels", "Copias con su rótulo", "6.7", "A.12.3.1", "8.13", ("copy_made",), {"label": None}),
    Control("requests", "Solicitudes, con su plazo y su autorización", "5.1 e, 7.1.1, 7.1.2", "A.12.3.1", "8.13",
            tuple(rule.event for rule in requests.STEPS.values())),
    Control("conformities", "Conformidades con lo restaurado", "7.1.3, 7.1.4", "A.12.3.1", "8.13", (requests.STEPS["conform"].event,)),
    Control("restores", "Restauraciones", "7.1.3", "A.12.3.1", "8.13", ("restored",)),
    Control("designations", "Designaciones y sus cambios", "5.1 b", "A.6.1.1", "5.2", ("designation_changed",)),
    Control("approvals", "Visto bueno mensual", "7.2.1 b, 7.2.2 b, 7.2.3 b", "A.12.3.1", "8.13", (approvals.EVENT,)),
    Control("schedule", "Programación: puesta, retirada, lo que no corrió y lo que empezó tarde", "7.2.1 a, 7.2.3 a", "A.12.3.1", "8.13",
            ("schedule_set", "schedule_removed", "schedule_failed", "schedule_missed", "schedule_late")),
    Control("database", "Copias de bases de datos", "7.2.1", "A.12.3.1", "8.13", ("copy_made",), {"kind": ("database",)}),
    Control("password", "Copias de bases de datos con contraseña según su criticidad", "7.2.1 b", "A.12.3.1", "8.13", ("copy_made",),
            {"kind": ("database",), "encrypted": (True,)}),
    Control("custody", "Custodia de contraseñas: comprobada, actualizada, con problemas", "5.2, 7.2.1 b", "A.10.1.2", "8.24",
            ("custody_checked", "custody_updated", "custody_failed")),
    Control("source_code", "Copias de código fuente", "7.2.2", "A.12.3.1", "8.13", ("copy_made",), {"kind": ("source_code",)}),
    Control("file_server", "Copias de servidores informáticos", "7.2.3", "A.12.3.1", "8.13", ("copy_made",), {"kind": ("file_server",)}),
    Control("checked", "Verificaciones de copias", "7.2.1 b, 7.2.2 b", "A.12.3.1", "8.13", ("copy_verified", "copy_damaged", "verification_failed")),
    Control("drills", "Copias probadas restaurándolas", "5.1 c", "A.12.3.1", "8.13", ("copy_verified",), {"trust_level": ("T3", "T4", "T5")}, True),
    Control("log", "Ejecuciones registradas en la bitácora", "8.2", "A.12.4.1", "8.15", ("run_started",)),
    Control("log_protected", "Protección del registro: sellos firmados", "8.2", "A.12.4.2", "8.15", ("seal",)),
)


def first_of(month: str) -> datetime.date:
    """The first day of a month written 2026-11. Raises ValueError."""
    return datetime.datetime.strptime(month, "%Y-%m").date()


def next_month(month: str) -> datetime.date:
    """The first day of the month after one. Raises ValueError."""
    return _due.add_months(first_of(month), 1)


def months(since: str, until: str) -> list[str]:
    """The months from one to another, both included."""
    day, end = first_of(since), first_of(until)
    found = []
    while day <= end:
        found.append(day.strftime("%Y-%m"))
        day = _due.add_months(day, 1)
    return found


def obligations(start: datetime.date, period: engine.Period, copies: Sequence[tuple[datetime.date, dict[str, Any]]], today: datetime.date,
                grace: int = 0, excuses: Iterable[Mapping[str, Any]] = (), attempts: Sequence[tuple[datetime.date, dict[str, Any]]] = ()) -> list[Obligation]:
    """The periods of a system up to today, and the one that is open.

    `copies` are its good ones, (day, evidence) in order of day; `attempts` what failed; `excuses` entries with `excused_from`, `excused_until`.
    """
    given = list(excuses)
    found: list[Obligation] = []
    dues = _dues(start, period, first=0)
    due = next(dues)
    last = None
    for day, told in copies:
        if day == last:
            # A second copy of a day begins no period of its own.
            found[-1].evidence.append(told)
            continue
        last = day
        # Whole periods that passed before this copy came: it can't answer for them.
        following = next(dues)
        while day >= following:
            if day <= due + grace * DAY:
                break
            found.append(_judged(due, due, "missing", [], given, attempts, following))
            due, following = following, next(dues)
        state = "met" if day <= due + grace * DAY else "late"
        found.append(_judged(min(day, due), due, state, [told], given, (), following))
        dues = _dues(day, period, first=1)
        due = next(dues)
    while due + grace * DAY < today:
        following = next(dues)
        found.append(_judged(due, due, "missing", [], given, attempts, following))
        due = following
    found.append(Obligation(due, due, "pending", []))
    return found


def _dues(base: datetime.date, period: engine.Period, first: int) -> Iterator[datetime.date]:
    """Due days counted from one base, so that the 31st comes back after a February."""
    count = first
    while True:
        yield _due.add_months(base, period.months * count) + datetime.timedelta(days=period.days * count)
        count += 1


class Day(NamedTuple):
    """What one day is in the periods that begin with the good copy before it."""

    due: datetime.date      # the day on which the copy that this day waits for, or has, was due
    late: bool              # a copy of this day answers a due day that is over


def of_day(previous: datetime.date, period: engine.Period, day: datetime.date, grace: int = 0) -> Day:
    """By the rule of `obligations`, for who has no whole history: `previous` is the day of the last good copy before `day`."""
    longest = period.days + 31 * period.months      # between two of them: so many are surely over
    dues = _dues(previous, period, first=max(1, ((day - previous).days - grace) // longest - 1))
    due, following = next(dues), next(dues)
    while day >= following and day > due + grace * DAY:
        due, following = following, next(dues)
    return Day(due, day > due + grace * DAY)


def excused(due: datetime.date, excuses: Iterable[Mapping[str, Any]]) -> bool:
    """Whether one of these covers the day on which a copy was due."""
    return any(str(excuse["excused_from"]) <= due.isoformat() <= str(excuse["excused_until"]) for excuse in excuses)


def _judged(day: datetime.date, due: datetime.date, state: str, evidence: list[dict[str, Any]], excuses: Sequence[Mapping[str, Any]],
            attempts: Sequence[tuple[datetime.date, dict[str, Any]]], following: datetime.date) -> Obligation:
    told = evidence + [tried for on, tried in attempts if due <= on < following][:_MOST_EVIDENCE]
    if state in ("late", "missing"):
        for excuse in excuses:
            if str(excuse["excused_from"]) <= due.isoformat() <= str(excuse["excused_until"]):
                return Obligation(day, due, "excused", [*told, _evidence(excuse)])
    return Obligation(day, due, state, told)


def _evidence(entry: Mapping[str, Any]) -> dict[str, Any]:
    found = {"n": entry["n"], "label": entry.get("label", ""), "type": entry["type"]}
    return {**found, "why": entry["reason_text"]} if entry["type"] == "excuse" and "reason_text" in entry else found


class Matrix(NamedTuple):
    """Rows of system and month, and the periods behind them."""

    rows: list[dict[str, Any]]
    periods: list[dict[str, Any]]
    approved: Mapping[str, Mapping[str, Any]] = {}     # by month: its last visto bueno (approvals.py)


def matrix(store: Store, rules: Mapping[str, Any], systems: Iterable[Mapping[str, Any]], since: str, until: str, now: datetime.datetime) -> Matrix:
    """The compliance of each system in each month, from the bitácora. `since` and `until` are months (2026-11); `now` has a time zone.

    Systems that the bitácora knows and the inventory does not, or that are disabled, are judged up to their last entry.
    """
    here = _due.zone(rules["time_zone"])
    wanted = months(since, until)
    today = now.astimezone(here).date()
    excuses = excuses_in_force(store)
    history: dict[tuple[str, str], list[dict[str, Any]]] = {}
    began: dict[tuple[str, str], list[tuple[str, Any, Any]]] = {}
    for entry in store.entries(type=[*_OF_COPIES, *_ATTEMPTS[:2], *copies.STARTS]):
        if entry.get("system") and entry.get("kind") and not entry.get("simulated"):
            key = (entry["kind"], entry["system"])
            if entry["type"] in copies.STARTS:
                began.setdefault(key, []).append((entry["type"], entry.get("host"), entry.get("label")))
            if entry["type"] == "copy_started" or entry["type"] not in copies.STARTS:
                history.setdefault(key, []).append(entry)
    for key, told in history.items():
        standing = copies.Standing(began.get(key, ()))
        history[key] = [entry for entry in told if standing.counts(entry)]
    declared = {(system["kind"], system["name"]): system for system in systems}
    rows: list[dict[str, Any]] = []
    periods: list[dict[str, Any]] = []
    for key in sorted({*declared, *history}):
        told = history.get(key, [])
        system = declared.get(key) or _former(told, rules)
        if system is None:
            continue
        active = key in declared and system.get("enabled", True)
        found = _of_system(system, rules, told, excuses, here, today, active)
        for obligation in found:
            if obligation.day.strftime("%Y-%m") in wanted and obligation.state != "pending":
                periods.append({"system": key[1], "kind": key[0], "due": obligation.due.isoformat(), "day": obligation.day.isoformat(),
                                "state": obligation.state, "evidence": obligation.evidence})
        rows += [_row(system, rules, month, found, active, today) for month in wanted if month <= today.strftime("%Y-%m")]
    return Matrix(rows, periods, approvals.given(store, wanted))


def excuses_in_force(store: Store) -> list[dict[str, Any]]:
    """The excuses that nobody withdrew since."""
    found: dict[int, dict[str, Any]] = {}
    for entry in store.entries(type=EXCUSES):
        if entry.get("simulated"):
            continue
        if entry["type"] == "excuse":
            # one whose days can't be read excuses none
            if "excused_from" in entry and "excused_until" in entry:
                found[entry["n"]] = entry
        else:
            found.pop(entry.get("withdraws", 0), None)
    return list(found.values())


def _former(told: Sequence[Mapping[str, Any]], rules: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """A system that only the bitácora knows, as its last entry tells it; None when no copy of it was ever made."""
    made = [entry for entry in told if entry["type"] == "copy_made" and entry["kind"] in rules["kinds"]]
    if not made:
        return None
    last = made[-1]
    criticality = last.get("criticality", "baja")
    return {"name": last["system"], "kind": last["kind"], "office": last.get("office", ""), "source": {"type": last.get("source_type", "")},
            "criticality": criticality if criticality in rules["criticality"] else "baja"}


def _of_system(system: Mapping[str, Any], rules: Mapping[str, Any], told: Sequence[dict[str, Any]], excuses: Iterable[Mapping[str, Any]],
               here: datetime.tzinfo, today: datetime.date, active: bool) -> list[Obligation]:
    kind = rules["kinds"][system["kind"]]
    period = engine.period(rules, system["kind"], system["criticality"])
    if period is None or kind.get("only_on_request"):
        return []
    if not told:
        # Declared and never seen: its absence is shown in this month, there is no older day to begin at.
        return [Obligation(today, today, "missing", [])] if active else []

    def day_of(entry: Mapping[str, Any]) -> datetime.date:
        return (_due.moment(entry.get("started_at")) or _due.taken_at({"started_at": entry["at_event"]})).astimezone(here).date()

    trust = engine.counted_trust(rules, system)
    good = [(day_of(copy), _evidence(copy)) for copy in copies.copies_told(entry for entry in told if entry["type"] in _OF_COPIES)
            if copies.is_good(copy, trust)]
    attempts = [(day_of(entry), _evidence(entry)) for entry in told if entry["type"] in _ATTEMPTS or entry.get(copies.LACKS)]
    own = [entry for entry in excuses if entry.get("kind") == system["kind"] and entry.get("system") == system["name"]]
    end = today if active else min(today, max(map(day_of, told)))
    # What is dated in the future proves nothing yet.
    known = sorted(((day, shown) for day, shown in good if day <= today), key=lambda pair: (pair[0], pair[1]["n"]))
    return obligations(min(map(day_of, told)), period, known, end, int(kind.get("overdue_after_days", 0)), own, attempts)


def _row(system: Mapping[str, Any], rules: Mapping[str, Any], month: str, found: Sequence[Obligation], active: bool,
         today: datetime.date) -> dict[str, Any]:
    kind = rules["kinds"][system["kind"]]
    of_month = [each for each in found if each.day.strftime("%Y-%m") == month]
    counts = {state: sum(each.state == state for each in of_month) for state in ("met", "late", "missing", "excused")}
    state = next((name for name in STATES if any(each.state == name for each in of_month)), "none")
    evidence = [{**told, "state": each.state, "due": each.due.isoformat()} for each in of_month for told in each.evidence]
    return {
        "system": system["name"], "kind": system["kind"], "office": system.get("office", ""), "criticality": system["criticality"], "active": active,
        "month": month, "in_course": month == today.strftime("%Y-%m"), "state": state, **counts,
        "due": [each.due.isoformat() for each in of_month if each.state in ("late", "missing", "excused")],
        "numerals": list(dict.fromkeys([kind["frequency_numeral"], kind["numeral"], "6.6", "6.7"])),
        "iso_2014": list(ISO_2014), "iso_2022": list(ISO_2022), "evidence": evidence,
    }


def word(row: Mapping[str, Any]) -> str:
    """The state of a month as people read it. Of one that is not over nothing is final: what is not due yet is pending, and it says so."""
    found = "pendiente" if row["in_course"] and row["state"] in ("pending", "none") else STATES[row["state"]]
    return found + " (mes en curso)" if row["in_course"] else found


def running(matrix: Matrix) -> set[str]:
    """The month that is not over, as far as it is asked for: nobody can look back on it yet."""
    return {row["month"] for row in matrix.rows if row["in_course"]}


def controls(store: Store, rules: Mapping[str, Any], since: str, until: str, samples: int = 5) -> list[dict[str, Any]]:
    """Each control, the query that finds its evidence in the SQLite file of the bitácora, how many entries it finds and some of them.

    The samples are spread over the period, the first and the last among them.
    """
    zone = rules["time_zone"]
    last = next_month(until) - DAY
    found = []
    start, end = entries.moment(since + "-01", False, zone), entries.moment(last.isoformat(), True, zone)
    for control in CONTROLS:
        told = [entry for entry in store.entries(type=control.types, since=start, until=end) if _matches(entry, control)]
        step = max(1, -(-len(told) // samples)) if samples else 1
        picked = [*told[::step][:max(0, samples - 1)], *told[-1:]] if told else []
        found.append({**control._asdict(), "types": list(control.types), "where": {name: list(of) if of else None for name, of in control.where.items()},
                      "query": _query(control, start, end), "entries": len(told),
                      "samples": [{"n": n, "label": label} for n, label in dict.fromkeys((entry["n"], entry.get("label", "")) for entry in picked)]})
    return found


def _matches(entry: Mapping[str, Any], control: Control) -> bool:
    return not entry.get("simulated") and not (control.whole and entry.get(copies.LACKS)) and all(
        entry.get(name) in values if values else entry.get(name) is not None for name, values in control.where.items())


def _query(control: Control, start: str, end: str) -> str:
    """The same question in the SQL of SQLite. Everything in it is of the table above or a stored time: nothing to quote."""
    parts = [f"type IN ({', '.join(repr(each) for each in control.types)})", f"at_event BETWEEN '{start}' AND '{end}'",
             "json_extract(body, '$.simulated') IS NOT 1"]
    for name, values in control.where.items():
        known = ", ".join("1" if value is True else f"'{value}'" for value in values or ())
        parts.append(f"json_extract(body, '$.{name}') IN ({known})" if values else f"json_extract(body, '$.{name}') IS NOT NULL")
    if control.whole:
        parts.append(f"json_extract(body, '$.{copies.LACKS}') IS NULL")
    return "SELECT n FROM entries WHERE " + " AND ".join(parts) + " ORDER BY n"


def flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the matrix or of the controls for a table of texts and numbers, its words in Spanish."""
    found: dict[str, Any] = {}
    for name, value in row.items():
        plain = isinstance(value, (list, tuple)) and not any(isinstance(each, Mapping) for each in value)
        found[name] = ", ".join(map(str, value)) if plain else value
    found.pop("where", None)
    found.pop("whole", None)
    for name in ("evidence", "samples"):
        if name in found:
            found[name] = ", ".join(f"{each['n']}{' ' + each['label'] if each['label'] else ''}" for each in found[name])
    if "state" in found:
        found["state"] = STATES[found["state"]]
    return found


def as_json(value: Any) -> str:
    """Data for a file: keys in order, so that the same bitácora gives the same bytes."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1, default=str) + "\n"
