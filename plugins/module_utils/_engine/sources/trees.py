# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trees of files that came back, compared with what a snapshot says of them and with their source."""

from __future__ import annotations

import calendar
import contextlib
import errno
import os
import stat
import time
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from ..errors import BackupError
from ..filesystem import descriptors, room, scope
from ..remarks import Remark
from ..restic import restic
from . import attributes

_TYPES = {"file": stat.S_IFREG, "dir": stat.S_IFDIR, "symlink": stat.S_IFLNK, "fifo": stat.S_IFIFO, "dev": stat.S_IFBLK, "chardev": stat.S_IFCHR,
          "socket": stat.S_IFSOCK}
_CHUNK = 1 << 20
_SHOWN = 5


def compare(scratch: str, top: str, manifest: Mapping[str, Any], inside: Sequence[str], left_out: Sequence[str],
            found: Optional[attributes.Attributes] = None) -> Tuple[int, int]:
    """Compare what was restored below `scratch` with the source below `top`, as it is now. Gives the files that are equal, and those that changed since;
    `found` gets what is to be said of their attributes.

    A file that has the size and second it was copied with must have the same bytes; one of the time of the copy itself can't be told. The source is where
    others work: no link is followed there, and nothing but regular files is opened. Nor is anything that the copy names outside of the resolved paths
    `inside`, whose assigned paths were asked, or in what is mounted there now and is none (`left_out`). Raises source_differs.
    """
    started = calendar.timegm(time.strptime(manifest["started_at"], "%Y-%m-%dT%H:%M:%SZ"))
    same = changed = 0
    held = os.open(scratch, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    origins = _Origins(top)
    try:
        for entry in descriptors.walk(held):
            allowed = scope.lies_in(os.path.join(top, entry.path), inside, left_out)
            origin = origins.hold(entry.path) if allowed and found is not None else None
            if origin is not None and found is not None:
                try:
                    found.see(entry, origin, started)
                finally:
                    os.close(origin)
            if not stat.S_ISREG(entry.status.st_mode):
                continue
            answer = _equal(entry, origins.open(entry.path) if allowed else None, started)
            if answer is False:
                raise BackupError("source_differs", file=os.path.join(top, entry.path), label=manifest["label"])
            same += answer is True
            changed += answer is None
    finally:
        origins.close()
        os.close(held)
    return same, changed


def attributes_beside(scratch: str, top: str, manifest: Mapping[str, Any], inside: Sequence[str], left_out: Sequence[str]) -> attributes.Attributes:
    """What belongs to the files that were restored below `scratch`, beside the source: only of files and directories that are the very ones copied, by size
    and second. Neither restic's list nor `tar --compare` tells extended attributes and ACLs. The source is trodden as in `compare`.
    """
    started = calendar.timegm(time.strptime(manifest["started_at"], "%Y-%m-%dT%H:%M:%SZ"))
    found = attributes.Attributes()
    held = os.open(scratch, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    origins = _Origins(top)
    try:
        for entry in descriptors.walk(held):
            if not stat.S_ISREG(entry.status.st_mode) and not stat.S_ISDIR(entry.status.st_mode):
                continue
            origin = origins.hold(entry.path) if scope.lies_in(os.path.join(top, entry.path), inside, left_out) else None
            if origin is None:
                continue
            try:
                now = os.fstat(origin)
                if stat.S_ISDIR(now.st_mode) and int(now.st_mtime) == int(entry.status.st_mtime) or _unchanged(now, entry.status, started):
                    found.see(entry, origin, started)
            finally:
                os.close(origin)
    finally:
        origins.close()
        os.close(held)
    return found


class _Origins:
    """Files of the source, each opened from the directory of the one before where that is the same, or one step further in.

    A source that is gone, or is no directory any more, has none: that says nothing of its copy.
    """

    def __init__(self, top: str) -> None:
        self.top: Optional[int] = None
        self.directory = ""
        try:
            self.top = descriptors.top(top)
        except OSError as error:
            if not descriptors.is_led(error):
                raise
        else:
            self.held = os.dup(self.top)

    def open(self, path: str) -> Optional[int]:
        """A descriptor for reading; None when no regular file is reached under this path."""
        return self._at(path, lambda name: descriptors.regular(name, self.held))

    def hold(self, path: str) -> Optional[int]:
        """A descriptor (O_PATH) of whatever stands under this path, no link followed; None when nothing does."""
        return self._at(path, lambda name: os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self.held))

    def _at(self, path: str, reach: Callable[[str], int]) -> Optional[int]:
        """What `reach` gives of the last name of a path, from the directory that the rest leads to, which stays held; None when nothing is reached."""
        if self.top is None:
            return None
        directory, _slash, name = path.rpartition("/")
        try:
            if directory != self.directory:
                self._go(self.top, directory)
            return reach(name)
        except OSError:
            return None

    def _go(self, top: int, directory: str) -> None:
        inside = self.directory + "/" if self.directory else ""
        if directory.startswith(inside):
            held = descriptors.below(self.held, directory[len(inside):])
        else:
            held = descriptors.below(top, directory)
        os.close(self.held)
        self.directory, self.held = directory, held

    def close(self) -> None:
        if self.top is not None:
            os.close(self.held)
            os.close(self.top)


def _equal(entry: descriptors.Entry, origin: Optional[int], started: int) -> Optional[bool]:
    """Whether a file has the bytes of its origin; None when that changed since the copy, or while it was read. Closes `origin`."""
    if origin is None:
        return None
    with contextlib.ExitStack() as stack:
        stack.callback(os.close, origin)
        before = _unchanged(os.fstat(origin), entry.status, started)
        if before is None:
            return None
        copied = descriptors.regular(entry.name, entry.held)
        stack.callback(os.close, copied)
        while True:
            here, there = os.read(copied, _CHUNK), os.read(origin, _CHUNK)
            if here != there:
                return False if _unchanged(os.fstat(origin), entry.status, started) == before else None
            if not here:
                return True


def _unchanged(now: os.stat_result, then: os.stat_result, started: int) -> Optional[Tuple[int, int, int]]:
    """What tells one state of a file from another, when it has the size and second it was copied with; None otherwise."""
    known = now.st_size == then.st_size and int(now.st_mtime) == int(then.st_mtime) < started - 1
    return (now.st_mtime_ns, now.st_ctime_ns, now.st_ino) if known else None


class Distinct:
    """Looks at what a snapshot lists before it is written: no directory holds one name twice. Whoever has a repository's password can make such a tree, and
    restic (0.14, 2022) writes a file through a link that it made under the same name just before: any file of this server, as root.
    """

    def __init__(self, label: str) -> None:
        self.label = label
        self.above: List[Tuple[str, Dict[str, bool]]] = []     # the directories that the listing is in: their names, and whether each is a link

    def see(self, node: Mapping[str, Any]) -> None:
        """Look at one node; they come directory by directory, each with all it holds. Raises copy_odd."""
        directory, _slash, name = node["path"].rpartition("/")
        while self.above and directory != self.above[-1][0] and not directory.startswith(self.above[-1][0] + "/"):
            self.above.pop()
        if not self.above or self.above[-1][0] != directory:
            self.above.append((directory, {}))
        names, is_link = self.above[-1][1], node["type"] == "symlink"
        # two names that are not UTF-8 may look the same in JSON: that matters only where a link could lead elsewhere
        if name in names and ("\ufffd" not in name or is_link or names[name]):
            raise BackupError("copy_odd", label=self.label, detail="it holds {0} twice".format(scope.shown(node["path"])))
        names[name] = is_link or names.get(name, False)


class Judge:
    """Compares a restored tree with what the snapshot lists: every node is there with its type, size, mode and owner, and nothing else.

    `within` are the paths that were asked for; what leads to them is there too and is not judged. Times that could not be set are only told
    (`remarks`): restic counts nanoseconds in 64 bits, which end in 2262, and a file system may hold less.
    """

    def __init__(self, directory: str, label: str, within: Sequence[str] = ()) -> None:
        self.directory = directory
        self.label = label
        self.within = within
        self.listed = 0
        self.untimed: List[str] = []      # the first that have another time
        self.untimed_count = 0

    def see(self, node: Mapping[str, Any]) -> None:
        """Compare one node. Raises restored_differs, restore_impeded."""
        if self.within and not any(node["path"] == path or node["path"].startswith(path.rstrip("/") + "/") for path in self.within):
            return
        if node["type"] == "socket":
            return      # restic, as any other, makes no sockets
        self.listed += 1
        if "\ufffd" not in node["path"]:     # else its name is not UTF-8 and can't be told in JSON; it is counted
            self._compare(os.path.join(self.directory, node["path"].lstrip("/")), node)

    def finish(self) -> int:
        """The number of nodes. Raises restored_differs when there are more or fewer than were listed."""
        tops = [os.path.join(self.directory, path.lstrip("/")) for path in self.within]
        found = sum(map(_count, tops)) if tops else _count(self.directory) - 1
        if found != self.listed:
            raise BackupError("restored_differs", label=self.label, detail="{0} files and directories came back, {1} were copied".format(found, self.listed))
        return self.listed

    def remarks(self) -> List[Remark]:
        """What is not as copied and takes nothing from the data."""
        if not self.untimed_count:
            return []
        return [Remark("other_times", count=self.untimed_count, paths=self.untimed + (["..."] if self.untimed_count > len(self.untimed) else []))]

    def _compare(self, path: str, node: Mapping[str, Any]) -> None:
        try:
            found = os.lstat(path)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTDIR):
                raise room.impeded(self.label, self.directory, "{0}: {1}".format(node["path"], error.strerror)) from error
            raise BackupError("restored_differs", label=self.label, detail="{0} did not come back".format(node["path"])) from error
        wrong, unheld = [], []
        if stat.S_IFMT(found.st_mode) != _TYPES.get(node["type"], stat.S_IFMT(found.st_mode)):
            wrong.append("its type")
        if node["type"] == "file" and found.st_size != node.get("size", 0):
            wrong.append("its size")
        if os.geteuid() == 0 and (found.st_uid, found.st_gid) != (node["uid"], node["gid"]):
            unheld.append("its owner")
        # restic leaves out what is 0
        if node["type"] != "symlink" and stat.S_IMODE(found.st_mode) & 0o777 != node.get("mode", 0) & 0o777:
            unheld.append("its mode")
        if wrong or unheld:
            detail = "{0}: {1} is not as copied".format(node["path"], ", ".join(wrong + unheld))
            raise BackupError("restored_differs", label=self.label, detail=detail) if wrong else room.impeded(self.label, self.directory, detail)
        if node["type"] != "symlink" and abs(found.st_mtime_ns - restic.nanoseconds(node["mtime"])) >= 10**9:
            self.untimed_count += 1
            if len(self.untimed) < _SHOWN:
                self.untimed.append(scope.shown(node["path"]))


def _count(top: str) -> int:
    """How many things stand at a path in a private directory and below, itself counted."""
    try:
        held = os.open(top, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return int(os.path.lexists(top))
    try:
        return 1 + sum(1 for _entry in descriptors.walk(held))
    finally:
        os.close(held)
