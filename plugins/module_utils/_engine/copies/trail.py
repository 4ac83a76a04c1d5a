# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file read back behind its writer."""

from __future__ import annotations

import sys
import threading
from typing import Callable, Optional

from ..media.base import Following, Reading

# Bytes written between two times that a file is brought to stable storage and read back that far.
_STRIDE = 16 << 20


class Trail(threading.Thread):
    """Reads a file back behind its writer, never past what is on stable storage: what is proved is what the medium holds,
    and the proof ends shortly after the writing. Leaving its context ends it, whatever happened.
    """

    def __init__(self, following: Following, prove: Callable[[Reading], Optional[int]]) -> None:
        super().__init__(daemon=True)
        self.following = following
        self.prove = prove
        self.news = threading.Condition()
        self.written = self.settled = self.position = 0
        self.whole = self.abandoned = False
        self.objects: Optional[int] = None
        self.error: Optional[BaseException] = None

    def __enter__(self) -> "Trail":
        self.start()
        return self

    def __exit__(self, *_unused: object) -> None:
        with self.news:
            self.abandoned = True
            self.news.notify()
        self.join()
        self.following.close()

    def wrote(self, size: int) -> None:
        with self.news:
            self.written += size
            self.news.notify()

    def finish(self) -> Optional[int]:
        """The file is written and closed: read it to its end. Raises what the reading raised."""
        with self.news:
            self.whole = True
            self.news.notify()
        self.join()
        if self.error is not None:
            raise self.error
        return self.objects

    def run(self) -> None:
        try:
            self._settle()  # nothing is started for a reading before there is something to read
            self.objects = self.prove(Reading(self._read, lambda: None))
        except BaseException as error:  # given to the caller's thread by finish()
            self.error = error

    def _read(self, wanted: int) -> bytes:
        while self.position >= self.settled:
            self._settle()
        if self.abandoned:
            raise _Abandoned()
        chunk = self.following.read(min(wanted, self.settled - self.position))
        self.position += len(chunk)
        return chunk

    def _settle(self) -> None:
        with self.news:
            self.news.wait_for(lambda: self.whole or self.abandoned or self.written - self.settled >= (self.following.stride or _STRIDE))
            whole = self.whole
        if self.abandoned:
            raise _Abandoned()
        settled = self.following.settle()
        self.settled = sys.maxsize if whole else settled


class _Abandoned(Exception):
    """The writing failed, so nothing is left to be proved."""
