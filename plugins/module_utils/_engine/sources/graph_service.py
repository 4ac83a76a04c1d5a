# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Microsoft Graph v1.0, asked for one mailbox: each request with a token and with immutable identifiers, and with patience that ends.

What the service answers is a server's word: a next page lies on the same service, under v1.0, and is not one that came before; JSON has a size and a form.
"""

from __future__ import annotations

import calendar
import email.utils
import hashlib
import json
import re
import time
import urllib.parse
from typing import Any, Dict, Iterator, Mapping, Optional

from ..errors import BackupError
from .mailbox_tokens import Tokens
from .web import Answer, Oversized, Sink, Unheard, Unwritable, Web

ENDPOINT = "https://graph.microsoft.com"
MIME_FAILED = "ErrorMimeContentConversionFailed"
LARGEST_MAIL = 512 << 20
_LARGEST_JSON = 32 << 20
_SECONDS, _SECONDS_OF_MAIL = 300.0, 3600.0
_TRIES = 4                # of what is cut, or ends in an error of the service
_PATIENCE = 4 * 3600.0    # seconds that a copy waits in all
_SHORTEST, _LONGEST = 1.0, 300.0
_BUSY = (429, 503)        # and 504, where it says for how long
_LARGEST_LINK = 1 << 14
_MOST_PAGES = 1_000_000


class Refused(Exception):
    """The service answered that what was asked for can't be had: a status, and its word for why."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__("{0} {1}".format(status, code).strip())
        self.status, self.code = status, code


class Patience:
    """How long a service had us wait, in all sessions of a copy."""

    def __init__(self) -> None:
        self.waited, self.waits = 0.0, 0


class Service:
    """The service, for one mailbox, by one connection: never more than one request at a time, of the four that Microsoft lets an application make."""

    def __init__(self, endpoint: str, user: str, tokens: Tokens, ca_certs: str, proxy: str, patience: Patience) -> None:
        self.endpoint, self.user, self.tokens = endpoint.rstrip("/"), user, tokens
        self._web = Web(self.endpoint, ca_certs, proxy, "source.endpoint")
        self.base = "/v1.0/users/{0}/".format(urllib.parse.quote(user, safe=""))
        self.patience = patience

    def close(self) -> None:
        self._web.close()

    def table(self, below: str, **query: str) -> Dict[str, Any]:
        """A thing of the mailbox. Raises Refused."""
        return self._table(self.base + below + ("?" + urllib.parse.urlencode(query, quote_via=urllib.parse.quote) if query else ""))

    def pages(self, below: str, **query: str) -> Iterator[Dict[str, Any]]:
        """The pages of a list of the mailbox, one after the other. Raises Refused."""
        target, seen = self.base + below + "?" + urllib.parse.urlencode(query, quote_via=urllib.parse.quote), set()
        for _number in range(_MOST_PAGES):
            page = self._table(target)
            if not isinstance(page.get("value"), list):
                raise self.unbelieved("a list without its value")
            yield page
            link = page.get("@odata.nextLink")
            if link is None:
                return
            target = self._next(link)
            mark = hashlib.sha256(target.encode("ascii")).digest()
            if mark in seen:
                raise self.unbelieved("a next page that came before")
            seen.add(mark)
        raise self.unbelieved("pages without end")

    def _next(self, link: Any) -> str:
        """The target of a next page. The token is for one service only, so is the page."""
        if not isinstance(link, str) or len(link) > _LARGEST_LINK or not re.fullmatch(r"[!-~]+", link):
            raise self.unbelieved("a next page that is no address")
        try:
            parts = urllib.parse.urlsplit(link)
        except ValueError:
            raise self.unbelieved("a next page that is no address") from None
        if parts.scheme != "https" or parts.netloc.lower() != self._web.netloc or not parts.path.startswith("/v1.0/") or "#" in link:
            raise self.unbelieved("a next page on another service")
        return parts.path + ("?" + parts.query if parts.query else "")

    def _table(self, target: str) -> Dict[str, Any]:
        try:
            answer = self._asked(target, _LARGEST_JSON, _SECONDS, None)
        except Oversized as error:
            raise self.unbelieved(str(error)) from None
        if answer.status != 200:
            raise Refused(answer.status, _code(answer.body))
        told = _read(answer.body)
        if not told:
            raise self.unbelieved("what is no JSON")
        return told

    def stream(self, below: str, sink: Sink) -> None:
        """The bytes of a thing of the mailbox. Raises Refused, Oversized, Unwritable."""
        answer = self._asked(self.base + below, LARGEST_MAIL, _SECONDS_OF_MAIL, sink)
        if answer.status != 200:
            raise Refused(answer.status, _code(answer.body))

    def _asked(self, target: str, most: int, seconds: float, sink: Optional[Sink]) -> Answer:
        tries, renewed = 0, False
        while True:
            headers = {"Authorization": "Bearer " + self.tokens.value(), "Prefer": 'IdType="ImmutableId"', "Accept": "*/*" if sink else "application/json"}
            try:
                answer: Optional[Answer] = self._web.ask("GET", target, headers, most, seconds, None, sink)
                said = ""
            except Unheard as error:
                answer, said = None, str(error)
            if answer is not None and answer.status == 401 and not renewed:
                renewed = True      # it ended meanwhile
                self.tokens.renew()
                continue
            if answer is not None and answer.status in (401, 403):
                raise self.refused(str(Refused(answer.status, _code(answer.body))))
            if answer is not None and (answer.status in _BUSY or answer.status == 504 and asked_to_wait(answer.headers) is not None):
                self._wait(answer.headers)
                continue
            if answer is not None and (answer.status < 500 or _code(answer.body) == MIME_FAILED):
                return answer
            tries += 1
            if tries >= _TRIES:
                if answer is not None:
                    return answer
                raise BackupError("mailbox_service_unreachable", server=self.endpoint, detail=self.tokens.without(said))
            time.sleep(min(_LONGEST, _SHORTEST * 4 ** (tries - 1)))

    def _wait(self, headers: Mapping[str, str]) -> None:
        """As long as the service says; in all not longer than a copy has patience."""
        told, patience = asked_to_wait(headers), self.patience
        seconds = max(_SHORTEST, min(_LONGEST, _SHORTEST * 2 ** min(patience.waits, 10)) if told is None else told)
        if patience.waited + seconds > _PATIENCE:
            raise BackupError("graph_busy", server=self.endpoint, seconds=int(seconds), waited=int(patience.waited), limit=int(_PATIENCE))
        time.sleep(seconds)
        patience.waited, patience.waits = patience.waited + seconds, patience.waits + 1

    def refused(self, detail: str) -> BackupError:
        return BackupError("graph_refused", server=self.endpoint, client=self.tokens.client, mailbox=self.user, detail=detail)

    def unbelieved(self, what: str) -> BackupError:
        return BackupError("graph_unbelieved", server=self.endpoint, detail=what)


def asked_to_wait(headers: Mapping[str, str]) -> Optional[float]:
    """The seconds of Retry-After (RFC 9110, 10.2.3), which may be a date too, by the clock of the service where it tells it; None where it says nothing."""
    after = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,6}", after):
        return float(after)
    until, now = _date(after), _date(headers.get("date", ""))
    return None if until is None else max(0.0, until - (time.time() if now is None else now))


def _date(told: str) -> Optional[float]:
    try:
        found = email.utils.parsedate_to_datetime(told) if told else None
        return calendar.timegm(found.utctimetuple()) if found else None
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


def _read(body: bytes) -> Dict[str, Any]:
    try:
        told = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _code(body: bytes) -> str:
    """The service's word for an error: its messages may repeat anything of a mail."""
    error = _read(body).get("error")
    code = error.get("code") if isinstance(error, dict) else ""
    return code if isinstance(code, str) and re.fullmatch(r"[A-Za-z0-9_.]{1,80}", code) else ""


__all__ = ["ENDPOINT", "LARGEST_MAIL", "MIME_FAILED", "Oversized", "Patience", "Refused", "Service", "Unwritable"]
