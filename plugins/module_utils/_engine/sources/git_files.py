# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a repository of this server, read by descriptors: HEAD, refs, configuration, worktrees.

git itself is never started on a directory that others may write to: there it would wait for a pipe in place of a file, read an endless one, follow links
out of the assigned path, or see another file than was checked. So its small files are read here, only regular ones and only so many bytes of them, links
no further than the assigned paths; git works on a repository of ours that is made from what was read. The layout is gitrepository-layout(5).
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import time
import weakref
from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from ..errors import BackupError
from ..filesystem import descriptors, scope
from .git_document import ref_name
from .git_tool import Refs

_SMALL = 4096                # bytes: HEAD, commondir, gitdir, a loose ref
_CONFIG = 1 << 20            # bytes
_PACKED = 512 << 20          # bytes: some five million refs
_INDEX = 1 << 30             # bytes
_DEEPEST = 1024              # bytes of a ref's name
_OID = re.compile(rb"[0-9a-f]{40}([0-9a-f]{24})?\Z")
_AT_WORK = 3600              # seconds that git may hold a lock beside a ref; one that is older, and holds a commit, is something that was left
_OF_A_REF = (40, 41, 64, 65)   # bytes of a file that holds a commit's name, with or without the end of its line
_PACKED_BY_GIT = ("packed-refs", "packed-refs.lock", "packed-refs.new")
_UNNAMED = b"Unnamed repository"
_BESIDE, _BESIDE_INFO = ("git-daemon-export-ok",), ("attributes", "grafts")
# of a linked worktree these are its own, gitrepository-layout(5)
_PER_WORKTREE = ("refs/bisect/", "refs/worktree/", "refs/rewritten/")
_NOT_FILES = ("/proc/", "/sys/", "/dev/")


class Repository:
    """A repository of this server: the directory, its own git directory, and the one it shares with its worktrees; both held open.

    Raises source_missing, source_unreachable when it is none, out_of_scope, source_odd.
    """

    def __init__(self, path: str, assigned: Sequence[str]) -> None:
        self.path, self.assigned = path, list(assigned)
        self.odd: List[str] = []
        self.real = scope.resolve(path, assigned)
        if not os.path.lexists(self.real):
            raise BackupError("source_missing", source=path)
        if not os.path.isdir(self.real):
            raise BackupError("source_unreachable", source=path, detail="it is not a directory")
        self.own_path = self._git_directory()
        self.own = self._open(self.own_path)
        common = self.content(self.own, self.own_path, "commondir", _SMALL)
        self.common_path = self.own_path
        if common is not None:
            self.common_path = scope.resolve(os.path.join(self.own_path, os.fsdecode(common.rstrip(b"\n"))), self.assigned)
        self.common = self._open(self.common_path)
        for name in ("objects", "refs"):
            if not self._is_directory(self.common, name) and not self._is_link(self.common, name):
                raise self._none()
        if self.content(self.own, self.own_path, "HEAD", _SMALL) is None:
            raise self._none()

    # -- finding it -------------------------------------------------------------------------------------------------

    def _git_directory(self) -> str:
        held = self._open(self.real)
        try:
            status = os.stat(".git", dir_fd=held, follow_symlinks=False)
        except FileNotFoundError:
            return self.real
        if not stat.S_ISREG(status.st_mode):
            if not stat.S_ISDIR(status.st_mode) and not stat.S_ISLNK(status.st_mode):
                raise self.strange(".git", "it is no directory and no file")
            return scope.resolve(os.path.join(self.real, ".git"), self.assigned)
        content = self.content(held, self.real, ".git", _SMALL) or b""
        if not content.startswith(b"gitdir: "):
            raise self._none()
        return scope.resolve(os.path.join(self.real, os.fsdecode(content[8:].rstrip(b"\n"))), self.assigned)

    def _none(self) -> BackupError:
        return BackupError("source_unreachable", source=self.path, detail="it is not a git repository")

    def _open(self, path: str) -> int:
        try:
            held = descriptors.top(path)
        except OSError as error:
            if not os.path.lexists(path):
                raise self._none() from error
            raise self.strange(path, error.strerror or str(error)) from error
        weakref.finalize(self, os.close, held)
        return held

    @staticmethod
    def _is_directory(held: int, name: str) -> bool:
        with contextlib.suppress(OSError):
            return stat.S_ISDIR(os.stat(name, dir_fd=held, follow_symlinks=False).st_mode)
        return False

    @staticmethod
    def _is_link(held: int, name: str) -> bool:
        return link(held, name) is not None

    # -- reading it -------------------------------------------------------------------------------------------------

    def content(self, held: int, directory: str, name: str, limit: int) -> Optional[bytes]:
        """The bytes of a regular file in a held directory, None when there is none; a link is followed within the assigned paths."""
        try:
            if link(held, name) is None:
                return descriptors.read(name, limit, held)
            with self.followed(os.path.join(directory, name)) as (above, last):
                return descriptors.read(last, limit, above)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self.strange(os.path.join(directory, name), error.strerror or str(error)) from error

    @contextlib.contextmanager
    def followed(self, path: str) -> Iterator[Tuple[int, str]]:
        """Where a link leads: the directory held, and the name in it. Raises out_of_scope, source_odd, FileNotFoundError."""
        real = scope.resolve(path, self.assigned)
        if (real + "/").startswith(_NOT_FILES):
            raise self.strange(path, "it leads to {0}".format(scope.shown(real)))
        above = descriptors.top(os.path.dirname(real))
        try:
            yield above, os.path.basename(real)
        finally:
            os.close(above)

    def directory(self, held: int, path: str, name: str) -> Optional[Tuple[int, str]]:
        """A directory in a held one, and its real path; None when there is none. A link is followed within the assigned paths. Close it."""
        at = os.path.join(path, name)
        try:
            if link(held, name) is None:
                return descriptors.below(held, name), at
            real = scope.resolve(at, self.assigned)
            return descriptors.top(real), real
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self.strange(at, error.strerror or str(error)) from error

    def strange(self, path: str, detail: str) -> BackupError:
        return BackupError("source_odd", source=self.path, path=scope.shown(path), detail=detail)

    def config(self) -> bytes:
        return self.content(self.common, self.common_path, "config", _CONFIG) or b""

    def index(self) -> Optional[bytes]:
        return self.content(self.own, self.own_path, "index", _INDEX)

    def excluded(self) -> bytes:
        """What info/exclude says; nothing when that is odd, since it matters for a count only."""
        with contextlib.suppress(BackupError):
            found = self.directory(self.common, self.common_path, "info")
            if found:
                try:
                    return self.content(*found, "exclude", _CONFIG) or b""
                finally:
                    os.close(found[0])
        return b""

    def beside(self) -> List[str]:
        """What no bundle brings: what is run, and what servers of repositories put beside the objects. Names only; nothing of it is followed or run."""
        names = [name for name in _BESIDE if there(self.common, name)]
        with contextlib.suppress(BackupError):
            if not (self.content(self.common, self.common_path, "description", _SMALL) or _UNNAMED).startswith(_UNNAMED):
                names.append("description")
        for room, wanted in (("hooks", lambda name: not name.endswith(".sample")), ("info", _BESIDE_INFO.__contains__)):
            found = None
            with contextlib.suppress(BackupError):
                found = self.directory(self.common, self.common_path, room)
            if found:
                try:
                    names += [scope.shown(room + "/" + name) for name in sorted(os.listdir(found[0])) if wanted(name)]
                finally:
                    os.close(found[0])
        return names

    def shallow(self) -> bool:
        return there(self.common, "shallow")

    def linked_worktrees(self) -> Iterator[Tuple[str, bytes]]:
        """The path and the HEAD of each other worktree."""
        found = self.directory(self.common, self.common_path, "worktrees")
        if found is None:
            return
        held, path = found
        try:
            for name in sorted(os.listdir(held)):
                if not self._is_directory(held, name):
                    continue
                inner = descriptors.below(held, name)
                try:
                    at = os.path.join(path, name)
                    where = self.content(inner, at, "gitdir", _SMALL) or b""
                    head = self.content(inner, at, "HEAD", _SMALL) or b""
                finally:
                    os.close(inner)
                yield scope.shown(os.path.dirname(os.fsdecode(where.strip()))), head.strip()
        finally:
            os.close(held)

    # -- refs -------------------------------------------------------------------------------------------------------

    def refs(self) -> "Found":
        """All refs, as `git for-each-ref` tells them. Raises source_damaged for one that is broken, source_odd."""
        if self._is_directory(self.common, "reftable"):
            raise BackupError("source_unreachable", source=self.path, detail="its refs are kept as reftable, which is not read yet: "
                              "git refs migrate --ref-format=files converts it, or copy it by its ssh:// or https:// URL")
        symbolic: Dict[str, str] = {}
        # loose ones first: one that is packed meanwhile is met in either place
        oids = self._loose(self.common, self.common_path, symbolic)
        if self.own_path != self.common_path:
            drop = [name for name in oids if name.startswith(_PER_WORKTREE)]
            for name in drop:
                del oids[name]
            mine = self._loose(self.own, self.own_path, symbolic)
            oids.update({name: oid for name, oid in mine.items() if name.startswith(_PER_WORKTREE)})
        # a second file of all refs, as programs leave it that keep folders alike: git never looks at it
        self.odd += sorted(name for name in os.listdir(self.common) if name.startswith("packed-refs") and name not in _PACKED_BY_GIT)
        for name, oid in self._packed().items():
            if name not in symbolic:
                oids.setdefault(name, oid)
        for name in sorted(symbolic):
            oid = _end_of(name, symbolic, oids)
            if oid:
                oids[name] = oid
        branch, head = self._head(symbolic, oids)
        return Found(Refs(branch, head, oids), {name: to for name, to in symbolic.items() if name in oids})

    def _head(self, symbolic: Dict[str, str], oids: Dict[str, str]) -> Tuple[str, str]:
        target = link(self.own, "HEAD")
        if target is not None and target.startswith("refs/"):
            text = b"ref: " + os.fsencode(target)
        else:
            text = (self.content(self.own, self.own_path, "HEAD", _SMALL) or b"").strip()
        if not text.startswith(b"ref:"):
            if not _OID.match(text):
                raise BackupError("source_damaged", source=self.path, detail="HEAD says neither a branch nor a commit")
            return "", text.decode()
        branch = os.fsdecode(text[4:].strip())
        if not ref_name(branch):
            raise BackupError("source_damaged", source=self.path, detail="HEAD names {0}, which is no ref".format(scope.shown(branch)))
        return branch, oids.get(branch, "") or _end_of(branch, symbolic, oids)

    def _loose(self, held: int, path: str, symbolic: Dict[str, str]) -> Dict[str, str]:
        oids: Dict[str, str] = {}
        pending: List[Tuple[str, str, str]] = [("refs/", path, "refs")]     # what its names begin with, and where it is
        seen = 0
        while pending:
            prefix, above, name = pending.pop()
            inner = held if above == path and name == "refs" else self._open(above)
            found = self.directory(inner, above, name)
            if found is None:
                continue
            seen += 1
            if seen > 64:
                raise self.strange(os.path.join(above, name), "too many links lead through the refs")
            try:
                for entry in descriptors.walk(found[0]):
                    self._take(entry, prefix + entry.path, os.path.join(found[1], os.path.dirname(entry.path)), oids, symbolic, pending)
            except descriptors.Exchanged as error:
                raise BackupError("source_changed", source=self.path, detail=str(error)) from error
            finally:
                os.close(found[0])
        return oids

    def _take(self, entry: descriptors.Entry, name: str, directory: str, oids: Dict[str, str], symbolic: Dict[str, str],
              pending: List[Tuple[str, str, str]]) -> None:
        if stat.S_ISDIR(entry.status.st_mode) or entry.name.endswith(".lock") and not _left_behind(entry.status):
            return
        if entry.name.startswith(".") and not (stat.S_ISREG(entry.status.st_mode) and entry.status.st_size in _OF_A_REF):
            return       # nothing of git's, and nothing that a ref could be
        if len(os.fsencode(name)) > _DEEPEST:
            raise self.strange(os.path.join(directory, entry.name)[:200], "its name is longer than {0} bytes".format(_DEEPEST))
        if not ref_name(name):
            self.odd.append(name)      # git passes over it, too
            return
        target = link(entry.held, entry.name) if stat.S_ISLNK(entry.status.st_mode) else None
        if target is not None and target.startswith("refs/"):
            text: Optional[bytes] = b"ref: " + os.fsencode(target)
        elif target is not None and os.path.isdir(os.path.join(directory, entry.name)):
            pending.append((name + "/", directory, entry.name))
            return
        else:
            text = self.content(entry.held, directory, entry.name, _SMALL)
        if text is None:
            return       # removed, or packed, meanwhile
        text = text.strip()
        if text.startswith(b"ref:"):
            symbolic[name] = os.fsdecode(text[4:].strip())
        elif _OID.match(text):
            oids[name] = text.decode()
        else:
            raise BackupError("source_damaged", source=self.path, detail="broken ref {0}".format(scope.shown(name)))

    def _packed(self) -> Dict[str, str]:
        content = self.content(self.common, self.common_path, "packed-refs", _PACKED) or b""
        found: Dict[str, str] = {}
        for line in content.split(b"\n"):
            if not line or line[:1] in (b"#", b"^"):
                continue
            oid, _space, raw = line.partition(b" ")
            name = raw.decode("utf-8", "surrogateescape")
            if not _OID.match(oid):
                raise BackupError("source_damaged", source=self.path, detail="packed-refs holds a line that is none")
            if ref_name(name):
                found[name] = oid.decode()
            else:
                self.odd.append(name)
        return found


class Found(NamedTuple):
    """What a repository points at, and its symbolic refs by name."""

    refs: Refs
    symbolic: Dict[str, str]


def link(held: int, name: str) -> Optional[str]:
    """Where a link in a held directory leads; None for what is none, or is not there."""
    try:
        return os.readlink(name, dir_fd=held)
    except OSError:
        return None


def _left_behind(status: os.stat_result) -> bool:
    return status.st_size >= 40 and time.time() - status.st_mtime > _AT_WORK


def there(held: int, name: str) -> bool:
    with contextlib.suppress(FileNotFoundError):
        os.stat(name, dir_fd=held, follow_symlinks=False)
        return True
    return False


def _end_of(name: str, symbolic: Dict[str, str], oids: Dict[str, str]) -> str:
    for _step in range(5):       # as far as git follows
        if name not in symbolic:
            break
        name = symbolic[name]
    return oids.get(name, "")
