# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of making a copy: its manifest and its list of sums beside its files, on every medium, and the seal of each."""

from __future__ import annotations

import hashlib
import time
from typing import Any, Dict, List, Mapping, NamedTuple, Sequence

from ..errors import BackupError
from ..media import sums_file
from ..media.base import SUMS, Deposit, Medium, Slot, read_all
from ..sources.base import Source
from . import manifest as manifests


class Made(NamedTuple):
    """A sealed copy."""

    digest: str
    fields: Dict[str, Any]       # of the backup structure, without event and context
    manifest: Dict[str, Any]
    notes: Dict[str, str]        # name of a medium -> what publishing there must be told


class Sealed(NamedTuple):
    """What lies sealed on every medium; the size is in bytes, of all files."""

    digest: str
    files: List[sums_file.File]
    size: int
    notes: Dict[str, str]        # name of a medium -> what publishing there must be told


def seal(slot: Slot, manifest: Mapping[str, Any], written: Sequence[sums_file.File], media: Sequence[Medium], deposits: Sequence[Deposit],
         small: Mapping[str, bytes]) -> Sealed:
    """Write what completes a copy and seal it on each medium: the files `small`, the manifest, the sums of all.

    `written` are the files that lie there already and those of `small`. Raises bytes_differ for one that reads back otherwise.
    """
    text, name = manifests.dump(manifest), sums_file.file_name(slot.label)
    files = [*written, sums_file.file_of_bytes(name, text)]
    listing = sums_file.sums(files)
    for deposit in deposits:
        for file, content in {**small, name: text, SUMS: listing}.items():
            write_small(deposit, file, content)
    notes = {medium.name: note for medium, note in ((medium, deposit.seal()) for medium, deposit in zip(media, deposits)) if note}
    return Sealed(hashlib.sha256(listing).hexdigest(), files, sum(file.size for file in files) + len(listing), notes)


def write_small(deposit: Deposit, file: str, content: bytes) -> None:
    """Write a small file of a copy and read it back from the medium."""
    writing = deposit.write(file)
    try:
        writing.write(content)
    finally:
        writing.close()
    if not deposit.attested and read_all(deposit.read(file)) != content:
        raise BackupError("bytes_differ", file=file, detail="it reads back otherwise than it was written")


def told(slot: Slot, source: Source, media: Sequence[Medium], manifest: Mapping[str, Any], sealed: Sealed, clock: float) -> Dict[str, Any]:
    """What the entry of every copy tells, of the backup structure; `clock` is the monotonic time of its beginning."""
    return dict(
        source_type=source.type, source=source.describe(), started_at=manifest["started_at"], ended_at=manifest["ended_at"],
        duration_ms=int((time.monotonic() - clock) * 1000),
        medium=", ".join(medium.name for medium in media), location=", ".join(medium.location(slot) for medium in media),
        parts=[{"name": file.name, "size": file.size, "sha256": file.sha256} for file in sealed.files], size=sealed.size,
        trust_level=manifest["trust_level"], checks=manifest["checks"], recipients=manifest["recipients"],
        key_reference=manifest["key_reference"] or None, sha256=sealed.digest, warnings=manifest["warnings"],
    )
