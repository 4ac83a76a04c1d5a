# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AES-256 in a 7z archive, names included, for those who open copies on Windows with 7-Zip.

The format begins with the place of its end, so no program can write or read it through a pipe. Each part is therefore
written, encrypted already, into a private spool directory, and goes on to the media from there; nothing lies anywhere in
clear. ZIP with AES-256 is no way out: 7-Zip 26.02 writes it to a pipe only when it compresses, and reads none from a pipe.

A 7z archive opens by one password and knows no public keys.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from typing import Callable, List, Sequence, Set, Tuple

from ..errors import BackupError
from ..media.base import Reading
from ..processes import programs
from ..processes.pipeline import CHUNK, Outcome, Stage, capture, run
from .keys import Keys

EXTENSION = ".7z"
DESCRIPTION = "7z, AES-256"

_PACKAGE = "7zip"

# The data is compressed before, or compressed on purpose not at all. `-p` without a value asks for the password when writing.
_WRITE = ["-t7z", "-p", "-mhe=on", "-mx=0", "-bso0", "-bsp0", "-y"]

# The system's place for large temporary files: /tmp may be in memory.
_SPOOL = "/var/tmp"


class SevenZip:
    """7-Zip with a spool directory of its own; use as a context manager. `spool` is its parent, by default /var/tmp."""

    extension = EXTENSION
    description = DESCRIPTION

    def __init__(self, keys: Keys, spool: str = "") -> None:
        self.program = programs.find("7zz", _PACKAGE)
        self.keys = keys
        self.parent = spool or _SPOOL
        self.stack = contextlib.ExitStack()
        self.written: Set[str] = set()

    def __enter__(self) -> "SevenZip":
        with self.stack:
            try:
                self.directory = self.stack.enter_context(programs.private_directory(self.parent))
            except OSError as error:
                raise BackupError("medium_unwritable", location=self.parent, detail=str(error)) from error
            self.password = self.stack.enter_context(contextlib.closing(programs.Secret(self.keys.password + "\n")))
            self.stack = self.stack.pop_all()
        return self

    def __exit__(self, *_unused: object) -> None:
        self.stack.close()

    def fingerprints(self) -> List[str]:
        """Of the recipients' keys: this format has none."""
        return []

    def write(self, stages: Sequence[Stage], file: str, meter_after: int) -> Outcome:
        """Run the stages into an archive of the spool that will be `file`; it holds one member, named as the file without `.7z`.

        Raises medium_full or medium_unwritable for the spool, stage_failed else, also for an archive that is not what it should be.
        """
        path, member = self._place(file), file[:-len(EXTENSION)]
        archiver = Stage("7zz a", [self.program, "a"] + _WRITE + ["-si" + member, "--", path], preface=self.password)
        try:
            outcome = run(list(stages) + [archiver], lambda chunk: None, meter_after=meter_after)
        except BackupError as error:
            if error.details.get("stage") == archiver.name and re.search("No space left|Disk quota", error.details["detail"]):
                raise BackupError("medium_full", location=self.parent, detail=error.details["detail"]) from error
            raise
        if not self._is_encrypted(path, member):
            raise BackupError("stage_failed", stage=archiver.name, status="exit status 0", detail="the archive it wrote is not encrypted as it was told")
        self.written.add(file)
        return outcome

    def _is_encrypted(self, path: str, member: str) -> bool:
        listing = capture(Stage("7zz l", [self.program, "l", "-slt", "-bsp0", "--", path], preface=self.password))
        return re.findall("^(?:Encrypted|Path) = (.*)$", listing, re.MULTILINE)[1:] == [member, "+"] and "7zAES" in listing

    def prove_encrypted(self, path: str, file: str) -> None:
        """7-Zip opens an archive that never was encrypted with any password. Raises never_encrypted; what can't be listed is told by who opens it."""
        try:
            found = self._is_encrypted(path, file[:-len(EXTENSION)])
        except BackupError:
            return
        if not found:
            raise BackupError("never_encrypted", file=file)

    def hand_over(self, file: str, feed: Callable[[bytes], None]) -> int:
        """Read what was written into the spool, from its beginning to its end. Gives its size."""
        size = 0
        with open(self._place(file), "rb", buffering=0) as archive:
            for chunk in iter(lambda: archive.read(CHUNK), b""):
                size += len(chunk)
                feed(chunk)
        return size

    def take(self, reading: Reading, file: str) -> Tuple[str, int, str]:
        """Read a file of a copy to its end. Gives the path of its bytes on this server, their size and SHA-256.

        What this run wrote itself, and a file of a directory of this server, are not spooled once more.
        """
        digest, size = hashlib.sha256(), 0
        path = self._place(file) if file in self.written else reading.path
        with contextlib.ExitStack() as stack:
            spooled = None if path else stack.enter_context(open(self._place(file), "wb", buffering=0))
            for chunk in iter(lambda: reading.read(CHUNK), b""):
                size += len(chunk)
                digest.update(chunk)
                if spooled is not None:
                    self._spool(spooled.fileno(), chunk)
        return path or self._place(file), size, digest.hexdigest()

    def forget(self, file: str) -> None:
        """Make room for the next part."""
        self.written.discard(file)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._place(file))

    def decryptor(self, path: str) -> Stage:
        """The stage that writes the member of an archive to its output."""
        return Stage("7zz x", [self.program, "x", "-so", "-bsp0", "-y", "--", path], preface=self.password)

    def refused(self, stage: str, detail: str) -> bool:
        """Whether a stage failed since the password is another; the archive's bytes are known to be right."""
        return stage == "7zz x" and "Wrong password" in detail

    def _spool(self, descriptor: int, chunk: bytes) -> None:
        view = memoryview(chunk)
        try:
            while view:
                view = view[os.write(descriptor, view):]
        except OSError as error:
            raise BackupError("medium_full", location=self.parent, detail=str(error)) from error

    def _place(self, file: str) -> str:
        return os.path.join(self.directory, file)


def restore_command() -> str:
    """The stock command that decrypts to a pipe; it asks for the password."""
    return "7zz x -so"


def windows_commands(file: str, compressed: bool) -> List[str]:
    """Lines of cmd.exe that show a file's SHA-256 and open it with 7-Zip, which asks for the password; its windows do the same.

    What is compressed within by zstd needs 7-Zip 24.01 or later.
    """
    program = '"%ProgramFiles%\\7-Zip\\7z.exe" x '
    lines = ['certutil -hashfile "{0}" SHA256'.format(file), program + '"{0}"'.format(file)]
    return lines + ([program + '"{0}"'.format(file[:-len(EXTENSION)])] if compressed else [])
