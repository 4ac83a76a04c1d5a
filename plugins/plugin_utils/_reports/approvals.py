# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The monthly visto bueno: a designated person looked at a month's copies and says so ("verificará": 7.2.1 b, 7.2.2 b, 7.2.3 b)."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ...module_utils._engine.errors import BackupError
from ...module_utils._engine.policy import people
from .._bitacora.any_store import Store

EVENT = "month_approved"
_WORDS = (("met", "cumplidas"), ("late", "tardías"), ("missing", "faltantes"), ("excused", "justificadas"))


def approver(rules: Mapping[str, Any], name: str, today: datetime.date) -> Mapping[str, Any]:
    """The person of that name who may approve a month today: head of the OTI, or EGCR. Raises BackupError approver_not_designated."""
    entitled = list(_entitled(rules, today))
    for person in entitled:
        if _folded(person["name"]) == _folded(name):
            return person
    names = ", ".join(dict.fromkeys(each["name"] for each in entitled))
    raise BackupError("approver_not_designated", name=name, day=today.isoformat(), entitled=names or "none")


def _entitled(rules: Mapping[str, Any], today: datetime.date) -> Iterator[Mapping[str, Any]]:
    for _post, _title, designated in people.posts(rules):
        yield from (person for person in designated if people.in_force(person, today))


def _folded(name: Any) -> str:
    return " ".join(str(name).casefold().split())


def given(store: Store, months: Iterable[str]) -> dict[str, dict[str, Any]]:
    """month -> its last visto bueno {n, name, at}; a month without one has none."""
    wanted = set(months)
    return {entry["month"]: {"n": entry["n"], "name": str(entry.get("requester", "")), "at": entry["at_event"]}
            for entry in store.entries(type=EVENT) if not entry.get("simulated") and entry.get("month") in wanted}


def counted(rows: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """What became of the copies that were due, by state, of rows of the matrix."""
    listed = list(rows)
    return {state: sum(int(row[state]) for row in listed) for state, _word in _WORDS}


def note(month: str, name: str, counts: Mapping[str, int], last: int, digest: str, remarks: str) -> str:
    """What the entry says in Spanish: what the person had in front, up to which entry of the bitácora."""
    told = ", ".join(f"{counts[state]} {word}" for state, word in _WORDS)
    return f"Visto bueno de {month} por {name}: {told}; bitácora hasta el asiento n.º {last} ({digest[:16]})" + (f". {remarks}" if remarks else "")
