# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A copy being written into a directory (local.py): its files by descriptors, followed from the disk, sealed by one rename."""

from __future__ import annotations

import contextlib
import errno
import os
import weakref
from typing import TYPE_CHECKING, Optional

from ..errors import BackupError
from ..filesystem import descriptors, scope
from .base import Deposit, Following, Reading, Slot, Writing

if TYPE_CHECKING:
    from .local import Local

# The page that the writer is filling stays in the cache: it is not counted as settled.
_WHOLE_PAGES = 1 << 16


class LocalDeposit(Deposit):
    """Below `.LABEL.partial/` of the shelf of its system, both held open from its beginning."""

    several = True

    def __init__(self, medium: Local, slot: Slot, shelf: int, own: int) -> None:
        self.medium = medium
        self.slot = slot
        self.shelf = shelf
        self.own = own
        self.known = descriptors.identity(own)
        self.name = hidden(slot, "partial")
        self.path = os.path.join(medium.path, slot.kind, slot.system, self.name)
        self.release = weakref.finalize(self, _close, shelf, own)

    def write(self, file: str) -> Writing:
        try:
            descriptor = descriptors.create(self.own, file)
        except OSError as error:
            raise fault(error, self.medium.path) from error

        def write(chunk: bytes) -> None:
            view = memoryview(chunk)
            try:
                while view:
                    view = view[os.write(descriptor, view):]
            except OSError as error:
                raise fault(error, self.medium.path) from error

        def close() -> None:
            try:
                os.fsync(descriptor)
            except OSError as error:
                raise fault(error, self.medium.path) from error
            finally:
                os.close(descriptor)

        return Writing(write, close)

    def read(self, file: str) -> Reading:
        return reading(self._regular(file), cached=False)

    def follow(self, file: str) -> Optional[Following]:
        # a descriptor of its own, so that an error of writing is told to this one and to the writer's
        descriptor = self._regular(file)

        def settle() -> int:
            size = os.fstat(descriptor).st_size
            try:
                os.fdatasync(descriptor)
            except OSError as error:
                raise fault(error, self.medium.path) from error
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            return size - size % _WHOLE_PAGES

        return Following(lambda size: os.read(descriptor, size), settle, lambda: os.close(descriptor))

    def _regular(self, file: str) -> int:
        try:
            return descriptors.regular(file, self.own)
        except OSError as error:
            raise BackupError("medium_unreachable", location=self.path, detail=str(error)) from error

    def seal(self) -> str:
        sealed = hidden(self.slot, "sealed")
        try:
            sync(self.own)
            descriptors.move(self.shelf, self.name, self.shelf, sealed)
            sync(self.shelf)
        except OSError as error:
            raise fault(error, self.medium.path) from error
        if not descriptors.stands(self.shelf, sealed, self.known):
            raise BackupError("medium_foreign", location=self.medium.path, path=scope.shown(self.path), detail="it was exchanged while the copy was written")
        self.name, self.path = sealed, os.path.join(os.path.dirname(self.path), sealed)
        self.release()
        return ""

    def discard(self) -> None:
        with contextlib.suppress(OSError):
            if self.release.alive:
                descriptors.empty(self.own)
        with contextlib.suppress(OSError, BackupError), self.medium.held(self.slot) as shelf:
            if descriptors.stands(shelf, self.name, self.known):
                descriptors.remove(shelf, self.name)
        self.release()


def _close(*held: int) -> None:
    for each in held:
        os.close(each)


def reading(descriptor: int, cached: bool = True) -> Reading:
    """A regular file by its descriptor; programs find it in /proc as long as it is open."""
    if not cached:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    return Reading(lambda size: os.read(descriptor, size), lambda: os.close(descriptor), "/proc/{0}/fd/{1}".format(os.getpid(), descriptor))


def hidden(slot: Slot, state: str) -> str:
    """The name of what is no copy yet, or no more (base.py)."""
    return ".{0}.{1}".format(slot.label, state)


def sync(held: int) -> None:
    """Bring what was named, moved or removed in a directory to stable storage."""
    try:
        os.fsync(held)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems know no fsync of a directory
            raise


def fault(error: OSError, path: str) -> BackupError:
    """What the medium at `path` refused, as an error of the catalogue."""
    detail = "{0} ({1})".format(error.strerror or error, error.filename or path)
    name = "medium_full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "medium_unwritable"
    return BackupError(name, location=path, detail=detail)
