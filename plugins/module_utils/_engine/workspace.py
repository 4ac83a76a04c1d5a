# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A private directory that lives as long as the object that uses it, and the sweep of those that dead runs left."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
import time
import weakref

_PREFIX = ".respaldo-"
_YOUNG = 60      # seconds: a directory this new may not have been locked yet


class Workspace:
    """A directory of mode 0700 under `parent` (default: the system's own for temporary files), removed when done.

    It is locked meanwhile, by which the next run knows that a directory's owner is dead and removes it.
    """

    def __init__(self, parent: str = "") -> None:
        parent = parent or tempfile.gettempdir()
        _sweep(parent)
        self.path = tempfile.mkdtemp(prefix=_PREFIX, dir=parent)
        descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        self.close = weakref.finalize(self, _remove, self.path, descriptor)

    def file(self, name: str) -> str:
        return os.path.join(self.path, name)


def _remove(path: str, descriptor: int) -> None:
    shutil.rmtree(path, ignore_errors=True)
    os.close(descriptor)


def _sweep(parent: str) -> None:
    for entry in os.scandir(parent):
        if not entry.name.startswith(_PREFIX):
            continue
        try:
            status = entry.stat(follow_symlinks=False)
            if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or time.time() - status.st_mtime < _YOUNG:
                continue
            descriptor = os.open(entry.path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            continue     # it went away meanwhile, or is not ours
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
        else:
            _remove(entry.path, descriptor)
