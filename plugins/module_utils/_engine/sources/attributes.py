# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is no content of a file and yet belongs to it, compared between what came back and its source (T4): mode, owner, extended attributes of every
namespace (ACLs, capabilities, Samba's NT ACLs, DOS attributes and streams), names of one file, holes, the immutable flag.

Only of what has not changed in any way since before the copy (its ctime says so). What did not come back says nothing of the data: it is told, by sort, with
the first paths. Where this place refuses the very attribute, it could not be told whether the copy brings it; that is told too, and is no fault of the copy.
"""

from __future__ import annotations

import array
import contextlib
import fcntl
import os
import stat
from typing import Dict, List, Optional, Set, Tuple

from ..filesystem import descriptors, scope
from ..remarks import Remark

_PLAIN = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_GET_FLAGS, _IMMUTABLE, _APPEND_ONLY = 0x80086601, 0x10, 0x20      # linux/fs.h: FS_IOC_GETFLAGS, FS_IMMUTABLE_FL, FS_APPEND_FL
_SHOWN, _LONGEST = 5, 200        # paths of each sort that are told, and their characters
_HOLES = 1 << 20                 # bytes more on the disk than in the source: less may be the file system's own doing
# what is an attribute of the place, and not of the file
_OF_PLACE = ("security.selinux", "system.nfs4_acl", "system.cifs_acl", "btrfs.", "lustre.", "ceph.")
_BY_KERNEL = ("user.overlay.", "trusted.overlay.")


class Attributes:
    """What was found of a tree."""

    def __init__(self) -> None:
        self.same = 0
        self.lost: Dict[str, List[str]] = {}
        self.untold: Dict[str, List[str]] = {}
        self.counts: Dict[Tuple[str, str], int] = {}
        self._links: Dict[Tuple[int, int], Set[int]] = {}
        self._first: Dict[Tuple[int, int], str] = {}

    def see(self, entry: descriptors.Entry, origin: int, started: int) -> None:
        """Compare one thing that came back with its origin, the descriptor (O_PATH) of that, in a copy begun then; it stays open. Raises OSError."""
        then = os.fstat(origin)
        if stat.S_IFMT(then.st_mode) != stat.S_IFMT(entry.status.st_mode) or then.st_ctime >= started - 1:
            return      # another thing by now, or touched since: how it was then nobody can tell
        here = os.open(entry.name, _PLAIN, dir_fd=entry.held)
        try:
            before = len(self.counts), sum(self.counts.values())
            self._owner_and_mode(entry, then)
            self._extended(here, origin, entry.path)
            self._flags(origin, then, entry.path)
            self._holes(entry, then)
            if (len(self.counts), sum(self.counts.values())) == before:
                self.same += 1
        finally:
            os.close(here)
        if stat.S_ISREG(then.st_mode) and then.st_nlink > 1:
            which = then.st_dev, then.st_ino
            inodes = self._links.setdefault(which, set())
            self._first.setdefault(which, entry.path)
            inodes.add(entry.status.st_ino)
            if len(inodes) == 2:
                self._tell(self.lost, "links", self._first[which])

    def remarks(self) -> List[Remark]:
        """What did not come back, what could not be told here, and how many are as they were; by sort."""
        told = [Remark("attributes_same", count=self.same)] if self.same else []
        for key, found in (("attributes_lost", self.lost), ("attributes_untold", self.untold)):
            told += [Remark(key, count=self.counts[key, sort], sort=sort if "." in sort else Remark("attribute_" + sort),
                            paths=paths + (["..."] if self.counts[key, sort] > len(paths) else [])) for sort, paths in sorted(found.items())]
        return told

    @property
    def whole(self) -> bool:
        """Whether something was compared, and all of it came back."""
        return bool(self.same) and not self.lost and not self.untold

    def _owner_and_mode(self, entry: descriptors.Entry, then: os.stat_result) -> None:
        found = entry.status
        if (found.st_uid, found.st_gid) != (then.st_uid, then.st_gid):
            self._tell(self.lost if os.geteuid() == 0 else self.untold, "owner", entry.path)
        if not stat.S_ISLNK(then.st_mode) and stat.S_IMODE(found.st_mode) != stat.S_IMODE(then.st_mode):
            self._tell(self.lost if os.geteuid() == 0 else self.untold, "mode", entry.path)

    def _extended(self, here: int, origin: int, path: str) -> None:
        there, mine = _held(origin), _held(here)
        try:
            wanted = os.listxattr(there)
        except OSError:
            wanted = []      # a file system without them
        for name in wanted:
            if name.startswith(_OF_PLACE + _BY_KERNEL):
                continue
            try:
                value = os.getxattr(there, name)
            except OSError:
                self._tell(self.untold, _sort(name), path)
                continue
            if _value(mine, name) == value:
                continue
            try:
                os.setxattr(mine, name, value)      # it is scratch, and goes: whether this place takes it
            except OSError:
                self._tell(self.untold, _sort(name), path)
            else:
                self._tell(self.lost, _sort(name), path)
        more = [] if not _listed(mine) else [name for name in _listed(mine) if name not in wanted and name.startswith("system.posix_acl_")]
        if more:
            self._tell(self.lost, "more_rights", path)

    def _flags(self, origin: int, then: os.stat_result, path: str) -> None:
        if not (stat.S_ISREG(then.st_mode) or stat.S_ISDIR(then.st_mode)):
            return
        with contextlib.suppress(OSError):
            held = os.open(_held(origin), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                flags = array.array("l", [0])
                fcntl.ioctl(held, _GET_FLAGS, flags, True)
            finally:
                os.close(held)
            if flags[0] & (_IMMUTABLE | _APPEND_ONLY):
                self._tell(self.lost, "flags", path)      # no copy brings them

    def _holes(self, entry: descriptors.Entry, then: os.stat_result) -> None:
        taken, was = entry.status.st_blocks * 512, then.st_blocks * 512
        if stat.S_ISREG(then.st_mode) and was < then.st_size and taken > was + _HOLES:
            self._tell(self.lost, "holes", entry.path)

    def _tell(self, found: Dict[str, List[str]], sort: str, path: str) -> None:
        key = "attributes_lost" if found is self.lost else "attributes_untold", sort
        self.counts[key] = self.counts.get(key, 0) + 1
        named = found.setdefault(sort, [])
        if len(named) < _SHOWN:
            named.append(scope.shown(path)[:_LONGEST])


def _sort(name: str) -> str:
    """How an attribute is told: Samba's streams together, those of users by their namespace, the others by name."""
    if name.startswith("system.posix_acl_"):
        return "acl"
    if name.startswith("user.DosStream."):
        return "user.DosStream.*"
    if name.startswith("user.") and name not in ("user.DOSATTRIB", "user.SAMBA_PAI"):
        return "user.*"
    if name.startswith("trusted."):
        return "trusted.*"
    return scope.shown(name)[:60]


def _held(descriptor: int) -> str:
    return "/proc/self/fd/{0}".format(descriptor)


def _listed(path: str) -> List[str]:
    try:
        return os.listxattr(path)
    except OSError:
        return []


def _value(path: str, name: str) -> Optional[bytes]:
    try:
        return os.getxattr(path, name)
    except OSError:
        return None
