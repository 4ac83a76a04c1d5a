# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a medium offers: a place for copies, each a directory that appears whole under its label or not at all.

    <medium>/<kind>/<SYSTEM>/<LABEL>/  the files of the copy, <LABEL>.json and SHA256SUMS
    <medium>/<kind>/<SYSTEM>/.<LABEL>.partial/  being written; swept by the next run of that system
    <medium>/<kind>/<SYSTEM>/.<LABEL>.sealed/   whole and verified, waiting to be published
    <medium>/<kind>/<SYSTEM>/.<LABEL>.pruned/   being removed; swept by the next run of that system

The sum of SHA256SUMS names the copy: publishing the same sum again changes nothing, another sum under a label in use
is an error.
"""

from __future__ import annotations

import abc
from typing import Callable, ContextManager, List, NamedTuple, Optional, Tuple

from ..result import KINDS

SUMS = "SHA256SUMS"
# access tiers of Azure Blob Storage
TIERS = ("hot", "cool", "cold", "archive")


class Slot(NamedTuple):
    """Where a copy of a system stands on every medium. `system` is the canonical name (numeral 6.7)."""

    kind: str
    system: str
    label: str

    @property
    def shelf(self) -> str:
        return "{0}/{1}".format(self.kind, self.system)


class Found(NamedTuple):
    """A directory where copies of ours lie: the shelf of a system (`name` is empty), a copy on it, or what a run left (a dot first)."""

    kind: str
    system: str
    name: str
    age: int     # seconds since something was made or removed in it


class Deposit(abc.ABC):
    """A copy being written to a medium.

    `attested`: the medium itself compared what it received with checksums of what was sent, and gives nothing back before
    the copy is published; `follow` then reads what it acknowledged. `several`: files may be written at the same time, each by a thread of its own.
    """

    attested = False
    several = False

    @abc.abstractmethod
    def write(self, file: str) -> "Writing":
        """Begin a file of the copy; it must not exist yet."""

    @abc.abstractmethod
    def read(self, file: str) -> "Reading":
        """Read back a file that was written, from the medium itself and not from a cache where that can be had."""

    def follow(self, file: str) -> Optional["Following"]:
        """Read back a file while it is still being written; None where the medium can't."""
        return None

    @abc.abstractmethod
    def seal(self) -> str:
        """Declare the copy whole: everything is on stable storage. Gives what publish() must be told, mostly nothing."""

    @abc.abstractmethod
    def discard(self) -> None:
        """Remove what was written. Never raises."""


class Writing(NamedTuple):
    """A file being written. `room()`, where the medium has it, gives memory to read into: what is written from there is not copied again."""

    write: Callable[[bytes], None]
    close: Callable[[], None]
    room: Optional[Callable[[], memoryview]] = None


class Reading(NamedTuple):
    """A file being read: `read(size)` gives b"" at its end. `path` is where programs of this server find it, if anywhere."""

    read: Callable[[int], bytes]
    close: Callable[[], None]
    path: str = ""


class Following(NamedTuple):
    """A file read behind its writer.

    `settle()` brings what was written so far to stable storage and out of the cache, and gives how many of its first
    bytes `read` now takes from the medium itself. It is asked for each `stride` bytes that were written (0: as the engine likes). What `read` gives is
    good until it is called again.
    """

    read: Callable[[int], bytes]
    settle: Callable[[], int]
    close: Callable[[], None]
    stride: int = 0


class Medium(abc.ABC):
    """A place where copies lie. Every method raises a BackupError of the 4xx range."""

    name: str
    several = False      # files may be read at the same time, each by a thread of its own

    @abc.abstractmethod
    def location(self, slot: Slot) -> str:
        """The published copy's directory or URL, as people read it."""

    @abc.abstractmethod
    def check(self, slot: Slot, expected: int) -> None:
        """Refuse before any work: unreachable, not writable, too little room for `expected` bytes, label in use."""

    @abc.abstractmethod
    def lock(self, slot: Slot, timeout: int) -> ContextManager[None]:
        """Hold the system's shelf for this run; system_busy when another holds it for `timeout` seconds."""

    @abc.abstractmethod
    def deposit(self, slot: Slot) -> Deposit:
        """Begin a copy. What dead runs left of this system is swept. The lock must be held."""

    @abc.abstractmethod
    def publish(self, slot: Slot, digest: str, note: str = "") -> bool:
        """Give the sealed copy its final name; `digest` is the SHA-256 of its SUMS, `note` what seal() gave. False: it was published already."""

    @abc.abstractmethod
    def withdraw(self, slot: Slot) -> None:
        """Undo a publishing of this very call, since another medium failed: the copy is sealed again. The lock must be held."""

    @abc.abstractmethod
    def remove(self, slot: Slot, digest: str) -> bool:
        """Remove a published copy whose SUMS has the SHA-256 `digest` ("": whatever it has). False: it was not there.

        It loses its name first, so that what a dead run leaves is no copy. The lock must be held. bytes_differ when it is another.
        """

    @abc.abstractmethod
    def labels(self, kind: str, system: str) -> List[str]:
        """The labels of the published copies of a system, sorted."""

    @abc.abstractmethod
    def survey(self) -> List[Found]:
        """All that lies where copies do, of every kind and system."""

    @abc.abstractmethod
    def stocked(self, slot: Slot) -> bool:
        """Whether the system has a shelf here. It is made with the first copy and stays: without it this is not the medium, or it is not mounted."""

    @abc.abstractmethod
    def read(self, slot: Slot, file: str) -> Reading:
        """A file of a published copy. copy_missing when the copy is not there, bytes_differ when the file is not."""

    @abc.abstractmethod
    def free(self) -> Optional[int]:
        """Bytes free, where the medium can tell."""

    def room(self) -> Tuple[Optional[int], Optional[int]]:
        """Bytes free, and of the whole medium, where it can tell."""
        return self.free(), None


def found_of(path: str, age: float) -> Optional[Found]:
    """What a path below the medium's root is; None for what is not of ours."""
    kind, _slash, rest = path.partition("/")
    system, _slash, name = rest.partition("/")
    return Found(kind, system, name, max(0, int(age))) if kind in KINDS and system and not system.startswith(".") else None


def read_all(reading: Reading, limit: int = 64 << 20) -> bytes:
    """The whole of a small file, up to `limit` bytes."""
    chunks = []
    try:
        while limit > 0:
            chunk = reading.read(min(limit, 1 << 20))
            if not chunk:
                break
            chunks.append(chunk)
            limit -= len(chunk)
    finally:
        reading.close()
    return b"".join(chunks)
