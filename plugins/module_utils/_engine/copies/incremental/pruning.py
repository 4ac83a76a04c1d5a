# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The snapshots that no copy names, and the room they take."""

from __future__ import annotations

import contextlib
from typing import Any, List, Mapping, Sequence

from ... import label as labels
from ...errors import BackupError
from ...media.base import Medium, Slot
from ...restic import names, repositories
from ...restic.repositories import Repository


def prune(slot: Slot, medium: Medium, manifest: Mapping[str, Any], password: str, lock_timeout: int = 0, snapshots: Sequence[Mapping[str, Any]] = ()) -> None:
    """Forget the snapshots of copies that lost their names, and of dead runs, and give their space back. The system's lock must be held.

    `snapshots` are those of the repository, where they were listed since that lock was taken.
    """
    place = repositories.on(medium, manifest["restic"]["repository"])
    with medium.lock(place.slot, lock_timeout):
        repository = Repository(place, password, lock_timeout)
        with repository.restic:
            if not repository.look():
                raise BackupError("repository_missing", location=place.location, system=slot.system)
            repository.unlock()
            place.sweep()
            superfluous = _superfluous(snapshots or repository.snapshots(), slot, medium, max(medium.labels(slot.kind, slot.system)))
            repository.prune(superfluous)
            repository.prove()
            repository.is_rid_of(superfluous)
            place.settle(repository.before)


def forget_superfluous(repository: Repository, snapshots: Sequence[Mapping[str, Any]], slot: Slot) -> None:
    """What no copy names. Where this server may not remove, the controller does it with the next copies that go."""
    if not repository.place.append_only:
        repository.forget(_superfluous(snapshots, slot, repository.place.shelf, ""))


def _superfluous(snapshots: Sequence[Mapping[str, Any]], slot: Slot, medium: Medium, partial_before: str) -> List[str]:
    """The snapshots of a system that no copy names: of copies that were removed, of runs that died, and partial ones of labels before the one given."""
    standing = set(medium.labels(slot.kind, slot.system))
    found = {}
    for row in snapshots:
        tags = row.get("tags") or ()
        for tag in tags:
            if _of(tag, slot.system) and tag not in standing and (names.PARTIAL_TAG not in tags or tag < partial_before):
                found[row["id"]] = tag
    if not found:
        return []
    waiting = {row.name for row in medium.survey() if row.kind == slot.kind and row.system == slot.system}
    return [snapshot for snapshot, tag in found.items() if ".{0}.sealed".format(tag) not in waiting]


def _of(tag: str, system: str) -> bool:
    with contextlib.suppress(BackupError):
        return labels.parse(tag).system == system
    return False
