# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build what is restored where nobody else may exchange it, and put it at its place by descriptors.

Programs such as git and SQLite resolve the names they get, so a descriptor's path does not keep them in a directory that somebody renames. What they
build is therefore built where only root (or the account that runs this) may rename anything: in the nearest directory above the target, on the same file
system, of which that is true; without one in the system's own place for temporary files, from where it is copied. Then it is renamed into the target's
directory, which was held open all the while, replacing nothing, and what stands there afterwards is compared with what was built.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from typing import Iterator, Sequence, Tuple

from ..errors import BackupError
from ..filesystem import descriptors, scope
from ..processes import programs
from ..processes.pipeline import Stage, run
from ..processes.workspace import Workspace

_PRIVATE = ".respaldo-"


class Place:
    """The directory of a target, held open, and a private directory to build in."""

    def __init__(self, parent: str, held: int, workspace: Workspace) -> None:
        self.parent = parent
        self.held = held
        self.workspace = workspace

    def file(self, name: str) -> str:
        return self.workspace.file(name)

    def put(self, built: str, name: str, kept: str = "") -> None:
        """Give what was built in the private directory as `built` the name `name`; what stands there is renamed to `kept` when that is given.

        Raises restore_exchanged when another thing stands there afterwards; OSError (FileExistsError for a name that is taken) when it can't be put
        there, all as before.
        """
        above = self.workspace.held
        made = descriptors.identity(above, built)
        moved = False
        try:
            if kept:
                descriptors.move(self.held, name, self.held, kept)
                moved = True
            else:
                with contextlib.suppress(OSError):
                    os.rmdir(name, dir_fd=self.held)      # an empty directory is no data; what is not empty stops the rename
            try:
                descriptors.move(above, built, self.held, name)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                made = carry(self.workspace.pinned, built, self.held, name)
        except BaseException:
            if moved:
                with contextlib.suppress(OSError):
                    descriptors.move(self.held, kept, self.held, name)
            raise
        os.fsync(self.held)
        target = os.path.join(self.parent, name)
        if not descriptors.stands(self.held, name, made) or not descriptors.stands_at(target, made, descriptors.identity(self.held)):
            raise BackupError("restore_exchanged", target=scope.shown(target), detail="it was exchanged as soon as it was there")

    def inherits(self) -> bool:
        """Whether new directories of the target's directory get the set-group bit, which those built elsewhere lack."""
        return bool(os.fstat(self.held).st_mode & stat.S_ISGID)

    @contextlib.contextmanager
    def opened_to(self, account: programs.Account) -> Iterator[None]:
        """The private directory can be passed through by an account, and by nobody else, while the block runs: it can't rename anything in it."""
        try:
            descriptors.give(self.workspace.held, -1, account.gid, 0o710)
            yield
        finally:
            descriptors.give(self.workspace.held, -1, os.getegid(), 0o700)


def carry(source: str, built: str, held: int, name: str) -> Tuple[int, int]:
    """From another file system: what `source` has under `built`, copied into a private directory beside the name, by descriptors only, then renamed. Gives
    its identity; replaces nothing.
    """
    private = _PRIVATE + secrets.token_hex(8)
    beside = descriptors.make_directory(held, private)
    descriptors.shed_acls(beside)
    try:
        tar = [programs.find("tar", "tar"), "--acls", "--xattrs", "--numeric-owner"]
        pack = Stage("tar --create", tar + ["--create", "--file=-", "--sparse", "--directory=" + source, "--", built])
        unpack = Stage("tar --extract", tar + ["--extract", "--file=-", "--preserve-permissions", "--same-owner",
                                               "--directory=" + descriptors.path_of(beside)])
        run([pack, unpack], lambda chunk: None)
        os.sync()
        made = descriptors.identity(beside, built)
        descriptors.move(beside, built, held, name)
        return made
    finally:
        with contextlib.suppress(OSError):
            descriptors.empty(beside)
            if descriptors.stands(held, private, descriptors.identity(beside)):
                os.rmdir(private, dir_fd=held)
        os.close(beside)


@contextlib.contextmanager
def beside(parent: str) -> Iterator[Place]:
    """A place to build what will be put into the resolved directory `parent`. Raises assigned_path_changed when that was exchanged."""
    with scope.steady(parent), scope.pinned(parent) as pinned:
        held = os.open(pinned, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with scope.steady(parent):
            workspace = Workspace(near(parent))
        try:
            yield Place(parent, held, workspace)
        finally:
            workspace.close()
    finally:
        os.close(held)


def honest(path: str, real: str, assigned: Sequence[str]) -> str:
    """`real`, as scope.resolve gave it for a target; where no path is assigned, only when no link of another account led there.

    Raises assigned_path_changed. With assigned paths the scope guard decides, which lets nothing out of them.
    """
    if not assigned and _without_foreign_links(path) != real:
        raise BackupError("assigned_path_changed", assigned=scope.shown(path), detail="it was exchanged while it was looked at")
    return real


def _without_foreign_links(path: str) -> str:
    at, pending, followed = "/", [part for part in path.split("/") if part][::-1], 0
    while pending:
        part = pending.pop()
        if part in (".", ".."):
            at = os.path.dirname(at) if part == ".." else at
            continue
        here = os.path.join(at, part)
        try:
            found = os.lstat(here)
        except FileNotFoundError:
            return os.path.normpath(os.path.join(here, *pending[::-1]))
        except OSError as error:
            raise descriptors.refused(error, scope.shown(path)) from error
        if not stat.S_ISLNK(found.st_mode):
            at = here
            continue
        followed += 1
        if found.st_uid not in (0, os.geteuid()) or followed > 40:
            raise BackupError("assigned_path_changed", assigned=scope.shown(path), detail="{0} on the way to it is a link that another account made; "
                              "give the path it leads to".format(scope.shown(here)))
        try:
            to = os.readlink(here)
        except OSError as error:
            raise descriptors.refused(error, scope.shown(path)) from error
        at = "/" if to.startswith("/") else at
        pending += [each for each in to.split("/") if each][::-1]
    return at


def near(parent: str) -> str:
    """The nearest directory at or above `parent`, on its file system, where nobody else may rename anything; "" when there is none."""
    device = os.stat(parent).st_dev
    at = parent
    while True:
        if os.stat(at).st_dev != device:
            return ""
        if ours(at):
            return at
        if at == "/":
            return ""
        at = os.path.dirname(at)


def ours(directory: str) -> bool:
    """Whether nobody but root and the account that runs this could exchange a resolved directory, or what they make in it."""
    accounts = (0, os.geteuid())
    at = "/"
    for part in [""] + [each for each in directory.split("/") if each]:
        at = os.path.join(at, part)
        found = os.lstat(at)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in accounts:
            return False
        # in a sticky directory others may make names, but rename only their own
        if found.st_mode & 0o022 and not found.st_mode & stat.S_ISVTX:
            return False
    return True
