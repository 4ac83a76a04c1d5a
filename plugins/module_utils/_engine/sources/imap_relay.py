# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A door on the loopback between the synchroniser and the server of a mailbox, through which nothing passes that could change it.

The synchroniser would have the password in its configuration and its environment. It gets a word of this run alone instead, and the door signs in for it. A
folder is opened to be looked at only (EXAMINE), bodies are read by PEEK only, and each command that is not known to leave all as it is gets NO.

    synchroniser ──plain, one word──► door ──TLS, the account──► server
"""

from __future__ import annotations

import contextlib
import hmac
import re
import secrets
import select
import socket
import ssl
import threading
import time
from typing import Any, Callable, Collection, Dict, List, Optional, Tuple

from . import imap_patience
from .imap_levels import Shown

_CHUNK = 1 << 16
_LONGEST_LINE = 1 << 16
_MOST_HELD = 1 << 20      # bytes that wait for an end that is slow to take them
_PATIENCE = 60.0
# What no server changes anything for. SELECT becomes EXAMINE: it would take the mark \Recent away.
_HARMLESS = re.compile(rb"(?:UID )?(?:FETCH|SEARCH|SORT) |(?:EXAMINE|LIST|LSUB|STATUS|ENABLE|ID) |"
                       rb"(?:CAPABILITY|NAMESPACE|NOOP|CHECK|UNSELECT|LOGOUT)\r?\n", re.IGNORECASE)
_COMMAND = re.compile(rb"([A-Za-z0-9.]{1,32}) (.*)", re.DOTALL)
_FETCH = re.compile(rb"[^ ]+ (?:UID )?FETCH ", re.IGNORECASE)
_SELECT = re.compile(rb"SELECT ", re.IGNORECASE)
# these mark a mail as seen: RFC822, RFC822.TEXT, BODY[...], BINARY[...]; the list of capabilities in force is taken from the session itself
_MARKING = re.compile(rb"RFC822(?!\.SIZE|\.HEADER)|(?:BODY|BINARY)\[", re.IGNORECASE)
_LITERAL = re.compile(rb"\{[0-9]+\+?\}\r?\n\Z")


def passed_on(line: bytes) -> Optional[bytes]:
    """A command of the synchroniser as the server gets it; None for one that might change something there.

    One that announces a literal goes no further either: nothing that only reads needs it.
    """
    found = _COMMAND.match(line)
    if not found or _LITERAL.search(line):
        return None
    tag, command = found.groups()
    command = _SELECT.sub(b"EXAMINE ", command, count=1) if _SELECT.match(command) else command
    if not _HARMLESS.match(command) or re.match(rb"(?:UID )?FETCH ", command, re.IGNORECASE) and _MARKING.search(command):
        return None
    return tag + b" " + command


class Relay:
    """The door; use as a context manager. `connect` gives a session that is signed in: its socket and its capabilities."""

    def __init__(self, connect: Callable[[], Tuple[Any, str]], uid: int = -1, levels: Collection[str] = ()) -> None:
        self._uid = uid      # the account whose connections are taken; -1: anybody's
        self._levels = levels
        self.word = secrets.token_hex(24)
        self._connect = connect
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.error: Optional[BaseException] = None      # why the last one could not be signed in
        self.refused: List[str] = []                    # names of commands that did not pass
        self.wait = 0.0                                 # the longest time that the server asked for, where it said that it serves later
        self._open: List[Any] = []
        self._pairs: List[_Ends] = []
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def __enter__(self) -> "Relay":
        return self

    def __exit__(self, *_unused: object) -> None:
        for each in [self._listener, *self._open]:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            with contextlib.suppress(OSError):
                each.close()
        self._accepting.join(1)

    @property
    def brought(self) -> int:
        """Bytes of the server that came through so far."""
        return sum(each.brought for each in self._pairs)

    def _accept(self) -> None:
        while self._listener.fileno() >= 0:
            try:
                client, _address = self._listener.accept()
            except OSError:      # ours was closed, or others have all descriptors for now
                time.sleep(0.1)
                continue
            with contextlib.suppress(OSError):
                if self._uid >= 0 and _owner(client) != self._uid:
                    client.close()
                    continue
                self._open.append(client)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            client.settimeout(_PATIENCE)
            with client, client.makefile("rb") as lines:
                client.sendall(b"* OK [CAPABILITY IMAP4rev1] one word only\r\n")
                tag = self._admitted(client, lines)
                if not tag:
                    return
                far, capabilities = self._connect()
                self._open.append(far)
                client.sendall(b"* CAPABILITY " + capabilities.encode() + b"\r\n" + tag + b" OK signed in\r\n")
                early = _early(client, lines)
                self._between(client, far, early)
        except (OSError, ValueError):
            pass      # the synchroniser tells of it
        except BaseException as error:      # told by whoever made the door: here nobody hears it
            self.error = error

    def _admitted(self, client: socket.socket, lines: Any) -> bytes:
        """The tag of the command that gave the word; nothing for who has not got it."""
        while True:
            found = _COMMAND.match(lines.readline(_LONGEST_LINE))
            if not found:
                return b""
            tag, command = found.groups()
            if re.match(rb"CAPABILITY\r?\n", command, re.IGNORECASE):
                client.sendall(b"* CAPABILITY IMAP4rev1\r\n" + tag + b" OK\r\n")
                continue
            given = re.match(rb'LOGIN "?[^" ]+"? "?([0-9a-f]+)"?\r?\n', command, re.IGNORECASE)
            if given and hmac.compare_digest(given[1], self.word.encode()):
                return tag
            client.sendall(tag + b" NO\r\n")
            return b""

    def _between(self, client: socket.socket, far: Any, early: bytes) -> None:
        """Pass commands one way and answers the other until one end closes. In one thread: an object of TLS is not to be read and written at once."""
        ends = _Ends(client, far, Shown(self._levels))
        self._pairs.append(ends)
        ends.heard += early
        try:
            going = True
            while going:
                self._commands(ends)      # before anything is waited for: what was read early comes by no socket any more
                if len(ends.heard) > _LONGEST_LINE:
                    return      # longer than a command is: its rest would be taken for another one
                going = ends.step()
                self.wait = max(self.wait, ends.wait)
        finally:
            for each in (far, client):
                with contextlib.suppress(OSError):
                    each.close()

    def _commands(self, ends: "_Ends") -> None:
        """Pass on, or refuse, each command that was heard whole."""
        while True:
            end = ends.heard.find(b"\n") + 1
            if not end:
                return
            line = bytes(ends.heard[:end])
            del ends.heard[:end]
            told = passed_on(line)
            if told is not None:
                if _FETCH.match(told):
                    ends.to_client += ends.shown.rest()
                ends.to_far += told
                continue
            parts = line.split(b" ", 2)
            self.refused.append(parts[1].strip().decode("ascii", "replace")[:20] if len(parts) > 1 else "?")
            ends.to_client += parts[0].strip() + b" NO [CANNOT] nothing is changed here\r\n"


class _Ends:
    """Two sockets that do not block, and what is still to be sent to each."""

    def __init__(self, client: socket.socket, far: Any, shown: Shown) -> None:
        self.client, self.far, self.shown = client, far, shown
        self.heard, self.to_far, self.to_client = bytearray(), bytearray(), bytearray()
        self._far_ended = False
        self.wait = 0.0
        self.brought = 0
        self._last = b""
        client.setblocking(False)
        far.setblocking(False)
        self._poll = select.poll()
        self._wanted: Dict[int, int] = {}

    def step(self) -> bool:
        """Wait until something can pass, and pass it; False once nothing more will."""
        ready = self._wait()
        if not self._far_ended and len(self.to_client) < _MOST_HELD:
            self._gather()
        if self.to_client:
            del self.to_client[:_sent(self.client, self.to_client)]
        if self._far_ended:
            return bool(self.to_client)
        if self.to_far:
            del self.to_far[:_sent(self.far, self.to_far)]
        if len(self.to_far) < _MOST_HELD and ready.get(self.client.fileno(), 0) & ~select.POLLOUT:
            heard = _received(self.client)
            if heard == b"":
                return False
            self.heard += heard or b""
        return True

    def _gather(self) -> None:
        """All that has come, up to a piece: a server sends few kilobytes at once, and each of them alone would be a turn of everything here."""
        come: List[bytes] = []
        size = 0
        while size < _CHUNK and not self._far_ended:
            found = _received(self.far)
            if found is None:
                break
            self._far_ended = not found
            come.append(found)
            size += len(found)
        whole = b"".join(come)
        self.to_client += self.shown.passed(whole) + (self.shown.rest() if self._far_ended else b"")
        self.brought += len(whole)
        self._listen(whole)

    def _listen(self, found: bytes) -> None:
        """Whether the server says that it serves later; its words may lie across two pieces."""
        seam = self._last + found[:600]
        for text in (seam, found):
            if b" NO " in text or b" BAD " in text:
                self.wait = max(self.wait, imap_patience.heard(text))
        self._last = (self._last + found[-600:])[-600:]

    def _wait(self) -> Dict[int, int]:
        wanted = {self.client.fileno(): (select.POLLIN if len(self.to_far) < _MOST_HELD and not self._far_ended else 0)
                  | (select.POLLOUT if self.to_client else 0),
                  self.far.fileno(): (select.POLLIN if len(self.to_client) < _MOST_HELD and not self._far_ended else 0)
                  | (select.POLLOUT if self.to_far else 0)}
        for number, events in wanted.items() if wanted != self._wanted else ():
            if events:
                self._poll.register(number, events)
            else:
                with contextlib.suppress(KeyError):
                    self._poll.unregister(number)
        # what TLS has read ahead is on no socket any more
        ahead = getattr(self.far, "pending", lambda: 0)() and len(self.to_client) < _MOST_HELD
        self._wanted = wanted
        return dict(self._poll.poll(0 if ahead else None))


def _early(client: socket.socket, lines: Any) -> bytes:
    """What was read of the synchroniser beyond its sign-in."""
    client.setblocking(False)
    return bytes(lines.read1(_CHUNK) or b"") if lines.peek(1) else b""


def _received(of: Any) -> Optional[bytes]:
    """Some bytes, none at the end, None where there is nothing yet. Raises OSError."""
    try:
        return bytes(of.recv(_CHUNK))
    except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
        return None


def _sent(to: Any, what: bytearray) -> int:
    """How many bytes went. Raises OSError."""
    try:
        return int(to.send(bytes(what[:_CHUNK])))
    except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
        return 0


def _owner(client: socket.socket) -> int:
    """The account that the other end of a connection of the loopback is of, as the kernel's table has it; -1 where it is not there."""
    wanted = "0100007F:{0:04X}".format(client.getpeername()[1])
    with open("/proc/net/tcp", encoding="ascii") as table:
        return next((int(row[7]) for row in (line.split() for line in table) if row[1] == wanted and row[2].endswith(":{0:04X}".format(
            client.getsockname()[1]))), -1)
