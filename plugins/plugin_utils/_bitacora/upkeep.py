# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each run looks for on behalf of others: runs that died without a word, and starts of the schedule that did not come. Read only; the recorder writes."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ...module_utils._engine import result
from .._schedules import in_force, late, missed
from .._schedules.purposes import PURPOSES
from . import alive, entries
from .any_store import Store

# What a start is followed by: what closes it where nothing else did, and what ends it.
STARTS = {"copy_started": ("copy_failed", entries.COPY_ENDS), "restore_started": ("restore_failed", entries.RESTORE_ENDS),
          "drill_started": ("verification_failed", entries.DRILL_ENDS),
          "repository_key_started": ("repository_key_failed", ("repository_key_rotated", "repository_key_failed"))}
_DECLARED = (in_force.SET, in_force.REMOVED, missed.FAILED)
# A playbook of these runs seldom enough for it to read the starts of weeks; any one that comes back after an outage tells of all.
_TELLING = frozenset(each.playbook + ".yml" for each in PURPOSES.values() if each.default and each.default.at)


class Dead(NamedTuple):
    """A run that has no end and never will have: its start, why that is known, and the starts of copies and the like that it left."""

    started: Mapping[str, Any]
    how: str
    left: Mapping[tuple[str, str], dict[str, Any]]

    def note(self) -> str:
        return ("La ejecución murió sin aviso; la cerró la siguiente" if self.how == "died" else
                "Otro controlador no dio señales de esta ejecución en {0} horas; la cerró una posterior".format(alive.SILENT_HOURS))


def dead_runs(store: Store, journals: Sequence[Path], facts: Mapping[str, Any]) -> Iterator[Dead]:
    """All of them but the own run, oldest first. Within the store's transaction, so that two runs never find the same."""
    for started in store.open_runs():
        how = "" if started.get("run") == facts["run"] else alive.ended(store, journals, started, facts)
        if how:
            yield Dead(started, how, _left(store, started.get("run")))


def _left(store: Store, run: Any) -> dict[tuple[str, str], dict[str, Any]]:
    left: dict[tuple[str, str], dict[str, Any]] = {}
    for entry in store.entries(run=run):
        key = (entry.get("host", ""), entry.get("label", ""))
        if entry.get("simulated"):
            continue
        if entry["type"] in STARTS:
            left[key] = entry
        elif key in left and entry["type"] in STARTS[left[key]["type"]][1]:
            del left[key]
    return left


def unstarted(store: Store, now: datetime.datetime) -> list[dict[str, Any]]:
    """A structure for each series of missed starts that the bitácora does not tell yet: whoever reads only that sees it too, once for a series."""
    declared = store.entries(type=_DECLARED)
    found = missed.signs(declared, store.entries(type=missed.STARTED, since=_since(now)), now, missed.up_for()) if declared else []
    return [result.build(event=missed.TOLD, purpose=sign.purpose, objects=sign.missed, **result.failure(sign.error))
            for sign in missed.unwritten(found, store.entries(type=missed.TOLD) if found else [], now) if sign.error]


def of_own_start(store: Store, now: datetime.datetime, facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Structures of this run's own start: that it came late, and the starts between the one before and this one that never came, if nobody told of them.

    A controller that is off tells nothing, and what it catches up ends the series: the run that begins after it is the only one that can tell.
    """
    purpose = next((name for name, each in PURPOSES.items() if facts.get("playbook") == each.playbook + ".yml"), None)
    declared = store.entries(type=_DECLARED) if purpose else []
    start = late.measured(purpose, declared, store.entries(type=missed.STARTED, since=_since(now)), now, facts["run"]) if purpose and declared else None
    if purpose is None or start is None:
        return []
    lost = missed.unwritten([start.lost], store.entries(type=missed.TOLD), now) if start.lost else []
    return [*(result.build(event=missed.TOLD, purpose=purpose, objects=sign.missed, **result.failure(sign.error)) for sign in lost if sign.error),
            *([result.build(event=late.TOLD, purpose=purpose, **result.failure(start.error))] if start.error else [])]


def tells(facts: Mapping[str, Any]) -> bool:
    """Whether a run looks for starts that did not come, whether or not anybody is to be warned."""
    return facts.get("playbook") in _TELLING and not facts.get("simulated")


def _since(now: datetime.datetime) -> str:
    return (now - missed.LOOKED_BACK).astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
