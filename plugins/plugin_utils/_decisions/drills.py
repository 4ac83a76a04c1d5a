# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which copies are restored into scratch tonight (ISO/IEC 27001 A.12.3.1; 8.13 in 2022): a rotation within a budget of time. Pure functions.

The system that waits longest comes first: since its time was over, or since its last drill failed. So each drill, good or failed, puts its system
behind all that wait, and nobody starves. How long a restore takes is what it took before, or is reckoned from the size by the rate of the others.
What waits is never passed over for what fits better: when it does not fit tonight, it moves up until it opens a night.
"""

from __future__ import annotations

import datetime
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from .._bitacora.view import counted
from . import due

PROVED = ("T3", "T4", "T5")      # what restored it into scratch at least

# days within which a copy of each system is to be restored, by criticality, and the minutes of a night; the policy may say otherwise
DEFAULTS: dict[str, Any] = {"every": {"alta": 30, "media": 90, "baja": 180}, "budget_minutes": 120}
_RATE = 20 * 1024 * 1024  # bytes a second, until a restore has been measured
_LONGEST_MEMORY = 5
_NEVER = datetime.datetime.min.replace(tzinfo=datetime.timezone.utc)


class Candidate(NamedTuple):
    """What is known of a system: its newest good copy, its earlier proofs, oldest first (entries of T3 and above, and restores), its failed drills."""

    system: str
    kind: str
    criticality: str
    copy: Mapping[str, Any] | None
    proofs: Sequence[Mapping[str, Any]]
    failures: Sequence[Mapping[str, Any]] = ()


class Turn(NamedTuple):
    """Whether a system is drilled tonight, and why."""

    system: str
    kind: str
    chosen: bool
    why: str            # Spanish
    label: str          # of the copy to restore; empty without one
    days: int           # since the last proof; -1 when there is none
    every: int
    estimate_ms: int
    measured_ms: int    # of the last proof; 0 when there is none


def rules_of(policy: Mapping[str, Any]) -> dict[str, Any]:
    """The policy's `drills` over the defaults. Older policies say `warnings.restore_test_days` instead, one number for all criticalities."""
    told = policy.get("drills", {})
    former = policy.get("warnings", {}).get("restore_test_days", 0)
    every = dict.fromkeys(DEFAULTS["every"], former) if former and "every" not in told else DEFAULTS["every"]
    return {**DEFAULTS, **told, "every": {**every, **told.get("every", {})}}


def rotate(candidates: Iterable[Candidate], policy: Mapping[str, Any], now: datetime.datetime) -> list[Turn]:
    """The turns, the most urgent first. The first is taken even when it alone exceeds the budget, or it never would be."""
    rules = rules_of(policy)
    known = list(candidates)
    rate = _rate(known)
    budget, spent = rules["budget_minutes"] * 60000, 0
    turns = []
    for candidate in sorted(known, key=lambda each: (_waits_since(each, rules), _last_tried(each), rules["every"][each.criticality], each.kind, each.system)):
        turn = _turn(candidate, rules, rate, now)
        if turn.chosen and spent and spent + turn.estimate_ms > budget:
            turn = turn._replace(chosen=False, why=f"no cabe en los {rules['budget_minutes']} minutos de esta noche; {turn.why}")
            spent = max(spent, budget)  # nothing less urgent goes before it
        elif turn.chosen:
            spent += turn.estimate_ms
        turns.append(turn)
    return turns


def coverage(turns: Sequence[Turn]) -> int:
    """Percentage of the systems whose last proof is within their time; 100 when there is none."""
    return 100 if not turns else 100 * sum(0 <= turn.days < turn.every for turn in turns) // len(turns)


def _turn(candidate: Candidate, rules: Mapping[str, Any], rate: float, now: datetime.datetime) -> Turn:
    every, days = rules["every"][candidate.criticality], _days(candidate, now)
    measured = int(candidate.proofs[-1].get("duration_ms", 0)) if candidate.proofs else 0
    told = {"system": candidate.system, "kind": candidate.kind, "days": days, "every": every, "measured_ms": measured}
    if candidate.copy is None:
        return Turn(chosen=False, why="no tiene ninguna copia buena que probar", label="", estimate_ms=0, **told)
    told.update(label=candidate.copy["label"], estimate_ms=_estimate(candidate, rate))
    failed = _failed_since_proof(candidate)
    if failed:
        times = "1 vez" if len(failed) == 1 else f"{len(failed)} veces"
        return Turn(chosen=True, why=f"la prueba falló {times} desde la última correcta (se exige cada {every} días)", **told)
    if days < 0:
        return Turn(chosen=True, why=f"nunca se probó su restauración (se exige cada {every} días)", **told)
    ago = counted(days, "día", "días")
    if days >= every:
        return Turn(chosen=True, why=f"la última prueba fue hace {ago} (se exige cada {every})", **told)
    return Turn(chosen=False, why=f"se probó hace {ago} (se exige cada {every})", **told)


def _waits_since(candidate: Candidate, rules: Mapping[str, Any]) -> datetime.datetime:
    """Since when it waits for its turn; in the future while it does not."""
    failed = _failed_since_proof(candidate)
    if failed:
        return _at(failed[-1])
    if not candidate.proofs:
        return _NEVER
    return _at(candidate.proofs[-1]) + datetime.timedelta(days=rules["every"][candidate.criticality])


def _last_tried(candidate: Candidate) -> datetime.datetime:
    return max([_at(entries[-1]) for entries in (candidate.proofs, candidate.failures) if entries], default=_NEVER)


def _estimate(candidate: Candidate, rate: float) -> int:
    """Milliseconds: as it took before, or by its size. What failed lately after a longer time may take that long again."""
    memory = [proof["duration_ms"] for proof in candidate.proofs[-_LONGEST_MEMORY:] if proof.get("duration_ms")]
    usual = statistics.median(memory) if memory else (candidate.copy or {}).get("size", 0) * 1000 / rate
    return max(1, int(usual), *map(_lasted, _failed_since_proof(candidate)[-_LONGEST_MEMORY:]))


def _failed_since_proof(candidate: Candidate) -> list[Mapping[str, Any]]:
    proved = _at(candidate.proofs[-1]) if candidate.proofs else None
    return [entry for entry in candidate.failures if proved is None or _at(entry) > proved]


def _lasted(entry: Mapping[str, Any]) -> int:
    if "started_at" not in entry or "ended_at" not in entry:
        return int(entry.get("duration_ms", 0))
    return int((due.taken_at({"started_at": entry["ended_at"]}) - due.taken_at(entry)).total_seconds() * 1000)


def _at(entry: Mapping[str, Any]) -> datetime.datetime:
    return due.taken_at({"started_at": entry["at_event"]})


def _days(candidate: Candidate, now: datetime.datetime) -> int:
    if not candidate.proofs:
        return -1
    return max(0, (now - _at(candidate.proofs[-1])).days)


def _rate(candidates: Iterable[Candidate]) -> float:
    """Bytes a second of the restores that were measured; of the copy as it lies on the medium, in every case."""
    rates = [proof["size"] * 1000 / proof["duration_ms"] for candidate in candidates for proof in candidate.proofs
             if proof.get("size") and proof.get("duration_ms")]
    return statistics.median(rates) if rates else _RATE
