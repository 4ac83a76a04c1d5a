# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restored files get their places, where others may write: directory by directory, nothing replaced, all undone when one fails, and looked at in the end.

What is placed lies in a private directory until then (workspace.py), so it is renamed and never written in the place. Who may write there can move a
directory or put a link in its place at any moment: then the restore is refused, and nothing was made, given away or removed elsewhere.
"""

from __future__ import annotations

import contextlib
import os
import stat
from typing import Iterator, List, NamedTuple, Optional, Tuple

from ..errors import BackupError
from . import descriptors, foreign, scope

_LONGEST_NAME = 255       # bytes (NAME_MAX)


def kept_beside(path: str, label: str) -> str:
    """The name that what stands at a path is kept under: PATH.before_LABEL, the path's own name cut where the whole would be too long for a name."""
    directory, name = os.path.split(path)
    ending = ".before_" + label
    cut = os.fsencode(name)[:_LONGEST_NAME - len(os.fsencode(ending))]
    return os.path.join(directory, os.fsdecode(cut) + ending)


class _Placed(NamedTuple):
    path: str                               # the place
    kept: str                               # what stood there, under its name now; "" when nothing did
    known: Optional[Tuple[int, int]]        # of what was placed; None when nothing was
    directory: Tuple[int, int]              # of the directory it is in


class Placing:
    """What one restore places. `scratch` is the descriptor of the private directory where it lies; `top` what directories may be made in, as a full path."""

    def __init__(self, scratch: int, top: str, label: str) -> None:
        self.scratch = scratch
        self.top = top
        self.label = label
        self.done: List[_Placed] = []
        self.made: List[Tuple[str, Tuple[int, int]]] = []      # directories

    def put(self, inside: str, place: str, kept: str = "") -> None:
        """Give what lies at `inside`, below the scratch, its place; what stands there is kept under that name. Raises OSError, BackupError target_exists."""
        with contextlib.ExitStack() as stack:
            source = self._hold(stack, descriptors.below(self.scratch, os.path.dirname(inside)))
            held = self._hold(stack, self._lead(os.path.dirname(place), os.path.dirname(inside)))
            name, own = os.path.basename(place), os.path.basename(inside)
            directory = descriptors.identity(held)
            if kept:
                descriptors.move(held, name, held, os.path.basename(kept))
                self.done.append(_Placed(place, kept, None, directory))
            try:
                known = descriptors.identity(source, own)
            except FileNotFoundError:
                return           # it was left out (foreign.py)
            with contextlib.suppress(OSError):
                os.rmdir(name, dir_fd=held)      # an empty directory is no data
            try:
                descriptors.move(source, own, held, name)
            except FileExistsError as error:
                raise BackupError("target_exists", target=place) from error
            if kept:
                self.done.pop()
            self.done.append(_Placed(place, kept, known, directory))

    def prove(self) -> None:
        """What stands at each place, by its path from the root, is what was put there. Raises assigned_path_changed."""
        for row in self.done:
            if row.known is not None and not descriptors.stands_at(row.path, row.known, row.directory):
                raise BackupError("assigned_path_changed", assigned=scope.shown(row.path),
                                  detail="what stands there is not what was restored: somebody renamed it, or a directory that leads to it")

    def undo(self) -> None:
        """Take back what was placed, as far as it still stands there, and give what was kept its name again. Never raises."""
        for number, row in enumerate(reversed(self.done)):
            with contextlib.suppress(OSError):
                held = descriptors.top(os.path.dirname(row.path))
                try:
                    if descriptors.identity(held) != row.directory:
                        continue
                    if row.known and descriptors.stands(held, os.path.basename(row.path), row.known):
                        undone = ".undone-{0}".format(number)
                        descriptors.move(held, os.path.basename(row.path), self.scratch, undone)
                        if not descriptors.stands(self.scratch, undone, row.known):
                            # exchanged between two steps: what is not ours is not removed with the scratch
                            descriptors.move(self.scratch, undone, held, os.path.basename(row.path))
                            continue
                    if row.kept:
                        descriptors.move(held, os.path.basename(row.kept), held, os.path.basename(row.path))
                finally:
                    os.close(held)
        for path, known in reversed(self.made):
            with contextlib.suppress(OSError):
                held = descriptors.top(os.path.dirname(path))
                try:
                    if descriptors.stands(held, os.path.basename(path), known):
                        os.rmdir(os.path.basename(path), dir_fd=held)
                finally:
                    os.close(held)
        self.done.clear()
        self.made.clear()

    @staticmethod
    def _hold(stack: contextlib.ExitStack, descriptor: int) -> int:
        stack.callback(os.close, descriptor)
        return descriptor

    def _lead(self, directory: str, pattern: str) -> int:
        """The directory at a path, entered part by part. Those that lack, in `top` or below, are made as they were copied (`pattern`, below the scratch)."""
        parts, like = directory.strip("/").split("/"), pattern.strip("/").split("/")
        held = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        for number, part in enumerate(parts, 1):
            try:
                inner = self._step(held, "/" + "/".join(parts[:number]), like[:max(0, len(like) - (len(parts) - number))])
            finally:
                os.close(held)
            held = inner
        return held

    def _step(self, held: int, path: str, pattern: List[str]) -> int:
        name = os.path.basename(path)
        try:
            return descriptors.enter(held, name, passing=True)
        except FileNotFoundError:
            if path != self.top and not path.startswith(self.top.rstrip("/") + "/"):
                raise
        inner = descriptors.make_directory(held, name)
        descriptors.shed_acls(inner)
        self.made.append((path, descriptors.identity(inner)))
        try:
            copied = descriptors.below(self.scratch, "/".join(pattern))
            try:
                _like(inner, copied)
            finally:
                os.close(copied)
        except BaseException:
            os.close(inner)
            raise
        return inner


@contextlib.contextmanager
def placing(scratch: int, top: str, label: str, target: str) -> Iterator[Placing]:
    """Place in one go: undone when anything fails, proved in the end. Raises assigned_path_changed, target_exists, restore_failed."""
    work = Placing(scratch, top, label)
    try:
        yield work
        work.prove()
    except OSError as error:
        work.undo()
        if descriptors.is_led(error):
            raise descriptors.refused(error, scope.shown(top)) from error
        raise BackupError("restore_failed", label=label, target=target, detail=str(error)) from error
    except BaseException:
        work.undo()
        raise


def _like(held: int, pattern: int) -> None:
    """Give a held directory the owner, mode, times and extended attributes (and so ACLs) of another; nothing that acts with rights (foreign.py)."""
    found = os.fstat(pattern)
    with contextlib.suppress(PermissionError):
        descriptors.give(held, found.st_uid, found.st_gid)
    descriptors.give(held, mode=stat.S_IMODE(found.st_mode) & ~stat.S_ISUID)
    for name in foreign.harmless(pattern):
        with contextlib.suppress(OSError):       # as shutil.copystat: what this file system or account can't set
            os.setxattr(held, name, os.getxattr(pattern, name))
    os.utime(held, ns=(found.st_atime_ns, found.st_mtime_ns))
