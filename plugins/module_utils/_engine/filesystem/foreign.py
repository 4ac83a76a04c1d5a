# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes back acts with nobody's rights: set-id bits, devices and file capabilities are left out, since the server that made the copy may have been taken.

Kept are set-group-ID bits of directories (whose group new files get), sticky bits, FIFOs, ACLs, and what Samba and SELinux keep in `security.*`: none
of them lets a program run with more rights, or a person reach a disk. Left out are also extended attributes `trusted.*` (overlayfs takes orders from
them) and `security.ima`, `security.evm` (which say that a file is trusted).
"""

from __future__ import annotations

import os
import stat
from typing import Dict, List

from ..remarks import Remark
from . import descriptors, scope

_SET_ID = stat.S_ISUID | stat.S_ISGID
_SHOWN = 5            # paths of each sort that are told
_LONGEST = 200        # characters of a path, as told
_ATTRIBUTES = {"security.capability": "capabilities", "security.ima": "attributes_ima", "security.evm": "attributes_evm"}


class LeftOut:
    """What was left out of a tree, by sort: how many, and the first paths."""

    def __init__(self) -> None:
        self.counts: Dict[str, int] = {}
        self.first: Dict[str, List[str]] = {}

    def add(self, sort: str, path: str) -> None:
        self.counts[sort] = self.counts.get(sort, 0) + 1
        named = self.first.setdefault(sort, [])
        if len(named) < _SHOWN:
            named.append(scope.shown(path)[:_LONGEST])

    def remarks(self) -> List[Remark]:
        """One line for each sort; none when nothing was left out."""
        return [Remark("left_out", count=count, sort=Remark(sort), paths=self.first[sort] + (["..."] if count > len(self.first[sort]) else []))
                for sort, count in sorted(self.counts.items())]


def leave_out(held: int) -> LeftOut:
    """Take it from what a private directory holds, before that is given its place. Raises OSError."""
    found = LeftOut()
    for entry in descriptors.walk(held):
        kind = entry.status.st_mode
        if stat.S_ISBLK(kind) or stat.S_ISCHR(kind):
            os.unlink(entry.name, dir_fd=entry.held)
            found.add("devices", entry.path)
        elif stat.S_ISREG(kind) or stat.S_ISDIR(kind):
            one = os.open(entry.name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=entry.held)
            try:
                _plain(one, entry.path, found)
            finally:
                os.close(one)
    return found


def _plain(held: int, path: str, found: LeftOut) -> None:
    """Of one file or directory. By its path in /proc, which leads to what is held, since it may be one that can't be opened."""
    there = "/proc/self/fd/{0}".format(held)
    status = os.fstat(held)
    if stat.S_ISREG(status.st_mode) and status.st_mode & _SET_ID or status.st_mode & stat.S_ISUID:
        descriptors.set_mode(held, stat.S_IMODE(status.st_mode) & ~(_SET_ID if stat.S_ISREG(status.st_mode) else stat.S_ISUID))
        found.add("set_id", path)
    for name in _attributes(there):
        if _acts(name):
            os.removexattr(there, name)
            found.add(_ATTRIBUTES.get(name, "attributes_trusted"), path)


def harmless(held: int) -> List[str]:
    """The extended attributes of what a descriptor holds, without those that are left out."""
    return [name for name in _attributes("/proc/self/fd/{0}".format(held)) if not _acts(name)]


def _acts(name: str) -> bool:
    return name in _ATTRIBUTES or name.startswith("trusted.")


def _attributes(path: str) -> List[str]:
    try:
        return os.listxattr(path)
    except OSError:
        return []         # a file system without them
