# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small requests to the web service of a custodian, by the standard library: retries that end, and errors that tell nothing secret.

What is busy (408, 429, 500, 502, 503, 504) or does not answer is asked again, after as long as Retry-After says or else after a
growing, uneven pause, until `patience` is over. Redirections are not followed: a token is for one address only.
"""

from __future__ import annotations

import http.client
import json
import random
import re
import ssl
import time
import typing as t
import urllib.error
import urllib.request
from collections.abc import Mapping

from ...module_utils._engine import programs
from ...module_utils._engine.errors import BackupError

RETRY_SECONDS = 60
_RETRIED = (408, 429, 500, 502, 503, 504)
_LONGEST_PAUSE = 15.0
_TIMEOUT = 30
_LARGEST = 4 << 20
_SHOWN = 300


class Answer(t.NamedTuple):
    """What a service answered; the names of headers are in lower case, a body that is no JSON object is an empty table."""

    status: int
    headers: dict[str, str]
    told: dict[str, t.Any]


class _Stay(urllib.request.HTTPRedirectHandler):
    """A redirection is an answer like others."""

    def redirect_request(self, *_unused: t.Any) -> None:
        return None


class Rest:
    """One service, as the options of a custodian name it: `ca_certs`, `proxy`, `retry_seconds`."""

    def __init__(self, custodian: str, url: str, options: Mapping[str, t.Any]) -> None:
        self.custodian = custodian
        self.url = url.rstrip("/")
        self.proxy = str(options.get("proxy") or "")
        self.patience = int(options.get("retry_seconds", RETRY_SECONDS))
        proxies = {"https": self.proxy, "http": self.proxy} if self.proxy else {}
        self.opener = urllib.request.build_opener(
            urllib.request.ProxyHandler(proxies), urllib.request.HTTPSHandler(context=_context(str(options.get("ca_certs") or ""))), _Stay())

    def request(self, method: str, path: str, headers: Mapping[str, str], body: Mapping[str, t.Any] | None = None) -> Answer:
        """One request, tried again while it may help. Raises BackupError custodian_unreachable when no answer counts."""
        deadline, tries = time.monotonic() + self.patience, 0
        while True:
            answer, trouble = self._try(method, path, headers, body)
            if answer is not None and answer.status not in _RETRIED:
                return answer
            tries += 1
            pause = _pause(tries, answer)
            if time.monotonic() + pause > deadline:
                raise self.unreachable("{0} (tried {1} {2})".format(trouble, tries, "time" if tries == 1 else "times"))
            time.sleep(pause)

    def unreachable(self, detail: str) -> BackupError:
        return BackupError("custodian_unreachable", custodian=self.custodian, location=self.url, detail=detail)

    def refused(self, answer: Answer, detail: str) -> BackupError:
        """A final answer that is no yes."""
        told = " ".join("{0} {1}".format(answer.status, detail).split())[:_SHOWN]
        if 300 <= answer.status < 400:
            told += "; it sends us to another address, which must be written in the inventory instead"
        return BackupError("custodian_refused", custodian=self.custodian, location=self.url, detail=told)

    def _try(self, method: str, path: str, headers: Mapping[str, str], body: Mapping[str, t.Any] | None) -> tuple[Answer | None, str]:
        payload = None if body is None else json.dumps(body).encode()
        sent = {"Accept": "application/json", "Content-Type": "application/json", **headers}
        request = urllib.request.Request(self.url + path, data=payload, headers=sent, method=method)
        try:
            try:
                with self.opener.open(request, timeout=_TIMEOUT) as response:
                    answer = _answer(response.status, response.headers, response.read(_LARGEST))
            except urllib.error.HTTPError as error:
                with error:
                    answer = _answer(error.code, error.headers, error.read(_LARGEST))
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            if isinstance(reason, ssl.SSLCertVerificationError):
                raise self.unreachable("its certificate is not trusted: {0}".format(reason.verify_message or reason)) from None
            through = " through the proxy {0}".format(re.sub(r"//[^@/]*@", "//", self.proxy)) if self.proxy else ""
            return None, "{0}{1}".format(reason or type(error).__name__, through)
        after = answer.headers.get("retry-after", "")
        return answer, "it answers {0}{1}{2}".format(answer.status, ": " + words(answer)[:_SHOWN] if words(answer) else "",
                                                     ", to be asked again after {0} s".format(after) if after.isdigit() else "")


def words(answer: Answer) -> str:
    """What a service says of an error: `errors` of Vault, `error` of Azure."""
    told = answer.told.get("errors")
    if isinstance(told, list):
        return " ".join("; ".join(map(str, told)).split())
    error = answer.told.get("error")
    if isinstance(error, Mapping):
        deeper = error.get("innererror")
        codes = [str(each["code"]) for each in (error, deeper) if isinstance(each, Mapping) and each.get("code")]
        return "{0}: {1}".format(" ".join(codes), str(error.get("message", "")).strip().split("\n", maxsplit=1)[0]).strip(": ")
    return ""


def _answer(status: int, headers: t.Any, body: bytes) -> Answer:
    try:
        told = json.loads(body) if body else {}
    except ValueError:
        told = {}
    return Answer(status, {name.lower(): value for name, value in headers.items()}, told if isinstance(told, dict) else {})


def _pause(tries: int, answer: Answer | None) -> float:
    after = answer.headers.get("retry-after", "") if answer is not None else ""
    if after.isdigit():
        return float(after)
    return min(_LONGEST_PAUSE, 0.25 * 2 ** min(tries, 10)) * random.uniform(0.5, 1.0)


def _context(ca_certs: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    told = programs.lines_of(ca_certs, "custodian.ca_certs")
    if told:
        try:
            context.load_verify_locations(cadata=told)
        except (ssl.SSLError, ValueError) as error:
            raise BackupError("invalid_input", where="custodian.ca_certs", value="(certificates)", problem=f"are not certificates in PEM: {error}",
                              mend="Give the authority's certificate as text, or the path of its file on the controller.") from error
    return context
