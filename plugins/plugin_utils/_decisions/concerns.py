# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom each warning concerns, by who is designated that day (numerals 5.1 b, 5.2), and where it goes: to each address what is its own, and to the
general list what would reach nobody. Pure functions.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ...module_utils._engine.policy import people, policy
from ...module_utils._engine.policy.vocabulary import EGCR_OF_KIND, EGCR_TITLES
from .requests import same_name
from .warnings import Condition

JEFE, SOPORTE = "jefe_oti", "soporte"
_TITLES = {JEFE: "Jefe/a de la OTI", SOPORTE: "Soporte", **EGCR_TITLES}
# What of no system concerns whom. A name that is not here is the general list's.
_OF_NAME: Mapping[str, tuple[str, ...]] = {
    "space": ("infrastructure",), "medium": ("infrastructure",), "unverified": ("infrastructure",),
    "chain": (JEFE, "infrastructure"), "seal": (JEFE, "infrastructure"), "anchor": (JEFE, "infrastructure"), "entries": (JEFE, "infrastructure"),
    "refused": (JEFE, "infrastructure"), "designation": (JEFE,), "schedule": (JEFE,), "late": (JEFE,),
    "purpose": (JEFE, "infrastructure"), "heartbeat": (JEFE, "infrastructure"),
    "custody": ("database",),      # who keeps the passwords (5.2)
    "forge": ("source_code",), "letters": (SOPORTE,),
}
# What of a system concerns somebody beside those who answer for it.
_ALSO: Mapping[str, tuple[str, ...]] = {"changed": (JEFE,), "restore": (SOPORTE,)}
# What lasts is the head's too, from the level that 4 days or failures in a row have; a damaged copy at once; a medium with less than 1 % left.
_ESCALATES = {"overdue": 3, "failed": 3, "unread": 3, "unverified": 3, "transfer": 3, "prune": 3, "space": 3, "verification": 2}


class Recipient(NamedTuple):
    """An address, who reads it in which capacities, and what concerns them. An empty address is the general list."""

    address: str
    who: str       # Spanish: Ana Quispe (EGCR de Base de Datos)
    conditions: list[Condition]


def shared(conditions: Sequence[Condition], rules: Mapping[str, Any], systems: Iterable[Mapping[str, Any]], today: datetime.date,
           is_address: Callable[[str], Any]) -> list[Recipient]:
    """Those who are designated that day and have an address, each with what concerns them, maybe nothing; the general list last.

    `systems` with their `responsible` as the inventory has it, dates and all.
    """
    holders = _holders(rules, today)
    owners = {policy.identity(system): (own, str(system["name"])) for system in systems if (own := people.own(system, today))}
    everybody = [person for designated in holders.values() for person in designated]
    reached: dict[str, dict[str, None]] = {}
    given: dict[str, list[Condition]] = {}
    general: list[Condition] = []

    def address_of(person: Mapping[str, Any]) -> str:
        known = person.get("email") or next((each["email"] for each in everybody if each.get("email") and same_name(each["name"], person["name"])), "")
        return str(known) if is_address(str(known)) else ""

    def reach(person: Mapping[str, Any], title: str) -> str:
        address = address_of(person)
        if address:
            reached.setdefault(address.lower(), {})["{0} ({1})".format(person["name"], title)] = None
            given.setdefault(address.lower(), [])
        return address.lower()

    places = {role: [address for person in designated if (address := reach(person, _TITLES[role]))] for role, designated in holders.items()}
    own_places = {key: reach(person, "responsable de {0}".format(name)) for key, (person, name) in owners.items()}
    own_keys = {condition.key: policy.identity({"kind": condition.kind, "name": condition.system}) for condition in conditions if condition.system}
    for condition in conditions:
        roles = roles_of(condition)
        for address in dict.fromkeys([*(place for role in roles for place in places.get(role, ())), own_places.get(own_keys.get(condition.key), "")]):
            if address:
                given[address].append(condition)
        unreached = [_TITLES[role] for role in roles if not places.get(role)]
        if unreached or not roles:
            why = " (va a la lista general: sin persona designada con correo como {0})".format(", ".join(unreached)) if unreached else ""
            general.append(condition._replace(text=condition.text + why))
    return [*(Recipient(address, "; ".join(reached[address]), given[address]) for address in reached), Recipient("", "", general)]


def roles_of(condition: Condition) -> tuple[str, ...]:
    """The capacities that a condition concerns, beside a system's own responsible: an EGCR by its kind, JEFE, SOPORTE."""
    roles = [*_OF_NAME.get(condition.name, ())]
    if condition.kind in EGCR_OF_KIND:
        roles.append(EGCR_OF_KIND[condition.kind])
    roles += _ALSO.get(condition.name, ())
    if condition.level >= _ESCALATES.get(condition.name, condition.level + 1):
        roles.append(JEFE)
    return tuple(dict.fromkeys(roles))


def _holders(rules: Mapping[str, Any], today: datetime.date) -> dict[str, list[Mapping[str, Any]]]:
    actors = rules.get("actors") or {}
    held = {post: [person for person in actors.get(post) or () if people.in_force(person, today)] for post in (JEFE, SOPORTE)}
    return {**held, **{egcr: policy.designated(rules, egcr, today) for egcr in EGCR_TITLES}}
