# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of a mail's bytes as they come from a service, counted and hashed on their way; begun anew when they must be asked for again."""

from __future__ import annotations

import hashlib
import os
from typing import Any, List

from ..filesystem import descriptors

# the name of what stands in place of an attachment while Defender looks into it
_SCANNED = b'ame="Safe Attachments Scan In Progress'


class Written:
    """A mail's file, below a directory that is held. `size` are its bytes, `shown` those that IMAP counts, each line ended by CR and LF.

    `scanned`: something stands in it in place of an attachment.
    """

    def __init__(self, directory: int, name: str) -> None:
        self._directory, self._name, self._held = directory, name, -1
        self._from_start()

    def _from_start(self) -> None:
        self.sha256, self.size, self.shown, self._last = hashlib.sha256(), 0, 0, b""
        self.scanned, self._tail = False, b""

    def again(self) -> Any:
        """What takes the bytes, from the first one on."""
        if self._held < 0:
            self._held = descriptors.create(self._directory, self._name)
        os.ftruncate(self._held, 0)
        os.lseek(self._held, 0, os.SEEK_SET)
        self._from_start()
        return self._write

    def _write(self, chunk: bytes) -> None:
        self.sha256.update(chunk)
        self.size += len(chunk)
        joined = self._last + chunk
        bare = joined.count(b"\n") - joined.count(b"\r\n") - (self._last == b"\n")
        self.shown += len(chunk) + bare
        self._last = chunk[-1:]
        self.scanned = self.scanned or _SCANNED in self._tail + chunk
        self._tail = (self._tail + chunk)[-len(_SCANNED):]
        rest: List[bytes] = [chunk]
        while rest:
            part = rest.pop()
            done = os.write(self._held, part)
            if done < len(part):
                rest.append(part[done:])

    def close(self) -> None:
        if self._held >= 0:
            os.close(self._held)
            self._held = -1
