# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The detailed log of a run (8.5): JSON lines beside the bitácora."""

from __future__ import annotations

import functools
import hashlib
import os
import time
from pathlib import Path
from typing import Any

from .. import _held_places
from . import entries


@functools.lru_cache(maxsize=4096)
def _quoted(text: str) -> str:
    """A text as canonical JSON; hosts, actions and states come again and again."""
    return entries.canonical({"": text})[4:-1]


@functools.lru_cache(maxsize=1)
def _stamp(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(second))


class Log:
    """The lines of one run. They are a comfort: when they can't be written the run goes on.

    Lines are written together, when a second has passed or the next task begins: one by one they cost more than all the rest. A run that
    is killed loses those of the task it was in; entries never wait here.
    """

    def __init__(self, path: Path | None) -> None:
        self.name = path.name if path else ""
        self._path = path
        self._digest = hashlib.sha256()
        self._lines = 0
        self._waiting: list[str] = []
        self._flushed = time.monotonic()

    def write(self, action: str, host: str, status: str, duration_ms: int) -> None:
        if self._path is None:
            return
        self._waiting.append('{{"action":{0},"at":"{1}","duration_ms":{2},"host":{3},"status":{4}}}\n'.format(
            _quoted(action), _stamp(int(time.time())), duration_ms, _quoted(host), _quoted(status)))
        if time.monotonic() - self._flushed >= 1:
            self.flush()

    def flush(self) -> None:
        # Taken in one step: a signal that comes between must not write a line twice.
        waiting, self._waiting = self._waiting, []
        if self._path is None or not waiting:
            return
        text = "".join(waiting).encode("utf-8")
        try:
            if not self._lines:
                with _held_places.directory(self._path.parent, 0o750):
                    pass
            descriptor = _held_places.appending(self._path, 0o640)
            try:
                os.write(descriptor, text)
            finally:
                os.close(descriptor)
        except OSError:
            self._path = None
            return
        self._digest.update(text)
        self._lines += len(waiting)
        self._flushed = time.monotonic()

    def end(self) -> dict[str, Any]:
        """What the run's last entry says of its log."""
        self.flush()
        return {"log": self.name, "log_lines": self._lines, "log_sha256": self._digest.hexdigest()} if self._lines else {}
