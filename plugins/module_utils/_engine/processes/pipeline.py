# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes joined by pipes: constant memory, every exit status looked at, the first cause named.

    producer ─► [meter] ─► transform ─► transform ─► feed(chunk)

The meter counts the producer's bytes inside the kernel (splice) where Python can, so that the size before compression
is known without a copy through this process.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import resource
import select
import signal
import struct
import subprocess
import tempfile
import termios
import threading
from typing import IO, Any, Callable, Dict, FrozenSet, List, NamedTuple, Optional, Sequence, Tuple

from ..errors import BackupError
from ..remarks import Remark
from . import programs

CHUNK = 1 << 20
_F_SETPIPE_SZ = 1031
_STDERR_TAIL = 4000


class Stage(NamedTuple):
    """One process of a pipeline."""

    name: str
    argv: Sequence[str]
    environment: Optional[Dict[str, str]] = None
    descriptors: Tuple[int, ...] = ()
    account: Optional[programs.Account] = None
    accepted: FrozenSet[int] = frozenset((0,))
    may_stop_early: bool = False     # it reads only the beginning: those before it may end by a broken pipe
    directory: str = "/"
    preface: Optional[programs.Secret] = None     # what it reads from its standard input before anything else, by itself: a password
    limit: float = 0.0     # seconds after which it is ended, with all that it started; 0: none
    memory: int = 0        # bytes of address space it may take; 0: no limit


class Ended(NamedTuple):
    """How one stage ended."""

    name: str
    status: int
    errors: str


class Outcome(NamedTuple):
    """What went through: bytes out of the first stage, bytes handed to feed, and what each stage said on stderr."""

    size_first: int
    size_last: int
    stages: List[Ended]

    def messages(self) -> List[Remark]:
        return [Remark("tool_said", tool=ended.name, detail=ended.errors) for ended in self.stages if ended.errors]


def run(
    stages: Sequence[Stage],
    feed: Callable[[bytes], None],
    reader: Optional[Callable[[int], bytes]] = None,
    meter_after: int = 0,
    room: Optional[Callable[[], memoryview]] = None,
    idle: Optional[Callable[[], None]] = None,
) -> Outcome:
    """Run the stages joined by pipes and hand all that leaves the last one to `feed`, in chunks of up to 1 MiB, in the memory of `room` when given.

    `reader(size)`, when given, supplies the first stage's input (b"" ends it); without it the first stage reads
    nothing. `meter_after` is the index of the stage whose output is counted as `size_first`.

    Raises BackupError stage_failed naming the first cause, source_too_slow for a stage that passed its limit, or whatever `reader` or `feed` raised; no
    process is left.
    """
    running = _Running(stages, reader, meter_after)
    try:
        size_last = running.drain(feed, room, idle)
        ended = running.finish()
    except BaseException:
        running.kill()
        running.judge_time()
        raise
    running.judge_time()
    if running.thread_error is not None:
        raise running.thread_error
    _judge(stages, ended)
    return Outcome(running.metered, size_last, ended)


def capture(stage: Stage, limit: int = 64 << 20) -> str:
    """The standard output of one short command as text. Raises BackupError stage_failed as `run` does."""
    chunks: List[bytes] = []

    def keep(chunk: bytes) -> None:
        chunks.append(chunk)
        if sum(map(len, chunks)) > limit:
            raise BackupError("stage_failed", stage=stage.name, status="too much output",
                              detail="more than {0} bytes".format(limit))

    run([stage], keep)
    return b"".join(chunks).decode("utf-8", "surrogateescape")


class _Running:
    """The processes and threads of one pipeline while it runs."""

    def __init__(self, stages: Sequence[Stage], reader: Optional[Callable[[int], bytes]], meter_after: int) -> None:
        self.stages = stages
        self.processes: List[subprocess.Popen] = []
        self.errors: List[IO[bytes]] = []
        self.threads: List[threading.Thread] = []
        self.metered = 0
        self.thread_error: Optional[BaseException] = None
        self.late: Optional[Stage] = None
        self.timers: List[threading.Timer] = []
        self.output = -1
        try:
            self._start(reader, meter_after)
        except BaseException:
            self.kill()
            raise

    def _start(self, reader: Optional[Callable[[int], bytes]], meter_after: int) -> None:
        upstream = -1
        if reader is not None:
            upstream, entry = _pipe()
            self._thread(self._supply, reader, entry)
        for index, stage in enumerate(self.stages):
            source = upstream if upstream >= 0 else os.open(os.devnull, os.O_RDONLY)
            if stage.preface is not None:
                source = self._introduced(stage.preface, source)
            upstream, sink = _pipe()
            try:
                self._spawn(stage, source, sink)
            except BaseException:
                os.close(upstream)
                raise
            finally:
                os.close(source)
                os.close(sink)
            if index == meter_after:
                metered, entry = _pipe()
                self._thread(self._meter, upstream, entry)
                upstream = metered
        self.output = upstream

    def _spawn(self, stage: Stage, source: int, sink: int) -> None:
        errors = tempfile.TemporaryFile()
        self.errors.append(errors)

        try:
            self.processes.append(subprocess.Popen(
                list(stage.argv), stdin=source, stdout=sink, stderr=errors, close_fds=True, cwd=stage.directory,
                env=programs.environment() if stage.environment is None else stage.environment,
                pass_fds=stage.descriptors, preexec_fn=_preparation(stage), start_new_session=bool(stage.limit)))
        except (OSError, subprocess.SubprocessError) as error:
            raise BackupError("stage_failed", stage=stage.name, status="no start", detail=str(error)) from error
        if stage.limit:
            timer = threading.Timer(stage.limit, self._end, (stage, self.processes[-1]))
            timer.daemon = True
            self.timers.append(timer)
            timer.start()

    def _end(self, stage: Stage, process: "subprocess.Popen[bytes]") -> None:
        if process.returncode is None:
            self.late = self.late or stage
            _kill_group(process)

    def judge_time(self) -> None:
        """Raise for a stage that was ended since it took too long."""
        if self.late is not None:
            raise BackupError("source_too_slow", source="the source", step=self.late.name, seconds=int(self.late.limit))

    def _thread(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self.threads.append(thread)
        thread.start()

    def _introduced(self, preface: programs.Secret, source: int) -> int:
        introduced, entry = _pipe()
        self._thread(self._introduce, preface, source, entry)
        return introduced

    def _introduce(self, preface: programs.Secret, source: int, sink: int) -> None:
        """A program that asks for a password on its standard input takes all that lies there at once: data comes only after it has taken it."""
        try:
            _write_all(sink, preface.content())
            _until_taken(sink)
            for chunk in iter(lambda: os.read(source, CHUNK), b""):
                _write_all(sink, chunk)
        except BrokenPipeError:
            pass  # the stage that stopped reading tells its own reason
        except BaseException as error:  # carried to the caller's thread by run()
            self.thread_error = error
        finally:
            os.close(source)
            os.close(sink)

    def _supply(self, reader: Callable[[int], bytes], entry: int) -> None:
        try:
            while True:
                chunk = reader(CHUNK)
                if not chunk:
                    break
                _write_all(entry, chunk)
        except BrokenPipeError:
            pass  # the stage that stopped reading tells its own reason
        except BaseException as error:  # carried to the caller's thread by run()
            self.thread_error = error
        finally:
            os.close(entry)

    def _meter(self, source: int, sink: int) -> None:
        try:
            while True:
                moved = _move(source, sink)
                if not moved:
                    break
                self.metered += moved
        except BrokenPipeError:
            pass  # as above
        except BaseException as error:  # or the stages after it would take what came so far for the whole
            self.thread_error = error
        finally:
            os.close(source)
            os.close(sink)

    def drain(self, feed: Callable[[bytes], None], room: Optional[Callable[[], memoryview]], idle: Optional[Callable[[], None]]) -> int:
        size, waiting = 0, select.poll()
        waiting.register(self.output, select.POLLIN)
        while True:
            while idle and not waiting.poll(1000):
                idle()
            chunk: Any = self._take(room()) if room else os.read(self.output, CHUNK)
            if not chunk:
                return size
            size += len(chunk)
            feed(chunk)

    def _take(self, room: memoryview) -> memoryview:
        return room[:os.readv(self.output, [room])]

    def finish(self) -> List[Ended]:
        self._close_output()
        statuses = [process.wait() for process in self.processes]
        self._stop_timers()
        for thread in self.threads:
            thread.join()
        ended = [Ended(stage.name, status, _tail(errors))
                 for stage, status, errors in zip(self.stages, statuses, self.errors)]
        self._close_errors()
        return ended

    def kill(self) -> None:
        for stage, process in zip(self.stages, self.processes):
            if process.poll() is None:
                (_kill_group if stage.limit else subprocess.Popen.kill)(process)
        self._stop_timers()
        self._close_output()
        for process in self.processes:
            process.wait()
        for thread in self.threads:
            thread.join()
        self._close_errors()

    def _stop_timers(self) -> None:
        for timer in self.timers:
            timer.cancel()
            timer.join()

    def _close_output(self) -> None:
        if self.output >= 0:
            os.close(self.output)
            self.output = -1

    def _close_errors(self) -> None:
        for errors in self.errors:
            errors.close()


def _preparation(stage: Stage) -> Optional[Callable[[], None]]:
    """What a process does between fork and exec."""
    if not stage.account and not stage.memory:
        return None

    def prepare() -> None:
        if stage.memory:
            resource.setrlimit(resource.RLIMIT_AS, (stage.memory, stage.memory))
        if stage.account:
            stage.account.become()

    return prepare


def _kill_group(process: "subprocess.Popen[bytes]") -> None:
    """End a process that leads a session of its own, with all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _judge(stages: Sequence[Stage], ended: Sequence[Ended]) -> None:
    """Raise for the stage that failed first. A broken pipe upstream is the echo of a stage that died downstream."""
    forgiven = -1
    for index, stage in enumerate(stages):
        if stage.may_stop_early and ended[index].status in stage.accepted:
            forgiven = index
    failed = [
        (stage, end) for index, (stage, end) in enumerate(zip(stages, ended))
        if end.status not in stage.accepted and not (index < forgiven and _broken_pipe(end))
    ]
    if not failed:
        return
    causes = [pair for pair in failed if not _broken_pipe(pair[1])] or failed
    stage, end = causes[0]
    others = "; ".join("{0} {1}".format(other.name, _words(other.status)) for _stage, other in failed if other is not end)
    detail = end.errors or "it said nothing"
    raise BackupError("stage_failed", stage=stage.name, status=_words(end.status),
                      detail=detail + (" (also: " + others + ")" if others else ""))


def _broken_pipe(end: Ended) -> bool:
    return end.status in (-signal.SIGPIPE, 128 + signal.SIGPIPE) or (end.status != 0 and "roken pipe" in end.errors)


def _words(status: int) -> str:
    if status >= 0:
        return "exit status {0}".format(status)
    try:
        return "signal {0}".format(signal.Signals(-status).name)
    except ValueError:
        return "signal {0}".format(-status)


def _pipe() -> Tuple[int, int]:
    source, sink = os.pipe()
    try:
        fcntl.fcntl(sink, _F_SETPIPE_SZ, CHUNK)
    except OSError:
        pass  # the kernel's limit for this user is lower: slower, not wrong
    return source, sink


# Python 3.10 and later
_splice = getattr(os, "splice", None)


def _move(source: int, sink: int) -> int:
    if _splice is not None:
        return _splice(source, sink, CHUNK)
    chunk = os.read(source, CHUNK)
    _write_all(sink, chunk)
    return len(chunk)


def _until_taken(sink: int) -> None:
    """Wait until a pipe is empty. Raises BrokenPipeError when nobody is left to read it."""
    broken = select.poll()
    broken.register(sink, select.POLLERR)
    while struct.unpack("i", fcntl.ioctl(sink, termios.FIONREAD, b"\0" * 4))[0]:
        if broken.poll(2):
            raise BrokenPipeError()


def _write_all(descriptor: int, chunk: bytes) -> None:
    view = memoryview(chunk)
    while view:
        view = view[os.write(descriptor, view):]


def _tail(errors: IO[bytes]) -> str:
    size = errors.seek(0, os.SEEK_END)
    errors.seek(max(0, size - _STDERR_TAIL))
    return errors.read().decode("utf-8", "replace").strip()
