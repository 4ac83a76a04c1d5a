# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a copy of what is read as a stream, whatever its source and media (numerals 6.6, 6.7, 7.2.1, 7.2.2).

lock ► check ► each part: source ─► compress ─► encrypt ─► hash ─► media ─► read back (T2) ► manifest ► seal
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import re
import socket
import time
from typing import Any, Callable, Dict, List, Optional, Sequence

from ..errors import BackupError
from ..media import sums_file
from ..media.base import Deposit, Medium, Reading, Writing
from ..moments import now
from ..processes.beside import Halt, each
from ..processes.pipeline import Outcome, run
from ..remarks import Remark
from ..sources.base import Part, Source
from ..transforms import compress, encrypt, seven_zip
from . import manifest as manifests
from . import proof, sealing
from .ciphers import Cipher, cipher_for
from .decoding import decode
from .orders import Order, check, prove_closed
from .trail import Trail

_PART_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}\Z")


def make(order: Order, source: Source, media: Sequence[Medium]) -> sealing.Made:
    """Make the copy on all the media at once, verify it there, and seal it. Nothing is published yet.

    When anything fails nothing of it stays on any medium, and the BackupError tells why. Where the source may go on without what it could not
    read, all of it is made once more without that.
    """
    started_at, clock = now(), time.monotonic()
    prove_closed(order, source)
    while True:
        try:
            return _attempt(order, source, media, started_at, clock)
        except BackupError as error:
            if not source.goes_on_without(error):
                raise


def _attempt(order: Order, source: Source, media: Sequence[Medium], started_at: str, clock: float) -> sealing.Made:
    source.preflight()
    with contextlib.ExitStack() as stack:
        for medium in media:
            check(order, medium, source)
            stack.enter_context(medium.lock(order.slot, order.lock_timeout))
        cipher = cipher_for(stack, order.keys, order.encryption_format, order.spool)
        recipients = cipher.fingerprints() if cipher else []
        deposits: List[Deposit] = []
        try:
            for medium in media:
                deposits.append(medium.deposit(order.slot))
            rows, warnings, checks = _parts(order, source, deposits, cipher)
            if sum(row["size_original"] for row in rows) < order.minimum_size:
                raise BackupError("copy_too_small", source=source.describe(), minimum=order.minimum_size,
                                  size=sum(row["size_original"] for row in rows))
            manifest = _manifest(order, source, rows, recipients, started_at, checks, cipher)
            manifest["warnings"] = warnings + source.warnings()
            lacks = source.lacks()
            if lacks:
                manifest["lacks"] = lacks
            if order.keys and order.keys.password:
                manifest[proof.NAME] = proof.made(order.keys.password, manifest)
            files = [sums_file.File(row["file"], row["size"], row["sha256"]) for row in rows]
            sealed = sealing.seal(order.slot, manifest, files, media, deposits, {})
        except BaseException:
            for deposit in deposits:
                deposit.discard()
            raise
    objects = source.objects()
    if objects is None:
        counted = [row["objects"] for row in rows if row["objects"] is not None]
        objects = sum(counted) if counted else None
    fields = dict(
        sealing.told(order.slot, source, media, manifest, sealed, clock), size_original=sum(row["size_original"] for row in rows),
        compression=order.compression, encrypted=bool(cipher), content_digest=source.content_digest() or None, objects=objects,
        lacks=lacks or None, **source.travelled())
    return sealing.Made(sealed.digest, fields, manifest, sealed.notes)


def _parts(order: Order, source: Source, deposits: Sequence[Deposit], cipher: Optional[Cipher]) -> Any:
    rows: List[Dict[str, Any]] = []
    warnings: List[Remark] = []
    checks = ["exit_statuses"] + (["sha256_readback"] if not all(deposit.attested for deposit in deposits) else [])
    checks += ["block_checksums"] if any(deposit.attested for deposit in deposits) else []
    for together, beside in itertools.groupby(source.parts(), key=lambda part: part.together):
        parts = list(beside)
        # an archive of 7z is spooled whole: several at once would need room for all
        several = together is not None and all(deposit.several for deposit in deposits) and not isinstance(cipher, seven_zip.SevenZip)
        with together.opened() if together else contextlib.nullcontext():
            rows += each(lambda part, halt: _part(order, source, part, deposits, cipher, warnings, halt), parts, together.jobs if together and several else 1)
        for method in (part.check().method for part in parts):
            if method and method not in checks:
                checks.append(method)
    return rows, warnings, checks


def _part(order: Order, source: Source, part: Part, deposits: Sequence[Deposit], cipher: Optional[Cipher],
          warnings: List[Remark], halt: Halt) -> Dict[str, Any]:
    """Write a part on all the media and read it back from each: behind the writing where the medium can, else after it.

    A medium that compared every block itself holds what was sent; it is read back only where no other medium is. What is read
    there is the very memory that the service acknowledged, so its SHA-256 is taken from it and not a second time before.
    """
    row: Dict[str, Any] = {
        "name": part.name, "file": _file_name(order, part, cipher), "format": part.format, "size": 0, "size_original": 0,
        "sha256": "", "objects": None, "restore_command": part.restore_command, "facts": part.facts,
    }
    trails: List[Optional[Trail]] = []

    proven = [deposit for deposit in deposits if not deposit.attested] or deposits[:1]
    # a 7z archive is spooled, and hashed as it leaves the spool
    acknowledged = all(deposit.attested for deposit in proven) and not isinstance(cipher, seven_zip.SevenZip)

    def prove(reading: Reading) -> Optional[int]:
        return _read_back(order, part, row, reading, cipher, acknowledged)

    with contextlib.ExitStack() as stack:
        if isinstance(cipher, seven_zip.SevenZip):
            stack.callback(cipher.forget, row["file"])

        def follow(deposit: Deposit) -> Callable[[int], None]:
            following = deposit.follow(row["file"]) if deposit in proven else None
            trails.append(Trail(following, prove) if following else None)
            return stack.enter_context(trails[-1]).wrote if trails[-1] else lambda size: None

        _write_part(order, source, part, row, deposits, cipher, warnings, follow, None if acknowledged else hashlib.sha256(), halt)
        for deposit, trail in zip(deposits, trails):
            if deposit in proven:
                row["objects"] = trail.finish() if trail else prove(deposit.read(row["file"]))
    return row


def _write_part(order: Order, source: Source, part: Part, row: Dict[str, Any], deposits: Sequence[Deposit],
                cipher: Optional[Cipher], warnings: List[Remark], follow: Callable[[Deposit], Callable[[int], None]], digest: Any,
                halt: Halt) -> None:
    """Write a part on all the media and tell `row` what was written, hashed by `digest` if any; what `follow` gives is told of each chunk."""
    size = 0
    writings: List[Writing] = []
    followers: List[Callable[[int], None]] = []

    def feed(chunk: bytes) -> None:
        nonlocal size
        halt.look()
        size += len(chunk)
        if digest:
            digest.update(chunk)
        for writing in writings:
            writing.write(chunk)
        for wrote in followers:
            wrote(len(chunk))

    def begin() -> None:
        for deposit in deposits:
            writings.append(deposit.write(row["file"]))
            followers.append(follow(deposit))

    try:
        archiver = cipher if isinstance(cipher, seven_zip.SevenZip) else None
        if archiver is None:
            begin()
        with part.produce() as produced:
            stages = list(produced) + compress.compressor(order.compression, order.level, order.threads)
            if archiver is not None:
                outcome: Outcome = archiver.write(stages, row["file"], len(produced) - 1)
            else:
                stages += [cipher.encryptor()] if isinstance(cipher, encrypt.Gpg) else []
                room = writings[0].room if len(writings) == 1 else None
                outcome = run(stages, feed, meter_after=len(produced) - 1, room=room, idle=halt.look)
        if archiver is not None:
            begin()
            archiver.hand_over(row["file"], feed)
    except BaseException as error:
        for writing in writings:
            with contextlib.suppress(BackupError):
                writing.close()
        if isinstance(error, BackupError):
            raise source.explain(error) from error
        raise
    _close(writings)
    if outcome.size_first < part.minimum:
        raise BackupError("copy_too_small", source=part.format + " " + part.name, size=outcome.size_first,
                          minimum=part.minimum)
    warnings += outcome.messages()
    row.update(size=size, size_original=outcome.size_first, sha256=digest.hexdigest() if digest else "")


def _close(writings: Sequence[Writing]) -> None:
    """Close them all, whichever fails: the file is on stable storage only when its close says so."""
    with contextlib.ExitStack() as stack:
        for writing in writings:
            stack.callback(writing.close)


def _read_back(order: Order, part: Part, row: Dict[str, Any], reading: Reading, cipher: Optional[Cipher], acknowledged: bool) -> Optional[int]:
    """Trust levels T1 and T2: the bytes on the medium are those that were hashed, and they open as what they should be.

    Of bytes that were `acknowledged` this is where they are hashed, and `row` learns their SHA-256.
    """
    check = part.check()
    plain = decode(reading, row, order.compression, cipher, check.stages(), check.feed, acknowledged)
    if plain != row["size_original"]:
        raise BackupError("structure_unreadable", file=row["file"], format=part.format,
                          detail="{0} bytes came out, {1} went in".format(plain, row["size_original"]))
    return check.finish()


def _file_name(order: Order, part: Part, cipher: Optional[Cipher]) -> str:
    if part.name and not _PART_NAME.match(part.name):
        raise BackupError("invalid_input", where="the name of a part", value=part.name,
                          problem="can't be part of a file name", mend="This is a mistake of the source's code.")
    name = ".".join(piece for piece in (order.slot.label, part.name, part.extension) if piece)
    return name + compress.extension(order.compression) + (cipher.extension if cipher else "")


def _manifest(order: Order, source: Source, rows: List[Dict[str, Any]], recipients: List[str], started_at: str,
              checks: List[str], cipher: Optional[Cipher]) -> Dict[str, Any]:
    form = order.encryption_format if cipher else ""
    manifest = {
        "schema": manifests.SCHEMA,
        "label": order.slot.label,
        "printed_label": order.printed_label,
        "kind": order.slot.kind,
        "system": order.slot.system,
        "server": socket.getfqdn(),
        "source": {"type": source.type, "description": source.describe(), "facts": source.facts()},
        "started_at": started_at,
        "ended_at": now(),
        "compression": order.compression,
        "encrypted": cipher is not None,
        "encryption": cipher.description if cipher else "",
        "encryption_format": form,
        "key_reference": order.key_reference,
        "recipients": recipients,
        "trust_level": "T2",
        "checks": checks,
        "parts": rows,
        "restore": manifests.restore_commands(rows, order.compression, form),
    }
    if form == "7z":
        manifest["restore_windows"] = manifests.windows_commands(rows, order.compression)
    return manifest
