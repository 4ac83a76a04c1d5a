# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds a path of the controller: a network file system, a disk that stays, or what a container takes along when it ends."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..module_utils._engine.errors import BackupError

NETWORK_FILE_SYSTEMS = frozenset((
    "nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "ceph", "glusterfs", "lustre", "afs", "ncpfs",
    "fuse.sshfs", "fuse.rclone", "fuse.glusterfs", "fuse.ceph", "fuse.s3fs", "fuse.blobfuse2", "davfs", "fuse.davfs",
))

MOUNTS = "/proc/self/mountinfo"
# What a container loses when it ends.
_THROWN_AWAY = frozenset(("overlay", "aufs", "fuse.fuse-overlayfs", "fuse-overlayfs"))
# The memory that it is given; a tmpfs elsewhere was mounted there on purpose.
_MEMORY = frozenset(("/run", "/run/lock", "/tmp", "/var/tmp", "/dev/shm", "/var/run"))
_CONTAINER_MARKS = ("/run/.containerenv", "/.dockerenv", "/var/run/secrets/kubernetes.io")
_CONTAINER_WORDS = ("KUBERNETES_SERVICE_HOST", "container")
_NO_HOME = "/nonexistent"
# What AWX tells a job of the directory that it makes for it, shows to the container and removes afterwards (ansible-runner's private_data_dir).
_OF_ONE_JOB = ("AWX_ISOLATED_DATA_DIR", "AWX_PRIVATE_DATA_DIR")


class Mounted(NamedTuple):
    """The file system that holds a path: its type, the directory of it that is mounted there, where, and its number."""

    type: str
    root: str
    point: str
    device: str = ""


def mounted(path: Path | str, mounts: str = "") -> Mounted:
    """What holds `path`; empty when the system does not tell."""
    best, found = -1, Mounted("", "", "")
    real = os.path.realpath(path)
    try:
        lines = Path(mounts or MOUNTS).read_text("utf-8", "replace").splitlines()
    except OSError:
        return found
    for line in lines:
        left, separator, right = line.partition(" - ")
        fields = [field.replace("\\040", " ") for field in left.split(" ")]
        if separator and (real + "/").startswith(fields[4].rstrip("/") + "/") and len(fields[4]) >= best:
            best, found = len(fields[4]), Mounted(right.split(" ")[0], fields[3], fields[4], fields[2])
    return found


def expanded(path: Path | str) -> Path:
    """A path with its ~ read, absolute. An account without a line in passwd and without HOME has no home: it is /nonexistent, as Debian writes that,
    and never a directory of the name ~ in the project.
    """
    told = os.path.expanduser(path)
    return Path(os.path.abspath(_NO_HOME + told[1:] if re.match("~(/|$)", told) else told))


def in_container(marks: Sequence[str] = _CONTAINER_MARKS) -> bool:
    """Whether this process runs in a container: of Docker, Podman or Kubernetes, or one that says so (`container`, as systemd has it).

    What says nothing of itself can't be told: a root on an overlay alone may be a machine that was installed so.
    """
    return any(os.environ.get(name) for name in _CONTAINER_WORDS) or any(os.path.exists(mark) for mark in marks)


def is_thrown_away(path: Path | str) -> bool:
    """Whether what is written to `path` is gone when this container ends, or when the scheduler clears up after the job: its own layer,
    its memory, an emptyDir, or the directory of one job of AWX. A volume mounted there, or below, is none of these.
    """
    if not in_container():
        return False
    place = mounted(path)
    if place.type == "tmpfs" and place.point in _MEMORY:
        return True
    # a directory of the machine's that is shown there is a volume, also where the machine's own root is an overlay
    if place.type in _THROWN_AWAY and (place.root == "/" or place.device == mounted("/").device):
        return True
    return "kubernetes.io~empty-dir" in place.root or place.point in _of_one_job()


def refuse_report(path: Path | str) -> None:
    """Raises BackupError report_thrown_away for a file that people or programs are to read once this run is over, and that would be gone with it."""
    if is_thrown_away(path):
        raise BackupError("report_thrown_away", path=path)


def is_passing() -> bool:
    """Whether this controller itself is gone when its container ends, and only volumes stay."""
    return is_thrown_away("/")


def _of_one_job() -> set[str]:
    """Where the directories of one job are mounted, but for the root of the container, which holds all else too."""
    told = [os.environ.get(name, "") for name in _OF_ONE_JOB]
    # ansible-builder's images have this home for an account without one, and ansible-runner binds the job's directory there
    if os.environ.get("HOME") == "/runner":
        told.append("/runner")
    return {mounted(path).point for path in told if path.startswith("/") and os.path.exists(path)} - {"", "/"}


def refuse_thrown_away(media: Iterable[Mapping[str, Any]], transport: str) -> None:
    """Raises BackupError kept_thrown_away for a directory of this controller as a medium that would not outlive the run.

    `transport` is the connection by which the host is reached: of another server only itself can know what holds its directories.
    """
    if transport != "local":
        return
    for medium in media:
        path = medium.get("path")
        if isinstance(path, str) and not medium.get("host") and is_thrown_away(path):
            raise BackupError("kept_thrown_away", path=path)
