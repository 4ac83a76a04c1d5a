# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A published copy, and what is asked of each, whatever its kind."""

from __future__ import annotations

import abc
import contextlib
import hashlib
from typing import Any, Dict, List, Optional, Sequence, TypeVar

from ..errors import BackupError
from ..media import sums_file
from ..media.base import SUMS, Medium, Slot, read_all
from ..sources.base import PartReader
from ..transforms import encrypt
from . import manifest as manifests
from .carrying import bring
from .decoding import difference, no_more
from .orders import empty

_Opened = TypeVar("_Opened", bound="Listed")


class Listed:
    """A published copy, opened by its list of sums and its manifest, whatever its kind; use as a context manager."""

    def __init__(self, slot: Slot, medium: Medium, keys: Optional[encrypt.Keys] = None, expected: str = "", spool: str = "") -> None:
        self.expected = expected
        self.spool = spool
        self.slot = slot
        self.medium = medium
        self.keys = keys
        self.stack = contextlib.ExitStack()
        self.manifest: Dict[str, Any] = {}
        self.digest = ""
        self.size = 0

    def __enter__(self: _Opened) -> _Opened:
        where = self.medium.location(self.slot)
        try:
            listing = read_all(self.medium.read(self.slot, SUMS))
        except BackupError as error:
            if error.fault.name != "copy_missing" or not self.expected or self.medium.stocked(self.slot):
                raise
            raise empty(self.medium, self.slot) from error
        self.digest = hashlib.sha256(listing).hexdigest()
        if self.expected and self.expected != self.digest:
            raise BackupError("bytes_differ", file=where + "/" + SUMS,
                              detail="its SHA-256 is {0}, the bitácora has {1}".format(self.digest, self.expected))
        self.sums = sums_file.parse_sums(listing, self.slot.label, where)
        name = sums_file.file_name(self.slot.label)
        text = read_all(self.medium.read(self.slot, name))
        if self.sums.get(name) != hashlib.sha256(text).hexdigest():
            raise BackupError("bytes_differ", file=where + "/" + name, detail="its SHA-256 is not the one in SHA256SUMS")
        self.manifest = manifests.load(text, self.slot.label, where)
        # an archive of 7z is spooled whole: several at once would need room for all
        self.several = self.medium.several and not (self.manifest["encrypted"] and manifests.encryption_format(self.manifest) == "7z")
        strange = set(self.sums).symmetric_difference([name] + [row["file"] for row in self.manifest["parts"]])
        if strange:
            raise BackupError("bytes_differ", file=where + "/" + SUMS,
                              detail="it and the manifest don't list the same files: " + ", ".join(sorted(strange)))
        for row in self.manifest["parts"]:
            if self.sums.get(row["file"]) != row["sha256"]:
                raise BackupError("bytes_differ", file=where + "/" + SUMS, detail=row["file"] + " is not as in the manifest")
        self.size = len(listing) + len(text) + sum(row["size"] for row in self.manifest["parts"])
        return self

    def __exit__(self, *_unused: object) -> None:
        self.stack.close()


class Copy(Listed, PartReader):
    """What verbs ask of a copy, as it is for one whose data are its files. A kind of copy whose data lie elsewhere answers otherwise."""

    subsets: Sequence[str] = ()      # n/t: the n-th of t parts of the data, where these need not be read whole
    forgiving = False                # a person wants what still opens, though its bytes are not those recorded
    of_shared_folders = False        # its data are the files of an office's folders, which come back to assigned paths only

    @classmethod
    def partial(cls, slot: Slot, medium: Medium, keys: encrypt.Keys, repository: str) -> "Copy":
        """What a run that could not read all has left, opened on purpose. Raises copy_missing where such a run leaves nothing."""
        raise BackupError("copy_missing", label="{0} (parcial)".format(slot.label), location=medium.location(slot))

    @abc.abstractmethod
    def unlock(self) -> None:
        """Make ready to give the data. Raises password_needed when the copy is encrypted and no key was given."""

    def verify_bytes(self) -> None:
        """T1: every file has the bytes that were recorded."""
        for row in self.manifest["parts"]:
            digest, size = hashlib.sha256(), 0
            reading = self.medium.read(self.slot, row["file"])
            given = no_more(reading.read, row["size"])
            try:
                for chunk in iter(lambda: given(1 << 20), b""):
                    size += len(chunk)
                    digest.update(chunk)
            finally:
                reading.close()
            if (size, digest.hexdigest()) != (row["size"], row["sha256"]):
                raise BackupError("bytes_differ", file="{0}/{1}".format(self.medium.location(self.slot), row["file"]),
                                  detail=difference(size, digest.hexdigest(), row))

    def verify_for_restore(self) -> None:
        """What a restore asks before it touches its target: all bytes are those recorded, and the copy is ready to give its data."""
        self.verify_bytes()
        self.unlock()

    @abc.abstractmethod
    def verify_structure(self, source: Any) -> List[str]:
        """T2: the data open as what they should be. Gives the methods used."""

    def stands(self, listings: Dict[str, Dict[str, int]]) -> None:
        """Whether its data are there, as far as can be told without a password: what `listings` has is not asked for again. Raises bytes_differ."""

    def prove_kept(self) -> None:
        """What pruning asks of every copy that must stay, which was opened already and so has its list of files."""

    def prove_newest(self) -> None:
        """What pruning asks of the newest good copy before any other goes: all its bytes."""
        self.verify_bytes()

    def give_back(self, lock_timeout: int) -> None:
        """Give back the room of copies that were removed beside this one; the system's lock must be held."""

    def stored(self, medium: Medium) -> Optional[int]:
        """Bytes of all files of what its data share with other copies on a medium; None where they share nothing, or it can't be told."""
        return None

    def check_target(self, target: Medium) -> None:
        """Refuse a medium that `carry` would refuse. Raises the errors of Medium.check."""
        target.check(self.slot, self.size)

    def carry(self, target: Medium, lock_timeout: int = 0) -> str:
        """Write this copy onto another medium, byte for byte, and seal it there. Gives the note for publishing.

        Its bytes are hashed as they are read and as they lie on the target. Raises bytes_differ when either is not what was recorded.
        """
        with target.lock(self.slot, lock_timeout):
            self.check_target(target)
            return bring(self, target)


def newest(medium: Medium, slot: Slot) -> Optional[Dict[str, Any]]:
    """The manifest of the newest copy of the slot's system on a medium; None when there is none that can be read."""
    for name in reversed(medium.labels(slot.kind, slot.system)):
        with contextlib.suppress(BackupError), Listed(slot._replace(label=name), medium) as opened:
            return opened.manifest
    return None
