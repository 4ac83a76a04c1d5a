# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each mail leads to: a step of a request, or none and why. Pure functions over the mail and what the bitácora tells.

A step is taken only by somebody whose address is believed and who is designated with it, in answer to a letter of ours that was written to that very
address about that very request. All else that a person may have meant is set aside for a person, who is told why.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ...module_utils._engine.policy import people
from .._decisions import due as moments
from .._decisions import requests
from . import asked, identities, quoting, sorting, words
from .believing import Servers, believed
from .reading import MOST_RECIPIENTS, Attached, Mail

MOST_A_DAY = 10      # requests that one person opens by mail in a day

_TICKET = re.compile(r"\b20[0-9]{2}-[0-9]{4,9}\b|\bsolicitud\s*(?:n\W{0,3})?\W?\s*[0-9]", re.IGNORECASE)
_SIGNED_LIKE_OURS = re.compile(r"<solicitud\.", re.IGNORECASE)
_ANSWER = re.compile(r"^\W*(?:re|rv|fw|fwd|rm|resp)\s*:", re.IGNORECASE)
_STEP_OF_OPENING = "open"
KIND = "mailbox"     # of a system, and of the request that its copy is made for (6.4)


class House(NamedTuple):
    """What a mail is judged by: the key of our letters' identities, our addresses, our servers, the institution's domains, its people, its systems."""

    key: bytes
    ours: tuple[str, ...]
    servers: Servers
    domains: tuple[str, ...]
    rules: Mapping[str, Any]
    systems: Sequence[Mapping[str, Any]]


class Known(NamedTuple):
    """What the bitácora tells when a mail is decided: the requests, the mails of the same Message-ID, and those that this one answers."""

    told: requests.Told
    same: Sequence[Mapping[str, Any]] = ()
    answered: Sequence[Mapping[str, Any]] = ()


class Decision(NamedTuple):
    """What a mail leads to. `outcome` is one word; `aside` whether a person must look; `step` the arguments of a step (backup_request), where one is taken."""

    outcome: str
    aside: bool
    why: str = ""
    ticket: str = ""
    step: Mapping[str, Any] | None = None


def decide(mail: Mail, house: House, known: Known, now: datetime.datetime, today: datetime.date) -> Decision:
    """What a mail leads to; the step is still to be checked by the machine of requests."""
    if mail.odd:
        return Decision("unreadable", True, mail.odd)
    kind = sorting.kind(mail, house.ours)
    if kind == sorting.BOUNCE:
        mark = sorting.undelivered(house.key, mail)
        return Decision(kind, True, "no se entregó una carta de la solicitud" if mark else sorting.WHY[kind], mark.ticket if mark else "")
    if kind != sorting.PERSON:
        return Decision(kind, kind in sorting.DOUBTFUL, sorting.WHY[kind])
    belief = believed(mail, house.servers)
    if not belief.yes:
        return Decision("not_believed", True, belief.why)
    if any(each.get("mail_from") == mail.sender for each in known.same):
        return Decision("repeated", False, "ya se atendió un correo con el mismo identificador", str(known.same[0].get("ticket") or ""))
    if mail.many:
        return Decision("many_recipients", True, "tiene más de {0} destinatarios".format(MOST_RECIPIENTS))
    marks = identities.referred(house.key, mail.answers, mail.sender)
    if marks:
        return _answer(mail, house, marks, today)
    stray = _stray(mail, known)
    return stray or _request(mail, house, known, now, today)


def _answer(mail: Mail, house: House, marks: Sequence[identities.Mark], today: datetime.date) -> Decision:
    """An answer to a letter of ours."""
    if len({mark.ticket for mark in marks}) > 1:
        return Decision("several_requests", True, "responde a cartas de varias solicitudes: {0}".format(", ".join(mark.ticket for mark in marks[:5])))
    ticket = marks[0].ticket
    said = words.said(quoting.own(text) for text in mail.texts)
    if not said.step:
        return Decision("unclear", True, said.why, ticket)
    names = named(house.rules, mail.sender, today)
    if len(names) > 1:
        return Decision("shared_address", True, "la dirección es de varias personas designadas: {0}".format(", ".join(names)), ticket)
    reason = said.reason or ("sin más explicación en el correo" if said.step in ("object", "reject", "withdraw") else "")
    return Decision(said.step, False, "", ticket, {"step": said.step, "person": names[0] if names else mail.sender, "ticket": ticket, "reason": reason})


def _stray(mail: Mail, known: Known) -> Decision | None:
    """An answer to something else than a letter of ours to this address: never a new request, which it would become again and again."""
    if any(_SIGNED_LIKE_OURS.search(each) for each in mail.answers):
        return Decision("foreign_letter", True, "responde a una carta que no se escribió a esta dirección, o cuya firma no es nuestra")
    about = next((each for each in known.answered if each.get("ticket")), None)
    if about is not None:
        return Decision("about_request", True, "añade algo a una solicitud que ya tiene ticket", str(about["ticket"]))
    if known.answered:
        return Decision("about_mail", True, "responde a un correo que ya se leyó")
    if _TICKET.search(mail.subject):
        return Decision("names_ticket", True, "nombra un ticket sin responder a nuestra carta")
    said = words.said(quoting.own(text) for text in mail.texts)
    if said.step:
        return Decision("unbound_word", True, "dice «{0}» sin responder a nuestra carta".format(requests.STEPS[said.step].spanish))
    return None


def _request(mail: Mail, house: House, known: Known, now: datetime.datetime, today: datetime.date) -> Decision:
    """A new request."""
    if mail.sender.rpartition("@")[2] not in {each.lower() for each in house.domains}:
        return Decision("outsider", True, "no es de un dominio de la institución")
    text = next((found for found in (quoting.own(each) for each in mail.texts) if found), "")
    if not text:
        # a forward has its words in what is quoted: of whom they are, a person tells
        return Decision("no_words", True, "no tiene texto propio" + (": solo un archivo de Outlook" if _is_tnef(mail.attached) else ""))
    names = named(house.rules, mail.sender, today)
    if len(names) > 1:
        return Decision("shared_address", True, "la dirección es de varias personas designadas: {0}".format(", ".join(names)))
    person = names[0] if names else mail.sender
    if _opened_today(known.told, person, now) >= MOST_A_DAY:
        return Decision("too_many", True, "{0} abrió ya {1} solicitudes en un día".format(person, MOST_A_DAY))
    found = asked.asked(_ANSWER.sub("", mail.subject), text)
    office = _office(found.office, mail, house.rules, today)
    if not office:
        return Decision("no_office", True, "no es de una jefatura, ni dice de qué órgano es la información (Oficina: …), ni lleva copia a su jefatura")
    system = asked.named(found.system, house.systems) if found.system else None
    return Decision(_STEP_OF_OPENING, False, "", "", {
        "step": _STEP_OF_OPENING, "person": person, "office": office, "what": found.what, "paths": list(found.paths), "lost_at": found.lost_at,
        **({"system": str(system["name"]), "kind": str(system["kind"])} if system else {}),
        **({"request": KIND, "until": found.until} if found.keeps and system and system["kind"] == KIND else {})})


def named(rules: Mapping[str, Any], address: str, today: datetime.date) -> list[str]:
    """The names of those who are designated with an address, that day."""
    found = dict.fromkeys(str(person["name"]) for person in _designated(rules)
                          if str(person.get("email") or "").lower() == address and people.in_force(person, today))
    return list(found)


def _designated(rules: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    actors = rules.get("actors") or {}
    for post in ("heads", "soporte", "jefe_oti"):
        yield from actors.get(post) or ()
    for both in (actors.get("egcr") or {}).values():
        for post in people.POSTS:
            yield from both.get(post) or ()


def _office(told: str, mail: Mail, rules: Mapping[str, Any], today: datetime.date) -> str:
    """Whose information it is: the office that a head who writes is the head of, else the one named on its line, else that of the one head in copy."""
    heads = [each for each in (rules.get("actors") or {}).get("heads") or () if people.in_force(each, today)]
    offices = {str(each["office"]) for each in heads if str(each.get("email") or "").lower() == mail.sender}
    if not offices and told:
        offices = {str(each["office"]) for each in heads if words.folded(str(each["office"])) == words.folded(told)}
    elif not offices:
        offices = {str(each["office"]) for each in heads if str(each.get("email") or "").lower() in mail.recipients}
    elif told and len(offices) > 1:
        offices = {office for office in offices if words.folded(office) == words.folded(told)}
    return offices.pop() if len(offices) == 1 else ""


def _opened_today(told: requests.Told, person: str, now: datetime.datetime) -> int:
    since = (now - datetime.timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    until = moments.believed_until(now)
    return sum(since <= each.opened_at <= until and requests.same_name(each.requester, person) for each in told.requests.values())


def _is_tnef(attached: Sequence[Attached]) -> bool:
    return any(each.name.lower() == "winmail.dat" for each in attached)
