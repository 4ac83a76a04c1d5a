# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots of file systems, so that all files of a copy are of one moment: Btrfs, LVM and ZFS.

taken:   sweep what dead runs left ► snapshot of each file system ► words to put before a command
command: in a mount namespace of its own, the snapshots are mounted and each folder's frozen state is bound over the folder's own path

So the command sees the frozen files under their living paths, and nobody else sees a mount: the namespace, with its mounts, ends with the
command, also when that is killed. What can be left behind is a snapshot, whose name is `respaldo.LABEL`; the next copy of the same system, or of
any whose file system it is, removes it. The system's lock is held meanwhile, so that no living run has a snapshot of that name.

All that was written before is in it. With Btrfs a file that a program writes at that very moment, and does not sync, may be of some hundredths of a
second before the others: what programs need in order they must sync, as for a loss of power.

Needs root. Tried with Btrfs; LVM and ZFS follow the manuals lvcreate(8) and zfs-snapshot(8), were not tried, and so are taken only when named.
"""

from __future__ import annotations

import abc
import contextlib
import os
import re
import subprocess
from typing import Dict, Iterator, List, NamedTuple, Sequence, Tuple, Type

from .. import label as labels
from ..errors import BackupError
from ..processes import programs
from ..remarks import Remark

KINDS = ("none", "auto", "lvm", "btrfs", "zfs")
_PREFIX = "respaldo."
_SUBVOLUME = 256                # inode number of the root of a Btrfs subvolume
_SHELF = ".respaldo"            # where Btrfs snapshots lie, at the top of their file system
_ROOM = "10%ORIGIN"             # of a thick LVM snapshot, for what is written meanwhile

# `mount TYPE OPTIONS DEVICE DIRECTORY`, `bind FROM ONTO`, `run COMMAND ...`. What is bound must not be led elsewhere by a link inside the snapshot.
_INSIDE = """
set -eu
while :; do
  word=$1; shift
  case $word in
    mount) mkdir -p -- "$4"; mount -t "$1" -o "$2" -- "$3" "$4"; shift 4 ;;
    bind) [ "$(realpath -- "$1")" = "$1" ] || { echo "$1 is not there, or a link leads elsewhere" >&2; exit 1; }; mount --bind -- "$1" "$2"; shift 2 ;;
    run) exec "$@" ;;
  esac
done
"""
# DIRECTORY DEVICE, then what to do at the top of a Btrfs file system, which may be mounted nowhere
_AT_THE_TOP = 'set -eu; top=$1; mount -t btrfs -o subvolid=5 -- "$2" "$top"; shift 2; '
# Btrfs leaves in a snapshot the former bytes of a file that is written just then, be they of half a minute before, when nobody synced it meanwhile
# (seen with Linux 6.18); `btrfs filesystem sync` passes over such a file too. So all is synced before.
_BTRFS_TAKE = (_AT_THE_TOP + 'mkdir -p -m 0700 -- "$top/.respaldo"; sync --file-system -- "$top/$1"; '
               'exec btrfs subvolume snapshot -r -- "$top/$1" "$top/.respaldo/$2"')
_BTRFS_LIST = _AT_THE_TOP + 'if [ -d "$top/.respaldo" ]; then exec ls -1 -- "$top/.respaldo"; fi'
_BTRFS_REMOVE = _AT_THE_TOP + 'btrfs subvolume delete -- "$top/.respaldo/$1"; rmdir --ignore-fail-on-non-empty -- "$top/.respaldo"'


class Mount(NamedTuple):
    """A line of /proc/self/mountinfo (proc(5))."""

    root: str       # what of the file system is mounted
    place: str
    type: str
    source: str


class Taken(NamedTuple):
    """What was frozen, for as long as the context lasts."""

    through: Tuple[str, ...]        # words to put before a command; none when nothing is frozen
    frozen: Tuple[str, ...]         # the paths that the command sees frozen
    kinds: Tuple[str, ...]
    remarks: List[Remark]           # why some are not, where that was left to us; whole when the context has ended


class FileSystem(abc.ABC):
    """One that can be frozen: what lies below `top` here is at the root of its snapshot."""

    kind = ""

    def __init__(self, mount: Mount, path: str, scratch: str) -> None:
        self.mount = mount
        self.scratch = scratch
        self.top = mount.place

    @property
    def key(self) -> Tuple[str, ...]:
        return self.kind, self.mount.source, self.top

    def hidden(self) -> List[str]:
        """What lies below `top` as of another file system although it is no mount: a snapshot lacks it."""
        return []

    @abc.abstractmethod
    def take(self, name: str) -> None:
        """Take the snapshot."""

    @abc.abstractmethod
    def mounting(self, name: str) -> List[str]:
        """Type, options and device to mount it by."""

    @abc.abstractmethod
    def names(self) -> List[str]:
        """The snapshots that lie there, of whoever."""

    @abc.abstractmethod
    def remove(self, name: str) -> None:
        """Remove a snapshot."""

    def prove(self, name: str) -> None:
        """Whether it was whole to the end. Raises snapshot_impossible."""

    def call(self, argv: Sequence[str]) -> str:
        return _call(self.mount.place, argv)


class Btrfs(FileSystem):
    kind = "btrfs"

    def __init__(self, mount: Mount, path: str, scratch: str) -> None:
        super().__init__(mount, path, scratch)
        programs.find("btrfs", "btrfs-progs")
        self.top = path
        while os.stat(self.top).st_ino != _SUBVOLUME:
            if self.top == mount.place:
                raise _impossible(path, "{0} is mounted from inside a subvolume".format(mount.place))
            self.top = os.path.dirname(self.top)
        self.inner = os.path.normpath(mount.root + "/" + os.path.relpath(self.top, mount.place)).strip("/")

    def hidden(self) -> List[str]:
        listed = self.call(["btrfs", "subvolume", "list", "-o", self.top])
        paths = [found.strip("/") for found in re.findall(r" path (.*)", listed)]
        within = self.inner + "/" if self.inner else ""
        return [os.path.join(self.top, path[len(within):]) for path in paths if path.startswith(within) and not path.startswith(_SHELF + "/")]

    def take(self, name: str) -> None:
        self._at_the_top(_BTRFS_TAKE, self.inner or ".", name)

    def mounting(self, name: str) -> List[str]:
        return ["btrfs", "ro,subvol=/{0}/{1}".format(_SHELF, name), self.mount.source]

    def names(self) -> List[str]:
        return self._at_the_top(_BTRFS_LIST).splitlines()

    def remove(self, name: str) -> None:
        self._at_the_top(_BTRFS_REMOVE, name)

    def _at_the_top(self, script: str, *arguments: str) -> str:
        return self.call([*_namespace(), "sh", "-c", script, "sh", self.scratch, self.mount.source, *arguments])


class Lvm(FileSystem):
    kind = "lvm"

    def __init__(self, mount: Mount, path: str, scratch: str) -> None:
        super().__init__(mount, path, scratch)
        programs.find("lvs", "lvm2")
        if mount.root != "/":
            raise _impossible(path, "{0} is mounted from inside a file system".format(mount.place))
        told = self.call(["lvs", "--noheadings", "--separator", "|", "--options", "vg_name,lv_name,pool_lv", mount.source]).strip().split("|")
        self.group, self.volume, self.pool = (told + ["", ""])[:3]

    def take(self, name: str) -> None:
        room = ["--setactivationskip", "n"] if self.pool else ["--extents", _ROOM]
        self.call(["lvcreate", "--quiet", "--yes", "--snapshot", "--name", name, *room, "{0}/{1}".format(self.group, self.volume)])

    def mounting(self, name: str) -> List[str]:
        # XFS refuses a second file system of one UUID
        return [self.mount.type, "ro,nouuid" if self.mount.type == "xfs" else "ro", "/dev/{0}/{1}".format(self.group, name)]

    def names(self) -> List[str]:
        return [row.strip() for row in self.call(["lvs", "--noheadings", "--options", "lv_name", self.group]).splitlines()]

    def remove(self, name: str) -> None:
        self.call(["lvremove", "--quiet", "--yes", "{0}/{1}".format(self.group, name)])

    def prove(self, name: str) -> None:
        if self.call(["lvs", "--noheadings", "--options", "lv_snapshot_invalid", "{0}/{1}".format(self.group, name)]).strip() not in ("", "0"):
            raise _impossible(self.mount.place, "more was written meanwhile than the snapshot has room for ({0})".format(_ROOM))


class Zfs(FileSystem):
    kind = "zfs"

    def __init__(self, mount: Mount, path: str, scratch: str) -> None:
        super().__init__(mount, path, scratch)
        programs.find("zfs", "zfsutils-linux")

    def take(self, name: str) -> None:
        self.call(["zfs", "snapshot", "{0}@{1}".format(self.mount.source, name)])

    def mounting(self, name: str) -> List[str]:
        return ["zfs", "ro", "{0}@{1}".format(self.mount.source, name)]

    def names(self) -> List[str]:
        rows = self.call(["zfs", "list", "-H", "-t", "snapshot", "-d", "1", "-o", "name", self.mount.source]).splitlines()
        return [row.partition("@")[2] for row in rows]

    def remove(self, name: str) -> None:
        self.call(["zfs", "destroy", "{0}@{1}".format(self.mount.source, name)])


_KINDS: Dict[str, Type[FileSystem]] = {"btrfs": Btrfs, "lvm": Lvm, "zfs": Zfs}


@contextlib.contextmanager
def taken(kind: str, paths: Sequence[str], label: str, one_file_system: bool = False) -> Iterator[Taken]:
    """Freeze the file systems of real paths, by `kind` (of KINDS), while the context lasts. `label` is that of the copy.

    With `auto` what can't be frozen is left living, and a remark tells why; otherwise snapshot_impossible is raised. Whatever happens,
    the snapshots of this run are removed; one that refuses is told by a remark, and the next run tries again.
    """
    if kind == "none":
        yield Taken((), (), (), [])
        return
    name = _PREFIX + label
    with programs.private_directory() as scratch, contextlib.ExitStack() as stack:
        systems: Dict[Tuple[str, ...], FileSystem] = {}
        of: Dict[str, FileSystem] = {}
        remarks: List[Remark] = []
        for path in paths:
            try:
                found = _of(kind, path, scratch, one_file_system)
                if found.key not in systems:
                    _sweep(found, label)
                    found.take(name)
                    stack.callback(_remove, found, name, remarks)
                    systems[found.key] = found
                of[path] = systems[found.key]
            except BackupError as error:
                if kind != "auto" or error.fault.name not in ("snapshot_impossible", "tool_missing"):
                    raise
                remarks.append(Remark("copied_living", path=path, why=error))
        through = _through(systems, of, scratch, name)
        if through:
            _call(list(of)[0], [*through, "true"])     # that it can be mounted at all
        yield Taken(tuple(through), tuple(of), tuple(sorted({system.kind for system in systems.values()})), remarks)
        for system in systems.values():
            system.prove(name)


def _through(systems: Dict[Tuple[str, ...], FileSystem], of: Dict[str, FileSystem], scratch: str, name: str) -> List[str]:
    if not of:
        return []
    words = [*_namespace(), "sh", "-c", _INSIDE, "sh"]
    places = {key: os.path.join(scratch, str(number)) for number, key in enumerate(systems)}
    for key, system in systems.items():
        words += ["mount", *system.mounting(name), places[key]]
    for path, system in of.items():
        words += ["bind", os.path.normpath(os.path.join(places[system.key], os.path.relpath(path, system.top))), path]
    return [*words, "run"]


def _namespace() -> List[str]:
    return [programs.find("unshare", "util-linux"), "--mount", "--propagation", "private", "--"]


def _of(kind: str, path: str, scratch: str, one_file_system: bool) -> FileSystem:
    """The file system of a path, if it is one of the kind and its snapshot holds all that the path does. Raises snapshot_impossible."""
    if os.geteuid() != 0:
        raise _impossible(path, "only root takes snapshots")
    mounts = _mounts()
    mount = _mount_of(path, mounts)
    kind = "btrfs" if kind == "auto" else kind
    if kind in ("btrfs", "zfs") and mount.type != kind:
        raise _impossible(path, "its file system is {0}".format(mount.type))
    if kind == "lvm" and not mount.source.startswith("/dev/"):
        raise _impossible(path, "its file system is {0}, on no device".format(mount.type))
    found = _KINDS[kind](mount, path, scratch)
    others = [] if one_file_system else [other.place for other in mounts if other.place.startswith(path.rstrip("/") + "/")]
    others += [] if one_file_system else [hidden for hidden in found.hidden() if hidden.startswith(path.rstrip("/") + "/")]
    if others:
        raise _impossible(path, "{0} in it is of another file system or subvolume, which the snapshot lacks; name it as a path of its own, and set "
                          "one_file_system".format(", ".join(sorted(set(others)))))
    return found


def _mounts() -> List[Mount]:
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        rows = [line.split() for line in file]
    return [Mount(_plain(row[3]), _plain(row[4]), row[row.index("-", 6) + 1], _plain(row[row.index("-", 6) + 2])) for row in rows]


def _plain(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found.group(1), 8)), text)


def _mount_of(path: str, mounts: Sequence[Mount]) -> Mount:
    """The mount that a real path lies on: the longest that leads to it, the last one there."""
    leading = [mount for mount in mounts if path == mount.place or path.startswith(mount.place.rstrip("/") + "/")]
    return max(reversed(leading), key=lambda mount: len(mount.place))


def _remove(system: FileSystem, name: str, remarks: List[Remark]) -> None:
    try:
        system.remove(name)
    except BackupError as error:
        remarks.append(Remark("snapshot_left", name=name, top=system.top, detail=error.details["detail"]))


def _sweep(system: FileSystem, label: str) -> None:
    """Remove what dead runs of the same system left, and whatever has the name this run wants."""
    mine = labels.parse(label).system
    for name in system.names():
        with contextlib.suppress(BackupError):
            if name.startswith(_PREFIX) and labels.parse(name[len(_PREFIX):]).system == mine:
                system.remove(name)


def _call(path: str, argv: Sequence[str]) -> str:
    """Run a program that says little. Raises snapshot_impossible with its words."""
    done = subprocess.run(list(argv), stdin=subprocess.DEVNULL, capture_output=True, env=programs.environment(), cwd="/", check=False)
    if done.returncode != 0:
        told = done.stderr.decode("utf-8", "replace").strip()[-600:]
        raise _impossible(path, told or "{0} ended with status {1}".format(argv[0], done.returncode))
    return done.stdout.decode("utf-8", "surrogateescape")


def _impossible(path: str, detail: str) -> BackupError:
    return BackupError("snapshot_impossible", source=path, detail=detail)
