# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A snapshot, brought to another repository with all that it names."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ...errors import BackupError
from ...media.base import Medium, Slot
from ...restic import repositories, restic, second_key
from ...restic.repositories import Repository
from ..base import newest
from ..carrying import bring
from .pruning import forget_superfluous

if TYPE_CHECKING:
    from .reading import SnapshotCopy


def have(slot: Slot, repository: Repository, origin: Optional[restic.Restic]) -> None:
    """Have a repository that what comes next may count on. One that is missing where copies lie that need it is a loss, not a beginning.

    Raises repository_missing, structure_unreadable, bytes_differ.
    """
    medium = repository.place.shelf
    if repository.look():
        repository.unlock()
        repository.reassure()
        return
    if medium.labels(slot.kind, slot.system) and _needs(medium, slot, repository.place.name):
        raise BackupError("repository_missing", location=repository.place.location, system=slot.system)
    repository.begin(origin)
    repository.prove()


def _needs(medium: Medium, slot: Slot, name: str) -> bool:
    last = newest(medium, slot)
    return last is None or last["restic"]["repository"] == name


def bring_everywhere(slot: Slot, opened: Sequence[Repository], original: Mapping[str, Any], made: List[Tuple[Repository, str]]) -> List[Mapping[str, Any]]:
    """The same snapshot in the repositories of the other media, each proved there. Gives the snapshots, in the order of the media."""
    first = opened[0]
    found: List[Mapping[str, Any]] = [original]
    for other in opened[1:]:
        there = copied(first, other, slot.label, original)
        made.append((other, there["id"]))
        other.prove()
        forget_superfluous(other, there.pop("others"), slot)
        found.append(there)
    return found


def copied(first: Repository, other: Repository, label: str, original: Mapping[str, Any]) -> Dict[str, Any]:
    """Bring a snapshot to another repository. Gives it as it is there; its tree is the same, so is every byte it names."""
    other.restic.call(["copy", "--quiet", original["id"]], origin=first.restic)
    snapshots = other.snapshots()
    there = [row for row in snapshots if row["tree"] == original["tree"] and label in (row.get("tags") or ())]
    if not there:
        raise BackupError("structure_unreadable", file=other.place.location, format="restic repository", detail="the snapshot did not arrive")
    return dict(there[0], others=[row for row in snapshots if row is not there[0]])


def carry(opened: SnapshotCopy, target: Medium, lock_timeout: int = 0) -> str:
    """Bring a published copy to another medium: its snapshot by restic, proved there, then its files as of any copy, sealed. Gives the note for publishing.

    The repository there opens with the institution's password and with the second key.
    """
    slot, place = opened.slot, repositories.on(target, opened.manifest["restic"]["repository"])
    target.check(slot, opened.size)
    with target.lock(slot, lock_timeout), target.lock(place.slot, lock_timeout):
        original = opened.row()
        other = Repository(place, opened.repository.password, lock_timeout)
        with other.restic:
            have(slot, other, opened.restic())
            there = copied(opened.repository, other, slot.label, original)
            try:
                other.prove()
                if opened.manifest["parts"]:
                    second_key.hand_over(opened.manifest["recipients"], opened.repository, other)
                return bring(opened, target)
            except BaseException:
                with contextlib.suppress(BackupError):  # the next run forgets it
                    other.undo(there["id"])
                raise
