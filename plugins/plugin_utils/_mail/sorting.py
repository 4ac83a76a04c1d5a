# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What kind of mail it is, before anything of it is believed: what machines send is answered by nobody and takes no step. One rule a function. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from . import identities
from .reading import Mail

# The kinds, and why nobody acts on them, in Spanish; PERSON is the only one that goes on.
PERSON, OWN, BOUNCE, AUTOMATIC, LIST, NO_REPLY = "person", "own_mail", "bounce", "automatic", "list", "no_reply"
WHY: Mapping[str, str] = {
    OWN: "es un correo nuestro que volvió", BOUNCE: "es un aviso de que un correo no se entregó", AUTOMATIC: "es una respuesta automática",
    LIST: "viene de una lista o de un envío masivo", NO_REPLY: "pide que nadie le responda, así que quizá sea de una máquina"}
# Of these a person must see whether somebody wrote them.
DOUBTFUL = (LIST, NO_REPLY)

_MOST_RECEIVED = 30      # a mail that went through more servers runs in a circle
_MACHINES = re.compile(r"^(?:mailer-daemon|postmaster|mail-daemon|daemon)@")
_OUT_OF_OFFICE = re.compile(r"^\W*(?:respuesta autom[aá]tica|auto(?:matic)?[- ]?reply|fuera de (?:la )?oficina|out of (?:the )?office)\b",
                            re.IGNORECASE)
_AUTOMATIC_FIELDS = ("x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-response", "x-ms-exchange-inbox-rules-loop", "x-fc-machinegenerated",
                     "x-mail-autoreply", "auto-reply")
_LIST_FIELDS = ("list-id", "list-post", "list-unsubscribe", "mailing-list", "x-mailing-list")
_IDENTITY = re.compile(r"<solicitud\.[a-z2-7._0-9]{10,800}@[a-z0-9.-]{1,253}>", re.IGNORECASE)
_RECIPIENT = re.compile(r"^(?:Final|Original)-Recipient:\s*rfc822\s*;\s*<?([^\s<>;]{3,254})>?\s*$", re.IGNORECASE | re.MULTILINE)


def kind(mail: Mail, ours: Iterable[str]) -> str:
    """The kind of a mail; `ours` are the addresses that we send from and receive at."""
    if mail.sender and mail.sender in {each.lower() for each in ours}:
        return OWN
    if _is_bounce(mail):
        return BOUNCE
    if _is_automatic(mail):
        return AUTOMATIC
    if _is_list(mail):
        return LIST
    return NO_REPLY if _wants_no_reply(mail) else PERSON


def _is_bounce(mail: Mail) -> bool:
    return (mail.type == "multipart/report" and "disposition-notification" not in mail.first("content-type").lower()
            or mail.first("return-path").replace(" ", "") == "<>" and not (_says_automatic(mail) or _wants_no_reply(mail)) or bool(_MACHINES.match(mail.sender))
            or bool(mail.values("x-failed-recipients")))


def _is_automatic(mail: Mail) -> bool:
    return (_says_automatic(mail) or mail.type == "multipart/report" or len(mail.values("received")) > _MOST_RECEIVED
            or bool(_OUT_OF_OFFICE.match(mail.subject)))


def _says_automatic(mail: Mail) -> bool:
    submitted = mail.first("auto-submitted").lower().partition(";")[0].strip()
    return (submitted not in ("", "no") or any(mail.values(name) for name in _AUTOMATIC_FIELDS)
            or mail.first("precedence").lower().strip() in ("auto_reply", "auto-reply"))


def _wants_no_reply(mail: Mail) -> bool:
    """X-Auto-Response-Suppress asks that no machine answers, and does not say that one wrote (MS-OXCMAIL 2.1.3.2.20): some servers give it to every mail, with
    the sorts of answers that they mean. Machines of Exchange say `All`, and mostly something else too.
    """
    return "all" in mail.first("x-auto-response-suppress").lower()


def _is_list(mail: Mail) -> bool:
    return any(mail.values(name) for name in _LIST_FIELDS) or mail.first("precedence").lower().strip() in ("bulk", "list", "junk")


def undelivered(key: bytes, mail: Mail) -> identities.Mark | None:
    """Which letter of ours a bounce is about: it must hold the identity that we signed, and name the one whom it was signed for. The rest of it is the
    words of anybody.
    """
    recipients = list(dict.fromkeys(_RECIPIENT.findall(mail.report)))[:5] + list(mail.values("x-failed-recipients")[:2])
    for written in list(dict.fromkeys(_IDENTITY.findall(mail.report + " ".join(mail.answers))))[:20]:
        for recipient in recipients:
            found = identities.read(key, written, recipient)
            if found:
                return found
    return None
