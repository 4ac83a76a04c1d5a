# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects of a repository, lent to one of ours: packs by open descriptors, loose objects as copies.

A repository could borrow objects by its `alternates`, but then git would open by name what others may exchange. So each pack is opened here, looked at, and
held; what lies under its name in our repository is a link to that descriptor. Loose objects are many and small, and are copied. Only where nobody but root
and the account that runs this can change any name, and all is plain files, are objects borrowed by their directory.
"""

from __future__ import annotations

import contextlib
import os
import re
import resource
import stat
import weakref
from typing import List, Optional, Set

from ..errors import BackupError
from ..filesystem import descriptors, scope
from . import placing
from .git_files import Repository, link, there
from .git_tool import Refs, Tool

_PACK = re.compile(r"pack-[0-9a-f]{40,64}\.(pack|idx|rev|bitmap)\Z")
_FANOUT = re.compile(r"[0-9a-f]{2}\Z")
_LOOSE = re.compile(r"[0-9a-f]{38}([0-9a-f]{24})?\Z")
_COPIED = 1 << 20            # bytes: larger loose objects are held, as packs are
_ALTERNATES = 1 << 16        # bytes
_DEEPEST = 5                 # as git follows alternates
_ROOM = 0.5                  # of what is free where our repository lies


class Lender:
    """What a repository of ours needs to stay readable; `close` when it is not needed any more."""

    def __init__(self, repository: Repository, objects: str) -> None:
        self.repository = repository
        self.objects = objects
        self.held: List[int] = []
        self.passed_over = 0
        self.seen: Set[str] = set()
        room = os.statvfs(objects)
        self.room = int(room.f_bavail * room.f_frsize * _ROOM)
        self.names = int(room.f_favail * _ROOM) or 1 << 40     # file systems without a fixed number of inodes say 0
        for name in ("pack", "info"):
            os.makedirs(os.path.join(objects, name), exist_ok=True)

    def lend(self) -> None:
        """Raises source_odd, out_of_scope, and medium_full when the loose objects would take more than half of what is free here."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        try:
            found = self.repository.directory(self.repository.common, self.repository.common_path, "objects")
            if found is not None:
                self._directory(found[0], found[1], 0)
        except OSError as error:
            self.close()
            raise self.repository.strange(error.filename or "objects", error.strerror or str(error)) from error
        except BaseException:
            self.close()
            raise
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, len(self.held) + 1024)), hard))

    def close(self) -> None:
        while self.held:
            os.close(self.held.pop())

    def _directory(self, held: int, path: str, depth: int) -> None:
        try:
            if path in self.seen:
                return
            self.seen.add(path)
            if _trusted(held, path):
                with open(os.path.join(self.objects, "info", "alternates"), "ab") as file:
                    file.write(os.fsencode(path) + b"\n")
                self._alternates(held, path, depth)
                return
            for name in sorted(os.listdir(held)):
                if name == "pack" or _FANOUT.match(name):
                    self._inside(held, path, name)
            self._alternates(held, path, depth)
        finally:
            os.close(held)

    def _inside(self, held: int, path: str, name: str) -> None:
        status = os.stat(name, dir_fd=held, follow_symlinks=False)
        if not stat.S_ISDIR(status.st_mode) and not stat.S_ISLNK(status.st_mode):
            self.passed_over += 1
            return
        found = self.repository.directory(held, path, name)
        if found is None:
            return
        inner, real = found
        try:
            if name != "pack":
                os.makedirs(os.path.join(self.objects, name), exist_ok=True)
            pattern = _PACK if name == "pack" else _LOOSE
            for file in os.listdir(inner):
                if pattern.match(file):
                    self._file(inner, real, file, os.path.join(self.objects, name, file), name == "pack")
        finally:
            os.close(inner)

    def _file(self, held: int, directory: str, name: str, ours: str, kept: bool) -> None:
        if os.path.lexists(ours):
            return
        try:
            if link(held, name) is None:
                descriptor = descriptors.regular(name, held)
            else:
                with self.repository.followed(os.path.join(directory, name)) as (above, last):
                    descriptor = descriptors.regular(last, above)
        except (FileNotFoundError, descriptors.NotRegular):
            self.passed_over += 1     # git tells whether anything is missing without it
            return
        self.names -= 1
        size = os.fstat(descriptor).st_size
        if kept or size > _COPIED:
            self.held.append(descriptor)
            os.symlink("/proc/{0}/fd/{1}".format(os.getpid(), descriptor), ours)
            return
        try:
            self.room -= size
            if self.room < 0 or self.names < 0:
                raise BackupError("medium_full", location=os.path.dirname(self.objects),
                                  detail="the loose objects of {0} take more than half of what is free; git gc would pack them".format(
                                      scope.shown(self.repository.path)))
            content = os.read(descriptor, size + 1)      # what changed meanwhile is no whole object, which git tells
            target = os.open(ours, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o400)
            try:
                os.write(target, content)
            finally:
                os.close(target)
        finally:
            os.close(descriptor)

    def _alternates(self, held: int, path: str, depth: int) -> None:
        found = self.repository.directory(held, path, "info")
        if found is None:
            return
        try:
            content: Optional[bytes] = self.repository.content(found[0], found[1], "alternates", _ALTERNATES)
        finally:
            os.close(found[0])
        for line in (content or b"").splitlines():
            if not line or line.startswith(b"#") or depth >= _DEEPEST:
                continue
            other = scope.resolve(os.path.normpath(os.path.join(path, os.fsdecode(line))), self.repository.assigned)
            with contextlib.suppress(FileNotFoundError):      # git passes over it, too
                self._directory(descriptors.top(other), other, depth + 1)


def _trusted(held: int, path: str) -> bool:
    if not placing.ours(path) or not re.match(r"/[^\n\r\"#]*\Z", path):
        return False
    with os.scandir(held) as entries:
        for entry in entries:
            if entry.is_symlink():
                return False
            if not entry.is_dir(follow_symlinks=False):
                continue
            inner = descriptors.below(held, entry.name)
            try:
                found = os.fstat(inner)
                if entry.name == "info" and there(inner, "alternates"):
                    return False     # git would follow it by name, to wherever it leads
                with os.scandir(inner) as files:
                    if found.st_uid not in (0, os.geteuid()) or found.st_mode & 0o022 or not all(each.is_file(follow_symlinks=False) for each in files):
                        return False
            finally:
                os.close(inner)
    return True


def snapshot_of(git: Tool, directory: str, repository: Repository, refs: Refs) -> Lender:
    """A bare repository of ours with those refs and the objects of a repository of this server. Close what it gives when it is not needed any more."""
    sha256 = any(len(oid) == 64 for oid in list(refs.oids.values()) + [refs.head])
    git.repository(directory, "sha256" if sha256 else "sha1", refs)
    lender = Lender(repository, os.path.join(directory, "objects"))
    lender.lend()
    weakref.finalize(git, lender.close)
    return lender
