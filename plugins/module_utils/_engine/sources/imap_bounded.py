# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IMAP with a server that may be hostile: an answer has an end in lines, bytes and time, and a mail passes through without lying in memory.

imaplib keeps every line of an answer, takes a literal of whatever size is announced, and waits anew for each byte. Here a server that never ends its answer,
announces a literal that nobody asked for, or drips a byte a minute is given up, in words of its own.
"""

from __future__ import annotations

import contextlib
import imaplib
import select
import socket
import ssl
import time
from typing import Any, Callable, Iterator, List, Optional, Tuple

from ..errors import BackupError

_MOST_LINES = 200_000          # of one answer; a batch of mails has 500
_MOST_BYTES = 64 << 20
_LONGEST_LINE = 1 << 20
_LARGEST_MAIL = 512 << 20      # the largest literal that was asked for, and that nobody asked for: a folder's name
_LARGEST_OTHER = 1 << 16
_ANSWER = 900.0                # seconds that an answer may take, and how fast it must come beyond
_SLOWEST = 4096
_SESSION = 24 * 3600.0
_CHUNK = 1 << 16


class Bounded(imaplib.IMAP4):
    """A session that reads its socket itself. `where` names the server in errors; `silence` is how long it may say nothing."""

    where = ""
    silence = 300.0
    answer = _ANSWER

    def __init__(self, host: str, port: int) -> None:
        self._kept = bytearray()
        self._sink: Optional[Callable[[bytes], Any]] = None
        self._ends = time.monotonic() + _SESSION
        self._begin()
        super().__init__(host, port)

    def _begin(self) -> None:
        self._lines = self._bytes = 0
        self._since = time.monotonic()

    def _command(self, name: str, *args: Any) -> Any:
        self._begin()
        return super()._command(name, *args)      # type: ignore[misc]

    @contextlib.contextmanager
    def into(self, sink: Callable[[bytes], Any]) -> Iterator[None]:
        """The literal of the next answer is given to `sink` in pieces, and is empty in the answer itself."""
        self._sink = sink
        try:
            yield
        finally:
            self._sink = None

    def readline(self) -> bytes:
        while True:
            end = self._kept.find(b"\n") + 1
            if end:
                self._lines += 1
                return self._taken(end)
            if len(self._kept) > _LONGEST_LINE:
                raise self._endless("a line of more than {0} bytes".format(_LONGEST_LINE))
            if not self._more():
                return self._taken(len(self._kept))

    def read(self, size: int) -> bytes:
        if size > (_LARGEST_MAIL if self._sink else _LARGEST_OTHER):
            raise self._endless("a literal of {0} bytes".format(size))
        pieces: List[bytes] = []
        while size:
            if not self._kept and not self._more():
                raise self.abort("the connection ended within a literal")
            piece = self._taken(min(size, len(self._kept)), bool(self._sink))
            size -= len(piece)
            if self._sink:
                self._sink(piece)
            else:
                pieces.append(piece)
        return b"".join(pieces)

    def _taken(self, size: int, asked_for: bool = False) -> bytes:
        found = bytes(self._kept[:size])
        del self._kept[:size]
        self._bytes += size
        if self._lines > _MOST_LINES or self._bytes > (_LARGEST_MAIL + _MOST_BYTES if asked_for else _MOST_BYTES):
            raise self._endless("an answer of more than {0} lines or {1} bytes".format(_MOST_LINES, _MOST_BYTES))
        return found

    def _more(self) -> bool:
        """Wait for some bytes; False when there come no more. Raises imap_endless, abort on silence."""
        left = min(self._ends, self._since + self.answer + self._bytes / _SLOWEST) - time.monotonic()
        if left <= 0:
            raise self._endless("it took longer than an answer may")
        self.sock.settimeout(min(self.silence, left))
        try:
            found = self.sock.recv(_CHUNK)
        except socket.timeout as error:
            if left > self.silence:
                raise self.abort(str(error)) from error
            raise self._endless("it took longer than an answer may") from None
        except OSError as error:      # told as imaplib tells of what it sends: an OSError beside a session is then none of the server's
            raise self.abort(str(error)) from error
        self._kept += found
        return bool(found)

    def _endless(self, detail: str) -> BackupError:
        self._ends = 0.0      # nothing more is waited for, not even a farewell
        return BackupError("imap_endless", server=self.where, detail=detail)


def shaken(plain: socket.socket, context: ssl.SSLContext, name: str, seconds: float) -> ssl.SSLSocket:
    """A socket over TLS, its handshake done within so many seconds in all. Closes what it was given when that fails. Raises OSError."""
    ends = time.monotonic() + seconds
    try:
        plain.setblocking(False)
        secure = context.wrap_socket(plain, server_hostname=name, do_handshake_on_connect=False)
    except BaseException:
        plain.close()
        raise
    try:
        while True:
            wanted: Tuple[List[Any], List[Any]] = ([secure], [])
            try:
                secure.do_handshake()
                secure.settimeout(seconds)
                return secure
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLWantWriteError:
                wanted = ([], [secure])
            left = ends - time.monotonic()
            if left <= 0 or not any(select.select(*wanted, [], left)):
                raise socket.timeout("the handshake took longer than {0:.0f} seconds".format(seconds))
    except BaseException:
        secure.close()
        raise
