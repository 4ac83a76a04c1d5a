# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal of an upload: which blocks of a file lie with the service, kept on this machine for the run after one that was cut off."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import threading
import time
from typing import IO, Optional

_JOURNAL_LIVES = 6 * 86400        # the service forgets blocks a week after the last one


class Journal:
    """The ids of the blocks staged so far of one file, on this machine, for the run after one that was cut off.

    One that can't be written costs only the resuming: it is told in `trouble` and the upload goes on.
    """

    def __init__(self, directory: str, url: str, anew: bool = False) -> None:
        self.anew = anew
        self.path = os.path.join(directory, hashlib.sha256(url.encode()).hexdigest()[:32] + ".blocks") if directory else ""
        self.trouble = ""
        self.file: Optional[IO[bytes]] = None
        self.guard = threading.Lock()

    def known(self) -> "set[str]":
        """The ids that an unfinished run left, when the service still has them. None when the file is begun `anew`."""
        if not self.path:
            return set()
        _sweep(os.path.dirname(self.path))
        if self.anew:
            self.forget()
            return set()
        try:
            with open(self.path, "rb") as file:
                return {line.decode("ascii", "replace").strip() for line in file if line.endswith(b"\n")}
        except FileNotFoundError:
            return set()
        except OSError as error:
            self.trouble = str(error)
            return set()

    def add(self, identifier: str) -> None:
        if not self.path or self.trouble:
            return
        try:
            with self.guard:
                if self.file is None:
                    os.makedirs(os.path.dirname(self.path), mode=0o700, exist_ok=True)
                    descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
                    self.file = os.fdopen(descriptor, "ab", buffering=0)
                self.file.write(identifier.encode() + b"\n")
        except OSError as error:
            self.trouble = "{0}: {1}".format(self.path, os.strerror(error.errno or errno.EIO))

    def close(self) -> None:
        if self.file is not None:
            self.file.close()
            self.file = None

    def forget(self) -> None:
        """Its blocks are lost: the service had forgotten them."""
        self.close()
        if self.path:
            with contextlib.suppress(OSError):
                os.unlink(self.path)


def _sweep(directory: str) -> None:
    with contextlib.suppress(OSError):
        for entry in os.scandir(directory):
            if entry.name.endswith(".blocks") and time.time() - entry.stat(follow_symlinks=False).st_mtime > _JOURNAL_LIVES:
                os.unlink(entry.path)
