# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Medium `local`: a directory of this server, or anything mounted there."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import shutil
import time
from typing import Iterator, List, Optional

from ..errors import BackupError
from ..result import KINDS
from .base import SUMS, Deposit, Following, Found, Medium, Reading, Slot, Writing, found_of, read_all

# A sealed copy waits only for its controller to publish it; one older than this has lost its controller.
_SEALED_FOR = 3600

# The page that the writer is filling stays in the cache: it is not counted as settled.
_WHOLE_PAGES = 1 << 16


class Local(Medium):
    """Copies in a directory. `path` must exist, unless `create`: a share that is not mounted must not be filled beside."""

    def __init__(self, name: str, path: str, create: bool = False) -> None:
        self.name = name
        self.path = path
        self.create = create

    def location(self, slot: Slot) -> str:
        return os.path.join(self._shelf(slot), slot.label)

    def check(self, slot: Slot, expected: int) -> None:
        if not os.path.isdir(self.path) and not self.create:
            raise BackupError("medium_unwritable", location=self.path, detail="the directory does not exist")
        with self._faults():
            there = _nearest(self._shelf(slot))
            if os.statvfs(there).f_flag & os.ST_RDONLY:
                raise BackupError("medium_unwritable", location=self.path, detail="it is mounted read-only")
            if not os.access(there, os.W_OK | os.X_OK):
                raise BackupError("medium_unwritable", location=there, detail="permission denied")
        if os.path.lexists(self.location(slot)):
            raise BackupError("label_taken", label=slot.label, location=self._shelf(slot))
        free = self.free()
        if free is not None and free < expected:
            raise BackupError("medium_full", location=self.path,
                              detail="{0} bytes free, about {1} needed".format(free, expected))

    @contextlib.contextmanager
    def lock(self, slot: Slot, timeout: int) -> Iterator[None]:
        with self._faults():
            if self.create:
                os.makedirs(self.path, mode=0o700, exist_ok=True)
            _make_shelf(self.path, slot)
            descriptor = os.open(os.path.join(self._shelf(slot), ".lock"), os.O_CREAT | os.O_RDWR, 0o600)
        try:
            deadline = time.monotonic() + timeout
            while not _locked(descriptor):
                if time.monotonic() >= deadline:
                    raise BackupError("system_busy", system=slot.system, location=self.path)
                time.sleep(0.2)
            yield
        finally:
            os.close(descriptor)

    def deposit(self, slot: Slot) -> Deposit:
        with self._faults():
            self._sweep(slot)
            path = self._hidden(slot, "partial")
            os.mkdir(path, 0o700)
        return _LocalDeposit(self, path, self._hidden(slot, "sealed"))

    def publish(self, slot: Slot, digest: str, note: str = "") -> bool:
        final = self.location(slot)
        sealed = self._hidden(slot, "sealed")
        if os.path.lexists(final):
            if self._digest(final) != digest:
                raise BackupError("label_taken", label=slot.label, location=self._shelf(slot))
            return False
        if not os.path.isdir(sealed):
            raise BackupError("copy_missing", label=slot.label + " (sealed)", location=self._shelf(slot))
        if self._digest(sealed) != digest:
            raise BackupError("bytes_differ", file=os.path.join(sealed, SUMS), detail="it changed after it was sealed")
        with self._faults():
            try:
                os.rename(sealed, final)
            except OSError as error:
                if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                    raise BackupError("label_taken", label=slot.label, location=self._shelf(slot)) from error
                raise
            _sync_directory(self._shelf(slot))
        return True

    def withdraw(self, slot: Slot) -> None:
        with self._faults():
            os.rename(self.location(slot), self._hidden(slot, "sealed"))
            _sync_directory(self._shelf(slot))

    def remove(self, slot: Slot, digest: str) -> bool:
        final, leaving = self.location(slot), self._hidden(slot, "pruned")
        with self._faults():
            if os.path.lexists(leaving):
                _remove(leaving)
            if not os.path.lexists(final):
                self._there()
                return False
            if digest and self._digest(final) != digest:
                raise BackupError("bytes_differ", file=os.path.join(final, SUMS), detail="it is not the copy of the bitácora, so it is not removed")
            os.rename(final, leaving)
            _sync_directory(self._shelf(slot))
            _remove(leaving)
            _sync_directory(self._shelf(slot))
        return True

    def labels(self, kind: str, system: str) -> List[str]:
        shelf = os.path.join(self.path, kind, system)
        try:
            found = os.listdir(shelf)
        except FileNotFoundError:
            self._there()
            return []
        except OSError as error:
            raise BackupError("medium_unreachable", location=shelf, detail=str(error)) from error
        return sorted(name for name in found if not name.startswith(".") and os.path.isdir(os.path.join(shelf, name)))

    def survey(self) -> List[Found]:
        self._there()
        found = []
        try:
            for kind in KINDS:
                for system in self._directories(kind):
                    for path in [system] + self._directories(system):
                        found.append(found_of(path, time.time() - os.stat(os.path.join(self.path, path)).st_mtime))
        except OSError as error:
            raise BackupError("medium_unreachable", location=self.path, detail=str(error)) from error
        return [row for row in found if row]

    def _directories(self, below: str) -> List[str]:
        """The directories in one below the medium, with their paths from there; none when it is not there."""
        try:
            names = os.listdir(os.path.join(self.path, below))
        except FileNotFoundError:
            return []
        return sorted(below + "/" + name for name in names if os.path.isdir(os.path.join(self.path, below, name)))

    def stocked(self, slot: Slot) -> bool:
        return os.path.isdir(self._shelf(slot))

    def read(self, slot: Slot, file: str) -> Reading:
        directory = self.location(slot)
        try:
            return _open(os.path.join(directory, file))
        except FileNotFoundError as error:
            self._there()
            if not os.path.isdir(directory):
                raise BackupError("copy_missing", label=slot.label, location=self._shelf(slot)) from error
            raise BackupError("bytes_differ", file=os.path.join(directory, file), detail="the file is missing") from error
        except OSError as error:
            raise BackupError("medium_unreachable", location=directory, detail=str(error)) from error

    def free(self) -> Optional[int]:
        try:
            status = os.statvfs(_nearest(self.path) if self.create else self.path)
        except OSError as error:
            raise BackupError("medium_unreachable", location=self.path, detail=str(error)) from error
        return status.f_bavail * status.f_frsize

    def _there(self) -> None:
        """A share that is not mounted holds no copies, but that says nothing of those it would hold."""
        if not self.create and not os.path.isdir(self.path):
            raise BackupError("medium_unreachable", location=self.path, detail="the directory does not exist")

    def _shelf(self, slot: Slot) -> str:
        return os.path.join(self.path, slot.kind, slot.system)

    def _hidden(self, slot: Slot, state: str) -> str:
        return os.path.join(self._shelf(slot), ".{0}.{1}".format(slot.label, state))

    def _digest(self, directory: str) -> str:
        try:
            return hashlib.sha256(read_all(_open(os.path.join(directory, SUMS)))).hexdigest()
        except OSError:
            return ""

    def _sweep(self, slot: Slot) -> None:
        """Remove what dead runs left: the lock is held, so no live run writes here."""
        for name in os.listdir(self._shelf(slot)):
            path = os.path.join(self._shelf(slot), name)
            if not name.startswith("."):
                continue
            superseded = path == self._hidden(slot, "sealed")
            if name.endswith((".partial", ".pruned")) or superseded or (name.endswith(".sealed") and _age(path) > _SEALED_FOR):
                _remove(path)

    @contextlib.contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise _fault(error, self.path) from error


class _LocalDeposit(Deposit):

    def __init__(self, medium: Local, path: str, sealed: str) -> None:
        self.medium = medium
        self.path = path
        self.sealed = sealed

    def write(self, file: str) -> Writing:
        path = os.path.join(self.path, file)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _fault(error, self.medium.path) from error

        def write(chunk: bytes) -> None:
            view = memoryview(chunk)
            try:
                while view:
                    view = view[os.write(descriptor, view):]
            except OSError as error:
                raise _fault(error, self.medium.path) from error

        def close() -> None:
            try:
                os.fsync(descriptor)
            except OSError as error:
                raise _fault(error, self.medium.path) from error
            finally:
                os.close(descriptor)

        return Writing(write, close)

    def read(self, file: str) -> Reading:
        try:
            return _open(os.path.join(self.path, file), cached=False)
        except OSError as error:
            raise BackupError("medium_unreachable", location=self.path, detail=str(error)) from error

    def follow(self, file: str) -> Optional[Following]:
        # a descriptor of its own, so that an error of writing is told to this one and to the writer's
        try:
            descriptor = os.open(os.path.join(self.path, file), os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise BackupError("medium_unreachable", location=self.path, detail=str(error)) from error

        def settle() -> int:
            size = os.fstat(descriptor).st_size
            try:
                os.fdatasync(descriptor)
            except OSError as error:
                raise _fault(error, self.medium.path) from error
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            return size - size % _WHOLE_PAGES

        return Following(lambda size: os.read(descriptor, size), settle, lambda: os.close(descriptor))

    def seal(self) -> str:
        try:
            _sync_directory(self.path)
            os.rename(self.path, self.sealed)
            _sync_directory(os.path.dirname(self.sealed))
        except OSError as error:
            raise _fault(error, self.medium.path) from error
        self.path = self.sealed
        return ""

    def discard(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)


def _open(path: str, cached: bool = True) -> Reading:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    if not cached:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    return Reading(lambda size: os.read(descriptor, size), lambda: os.close(descriptor), path)


def _nearest(path: str) -> str:
    """The path itself or the nearest directory above it that exists."""
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    return path


def _make_shelf(path: str, slot: Slot) -> None:
    for part in (slot.kind, slot.shelf):
        with contextlib.suppress(FileExistsError):
            os.mkdir(os.path.join(path, part), 0o700)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)


def _age(path: str) -> float:
    try:
        return time.time() - os.stat(path).st_mtime
    except FileNotFoundError:
        return 0.0


def _sync_directory(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems know no fsync of a directory
            raise
    finally:
        os.close(descriptor)


def _fault(error: OSError, path: str) -> BackupError:
    detail = "{0} ({1})".format(error.strerror or error, error.filename or path)
    name = "medium_full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "medium_unwritable"
    return BackupError(name, location=path, detail=detail)
