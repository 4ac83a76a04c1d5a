# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a system's copy is due: numeral 6.4 applied to its last good copy. A pure function; it reads no clock and no store."""

from __future__ import annotations

import calendar
import datetime
import zoneinfo
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..module_utils._engine import policy as engine
from ..module_utils._engine.errors import BackupError

# These sources give a content digest without being copied, so that an update can be seen.
SOURCES_THAT_TELL_UPDATES = ("git",)


class Decision(NamedTuple):
    due: str       # yes, no, if_changed: the source must be asked whether it differs from the last copy
    reason: str    # scheduled, update, emergency
    why: str       # Spanish, with the numeral
    why_en: str
    next_due: str  # YYYY-MM-DD in the policy's zone; empty when nothing fixes a day


def decide(system: Mapping[str, Any], policy: Mapping[str, Any], last: Mapping[str, Any] | None, now: datetime.datetime,
           emergency: str = "") -> Decision:
    """The decision for a valid system; `last` is its last good copy as the bitácora keeps it, `now` has a time zone.

    `emergency` is the reason of an emergency copy (numeral 5.1 d), which is due whatever the frequency says.
    """
    rules = policy["kinds"][system["kind"]]
    numeral = rules["frequency_numeral"]
    here = zone(policy["time_zone"])
    today = now.astimezone(here).date()
    if not system.get("enabled", True):
        return Decision("no", "scheduled", "El sistema está deshabilitado en el inventario", "The system is disabled in the inventory", "")
    if emergency:
        of = policy.get("emergency_numeral", "5.1 d")
        return Decision("yes", "emergency", f"Copia de emergencia (numeral {of}): {emergency}", f"Emergency copy (numeral {of}): {emergency}",
                        today.isoformat())
    if last is None:
        return Decision("yes", "scheduled", f"No existe ninguna copia buena anterior (numeral {numeral})",
                        f"There is no earlier good copy (numeral {numeral})", today.isoformat())
    copied = taken_at(last).astimezone(here).date()
    if copied > today:
        return Decision("yes", "scheduled", f"La última copia tiene fecha futura ({_spanish(copied)}): no se la considera (numeral {numeral})",
                        f"The last copy is dated in the future ({copied}), so it does not count (numeral {numeral})", today.isoformat())
    period = engine.period(policy, system["kind"], system["criticality"])
    if period is None:
        return Decision("no", "scheduled", f"Solo a solicitud o ante un riesgo no controlado (numeral {numeral})",
                        f"Only on request or on an uncontrolled risk (numeral {numeral})", "")
    due_on = add_months(copied, period.months) + datetime.timedelta(days=period.days)
    last_one = f"la última copia buena es del {_spanish(copied)}"
    last_one_en = f"the last good copy is of {copied}"
    if today >= due_on:
        return Decision("yes", "scheduled", f"Corresponde desde el {_spanish(due_on)}: {last_one} (numeral {numeral})",
                        f"Due since {due_on}: {last_one_en} (numeral {numeral})", due_on.isoformat())
    if rules.get("on_update") and system["source"]["type"] in SOURCES_THAT_TELL_UPDATES:
        return Decision("if_changed", "update", f"Corresponde si hubo una actualización: {last_one} (numeral {numeral})",
                        f"Due if there was an update: {last_one_en} (numeral {numeral})", due_on.isoformat())
    return Decision("no", "scheduled", f"No corresponde hasta el {_spanish(due_on)}: {last_one} (numeral {numeral})",
                    f"Not due until {due_on}: {last_one_en} (numeral {numeral})", due_on.isoformat())


def taken_at(copy: Mapping[str, Any]) -> datetime.datetime:
    """The start of a recorded copy (`YYYY-MM-DDTHH:MM:SSZ`), or its end when the start is not known."""
    text = copy.get("started_at") or copy["ended_at"]
    return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc)


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
