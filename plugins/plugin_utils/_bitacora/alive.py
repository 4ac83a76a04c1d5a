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

from ...module_utils._engine.filesystem import descriptors
from .. import _held_places, _places
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
        if not directories or not _places.is_passing() or journal.why_not(directories[0]):
            return
        self._directory, self._name = directories[0], run + _ENDING
        # without it the run counts as ended after a long silence
        with contextlib.suppress(OSError), _held_places.directory(self._directory, make=0o700) as directory:
            _sweep(directory)
            self._held = descriptors.create(directory, self._name, 0o600)
            fcntl.flock(self._held, fcntl.LOCK_EX)

    def let_go(self) -> None:
        """The run ended, and the bitácora says so."""
        if self._held is None:
            return
        with contextlib.suppress(OSError), _held_places.directory(self._directory) as directory:
            os.unlink(self._name, dir_fd=directory)
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
    """Nothing of the run was recorded within SILENT_HOURS. What a clock recorded that was further ahead than that is none of these hours either."""
    now, most = datetime.datetime.now(datetime.timezone.utc), datetime.timedelta(hours=SILENT_HOURS)
    first, last = ((now + way).strftime("%Y-%m-%dT%H:%M:%SZ") for way in (-most, most))
    newest = store.entries(run=started["run"], limit=1)[-1]["at_recorded"]
    return not first <= started["at_recorded"] <= last and not first <= newest <= last


def _died(directory: Path, run: str, same_boot: bool) -> bool:
    held_by = _places.mounted(directory).type
    if held_by in _places.NETWORK_FILE_SYSTEMS or not (same_boot or held_by in _OF_ONE_KERNEL):
        return False
    with contextlib.suppress(OSError), _held_places.directory(directory) as held:
        return not journal.why_not(directory) and _is_free(held, run + _ENDING)
    return False


def _is_free(directory: int, name: str) -> bool:
    """Whether the file is there and nobody holds it. Raises OSError."""
    descriptor = descriptors.regular(name, directory)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return bool(os.fstat(descriptor).st_nlink)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)


def _sweep(directory: int) -> None:
    """What runs left that died, once the bitácora has long closed them."""
    for name in os.listdir(directory):
        with contextlib.suppress(OSError):
            old = time.time() - os.stat(name, dir_fd=directory, follow_symlinks=False).st_mtime > 2 * SILENT_HOURS * 3600
            if name.endswith(_ENDING) and old and _is_free(directory, name):
                os.unlink(name, dir_fd=directory)
