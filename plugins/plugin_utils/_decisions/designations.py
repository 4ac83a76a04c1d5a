# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who answers today, against who answered by the last entry of it: a change of designation is an entry of its own (numeral 5.1 b)."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...module_utils._engine import result
from ...module_utils._engine.policy import people, policy

EVENT = "designation_changed"
_OWN = "responsible"
_SEVERAL = "; "


def changes(known: Iterable[Mapping[str, Any]], rules: Mapping[str, Any], systems: Sequence[Mapping[str, Any]], today: datetime.date,
            of_the_institution: bool) -> list[dict[str, Any]]:
    """Entries of what changed since the `known` ones (EVENT, oldest first): the posts of the institution where this host tells them, and the
    systems of this host whose responsible is designated by dates. The first time, of each that somebody holds.
    """
    last = {_key(entry): entry for entry in known if not entry.get("simulated")}
    told = []
    for post, title, designated in people.every_post(rules) if of_the_institution else ():
        told.append((result.build(event=EVENT, numeral="5.1 b", post=post), title, [person for person in designated if people.in_force(person, today)],
                     designated))
    for system in systems:
        if isinstance(system.get("responsible"), (list, tuple)):
            about = result.build(event=EVENT, numeral="5.1 b", post=_OWN, system=system["name"], kind=system["kind"], office=system.get("office"))
            own = people.own(system, today)
            told.append((about, "Responsable de {0}".format(system["name"]), [own] if own else [], system["responsible"]))
    found = []
    for about, title, holders, designated in told:
        before = last.get(_key({**about, "type": EVENT}), {})
        names = _SEVERAL.join(str(person["name"]) for person in holders)
        document = _SEVERAL.join(str(person["document"]) for person in holders if person.get("document"))
        if (names, document) != (before.get("responsible", ""), before.get("document", "")):
            found.append({**about, **result.build(event=EVENT, responsible=names or None, document=document or None,
                                                  note_es=_note(title, holders, _ended(str(before.get("responsible", "")), designated), bool(before)))})
    return found


def told_gaps(rules: Mapping[str, Any], systems: Sequence[Mapping[str, Any]], today: datetime.date) -> list[str]:
    """Lines in Spanish: days around today without anybody in charge, of the EGCR of these systems and of the systems whose own one is dated."""
    wanted = {policy.EGCR_OF_KIND[system["kind"]] for system in systems}
    found = [people.told_gap(egcr, gap, today) for egcr, gap in people.without_anybody(rules, today) if egcr in wanted]
    for system in systems:
        own = system.get("responsible")
        for gap in people.gaps(own, today) if isinstance(own, (list, tuple)) else ():
            if gap.last >= today:
                found.append("{0}: sin responsable propio desde el {1:%d/%m/%Y}; responde {2}".format(
                    system["name"], gap.first, policy.responsible(rules, system, max(gap.first, today))))
    return found


def _key(entry: Mapping[str, Any]) -> tuple[str, str, str]:
    return str(entry.get("post", "")), str(entry.get("kind", "")), str(entry.get("system", ""))


def _ended(names: str, designated: Sequence[Mapping[str, Any]]) -> str:
    """Who held a post before, each with the last day that the inventory gives him, where he is still written there."""
    told = []
    for name in names.split(_SEVERAL) if names else ():
        until = [people.date_of(person["until"]) for person in designated if str(person["name"]) == name and "until" in person]
        told.append("{0}, hasta el {1:%d/%m/%Y}".format(name, max(until)) if until else name)
    return _SEVERAL.join(told)


def _note(title: str, holders: Sequence[Mapping[str, Any]], before: str, known: bool) -> str:
    since = "; ".join("{0}, desde el {1:%d/%m/%Y}{2}{3}".format(
        person["name"], people.date_of(person["from"]), " hasta el {0:%d/%m/%Y}".format(people.date_of(person["until"])) if "until" in person else "",
        " ({0})".format(person["document"]) if person.get("document") else "") for person in holders)
    return "{0}: {1}{2}".format(title, since or "sin designación vigente", ". Antes: {0}".format(before or "nadie") if known else "")
