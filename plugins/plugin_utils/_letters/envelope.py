# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A letter as a mail: its headers, none of which a value can add to, and the thread that it belongs to."""

from __future__ import annotations

import email.utils
import re
from collections.abc import Sequence
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from typing import Any

from ...module_utils._engine.errors import BackupError
from .. import _smtp
from .writing import Written

ORIGIN = "perucompras.respaldo"
_IDENTITY = re.compile(r"<[!-;=?A-~]{1,400}@[!-;=?A-~]{1,255}>")
_MOST_REFERENCES = 5


_OF_IDENTITIES = ("message-id", "in-reply-to", "references")


class _Whole(EmailPolicy):
    """Headers of identities are folded between them: the library would encode one that is longer than a line, and no program would know it again. And a
    subject is encoded as a whole: where the library folds one that is half encoded, it doubles blanks.
    """

    def fold(self, name: str, value: Any) -> str:
        if name.lower() in _OF_IDENTITIES:
            return "{0}: {1}{2}".format(name, (self.linesep + " ").join(str(value).split()), self.linesep)
        if name.lower() == "subject" and not str(value).isascii():
            return "{0}: {1}{2}".format(name, Header(str(value), "utf-8", header_name=name).encode(linesep=self.linesep), self.linesep)
        return super().fold(name, value)

    def fold_binary(self, name: str, value: Any) -> bytes:
        return self.fold(name, value).encode("ascii", "replace")


_POLICY = _Whole() + SMTP
_LONE = re.compile(r"[\x00-\x1f\x7f]")


def is_identity(text: str) -> bool:
    """Whether a text is a Message-ID that may stand in a header."""
    return bool(_IDENTITY.fullmatch(text))


def mail(written: Written, sender: str, institution: str, to: str, address: str, message_id: str, thread: Sequence[str], reply_to: str = "") -> EmailMessage:
    """The mail of a letter; `thread` are the identities of the mails before it, the oldest first: what is none is left out.

    Raises BackupError mail_header_refused.
    """
    letter = EmailMessage(policy=_POLICY)
    letter["Subject"] = _refused("Subject", written.subject)
    letter["From"] = _person("From", institution, sender)
    letter["To"] = _person("To", to, address)
    if reply_to:
        letter["Reply-To"] = _person("Reply-To", "", reply_to)
    letter["Date"] = email.utils.localtime()
    if not is_identity(message_id):
        raise BackupError("mail_header_refused", header="Message-ID", detail="it is no identity of a mail")
    letter["Message-ID"] = message_id
    before = [each for each in dict.fromkeys(thread) if is_identity(each) and each != message_id]
    if before:
        letter["In-Reply-To"] = before[-1]
        # the first says which conversation it is, the last ones where in it
        letter["References"] = " ".join(before[:1] + before[1:][-_MOST_REFERENCES:])
    letter["Auto-Submitted"] = "auto-generated"
    letter["X-Auto-Response-Suppress"] = "All"
    letter["X-Respaldo-Origin"] = ORIGIN
    letter.set_content(written.text, cte="quoted-printable")
    letter.add_alternative(written.html, subtype="html", cte="quoted-printable")
    for each in written.attached:
        letter.add_attachment(each.data, "text", "csv", filename=_refused("Content-Disposition", each.name), params={"charset": "utf-8"})
    return letter


def _person(header: str, name: str, address: str) -> Address:
    if not _smtp.ADDRESS.fullmatch(address):
        raise BackupError("mail_header_refused", header=header, detail="it is no address: {0!r}".format(address[:200]))
    try:
        return Address("" if name == address else _refused(header, name), addr_spec=address)
    except (ValueError, IndexError) as error:
        raise BackupError("mail_header_refused", header=header, detail="it is no address: {0!r}".format(address[:200])) from error


def _refused(header: str, text: str) -> str:
    if _LONE.search(text):
        raise BackupError("mail_header_refused", header=header, detail="a control character: {0!r}".format(text[:200]))
    return text
