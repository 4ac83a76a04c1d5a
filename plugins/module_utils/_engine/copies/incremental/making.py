# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a copy of a file server (numerals 6.6, 7.2.3): incremental for ever, by restic.

lock ► check ► restic backup ► new files of the repository read back (T2) ► the same on the other media ► manifest ► seal
Publishing, and all that is done with a published copy, is as for any kind. The manifest names the snapshot's tree, which is the
root of a Merkle tree over every byte of it, so the sum of SHA256SUMS names them too.

T2 by induction: a copy reads back each file that restic added to the repository, and compares its SHA-256 with its name; what the snapshot
shares with earlier ones was proved by the runs that wrote it. Structure and old data are read again by `SnapshotCopy.verify_structure`.
"""

from __future__ import annotations

import contextlib
import time
from typing import Any, List, Mapping, Optional, Sequence, Tuple

from ...errors import BackupError
from ...media import sums_file
from ...media.base import Deposit, Medium, Slot
from ...moments import now
from ...remarks import Remark
from ...restic import repositories, second_key
from ...restic.repositories import Repository
from ...sources.restic import Files
from .. import sealing
from ..base import newest
from ..orders import check
from .backup import FilesOrder, back_up
from .carrying import bring_everywhere, have
from .manifest import manifest_of

_SHARED_WAIT = 3600     # seconds
_LESS = 2      # a copy of this part of the last one's files is told: a disk that is not mounted leaves what lies in its mount point


def make(order: FilesOrder, source: Files, media: Sequence[Medium]) -> sealing.Made:
    """Make the copy on the first medium, bring the same snapshot to the others, verify it on each, and seal it. Nothing is published yet.

    When anything fails no copy stays on any medium and the BackupError tells why. copy_partial is one of these.
    """
    started_at, clock, base = now(), time.monotonic(), order.base
    if base.keys is None or not base.keys.password:
        raise BackupError("password_needed", label=base.slot.label, key_reference=base.key_reference or "the repository's name")
    source.preflight()
    with contextlib.ExitStack() as stack:
        opened: List[Repository] = []
        for medium in media:
            check(base, medium, source)
            stack.enter_context(medium.lock(base.slot, base.lock_timeout))
            place = repositories.on(medium, order.repository)
            # what others share is busy in every run of several servers: that is no error of anybody's
            patience = base.lock_timeout if order.repository == base.slot.system else max(base.lock_timeout, _SHARED_WAIT)
            stack.enter_context(medium.lock(place.slot, patience))
            opened.append(Repository(place, base.keys.password, patience))
            stack.enter_context(opened[-1].restic)
        deposits: List[Deposit] = []
        made: List[Tuple[Repository, str]] = []
        try:
            for medium in media:
                deposits.append(medium.deposit(base.slot))
            for repository in opened:
                have(base.slot, repository, None if repository is opened[0] else opened[0].restic)
            before = _last(opened[0], base.slot)
            key = second_key.have(opened, order.public_keys)
            summary, warnings = back_up(order, source, opened[0], started_at, made)
            snapshots = bring_everywhere(base.slot, opened, summary["snapshot"], made)
            if summary["total_bytes_processed"] < base.minimum_size:
                raise BackupError("copy_too_small", source=source.describe(), minimum=base.minimum_size, size=summary["total_bytes_processed"])
            manifest = manifest_of(order, source, opened, snapshots, summary, key, started_at)
            manifest["warnings"] = [*warnings, *key.remarks, *(row for each in opened for row in each.place.remarks()), *_fewer(before, summary)]
            files = [sums_file.file_of_bytes(row["file"], key.sealed) for row in manifest["parts"]]
            sealed = sealing.seal(base.slot, manifest, files, media, deposits, {row["file"]: key.sealed for row in manifest["parts"]})
        except BaseException:
            for deposit in deposits:
                deposit.discard()
            for repository, snapshot in made:
                with contextlib.suppress(BackupError):  # the next run forgets it, and proves its files before it calls anything a copy
                    repository.undo(snapshot)
            raise
    fields = sealing.told(base.slot, source, media, manifest, sealed, clock)
    fields.update(
        size=sealed.size + opened[0].added, size_original=summary["total_bytes_processed"], compression="zstd", encrypted=True,
        content_digest=snapshots[0]["tree"], objects=summary["total_files_processed"], files_new=summary["files_new"],
        files_changed=summary["files_changed"], files_unmodified=summary["files_unmodified"], data_added=summary["data_added"], repository=order.repository,
        repository_sizes=[repositories.size_of(repository.before) for repository in opened])
    return sealing.Made(sealed.digest, fields, manifest, sealed.notes)


def _last(repository: Repository, slot: Slot) -> Optional[Mapping[str, Any]]:
    """The last manifest of the system there; None where there is none, or this server may not look."""
    with contextlib.suppress(BackupError):
        return newest(repository.place.shelf, slot)
    return None


def _fewer(last: Optional[Mapping[str, Any]], summary: Mapping[str, Any]) -> List[Remark]:
    """What is to be told of a copy that has far fewer files than the last one."""
    then = last["restic"].get("total_files_processed") if last and "restic" in last else None
    if not isinstance(then, int) or summary["total_files_processed"] * _LESS >= then:
        return []
    return [Remark("far_fewer", count=summary["total_files_processed"], label=str(last["label"]) if last else "", before=then)]
