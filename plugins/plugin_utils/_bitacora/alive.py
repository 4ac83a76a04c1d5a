# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a run of another container still lives: it holds a lock on a file in the journal's directory, which containers of one machine share.

From within a container no process of another is seen, and its host name is new each time, so that a run that was cancelled would stay open for two days.
The kernel lets go of the lock when the last process of that run is gone, however it ended. Outside of containers processes are looked at themselves (who.py).
"""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .. import _places
from . import journal, who
from .any_store import Store

# A copy takes hours; a run of which nothing is written for two days has lost its controller.
SILENT_HOURS = 48
_ENDING = ".vive"
# A lock on these is of this kernel, whichever booted before; elsewhere only one of the same boot tells something.
_OF_ONE_KERNEL = frozenset(("ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs"))


class Sign:
    """Says that this run lives, as long as its processes do: in a container, and where the journal's directory is one that stays. Never raises."""

    def __init__(self, directories: Sequence[Path], run: str) -> None:
        self._held: int | None = None
        if not directories or not _places.is_passing():
            return
        self._path = directories[0] / (run + _ENDING)
        with contextlib.suppress(OSError):      # without it the run counts as ended after a long silence
            directories[0].mkdir(mode=0o700, parents=True, exist_ok=True)
            if journal.why_not(directories[0]):
                return
            _sweep(directories[0])
            self._held = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._held, fcntl.LOCK_EX)

    def let_go(self) -> None:
        """The run ended, and the bitácora says so."""
        if self._held is None:
            return
        with contextlib.suppress(OSError):
            os.unlink(self._path)
        os.close(self._held)
        self._held = None


def died(directories: Sequence[Path], started: Mapping[str, Any], me: Mapping[str, Any]) -> bool:
    """Whether a run that said here that it lives does so no more. False when nothing is known of it."""
    run = str(started.get("run"))
    return "/" not in run and any(_died(directory, run, started.get("boot_id") == me.get("boot_id")) for directory in directories)


def ended(store: Store, directories: Sequence[Path], started: Mapping[str, Any], me: Mapping[str, Any]) -> str:
    """How a run ended that did not say so: `died`, or `silent` for so long that the controller or the container it ran in must be gone; "" when it may live."""
    if who.is_dead(started, me) or died(directories, started, me):
        return "died"
    return "silent" if who.is_elsewhere(started, me) and _is_silent(store, started) else ""


def _is_silent(store: Store, started: Mapping[str, Any]) -> bool:
    before = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=SILENT_HOURS)
    limit = before.strftime("%Y-%m-%dT%H:%M:%SZ")
    return bool(started["at_recorded"] < limit and store.entries(run=started["run"], limit=1)[-1]["at_recorded"] < limit)


def _died(directory: Path, run: str, same_boot: bool) -> bool:
    if journal.why_not(directory):
        return False
    held_by = _places.mounted(directory).type
    if held_by in _places.NETWORK_FILE_SYSTEMS or not (same_boot or held_by in _OF_ONE_KERNEL):
        return False
    return _is_free(directory / (run + _ENDING))


def _is_free(path: Path) -> bool:
    """Whether the file is there and nobody holds it."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return bool(os.fstat(descriptor).st_nlink)
    except OSError:
        return False
    finally:
        os.close(descriptor)


def _sweep(directory: Path) -> None:
    """What runs left that died, once the bitácora has long closed them."""
    for path in directory.glob("*" + _ENDING):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > 2 * SILENT_HOURS * 3600 and _is_free(path):
                path.unlink()
