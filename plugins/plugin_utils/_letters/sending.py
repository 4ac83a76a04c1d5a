# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sending the letters that are due, each by itself: what one can't do does not keep the others, unless the server takes none at all."""

from __future__ import annotations

import datetime
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from ...module_utils._engine.errors import BackupError, in_both
from .. import _smtp
from .._bitacora import entries
from .._bitacora.any_store import Store
from .._decisions import due as moments
from .._decisions import entitled, requests
from .._mail import identities
from . import addressees, envelope, facts, queue
from .due import KINDS, TOLD, Letter
from .writing import Attached, Words, Written

SENT, WAITS, FAILED, LEFT, WOULD = "sent", "waits", "failed", "left", "would"
SPANISH = {SENT: "enviado", WAITS: "en espera", FAILED: "no enviado", LEFT: "lo envía otra ejecución", WOULD: "se enviaría"}


# The letters that say which versions there are, to who may know it: the office's head, who asked once the head agreed, and the EGCR.
_WITH_VERSIONS = ("acknowledgement", "endorsement", "forwarding", "estimate")
_WITH_LIST = "conformity"


class Outcome(NamedTuple):
    """What became of a letter."""

    letter: Letter
    state: str
    written: Written | None = None
    error: BackupError | None = None
    message_id: str = ""


class Post(NamedTuple):
    """All that sending needs: who we are, our key, words, the entries as they were read, and the moment."""

    mail: Mapping[str, Any]
    key: bytes
    words: Words
    rules: Mapping[str, Any]
    history: Sequence[Mapping[str, Any]]
    told: list[Mapping[str, Any]]
    now: datetime.datetime
    run: str
    host: str
    # of a request: the versions of what it asks for; the names of what was restored, as name and content of a file and what is said of it
    versions: Callable[[requests.Request], Sequence[str]] | None = None
    listed: Callable[[requests.Request], tuple[str, bytes, str] | None] | None = None


def write(post: Post, letter: Letter) -> Written:
    """The words of a letter. Raises BackupError letter_template_broken."""
    today = post.now.astimezone(moments.zone(post.rules["time_zone"])).date()
    head = addressees.of(post.rules, requests.HEADS, letter.request, today)
    versions = post.versions(letter.request) if post.versions and _may_know(letter) else ()
    listed = post.listed(letter.request) if post.listed and letter.key.letter == _WITH_LIST else None
    values = facts.of(letter, post.history, post.rules, head.name if head else "sin designación vigente", versions, listed[2] if listed else "")
    return post.words.write(letter.key.letter, values)._replace(attached=(Attached(*listed[:2]),) if listed else ())


def _may_know(letter: Letter) -> bool:
    """Whether a letter says which versions there are. Until a head agreed, whoever asked only says of which office he is."""
    opened = letter.request.steps[0].post.partition(".")[0]
    return letter.key.letter in _WITH_VERSIONS and (letter.key.letter != _WITH_VERSIONS[0] or opened == requests.HEADS)


def look(post: Post, letters: Sequence[Letter]) -> list[Outcome]:
    """What `send` would do, without doing it."""
    return [Outcome(letter, WAITS if _waits(post, letter) else WOULD, write(post, letter)) for letter in letters]


def send(post: Post, store: Store, letters: Sequence[Letter]) -> list[Outcome]:
    """Send what is due, and write what became of each. Raises BackupError bitacora_unwritable: what went then has a reservation and no end."""
    door = _smtp.Door(post.mail)
    post = post._replace(told=[*post.told])
    written = [(letter, write(post, letter)) for letter in letters]     # a broken template stops before anything is sent
    found: list[Outcome] = []
    closed: BackupError | None = None
    for letter, words in written:
        if closed or _waits(post, letter):
            found.append(Outcome(letter, WAITS, words))
            continue
        outcome, shut = _one(post, store, door, letter, words)
        closed = outcome.error if shut else None
        found.append(outcome)
        if outcome.state == SENT:     # as the next run will read it: for the limit of a day, and for the thread
            post.told.append({"type": TOLD, "ticket": letter.request.ticket, "letter": letter.key.letter, "links": letter.key.of, "post": letter.key.post,
                              "reminder": letter.key.number, "address": letter.to.address, "message_id": outcome.message_id, "at_event": entries.now()})
    return found


def _waits(post: Post, letter: Letter) -> bool:
    known = queue.tries(post.told).get(letter.key, queue.Tries())
    return post.now < queue.not_before(known, post.now) or queue.today_to(letter.to.address, post.told, post.now) >= queue.MOST_A_DAY


def _one(post: Post, store: Store, door: _smtp.Door, letter: Letter, words: Written) -> tuple[Outcome, bool]:
    """One letter, and whether the server takes none at all."""
    if not letter.to.address:
        who = entitled.title(letter.to.post)
        detail = in_both("nobody is designated as {0}".format(letter.to.post), "no hay designación vigente de {0}".format(who)) if not letter.to.name else \
            in_both("{0} has no address".format(letter.to.name), "{0} no tiene email en su designación".format(letter.to.name))
        error = _error("letter_without_address", letter, detail=detail)
        queue.failed(store, letter, post.run, post.host, error)
        return Outcome(letter, FAILED, words, error), False
    domain = post.mail["sender"].rpartition("@")[2].lower()
    message_id = queue.reserve(store, letter, post.run, post.host, post.now, lambda: identities.mark(
        post.key, domain, letter.request.ticket, letter.key.letter, letter.to.address, secrets.token_hex(8)))
    if not message_id:
        return Outcome(letter, LEFT, words), False
    try:
        door.send(envelope.mail(words, post.mail["sender"], post.rules["institution"], letter.to.name, letter.to.address, message_id,
                                _thread(post, letter), post.mail.get("reply_to") or ""), [letter.to.address])
    except _smtp.Undelivered as trouble:
        error = _error("letter_unsent", letter, addressee="{0} <{1}>".format(letter.to.name, letter.to.address),
                       detail="{0}: {1}".format(_smtp.where(post.mail), trouble.detail))
        queue.failed(store, letter, post.run, post.host, error, message_id)
        return Outcome(letter, FAILED, words, error), trouble.kind != "letter"
    except BackupError as error:
        queue.failed(store, letter, post.run, post.host, error, message_id)
        return Outcome(letter, FAILED, words, error), error.fault.name == "mail_token_refused"
    queue.told(store, letter, post.run, post.host, message_id, words)
    return Outcome(letter, SENT, words, None, message_id), False


def _thread(post: Post, letter: Letter) -> list[str]:
    """The mails before this one, of the same request and to the same address: the one that asked, where it was this person's, and ours."""
    opened = letter.request.steps[0]
    asked = [opened.reference] if opened.proof == "mail" and requests.same_name(opened.person, letter.to.name) else []
    return asked + [str(entry.get("message_id", "")) for entry in post.told if entry["type"] == TOLD and not entry.get("simulated")
                    and requests.ticket_of(entry) == letter.request.ticket and str(entry.get("address", "")).casefold() == letter.to.address.casefold()]


def _error(fault: str, letter: Letter, **more: Any) -> BackupError:
    return BackupError(fault, letter=letter.key.letter, letter_es="«{0}»".format(KINDS[letter.key.letter].spanish), ticket=letter.request.ticket, **more)


def line(outcome: Outcome) -> str:
    """What people read of a letter, in Spanish."""
    letter = outcome.letter
    to = "{0} <{1}>".format(letter.to.name, letter.to.address) if letter.to.address else letter.to.name or "nadie"
    return "Solicitud {0}: {1} a {2}: {3}{4}".format(letter.request.ticket, KINDS[letter.key.letter].spanish, to, SPANISH[outcome.state],
                                                     " ({0}: {1})".format(outcome.error.code, outcome.error.spanish) if outcome.error else "")
