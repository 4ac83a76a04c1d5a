# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way to a medium on another server: the stock ssh client, one connection that the sessions share, and what its messages mean.

The connection ends with this process: its far end and the lock read their standard input until it closes. What a far shell's start-up files print
comes before the mark and is not taken for an answer.
"""

from __future__ import annotations

import abc
import contextlib
import os
import re
import subprocess
import tempfile
import threading
import weakref
from typing import IO, Dict, Iterator, List, NamedTuple, Optional, Tuple, cast

from .. import addresses
from ..errors import BackupError
from ..processes import programs
from .base import Medium, Reading, Slot, Writing

MARK = "--respaldo-begins-here--"
_MOST_NOISE = 1 << 20

# The lock's far end gives up when it hears nothing for SILENCE seconds: a server that lost its power says no goodbye.
_BEAT, SILENCE = 20, 120


class Address(NamedTuple):
    """How to get there. `private_key` and `known_hosts` are texts; without them ssh takes the account's own files."""

    host: str
    port: int = 22
    user: str = ""
    identity_file: str = ""
    private_key: str = ""
    known_hosts: str = ""


class Far(Medium):
    """A medium on another server. A host key that is not known is never accepted."""

    # what keeps the shared connection open: it reads its standard input until that closes
    IDLE = ""

    def __init__(self, name: str, address: Address, path: str) -> None:
        self.name = name
        self.address = address
        self.host = address.host
        self.path = path
        self.place = "{0}{1}:{2}".format(address.user + "@" if address.user else "", addresses.beside(address.host), path)
        self.locks: Dict[str, Session] = {}
        self.connection: Optional[Connection] = None

    @staticmethod
    @abc.abstractmethod
    def command(script: str, arguments: Tuple[str, ...]) -> str:
        """The line that the far side is asked to run."""

    def location(self, slot: Slot) -> str:
        return "{0}/{1}/{2}".format(self.place.rstrip("/"), slot.shelf, slot.label)

    @contextlib.contextmanager
    def held(self, slot: Slot, session: "Session") -> Iterator[None]:
        """While the body runs, hold the lock that a session waits for."""
        enough = threading.Event()
        beating = threading.Thread(target=_beat, args=(session, enough), daemon=True)
        try:
            beating.start()
            answer = session.line()
            if answer == "busy":
                raise BackupError("system_busy", system=slot.system, location=self.place)
            if answer == "flock":
                raise BackupError("tool_missing", tool="flock of " + self.host, package="util-linux")
            if answer != "locked":
                raise self.fault_of(*session.end())
            self.locks[slot.shelf] = session
            yield
        finally:
            self.locks.pop(slot.shelf, None)
            enough.set()
            beating.join()
            session.close()

    def close(self) -> None:
        """End the connection. It also ends with the object and with the process."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def open(self, script: str, *arguments: str, feeds: bool = False) -> "Session":
        """Start a script over there. Raises medium_unreachable when it doesn't begin."""
        return self.begin(self.connected(), script, arguments, feeds)

    def connected(self) -> List[str]:
        """The words that call ssh over the shared connection."""
        if self.connection is None or not self.connection.alive():
            self.close()
            self.connection = Connection(self)
        return self.connection.options

    def begin(self, options: List[str], script: str, arguments: Tuple[str, ...], feeds: bool) -> "Session":
        session = Session(options + ["--", self.host, self.command(script, arguments)], feeds)
        if not session.begun():
            raise self.unreachable(session.end()[1] or "its shell did not run the command")
        return session

    def ask(self, script: str, *arguments: str) -> str:
        """Run a script and give the word it answers. Raises the fault its messages tell."""
        session = self.open(script, *arguments)
        answer = session.rest().decode("utf-8", "replace").strip()
        status, errors = session.end()
        if status != 0:
            raise self.fault_of(status, errors)
        return answer

    def listing(self, script: str, *arguments: str) -> bytes:
        """Run a script and give all that it prints. Raises medium_unreachable when it ends badly."""
        session = self.open(script, *arguments)
        listing = session.rest()
        status, errors = session.end()
        if status != 0:
            raise self.unlisted(status, errors)
        return listing

    def unlisted(self, _status: int, errors: str) -> BackupError:
        return self.unreachable(errors)

    def writing(self, session: "Session") -> Writing:
        """A file that a session writes over there."""
        def write(chunk: bytes) -> None:
            try:
                session.write(chunk)
            except BrokenPipeError as error:
                raise self.fault_of(*session.end()) from error

        def close() -> None:
            status, errors = session.end()
            if status != 0:
                raise self.fault_of(status, errors)

        return Writing(write, close)

    def reading(self, session: "Session", directory: str, slot: Slot, file: str) -> Reading:
        """A file that a session sends after it said `good`."""
        answer = session.line()
        if answer == "good":
            return Reading(lambda size: self._read(session, size), session.close)
        status, errors = session.end()
        if answer == "nocopy":
            raise BackupError("copy_missing", label=slot.label, location=self._shelf(slot))
        if answer == "nofile":
            raise BackupError("bytes_differ", file="{0}:{1}/{2}".format(addresses.beside(self.host), directory, file),
                              detail="the file is missing")
        raise self.unlisted(status, errors or "permission denied, or the directory is not there")

    def still_locked(self, slot: Slot) -> None:
        """Raise when the lock went with its connection: another run may be sweeping the shelf."""
        session = self.locks.get(slot.shelf)
        if session is None or session.process.poll() is not None:
            raise self.unreachable("the connection that held the lock was cut")

    def unreachable(self, errors: str) -> BackupError:
        detail = errors or "the connection was cut"
        if "IDENTIFICATION HAS CHANGED" in errors:
            detail = "the host key of {0} is not the one in known_hosts: it changed, or another machine answers".format(self.host)
        elif "host key is known for" in errors or "Host key verification failed" in errors:
            detail = "the host key of {0} is not in known_hosts; add it after comparing it with the server's own".format(self.host)
        elif "Load key" in errors or "invalid format" in errors:
            detail = "the private key can't be read: " + errors
        elif "Permission denied (" in errors:
            detail = "the server refused the account {0!r} or its key".format(self.address.user or "(own)")
        return BackupError("medium_unreachable", location=self.place, detail=detail)

    def fault_of(self, status: int, errors: str) -> BackupError:
        """The fault of a script that ended badly: ssh itself ends with 255, or by a signal of ours."""
        if "No space left on device" in errors or "quota exceeded" in errors:
            return BackupError("medium_full", location=self.place, detail=errors)
        if status == 255 or status < 0:
            return self.unreachable(errors)
        return BackupError("medium_unwritable", location=self.place, detail=errors or "exit status {0}".format(status))

    def _read(self, session: "Session", size: int) -> bytes:
        chunk = session.read(size)
        if not chunk:
            status, errors = session.end()
            if status != 0:
                raise self.unreachable(errors)
        return chunk

    def _shelf(self, slot: Slot) -> str:
        return "{0}/{1}".format(self.place.rstrip("/"), slot.shelf)


class Connection:
    """The connection that the sessions share. It lives as long as its own session, which reads until we are gone."""

    def __init__(self, medium: Far) -> None:
        stack = contextlib.ExitStack()
        self.close = weakref.finalize(self, stack.close)
        try:
            options = _options(medium.address, stack)
            directory = stack.enter_context(programs.private_directory(programs.memory()))
            self.options = options + ["-S", directory + "/s"]
            self.session = medium.begin(options + ["-S", directory + "/s", "-M"], medium.IDLE, (), True)
            stack.callback(self.session.close)
        except BaseException:
            self.close()
            raise

    def alive(self) -> bool:
        return self.session.process.poll() is None


class Session:
    """One far command: a local ssh process with its streams."""

    def __init__(self, argv: List[str], feeds: bool) -> None:
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            argv, stdin=subprocess.PIPE if feeds else subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.errors, bufsize=0,
            env=programs.environment(), start_new_session=True)
        self.input = self.process.stdin
        self.output = cast(IO[bytes], self.process.stdout)
        self.pending = b""
        self.result: Optional[Tuple[int, str]] = None

    def begun(self) -> bool:
        """Read past the noise to the mark. False when the command ended without it."""
        mark = (MARK + "\n").encode()
        while mark not in self.pending:
            chunk = os.read(self.output.fileno(), 65536)
            if not chunk or len(self.pending) > _MOST_NOISE:
                self.close()
                return False
            self.pending += chunk
        self.pending = self.pending.split(mark, 1)[1]
        return True

    def read(self, size: int) -> bytes:
        if self.pending:
            chunk, self.pending = self.pending[:size], self.pending[size:]
            return chunk
        return os.read(self.output.fileno(), size) if self.result is None else b""

    def line(self) -> str:
        text = b""
        while not text.endswith(b"\n"):
            character = self.read(1)
            if not character:
                break
            text += character
        return text.decode("utf-8", "replace").strip()

    def rest(self) -> bytes:
        return b"".join(iter(lambda: self.read(65536), b""))

    def write(self, chunk: bytes) -> None:
        view = memoryview(chunk)
        while view:
            view = view[os.write(cast(IO[bytes], self.input).fileno(), view):]

    def end(self) -> Tuple[int, str]:
        """Close its input, wait for it, and give its status and what it said on stderr after the mark."""
        if self.result is None:
            if self.input:
                self.input.close()
            status = self.process.wait()
            self.output.close()
            self.errors.seek(0)
            said = self.errors.read(1 << 20).decode("utf-8", "replace")
            self.errors.close()
            self.result = status, said.rpartition(MARK)[2].strip()[-4000:]
        return self.result

    def close(self) -> None:
        """End it, whatever it is doing."""
        if self.result is not None:
            return
        if self.process.stdin:
            self.process.stdin.close()
        try:
            self.process.wait(2 if self.process.stdin else 0)
        except subprocess.TimeoutExpired:
            self.process.terminate()
        self.end()


_DF = re.compile(r"\s(\d+)\s+\d+\s+(-?\d+)\s+(?:\d+%|-)\s.*\Z")


def available(listing: str) -> Optional[int]:
    """The bytes free that the last line of `df -P -k` tells."""
    found = _DF.search(listing.strip())
    return max(0, int(found.group(2))) * 1024 if found else None


def whole(listing: str) -> Optional[int]:
    """The bytes of the whole file system that it tells."""
    found = _DF.search(listing.strip())
    return int(found.group(1)) * 1024 if found else None


def _beat(session: Session, enough: threading.Event) -> None:
    while not enough.wait(_BEAT):
        try:
            session.write(b".")
        except (OSError, ValueError):
            return  # the lock is gone: still_locked() tells


def _options(address: Address, stack: contextlib.ExitStack) -> List[str]:
    """ssh with settings of its own: no user's configuration, no agent, no question, no unknown host."""
    argv = [programs.find("ssh", "openssh-client"), "-F", "none", "-T", "-p", str(address.port)]
    settings = [
        "BatchMode=yes", "StrictHostKeyChecking=yes", "UpdateHostKeys=no", "IdentityAgent=none", "IdentitiesOnly=yes",
        "ConnectTimeout=10", "ServerAliveInterval=15", "ServerAliveCountMax=4", "ClearAllForwardings=yes", "LogLevel=ERROR",
        "ControlPersist=no",
    ]
    if address.known_hosts:
        settings += ["GlobalKnownHostsFile=none", "UserKnownHostsFile=" + _held(address.known_hosts, stack)]
    if address.user:
        argv += ["-l", address.user]
    if address.private_key:
        argv += ["-i", _held(address.private_key, stack)]
    elif address.identity_file:
        argv += ["-i", address.identity_file]
    for setting in settings:
        argv += ["-o", setting]
    return argv


def _held(text: str, stack: contextlib.ExitStack) -> str:
    """A path where ssh reads the text. ssh closes the descriptors it is given, so it goes through ours."""
    secret = programs.Secret(text.rstrip("\n") + "\n")
    stack.callback(secret.close)
    return "/proc/{0}/fd/{1}".format(os.getpid(), secret.descriptor)
