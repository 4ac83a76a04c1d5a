# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom a letter about a request goes to: the person who holds a post that day, with an address (numerals 5.1 b, 5.2, 7.1). Pure functions."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ...module_utils._engine.policy import people
from ...module_utils._engine.policy.vocabulary import EGCR_OF_KIND
from .._decisions import requests
from .._smtp import ADDRESS


class Addressee(NamedTuple):
    """A person in the capacity in which a letter concerns him; an empty address is not known."""

    post: str
    name: str
    address: str


def of(rules: Mapping[str, Any], post: str, request: requests.Request, today: datetime.date) -> Addressee | None:
    """The first who holds a post that day and has an address, else the first who holds it; None for nobody.

    Who asked needs no post: the address is that of any designation of the name. Whoever has none and asked by mail is known by his address.
    """
    if post == requests.REQUESTER:
        known = next((address for name, address in _everybody(rules, today) if address and requests.same_name(name, request.requester)), "")
        return Addressee(post, request.requester, known or (request.requester if ADDRESS.fullmatch(request.requester) else ""))
    found = [Addressee(post, str(person["name"]), str(person.get("email") or "")) for person in _holders(rules, post, request)
             if people.in_force(person, today)]
    return next((each for each in found if each.address), found[0] if found else None)


def _holders(rules: Mapping[str, Any], post: str, request: requests.Request) -> list[Mapping[str, Any]]:
    actors = rules.get("actors") or {}
    if post == requests.HEADS:
        return [person for person in actors.get("heads") or () if requests.same_name(person["office"], request.office)]
    if post == requests.EGCR:
        both = (actors.get("egcr") or {}).get(EGCR_OF_KIND.get(request.system_kind, "infrastructure")) or {}
        return [person for each in people.POSTS for person in both.get(each) or ()]
    return list(actors.get(post) or ())


def _everybody(rules: Mapping[str, Any], today: datetime.date) -> Iterator[tuple[str, str]]:
    actors = rules.get("actors") or {}
    designated = [*(actors.get("heads") or ()), *(actors.get("jefe_oti") or ()), *(actors.get("soporte") or ())]
    designated += [person for both in (actors.get("egcr") or {}).values() for each in people.POSTS for person in both.get(each) or ()]
    yield from ((str(person["name"]), str(person.get("email") or "")) for person in designated if people.in_force(person, today))
