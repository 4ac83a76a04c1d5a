# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one way a copy is made, read and proved, whatever its source and medium.

make:    lock ► check ► each part: source ─► compress ─► encrypt ─► hash ─► media ─► read back (T2) ► manifest ► seal
publish: the sealed copy gets its name by one rename
verify:  hashes of all files (T1), structure of all parts (T2), restored into scratch (T3)
restore: verify the bytes, then bring the parts home
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import re
import socket
import sys
import threading
import time
from types import MappingProxyType
from typing import Any, Callable, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

from . import manifest as manifests
from . import programs
from .errors import BackupError
from .media.base import SUMS, Deposit, Following, Medium, Reading, Slot, Writing, read_all
from .pipeline import Outcome, Stage, run
from .sources.base import Part, PartReader, Source
from .transforms import compress, encrypt, seven_zip

# Bytes written between two times that a file is brought to stable storage and read back that far.
_STRIDE = 16 << 20

# What encrypts: gpg within the pipeline, 7-Zip beside it (see seven_zip.py).
Cipher = Union[encrypt.Gpg, seven_zip.SevenZip]

_PART_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}\Z")


class Order(NamedTuple):
    """What is to be made, under which label and how. The sizes are bytes, the times seconds."""

    slot: Slot
    printed_label: str = ""
    compression: str = "zstd"
    level: Optional[int] = None
    threads: int = 0
    keys: Optional[encrypt.Keys] = None
    key_reference: str = ""
    encryption_format: str = "gpg"
    spool: str = ""                  # parent of the spool directory of 7z
    minimum_size: int = 1
    previous_size: int = 0
    lock_timeout: int = 0
    known_on: Sequence[str] = ()     # names of the media where the bitácora knows copies of this system


class Made(NamedTuple):
    """A sealed copy."""

    digest: str
    fields: Dict[str, Any]       # of the backup structure, without event and context
    manifest: Dict[str, Any]
    notes: Dict[str, str]        # name of a medium -> what publishing there must be told


def now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def make(order: Order, source: Source, media: Sequence[Medium]) -> Made:
    """Make the copy on all the media at once, verify it there, and seal it. Nothing is published yet.

    When anything fails nothing of it stays on any medium, and the BackupError tells why.
    """
    started_at, clock = now(), time.monotonic()
    source.preflight()
    with contextlib.ExitStack() as stack:
        for medium in media:
            check(order, medium)
            stack.enter_context(medium.lock(order.slot, order.lock_timeout))
        cipher = _cipher(stack, order.keys, order.encryption_format, order.spool)
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
            manifest["warnings"] = warnings = warnings + source.warnings()
            files = [manifests.File(row["file"], row["size"], row["sha256"]) for row in rows]
            text = manifests.dump(manifest)
            files.append(manifests.file_of_bytes(manifests.file_name(order.slot.label), text))
            listing = manifests.sums(files)
            for deposit in deposits:
                write_small(deposit, manifests.file_name(order.slot.label), text)
                write_small(deposit, SUMS, listing)
            notes = {medium.name: note for medium, note in ((medium, deposit.seal()) for medium, deposit in zip(media, deposits)) if note}
        except BaseException:
            for deposit in deposits:
                deposit.discard()
            raise
    digest = hashlib.sha256(listing).hexdigest()
    objects = source.objects()
    if objects is None:
        counted = [row["objects"] for row in rows if row["objects"] is not None]
        objects = sum(counted) if counted else None
    fields = dict(
        source_type=source.type, source=source.describe(), started_at=started_at, ended_at=manifest["ended_at"],
        duration_ms=int((time.monotonic() - clock) * 1000),
        medium=", ".join(medium.name for medium in media),
        location=", ".join(medium.location(order.slot) for medium in media),
        parts=[{"name": file.name, "size": file.size, "sha256": file.sha256} for file in files],
        size=sum(file.size for file in files) + len(listing),
        size_original=sum(row["size_original"] for row in rows),
        compression=order.compression, encrypted=bool(cipher), key_reference=order.key_reference or None,
        recipients=recipients, trust_level="T2", checks=checks, sha256=digest,
        content_digest=source.content_digest() or None, objects=objects, warnings=warnings,
    )
    return Made(digest, fields, manifest, notes)


def carry(slot: Slot, source: Medium, target: Medium, expected: str, lock_timeout: int = 0) -> Tuple[Copy, str]:
    """Write a published copy onto another medium, byte for byte, and seal it there. Gives the copy, and the note for publishing.

    Its bytes are hashed as they are read and as they lie on the target. Raises bytes_differ when either is not what was recorded.
    """
    with Copy(slot, source, None, expected) as opened, target.lock(slot, lock_timeout):
        target.check(slot, opened.size)
        return opened, bring(opened, target)


def bring(opened: Copy, target: Medium) -> str:
    """Write the files of an opened copy onto another medium, whose lock is held, and seal it there. Gives the note for publishing."""
    deposit = target.deposit(opened.slot)
    try:
        for name in [*opened.sums, SUMS]:
            _carry_file(opened.slot, opened.medium, deposit, name, opened.sums.get(name, opened.digest))
        return deposit.seal()
    except BaseException:
        deposit.discard()
        raise


def _carry_file(slot: Slot, source: Medium, deposit: Deposit, name: str, expected: str) -> None:
    digest = hashlib.sha256()
    reading = source.read(slot, name)
    try:
        writing = deposit.write(name)
        try:
            for chunk in iter(lambda: reading.read(1 << 20), b""):
                digest.update(chunk)
                writing.write(chunk)
        finally:
            writing.close()
    finally:
        reading.close()
    if digest.hexdigest() != expected:
        raise BackupError("bytes_differ", file="{0}/{1}".format(source.location(slot), name), detail=_other(digest.hexdigest(), expected))
    if deposit.attested:
        return
    there, written = hashlib.sha256(), deposit.read(name)
    try:
        for chunk in iter(lambda: written.read(1 << 20), b""):
            there.update(chunk)
    finally:
        written.close()
    if there.hexdigest() != expected:
        raise BackupError("bytes_differ", file=name, detail="on the target, " + _other(there.hexdigest(), expected))


def _other(found: str, expected: str) -> str:
    return "its SHA-256 is {0}, recorded {1}".format(found, expected)


def check(order: Order, medium: Medium) -> None:
    """Refuse a medium before any work. One that is known to hold copies of the system, and has not even its shelf, is not mounted."""
    medium.check(order.slot, max(order.previous_size, order.minimum_size))
    if medium.name in order.known_on and not medium.stocked(order.slot):
        raise _empty(medium, order.slot)


def _empty(medium: Medium, slot: Slot) -> BackupError:
    return BackupError("medium_empty", location=medium.location(slot).rpartition("/" + slot.shelf)[0])


def publish(slot: Slot, digest: str, media: Sequence[Medium], notes: Mapping[str, str] = MappingProxyType({})) -> bool:
    """Publish the sealed copy on every medium. False when it was there already, the same bytes, on all of them."""
    published: List[Medium] = []
    with contextlib.ExitStack() as stack:
        for medium in media:
            stack.enter_context(medium.lock(slot, 60))
        try:
            for medium in media:
                if medium.publish(slot, digest, notes.get(medium.name, "")):
                    published.append(medium)
        except BackupError:
            # on all media or on none: no copy has a name that the run will call failed
            _withdraw(slot, published)
            raise
    return bool(published)


def withdraw(slot: Slot, media: Sequence[Medium]) -> None:
    """Take back a publishing of this run, since another medium failed. Never raises: the first cause is what is told."""
    for medium in media:
        with contextlib.suppress(BackupError), medium.lock(slot, 60):
            medium.withdraw(slot)


def _withdraw(slot: Slot, published: Sequence[Medium]) -> None:
    for medium in published:
        with contextlib.suppress(BackupError):
            medium.withdraw(slot)


def _parts(order: Order, source: Source, deposits: Sequence[Deposit], cipher: Optional[Cipher]) -> Any:
    rows: List[Dict[str, Any]] = []
    warnings: List[str] = []
    checks = ["exit_statuses"] + (["sha256_readback"] if not all(deposit.attested for deposit in deposits) else [])
    checks += ["block_checksums"] if any(deposit.attested for deposit in deposits) else []
    for part in source.parts():
        row = _part(order, source, part, deposits, cipher, warnings)
        method = part.check().method
        if method and method not in checks:
            checks.append(method)
        rows.append(row)
    return rows, warnings, checks


def _part(order: Order, source: Source, part: Part, deposits: Sequence[Deposit], cipher: Optional[Cipher],
          warnings: List[str]) -> Dict[str, Any]:
    """Write a part on all the media and read it back from each: behind the writing where the medium can, else after it.

    A medium that compared every block itself holds what was sent; it is read back only where no other medium is. What is read
    there is the very memory that the service acknowledged, so its SHA-256 is taken from it and not a second time before.
    """
    row: Dict[str, Any] = {
        "name": part.name, "file": _file_name(order, part, cipher), "format": part.format, "size": 0, "size_original": 0,
        "sha256": "", "objects": None, "restore_command": part.restore_command, "facts": part.facts,
    }
    trails: List[Optional[_Trail]] = []

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
            trails.append(_Trail(following, prove) if following else None)
            return stack.enter_context(trails[-1]).wrote if trails[-1] else lambda size: None

        _write_part(order, source, part, row, deposits, cipher, warnings, follow, None if acknowledged else hashlib.sha256())
        for deposit, trail in zip(deposits, trails):
            if deposit in proven:
                row["objects"] = trail.finish() if trail else prove(deposit.read(row["file"]))
    return row


def _write_part(order: Order, source: Source, part: Part, row: Dict[str, Any], deposits: Sequence[Deposit],
                cipher: Optional[Cipher], warnings: List[str], follow: Callable[[Deposit], Callable[[int], None]], digest: Any) -> None:
    """Write a part on all the media and tell `row` what was written, hashed by `digest` if any; what `follow` gives is told of each chunk."""
    size = 0
    writings: List[Writing] = []
    followers: List[Callable[[int], None]] = []

    def feed(chunk: bytes) -> None:
        nonlocal size
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
                outcome = run(stages, feed, meter_after=len(produced) - 1, room=room)
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


class _Trail(threading.Thread):
    """Reads a file back behind its writer, never past what is on stable storage: what is proved is what the medium holds,
    and the proof ends shortly after the writing. Leaving its context ends it, whatever happened.
    """

    def __init__(self, following: Following, prove: Callable[[Reading], Optional[int]]) -> None:
        super().__init__(daemon=True)
        self.following = following
        self.prove = prove
        self.news = threading.Condition()
        self.written = self.settled = self.position = 0
        self.whole = self.abandoned = False
        self.objects: Optional[int] = None
        self.error: Optional[BaseException] = None

    def __enter__(self) -> "_Trail":
        self.start()
        return self

    def __exit__(self, *_unused: object) -> None:
        with self.news:
            self.abandoned = True
            self.news.notify()
        self.join()
        self.following.close()

    def wrote(self, size: int) -> None:
        with self.news:
            self.written += size
            self.news.notify()

    def finish(self) -> Optional[int]:
        """The file is written and closed: read it to its end. Raises what the reading raised."""
        with self.news:
            self.whole = True
            self.news.notify()
        self.join()
        if self.error is not None:
            raise self.error
        return self.objects

    def run(self) -> None:
        try:
            self._settle()  # nothing is started for a reading before there is something to read
            self.objects = self.prove(Reading(self._read, lambda: None))
        except BaseException as error:  # given to the caller's thread by finish()
            self.error = error

    def _read(self, wanted: int) -> bytes:
        while self.position >= self.settled:
            self._settle()
        if self.abandoned:
            raise _Abandoned()
        chunk = self.following.read(min(wanted, self.settled - self.position))
        self.position += len(chunk)
        return chunk

    def _settle(self) -> None:
        with self.news:
            self.news.wait_for(lambda: self.whole or self.abandoned or self.written - self.settled >= (self.following.stride or _STRIDE))
            whole = self.whole
        if self.abandoned:
            raise _Abandoned()
        settled = self.following.settle()
        self.settled = sys.maxsize if whole else settled


class _Abandoned(Exception):
    """The writing failed, so nothing is left to be proved."""


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
    plain = _decode(reading, row, order.compression, cipher, check.stages(), check.feed, acknowledged)
    if plain != row["size_original"]:
        raise BackupError("structure_unreadable", file=row["file"], format=part.format,
                          detail="{0} bytes came out, {1} went in".format(plain, row["size_original"]))
    return check.finish()


def _decode(reading: Reading, row: Dict[str, Any], compression: str, cipher: Optional[Cipher],
            stages: Sequence[Stage], feed: Callable[[bytes], None], unhashed: bool = False) -> int:
    """Read a file of a copy, hash it, and send its plain bytes through `stages` into `feed`. Gives the plain size.

    With `unhashed`, `row` has no SHA-256 yet and learns it.
    """
    if isinstance(cipher, seven_zip.SevenZip):
        return _decode_archive(reading, row, compression, cipher, stages, feed)
    digest, size, plain = hashlib.sha256(), 0, 0

    def read(wanted: int) -> bytes:
        nonlocal size
        chunk = reading.read(wanted)
        size += len(chunk)
        digest.update(chunk)
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
        if fault is None or fault.fault.name in ("structure_unreadable", "password_wrong"):
            while read(1 << 20):
                pass  # a stage that stopped early left bytes unread: the hash is of the whole file
            if unhashed:
                row["sha256"] = digest.hexdigest()
            if (size, digest.hexdigest()) != (row["size"], row["sha256"]):
                fault = BackupError("bytes_differ", file=row["file"], detail=_difference(size, digest.hexdigest(), row))
    finally:
        reading.close()
    if fault is not None:
        raise fault
    return plain


def _decode_archive(reading: Reading, row: Dict[str, Any], compression: str, archiver: seven_zip.SevenZip,
                    stages: Sequence[Stage], feed: Callable[[bytes], None]) -> int:
    """As _decode, for a file that can't be opened before its end is read: its bytes are compared first."""
    ours = row["file"] in archiver.written
    try:
        try:
            path, size, digest = archiver.take(reading, row["file"])
        finally:
            reading.close()
        if (size, digest) != (row["size"], row["sha256"]):
            raise BackupError("bytes_differ", file=row["file"], detail=_difference(size, digest, row))
        undo = [archiver.decryptor(path)] + compress.decompressor(compression)
        try:
            outcome = run(undo + list(stages), feed, meter_after=len(undo) - 1)
        except BackupError as error:
            raise _reading_fault(error, row, archiver, undo) from error
        return outcome.size_first
    finally:
        if not ours:
            archiver.forget(row["file"])


def _difference(size: int, digest: str, row: Dict[str, Any]) -> str:
    return "{0} bytes with SHA-256 {1}, recorded {2} bytes with {3}".format(size, digest, row["size"], row["sha256"])


def _reading_fault(error: BackupError, row: Dict[str, Any], cipher: Optional[Cipher], undo: Sequence[Stage]) -> BackupError:
    if error.fault.name != "stage_failed":
        return error
    stage, detail = error.details["stage"], error.details["detail"]
    if cipher and cipher.refused(stage, detail):
        return BackupError("password_wrong", file=row["file"])
    if any(stage == one.name for one in undo):
        return BackupError("structure_unreadable", file=row["file"], format=row["format"], detail=error.message)
    return BackupError("structure_unreadable", file=row["file"], format=row["format"],
                       detail="{0}: {1}".format(stage, detail))


class Copy(PartReader):
    """A published copy, opened for verification or restore; use as a context manager."""

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

    def __enter__(self) -> "Copy":
        where = self.medium.location(self.slot)
        try:
            listing = read_all(self.medium.read(self.slot, SUMS))
        except BackupError as error:
            if error.fault.name != "copy_missing" or not self.expected or self.medium.stocked(self.slot):
                raise
            raise _empty(self.medium, self.slot) from error
        self.digest = hashlib.sha256(listing).hexdigest()
        if self.expected and self.expected != self.digest:
            raise BackupError("bytes_differ", file=where + "/" + SUMS,
                              detail="its SHA-256 is {0}, the bitácora has {1}".format(self.digest, self.expected))
        self.sums = manifests.parse_sums(listing, self.slot.label, where)
        name = manifests.file_name(self.slot.label)
        text = read_all(self.medium.read(self.slot, name))
        if self.sums.get(name) != hashlib.sha256(text).hexdigest():
            raise BackupError("bytes_differ", file=where + "/" + name, detail="its SHA-256 is not the one in SHA256SUMS")
        self.manifest = manifests.load(text, self.slot.label, where)
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

    def unlock(self) -> None:
        """Make ready to decrypt. Raises password_needed when the copy is encrypted and no key was given."""
        if not self.manifest["encrypted"] or hasattr(self, "cipher"):
            return
        form = manifests.encryption_format(self.manifest)
        if self.keys is None or not (self.keys.password or (self.keys.private_keys and form == "gpg")):
            raise BackupError("password_needed", label=self.slot.label,
                              key_reference=self.manifest.get("key_reference") or "its label")
        self.cipher = _cipher(self.stack, self.keys, form, self.spool)

    def stream(self, name: str, stages: Sequence[Stage] = (), feed: Optional[Callable[[bytes], Any]] = None) -> int:
        self.unlock()
        row = self.part(name)
        return _decode(self.medium.read(self.slot, row["file"]), row, self.manifest["compression"],
                       getattr(self, "cipher", None), stages, feed or (lambda chunk: None))

    def verify_bytes(self) -> None:
        """T1: every file has the bytes that were recorded."""
        for row in self.manifest["parts"]:
            digest, size = hashlib.sha256(), 0
            reading = self.medium.read(self.slot, row["file"])
            try:
                for chunk in iter(lambda: reading.read(1 << 20), b""):
                    size += len(chunk)
                    digest.update(chunk)
            finally:
                reading.close()
            if (size, digest.hexdigest()) != (row["size"], row["sha256"]):
                raise BackupError("bytes_differ", file="{0}/{1}".format(self.medium.location(self.slot), row["file"]),
                                  detail=_difference(size, digest.hexdigest(), row))

    def verify_structure(self, source: Source) -> List[str]:
        """T2: every part opens as what it should be. Gives the methods used."""
        methods = ["sha256_readback"]
        for row in self.manifest["parts"]:
            check = source.check_for(row)
            plain = self.stream(row["name"], check.stages(), check.feed)
            if plain != row["size_original"]:
                raise BackupError("structure_unreadable", file=row["file"], format=row["format"],
                                  detail="{0} bytes came out, {1} went in".format(plain, row["size_original"]))
            check.finish()
            if check.method and check.method not in methods:
                methods.append(check.method)
        return methods


def newest(medium: Medium, slot: Slot) -> Optional[Dict[str, Any]]:
    """The manifest of the newest copy of the slot's system on a medium; None when there is none that can be read."""
    for name in reversed(medium.labels(slot.kind, slot.system)):
        with contextlib.suppress(BackupError), Copy(slot._replace(label=name), medium) as opened:
            return opened.manifest
    return None


@contextlib.contextmanager
def scratch(parent: str = "") -> Iterator[str]:
    """A private directory for a rehearsal, under `parent` or the system's own temporary directory."""
    with programs.private_directory(parent or None) as path:
        yield path


def _cipher(stack: contextlib.ExitStack, keys: Optional[encrypt.Keys], form: str, spool: str) -> Optional[Cipher]:
    if keys is None:
        return None
    if form == "7z":
        return stack.enter_context(seven_zip.SevenZip(keys, spool))
    return stack.enter_context(encrypt.Gpg(keys, stack.enter_context(programs.private_directory(programs.memory()))))


def _file_name(order: Order, part: Part, cipher: Optional[Cipher]) -> str:
    if part.name and not _PART_NAME.match(part.name):
        raise BackupError("invalid_input", where="the name of a part", value=part.name,
                          problem="can't be part of a file name", mend="This is a mistake of the source's code.")
    name = ".".join(piece for piece in (order.slot.label, part.name, part.extension) if piece)
    return name + compress.extension(order.compression) + (cipher.extension if cipher else "")


def write_small(deposit: Deposit, file: str, content: bytes) -> None:
    """Write a small file of a copy and read it back from the medium."""
    writing = deposit.write(file)
    try:
        writing.write(content)
    finally:
        writing.close()
    if not deposit.attested and read_all(deposit.read(file)) != content:
        raise BackupError("bytes_differ", file=file, detail="it reads back otherwise than it was written")


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
