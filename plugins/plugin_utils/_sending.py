# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends one message to those who are warned: by mail, through the one door of _smtp.py, or by a service (apprise).

An error never holds what was given as a secret: neither a password nor the address of a service, which is a secret as a whole.
"""

from __future__ import annotations

import email.utils
import logging
import re
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from typing import Any

from ..module_utils._engine.errors import BackupError
from . import _smtp
from ._decisions.warnings import Message

MAIL = "correo"
MAIL_OPTIONS = {**_smtp.SERVER_OPTIONS, "to": {"type": "list", "elements": "str", "required": True}}


def check_mail(mail: Mapping[str, Any]) -> None:
    """Raises BackupError RSP101 on settings that can't work, or that would show the password on the way."""
    _smtp.check(mail)
    for index, address in enumerate(mail["to"]):
        if not _smtp.ADDRESS.fullmatch(address):
            raise BackupError("invalid_input", where=f"mail.to[{index}]", value=address, problem="is not an address", mend="Write it like oti@example.org.")
    if not mail["to"]:
        raise BackupError("invalid_input", where="mail.to", value=[], problem="is empty", mend="Name who is to be warned.")


def by_mail(mail: Mapping[str, Any], message: Message) -> list[str]:
    """Send it; the addresses the server refused while it took others. Raises BackupError: warning_unsent, warning_login_refused, mail_token_refused."""
    return Post(mail).send(mail["to"], message)


class Post:
    """A mail server for several messages of a run. One that refuses our account, or is not there, is not asked again for each of them."""

    def __init__(self, mail: Mapping[str, Any]) -> None:
        self._mail, self._door = mail, _smtp.Door(mail)
        self._broken: BackupError | None = None

    def send(self, to: Sequence[str], message: Message) -> list[str]:
        """As by_mail, to these addresses."""
        if self._broken is not None:
            raise self._broken
        try:
            return self._door.send(_letter(self._mail["sender"], to, message), to)
        except _smtp.Undelivered as error:
            if error.kind == "login":
                told = BackupError("warning_login_refused", server=_smtp.where(self._mail), account=self._mail["username"], detail=error.detail)
            else:
                told = BackupError("warning_unsent", channel=_smtp.where(self._mail), detail=error.detail)
            self._broken = told if error.kind != "letter" else None
            raise told from None
        except BackupError as error:     # no token
            self._broken = error
            raise


def _letter(sender: str, to: Sequence[str], message: Message) -> EmailMessage:
    letter = EmailMessage()
    letter["Subject"] = message.subject
    letter["From"] = sender
    letter["To"] = ", ".join(to)
    letter["Date"] = email.utils.localtime()
    letter["Message-ID"] = email.utils.make_msgid(domain=sender.rpartition("@")[2])
    letter["Auto-Submitted"] = "auto-generated"
    letter["X-Auto-Response-Suppress"] = "All"
    letter.set_content(message.text)
    letter.add_alternative(message.html, subtype="html")
    for name, content in message.attached:
        letter.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return letter


def by_service(name: str, address: str, message: Message) -> None:
    """Send it through a service. Raises BackupError: notifier_missing, invalid_input, warning_unsent."""
    try:
        import apprise
    except ImportError as error:
        raise BackupError("notifier_missing") from error
    told = _Statuses()
    logger = logging.getLogger("apprise")
    # Its log holds addresses: nothing of it reaches a terminal or a file.
    former = logger.handlers[:], logger.propagate
    logger.handlers, logger.propagate = [told], False
    try:
        service = apprise.Apprise(asset=apprise.AppriseAsset(app_id="perucompras.respaldo", app_desc="Respaldo"))
        if not service.add(address):
            raise BackupError("invalid_input", where=f"services.{name}.url", value="(hidden)", problem="is not an address that apprise knows",
                              mend="See its list of services for how to write it.")
        if not service.notify(title=message.subject, body=message.text, body_format=apprise.NotifyFormat.TEXT):
            raise BackupError("warning_unsent", channel=name, detail="the service did not take it" + (f" (HTTP {told.status})" if told.status else ""))
    finally:
        logger.handlers, logger.propagate = former


class _Statuses(logging.Handler):
    """Keeps of the library's log the HTTP status only."""

    status = ""

    def emit(self, record: logging.LogRecord) -> None:
        found = re.search(r"error[=:]\s*(\d{3})\b", record.getMessage())
        if found:
            self.status = found[1]
