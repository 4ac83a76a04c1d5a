# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order in which systems come back on the worst day, what of each would be lost now, how long it takes, and whether the institution's objectives hold.

What would be lost is all since the newest whole copy began. What a restore takes is proved only by one that was made (a restore, or a drill into scratch);
before that it is reckoned from the size, and said so. Pure functions.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ...module_utils._engine import label
from ...module_utils._engine.errors import BackupError
from ...module_utils._engine.policy import schema
from ...module_utils._engine.policy.vocabulary import CRITICALITIES
from .._bitacora import view
from .._bitacora.any_store import Store
from .._bitacora.view import KINDS
from . import due, estimates, offers, proofs

# Hours that may be lost, and hours until it serves again, where the policy (`recovery`) does not say. The manual sets neither.
DEFAULTS: dict[str, dict[str, int]] = {
    "alta": {"loss_hours": 24, "restore_hours": 8}, "media": {"loss_hours": 168, "restore_hours": 48}, "baja": {"loss_hours": 744, "restore_hours": 120}}
# What board and compliance tell of each system; the fourth is the state.
HEADINGS = ("Sistema", "Se perdería ahora", "Restaurarlo tomó", "Objetivos", "Se admite perder", "Se admite tardar")
_HOUR = datetime.timedelta(hours=1)


class Known(NamedTuple):
    """What the bitácora knows of a system: its newest whole copy, and what its newest proof took."""

    host: str
    system: Mapping[str, Any]
    copy: Mapping[str, Any] | None
    proved_ms: int              # 0 where no restore was measured
    proved_at: str
    rate: int                   # bytes a second that restores of its kind gave


class Row(NamedTuple):
    """A system in the order of recovery. Times in milliseconds; -1 for what nothing tells."""

    place: int
    host: str
    system: str
    kind: str
    criticality: str
    office: str
    depends_on: list[str]
    label: str                  # of the copy; "" without one
    media: list[str]
    copied_at: str
    n: int
    size: int
    lost_ms: int                # what would be lost now
    loss_limit_ms: int
    takes_ms: int
    proved: bool                # measured, or reckoned only
    proved_at: str
    restore_limit_ms: int
    ready_ms: int               # since the beginning, one system after the other
    loss_met: bool
    restore_met: bool | None    # None: no restore was measured yet
    remarks: list[str]          # Spanish


def rules_of(policy: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """The policy's `recovery` over the defaults."""
    told = policy.get("recovery") or {}
    return {each: {**DEFAULTS[each], **(told.get(each) or {})} for each in CRITICALITIES}


def read(store: Store, systems: Iterable[tuple[str, Mapping[str, Any]]], now: datetime.datetime) -> list[Known]:
    """What the bitácora knows of (host, system). Raises BackupError(bitacora_unreadable)."""
    found, rates, until = [], dict[str, int](), due.believed_until(now)
    for host, system in systems:
        kind, name = str(system["kind"]), str(system["name"])
        if kind not in rates:
            rates[kind] = estimates.rate(store.entries(kind=kind, type="restored"), kind)[0]
        copy = _newest(store, kind, name, now)
        proof = proofs.newest(store, kind, name, until, measured=True)
        found.append(Known(host, system, copy, int(proof["duration_ms"]) if proof else 0, str(proof["at_event"]) if proof else "", rates[kind]))
    return found


def _newest(store: Store, kind: str, name: str, now: datetime.datetime) -> Mapping[str, Any] | None:
    """The newest copy that is whole on a medium, one dated in the future only where there is no other. The whole history is read only where the last one
    made is not whole on all its media.
    """
    good = store.last_good(kind, name, "T1", due.believed_until(now))
    made = store.entries(kind=kind, system=name, type="copy_made", limit=1) if good else []
    if good and made and made[0].get("label") == good.get("label"):
        return good
    whole = offers.whole(store.copies(kind, name))
    dated = [copy for copy in whole if not due.is_ahead(copy, now)] or whole
    return dated[-1] if dated else None


def of_inventory(store: Store, hosts: Mapping[str, Mapping[str, Any]], policy: Mapping[str, Any], now: datetime.datetime) -> list[Row]:
    """The rows of every system of the inventory (institution.of_all_hosts) that is copied. Raises BackupError(bitacora_unreadable)."""
    known = [(host, system) for host, told in hosts.items() for system in told["systems"]
             if system.get("enabled", True) and system["kind"] in policy["kinds"]]
    return plan(read(store, known, now), policy, now)


def plan(known: Iterable[Known], policy: Mapping[str, Any], now: datetime.datetime) -> list[Row]:
    """The rows, the first to be restored first: by criticality, each after what it depends on. What is copied on request alone (6.4) is there while it has
    a copy, and its age is no loss.
    """
    rules, ready, rows = rules_of(policy), 0, list[Row]()
    asked = {kind for kind, told in (policy.get("kinds") or {}).items() if told.get("only_on_request")}
    for place, (each, remarks) in enumerate(_ordered([each for each in known if each.copy or each.system["kind"] not in asked]), 1):
        row = _row(place, each, rules[str(each.system["criticality"])], remarks, now, ready)
        row = row._replace(loss_met=True) if row.kind in asked else row
        ready = row.ready_ms
        rows.append(row)
    return rows


def unknown_needs(systems: Iterable[tuple[str, Mapping[str, Any]]], known: Mapping[str, str]) -> list[schema.Problem]:
    """What `depends_on` names and no system is, of systems that each have a place in the inventory. `known`: canonical name -> as it is written."""
    return [schema.Problem(f"{where}.depends_on[{index}]", str(name), "is not a system of the inventory", schema.meant(name, sorted(known.values())))
            for where, system in systems if isinstance(system.get("depends_on"), list)
            for index, name in enumerate(system["depends_on"]) if _name(name) not in known]


def problems(rows: Iterable[Row]) -> list[str]:
    """A sentence for each objective that does not hold, in Spanish."""
    found, rows = [], list(rows)
    titles = view.titles((row.kind, row.system) for row in rows)
    for row in rows:
        title = titles[row.kind, row.system]
        if not row.loss_met:
            lost = "no tiene ninguna copia entera: se perdería todo" if not row.label else (
                f"se perderían {duration(row.lost_ms)} de datos" if row.lost_ms >= 0 else "no consta de cuándo es su última copia")
            found.append(f"{title}: {lost}; se admiten {duration(row.loss_limit_ms)}")
        if row.restore_met is False:
            found.append(f"{title}: restaurarlo tomó {duration(row.takes_ms)}; se admiten {duration(row.restore_limit_ms)}")
    return found


def light(row: Row) -> str:
    """How the objectives of a system stand: good, late (a time that nobody measured), missing."""
    if not row.loss_met or row.restore_met is False:
        return "missing"
    return "good" if row.restore_met else "late"


def cells(row: Row) -> list[str]:
    """What HEADINGS name, of a system."""
    failing = [word for word, bad in (("lo que se perdería", not row.loss_met), ("el tiempo", row.restore_met is False)) if bad]
    state = f"no se cumple: {' y '.join(failing)}" if failing else "se cumplen" if row.restore_met else "tiempo sin probar"
    return [f"{row.system} ({KINDS.get(row.kind, row.kind)}, {row.criticality})", duration(row.lost_ms) if row.label else "todo",
            duration(row.takes_ms) if row.proved else "sin probar", state, duration(row.loss_limit_ms), duration(row.restore_limit_ms)]


def duration(milliseconds: int) -> str:
    """A duration as people say it; "-" for what nothing tells."""
    if milliseconds < 0:
        return "-"
    minutes = -(-milliseconds // 60000)
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    return f"{hours // 24} d {hours % 24} h" if hours % 24 else f"{hours // 24} d"


def _ordered(known: Sequence[Known]) -> list[tuple[Known, list[str]]]:
    """Each after what it depends on. What is switched off, or leads back to itself, is told and stops nothing: somebody has to begin somewhere."""
    by_name: dict[str, Known] = {}
    for each in known:
        by_name.setdefault(_name(each.system["name"]), each)
    found: list[tuple[Known, list[str]]] = []
    done: set[int] = set()

    def visit(each: Known, above: tuple[int, ...]) -> None:
        if id(each) in done:
            return
        remarks = []
        for name in each.system.get("depends_on") or ():
            needed = by_name.get(_name(name))
            if needed is None:
                remarks.append(f"depende de {name}, que este programa no copia")
            elif id(needed) in (*above, id(each)):
                remarks.append(f"depende de {name}, que depende de él")
            else:
                visit(needed, (*above, id(each)))
        done.add(id(each))
        found.append((each, remarks))

    for each in sorted(known, key=lambda row: (CRITICALITIES.index(row.system["criticality"]), _name(row.system["name"]), row.system["kind"])):
        visit(each, ())
    return found


def _row(place: int, known: Known, rule: Mapping[str, int], remarks: list[str], now: datetime.datetime, ready: int) -> Row:
    system, copy = known.system, known.copy or {}
    size = int(copy.get("size") or 0)
    takes = known.proved_ms or (max(1000, size * 1000 // known.rate) if copy else -1)
    began = due.moment(str(copy.get("started_at") or copy.get("at_event") or "")) if copy else None
    # of one dated in the future nobody can tell how old it is
    lost = max(0, int((now - began) / datetime.timedelta(milliseconds=1))) if began and not due.is_ahead(copy, now) else -1
    limits = {name: rule[name] * int(_HOUR / datetime.timedelta(milliseconds=1)) for name in ("loss_hours", "restore_hours")}
    if not copy:
        remarks = [*remarks, "no tiene ninguna copia entera"]
    return Row(
        place, known.host, str(system["name"]), str(system["kind"]), str(system["criticality"]), str(system.get("office") or ""),
        [str(name) for name in system.get("depends_on") or ()], str(copy.get("label") or ""), [name for name, level in copy.get("media", {}).items() if level],
        str(copy.get("started_at") or ""), int(copy.get("n") or 0), size, lost, limits["loss_hours"], takes, known.proved_ms > 0, known.proved_at,
        limits["restore_hours"], ready + max(0, takes), 0 <= lost <= limits["loss_hours"],
        takes <= limits["restore_hours"] if known.proved_ms else None, remarks)


def _name(text: Any) -> str:
    try:
        return label.canonical(str(text)).lower()
    except BackupError:
        return str(text).lower()
