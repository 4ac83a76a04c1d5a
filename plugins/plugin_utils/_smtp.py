# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one door by which mail goes out (SMTP): TLS with an authority of one's own, a password, OAuth2 (XOAUTH2) or a relay that asks for none.

Warnings, anchors and letters about requests pass it. An error never holds what was given as a secret.
"""

from __future__ import annotations

import base64
import contextlib
import re
import smtplib
import ssl
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from typing import Any

from ..module_utils._engine import addresses
from ..module_utils._engine.errors import BackupError
from . import _tokens

SERVER_OPTIONS: dict[str, Any] = {
    "host": {"type": "str", "required": True},
    "port": {"type": "int", "default": 587},
    "security": {"type": "str", "default": "starttls", "choices": ["starttls", "tls", "none"]},
    "ca_file": {"type": "path"},
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "oauth": {"type": "dict", "options": _tokens.OPTIONS},
    "sender": {"type": "str", "required": True},
}
ADDRESS = re.compile(r"[^@\s,;<>\x00-\x1f\x7f]+@[^@\s,;<>\x00-\x1f\x7f]+")
_TIMEOUT = 30


class Undelivered(Exception):
    """Why a mail did not go. `kind`: login, or channel (no other will go now either), or letter (the server did not take this one)."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind, self.detail = kind, detail


def where(mail: Mapping[str, Any]) -> str:
    """The server, as errors name it."""
    return f"{mail['host']}:{mail['port']}"


def check(mail: Mapping[str, Any]) -> None:
    """Raises BackupError RSP101 on settings that can't work, or that would show a secret on the way."""
    if not ADDRESS.fullmatch(mail["sender"]):
        raise BackupError("invalid_input", where="mail.sender", value=mail["sender"], problem="is not an address", mend="Write it like oti@example.org.")
    oauth = mail.get("oauth")
    if oauth and mail["password"]:
        raise BackupError("invalid_input", where="mail.oauth", value="(hidden)", problem="is given beside a password", mend="Give one of the two.")
    if (mail["password"] or oauth) and not mail["username"]:
        raise BackupError("invalid_input", where="mail.username", value=None, problem="is missing", mend="Give the account of the password.")
    if (mail["password"] or oauth) and mail["security"] == "none":
        raise BackupError("invalid_input", where="mail.security", value="none", problem="would send the password in clear", mend="Use starttls or tls.")
    if oauth:
        _tokens.check(oauth, "mail.oauth")


class Door:
    """A mail server and who we are to it. A token is asked for once, when the first mail goes."""

    def __init__(self, mail: Mapping[str, Any]) -> None:
        self.mail, self._token = mail, ""

    def send(self, letter: EmailMessage, to: Sequence[str]) -> list[str]:
        """Send it; the addresses the server refused while it took others. Raises Undelivered, BackupError mail_token_refused."""
        if self.mail.get("oauth") and not self._token:
            self._token = _tokens.bearer(self.mail["oauth"], "mail.oauth")
        connected = False
        try:
            server = self._connected()
            try:
                self._login(server)
                connected = True
                refused = sorted(server.send_message(letter, self.mail["sender"], list(to)))
                # it was taken: how the server says goodbye does not change that
                with contextlib.suppress(smtplib.SMTPException, OSError):
                    server.quit()
                return refused
            finally:
                server.close()
        except smtplib.SMTPAuthenticationError as error:
            raise Undelivered("login", self._words(error)) from None
        except (smtplib.SMTPServerDisconnected, OSError) as error:
            # smtplib's answers of a server are OSErrors too
            told = isinstance(error, smtplib.SMTPException) and not isinstance(error, smtplib.SMTPServerDisconnected)
            raise Undelivered("letter" if told and connected else "channel", self._words(error)) from None
        except ValueError as error:
            raise Undelivered("letter", self._words(error)) from None

    def _connected(self) -> smtplib.SMTP:
        mail = self.mail
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

    def _login(self, server: smtplib.SMTP) -> None:
        if self.mail["password"]:
            server.login(self.mail["username"], self.mail["password"])
        elif self._token:
            server.ehlo_or_helo_if_needed()
            if "XOAUTH2" not in server.esmtp_features.get("auth", "").upper().split():
                raise smtplib.SMTPNotSupportedError("the server offers no XOAUTH2")
            server.auth("XOAUTH2", self._answer)

    def _answer(self, challenge: bytes | None = None) -> str:
        """The first answer is account and token; a server that refuses them says why, and waits for an empty one."""
        return "" if challenge is not None else self._words_of_login()

    def _words_of_login(self) -> str:
        return f"user={self.mail['username']}\x01auth=Bearer {self._token}\x01\x01"

    def _words(self, error: Exception) -> str:
        reply = getattr(error, "smtp_error", None)
        refused = getattr(error, "recipients", None)
        if isinstance(refused, dict) and refused:
            code, reply = next(iter(refused.values()))
            reply = str(code).encode() + b" " + (reply if isinstance(reply, bytes) else str(reply).encode())
        text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else str(error) or type(error).__name__
        secrets = []
        for secret, pair in ((self.mail["password"], f"\0{self.mail['username'] or ''}\0{self.mail['password'] or ''}"),
                             (self._token, self._words_of_login()), ((self.mail.get("oauth") or {}).get("client_secret"), "")):
            if secret:
                secrets += [secret, base64.b64encode(str(secret).encode()).decode(), base64.b64encode(pair.encode()).decode() if pair else ""]
        return _tokens.without(text, secrets)
