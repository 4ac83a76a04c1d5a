# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trees of files that came back, compared with what a snapshot says of them and with their source."""

from __future__ import annotations

import calendar
import contextlib
import filecmp
import os
import shutil
import stat
import time
from typing import Any, Mapping, Optional, Sequence, Tuple

from . import restic
from .errors import BackupError

_TYPES = {"file": stat.S_IFREG, "dir": stat.S_IFDIR, "symlink": stat.S_IFLNK, "fifo": stat.S_IFIFO, "dev": stat.S_IFBLK, "chardev": stat.S_IFCHR,
          "socket": stat.S_IFSOCK}


def compare(scratch: str, top: str, manifest: Mapping[str, Any]) -> Tuple[int, int]:
    """Compare what was restored below `scratch` with the source below `top`, as it is now. Gives the files that are equal, and those that changed since.

    A file that has the size and second it was copied with must have the same bytes; one of the time of the copy itself can't be told.
    Raises source_differs.
    """
    started = calendar.timegm(time.strptime(manifest["started_at"], "%Y-%m-%dT%H:%M:%SZ"))
    same = changed = 0
    for directory, _names, files in os.walk(scratch):
        for name in files:
            copied = os.path.join(directory, name)
            if not stat.S_ISREG(os.lstat(copied).st_mode):
                continue
            origin = os.path.join(top, os.path.relpath(copied, scratch))
            before = _unchanged(origin, copied, started)
            if before is None:
                changed += 1
            elif filecmp.cmp(origin, copied, shallow=False):
                same += 1
            elif _unchanged(origin, copied, started) == before:
                raise BackupError("source_differs", file=origin, label=manifest["label"])
            else:
                changed += 1
    return same, changed


def _unchanged(origin: str, copied: str, started: int) -> Optional[Tuple[int, int, int]]:
    """What tells one state of a file from another, when it has the size and second it was copied with; None otherwise."""
    try:
        now = os.lstat(origin)
    except OSError:
        return None
    then = os.lstat(copied)
    known = stat.S_ISREG(now.st_mode) and now.st_size == then.st_size and int(now.st_mtime) == int(then.st_mtime) < started - 1
    return (now.st_mtime_ns, now.st_ctime_ns, now.st_ino) if known else None


class Judge:
    """Compares a restored tree with what the snapshot lists: every node is there with its type, size, mode, owner and time, and nothing else.

    `within` are the paths that were asked for; what leads to them is there too and is not judged.
    """

    def __init__(self, directory: str, label: str, within: Sequence[str] = ()) -> None:
        self.directory = directory
        self.label = label
        self.within = within
        self.listed = 0

    def see(self, node: Mapping[str, Any]) -> None:
        """Compare one node. Raises restored_differs."""
        if self.within and not any(node["path"] == path or node["path"].startswith(path.rstrip("/") + "/") for path in self.within):
            return
        if node["type"] == "socket":
            return      # restic, as any other, makes no sockets
        self.listed += 1
        if "\ufffd" not in node["path"]:     # else its name is not UTF-8 and can't be told in JSON; it is counted
            _node(os.path.join(self.directory, node["path"].lstrip("/")), node, self.label)

    def finish(self) -> int:
        """The number of nodes. Raises restored_differs when there are more or fewer than were listed."""
        tops = [os.path.join(self.directory, path.lstrip("/")) for path in self.within]
        found = sum(map(_count, tops)) if tops else _count(self.directory) - 1
        if found != self.listed:
            raise BackupError("restored_differs", label=self.label, detail="{0} files and directories came back, {1} were copied".format(found, self.listed))
        return self.listed


def _count(top: str) -> int:
    if not os.path.isdir(top) or os.path.islink(top):
        return int(os.path.lexists(top))
    return 1 + sum(len(names) + len(files) for _directory, names, files in os.walk(top))


def _node(path: str, node: Mapping[str, Any], label: str) -> None:
    try:
        found = os.lstat(path)
    except OSError as error:
        raise BackupError("restored_differs", label=label, detail="{0} did not come back".format(node["path"])) from error
    wrong = []
    if stat.S_IFMT(found.st_mode) != _TYPES.get(node["type"], stat.S_IFMT(found.st_mode)):
        wrong.append("its type")
    if node["type"] == "file" and found.st_size != node.get("size", 0):
        wrong.append("its size")
    if os.geteuid() == 0 and (found.st_uid, found.st_gid) != (node["uid"], node["gid"]):
        wrong.append("its owner")
    if node["type"] != "symlink" and stat.S_IMODE(found.st_mode) & 0o777 != node["mode"] & 0o777:
        wrong.append("its mode")
    if node["type"] != "symlink" and abs(found.st_mtime_ns - restic.nanoseconds(node["mtime"])) >= 10**9:
        wrong.append("its time")
    if wrong:
        raise BackupError("restored_differs", label=label, detail="{0}: {1} is not as copied".format(node["path"], ", ".join(wrong)))


def like(path: str, pattern: str) -> None:
    """Give a directory owner, mode, extended attributes (and so ACLs) of another."""
    found = os.lstat(pattern)
    with contextlib.suppress(PermissionError):
        os.chown(path, found.st_uid, found.st_gid)
    shutil.copystat(pattern, path, follow_symlinks=False)
