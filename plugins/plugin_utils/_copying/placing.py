# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The worst day: what was opened aside takes its place, and an attempt that begins again after one that was killed finds its things where that one put them.

Nothing that stands in a place is replaced. What is there already, the same to the last byte, owner and mode, has its place.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import itertools
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from ...module_utils._engine.errors import BackupError
from ...module_utils._engine.filesystem import descriptors
from ...module_utils._engine.sources import placing as engine
from .. import _held_places

_PIECE = 1 << 20


@contextlib.contextmanager
def alone(directory: Path) -> Iterator[None]:
    """One attempt at a time opens things in a directory, which is made. Raises recovery_running."""
    with _held_places.directory(directory, 0o700) as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BackupError("recovery_running", directory=directory) from error
        yield


def put(source: Path, path: str) -> None:
    """Give what was opened its place: by one rename, of another file system by a copy beside it that is renamed. Raises OSError, BackupError."""
    with _held_places.place(source) as here, _held_places.place(path, 0o700, follow=False) as there:
        try:
            descriptors.move(here.held, here.name, there.held, there.name)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            engine.carry(descriptors.path_of(here.held), here.name, there.held, there.name)
            descriptors.remove(here.held, here.name)
        _held_places.sync(there.held)


def is_there(source: Path, path: str) -> bool:
    """Whether what stands in a place is what was opened. No link is followed, and what can't be read is another thing."""
    try:
        with _held_places.place(source, follow=False) as here, _held_places.place(path, follow=False) as there:
            return _same(here, there)
    except OSError:
        return False


def drop(source: Path) -> None:
    """Remove what was opened where its place has it already: secrets lie nowhere twice. Raises OSError."""
    with _held_places.place(source, follow=False) as here:
        descriptors.remove(here.held, here.name)


def _same(here: _held_places.Place, there: _held_places.Place) -> bool:
    one, other = (os.stat(each.name, dir_fd=each.held, follow_symlinks=False) for each in (here, there))
    if not _alike(here.held, here.name, one, there.held, there.name, other):
        return False
    if not stat.S_ISDIR(one.st_mode):
        return True
    inner, outer = descriptors.enter(here.held, here.name), descriptors.enter(there.held, there.name)
    try:
        for mine, theirs in itertools.zip_longest(descriptors.walk(inner), descriptors.walk(outer)):
            if mine is None or theirs is None or mine.path != theirs.path:
                return False
            if not _alike(mine.held, mine.name, mine.status, theirs.held, theirs.name, theirs.status):
                return False
        return True
    finally:
        os.close(inner)
        os.close(outer)


def _alike(held: int, name: str, status: os.stat_result, other: int, other_name: str, other_status: os.stat_result) -> bool:
    """Of one thing: its sort, mode and owner, and what a file or a link holds."""
    if (status.st_mode, status.st_uid, status.st_gid) != (other_status.st_mode, other_status.st_uid, other_status.st_gid):
        return False
    if stat.S_ISLNK(status.st_mode):
        return os.readlink(name, dir_fd=held) == os.readlink(other_name, dir_fd=other)
    if not stat.S_ISREG(status.st_mode):
        return stat.S_ISDIR(status.st_mode)
    with os.fdopen(descriptors.regular(name, held), "rb") as mine, os.fdopen(descriptors.regular(other_name, other), "rb") as theirs:
        while True:
            piece = mine.read(_PIECE)
            if piece != theirs.read(_PIECE):
                return False
            if not piece:
                return True
