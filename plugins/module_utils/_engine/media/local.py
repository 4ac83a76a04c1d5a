# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Medium `local`: a directory of this server, or anything mounted there.

Others may be let write to it (a NAS that several servers mount), so below its own directory no link is followed, only regular files are read, and what
is removed is removed by descriptors, however deep somebody made it. A file system that keeps no owners and modes of ours will do.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import time
from typing import Iterator, List, Optional, Tuple

from ..errors import BackupError
from ..filesystem import descriptors, scope
from ..result import KINDS
from .base import SUMS, Deposit, Found, Medium, Reading, Slot, found_of, read_all
from .local_deposit import LocalDeposit, fault, hidden, reading, sync

# A sealed copy waits only for its controller to publish it; one older than this has lost its controller.
_SEALED_FOR = 3600


class Local(Medium):
    """Copies in a directory. `path` must exist, unless `create`: a share that is not mounted must not be filled beside."""

    several = True

    def __init__(self, name: str, path: str, create: bool = False) -> None:
        self.name = name
        self.path = path
        self.create = create

    def location(self, slot: Slot) -> str:
        return os.path.join(self._shelf(slot), slot.label)

    def check(self, slot: Slot, expected: int) -> None:
        if not os.path.isdir(self.path) and not self.create:
            raise BackupError("medium_unwritable", location=self.path, detail="the directory does not exist")
        with self._faults(), self._nearest(slot) as (there, path):
            if os.statvfs(there).f_flag & os.ST_RDONLY:
                raise BackupError("medium_unwritable", location=self.path, detail="it is mounted read-only")
            if not os.access(there, os.W_OK | os.X_OK):
                raise BackupError("medium_unwritable", location=path, detail="permission denied")
        with self.looked_at(slot) as shelf:
            if shelf is not None and _is_there(shelf, slot.label):
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
            shelf = self._make_shelf(slot)
            try:
                descriptor = descriptors.lockable(shelf, ".lock")
            except descriptors.NotRegular as error:
                raise self._foreign(os.path.join(self._shelf(slot), ".lock"), "it is no regular file") from error
            finally:
                os.close(shelf)
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
        with self._faults(), self.held(slot) as shelf:
            _sweep(shelf, slot)
            own = descriptors.make_directory(shelf, hidden(slot, "partial"), owned=False)
            return LocalDeposit(self, slot, os.dup(shelf), own)

    def publish(self, slot: Slot, digest: str, note: str = "") -> bool:
        with self._faults(), self.held(slot) as shelf:
            if _is_there(shelf, slot.label):
                if self._digest(shelf, slot.label) != digest:
                    raise BackupError("label_taken", label=slot.label, location=self._shelf(slot))
                return False
            sealed = hidden(slot, "sealed")
            if not _is_there(shelf, sealed):
                raise BackupError("copy_missing", label=slot.label + " (sealed)", location=self._shelf(slot))
            known = descriptors.identity(shelf, sealed)
            if self._digest(shelf, sealed) != digest:
                raise BackupError("bytes_differ", file=os.path.join(self._shelf(slot), sealed, SUMS), detail="it changed after it was sealed")
            try:
                descriptors.move(shelf, sealed, shelf, slot.label)
            except OSError as error:
                if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                    raise BackupError("label_taken", label=slot.label, location=self._shelf(slot)) from error
                raise
            if not descriptors.stands(shelf, slot.label, known):
                raise self._foreign(self.location(slot), "it is not the copy that was sealed")
            sync(shelf)
        return True

    def withdraw(self, slot: Slot) -> None:
        with self._faults(), self.held(slot) as shelf:
            descriptors.move(shelf, slot.label, shelf, hidden(slot, "sealed"))
            sync(shelf)

    def remove(self, slot: Slot, digest: str) -> bool:
        leaving = hidden(slot, "pruned")
        with self._faults(), self.looked_at(slot) as shelf:
            if shelf is None:
                return False
            descriptors.remove(shelf, leaving)
            if not _is_there(shelf, slot.label):
                self._there()
                return False
            known = descriptors.identity(shelf, slot.label)
            if digest and self._digest(shelf, slot.label) != digest:
                raise BackupError("bytes_differ", file=os.path.join(self.location(slot), SUMS),
                                  detail="it is not the copy of the bitácora, so it is not removed")
            descriptors.move(shelf, slot.label, shelf, leaving)
            if not descriptors.stands(shelf, leaving, known):
                raise BackupError("bytes_differ", file=self.location(slot), detail="it was exchanged while it was removed, so it is not removed")
            sync(shelf)
            descriptors.remove(shelf, leaving)
            sync(shelf)
        return True

    def labels(self, kind: str, system: str) -> List[str]:
        with self.looked_at(Slot(kind, system, "")) as shelf:
            if shelf is None:
                return []
            try:
                return [name for name in _directories(shelf) if not name.startswith(".")]
            except OSError as error:
                raise BackupError("medium_unreachable", location=os.path.join(self.path, kind, system), detail=str(error)) from error

    def survey(self) -> List[Found]:
        self._there()
        found = []
        try:
            for kind in KINDS:
                for path, changed in self._surveyed(kind):
                    found.append(found_of(path, time.time() - changed))
        except OSError as error:
            raise BackupError("medium_unreachable", location=self.path, detail=str(error)) from error
        return [row for row in found if row]

    def _surveyed(self, kind: str) -> Iterator[Tuple[str, float]]:
        """The shelves of a kind and what lies on them, with their paths below the medium and when they changed; links are none of either."""
        try:
            above = self._enter(kind)
        except (FileNotFoundError, BackupError):
            return
        try:
            for system in _directories(above):
                shelf = descriptors.enter(above, system)
                try:
                    yield kind + "/" + system, os.fstat(shelf).st_mtime
                    for name in _directories(shelf):
                        with contextlib.suppress(FileNotFoundError):
                            yield "/".join((kind, system, name)), os.stat(name, dir_fd=shelf, follow_symlinks=False).st_mtime
                finally:
                    os.close(shelf)
        finally:
            os.close(above)

    def stocked(self, slot: Slot) -> bool:
        try:
            os.close(self._enter(slot.kind, slot.system))
        except OSError:
            return False
        return True

    def read(self, slot: Slot, file: str) -> Reading:
        directory = self.location(slot)
        try:
            with self.looked_at(slot) as shelf:
                if shelf is None:
                    raise BackupError("copy_missing", label=slot.label, location=self._shelf(slot))
                return self._read(shelf, slot, file)
        except OSError as error:
            raise BackupError("medium_unreachable", location=directory, detail=str(error)) from error

    def _read(self, shelf: int, slot: Slot, file: str) -> Reading:
        directory = self.location(slot)
        try:
            held = descriptors.enter(shelf, slot.label)
        except FileNotFoundError as error:
            raise BackupError("copy_missing", label=slot.label, location=self._shelf(slot)) from error
        except OSError as error:
            if not descriptors.is_led(error):
                raise
            raise BackupError("bytes_differ", file=directory, detail="a link or a file stands in the place of the copy") from error
        try:
            return reading(descriptors.regular(file, held))
        except FileNotFoundError as error:
            raise BackupError("bytes_differ", file=os.path.join(directory, file), detail="the file is missing") from error
        except descriptors.NotRegular as error:
            raise BackupError("bytes_differ", file=os.path.join(directory, file), detail="it is no regular file") from error
        finally:
            os.close(held)

    def _status(self) -> os.statvfs_result:
        try:
            status = os.statvfs(_above(self.path) if self.create else self.path)
        except OSError as error:
            raise BackupError("medium_unreachable", location=self.path, detail=str(error)) from error
        return status

    def free(self) -> Optional[int]:
        return self.room()[0]

    def room(self) -> Tuple[Optional[int], Optional[int]]:
        status = self._status()
        return status.f_bavail * status.f_frsize, status.f_blocks * status.f_frsize

    def _there(self) -> None:
        """A share that is not mounted holds no copies, but that says nothing of those it would hold."""
        if not self.create and not os.path.isdir(self.path):
            raise BackupError("medium_unreachable", location=self.path, detail="the directory does not exist")

    def _shelf(self, slot: Slot) -> str:
        return os.path.join(self.path, slot.kind, slot.system)

    # -- by descriptors ----------------------------------------------------------------------------------------------
    def _enter(self, *parts: str) -> int:
        """A directory below the medium's own, held. Raises FileNotFoundError, OSError, medium_foreign for a link or a file in its place."""
        held = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        for number, part in enumerate(parts, 1):
            try:
                inner = descriptors.enter(held, part)
            except FileNotFoundError:
                raise
            except OSError as error:
                if not descriptors.is_led(error):
                    raise
                raise self._foreign(os.path.join(self.path, *parts[:number]), "it is no directory") from error
            finally:
                os.close(held)
            held = inner
        return held

    @contextlib.contextmanager
    def held(self, slot: Slot) -> Iterator[int]:
        """The shelf of a system. Raises OSError when it is not there."""
        shelf = self._enter(slot.kind, slot.system)
        try:
            yield shelf
        finally:
            os.close(shelf)

    @contextlib.contextmanager
    def looked_at(self, slot: Slot) -> Iterator[Optional[int]]:
        """The shelf of a system, None when it has none. Raises medium_unreachable when that says nothing, since the medium itself is not there."""
        shelf: Optional[int] = None
        try:
            shelf = self._enter(slot.kind, slot.system)
        except FileNotFoundError:
            self._there()
        except OSError as error:
            raise BackupError("medium_unreachable", location=self._shelf(slot), detail=str(error)) from error
        try:
            yield shelf
        finally:
            if shelf is not None:
                os.close(shelf)

    @contextlib.contextmanager
    def _nearest(self, slot: Slot) -> Iterator[Tuple[str, str]]:
        """The shelf, or the nearest directory above it that exists: a path of what is held, and its name."""
        parts = [slot.kind, slot.system]
        while True:
            try:
                held = self._enter(*parts)
                path = os.path.join(self.path, *parts)
                break
            except FileNotFoundError:
                if not parts:
                    path = _above(self.path)
                    held = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
                    break
                parts.pop()
        try:
            yield descriptors.path_of(held), path
        finally:
            os.close(held)

    def _make_shelf(self, slot: Slot) -> int:
        """The shelf of a system, held, made where it is missing. Other servers use the medium too: whoever makes a kind's directory first, all go in."""
        for parts in ((slot.kind,), (slot.kind, slot.system)):
            above = self._enter(*parts[:-1])
            try:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(parts[-1], 0o700, dir_fd=above)
                    sync(above)
            finally:
                os.close(above)
        return self._enter(slot.kind, slot.system)

    def _digest(self, shelf: int, name: str) -> str:
        try:
            held = descriptors.enter(shelf, name)
            try:
                return hashlib.sha256(read_all(reading(descriptors.regular(SUMS, held)))).hexdigest()
            finally:
                os.close(held)
        except OSError:
            return ""

    def _foreign(self, path: str, detail: str) -> BackupError:
        return BackupError("medium_foreign", location=self.path, path=scope.shown(path), detail=detail)

    @contextlib.contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise fault(error, self.path) from error


def _is_there(held: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=held, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _directories(held: int) -> List[str]:
    """The directories in a held one, sorted; a link to one is none."""
    with os.scandir(held) as entries:
        return sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))


def _sweep(shelf: int, slot: Slot) -> None:
    """Remove what dead runs left: the lock is held, so no live run writes here. What can't be removed costs its space, and no copy."""
    for name in os.listdir(shelf):
        if not name.startswith("."):
            continue
        superseded = name == hidden(slot, "sealed")
        with contextlib.suppress(OSError):
            if name.endswith((".partial", ".pruned")) or superseded or (name.endswith(".sealed") and _age(shelf, name) > _SEALED_FOR):
                descriptors.remove(shelf, name)


def _age(shelf: int, name: str) -> float:
    try:
        return time.time() - os.stat(name, dir_fd=shelf, follow_symlinks=False).st_mtime
    except FileNotFoundError:
        return 0.0


def _above(path: str) -> str:
    """The path itself or the nearest directory above it that exists."""
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    return path


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
