# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what comes back fits, and what a tool's complaint about the place where it writes means: nothing of that is said of the copy.

A verdict of damage is for ever, and a copy that has it is offered to nobody. So a disk that is full, a file system that can't hold an attribute or an
account without rights must never end in one.
"""

from __future__ import annotations

import contextlib
import os
import re

from ..errors import BackupError
from . import scope

_FULL = re.compile(r"no space left on device|disk quota exceeded|file too large|wrote only \d+ of", re.IGNORECASE)
# errno's words for what a place refuses; "no such file" is not among them, which may be a part of the copy
_REFUSED = re.compile(r"operation not permitted|permission denied|(operation )?not supported|read-only file system|file ?name too long|invalid argument|"
                      r"argument list too long|too many (open files|links)|cannot allocate memory|numerical result out of range|value too large|"
                      r"stale file handle|device or resource busy|function not implemented|no data available", re.IGNORECASE)


def ask_for(directory: str, needed: int, label: str, rehearsal: bool) -> None:
    """Refuse before anything is written where it can't fit. `needed` is in bytes. Raises rehearsal_no_room, restore_no_room."""
    if free(directory) < needed:
        raise missing(directory, needed, label, rehearsal)


def free(directory: str) -> int:
    """Bytes that this account may still write below a directory."""
    found = os.statvfs(directory)
    return found.f_frsize * (found.f_bfree if os.geteuid() == 0 else found.f_bavail)


def missing(directory: str, needed: int, label: str, rehearsal: bool) -> BackupError:
    """The error for a place that is full."""
    return BackupError("rehearsal_no_room" if rehearsal else "restore_no_room", label=label, needed=needed, free=free(directory), directory=_named(directory))


def impeded(label: str, directory: str, detail: str) -> BackupError:
    """The error for a place where what came back can't be held."""
    return BackupError("restore_impeded", label=label, directory=_named(directory), detail=detail)


def of_the_place(said: str, directory: str, needed: int, label: str, rehearsal: bool) -> BackupError:
    """The error that a tool's words mean which speak of the place it writes to."""
    return missing(directory, needed, label, rehearsal) if is_full(said) else impeded(label, directory, said)


def is_full(said: str) -> bool:
    return bool(_FULL.search(said))


def refuses(said: str) -> bool:
    """Whether a complaint is one of the place: it is full, or does not take what it is given."""
    return is_full(said) or bool(_REFUSED.search(said))


def _named(directory: str) -> str:
    """The directory as people know it, of a path through a descriptor."""
    with contextlib.suppress(OSError):
        return scope.shown(os.path.dirname(os.path.realpath(directory)))
    return scope.shown(directory)
