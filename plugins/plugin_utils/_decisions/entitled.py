# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may take which step of a request on a day, by the designations of the policy (numerals 5.1 e, 5.2, 7.1)."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ...module_utils._engine.errors import BackupError
from ...module_utils._engine.policy import people
from ...module_utils._engine.policy.vocabulary import EGCR_OF_KIND, EGCR_TITLES
from . import requests


class Capacity(NamedTuple):
    """A person and the post in which a step is theirs."""

    post: str
    name: str
    document: str = ""


def capacities(rules: Mapping[str, Any], post: str, office: str, kind: str, today: datetime.date) -> Iterator[Capacity]:
    """Those who hold a post that day: of the heads those of the office, of the EGCR those of the system's kind (Infraestructura when it has none)."""
    actors = rules.get("actors") or {}
    designated: list[tuple[str, Any]] = []
    if post == requests.HEADS:
        designated = [(post, person) for person in actors.get("heads") or () if requests.same_name(person["office"], office)]
    elif post == requests.EGCR:
        egcr = EGCR_OF_KIND.get(kind, "infrastructure")
        both = (actors.get("egcr") or {}).get(egcr) or {}
        designated = [("{0}.{1}.{2}".format(post, egcr, each), person) for each in people.POSTS for person in both.get(each) or ()]
    else:
        designated = [(post, person) for person in actors.get(post) or ()]
    yield from (Capacity(where, person["name"], str(person.get("document") or "")) for where, person in designated if people.in_force(person, today))


def who(rules: Mapping[str, Any], rule: requests.Rule, name: str, request: requests.Request, today: datetime.date) -> Capacity:
    """The person of that name in the capacity in which a step of a request is theirs. Raises BackupError request_person_refused."""
    entitled = [each for post in rule.posts if post != requests.REQUESTER for each in capacities(rules, post, request.office, request.system_kind, today)]
    if requests.REQUESTER in rule.posts:
        entitled.append(Capacity(requests.REQUESTER, request.requester))
    for each in entitled:
        if requests.same_name(each.name, name):
            return each
    names = ", ".join(dict.fromkeys(each.name for each in entitled))
    raise BackupError("request_person_refused", name=name, action=rule.event.partition("_")[2], action_es=rule.spanish, ticket=request.ticket,
                      office=request.office, day=today.isoformat(), entitled=names or "none is designated",
                      entitled_es=names or "nadie: no hay designación vigente de {0}".format(" ni de ".join(map(title, rule.posts))))


def opener(rules: Mapping[str, Any], name: str, office: str, today: datetime.date) -> Capacity:
    """Whoever asks: in the capacity of the head of the office where that is so, so that no other word is waited for."""
    heads = capacities(rules, requests.HEADS, office, "", today)
    return next((each for each in heads if requests.same_name(each.name, name)), Capacity(requests.REQUESTER, name))


def title(post: str) -> str:
    """A post in Spanish."""
    return {requests.HEADS: "la jefatura del órgano (heads)", requests.SUPPORT: "soporte técnico (soporte)", requests.CHIEF: "Jefe/a de la OTI (jefe_oti)",
            requests.EGCR: EGCR_TITLES["infrastructure"] + " o del tipo del sistema (egcr)", requests.REQUESTER: "quien pidió"}[post]
