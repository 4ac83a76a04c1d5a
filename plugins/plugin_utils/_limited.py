# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions by HTTP whose answers have to end in a time. That of a socket is for each of its reads: a service that sends a byte a minute never meets it,
and holds the run, and its verdict, for ever.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
import urllib.request
from collections.abc import Iterator
from typing import Any

from ..module_utils._engine import addresses


class Limited(urllib.request.HTTPHandler, urllib.request.HTTPSHandler):
    """In the place of urllib's own: it keeps the sockets that it opens, and ends them when the time is over."""

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(context=context)
        self._trusted = context
        self._sockets: list[socket.socket] = []

    @contextlib.contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Raises TimeoutError for what took longer, whatever came of it."""
        over = threading.Event()

        def end() -> None:
            over.set()
            for each in self._sockets:
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(each, socket.SHUT_RDWR)

        timer = threading.Timer(seconds, end)
        timer.daemon = True
        timer.start()
        try:
            yield
        except (OSError, http.client.HTTPException):
            if not over.is_set():
                raise
        finally:
            timer.cancel()
            self._sockets.clear()
        if over.is_set():
            raise TimeoutError("its answer does not end in {0} s".format(int(seconds)))

    def http_open(self, req: urllib.request.Request) -> Any:
        return self.do_open(self._kept(http.client.HTTPConnection), req)

    def https_open(self, req: urllib.request.Request) -> Any:
        return self.do_open(self._kept(http.client.HTTPSConnection), req, context=self._trusted)

    def _kept(self, kind: Any) -> Any:
        sockets = self._sockets

        class Connection(addresses.Tunnelled, kind):
            def connect(self) -> None:
                super().connect()
                sockets.append(self.sock)

        return Connection
