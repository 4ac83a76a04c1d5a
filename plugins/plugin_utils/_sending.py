# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends one message: by mail (the standard library: TLS with an authority of one's own, and errors that are told) or by a service (apprise).

An error never holds what was given as a secret: neither a password nor the address of a service, which is a secret as a whole.
"""

from __future__ import annotations

import base64
import email.utils
import logging
import re
import smtplib
import ssl
from collections.abc import Iterable, Mapping
from email.message import EmailMessage
from typing import Any

from ..module_utils._engine import addresses
from ..module_utils._engine.errors import BackupError
from ._decisions.warnings import Message

MAIL = "correo"
MAIL_OPTIONS = {
    "host": {"type": "str", "required": True},
    "port": {"type": "int", "default": 587},
    "security": {"type": "str", "default": "starttls", "choices": ["starttls", "tls", "none"]},
    "ca_file": {"type": "path"},
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "sender": {"type": "str", "required": True},
    "to": {"type": "list", "elements": "str", "required": True},
}
_ADDRESS = re.compile(r"[^@\s,;<>\x00-\x1f\x7f]+@[^@\s,;<>\x00-\x1f\x7f]+")
_TIMEOUT = 30


def check_mail(mail: Mapping[str, Any]) -> None:
    """Raises BackupError RSP101 on settings that can't work, or that would show the password on the way."""
    for where, address in [("sender", mail["sender"]), *((f"to[{index}]", each) for index, each in enumerate(mail["to"]))]:
        if not _ADDRESS.fullmatch(address):
            raise BackupError("invalid_input", where=f"mail.{where}", value=address, problem="is not an address", mend="Write it like oti@example.org.")
    if not mail["to"]:
        raise BackupError("invalid_input", where="mail.to", value=[], problem="is empty", mend="Name who is to be warned.")
    if mail["password"] and not mail["username"]:
        raise BackupError("invalid_input", where="mail.username", value=None, problem="is missing", mend="Give the account of the password.")
    if mail["password"] and mail["security"] == "none":
        raise BackupError("invalid_input", where="mail.security", value="none", problem="would send the password in clear", mend="Use starttls or tls.")


def by_mail(mail: Mapping[str, Any], message: Message) -> list[str]:
    """Send it; the addresses the server refused while it took others. Raises BackupError: warning_unsent, warning_login_refused."""
    letter = EmailMessage()
    letter["Subject"] = message.subject
    letter["From"] = mail["sender"]
    letter["To"] = ", ".join(mail["to"])
    letter["Date"] = email.utils.localtime()
    letter["Message-ID"] = email.utils.make_msgid(domain=mail["sender"].rpartition("@")[2])
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(message.text)
    letter.add_alternative(message.html, subtype="html")
    for name, content in message.attached:
        letter.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    where = f"{mail['host']}:{mail['port']}"
    try:
        with _connected(mail) as server:
            if mail["password"]:
                server.login(mail["username"], mail["password"])
            return sorted(server.send_message(letter))
    except smtplib.SMTPAuthenticationError as error:
        raise BackupError("warning_login_refused", server=where, account=mail["username"], detail=_words(error, mail)) from None
    except (OSError, smtplib.SMTPException, ValueError) as error:
        raise BackupError("warning_unsent", channel=where, detail=_words(error, mail)) from None


def _connected(mail: Mapping[str, Any]) -> smtplib.SMTP:
    if mail["security"] == "none":
        return smtplib.SMTP(addresses.bare(mail["host"]), mail["port"], timeout=_TIMEOUT)
    context = ssl.create_default_context(cafile=mail["ca_file"] or None)
    if mail["security"] == "tls":
        return smtplib.SMTP_SSL(addresses.bare(mail["host"]), mail["port"], timeout=_TIMEOUT, context=context)
    server = smtplib.SMTP(addresses.bare(mail["host"]), mail["port"], timeout=_TIMEOUT)
    try:
        server.starttls(context=context)
    except BaseException:
        server.close()
        raise
    return server


def _words(error: Exception, mail: Mapping[str, Any]) -> str:
    reply = getattr(error, "smtp_error", None)
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else str(error) or type(error).__name__
    secret = mail["password"] or ""
    pair = f"\0{mail['username'] or ''}\0{secret}".encode()
    return _without(text, [secret, base64.b64encode(secret.encode()).decode(), base64.b64encode(pair).decode()] if secret else [])


def _without(text: str, secrets: Iterable[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, "(hidden)")
    return " ".join(text.split())[:500]


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
