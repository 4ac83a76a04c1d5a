# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A repository of restic (repository_places.py says where it lies and of what files), opened by its password: made, marked, proved, reassured."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence

from ..errors import BackupError
from ..filesystem import scope
from ..media.base import Medium
from ..media.far import Far
from ..media.local import Local
from . import repository_places
from .repository_places import LocalPlace, Place
from .restic import Restic
from .words import tells_damage

# what the others call a repository's kind and directory
KIND, DIRECTORY = repository_places.KIND, repository_places.DIRECTORY


def on(medium: Medium, name: str) -> Place:
    """The repository of that name on a medium. Raises kind_not_on_medium."""
    if isinstance(medium, Local):
        return LocalPlace(medium, name)
    if isinstance(medium, Far):
        from .far_repositories import place_there

        return place_there(medium, name)
    from .azure_repository import place_on  # copies on other media need none of the network's modules

    return place_on(medium, name)


def fresh(before: Mapping[str, int], after: Mapping[str, int]) -> List[str]:
    """The files that came since."""
    return sorted(name for name in after if name not in before and not name.startswith("locks/"))


def _but_locks(files: Mapping[str, int]) -> Dict[str, int]:
    return {name: size for name, size in files.items() if not name.startswith("locks/")}


def size_of(files: Mapping[str, int]) -> int:
    """Bytes of a repository with these files."""
    return sum(_but_locks(files).values())


def stands(files: Mapping[str, int], snapshot: str) -> bool:
    """Whether a repository with these files has a snapshot."""
    return "snapshots/" + snapshot in files


class Repository:
    """A repository on one medium, opened with the institution's password."""

    def __init__(self, place: Place, password: str, patience: int = 0, reads: bool = False) -> None:
        self.place = place
        self.password = password
        place.unlocked_with(password)
        self.restic = Restic(place.access(), password, patience=patience, reads=reads)
        self.before: Mapping[str, int] = {}
        self.added = 0      # bytes that came since it was looked at first

    def look(self) -> bool:
        """List its files. Whether it is there."""
        self.before = self.place.cleared(self.place.files())
        return "config" in self.before

    def begin(self, origin: Optional[Restic]) -> None:
        """Make it. With `origin` it cuts files where that repository does, so that what is brought from there is stored once."""
        self.place.begin(self.restic, self.password, ["init", "--repository-version", "2"] + (["--copy-chunker-params"] if origin else []), origin)

    def unlock(self) -> None:
        """Remove the locks of dead runs, by restic's own rule; never those of living ones."""
        if any(name.startswith("locks/") for name in self.before) and not (self.restic.access.reads_only or self.restic.unlocked):
            self.restic.call(["unlock"])

    def mark(self, snapshot: str, tag: str) -> None:
        """Give a snapshot a tag more, which makes it another: where this server may not remove the first, the controller does it."""
        if not self.place.append_only:
            self.restic.call(["tag", "--quiet", "--add", tag, snapshot])

    def prove(self) -> None:
        """Read back every file that no run has proved."""
        after = self.place.files()
        self.added += sum(after[name] for name in fresh(self.before, after))
        self.before = after
        self.place.prove_new(_but_locks(after))

    def snapshots(self) -> List[Dict[str, Any]]:
        return list(self.restic.answer("snapshots") or [])

    def forget(self, ids: Sequence[str]) -> None:
        """Forget snapshots. Where this server may not, the controller does when it removes copies."""
        if ids and not self.place.append_only:
            self.restic.call(["forget", "--quiet", *ids])

    def prune(self, ids: Sequence[str]) -> None:
        """Forget snapshots, and give back the room of what no other names: in one call, which opens the repository once."""
        self.restic.call(["forget", "--quiet", "--prune", *ids] if ids and not self.place.append_only else ["prune", "--quiet"])

    def is_rid_of(self, ids: Sequence[str]) -> None:
        """Raises snapshots_stay where one of these, which were forgotten, is still there: from 0.17 on restic ends with 0 all the same (restic 5233)."""
        there = self.before if not self.place.append_only else {}
        staying = [each[:8] for each in ids if "snapshots/" + each in there]
        if staying:
            raise BackupError("snapshots_stay", location=self.place.location, count=len(staying), snapshots=scope.some(staying))

    def undo(self, snapshot: str) -> None:
        """Forget a snapshot that became no copy, and drop the files that only it used: one of them may be damaged."""
        if self.place.append_only:
            return
        self.forget([snapshot])
        self.restic.call(["prune", "--quiet", "--max-unused", "unlimited"])
        self.place.settle(self.place.files())

    def reassure(self) -> None:
        """Where a file that was proved is gone, or the ledger can't tell, or a verification doubted, restic must find everything in order.

        Raises structure_unreadable, bytes_differ.
        """
        lost = self.place.lost(self.before)
        if self.place.disbelieved(self.before):
            self.place.doubt()     # until restic has said so: what is proved next names them all
            self.place.prove_new(_but_locks(self.before))
        elif not lost:
            return
        try:
            self.restic.call(["check", "--quiet"])
        except BackupError as error:
            if not tells_damage(error):
                raise
            raise BackupError("structure_unreadable", file=self.place.location, format="restic repository",
                              detail=error.details["detail"] + (" (missing: {0})".format(scope.some(lost)) if lost else "")) from error
        self.place.settle(self.before)
