# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is designated for what, and from when until when (numerals 5.1 b, 5.2): what may be said, who is in force on a day, and the days without anybody.

Both days count. Where one person answers (the head of the OTI, the titular of an EGCR, a system's own responsible, the head of an office), two may not
answer for the same day; suplentes and soporte may be several. A designation that was replaced stays written, with `until`.
"""

from __future__ import annotations

import datetime
from typing import Any, Iterator, List, Mapping, NamedTuple, Sequence, Tuple

from . import schema
from .schema import Problem, listing, table, text
from .vocabulary import EGCR_TITLES

POSTS = ("titular", "suplente")
# Days before and after today that gaps are looked for.
_LOOKED_AT = 31

DESIGNATION = table({"name": text(), "from": schema.date()}, {
    "email": text(r"[^@\s]+@[^@\s]+", "egcr@example.org"), "until": schema.date(), "document": text(),
    "public_key_file": text(), "public_key": text(),
})
# a director or head of an office, who may ask for copies of mailboxes (numeral 6.4)
_HEAD = table({"name": text(), "from": schema.date(), "office": text()}, {
    "email": text(r"[^@\s]+@[^@\s]+", "jefatura@example.org"), "until": schema.date(), "document": text()})
_EGCR = table({"titular": listing(DESIGNATION)}, {"suplente": listing(DESIGNATION)})
_FORM = table({}, {
    "jefe_oti": listing(DESIGNATION),
    "soporte": listing(DESIGNATION),
    "heads": listing(_HEAD),
    "egcr": table({}, {egcr: _EGCR for egcr in EGCR_TITLES}),
})
_ONE_S = table({"name": text(), "from": schema.date()}, {
    "email": text(r"[^@\s]+@[^@\s]+", "responsable@example.org"), "until": schema.date(), "document": text()})


class Gap(NamedTuple):
    """Days without anybody, both included."""

    first: datetime.date
    last: datetime.date


@schema.shaped(schema.shape_of(_FORM))
def actors(value: Any, where: str, problems: List[Problem]) -> None:
    """A check of the people of a policy."""
    before = len(problems)
    _FORM(value, where, problems)
    if len(problems) > before:
        return
    _dated(value.get("jefe_oti", ()), where + ".jefe_oti", problems, alone=True)
    _dated(value.get("soporte", ()), where + ".soporte", problems)
    _dated(value.get("heads", ()), where + ".heads", problems, alone=True, of="office")
    for egcr, posts in value.get("egcr", {}).items():
        for post, people in posts.items():
            _dated(people, "{0}.egcr.{1}.{2}".format(where, egcr, post), problems, alone=post == "titular")


@schema.shaped({"anyOf": [schema.shape_of(text()), schema.shape_of(listing(_ONE_S, minimum=1))]})
def responsible(value: Any, where: str, problems: List[Problem]) -> None:
    """A check of who answers for a system: a name, or dated designations of one person after another."""
    if isinstance(value, str):
        text()(value, where, problems)
        return
    before = len(problems)
    listing(_ONE_S, minimum=1)(value, where, problems)
    if len(problems) == before:
        _dated(value, where, problems, alone=True)


def _dated(people: Sequence[Mapping[str, Any]], where: str, problems: List[Problem], alone: bool = False, of: str = "") -> None:
    for index, person in enumerate(people):
        if "until" in person and date_of(person["until"]) < date_of(person["from"]):
            problems.append(Problem("{0}[{1}].until".format(where, index), str(person["until"]), "is before its from, {0}".format(person["from"]),
                                    "Give the last day of the designation of {0}.".format(person["name"])))
            continue
        for other in people[:index] if alone else ():
            if (not of or other.get(of) == person.get(of)) and _meet(other, person):
                former, later = sorted((other, person), key=lambda each: date_of(each["from"]))
                problems.append(Problem("{0}[{1}]".format(where, index), person["name"], "answers for the same days as {0}".format(other["name"]),
                                        "Give {0} an until before {1}, and leave the designation written.".format(former["name"], later["from"])))
                break


def _meet(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return date_of(one["from"]) <= _end(other) and date_of(other["from"]) <= _end(one)


def _end(person: Mapping[str, Any]) -> datetime.date:
    return date_of(person["until"]) if "until" in person else datetime.date.max


def in_force(person: Mapping[str, Any], on: datetime.date) -> bool:
    """Whether a designation holds on a date."""
    return date_of(person["from"]) <= on <= _end(person)


def date_of(value: Any) -> datetime.date:
    """A date of a policy, which YAML gives as a date or as text."""
    if isinstance(value, datetime.datetime):
        return value.date()
    if isinstance(value, datetime.date):
        return value
    return datetime.datetime.strptime(value, "%Y-%m-%d").date()


def own(system: Mapping[str, Any], on: datetime.date) -> Mapping[str, Any]:
    """The designation of a system's own responsible in force on a date; empty when it has none, and then its EGCR answers."""
    told = system.get("responsible")
    if isinstance(told, str):
        return {"name": told} if told else {}
    return next((person for person in told or () if in_force(person, on)), {})


def posts(policy: Mapping[str, Any]) -> Iterator[Tuple[str, str, Sequence[Mapping[str, Any]]]]:
    """(key, Spanish title, designations) of each post of the policy that one or several people hold by designation."""
    told = policy.get("actors") or {}
    if "jefe_oti" in told:
        yield "jefe_oti", "Jefe/a de la OTI", told["jefe_oti"]
    for egcr, both in (told.get("egcr") or {}).items():
        for post in POSTS:
            if post in both:
                yield "egcr.{0}.{1}".format(egcr, post), "{0}, {1}".format(EGCR_TITLES[egcr], post), both[post]


def every_post(policy: Mapping[str, Any]) -> Iterator[Tuple[str, str, Sequence[Mapping[str, Any]]]]:
    """As `posts`, and of those who approve nothing of the institution: support, and the heads of offices, each office a post."""
    yield from posts(policy)
    told = policy.get("actors") or {}
    if "soporte" in told:
        yield "soporte", "Soporte", told["soporte"]
    heads = told.get("heads") or ()
    for office in sorted({str(person["office"]) for person in heads}):
        yield "heads.{0}".format(office), "Jefatura de {0}".format(office), [person for person in heads if str(person["office"]) == office]


def gaps(people: Sequence[Mapping[str, Any]], today: datetime.date) -> List[Gap]:
    """The days around today on which nobody of these is designated, from the first designation on; the last one may end beyond what is looked at."""
    if not people:
        return []
    begin = max(min(date_of(person["from"]) for person in people), today - datetime.timedelta(days=_LOOKED_AT))
    found: List[Gap] = []
    for day in (begin + datetime.timedelta(days=count) for count in range((today - begin).days + _LOOKED_AT + 1)):
        if any(in_force(person, day) for person in people):
            continue
        if found and found[-1].last == day - datetime.timedelta(days=1):
            found[-1] = Gap(found[-1].first, day)
        else:
            found.append(Gap(day, day))
    return found


def without_anybody(policy: Mapping[str, Any], today: datetime.date) -> List[Tuple[str, Gap]]:
    """(EGCR, days) on which neither titular nor suplente of an EGCR that the policy names is designated, around today."""
    egcrs = (policy.get("actors") or {}).get("egcr") or {}
    return [(egcr, gap) for egcr, both in egcrs.items() for gap in gaps([person for post in POSTS for person in both.get(post, ())], today)]


def told_gap(egcr: str, gap: Gap, today: datetime.date) -> str:
    """In Spanish. A gap that reaches the end of what was looked at is open."""
    title = EGCR_TITLES[egcr]
    if gap.last >= today + datetime.timedelta(days=_LOOKED_AT):
        return "{0}: sin designación {1} {2:%d/%m/%Y} (5.1 b)".format(title, "desde el" if gap.first <= today else "a partir del", gap.first)
    return "{0}: sin designación del {1:%d/%m/%Y} al {2:%d/%m/%Y} (5.1 b)".format(title, gap.first, gap.last)
