# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Medium `ssh`: a directory on another server, reached with the stock ssh client and only stock tools over there.

The far side needs sh, coreutils, find and flock, no Python. Sessions share one connection, which ends with this
process: its far end and the lock read their standard input until it closes. What a far shell's start-up files print
comes before the mark and is not taken for an answer.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import subprocess
import tempfile
import threading
import weakref
from typing import Dict, IO, Iterator, List, Optional, Tuple, cast

from .. import programs
from ..errors import BackupError
from ..result import KINDS
from .base import SUMS, Deposit, Found, Medium, Reading, Slot, Writing, found_of

_MARK = "--respaldo-begins-here--"
_MOST_NOISE = 1 << 20

# The lock's far end gives up when it hears nothing for this long: a server that lost its power says no goodbye.
_BEAT, _SILENCE = 20, 120

_SHELF = 'cd -- "$1" && mkdir -p -- "$2/$3" && cd -- "$2/$3"'

# A check makes nothing: what isn't there yet is judged by the nearest directory above it.
_NEAREST = 'while [ ! -d "$there" ]; do there=${there%/*}; there=${there:-/}; done'

_CHECK = """
[ -d "$1" ] || [ "$5" = create ] || { echo absent; exit 0; }
there=$1/$2/$3; """ + _NEAREST + """
[ -w "$there" ] && [ -x "$there" ] || { echo unwritable; exit 0; }
if [ -e "$1/$2/$3/$4" ] || [ -L "$1/$2/$3/$4" ]; then echo taken; else echo good; fi
df -P -k -- "$there"
"""

_LOCK = """
command -v flock >/dev/null || { echo flock; exit 0; }
[ "$6" != create ] || mkdir -p -- "$1" || exit 1
""" + _SHELF + """ && exec 9>>.lock || exit 1
left=$4
until flock -n 9; do
  [ "$left" -gt 0 ] || { echo busy; exit 0; }
  left=$((left - 1)); sleep 1
done
echo locked
while [ -n "$(timeout "$5" head -c 1)" ]; do :; done
"""

_DEPOSIT = """
cd -- "$1/$2/$3" || exit 1
rm -rf -- .*.partial .*.pruned ".$4.sealed" || exit 1
find . -maxdepth 1 -name '.*.sealed' -mmin +60 -exec rm -rf {} + || exit 1
mkdir -- ".$4.partial" && echo good
"""

_WRITE = 'set -C; cat >"$1" && sync "$1"'

# GNU dd drops the file from the cache of the far side, so that what is read comes from its disk.
_READ = """
if [ -f "$1/$2" ]; then
  [ "$3" = cached ] || dd "if=$1/$2" iflag=nocache count=0 2>/dev/null
  echo good; exec cat -- "$1/$2"
fi
[ -d "$1" ] && { echo nofile; exit 0; }
[ -x "${1%/*/*/*}" ] && echo nocopy
"""

_SEAL = """
cd -- "$1/$2/$3" && sync ".$4.partial" && mv -T -n -- ".$4.partial" ".$4.sealed" || exit 1
[ ! -e ".$4.partial" ] || { echo "the sealed copy was there already" >&2; exit 1; }
sync . && echo good
"""

_DISCARD = 'rm -rf -- "$1/$2/$3/.$4.partial" "$1/$2/$3/.$4.sealed"'

_PUBLISH = """
cd -- "$1" || exit 1
digest() { sha256sum <"$1/$sums" 2>/dev/null | cut -c 1-64; }
sums=$5
[ -d "$2/$3" ] && cd -- "$2/$3" || { echo nocopy; exit 0; }
if [ -e "$4" ] || [ -L "$4" ]; then
  if [ "$(digest "$4")" = "$6" ]; then echo already; else echo taken; fi; exit 0
fi
[ -d ".$4.sealed" ] || { echo nocopy; exit 0; }
[ "$(digest ".$4.sealed")" = "$6" ] || { echo differs; exit 0; }
mv -T -n -- ".$4.sealed" "$4" || [ -e "$4" ] || exit 1
[ ! -e ".$4.sealed" ] && [ "$(digest "$4")" = "$6" ] || { echo taken; exit 0; }
sync . && echo good
"""

_WITHDRAW = """
cd -- "$1/$2/$3" && mv -T -n -- "$4" ".$4.sealed" && sync . && echo good
"""

_REMOVE = """
cd -- "$1" || exit 1
[ -d "$2/$3" ] && cd -- "$2/$3" || { echo nocopy; exit 0; }
rm -rf -- ".$4.pruned" || exit 1
[ -e "$4" ] || [ -L "$4" ] || { echo nocopy; exit 0; }
[ -z "$6" ] || [ "$(sha256sum <"$4/$5" 2>/dev/null | cut -c 1-64)" = "$6" ] || { echo differs; exit 0; }
mv -T -n -- "$4" ".$4.pruned" && sync . && rm -rf -- ".$4.pruned" && sync . && echo good
"""

_LABELS = """
[ -d "$1" ] || [ "$4" != create ] || exit 0
cd -- "$1" || exit 1
[ -d "$2/$3" ] || exit 0
cd -- "$2/$3" || exit 1
for name in *; do [ ! -d "$name" ] || printf '%s\\n' "$name"; done
"""

_SURVEY = """
[ -d "$1" ] || [ "$2" != create ] || exit 0
cd -- "$1" || exit 1
now=$(date +%s); shift 2
for kind in "$@"; do
  [ ! -d "$kind" ] || find "$kind" -mindepth 1 -maxdepth 2 -xtype d -printf "$now %T@ %p\\0" || exit 1
done
"""

_STOCKED = '[ ! -d "$1/$2/$3" ] || echo yes'

_FREE = 'there=$1; [ "$2" != create ] || { ' + _NEAREST + '; }; df -P -k -- "$there"'


class Ssh(Medium):
    """Copies in a directory of another server. `path` must exist there, unless `create`.

    `private_key` and `known_hosts` are texts; without them ssh takes the account's own files. A host key that is not
    known is never accepted.
    """

    def __init__(self, name: str, host: str, path: str, port: int = 22, user: str = "", identity_file: str = "",
                 private_key: str = "", known_hosts: str = "", create: bool = False) -> None:
        self.name = name
        self.host = host
        self.path = path
        self.port = port
        self.user = user
        self.identity_file = identity_file
        self.private_key = private_key
        self.known_hosts = known_hosts
        self.create = create
        self.place = "{0}{1}:{2}".format(user + "@" if user else "", host, path)
        self.locks: Dict[str, _Session] = {}
        self.connection: Optional[_Connection] = None

    def location(self, slot: Slot) -> str:
        return "{0}/{1}/{2}".format(self.place.rstrip("/"), slot.shelf, slot.label)

    def check(self, slot: Slot, expected: int) -> None:
        answer, _newline, listing = self.ask(_CHECK, *self.words(slot), self._create()).partition("\n")
        if answer == "absent":
            raise BackupError("medium_unwritable", location=self.place, detail="the directory does not exist")
        if answer == "unwritable":
            raise BackupError("medium_unwritable", location=self.place, detail="permission denied or mounted read-only")
        if answer == "taken":
            raise BackupError("label_taken", label=slot.label, location=self._shelf(slot))
        free = _available(listing)
        if free is not None and free < expected:
            raise BackupError("medium_full", location=self.place,
                              detail="{0} bytes free, about {1} needed".format(free, expected))

    @contextlib.contextmanager
    def lock(self, slot: Slot, timeout: int) -> Iterator[None]:
        session = self.open(_LOCK, self.path, slot.kind, slot.system, str(timeout), str(_SILENCE), self._create(),
                            feeds=True)
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

    def deposit(self, slot: Slot) -> Deposit:
        self.still_locked(slot)
        self.ask(_DEPOSIT, *self.words(slot))
        return _SshDeposit(self, slot)

    def publish(self, slot: Slot, digest: str, note: str = "") -> bool:
        answer = self.ask(_PUBLISH, *self.words(slot), SUMS, digest)
        if answer == "taken":
            raise BackupError("label_taken", label=slot.label, location=self._shelf(slot))
        if answer == "nocopy":
            raise BackupError("copy_missing", label=slot.label + " (sealed)", location=self._shelf(slot))
        if answer == "differs":
            raise BackupError("bytes_differ", file="{0}/.{1}.sealed/{2}".format(self._shelf(slot), slot.label, SUMS),
                              detail="it changed after it was sealed")
        return answer == "good"

    def withdraw(self, slot: Slot) -> None:
        self.ask(_WITHDRAW, *self.words(slot))

    def remove(self, slot: Slot, digest: str) -> bool:
        self.still_locked(slot)
        answer = self.ask(_REMOVE, *self.words(slot), SUMS, digest)
        if answer == "differs":
            raise BackupError("bytes_differ", file="{0}/{1}/{2}".format(self._shelf(slot), slot.label, SUMS),
                              detail="it is not the copy of the bitácora, so it is not removed")
        return answer == "good"

    def labels(self, kind: str, system: str) -> List[str]:
        session = self.open(_LABELS, self.path, kind, system, self._create())
        listing = session.rest()
        status, errors = session.end()
        if status != 0:
            raise self.unreachable(errors)
        return sorted(listing.decode("utf-8", "surrogateescape").splitlines())

    def survey(self) -> List[Found]:
        session = self.open(_SURVEY, self.path, self._create(), *KINDS)
        listing = session.rest()
        status, errors = session.end()
        if status != 0:
            raise self.unreachable(errors)
        rows = [row.split(" ", 2) for row in listing.decode("utf-8", "surrogateescape").split("\0") if row]
        return [row for row in (found_of(path, int(at) - float(changed)) for at, changed, path in sorted(rows, key=lambda row: row[2])) if row]

    def stocked(self, slot: Slot) -> bool:
        return self.ask(_STOCKED, *self.words(slot)) == "yes"

    def read(self, slot: Slot, file: str) -> Reading:
        return self.read_from("{0}/{1}/{2}".format(self.path.rstrip("/"), slot.shelf, slot.label), slot, file, "cached")

    def free(self) -> Optional[int]:
        session = self.open(_FREE, self.path, self._create())
        listing = session.rest().decode("utf-8", "replace")
        status, errors = session.end()
        if status != 0:
            raise self.unreachable(errors)
        return _available(listing)

    def close(self) -> None:
        """End the connection. It also ends with the object and with the process."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def open(self, script: str, *arguments: str, feeds: bool = False) -> "_Session":
        """Start a script over there. Raises medium_unreachable when it doesn't begin."""
        if self.connection is None or not self.connection.alive():
            self.close()
            self.connection = _Connection(self)
        return self.begin(self.connection.options, script, arguments, feeds)

    def subsystem(self, name: str) -> str:
        """The command line, as one text of quoted words, that reaches a subsystem of the server (sftp) over the same connection."""
        if self.connection is None or not self.connection.alive():
            self.ask("echo good")
        options = self.connection.options if self.connection is not None else []
        return " ".join(shlex.quote(word) for word in options + ["-s", "--", self.host, name])

    def begin(self, options: List[str], script: str, arguments: Tuple[str, ...], feeds: bool) -> "_Session":
        session = _Session(options + ["--", self.host, _command(script, arguments)], feeds)
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

    def read_from(self, directory: str, slot: Slot, file: str, cached: str) -> Reading:
        session = self.open(_READ, directory, file, cached)
        answer = session.line()
        if answer == "good":
            return Reading(lambda size: self._read(session, size), session.close)
        _status, errors = session.end()
        if answer == "nocopy":
            raise BackupError("copy_missing", label=slot.label, location=self._shelf(slot))
        if answer == "nofile":
            raise BackupError("bytes_differ", file="{0}:{1}/{2}".format(self.host, directory, file),
                              detail="the file is missing")
        raise self.unreachable(errors or "permission denied, or the directory is not there")

    def words(self, slot: Slot) -> Tuple[str, str, str, str]:
        return self.path, slot.kind, slot.system, slot.label

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
            detail = "the server refused the account {0!r} or its key".format(self.user or "(own)")
        return BackupError("medium_unreachable", location=self.place, detail=detail)

    def fault_of(self, status: int, errors: str) -> BackupError:
        """The fault of a script that ended badly: ssh itself ends with 255, or by a signal of ours."""
        if "No space left on device" in errors or "quota exceeded" in errors:
            return BackupError("medium_full", location=self.place, detail=errors)
        if status == 255 or status < 0:
            return self.unreachable(errors)
        return BackupError("medium_unwritable", location=self.place, detail=errors or "exit status {0}".format(status))

    def _create(self) -> str:
        return "create" if self.create else ""

    def _read(self, session: "_Session", size: int) -> bytes:
        chunk = session.read(size)
        if not chunk:
            status, errors = session.end()
            if status != 0:
                raise self.unreachable(errors)
        return chunk

    def _shelf(self, slot: Slot) -> str:
        return "{0}/{1}".format(self.place.rstrip("/"), slot.shelf)


class _SshDeposit(Deposit):

    def __init__(self, medium: Ssh, slot: Slot) -> None:
        self.medium = medium
        self.slot = slot
        self.path = "{0}/{1}/.{2}.partial".format(medium.path.rstrip("/"), slot.shelf, slot.label)

    def write(self, file: str) -> Writing:
        self.medium.still_locked(self.slot)
        session = self.medium.open(_WRITE, "{0}/{1}".format(self.path, file), feeds=True)

        def write(chunk: bytes) -> None:
            try:
                session.write(chunk)
            except BrokenPipeError as error:
                raise self.medium.fault_of(*session.end()) from error

        def close() -> None:
            status, errors = session.end()
            if status != 0:
                raise self.medium.fault_of(status, errors)

        return Writing(write, close)

    def read(self, file: str) -> Reading:
        return self.medium.read_from(self.path, self.slot, file, "")

    def seal(self) -> str:
        self.medium.still_locked(self.slot)
        self.medium.ask(_SEAL, *self.medium.words(self.slot))
        return ""

    def discard(self) -> None:
        with contextlib.suppress(BackupError, OSError):
            self.medium.still_locked(self.slot)
            self.medium.ask(_DISCARD, *self.medium.words(self.slot))


class _Connection:
    """The connection that the sessions share. It lives as long as its own session, which reads until we are gone."""

    def __init__(self, medium: Ssh) -> None:
        stack = contextlib.ExitStack()
        self.close = weakref.finalize(self, stack.close)
        try:
            options = _options(medium, stack)
            directory = stack.enter_context(programs.private_directory(programs.memory()))
            self.options = options + ["-S", directory + "/s"]
            self.session = medium.begin(options + ["-S", directory + "/s", "-M"], "cat >/dev/null", (), True)
            stack.callback(self.session.close)
        except BaseException:
            self.close()
            raise

    def alive(self) -> bool:
        return self.session.process.poll() is None


class _Session:
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
        mark = (_MARK + "\n").encode()
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
            self.result = status, said.rpartition(_MARK)[2].strip()[-4000:]
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


def _available(listing: str) -> Optional[int]:
    """The bytes free that the last line of `df -P -k` tells."""
    found = re.search(r"\s\d+\s+\d+\s+(-?\d+)\s+(?:\d+%|-)\s.*\Z", listing.strip())
    return max(0, int(found.group(1))) * 1024 if found else None


def _beat(session: _Session, enough: threading.Event) -> None:
    while not enough.wait(_BEAT):
        try:
            session.write(b".")
        except (OSError, ValueError):
            return  # the lock is gone: still_locked() tells


def _command(script: str, arguments: Tuple[str, ...]) -> str:
    """A line for the far login shell, whichever it is: one sh, every word quoted."""
    head = "umask 077; LC_ALL=C; export LC_ALL; echo {0}; echo {0} >&2; ".format(_MARK)
    return "exec sh -c " + " ".join(shlex.quote(word) for word in (head + script.strip(), "respaldo") + arguments)


def _options(medium: Ssh, stack: contextlib.ExitStack) -> List[str]:
    """ssh with settings of its own: no user's configuration, no agent, no question, no unknown host."""
    argv = [programs.find("ssh", "openssh-client"), "-F", "none", "-T", "-p", str(medium.port)]
    settings = [
        "BatchMode=yes", "StrictHostKeyChecking=yes", "UpdateHostKeys=no", "IdentityAgent=none", "IdentitiesOnly=yes",
        "ConnectTimeout=10", "ServerAliveInterval=15", "ServerAliveCountMax=4", "ClearAllForwardings=yes", "LogLevel=ERROR",
        "ControlPersist=no",
    ]
    if medium.known_hosts:
        settings += ["GlobalKnownHostsFile=none", "UserKnownHostsFile=" + _held(medium.known_hosts, stack)]
    if medium.user:
        argv += ["-l", medium.user]
    if medium.private_key:
        argv += ["-i", _held(medium.private_key, stack)]
    elif medium.identity_file:
        argv += ["-i", medium.identity_file]
    for setting in settings:
        argv += ["-o", setting]
    return argv


def _held(text: str, stack: contextlib.ExitStack) -> str:
    """A path where ssh reads the text. ssh closes the descriptors it is given, so it goes through ours."""
    secret = programs.Secret(text.rstrip("\n") + "\n")
    stack.callback(secret.close)
    return "/proc/{0}/fd/{1}".format(os.getpid(), secret.descriptor)
