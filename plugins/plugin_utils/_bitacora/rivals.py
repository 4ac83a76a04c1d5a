# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether another run makes, or has just made, the scheduled copy that this one is about to make: two schedulers that fire one job, or one that fires twice.

A plan is made before its copies begin, so that two runs of one minute find the same copy due. Entries have one order: of two starts the first goes on, and
the second, which sees the first, leaves it alone. The lock of the system on its media (RSP404) stays what keeps two apart that this does not see: a restore,
a removal, a run of another bitácora.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from . import entries
from .any_store import Store
from .who import identity, is_dead, is_elsewhere

# What a person asks for is made, whoever else is at it.
YIELDING = ("scheduled", "update")
_LOOKED_AT = 200
# For longer than this nothing is left to a run: to one whose processes are not seen from here, since nobody knows whether it died; to one that lives, so that
# a copy that hangs is told by the next night's (RSP404, by the lock that it holds).
_UNSEEN, _SEEN = datetime.timedelta(hours=1), datetime.timedelta(hours=20)
_RESTORES = ("restore_started", *entries.RESTORE_ENDS)


def rival(store: Store, run: str, kind: str, system: str, label: str, now: datetime.datetime) -> str:
    """Why this run leaves the copy to another, in Spanish; "" when it does not. `label` is that of its own start, or "" before there is one."""
    begun = store.entries(run=run, type="run_started")
    told = [entry for entry in store.entries(kind=kind, system=system, type=("copy_started", *entries.COPY_ENDS), limit=_LOOKED_AT)
            if not entry.get("simulated")]
    own = next((entry["n"] for entry in told if entry["type"] == "copy_started" and entry.get("run") == run and entry.get("label") == label), None)
    others = [entry for entry in told if entry.get("run") != run]
    for entry in others:
        # a copy that a dead run left, and another adopted now, is as old as that run
        if begun and entry["type"] == "copy_made" and entry["n"] > begun[0]["n"] and not entry.get("adopted_run"):
            return f"{system}: no corresponde, porque otra ejecución hizo {entry.get('label')} cuando esta ya había empezado: {_who(entry)}"
    ended = {(entry.get("run"), entry.get("label")) for entry in others if entry["type"] != "copy_started"}
    alive = {str(started.get("run")): started for started in store.open_runs()}
    for entry in others:
        at = (entry.get("run"), entry.get("label"))
        if entry["type"] == "copy_started" and at not in ended and (own is None or entry["n"] < own) and _goes_on(entry, alive.get(str(at[0])), now):
            return f"{system}: no corresponde, porque otra ejecución empezó antes y está haciendo {at[1]}: {_who(entry)}"
    return ""


def _who(entry: Mapping[str, Any]) -> str:
    """The other run as people know it: its number finds its entries, and who began it says which scheduler to look at."""
    return ", ".join(str(entry[name]) for name in ("run", "executed_by") if entry.get(name))


def restoring(store: Store, run: str, label: str, target: str, now: datetime.datetime) -> Mapping[str, Any] | None:
    """The start of another run, written before this one's, that still gives the same copy back to the same place; None where there is none.

    A large mailbox takes hours, so that one of a controller which is not seen from here is believed as long as one that is: two at once would give each mail
    twice. Raises BackupError(bitacora_unreadable).
    """
    told = [entry for entry in store.entries(label=label, type=_RESTORES, limit=_LOOKED_AT) if not entry.get("simulated")]
    own = next((entry["n"] for entry in told if entry["type"] == "restore_started" and entry.get("run") == run), None)
    ended = {entry.get("run") for entry in told if entry["type"] != "restore_started"}
    alive = {str(started.get("run")): started for started in store.open_runs()}
    for entry in told:
        other = str(entry.get("run"))
        if entry["type"] == "restore_started" and other not in (run, *ended) and entry.get("target") == target and (own is None or entry["n"] < own) \
                and _goes_on(entry, alive.get(other), now, _SEEN):
            return {**entry, "controller": alive[other].get("controller", "")}
    return None


def _goes_on(entry: Mapping[str, Any], started: Mapping[str, Any] | None, now: datetime.datetime, unseen: datetime.timedelta = _UNSEEN) -> bool:
    """Whether the run of a start that has no end lives, as far as can be seen from here."""
    me = identity()
    if started is None or is_dead(started, me):
        return False
    longest = unseen if is_elsewhere(started, me) else _SEEN
    # a clock that was ahead when it began must not keep every later run from this copy until that date comes
    earliest, latest = ((now + by).strftime("%Y-%m-%dT%H:%M:%SZ") for by in (-longest, longest))
    return earliest < str(entry["at_recorded"]) < latest
