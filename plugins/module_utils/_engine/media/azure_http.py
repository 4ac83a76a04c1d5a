# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to one container of Azure Blob Storage, by the standard library alone: connections, retries, and what a refusal means.

The rules of retrying are the service's: 408, 429, 500, 502, 503 and 504, lost connections and blocks damaged on the way are
tried again, after as long as Retry-After says or else after a growing, uneven pause; nothing else is.
"""

from __future__ import annotations

import base64
import calendar
import contextlib
import email.utils
import html
import http.client
import random
import re
import ssl
import threading
import time
from typing import Any, Callable, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple
from urllib.parse import parse_qs, quote, unquote, urlsplit

from .. import addresses
from ..errors import BackupError

# The first version whose create permission stages and commits blocks; before it, only w did, which also overwrites.
VERSION = "2026-04-06"

_RETRIED = (408, 429, 500, 502, 503, 504)
_LONGEST_PAUSE = 30.0
_PIECE = 1 << 16
_LARGE_PIECE = 1 << 20
_SKEW = 300     # seconds that two clocks may differ before it is told


class Place(NamedTuple):
    """A container and how it is reached. Times are seconds, `bandwidth` bytes a second (0: no limit)."""

    url: str              # of the account: https://ACCOUNT.blob.core.windows.net, or the private endpoint that stands for it
    container: str
    proxy: str = ""       # http://[user:password@]host:port
    ca_certs: str = ""    # PEM, trusted beside the system's own
    patience: int = 600   # how long one request is tried again
    bandwidth: int = 0
    timeout: int = 60


class Credential(NamedTuple):
    """What a request is signed with: a SAS (its query) or headers (a bearer token). Never shown."""

    query: str = ""
    headers: Tuple[Tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        return "Credential()"


class Answer(NamedTuple):
    """What the service answered; the names of headers are in lower case."""

    status: int
    headers: Dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        return self.headers.get("x-ms-error-code") or _between(self.body, b"<Code>", b"</Code>")

    @property
    def message(self) -> str:
        return _between(self.body, b"<Message>", b"</Message>").split("\n")[0].split(" RequestId:")[0]

    @property
    def detail(self) -> str:
        return _between(self.body, b"<AuthenticationErrorDetail>", b"</AuthenticationErrorDetail>")


class Refused(Exception):
    """The service refused a request, and trying again would not help."""

    def __init__(self, answer: Answer, credential: Credential) -> None:
        super().__init__("{0} {1}".format(answer.status, answer.code))
        self.answer = answer
        self.code = answer.code
        self.window = _window(credential.query)


# blob, the credential that was refused (None: the first time) -> what to sign with
Credentials = Callable[[str, Optional[Credential]], Credential]


class _Connection(addresses.Tunnelled, http.client.HTTPSConnection):
    """Through a proxy to any address."""


class Service:
    """The container, for any number of threads."""

    def __init__(self, place: Place, credentials: Credentials) -> None:
        self.place = place
        self.credentials = credentials
        self.cancelled = threading.Event()
        parts = urlsplit(place.url)
        self.host, self.port, self.base = parts.hostname or "", parts.port or 443, parts.path.rstrip("/")
        self.idle: List[http.client.HTTPSConnection] = []
        self.guard = threading.Lock()
        self.pace = _Pace(place.bandwidth)
        self.in_flight = 0                                   # bytes of bodies that left and have no answer yet
        self.moved: Callable[[], None] = lambda: None        # told as they leave
        self.context: Optional[ssl.SSLContext] = None
        self.thorough = False                                # whether all authorities of this machine were loaded

    @property
    def location(self) -> str:
        return "{0}/{1}".format(self.place.url.rstrip("/"), self.place.container)

    def request(self, method: str, blob: str, query: str = "", headers: Optional[Mapping[str, str]] = None, body: Any = None,
                size: int = 0, patience: Optional[int] = None) -> Answer:
        """One request, tried again as long as it may help. `body` is bytes, or a function that opens it anew for each try.

        The place's patience begins with the first failure, since a large block may take longer than it to be sent once; a `patience`
        that is given begins at once. Raises Refused for an answer that is final, BackupError medium_unreachable or azure_untrusted when there is none.
        """
        deadline = None if patience is None else time.monotonic() + patience
        credential, renewed, tries = self.credentials(blob, None), 0, 0
        while True:
            answer, trouble = self._try(method, blob, query, headers or {}, body, size, credential)
            if answer is not None and answer.status < 300:
                return answer
            if answer is not None and answer.status not in _RETRIED and answer.code != "Md5Mismatch":
                fresh = self.credentials(blob, credential) if answer.code in _RENEWED and renewed < 3 else credential
                if fresh == credential:
                    raise Refused(answer, credential)
                credential, renewed = fresh, renewed + 1
                continue
            tries += 1
            pause = _pause(tries, answer)
            if deadline is None:
                deadline = time.monotonic() + self.place.patience
            if self.cancelled.is_set() or time.monotonic() + pause > deadline:
                if answer is not None and answer.code == "Md5Mismatch":
                    raise Refused(answer, credential)
                raise BackupError("medium_unreachable", location=self.location, detail="{0} (tried {1} times)".format(trouble, tries))
            self.cancelled.wait(pause)

    def close(self) -> None:
        """End the connections, and the pauses of requests that wait to be tried again."""
        self.cancelled.set()
        self._forget()

    def _forget(self) -> None:
        with self.guard:
            idle, self.idle = self.idle, []
        for connection in idle:
            connection.close()

    def _try(self, method: str, blob: str, query: str, headers: Mapping[str, str], body: Any, size: int,
             credential: Credential) -> Tuple[Optional[Answer], str]:
        sent = {"x-ms-version": VERSION, "x-ms-date": email.utils.formatdate(usegmt=True), "Content-Length": str(size)}
        sent.update(credential.headers)
        sent.update(headers)
        if method in ("GET", "HEAD"):
            del sent["Content-Length"]
        target = "{0}/{1}{2}".format(self.base, self.place.container, "/" + quote(blob, safe="/~") if blob else "")
        words = "&".join(word for word in (query, credential.query) if word)
        connection, reused = None, False
        try:
            connection, reused = self._connection()
            answer = self._exchange(connection, method, target + ("?" + words if words else ""), body, sent)
        except ssl.SSLCertVerificationError as error:
            if connection is not None and not self.thorough:
                connection.close()
                with self.guard:
                    self.thorough, self.context = True, None
                return self._try(method, blob, query, headers, body, size, credential)
            raise BackupError("azure_untrusted", location=self.location, detail=error.verify_message or str(error)) from error
        except (OSError, http.client.HTTPException) as error:
            if connection is not None:
                connection.close()
            if reused:     # the service ends connections that were idle; that is no trouble yet
                self._forget()
                return self._try(method, blob, query, headers, body, size, credential)
            through = " through the proxy {0}".format(_without_password(self.place.proxy)) if self.place.proxy else ""
            return None, "{0}{1}".format(_words_of(error), through)
        with self.guard:
            if self.cancelled.is_set():
                connection.close()
            else:
                self.idle.append(connection)
        return answer, "{0} {1}".format(answer.status, answer.code).strip()

    def _exchange(self, connection: http.client.HTTPSConnection, method: str, target: str, body: Any, headers: Mapping[str, str]) -> Answer:
        payload = body() if callable(body) else body
        left = [0]
        try:
            return self._said(connection, method, target, self._leaving(payload, left), headers)
        finally:
            with self.guard:
                self.in_flight -= left[0]

    def _leaving(self, payload: Any, left: List[int]) -> Any:
        """The payload in pieces, at the pace that is allowed; `left` counts them."""
        if payload is None:
            return None
        return self._pieces(payload, left)

    def _pieces(self, payload: Any, left: List[int]) -> Iterator[Any]:
        size = _PIECE if self.place.bandwidth else _LARGE_PIECE
        view = None if hasattr(payload, "read") else memoryview(payload)
        at = 0
        while True:
            piece = payload.read(size) if view is None else view[at:at + size]
            if not piece:
                return
            at += len(piece)
            self.pace.wait(len(piece))
            yield piece
            with self.guard:
                self.in_flight += len(piece)
            left[0] += len(piece)
            self.moved()

    def _said(self, connection: http.client.HTTPSConnection, method: str, target: str, payload: Any, headers: Mapping[str, str]) -> Answer:
        try:
            connection.request(method, target, body=payload, headers=dict(headers))
        except (BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):
            # it may have refused early and said why
            with contextlib.suppress(OSError, http.client.HTTPException):
                return _answer(connection.getresponse())
            raise
        return _answer(connection.getresponse())

    def _connection(self) -> Tuple[http.client.HTTPSConnection, bool]:
        with self.guard:
            if self.idle:
                return self.idle.pop(), True
            if self.context is None:
                self.context = _context(self.place.ca_certs, self.thorough)
        if not self.place.proxy:
            return http.client.HTTPSConnection(self.host, self.port, timeout=self.place.timeout, context=self.context, blocksize=_PIECE), False
        proxy = urlsplit(self.place.proxy)
        connection = _Connection(proxy.hostname or "", proxy.port or 3128, timeout=self.place.timeout, context=self.context, blocksize=_PIECE)
        tunnel = {}
        if proxy.username:
            words = "{0}:{1}".format(unquote(proxy.username), unquote(proxy.password or ""))
            tunnel["Proxy-Authorization"] = "Basic " + base64.b64encode(words.encode()).decode()
        connection.set_tunnel(self.host, self.port, tunnel)
        return connection, False


class _Pace:
    """Holds the sum of all threads' sending under a rate."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.guard = threading.Lock()
        self.free_at = 0.0

    def wait(self, size: int) -> None:
        """Until so many bytes may leave."""
        if not self.rate:
            return
        with self.guard:
            start = max(time.monotonic(), self.free_at)
            self.free_at = start + size / self.rate
        time.sleep(max(0.0, start - time.monotonic()))


# Refusals that a newer signature may answer: it ran out, or its key was revoked.
_RENEWED = ("AuthenticationFailed", "AuthorizationFailure", "InvalidAuthenticationInfo", "NoAuthenticationInformation")

_MEANINGS: Sequence[Tuple[str, Tuple[str, ...]]] = (
    ("azure_container_missing", ("ContainerNotFound", "ResourceNotFound", "ContainerBeingDeleted", "AccountIsDisabled")),
    ("blob_protected", ("BlobImmutableDueToPolicy", "BlobImmutableDueToLegalHold", "BlobHasLegalHold", "LeaseIdMissing", "LeaseIdMismatchWithBlobOperation",
                        "ContainerImmutableDueToPolicy")),
    ("blob_archived", ("BlobArchived", "BlobBeingRehydrated")),
    ("blocks_lost", ("InvalidBlockList", "InvalidBlockId", "InvalidBlobOrBlock")),
)


def fault(refused: Refused, location: str) -> BackupError:
    """The error of the catalogue that a final refusal means."""
    answer = refused.answer
    told = "{0} {1}{2}".format(answer.status, answer.code or "(no code)", ": " + answer.message if answer.message else "")
    for name, codes in _MEANINGS:
        if answer.code in codes:
            return BackupError(name, location=location, detail=told)
    if answer.code == "Md5Mismatch":
        return BackupError("bytes_differ", file=location, detail="the service received other bytes than were sent, again and again")
    skew = _skew(answer)
    if answer.status in (401, 403):
        outside = refused.window or ("outside its time frame" if "time frame" in answer.detail + answer.message else "")
        if skew:
            told += "; the clock of this machine is {0} s {1} the service's".format(abs(skew), "ahead of" if skew > 0 else "behind")
        told = "{0} {1}{2}".format(told, answer.detail, "; the signature is " + outside if outside else "").strip()
        return BackupError("azure_expired" if outside or skew else "azure_refused", location=location, detail=told)
    return BackupError("medium_unreachable", location=location, detail=told)


def _answer(response: http.client.HTTPResponse) -> Answer:
    body = response.read()
    return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, body)


def _pause(tries: int, answer: Optional[Answer]) -> float:
    said = answer.headers.get("retry-after", "") if answer is not None else ""
    if said.isdigit():
        return float(said)
    return min(_LONGEST_PAUSE, 0.25 * 2 ** min(tries, 10)) * random.uniform(0.5, 1.0)


def _skew(answer: Answer) -> int:
    """Seconds that this machine's clock is ahead of the service's; 0 when they agree or nothing tells."""
    there = email.utils.parsedate(answer.headers.get("date", ""))
    ahead = int(time.time()) - calendar.timegm(there) if there else 0
    return ahead if abs(ahead) > _SKEW else 0


def _window(query: str) -> str:
    """How the time of a signature lies to this machine's clock; "" when it is valid, or is none."""
    words = parse_qs(query)
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    if words.get("se", [now])[0] < now:
        return "expired since {0}".format(words["se"][0])
    return "valid only from {0}".format(words["st"][0]) if words.get("st", [""])[0] > now else ""


def _context(ca_certs: str, thorough: bool) -> ssl.SSLContext:
    """Trusts the authorities of this machine and those given. Reading them all takes longer than a small upload, so first they are
    looked up one by one where the machine has them so; only `thorough` knows those that lie nowhere else than in its one large file.
    """
    directory = None if thorough else ssl.get_default_verify_paths().capath
    context = ssl.create_default_context(capath=directory)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_certs:
        try:
            context.load_verify_locations(cadata=ca_certs)
        except (ssl.SSLError, ValueError) as error:
            raise BackupError("invalid_input", where="medium.ca_certs", value="(certificates)", problem="are not certificates in PEM: {0}".format(error),
                              mend="Give the authority's certificate as text, or the path of its file on the server.") from error
    return context


def _words_of(error: Exception) -> str:
    """What is told of a failed request: never the text of an error that quotes the address, whose query signs, or a header."""
    if isinstance(error, http.client.InvalidURL):
        return "the address can't be sent as it is: a blank or a control character is in it"
    return str(error) or type(error).__name__


def _without_password(proxy: str) -> str:
    return re.sub(r"//.*@", "//", proxy)      # up to the last @, as it is used


def _between(text: bytes, start: bytes, end: bytes) -> str:
    _before, found, rest = text.partition(start)
    return html.unescape(rest.partition(end)[0].decode("utf-8", "replace")) if found else ""
