# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A private directory that lives as long as the object that uses it, and the sweep of those that dead runs left.

It is often made where others may write, since what comes back must be renamed into its place. They may rename it, or give its name to anything else. So it
is held by a descriptor, and what a dead run left is recognised by a record in a directory of ours: inode and time of birth, which nobody can set. A name
alone removes nothing. What can't be swept is told (`remarks`) and stops no work.

    /var/lib/respaldo/scratch/.respaldo-XXXX     of root; of another account ~/.local/state/respaldo/scratch; without one nothing is swept
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pwd
import secrets
import stat
import tempfile
import time
import weakref
from typing import Any, Dict, Iterator, List, Optional, Tuple

from ..errors import BackupError
from ..filesystem import descriptors, scope, system_calls
from ..remarks import Remark

PREFIX = ".respaldo-"
STATE = "/var/lib/respaldo/scratch"
_OF_AN_ACCOUNT = ".local/state/respaldo/scratch"      # below its home: XDG Base Directory Specification
_BOOT = "/proc/sys/kernel/random/boot_id"
_RECORD = 4096                     # bytes, at most
_FORGOTTEN = 180 * 86400           # seconds after which a record is dropped whose directory was never met again
_MOST_REMARKS = 20
_ATTEMPTS = 5

_remarks: List[Remark] = []


class Workspace:
    """A directory of mode 0700 under `parent` (default: the system's own for temporary files), removed when done.

    `held` is its descriptor, `path` its name; where others may write to the parent use `pinned`, the path by which it stays the same one.
    It is locked meanwhile, by which the next run knows that a directory's owner is dead.
    """

    def __init__(self, parent: str = "") -> None:
        parent = parent or tempfile.gettempdir()
        above = os.open(parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            _sweep(above)
            name, self.held = _made(above)
        except BaseException:
            os.close(above)
            raise
        fcntl.flock(self.held, fcntl.LOCK_EX)
        _note(name, above, self.held)
        self.path = os.path.join(parent, name)
        self.pinned = descriptors.path_of(self.held)
        self.close = weakref.finalize(self, _close, above, name, self.held)

    def file(self, name: str) -> str:
        return os.path.join(self.path, name)

    def __enter__(self) -> "Workspace":
        return self

    def __exit__(self, *_unused: object) -> None:
        self.close()


@contextlib.contextmanager
def inside(directory: str) -> Iterator[Workspace]:
    """A workspace in a resolved directory that stays the same one, whoever renames it meanwhile. Raises assigned_path_changed."""
    with scope.pinned(directory) as above:
        with scope.steady(directory):
            own = Workspace(above)
        with own:
            yield own


def _made(above: int) -> Tuple[str, int]:
    """A new directory, held. One that somebody takes away as soon as it is made is left to him. Raises assigned_path_changed when he always does."""
    for _attempt in range(_ATTEMPTS):
        name = PREFIX + secrets.token_hex(8)
        with contextlib.suppress(descriptors.Exchanged):
            held = descriptors.make_directory(above, name)
            descriptors.shed_acls(held)
            return name, held
    raise BackupError("assigned_path_changed", assigned=_where(above), detail="somebody renames what is made there, as soon as it is made")


def remarks() -> List[Remark]:
    """What a person should know of scratch that could not be removed, since this was asked last."""
    told = list(_remarks)
    _remarks.clear()
    return told


def tell(problem: Remark) -> None:
    """Keep what a person should know of scratch, once."""
    if len(_remarks) < _MOST_REMARKS and problem not in _remarks:
        _remarks.append(problem)


def _close(above: int, name: str, held: int) -> None:
    """Remove it with all it holds. Never raises: what it was for is done by now."""
    try:
        _remove(above, name, held)
    except OSError as error:
        tell(Remark("scratch_left", name=name, where=_where(above), detail=error.strerror or str(error)))
    finally:
        os.close(held)
        os.close(above)


def _remove(above: int, name: str, held: int) -> None:
    descriptors.empty(held)
    if descriptors.stands(above, name, descriptors.identity(held)):
        with contextlib.suppress(FileNotFoundError):
            os.rmdir(name, dir_fd=above)
    elif os.fstat(held).st_nlink:
        tell(Remark("scratch_renamed", name=name, where=_where(above)))
    _forget(name)


def _where(above: int) -> str:
    with contextlib.suppress(OSError):
        return scope.shown(os.readlink("/proc/self/fd/{0}".format(above)))
    return "a directory"


# -- records ---------------------------------------------------------------------------------------------------------
@contextlib.contextmanager
def own_state(make: bool = False, place: str = "") -> Iterator[Optional[int]]:
    """The directory of the records and of marks, held; None where there is none that only this account may write to. `place` is another than the usual."""
    try:
        held = _open_place(place) if place else _open_state(make)
    except (OSError, KeyError):
        held = None
    try:
        yield held
    finally:
        if held is not None:
            os.close(held)


def _open_state(make: bool) -> Optional[int]:
    """None when others than root and this account may write to it or to what leads to it: a record of theirs must remove nothing."""
    root = os.geteuid() == 0
    base, way = os.path.split(os.path.dirname(STATE))[0], STATE
    if not root:
        base = pwd.getpwuid(os.geteuid()).pw_dir
        way = os.path.join(base, _OF_AN_ACCOUNT)
    at = os.open(base, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    for part in os.path.relpath(way, base).split("/"):
        try:
            if make:
                with contextlib.suppress(FileExistsError):
                    # an account has its state in a private directory; /var/lib/respaldo holds more than this
                    os.mkdir(part, 0o700 if part == "scratch" or not root else 0o755, dir_fd=at)
            inner = descriptors.enter(at, part)
        finally:
            os.close(at)
        at = inner
        found = os.fstat(at)
        if found.st_uid not in (0, os.geteuid()) or stat.S_IMODE(found.st_mode) & 0o022:
            os.close(at)
            return None
    return at


def _open_place(place: str) -> Optional[int]:
    """A directory that was told, made where it is not there; None where it is another's, or others may write to it."""
    at = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    for part in os.path.realpath(place).strip("/").split("/"):
        try:
            with contextlib.suppress(FileExistsError):
                os.mkdir(part, 0o700, dir_fd=at)
            inner = descriptors.enter(at, part)
        finally:
            os.close(at)
        at = inner
    found = os.fstat(at)
    if found.st_uid == os.geteuid() and not stat.S_IMODE(found.st_mode) & 0o022:
        return at
    os.close(at)
    return None


def _note(name: str, above: int, held: int) -> None:
    """Write down what was made, so that the next run knows it. Without the record it is only not swept."""
    device, inode = descriptors.identity(held)
    record = {"inode": inode, "device": device, "birth": system_calls.birth(held), "boot": _boot(), "above": _where(above)}
    with own_state(make=True) as state:
        if state is None:
            return
        try:
            # other versions or a clash of names: the record of another scratch is not touched
            with os.fdopen(descriptors.create(state, name), "w", encoding="utf-8") as file:
                json.dump(record, file)
        except OSError as error:
            tell(Remark("scratch_unnoted", where=_where(state), detail=error.strerror or str(error)))


def _forget(name: str) -> None:
    with own_state() as state, contextlib.suppress(OSError):
        if state is not None:
            os.unlink(name, dir_fd=state)


def _boot() -> str:
    with contextlib.suppress(OSError), open(_BOOT, encoding="ascii") as file:
        return file.read().strip()
    return ""


def _records(state: int) -> Iterator[str]:
    with os.scandir(state) as entries:
        for entry in entries:
            if entry.name.startswith(PREFIX):
                yield entry.name


def _sweep(above: int) -> None:
    """Remove what dead runs of this account made here. Whatever is in the way is told, and left."""
    with own_state() as state:
        if state is None:
            return
        for name in list(_records(state)):
            try:
                _sweep_one(above, state, name)
            except (OSError, ValueError, RecursionError) as error:
                tell(Remark("scratch_of_dead", name=name, where=_where(above), detail=str(error)))


def _sweep_one(above: int, state: int, name: str) -> None:
    try:
        held = descriptors.enter(above, name)
    except OSError:
        _drop_old(state, name)      # of another directory; or no directory stands under this name any more
        return
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return                  # its run lives
        if _is_ours(held, json.loads(descriptors.read(name, _RECORD, state))):
            _remove(above, name, held)
        else:
            tell(Remark("scratch_foreign", name=name, where=_where(above)))
            os.unlink(name, dir_fd=state)
    finally:
        os.close(held)


def _is_ours(held: int, record: Dict[str, Any]) -> bool:
    """Whether a directory is the one that was noted. After another start of the system devices have other numbers; the time of birth tells enough then."""
    found = os.fstat(held)
    born = system_calls.birth(held)
    if not born and (found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077):
        return False      # where nothing tells when it was made, its number may have been given anew: it must look like ours at least
    same_device = found.st_dev == record["device"]
    if record["boot"] != _boot() and not same_device and not born:
        return False
    return found.st_ino == record["inode"] and born == record["birth"] and (same_device or record["boot"] != _boot())


def _drop_old(state: int, name: str) -> None:
    with contextlib.suppress(OSError):
        if time.time() - os.stat(name, dir_fd=state, follow_symlinks=False).st_mtime > _FORGOTTEN:
            os.unlink(name, dir_fd=state)
