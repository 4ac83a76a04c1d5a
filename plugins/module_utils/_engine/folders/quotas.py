# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A limit for what a directory may hold, where its file system can set one: project quotas of ext4 and XFS, quota groups of Btrfs.

Samba shows clients what is left by them. A file system that can't is told of in words; the directory is used all the same.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import stat
import struct
import subprocess
import zlib
from typing import List, NamedTuple, Sequence, Tuple

from ..errors import BackupError
from ..filesystem import descriptors, living, scope
from ..processes import programs

_MOUNTS = "/proc/self/mountinfo"
_TIMEOUT = 600
_FIRST_PROJECT = 100000
_PROJECTS = 2000000000
# linux/fs.h: FS_IOC_FSGETXATTR, FS_IOC_FSSETXATTR, FS_XFLAG_PROJINHERIT
_GET_ATTRIBUTES, _SET_ATTRIBUTES, _INHERIT = 0x801C581F, 0x401C5820, 0x00000200
_SUBVOLUME = 256     # the inode of each subvolume's top


class Plan(NamedTuple):
    kind: str        # project, btrfs; "" where there is no way
    mount: str
    needed: bool
    why: str         # in Spanish: why no limit can be set; "" when one can


def plan(path: str, gib: int, known: int) -> Plan:
    """How a limit of so many GiB (0: none) can be set on a directory that may not exist yet. `known` is the limit set before."""
    there = path if os.path.isdir(path) else os.path.dirname(path)
    mount, kind, options = _mount_of(os.path.realpath(there))
    if not gib and not known:
        return Plan("", mount, False, "")
    if kind in ("ext4", "xfs"):
        if not {"prjquota", "pquota"} & set(options):
            return Plan("", mount, False, "{0} ({1}) está montado sin prjquota".format(mount, kind))
        return Plan("project", mount, gib != known, "")
    if kind == "btrfs":
        if not _quota_group_limits(there):
            return Plan("", mount, False, "{0} (btrfs) no tiene cuotas activas (btrfs quota enable)".format(mount))
        if os.path.isdir(path) and os.lstat(path).st_ino != _SUBVOLUME:
            return Plan("", mount, False, "{0} no es un subvolumen de btrfs".format(path))
        return Plan("btrfs", mount, gib != known, "")
    return Plan("", mount, False, "{0} ({1}) no admite límites por carpeta".format(mount, kind))


def make_directory(there: str, wanted: Plan) -> bool:
    """Make the directory in the way its limit needs, and say whether that was done. `there` is a path of a parent held open."""
    if wanted.kind != "btrfs":
        return False
    # the program looks at the name it is given: a path of /proc leads it, as any other, to the directory held open
    _run([programs.find("btrfs", "btrfs-progs"), "subvolume", "create", "--", there], there)
    return True


def set_limit(path: str, wanted: Plan, gib: int, held: int) -> None:
    """Set the limit of a held directory, or lift it with 0. `path` is its name. Raises folder_failed."""
    if wanted.kind == "btrfs":
        limit = "{0}G".format(gib) if gib else "none"
        _run([programs.find("btrfs", "btrfs-progs"), "qgroup", "limit", limit, descriptors.path_of(held)], path)
    elif wanted.kind == "project":
        project = _FIRST_PROJECT + zlib.crc32(path.encode("utf-8", "surrogateescape")) % _PROJECTS
        if gib:
            _mark(held, project, path)
        kibibytes = str(gib * 1024 * 1024)
        _run([programs.find("setquota", "quota"), "-P", str(project), "0", kibibytes, "0", "0", wanted.mount], path)


def _mark(held: int, project: int, path: str) -> None:
    """Give a directory and all in it to a project, as `chattr -R -p PROJECT +P` does, but by descriptors: the office works in it meanwhile.

    What can't be opened, since it went or is no file, counts as before: what is made from now on is marked by the kernel.
    """
    try:
        _mark_one(held, project)
    except OSError as error:
        raise BackupError("folder_failed", folder=scope.shown(path), detail="it can't be given to project {0}: {1}".format(project, error)) from error
    for entry in living.scan(held):
        with contextlib.suppress(OSError):
            inner = descriptors.enter(entry.held, entry.name) if stat.S_ISDIR(entry.status.st_mode) else descriptors.regular(entry.name, entry.held)
            try:
                _mark_one(inner, project)
            finally:
                os.close(inner)


def _mark_one(held: int, project: int) -> None:
    """By ioctl_fsxattr: 32 bits each of flags, extent size, extents, project, and 12 bytes more (linux/fs.h, struct fsxattr)."""
    attributes = bytearray(28)
    fcntl.ioctl(held, _GET_ATTRIBUTES, attributes)
    flags, extent, extents, known, rest = struct.unpack("=4I12s", attributes)
    wanted = flags | _INHERIT if stat.S_ISDIR(os.fstat(held).st_mode) else flags
    if (wanted, project) != (flags, known):
        fcntl.ioctl(held, _SET_ATTRIBUTES, struct.pack("=4I12s", wanted, extent, extents, project, rest))


def _quota_group_limits(path: str) -> bool:
    answer = subprocess.run([programs.find("btrfs", "btrfs-progs"), "qgroup", "show", "-f", "--", path], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL, env=programs.environment(), timeout=_TIMEOUT, check=False)
    return answer.returncode == 0


def _mount_of(path: str) -> Tuple[str, str, List[str]]:
    """Mount point, type and options of the file system that holds a path."""
    found: Tuple[str, str, List[str]] = ("/", "unknown", [])
    with open(_MOUNTS, encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            before, _dash, after = line.partition(" - ")
            point = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal.group(1), 8)), before.split(" ")[4])
            if path == point or path.startswith(point.rstrip("/") + "/"):
                fields = after.split()
                if len(point) >= len(found[0]):
                    found = (point, fields[0], fields[-1].split(",") + before.split(" ")[5].split(","))
    return found


def _run(argv: Sequence[str], path: str) -> None:
    answer = subprocess.run(list(argv), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=programs.environment(),
                            timeout=_TIMEOUT, check=False)
    if answer.returncode:
        raise BackupError("folder_failed", folder=scope.shown(path), detail=answer.stdout.decode("utf-8", "replace").strip())
