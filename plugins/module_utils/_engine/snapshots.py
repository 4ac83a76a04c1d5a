# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots of a file system, so that all files of a copy are of one moment: Btrfs.

The snapshot is mounted over the folder in a mount namespace of the program alone, so that the copy holds the folder's own paths and
nobody else sees a difference. Inode numbers and times are those of the living files, so what did not change is not read again.
"""

from __future__ import annotations

import contextlib
import os
from typing import Iterator, List, Sequence, Tuple

from . import label as labels
from . import programs
from .errors import BackupError
from .pipeline import Stage, capture

CHOICES = ("none", "auto", "btrfs")
_PREFIX = ".respaldo-instantanea-"
_SUBVOLUME = 256     # the inode number of the top of every subvolume
_MOUNTING = 'while [ "$1" != -- ]; do mount --no-canonicalize --bind -- "$1" "$2" || exit 1; shift 2; done; shift; exec "$@"'


@contextlib.contextmanager
def of(how: str, paths: Sequence[str], label: str, crossing: bool) -> Iterator[Tuple[List[str], List[str]]]:
    """Snapshots of what the folders lie on, removed again. Gives the words before a program that shall see them, and folders left out of it.

    `how` is one of CHOICES: `auto` takes a snapshot where it can and leaves the other folders as they are. `crossing` says whether the copy
    enters file systems mounted below. Raises snapshot_impossible.
    """
    if how == "none":
        yield [], list(paths)
        return
    pairs: List[str] = []
    living: List[str] = []
    made: List[str] = []
    try:
        for path in paths:
            try:
                top = _subvolume(path)
                _refuse_what_a_snapshot_hides(path, crossing)
            except BackupError as error:
                if how != "auto" or error.fault.name != "snapshot_impossible":
                    raise
                living.append(path)
                continue
            snapshot = os.path.join(top, _PREFIX + label)
            if snapshot not in made:
                _sweep(top, label)
                _btrfs("subvolume", "snapshot", "-r", top, snapshot)
                made.append(snapshot)
            pairs += [os.path.normpath(os.path.join(snapshot, os.path.relpath(path, top))), path]
        unshare = programs.find("unshare", "util-linux")
        yield ([unshare, "--mount", "--propagation", "private", "--", "sh", "-c", _MOUNTING, "respaldo", *pairs, "--"] if pairs else []), living
    finally:
        for snapshot in made:
            with contextlib.suppress(BackupError):   # the next run sweeps it
                _btrfs("subvolume", "delete", snapshot)


def _subvolume(path: str) -> str:
    """The top of the Btrfs subvolume that holds a folder."""
    if capture(Stage("stat", [programs.find("stat", "coreutils"), "--file-system", "--format=%T", path])).strip() != "btrfs":
        raise _impossible(path, "it does not lie on Btrfs")
    top = path
    while os.stat(top).st_ino != _SUBVOLUME:
        top = os.path.dirname(top)
    return top


def _refuse_what_a_snapshot_hides(path: str, crossing: bool) -> None:
    """What is mounted below a folder, and subvolumes in it, are empty directories in its snapshot."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        mounts = [line.split(" ")[4].encode("utf-8", "surrogateescape").decode("unicode_escape") for line in file]
    hidden = [mount for mount in mounts if mount.startswith(path + "/")]
    listed = capture(Stage("btrfs", [programs.find("btrfs", "btrfs-progs"), "subvolume", "list", "-o", path])).splitlines()
    hidden += [name for name in (row.partition(" path ")[2] for row in listed) if _PREFIX not in name]
    if hidden and crossing:
        raise _impossible(path, "a snapshot does not hold what is mounted or a subvolume of its own below it: {0}".format(", ".join(hidden[:5])))


def _sweep(top: str, label: str) -> None:
    """Remove what dead runs of the same system left."""
    system = labels.parse(label).system
    for name in os.listdir(top):
        if name.startswith(_PREFIX):
            with contextlib.suppress(BackupError):
                if labels.parse(name[len(_PREFIX):]).system == system:
                    _btrfs("subvolume", "delete", os.path.join(top, name))


def _btrfs(*arguments: str) -> None:
    try:
        capture(Stage("btrfs " + arguments[1], [programs.find("btrfs", "btrfs-progs"), *arguments]))
    except BackupError as error:
        if error.fault.name != "stage_failed":
            raise
        raise _impossible(arguments[-1], error.details["detail"]) from error


def _impossible(path: str, detail: str) -> BackupError:
    return BackupError("snapshot_impossible", source=path, detail=detail)
