# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What restic told of a snapshot, kept for those who look at it again in the same run: asking anew opens the repository anew, which costs more than a restore.

Packed, in memory as long as it is small and then in a file without a name, so that a million files take as little memory as one.
"""

from __future__ import annotations

import contextlib
import gzip
import tempfile
from typing import IO, Iterator, Optional, cast

_IN_MEMORY = 4 << 20      # bytes, packed: some hundred thousand names
_QUICK = 1                # gzip's level


class Listing:
    """Lines, to be given again in their order once `finish` said that they are all. Where there is no room for them it is not whole."""

    def __init__(self) -> None:
        self.whole = False
        self._file = cast(IO[bytes], tempfile.SpooledTemporaryFile(_IN_MEMORY))     # open as long as this
        self._packer: Optional[gzip.GzipFile] = None
        with contextlib.suppress(OSError):
            self._packer = gzip.GzipFile(fileobj=self._file, mode="wb", compresslevel=_QUICK)

    def add(self, line: bytes) -> None:
        if self._packer is not None:
            try:
                self._packer.write(line)
            except OSError:
                self._packer = None      # no room: who looks again asks again

    def finish(self) -> None:
        if self._packer is not None:
            with contextlib.suppress(OSError):
                self._packer.close()
                self.whole = True
            self._packer = None

    def lines(self) -> Iterator[bytes]:
        self._file.seek(0)
        with gzip.GzipFile(fileobj=self._file, mode="rb") as packed:
            yield from packed

    def close(self) -> None:
        self.whole = False
        self._file.close()
