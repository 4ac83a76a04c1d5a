# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a mailbox is asked back, as people say it (numeral 6.4), and what the bitácora tells of that: never a sender or a word of a subject.

Pure functions.
"""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from ...module_utils._engine.errors import BackupError
from ...module_utils._engine.sources import imap_asked
from . import leave, requests

KIND = "mailbox"
# a row of what a request asks for that names the mailbox which mails may come back to
_NAMES = ("buzon:", "buzón:")
_LONGEST = 4000
_TEXTS = ("format", "sender", "since", "until", "subject")
# what parts the account of a mailbox from the name of who enters it for another
_PARTS = re.compile(r"[*%/\\]")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def asked(given: Mapping[str, Any], kind: str, zone: datetime.tzinfo) -> dict[str, Any]:
    """The option `mail` of backup_restore; days become the moments in UTC that they begin and end at. Raises BackupError(invalid_input)."""
    told: dict[str, Any] = {name: " ".join(str(given.get(name) or "").split()) for name in _TEXTS}
    told["folders"] = _folders(given.get("folders"))
    told = {name: value for name, value in told.items() if value}
    for name in told if kind != KIND else ():
        # what was asked for stays untold: it may be a word of a subject
        raise BackupError("invalid_input", where=_where(name), value="...", problem="is asked of what is no mailbox", mend="Leave it out.")
    if told.get("format", KIND) not in imap_asked.FORMS:
        raise BackupError("invalid_input", where=_where("format"), value=told["format"], problem="is no form of mails",
                          mend="Use one of: {0}.".format(", ".join(imap_asked.FORMS)))
    for name, later in (("since", 0), ("until", 1)):
        if name in told:
            told[name] = _moment(told[name], name, zone, later)
    if told.get("since", "") > told.get("until", "9"):
        raise BackupError("invalid_input", where=_where("until"), value=str(given.get("until")), problem="ends before it begins",
                          mend="Give the first day as since and the last one as until.")
    return told


def _folders(given: Any) -> list[str]:
    """The folders of a list, or of lines; a comma may be part of a name. Raises BackupError(invalid_input)."""
    rows = given.split("\n") if isinstance(given, str) else [] if given is None else given
    if not isinstance(rows, list) or any(not isinstance(row, str) or len(row) > _LONGEST for row in rows):
        raise BackupError("invalid_input", where=_where("folders"), value="...", problem="is not a list of texts", mend="Write one folder on each line.")
    return [row.strip() for row in rows if row.strip()]


def _where(name: str) -> str:
    return "restore_mail_" + name


def _moment(text: str, name: str, zone: datetime.tzinfo, later: int) -> str:
    """The first second of a day, or its last; a moment as it is."""
    if _MOMENT.fullmatch(text):
        return text
    try:
        local = datetime.datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=zone)
        found = local.astimezone(datetime.timezone.utc) + datetime.timedelta(days=later, seconds=-later)
    except (ValueError, OverflowError):
        raise BackupError("invalid_input", where=_where(name), value=text, problem="is not a date", mend="Write it as 2026-11-22.") from None
    return found.strftime("%Y-%m-%dT%H:%M:%SZ")


def described(mail: Mapping[str, Any]) -> list[str]:
    """What the bitácora has of what was asked for; nothing where it was all."""
    folders = len(mail.get("folders") or ())
    found = ["1 carpeta" if folders == 1 else "{0} carpetas".format(folders)] if folders else []
    for name, words in (("since", "recibidos desde {0}"), ("until", "recibidos hasta {0}"), ("sender", "de un remitente"),
                        ("subject", "con palabras del asunto")):
        found += [words.format(mail[name])] if mail.get(name) else []
    return found


def refuse_other_mailbox(into: str, system: str, office: str, request: requests.Request | None) -> None:
    """Mails come back to their own mailbox, or to the one that an authorised request names. Raises BackupError restore_without_request,
    request_gives_no_leave, request_of_another_office.
    """
    if not into or into == system:
        return
    if request is None:
        raise BackupError("restore_without_request", system=into, detail="without one mails come back to their own mailbox alone",
                          detail_es="sin ella, los mensajes solo vuelven a su propio buzón")
    if _same(into) not in named_by(request.wanted):
        raise BackupError("request_gives_no_leave", ticket=request.ticket, detail="it does not name the mailbox {0} (request_paths: buzon:{0})".format(into),
                          detail_es="no nombra el buzón {0} (request_paths: buzon:{0})".format(into))
    leave.refuse_other_office(request, into, office)


def refuse_other_account(given: str, own: str) -> None:
    """Who signs in for mails to come back enters the mailbox that was named: by its account, or as a master user of it. Raises invalid_input."""
    if given and own and own.casefold() not in _PARTS.split(given.casefold()):
        raise BackupError("invalid_input", where="restore_source.user", value=given, problem="is not the account of that mailbox, {0}".format(own),
                          mend="Leave it out, write a master user as ACCOUNT*MASTER, or name the other mailbox (restore_mailbox) under a request for it.")


def named_by(wanted: Sequence[str]) -> set[str]:
    """The mailboxes that a request names."""
    return {_same(row.strip()[len(word):]) for row in wanted for word in _NAMES if unicodedata.normalize("NFC", row.strip()).casefold().startswith(word)}


def _same(name: str) -> str:
    return " ".join(unicodedata.normalize("NFC", name).split())
