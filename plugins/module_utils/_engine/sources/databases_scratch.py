# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Throw-away databases on servers that go on: each carries the mark of the run that made it, so that a later one knows when that run died.

A name alone says nothing: people may name a database so. Dropped is what has the name and the mark, whose process is gone, and nobody is in.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import socket
import time
from typing import Callable, List, NamedTuple, Optional

from ..errors import BackupError
from ..remarks import Remark
from . import databases

NAME = re.compile(databases.SCRATCH + r"[0-9a-f]{12}\Z")
_TEXT = "perucompras.respaldo: throw-away database of a run; host {0} boot {1} space {2} process {3} {4} since {5}"
_MARK = re.compile(r"perucompras\.respaldo: throw-away database of a run; host ([0-9a-f]{16}) boot ([0-9a-f-]{0,40}) space (\d{1,20}) "
                   r"process (\d{1,20}) (\d{1,20}) since (\d{1,12})\Z")
# A run of another host can't be asked whether it lives: it is taken for dead when nobody is in its database after this.
_FORGOTTEN_SECONDS = 7 * 24 * 3600


class Left(NamedTuple):
    """A database of such a name on a server: what its comment says, and how many sessions are in it."""

    name: str
    comment: str
    sessions: int


def mark() -> str:
    """What this process writes on a throw-away database."""
    return _TEXT.format(_host(), _boot(), _space(), os.getpid(), _start(os.getpid()) or 0, int(time.time()))


def swept(found: List[Left], drop: Callable[[str], None], where: str) -> List[Remark]:
    """Drop what dead runs left. Gives what a person should know: what was dropped, and what was not and why."""
    told = []
    for left in found:
        name, trouble = Remark("scratch_there", database=left.name, server=where), None
        dead = _dead(left.comment)
        if dead is None:
            told.append(Remark("scratch_unmarked", database=name))
            continue
        if not dead:
            continue
        if left.sessions:
            told.append(Remark("scratch_in_use", database=name, sessions=left.sessions))
            continue
        try:
            drop(left.name)
        except BackupError as error:
            trouble = error
        told.append(Remark("scratch_stays", database=name, why=trouble) if trouble else Remark("scratch_dropped", database=name))
    return told


def _dead(comment: str) -> Optional[bool]:
    """Whether the process that made a database is gone; None where its comment is no mark of ours."""
    found = _MARK.match(comment)
    if found is None:
        return None
    host, boot, space, process, start, since = found.groups()
    if host != _host() or (boot == _boot() and space != _space()):
        return int(since) < time.time() - _FORGOTTEN_SECONDS
    return boot != _boot() or str(_start(int(process))) != start


def _host() -> str:
    return hashlib.sha256((_read("/etc/machine-id") or socket.gethostname()).encode("utf-8", "replace")).hexdigest()[:16]


def _boot() -> str:
    return _read("/proc/sys/kernel/random/boot_id")


def _space() -> str:
    """The space of process numbers: those of a container are its own."""
    with contextlib.suppress(OSError):
        return "".join(filter(str.isdigit, os.readlink("/proc/self/ns/pid"))) or "0"
    return "0"


def _start(process: int) -> Optional[int]:
    """When a process began, in ticks since the machine started; None when there is none."""
    try:
        return int(_read("/proc/{0}/stat".format(process)).rpartition(")")[2].split()[19])
    except (IndexError, ValueError):
        return None


def _read(path: str) -> str:
    with contextlib.suppress(OSError), open(path, encoding="utf-8", errors="replace") as file:
        return file.read().strip()
    return ""
