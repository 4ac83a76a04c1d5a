# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Git LFS objects: which ones the history refers to, and their archive, written from descriptors.

tar would open by name what others may exchange after it was looked at; so each object is opened here, looked at, and put into the stream.
"""

from __future__ import annotations

import contextlib
import os
import re
import tarfile
import threading
from typing import Iterator, List, Optional, Set, Tuple

from ..errors import BackupError
from ..filesystem import descriptors
from ..processes import programs
from ..processes.pipeline import Stage, run
from . import git_tool
from .git_files import Repository

_POINTER = re.compile(rb"version https://git-lfs\.github\.com/spec/v1\n(?:ext-.*\n)*oid sha256:([0-9a-f]{64})\nsize \d+\n")
_POINTER_SIZE = 1024          # bytes; the LFS specification's own limit
_BLOCK = 1 << 20


class Store:
    """Where the LFS objects of a repository lie: held open. Without a directory there is nothing in it."""

    def __init__(self, held: Optional[int]) -> None:
        self.held = held

    @classmethod
    def of(cls, repository: Repository) -> "Store":
        """Raises out_of_scope for one elsewhere, source_odd."""
        lfs = repository.directory(repository.common, repository.common_path, "lfs")
        if lfs is None:
            return cls(None)
        try:
            found = repository.directory(*lfs, "objects")
        finally:
            os.close(lfs[0])
        return cls(found[0] if found else None)

    @classmethod
    def ours(cls, directory: str) -> "Store":
        """That of a repository of ours."""
        with contextlib.suppress(OSError):
            return cls(descriptors.top(os.path.realpath(os.path.join(directory, "lfs", "objects"))))
        return cls(None)

    def open(self, oid: str) -> int:
        """A descriptor of an object. Raises OSError when it is not there, or no regular file."""
        if self.held is None:
            raise FileNotFoundError(oid)
        inner = descriptors.below(self.held, "{0}/{1}".format(oid[:2], oid[2:4]))
        try:
            return descriptors.regular(oid, inner)
        finally:
            os.close(inner)

    def close(self) -> None:
        if self.held is not None:
            os.close(self.held)
            self.held = None

    def sort(self, wanted: List[str]) -> Tuple[List[str], List[str]]:
        """Which of the objects are here, and which are missing."""
        here, missing = [], []
        for oid in wanted:
            try:
                os.close(self.open(oid))
                here.append(oid)
            except OSError:
                missing.append(oid)
        return here, missing

    @contextlib.contextmanager
    def archive(self, oids: List[str]) -> Iterator[List[Stage]]:
        """The stage that gives the archive of those objects. Raises source_changed when one is not there any more."""
        reading, writing = os.pipe()
        failed: List[BaseException] = []

        def write() -> None:
            try:
                with os.fdopen(writing, "wb") as file, tarfile.open(fileobj=file, mode="w|", format=tarfile.GNU_FORMAT, bufsize=_BLOCK) as archive:
                    for oid in oids:
                        self._add(archive, oid)
            except BaseException as error:  # carried to the caller's thread
                failed.append(error)

        thread = threading.Thread(target=write, daemon=True)
        thread.start()
        try:
            yield [Stage("tar", [programs.find("cat", "coreutils"), "/proc/self/fd/{0}".format(reading)], descriptors=(reading,))]
        finally:
            os.close(reading)      # a writer that nobody reads ends by a broken pipe
            thread.join()
        if failed and not isinstance(failed[0], BrokenPipeError):
            raise BackupError("source_changed", source="Git LFS", detail=str(failed[0])) from failed[0]

    def _add(self, archive: tarfile.TarFile, oid: str) -> None:
        with os.fdopen(self.open(oid), "rb") as file:
            status = os.fstat(file.fileno())
            member = tarfile.TarInfo("{0}/{1}/{2}".format(oid[:2], oid[2:4], oid))
            member.size, member.mtime, member.mode = status.st_size, int(status.st_mtime), 0o644
            archive.addfile(member, file)


def pointers(git: git_tool.Tool, snapshot: str, refs: git_tool.Refs, source: str) -> List[str]:
    """The oids of all LFS objects that the history refers to. Raises source_damaged."""
    small = git.workspace.file("small-blobs")
    tips = "".join(oid + "\n" for oid in sorted(set(refs.oids.values()) | ({refs.head} - {""})))
    if not tips:
        return []
    listing = git.stage("git rev-list", "--git-dir=" + snapshot, "rev-list", "--objects", "--no-object-names", "--stdin")
    sizes = git.stage("git cat-file", "--git-dir=" + snapshot, "cat-file", "--buffer",
                      "--batch-check=%(objectname) %(objecttype) %(objectsize)")
    rest = b""
    with open(small, "wb") as file:
        def choose(chunk: bytes) -> None:
            nonlocal rest
            lines = (rest + chunk).split(b"\n")
            rest = lines.pop()
            for line in lines:
                oid, kind, size = (line + b" ").split(b" ")[:3]
                if kind == b"missing":
                    raise BackupError("source_damaged", source=source, detail="object {0} can't be read".format(oid.decode()))
                if kind == b"blob" and 100 < int(size) < _POINTER_SIZE:
                    file.write(oid + b"\n")

        run([listing, sizes], choose, reader=git_tool.reader_of(tips.encode()))
    found: Set[str] = set()
    tail = b""

    def look(chunk: bytes) -> None:
        nonlocal tail
        text = tail + chunk
        found.update(match.group(1).decode() for match in _POINTER.finditer(text))
        tail = text[-_POINTER_SIZE:]

    with open(small, "rb") as chosen:
        run([git.stage("git cat-file", "--git-dir=" + snapshot, "cat-file", "--batch", "--buffer")], look, reader=chosen.read)
    return sorted(found)
