# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""That a copy was sealed, written before it gets its name: what a later run has to go by when this one dies before the entry of the copy.

The callback is the writer of the bitácora, but it hears of a copy only when its action has ended, which is after the name. So the action writes this one
entry itself, as a writer of its own (the run's id and the label). Its digest is what the module that sealed the copy answered: of what
lies on a medium later, whoever wrote it there, only what has this very digest is that copy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...module_utils._engine import result
from . import copies, entries, living
from .any_store import OF_A_COPY, Store
from .store import open_store

SEALED, WITHDRAWN = "copy_sealed", "copy_withdrawn"
# What says what became of a sealed copy.
_SETTLED = ("copy_made", WITHDRAWN)
# A list of parts may be long, and stands in the copy's own manifest, which the digest covers.
_LEFT_OUT = ("parts", "warnings")


def record(told: Mapping[str, Any], host: str) -> None:
    """Write that this copy of a host lies sealed. Raises BackupError: bitacora_not_listening, bitacora_unwritable, bitacora_unreadable."""
    run, url = living.address()
    body = {name: value for name, value in result.clean({**told, "event": SEALED}).items() if name not in _LEFT_OUT}
    emitter = "{0}/{1}/{2}".format(run, body.get("kind", ""), body.get("label", ""))
    with open_store(url) as store:
        started = store.entries(run=run, type="run_started", limit=1)
        who = {"executed_by": started[0]["executed_by"]} if started and started[0].get("executed_by") else {}
        store.append(SEALED, {**body, **who, "host": host, "run": run, copies.ASKED: True}, entries.now(), emitter)


def unsettled(store: Store, kind: str, system: str, host: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """The copies of a system that this host sealed, that were called failed, and of which nothing says yet whether they stand all the same.

    Each with the entry that closed it. One whose run only just goes on has no end, and is not among them.
    """
    label, words = store.field("label"), {"kind": store.field("kind"), "system": store.field("system"), "real": store.simulated(False)}
    about = "{kind} = ? AND {system} = ? AND {real}".format(**words)
    same = "SELECT 1 FROM entries WHERE {0} = s.its_label AND {1} AND type IN ({{0}})".format(label, about)
    sql = ("SELECT DISTINCT s.its_label FROM (SELECT {0} AS its_label FROM entries WHERE {1} AND type = 'copy_failed') AS s "
           "WHERE EXISTS ({2}) AND NOT EXISTS ({3})")
    found = store.select(sql.format(label, about, same.format("'{0}'".format(SEALED)), same.format(", ".join("'{0}'".format(each) for each in _SETTLED))),
                         (kind, system) * 3)
    rows = []
    for (name,) in sorted(found):
        told = store.entries(kind=kind, system=system, label=str(name), type=("copy_started", SEALED, "copy_failed"))
        mine = [entry for entry in told if not entry.get("simulated") and entry.get("host") == host]
        begun = {entry.get("run") for entry in mine if entry["type"] == "copy_started"}
        seals = [entry for entry in mine if entry["type"] == SEALED and entry.get("run") in begun and entry.get("sha256") and entry.get("medium")]
        ends = [entry for entry in mine if entry["type"] == "copy_failed" and seals and entry.get("run") == seals[-1].get("run")]
        if ends:
            rows.append((seals[-1], ends[-1]))
    return rows


def is_told_on(store: Store, kind: str, system: str, label: str, medium: str) -> bool:
    """Whether an entry ever placed this copy on a medium, whatever became of it there: then what lies there is no copy that only lacks its entry."""
    return any(medium in entry.get("medium", "").split(", ") and not entry.get("simulated")
               for entry in store.entries(kind=kind, system=system, label=label, type=OF_A_COPY))
