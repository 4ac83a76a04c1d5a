# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a system's copy is due: numeral 6.4 applied to its last good copy. A pure function; it reads no clock and no store."""

from __future__ import annotations

import calendar
import datetime
import functools
import zoneinfo
from collections.abc import Mapping
from typing import Any, NamedTuple

from ...module_utils._engine import result
from ...module_utils._engine.errors import BackupError
from ...module_utils._engine.policy import people
from ...module_utils._engine.policy import policy as engine
from ...module_utils._engine.policy.vocabulary import DAYS_OF_WEEK
from ...module_utils._engine.value_forms import seen
from .._bitacora.copies import lack

# These sources give a content digest without being copied, so that an update can be seen.
SOURCES_THAT_TELL_UPDATES = ("git", "paths")

# state -> the word people read. What a run does of each is Decision.due.
STATES = {
    "due": "corresponde", "overdue": "vencida", "not_due": "no corresponde", "if_changed": "corresponde si cambió",
    "outside_window": "fuera de ventana", "ask": "espera confirmación", "waiting_for_request": "espera solicitud", "refused": "rechazada",
}

# A copy is restored into scratch right after it is made, or by a drill of the next night; later than that it is said.
TRUST_GRACE = datetime.timedelta(days=1)


# When an entry happened that does not say it: long ago, so that nothing counts as done lately for it.
UNKNOWN = datetime.datetime(2000, 1, 1, tzinfo=datetime.timezone.utc)

# By how much the clocks of runs may differ. What is dated later than that was written by a clock that was ahead: for years it would be the newest of all.
CLOCKS_DIFFER = datetime.timedelta(minutes=5)


class Decision(NamedTuple):
    """What is to be done with a system now, and why."""

    due: str       # what a run does: yes, no, if_changed (the source must be asked whether it differs from the last copy)
    reason: str    # scheduled, update, emergency, request
    why: str       # Spanish, with the numeral
    why_en: str
    next_due: str  # YYYY-MM-DD in the policy's zone; empty when nothing fixes a day
    state: str = "not_due"  # one of STATES
    overdue_days: int = 0   # whole days after the day it was due, whatever keeps it from being copied now
    window_opens: str = ""  # YYYY-MM-DD HH:MM in the policy's zone, when the working hours are what keeps it


class _Told(NamedTuple):
    """A reason in both languages."""

    spanish: str
    english: str


def decide(system: Mapping[str, Any], policy: Mapping[str, Any], last: Mapping[str, Any] | None, now: datetime.datetime,
           emergency: str = "", request: Mapping[str, Any] | None = None, catch_up: str = "") -> Decision:
    """The decision for a valid system; `last` is its last good copy as the bitácora keeps it, `now` has a time zone.

    `emergency` is the reason of an emergency copy (numeral 5.1 d), which is due whatever frequency, hours and catch-up say.
    `request` is a request of a head of an office (`ticket`, `requester`, `reason`), which is due whatever frequency and hours say.
    `catch_up` is "now" when a person has said that what an outage left behind may be copied now.
    """
    rules = policy["kinds"][system["kind"]]
    numeral = rules["frequency_numeral"]
    local = now.astimezone(zone(policy["time_zone"]))
    today = local.date()
    if not system.get("enabled", True):
        # what a forge no longer lists is there as disabled, so that its copies stay under the policy
        gone = (system.get("source") or {}).get("type") == "git" and "url" in system["source"]
        return Decision("no", "scheduled", "El sistema está deshabilitado en el inventario" + (", o su repositorio se retiró de la forja" if gone else ""),
                        "The system is disabled in the inventory" + (", or its repository is gone from its forge" if gone else ""), "")
    if engine.copied_by_a_tool(system):
        return _by_a_tool(system, policy, last, local, rules)
    if emergency:
        of = policy.get("emergency_numeral", "5.1 d")
        if not seen(emergency).strip():
            return Decision("no", "emergency", f"Se rechaza la emergencia: falta el motivo (numeral {of})",
                            f"The emergency is refused: its reason is missing (numeral {of})", "", "refused")
        return Decision("yes", "emergency", f"Copia de emergencia (numeral {of}): {emergency}", f"Emergency copy (numeral {of}): {emergency}",
                        today.isoformat(), "due")
    if request is not None:
        return _on_request(request, numeral, today, _heads(policy, today) if rules.get("only_on_request") else None)
    period = engine.period(policy, system["kind"], system["criticality"])
    if period is None or rules.get("only_on_request"):
        return Decision("no", "scheduled", f"Solo a solicitud o ante un riesgo no controlado (numeral {numeral})",
                        f"Only on request or on an uncontrolled risk (numeral {numeral})", "", "waiting_for_request")
    due_on, told = _due_on(system, policy, last, local, period)
    if today < due_on:
        return _not_yet(system, rules, due_on, told, numeral)
    overdue = max(0, (today - due_on).days - int(rules.get("overdue_after_days", 0)))
    return _now_or_later(policy, rules, local, due_on, overdue, told, catch_up)


def _heads(policy: Mapping[str, Any], on: datetime.date) -> set[str] | None:
    """Names and e-mails of the directors and heads in force on a date; None when the policy does not name them, so that it can't be told."""
    if "heads" not in policy.get("actors", {}):
        return None
    return {_folded(person[key]) for person in policy["actors"]["heads"] for key in ("name", "email") if key in person and people.in_force(person, on)}


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def _on_request(request: Mapping[str, Any], numeral: str, today: datetime.date, heads: set[str] | None) -> Decision:
    """A copy that somebody asked for needs its ticket and the name of who asked; with `heads`, that of one of them."""
    missing = [spanish for name, spanish in (("ticket", "el ticket"), ("requester", "el solicitante")) if not str(request.get(name) or "").strip()]
    if missing:
        absent = [name for name in ("ticket", "requester") if not str(request.get(name) or "").strip()]
        return Decision("no", "request", f"Se rechaza la solicitud: falta {' y '.join(missing)} (numeral {numeral})",
                        f"The request is refused: {' and '.join(absent)} missing (numeral {numeral})", "", "refused")
    if heads is not None and _folded(str(request["requester"])) not in heads:
        return Decision("no", "request", f"Espera el visto bueno de su director/a o jefe/a: {request['requester']} no lo es (numeral {numeral})",
                        f"Waits for a director or head: {request['requester']} is none (numeral {numeral})", "", "waiting_for_request")
    why = str(request.get("reason") or "").strip()
    return Decision("yes", "request", f"Solicitud {request['ticket']} de {request['requester']}{': ' + why if why else ''} (numeral {numeral})",
                    f"Request {request['ticket']} of {request['requester']}{': ' + why if why else ''} (numeral {numeral})", today.isoformat(), "due")


def _due_on(system: Mapping[str, Any], policy: Mapping[str, Any], last: Mapping[str, Any] | None, local: datetime.datetime,
            period: engine.Period) -> tuple[datetime.date, _Told]:
    """The day on which a copy is due, and what is known of the last one."""
    today = local.date()
    if last is None:
        return today, _Told("no existe ninguna copia buena anterior", "there is no earlier good copy")
    taken = taken_at(last).astimezone(local.tzinfo)
    copied = taken.date()
    if copied > today:
        return today, _Told(f"la última copia tiene fecha futura ({_spanish(copied)}): no se la considera",
                            f"the last copy is dated in the future ({copied}), so it does not count")
    told = _Told(f"la última copia buena es del {_spanish(copied)}", f"the last good copy is of {copied}")
    required = engine.required_trust(policy, system)
    if last.get("trust_level", required) < required and local - taken > TRUST_GRACE:
        told = _Told(f"{told.spanish}, sin alcanzar {required} todavía", f"{told.english}, still short of {required}")
    return add_months(copied, period.months) + datetime.timedelta(days=period.days), told


def _by_a_tool(system: Mapping[str, Any], policy: Mapping[str, Any], last: Mapping[str, Any] | None, local: datetime.datetime,
               rules: Mapping[str, Any]) -> Decision:
    """What a tool copies by itself (7.2.3 a): no run of ours makes it, whatever the reason; how late its copies are is said all the same.

    The copy of a day is recorded by the verification of the next one, so that a day is late when the one after it ended without.
    """
    numeral = rules["numeral"]
    due_on, told = _due_on(system, policy, last, local, engine.period(policy, system["kind"], system["criticality"]) or engine.Period(1, 0))
    overdue = max(0, (local.date() - due_on).days - int(rules.get("overdue_after_days", 0)))
    by = _Told("La hace la herramienta por sí misma", "The tool makes it by itself")
    if local.date() < due_on or not overdue:
        return Decision("no", "scheduled", f"{by.spanish}: {told.spanish} (numeral {numeral})", f"{by.english}: {told.english} (numeral {numeral})",
                        due_on.isoformat())
    days = "1 día" if overdue == 1 else f"{overdue} días"
    return Decision("no", "scheduled", f"Vencida hace {days}, desde el {_spanish(due_on)}: {told.spanish}. {by.spanish}: azure_backup.yml (numeral {numeral})",
                    f"Overdue by {overdue} d, since {due_on}: {told.english}. {by.english}: azure_backup.yml (numeral {numeral})", due_on.isoformat(),
                    "overdue", overdue)


def _not_yet(system: Mapping[str, Any], rules: Mapping[str, Any], due_on: datetime.date, told: _Told, numeral: str) -> Decision:
    if rules.get("on_update") and system["source"]["type"] in SOURCES_THAT_TELL_UPDATES:
        return Decision("if_changed", "update", f"Corresponde si hubo una actualización: {told.spanish} (numeral {numeral})",
                        f"Due if there was an update: {told.english} (numeral {numeral})", due_on.isoformat(), "if_changed")
    return Decision("no", "scheduled", f"No corresponde hasta el {_spanish(due_on)}: {told.spanish} (numeral {numeral})",
                    f"Not due until {due_on}: {told.english} (numeral {numeral})", due_on.isoformat())


def _now_or_later(policy: Mapping[str, Any], rules: Mapping[str, Any], local: datetime.datetime, due_on: datetime.date, overdue: int, told: _Told,
                  catch_up: str) -> Decision:
    """A copy is due: now, when the working hours end, or when a person says so."""
    numeral, rule = rules["frequency_numeral"], rules.get("catch_up", "now")
    if overdue:
        days = "1 día" if overdue == 1 else f"{overdue} días"
        said = _Told(f"Vencida hace {days}, desde el {_spanish(due_on)}: {told.spanish}", f"Overdue by {overdue} d, since {due_on}: {told.english}")
    else:
        said = _Told(f"Corresponde desde el {_spanish(due_on)}: {told.spanish}", f"Due since {due_on}: {told.english}")
    if overdue and rule == "ask" and catch_up != "now":
        return Decision("no", "scheduled", f"{said.spanish}. Espera confirmación: backup_catch_up=now (numeral {numeral})",
                        f"{said.english}. Waits for confirmation: backup_catch_up=now (numeral {numeral})", due_on.isoformat(), "ask", overdue)
    closes = working_until(local, policy)
    if closes is not None and (rules.get("outside_working_hours") or (overdue and rule == "next_window" and catch_up != "now")):
        opens = closes.strftime("%Y-%m-%d %H:%M")
        return Decision("no", "scheduled", f"{said.spanish}. En horario laboral no se copia: desde las {closes:%H:%M} (numeral {numeral})",
                        f"{said.english}. Not during working hours: from {closes:%H:%M} on (numeral {numeral})", due_on.isoformat(),
                        "outside_window", overdue, opens)
    return Decision("yes", "scheduled", f"{said.spanish} (numeral {numeral})", f"{said.english} (numeral {numeral})", due_on.isoformat(),
                    "overdue" if overdue else "due", overdue)


def working_until(local: datetime.datetime, policy: Mapping[str, Any]) -> datetime.datetime | None:
    """When the working hours that hold this local moment end; None outside them (numeral 6.4, working_hours and holidays of the policy)."""
    hours = policy.get("working_hours")
    if not hours or DAYS_OF_WEEK[local.weekday()] not in hours["days"] or local.date() in _holidays(tuple(policy.get("holidays", ()))):
        return None
    if not hours["from"] <= local.strftime("%H:%M") < hours["until"]:
        return None
    hour, minute = hours["until"].split(":")
    return local.replace(hour=int(hour), minute=int(minute), second=0, microsecond=0)


@functools.lru_cache(maxsize=16)
def _holidays(listed: tuple[Any, ...]) -> frozenset[datetime.date]:
    return frozenset(people.date_of(day) for day in listed)


def noting(decision: Decision, made: Mapping[str, Any] | None) -> Decision:
    """A decision that also tells of the last copy made, where that is partial and so is not the last good one."""
    why = lack(made) if made else ""
    if not made or not why:
        return decision
    return decision._replace(why=f"{decision.why}. La última copia, {made.get('label', '')}, {why}: no cuenta como buena",
                             why_en=f"{decision.why_en}. The last copy, {made.get('label', '')}, is partial: it does not count as good")


def taken_at(copy: Mapping[str, Any]) -> datetime.datetime:
    """The start of a recorded copy, or its end, or when it was recorded, whichever is known first; UNKNOWN when none is. Never raises."""
    return moment(copy.get("started_at")) or moment(copy.get("ended_at")) or moment(copy.get("at_event")) or UNKNOWN


def moment(text: Any) -> datetime.datetime | None:
    """A time as the bitácora writes it; None for what is none, or can't be one: the years before 2000 and after 2099."""
    if not result.is_time(text):
        return None
    return datetime.datetime.fromisoformat(text[:-1]).replace(tzinfo=datetime.timezone.utc)      # strptime takes many times as long


def believed_until(now: datetime.datetime) -> str:
    """Until when what an entry says to have happened is believed now, as the bitácora writes times."""
    return (now + CLOCKS_DIFFER).astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def is_ahead(copy: Mapping[str, Any], now: datetime.datetime) -> bool:
    """Whether a copy is dated in the future."""
    return taken_at(copy) > now + CLOCKS_DIFFER


def zone(name: str, where: str = "backup_policy.time_zone") -> zoneinfo.ZoneInfo:
    """The time zone of a name. Raises BackupError RSP101 when the controller does not know it."""
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise BackupError("invalid_input", where=where, value=name, problem="is not a time zone this controller knows",
                          mend="Write it like America/Lima; if it is right, install the package tzdata on the controller.") from None


def add_months(day: datetime.date, months: int) -> datetime.date:
    """The same day some months later, or the last one of that month when it is shorter."""
    count = day.year * 12 + day.month - 1 + months
    year, month = count // 12, count % 12 + 1
    return datetime.date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def _spanish(day: datetime.date) -> str:
    return day.strftime("%d/%m/%Y")
