# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What restic's exit statuses and words mean.

Exit statuses (restic's manual, "Exit status codes"): 0 done, 1 fatal, 3 some source files were not read (a snapshot was made all the
same), 10 no repository, 11 locked, 12 wrong password, 130 interrupted. Before 0.17 the last four are all 1 and only the words tell.
A status that is not known is a failure.
"""

from __future__ import annotations

import contextlib
import re
import signal
from typing import List, NamedTuple, Optional

from ..errors import BackupError

# What restic says of what it read. "repository contains errors" is the end of every check that failed, whatever for.
_SUMMARY = "repository contains errors"
_DAMAGE = re.compile(r"ciphertext verification failed|invalid data returned|hash mismatch|does not match|not found in (the )?(index|repository)|"
                     r"unexpected pack|pack .{64} .*(missing|size)|pack .{64}: does not exist|id .{10,64} not found|pack .* contains|LoadTree|invalid header|"
                     r"decompress")
# of data that is not there, in a directory, by sftp and in a container
_GONE = re.compile(r"(StreamPack|Load\(<|unable to load|load.*index).*(no such file or directory|file does not exist|BlobNotFound)|"
                   r"(Invalid|Unexpected) (file )?(size|content)|LoadIndex")
_LOOSE = re.compile(r"damaged|corrupt|invalid|unexpected|does not exist|no such file or directory|file does not exist|missing")
_NO_LOCK = "unable to create lock"
# a name that is asked for whole is taken for the beginning of names; said with status 0 by a listing, which then lists nothing
_TWICE = re.compile(r"multiple IDs with prefix \"([0-9a-f]{8,64})\"")
# what a listing passes over
UNREAD = re.compile(r"(could not load|unable to load|[Ii]gnoring).*(snapshot|index)|ciphertext verification failed|invalid data returned")
_ARCHIVED = re.compile(r"BlobArchived|BlobBeingRehydrated|archived blob")
_WAY = re.compile(r"connection (refused|reset|lost|timed out)|i/o timeout|no route to host|network is unreachable|no such host|broken pipe|"
                  r"unexpected EOF|TLS handshake|x509:|context deadline exceeded|server misbehaving|ServerBusy|AuthenticationFailed|"
                  r"AuthorizationFailure|subprocess ssh exited")


class Ended(NamedTuple):
    """How a call ended: its status, and what it said on stderr, the last of it."""

    status: int
    errors: str
    problems: List[str]      # paths of the files that backup could not read, the first `_MOST` of them
    problem_count: int


def shadowed(said: str, location: str) -> Optional[BackupError]:
    """That a snapshot was not opened for another file beside it, whatever the status: of the snapshot itself nothing was seen."""
    found = _TWICE.search(said)
    return BackupError("snapshot_shadowed", location=location, snapshot=found.group(1)[:8]) if found else None


def fault(ended: Ended, command: str, location: str) -> BackupError:
    """What a failed call means."""
    said = ended.errors
    if ended.status == 10 or "unable to open config file" in said or "Is there a repository at the following location" in said:
        return BackupError("repository_missing", location=location, system="the system")
    if ended.status == 11 or "repository is already locked" in said or "unable to create lock" in said and "locked" in said:
        return BackupError("repository_locked", location=location, detail=said[-600:])
    if ended.status == 12 or "wrong password or no key found" in said:
        return BackupError("password_wrong", file=location)
    if ended.status == 130:
        return BackupError("interrupted", label="restic " + command)
    if _NO_LOCK in said:
        said = said[said.index(_NO_LOCK):][:600]
    if "no space left on device" in said or "disk quota exceeded" in said:
        return BackupError("medium_full", location=location, detail=said[-600:])
    if "read-only file system" in said:
        return BackupError("medium_unwritable", location=location, detail=said[-600:])
    if _ARCHIVED.search(said):
        return BackupError("blob_archived", location=location, detail=said[-600:])
    found = bool(_DAMAGE.search(said))
    if not found and _WAY.search(said):
        return BackupError("medium_unreachable", location=location, detail=said[-600:])
    if found or _SUMMARY in said:
        return BackupError("repository_damaged", location=location, detail=said[-1500:])
    return BackupError("stage_failed", stage="restic " + command, status=_words(ended.status), detail=said or "it said nothing")


def no_lock(error: BackupError) -> bool:
    """Whether a call failed since restic could not write its lock."""
    return error.fault.name in ("medium_unwritable", "medium_full", "stage_failed") and _NO_LOCK in error.details["detail"]


def of_the_copy(said: str) -> bool:
    """Whether restic's words tell of data that are damaged or gone, and not of the way to them or of the place that they are written to."""
    return bool(_DAMAGE.search(said) or _GONE.search(said))


def tells_damage(error: BackupError) -> bool:
    """Whether a call that failed tells that the repository is damaged: not one that was killed, or could not reach it."""
    if error.fault.name == "stage_failed":
        if not error.details["status"].startswith("exit"):
            return False      # by a signal, such as the kernel's for want of memory
        return of_the_copy(error.details["detail"]) or bool(_LOOSE.search(error.details["detail"]))
    return error.fault.name == "repository_damaged"


def _words(status: int) -> str:
    if status >= 0:
        return "exit status {0}".format(status)
    with contextlib.suppress(ValueError):
        return "signal " + signal.Signals(-status).name
    return "signal {0}".format(-status)
