# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program restic: how it is called, what its exit statuses and words mean stands in words.py. It knows nothing of labels and policies."""

from __future__ import annotations

import calendar
import contextlib
import ctypes
import json
import os
import re
import signal
import subprocess
import tempfile
import threading
import time
from typing import IO, Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple, cast

from ..errors import BackupError
from ..filesystem import descriptors as filesystem
from ..processes import programs, workspace
from ..remarks import Remark
from .listing import Listing
from .words import UNREAD, Ended, fault, no_lock, shadowed, tells_damage

# The first with repositories of version 2 (compression). Debian 12 has it.
MINIMUM = (0, 14, 0)
PARTIAL = 3
# How long a call waits for a repository that another restic holds: one that was interrupted with its run needs a while to remove its lock.
PATIENCE = 60
_LOOK_AGAIN = 2      # seconds
# These print nothing before they are done, and go on where they were interrupted: what they brought lies in the repository.
_GOES_ON = ("backup", "copy")
_RENEWALS = 60       # at twelve hours each a month
_TOLD = 4000
_FOUR_CENTURIES = 146097 * 86400      # seconds
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)\Z")
_PR_SET_PDEATHSIG = 1
_LEAST_ROOM = 2      # blocks


class Access(NamedTuple):
    """How restic reaches a repository. `secrets` go into the environment of restic alone, since it takes them no other way."""

    url: str
    options: Tuple[str, ...] = ()
    secrets: Tuple[Tuple[str, str], ...] = ()
    cache: str = ""      # directory of restic's cache; "" for none: a repository on this machine needs none
    ca_certs: Optional[programs.Secret] = None       # authorities in PEM
    reads_only: bool = False     # nothing may be written there, not even a lock
    until: float = 0             # when the secrets stop to be good, in seconds since 1970; 0 for never
    renew: Optional[Callable[[], "Access"]] = None      # gives the access anew, with secrets that last longer where that can be had


class _RanOut(Exception):
    """restic was interrupted since its access ended."""


_MOST = 10000


class Restic:
    """restic with one repository and one password. Use as a context manager: the password is gone with it.

    `patience` is how many seconds a call waits while another program holds the repository; at least PATIENCE. One that only `reads` goes on without a
    lock where none can be written: on a disk that is mounted read-only, or full.
    """

    def __init__(self, access: Access, password: str, program: str = "", patience: int = 0, reads: bool = False) -> None:
        self.access = access
        self.reads = reads
        self.unlocked = reads and not access.reads_only and _takes_no_lock(access.url)      # restic tries for 50 seconds to write one
        self.uncached = False       # the cache was found to be damaged
        self.patience = max(patience, PATIENCE)
        self.program = program or programs.find("restic", "restic")
        self.password = programs.Secret(password)

    def __enter__(self) -> "Restic":
        return self

    def __exit__(self, *_unused: object) -> None:
        self.password.close()

    def nodes(self, snapshot: str, visit: Callable[[Dict[str, Any]], Any], paths: Sequence[str] = (), below: bool = False,
              head: Optional[Callable[[Dict[str, Any]], Any]] = None, kept: Optional[Listing] = None) -> None:
        """Give each node of a snapshot to `visit`: all; of the folders named, those that are in them and not further down; or with `below`
        the files and folders named and all below them. restic reads only what leads there, which of a million files is next to nothing.

        `head` gets first what restic tells of the snapshot itself; `kept` gets the lines of the nodes.
        """

        def line(text: bytes) -> None:
            found = json.loads(text)
            sort = found.get("struct_type")
            if sort == "node":
                if kept is not None:
                    kept.add(text)
                visit(found)
            elif sort == "snapshot" and head is not None:
                head(found)

        self.call(["--json", "ls", *(["--recursive"] if below else []), snapshot, *paths], line)

    def answer(self, *arguments: str) -> Any:
        """The one JSON value that a call prints."""
        chunks: List[bytes] = []
        ended = self.call(["--json", *arguments], chunks.append)
        if self._cached() and UNREAD.search(ended.errors):     # it passes over what it can't read, here of its cache
            chunks.clear()
            self.uncached = True
            if not UNREAD.search(self.call(["--json", *arguments], chunks.append).errors):
                self._drop_cache()
        return json.loads(b"".join(chunks) or b"null")

    def call(self, arguments: Sequence[str], line: Optional[Callable[[bytes], Any]] = None, accepted: Sequence[int] = (0,),
             secrets: Sequence[programs.Secret] = (), origin: Optional["Restic"] = None, concurrency: int = 0,
             through: Sequence[str] = ()) -> Ended:
        """Run restic and give each line of its output to `line`. `origin` is the repository that `copy` and `init` read from,
        `concurrency` how many files are read at once, `through` the words of a program that runs restic in a place of its own.

        While another restic holds the repository it waits, and removes the locks of those that died meanwhile. What takes longer than the access
        is good is interrupted and goes on with a new one.
        Raises the BackupError that its status and words mean. No process is left, whatever happens.
        """
        if not self._cached():
            return self._patiently(arguments, line, accepted, secrets, origin, concurrency, through)
        given = seen = 0

        def counted(text: bytes) -> None:
            nonlocal given
            given += 1
            if line is not None:
                line(text)

        def rest(text: bytes) -> None:
            nonlocal seen
            seen += 1
            if line is not None and seen > given:
                line(text)

        try:
            return self._patiently(arguments, counted, accepted, secrets, origin, concurrency, through)
        except BackupError as error:
            if not tells_damage(error):
                raise
        # one wrong byte in the cache looks like damage of the repository: it is asked once more, and what was printed by then is not given twice
        self.uncached = True
        ended = self._patiently(arguments, rest, accepted, secrets, origin, concurrency, through)
        self._drop_cache()
        return ended

    def _cached(self) -> bool:
        return bool(self.access.cache) and not self.uncached

    def _drop_cache(self) -> None:
        """Remove the cache of this repository, which was found to be damaged, and tell of it."""
        self.uncached = True
        chunks: List[bytes] = []
        self._patiently(["cat", "config"], chunks.append, (0,), (), None, 0, ())
        found = re.search(r'"id":\s*"([0-9a-f]{64})"', b"".join(chunks).decode("utf-8", "replace"))
        with contextlib.suppress(OSError):
            held = filesystem.top(os.path.realpath(self.access.cache))
            try:
                filesystem.remove(held, found.group(1) if found else "-")
            finally:
                os.close(held)
        workspace.tell(Remark("restic_cache_dropped", where=self.access.cache))

    def _patiently(self, arguments: Sequence[str], line: Optional[Callable[[bytes], Any]], accepted: Sequence[int],
                   secrets: Sequence[programs.Secret], origin: Optional["Restic"], concurrency: int, through: Sequence[str]) -> Ended:
        until = time.monotonic() + self.patience
        ran_out: List[float] = []      # when the accesses ended that it was interrupted for
        both = [self] if origin is None else [self, origin]
        while True:
            for each in both:
                each.access = each.access.renew() if each.access.renew else each.access
            ends = min([each.access.until for each in both if each.access.until], default=0.0)
            if ran_out and (len(ran_out) > _RENEWALS or 0 < ends <= ran_out[-1]):
                raise BackupError("azure_expired", location=self.access.url, detail="it ended before restic {0} did".format(arguments[0]))
            try:
                return self._run(arguments, line, accepted, secrets, origin, concurrency, through, ends if arguments[0] in _GOES_ON else 0.0)
            except _RanOut:
                ran_out.append(ends)
                continue
            except BackupError as error:
                if self.reads and not self.unlocked and no_lock(error):
                    self.unlocked = True
                    continue
                if error.fault.name != "repository_locked" or time.monotonic() >= until:
                    raise
            time.sleep(_LOOK_AGAIN)
            for each in both:
                if not each.access.reads_only:
                    each._run(["unlock"])

    def _run(self, arguments: Sequence[str], line: Optional[Callable[[bytes], Any]] = None, accepted: Sequence[int] = (0,),
             secrets: Sequence[programs.Secret] = (), origin: Optional["Restic"] = None, concurrency: int = 0,
             through: Sequence[str] = (), ends: float = 0.0) -> Ended:
        """One call. One that finds the repository locked has printed nothing and changed nothing. At `ends` it is interrupted: raises _RanOut."""
        argv = [*through, self.program, *self._reaching(origin), *arguments]
        descriptors = [access.ca_certs.descriptor for access in (self.access, *([origin.access] if origin else [])) if access.ca_certs]
        descriptors += [self.password.descriptor, *(each.descriptor for each in secrets)] + ([origin.password.descriptor] if origin else [])
        with tempfile.TemporaryFile() as errors:
            try:
                process = subprocess.Popen(
                    argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, env=self._environment(origin, concurrency), cwd="/",
                    pass_fds=descriptors, preexec_fn=_die_with_us)
            except (OSError, subprocess.SubprocessError) as error:
                raise BackupError("stage_failed", stage="restic", status="no start", detail=str(error)) from error
            ending = threading.Timer(max(0.0, ends - time.time()), process.send_signal, (signal.SIGINT,))
            ending.daemon = True
            try:
                if ends:
                    ending.start()
                for text in cast(IO[bytes], process.stdout):
                    if line is not None:
                        line(text)
                status = process.wait()
            except BaseException:
                _end(process)
                raise
            finally:
                ending.cancel()
                cast(IO[bytes], process.stdout).close()
            ended = _ended(status, errors)
        if status not in accepted and ends and time.time() >= ends:
            raise _RanOut()
        hidden = shadowed(ended.errors, self.access.url)
        if hidden:
            raise hidden
        if status not in accepted:
            raise fault(ended, next((word for word in arguments if not word.startswith("-")), ""), self.access.url)
        return ended

    def _reaching(self, origin: Optional["Restic"]) -> List[str]:
        argv = ["--repo", self.access.url, "--cache-dir=" + self.access.cache if self._cached() else "--no-cache"]
        argv += ["--no-lock"] if self.access.reads_only or self.unlocked else []
        held = [access.ca_certs for access in (self.access, *([origin.access] if origin else [])) if access.ca_certs]
        argv += ["--cacert", held[0].path] if held else []
        for option in (*self.access.options, *(origin.access.options if origin else ())):
            argv += ["--option", option]
        return argv

    def _environment(self, origin: Optional["Restic"], concurrency: int) -> Dict[str, str]:
        environment = programs.environment(RESTIC_PASSWORD_FILE=self.password.path, RESTIC_PROGRESS_FPS="0.1")
        if origin is not None:
            environment.update(RESTIC_FROM_REPOSITORY=origin.access.url, RESTIC_FROM_PASSWORD_FILE=origin.password.path)
            environment.update(origin.access.secrets)
        environment.update(self.access.secrets)
        if concurrency:
            environment["RESTIC_READ_CONCURRENCY"] = str(concurrency)   # those before 0.15 pass over it
        return environment


def version() -> Tuple[int, int, int]:
    """The version of the restic of this server. Raises tool_missing, tool_below_minimum."""
    program = programs.find("restic", "restic")
    said = subprocess.run([program, "version"], stdin=subprocess.DEVNULL, capture_output=True, text=True, env=programs.environment(), check=False).stdout
    found = re.match(r"restic (\d+)\.(\d+)\.(\d+)", said)
    if not found:
        raise BackupError("stage_failed", stage="restic version", status="no version", detail=said[:200] or "it said nothing")
    numbers = int(found.group(1)), int(found.group(2)), int(found.group(3))
    if numbers < MINIMUM:
        raise BackupError("tool_below_minimum", tool="restic", version=".".join(map(str, numbers)), minimum=".".join(map(str, MINIMUM)))
    return numbers


def _takes_no_lock(url: str) -> bool:
    """Whether a repository in a directory of this machine is on a disk that is mounted read-only, or full."""
    locks = os.path.join(url, "locks")
    try:
        room = os.statvfs(locks)
    except OSError:
        return False
    return not os.access(locks, os.W_OK) or room.f_bfree < _LEAST_ROOM or bool(room.f_files) and not room.f_ffree


def _ended(status: int, errors: IO[bytes]) -> Ended:
    """What restic said on stderr; files that could not be read are JSON lines there, as many as there are such files."""
    errors.seek(0)
    told: List[str] = []
    problems: List[str] = []
    count = length = 0
    for line in errors:
        if line.startswith(b'{"message_type":"error"'):
            found = json.loads(line)
            if found.get("during") != "scan":
                count += 1
                if len(problems) < _MOST:
                    problems.append(str(found.get("item")))
            continue
        told.append(line.decode("utf-8", "replace"))
        length += len(told[-1])
        while length > _TOLD and len(told) > 1:
            length -= len(told.pop(0))
    return Ended(status, "".join(told).strip()[-_TOLD:], problems, count)


_libc = ctypes.CDLL(None, use_errno=True)


def _die_with_us() -> None:
    """Between fork and exec: be interrupted when the thread that started us ends, as by SIGKILL. restic then removes its lock."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)
    os.setpgid(0, 0)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Ask it to end, which removes its lock, then make it."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGINT)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def nanoseconds(text: str) -> int:
    """A time that restic prints, such as 2026-11-22T03:04:05.123456789Z, as nanoseconds since 1970."""
    found = _TIME.match(text)
    if not found:
        raise BackupError("structure_unreadable", file="a listing", format="restic snapshot", detail="{0!r} is no time".format(text))
    seconds, fraction, zone = found.groups()
    ahead = (int(zone[:3]) * 60 + int(zone[0] + zone[4:])) * 60 if zone != "Z" else 0
    # 400 years have the same days wherever they begin; Python knows no year 0
    shift = 400 if seconds < "1000" else 0
    seconds = "{0:04d}{1}".format(int(seconds[:4]) + shift, seconds[4:])
    whole = calendar.timegm(time.strptime(seconds, "%Y-%m-%dT%H:%M:%S")) - ahead - shift // 400 * _FOUR_CENTURIES
    return whole * 10**9 + int((fraction or "").ljust(9, "0"))


def literal(path: str) -> str:
    """A path as a pattern of restic that means only itself."""
    return re.sub(r"([\\*?\[])", r"\\\1", path)
