# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a file of a copy: its bytes hashed, and opened as what they should be."""

from __future__ import annotations

import hashlib
from typing import Any, Callable, Dict, Optional, Sequence

from ..errors import BackupError
from ..filesystem import room
from ..media.base import Reading
from ..processes.pipeline import Stage, run
from ..transforms import compress, packets, seven_zip
from .ciphers import Cipher

_WRITERS = ("tar", "git")      # stages that write files


def decode(reading: Reading, row: Dict[str, Any], compression: str, cipher: Optional[Cipher],
           stages: Sequence[Stage], feed: Callable[[bytes], None], unhashed: bool = False, forgiving: bool = False) -> int:
    """Read a file of a copy, hash it, and send its plain bytes through `stages` into `feed`. Gives the plain size.

    With `unhashed`, `row` has no SHA-256 yet and learns it. With `forgiving`, bytes other than those recorded are given too, as far as they open.
    """
    if isinstance(cipher, seven_zip.SevenZip):
        return _archive(reading, row, compression, cipher, stages, feed, forgiving)
    digest, size, plain = hashlib.sha256(), 0, 0
    closed = packets.Proof(row["file"]) if cipher else None

    def read(wanted: int) -> bytes:
        nonlocal size
        chunk = reading.read(wanted)
        size += len(chunk)
        digest.update(chunk)
        if closed:
            closed.look(chunk)
        return chunk

    def count(chunk: bytes) -> None:
        nonlocal plain
        plain += len(chunk)
        feed(chunk)

    fault = None
    try:
        undo = ([cipher.decryptor()] if cipher else []) + compress.decompressor(compression)
        try:
            if undo and stages:
                plain = run(undo + list(stages), feed, reader=read, meter_after=len(undo) - 1).size_first
            elif undo:
                run(undo, count, reader=read, meter_after=-1)
            elif stages:
                run(stages, feed, reader=read, meter_after=-1)
                plain = size
            else:
                for chunk in iter(lambda: bytes(read(1 << 20)), b""):
                    count(chunk)
        except BackupError as error:
            fault = _reading_fault(error, row, cipher, undo)
        if fault is None or fault.fault.name in ("structure_unreadable", "password_wrong", "restore_impeded", "never_encrypted"):
            closed = None
            while read(1 << 20):
                pass  # a stage that stopped early left bytes unread: the hash is of the whole file
            if unhashed:
                row["sha256"] = digest.hexdigest()
            if not forgiving and (size, digest.hexdigest()) != (row["size"], row["sha256"]):
                fault = BackupError("bytes_differ", file=row["file"], detail=difference(size, digest.hexdigest(), row))
    finally:
        reading.close()
    if fault is not None:
        raise fault
    return plain


def _archive(reading: Reading, row: Dict[str, Any], compression: str, archiver: seven_zip.SevenZip,
             stages: Sequence[Stage], feed: Callable[[bytes], None], forgiving: bool) -> int:
    """As `decode`, for a file that can't be opened before its end is read: its bytes are compared first."""
    ours = row["file"] in archiver.written
    try:
        # open to the end: where it lies on a medium of this server, the program reads the same file, whatever has its name by then
        path, size, digest = archiver.take(reading, row["file"])
        if not forgiving and (size, digest) != (row["size"], row["sha256"]):
            raise BackupError("bytes_differ", file=row["file"], detail=difference(size, digest, row))
        undo = [archiver.decryptor(path)] + compress.decompressor(compression)
        try:
            archiver.prove_encrypted(path, row["file"])
            outcome = run(undo + list(stages), feed, meter_after=len(undo) - 1)
        except BackupError as error:
            raise _reading_fault(error, row, archiver, undo) from error
        return outcome.size_first
    finally:
        reading.close()
        if not ours:
            archiver.forget(row["file"])


def no_more(read: Callable[[int], bytes], recorded: int) -> Callable[[int], bytes]:
    """Reads a file to its end, but no more than one byte beyond what was recorded, which tells that it is another: a medium may give bytes for ever."""
    left = recorded + 1

    def limited(wanted: int) -> bytes:
        nonlocal left
        chunk = read(min(wanted, left)) if left > 0 else b""
        left -= len(chunk)
        return chunk

    return limited


def difference(size: int, digest: str, row: Dict[str, Any]) -> str:
    """What is said of bytes that are not those of a file's row."""
    return "{0} bytes with SHA-256 {1}, recorded {2} bytes with {3}".format(size, digest, row["size"], row["sha256"])


def _reading_fault(error: BackupError, row: Dict[str, Any], cipher: Optional[Cipher], undo: Sequence[Stage]) -> BackupError:
    if error.fault.name != "stage_failed":
        return error
    stage, detail = error.details["stage"], error.details["detail"]
    if cipher and cipher.refused(stage, detail):
        return BackupError("password_wrong", file=row["file"])
    if any(stage == one.name for one in undo):
        return BackupError("structure_unreadable", file=row["file"], format=row["format"], detail=error.message)
    if stage.startswith(_WRITERS) and room.is_full(detail):
        # a full disk says nothing of what was to be written on it; databases judge what their clients say themselves
        return BackupError("restore_impeded", label=row["file"], directory="scratch / target", detail="{0}: {1}".format(stage, detail))
    return BackupError("structure_unreadable", file=row["file"], format=row["format"],
                       detail="{0}: {1}".format(stage, detail))
