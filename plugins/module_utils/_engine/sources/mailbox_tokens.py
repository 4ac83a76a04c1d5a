# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens of OAuth2 by client credentials, for a mailbox that takes no password (Microsoft 365): asked for where the mailbox is read, and anew before they end.

What is sent is what Microsoft's identity platform describes: grant_type, client_id, scope, and a client_secret or what a certificate's key signed, posted to
/TENANT/oauth2/v2.0/token. A refusal is never tried again. Neither secret nor token stands in an error.
"""

from __future__ import annotations

import json
import re
import time
import urllib.parse
from typing import Any, Dict, List, Mapping

from ..errors import BackupError
from . import mailbox_assertion
from .web import Answer, Oversized, Unheard, Web

OPTIONS = ("tenant", "client_id", "client_secret", "certificate", "private_key", "scope", "authority", "ca_certs", "proxy")
OF_IMAP, OF_GRAPH = "https://outlook.office365.com/.default", "/.default"
_AUTHORITY = "https://login.microsoftonline.com"
_TENANT = re.compile(r"[A-Za-z0-9.-]{1,253}")
_LARGEST, _SECONDS = 1 << 20, 60.0
_WAITS = (1.0, 5.0, 20.0)       # seconds before another attempt, where nobody answers or the service is busy
_EARLY = 300.0                  # seconds before its end that a token is not used any more
_SHOWN = 300


class Tokens:
    """What gives a token that is good now. `scope` is what the mailbox needs where the inventory says none."""

    def __init__(self, oauth: Mapping[str, Any], scope: str) -> None:
        given = {name: str(oauth.get(name) or "") for name in OPTIONS}
        self.client, self.authority = given["client_id"], given["authority"] or _AUTHORITY
        self._secret, self._scope, self._token, self._until = given["client_secret"], given["scope"] or scope, "", 0.0
        self._assertions, self._shown = mailbox_assertion.Assertions(self.client, given["certificate"], given["private_key"]), ""
        if bool(given["certificate"]) != bool(given["private_key"]) or bool(self._secret) == bool(given["private_key"]):
            raise BackupError("invalid_input", where="source.oauth", value=None, problem="needs exactly one of client_secret and certificate with private_key",
                              mend="Give client_secret, or certificate and its private_key.")
        if not _TENANT.fullmatch(given["tenant"]):
            raise BackupError("invalid_input", where="source.oauth.tenant", value=given["tenant"][:80], problem="is not well written",
                              mend="Write it like 00000000-0000-0000-0000-000000000000.")
        self._target = "/{0}/oauth2/v2.0/token".format(given["tenant"])
        self._web = Web(self.authority, given["ca_certs"], given["proxy"], "source.oauth.authority")

    def value(self) -> str:
        """The token. Raises mailbox_token_refused, mailbox_service_unreachable."""
        if not self._token or time.monotonic() > self._until:
            self.renew()
        return self._token

    def renew(self) -> None:
        """Ask for another one, for the service does not take this one any more."""
        form = {"grant_type": "client_credentials", "client_id": self.client, "scope": self._scope}
        if self._secret:
            form["client_secret"] = self._secret
        else:      # good for one endpoint, and made anew each time
            self._shown = self._assertions.made(self.authority.rstrip("/") + self._target)
            form.update(client_assertion_type=mailbox_assertion.TYPE, client_assertion=self._shown)
        answer = self._asked(urllib.parse.urlencode(form).encode("ascii"))
        told = _table(answer)
        token, lasts = told.get("access_token"), told.get("expires_in")
        if answer.status != 200 or not isinstance(token, str) or not re.fullmatch(r"[!-~]{1,65536}", token):
            lines = str(told.get("error_description") or "").strip().splitlines()
            said = "{0} {1}: {2}".format(answer.status, told.get("error", ""), lines[0] if lines else "")
            raise BackupError("mailbox_token_refused", server=self.authority, client=self.client, detail=self.without(said))
        self._token = token
        self._until = time.monotonic() + max(0.0, (float(lasts) if isinstance(lasts, int) and 0 < lasts < 1 << 20 else 600.0) - _EARLY)

    @property
    def held(self) -> str:
        return self._token

    def _asked(self, form: bytes) -> Answer:
        said = ""
        for wait in (*_WAITS, None):
            try:
                answer = self._web.ask("POST", self._target, {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
                                       _LARGEST, _SECONDS, form)
                if answer.status not in (408, 429, 500, 502, 503, 504):
                    return answer
                said = "it answers {0}".format(answer.status)
            except (Unheard, Oversized) as error:
                said = str(error)
            if wait is not None:
                time.sleep(wait)
        raise BackupError("mailbox_service_unreachable", server=self.authority, detail=self.without(said))

    def without(self, text: str) -> str:
        """A text of others in one line, short, without what is secret here, whatever a service repeats."""
        for each in self.secrets():
            text = text.replace(each, "***")
        return "".join(each if each.isprintable() else " " for each in text)[:_SHOWN]

    def secrets(self) -> List[str]:
        return [each for each in (self._secret, urllib.parse.quote_plus(self._secret), self._token, self._shown, *self._assertions.secrets()) if each]


def _table(answer: Answer) -> Dict[str, Any]:
    try:
        told = json.loads(answer.body.decode("utf-8")) if answer.body else {}
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}
