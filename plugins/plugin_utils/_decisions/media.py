# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is not as it should be with a medium (numerals 5.1 a, c): it was not well when it was looked at, or nothing was read there again for too long. Pure."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from .._bitacora.by_medium import Seen, looked_lately
from .signs import days_of, rank, time_of


class Sign(NamedTuple):
    """One thing of one medium, as one server sees it; `name` is a title of warnings.py."""

    name: str
    medium: str
    host: str
    level: int
    text: str


def unverified_days(row: Seen, now: datetime.datetime) -> int:
    """Days since a copy was last read there, or since the first one came; -1 where there is none."""
    since = row.verified_at or row.copied_at
    return (now - time_of(since)).days if row.copied_at and since else -1


def signs(told: Iterable[Seen], rules: Mapping[str, Any], now: datetime.datetime) -> list[Sign]:
    """What people are to be told, by the policy's `medium_verified_days` (0: never)."""
    found = []
    for row in told:
        where = "{0}{1}".format(row.medium, f" desde {row.host}" if row.host else "")
        if row.checked.get("type") == "medium_failed" and looked_lately(row, now):
            said = "{0} {1}".format(row.checked.get("error_code", ""), row.checked.get("error_message_es", "")).strip()
            found.append(Sign("medium", row.medium, row.host, 1, f"{where}: {said}"))
        age, limit = unverified_days(row, now), rules["medium_verified_days"]
        if limit and age >= limit:
            last = f"la última verificación fue hace {days_of(age)}" if row.verified_at else (
                f"ninguna copia se verificó allí; la primera es de hace {days_of(age)}")
            found.append(Sign("unverified", row.medium, row.host, rank(age // limit), f"{where}: {last}. Ejecute verify.yml en ese servidor"))
    return found
