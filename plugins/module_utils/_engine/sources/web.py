# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to one web service over TLS whose certificate is checked, with limits of time and size; runs on servers, by the standard library.

No redirection is followed, for what is sent has a secret with it, and an answer counts only when its end is told by the service and came: a body that ends
with its connection can't be told from one that was cut.
"""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import ssl
import threading
import urllib.parse
from typing import Any, Callable, Dict, Iterator, Mapping, NamedTuple, Optional

from .. import addresses
from ..errors import BackupError
from ..processes import programs

SILENCE = 60.0           # seconds without a byte
_CHUNK = 1 << 16
_ADDRESS = re.compile(r"https://([A-Za-z0-9.-]+)(?::([0-9]{1,5}))?/?")


class Answer(NamedTuple):
    """What the service answered; names of headers in lower case. The body is empty where a sink took it."""

    status: int
    headers: Dict[str, str]
    body: bytes


class Unheard(Exception):
    """Why no answer came that counts; another attempt may bring one."""


class Oversized(Exception):
    """An answer is larger than what was asked for can be."""


class Unwritable(Exception):
    """What takes a body can't: of the place here, not of the service. `error` says why."""

    def __init__(self, error: OSError) -> None:
        super().__init__(str(error))
        self.error = error


Sink = Callable[[], Callable[[bytes], Any]]


class _Connection(addresses.Tunnelled, http.client.HTTPSConnection):
    """Through a proxy too, where there is one."""


class Web:
    """One service by its address (https://host[:port]); keeps its connection. `proxy` is http://host:port, or nothing."""

    def __init__(self, address: str, ca_certs: str = "", proxy: str = "", where: str = "source.oauth") -> None:
        found = _ADDRESS.fullmatch(address)
        if not found or int(found[2] or 0) > 65535:
            raise BackupError("invalid_input", where=where, value=address[:80], problem="is no address of a service", mend="Write it like https://host.")
        self.host, self.port, self.netloc = found[1], int(found[2] or 443), address[8:].rstrip("/").lower()
        self._proxy, self._context = urllib.parse.urlsplit(proxy) if proxy else None, _context(ca_certs, where + ".ca_certs")
        self._connection: Optional[_Connection] = None
        self._socket: Any = None

    def ask(self, method: str, target: str, headers: Mapping[str, str], most: int, seconds: float, payload: Optional[bytes] = None,
            sink: Optional[Sink] = None) -> Answer:
        """One request, once. A body of status 200 goes to what `sink` gives, where there is one. Raises Unheard, Oversized, Unwritable."""
        whole = False
        try:
            connection = self._connected()
            with self._within(seconds):
                connection.request(method, target, body=payload, headers={**headers, "Accept-Encoding": "identity"})
                response = connection.getresponse()
                told = {name.lower(): value for name, value in response.getheaders()}
                if told.get("content-encoding", "identity") != "identity":
                    raise Unheard("its answer is packed, which was not asked for")
                take = _opened(sink) if sink and response.status == 200 else None
                body = _body(response, most, take)
            whole = True
            return Answer(response.status, told, body)
        except (OSError, http.client.HTTPException) as error:
            raise Unheard(str(error) or type(error).__name__) from error
        finally:
            if not whole:
                self.close()

    def _connected(self) -> _Connection:
        if self._connection is None or self._connection.sock is None:
            if self._proxy:
                connection = _Connection(str(self._proxy.hostname), self._proxy.port or 3128, timeout=SILENCE, context=self._context)
                connection.set_tunnel(self.host, self.port)
            else:
                connection = _Connection(self.host, self.port, timeout=SILENCE, context=self._context)
            connection.connect()
            self._connection, self._socket = connection, connection.sock
        return self._connection

    @contextlib.contextmanager
    def _within(self, seconds: float) -> Iterator[None]:
        """The whole answer comes in a time: one byte now and then would hold the run for ever."""
        timer = threading.Timer(seconds, _shut, (self._socket,))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _opened(sink: Sink) -> Callable[[bytes], Any]:
    try:
        return sink()
    except OSError as error:
        raise Unwritable(error) from error


def _body(response: http.client.HTTPResponse, most: int, take: Optional[Callable[[bytes], Any]]) -> bytes:
    expected, size, kept = response.length, 0, bytearray()
    if expected is None and not response.chunked:
        raise Unheard("it does not tell where its answer ends")
    if expected is not None and expected > most:
        raise Oversized("an answer of {0} bytes".format(expected))
    for chunk in iter(lambda: response.read(_CHUNK), b""):
        size += len(chunk)
        if size > most:
            raise Oversized("an answer of more than {0} bytes".format(most))
        if take is None:
            kept += chunk
            continue
        try:
            take(chunk)
        except OSError as error:
            raise Unwritable(error) from error
    if expected is not None and size != expected:      # http.client says nothing of it
        raise Unheard("its answer was cut after {0} of {1} bytes".format(size, expected))
    return bytes(kept)


def _shut(held: Any) -> None:
    with contextlib.suppress(OSError):
        socket.socket.shutdown(held, socket.SHUT_RDWR)


def _context(ca_certs: str, where: str) -> ssl.SSLContext:
    own = programs.lines_of(ca_certs, where) if ca_certs else None
    try:
        context = ssl.create_default_context(cadata=own)
    except ssl.SSLError as error:
        raise BackupError("invalid_input", where=where, value=ca_certs[:40], problem="holds no certificates",
                          mend="Give them as PEM, or the path of a file of this server.") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
