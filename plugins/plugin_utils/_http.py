# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to a web service by the standard library: TLS 1.2 and later, the institution's CA, its proxy, limits of time and size, repetition that ends.

What is busy (408, 429, 500, 502, 503, 504) or does not answer is asked again, after as long as Retry-After or RateLimit-Reset says or else after a
growing, uneven pause, until `patience` is over. Redirections are not followed: a token is for one address only. What comes out of here names no header
that was sent and no login of a proxy; whose error it is, forge's or custodian's, says the caller, who makes one of the catalogue of a `Trouble`.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import math
import random
import re
import ssl
import time
import typing as t
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..module_utils._engine.errors import BackupError
from ..module_utils._engine.processes import programs
from ._limited import Limited

_RETRIED = (408, 429, 500, 502, 503, 504)
_LONGEST_PAUSE = 15.0
SHOWN = 300      # characters of what a service says of an error


class Heard(t.NamedTuple):
    """What a service answered; the names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Raises ValueError for what is none, also for what is nested too deep."""
        try:
            return json.loads(self.body)
        except RecursionError as error:
            raise ValueError("it is nested too deep") from error


class Limits(t.NamedTuple):
    """Seconds for each read and for a whole answer; bytes of an answer; seconds of asking again."""

    read: float
    answer: float
    size: int
    patience: float


class Trouble(Exception):
    """Why there is no answer that counts. `kind`: unreachable, untrusted, unsendable or too_large."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind, self.detail = kind, detail


class _Stay(urllib.request.HTTPRedirectHandler):
    """A redirection is an answer like others."""

    def redirect_request(self, *_unused: Any) -> None:
        return None


class Client:
    """One service. `options`: ca_certs and proxy, as the inventory has them; `where` names the first in an error; `words` reads a service's own of one."""

    def __init__(self, options: Mapping[str, Any], where: str, mend: str, words: Callable[[Heard], str]) -> None:
        self._ends, self._seconds = math.inf, 0.0
        self.proxy, self._words = str(options.get("proxy") or ""), words
        self._limited = Limited(_context(str(options.get("ca_certs") or ""), where, mend))
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({"https": self.proxy, "http": self.proxy} if self.proxy else {}), self._limited, _Stay())

    @contextlib.contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """What the body asks ends in a time as a whole: pages without end, each in good time, would hold the run, and its verdict, for ever."""
        self._ends, self._seconds = time.monotonic() + seconds, seconds
        try:
            yield
        finally:
            self._ends = math.inf

    def ask(self, method: str, address: str, headers: Mapping[str, str], limits: Limits, payload: bytes | None = None) -> Heard:
        """One request, made again while it may help; any status but those of a busy service is an answer. Raises Trouble."""
        left = self._ends - time.monotonic()
        if left <= 0:
            raise self._endless()
        limits = limits._replace(answer=min(limits.answer, left), patience=min(limits.patience, left))
        deadline, tries = time.monotonic() + limits.patience, 0
        while True:
            heard, trouble = self._try(urllib.request.Request(address, data=payload, headers=dict(headers), method=method), limits)
            if heard is not None and heard.status not in _RETRIED:
                return heard
            tries += 1
            pause = _pause(tries, heard.headers if heard else {})
            if time.monotonic() >= self._ends:
                raise self._endless()
            if time.monotonic() + pause > deadline:
                raise Trouble("unreachable", "{0} (tried {1} {2})".format(trouble, tries, "time" if tries == 1 else "times"))
            time.sleep(pause)

    def _endless(self) -> Trouble:
        return Trouble("unreachable", "its pages do not end in {0} s".format(int(self._seconds)))

    def _try(self, request: urllib.request.Request, limits: Limits) -> tuple[Heard | None, str]:
        """The answer, if one came, and in words what was wrong."""
        try:
            with self._limited.within(limits.answer):
                try:
                    with self._opener.open(request, timeout=limits.read) as response:
                        status, headers, body = response.status, response.headers, response.read(limits.size + 1)
                except urllib.error.HTTPError as error:
                    with error:
                        status, headers, body = error.code, error.headers, error.read(limits.size + 1)
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            if isinstance(reason, ssl.SSLCertVerificationError):
                raise Trouble("untrusted", "its certificate is not trusted: {0}".format(reason.verify_message or reason)) from None
            through = " through the proxy {0}".format(re.sub(r"//.*@", "//", self.proxy)) if self.proxy else ""
            return None, "{0}{1}".format(str(reason) or type(reason).__name__, through)
        except ValueError:      # a header that none can be: the error repeats it, and it is the token
            raise Trouble("unsendable", "the token can't be sent: it has a line end, or what is no ASCII") from None
        if len(body) > limits.size:
            raise Trouble("too_large", "an answer has more than {0} bytes".format(limits.size))
        heard = Heard(status, {name.lower(): value for name, value in headers.items()}, body)
        words, after = self._words(heard)[:SHOWN], heard.headers.get("retry-after", "")
        return heard, "it answers {0}{1}{2}".format(status, ": " + words if words else "", ", to be asked again after {0} s".format(after)
                                                    if re.fullmatch(r"[0-9]{1,6}", after) else "")


def _pause(tries: int, headers: Mapping[str, str]) -> float:
    after, reset = headers.get("retry-after", ""), headers.get("ratelimit-reset", "")
    if re.fullmatch(r"[0-9]{1,6}", after):
        return float(after)
    if re.fullmatch(r"[0-9]{9,11}", reset) and headers.get("ratelimit-remaining", "") == "0":
        return max(0.0, float(reset) - time.time()) + 1
    return min(_LONGEST_PAUSE, 0.25 * 2 ** min(tries, 10)) * random.uniform(0.5, 1.0)


def _context(ca_certs: str, where: str, mend: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    told = programs.lines_of(ca_certs, where)
    if told:
        try:
            context.load_verify_locations(cadata=told)
        except (ssl.SSLError, ValueError) as error:
            raise BackupError("invalid_input", where=where, value="(certificates)", problem="are not certificates in PEM: {0}".format(error),
                              mend=mend) from error
    return context
