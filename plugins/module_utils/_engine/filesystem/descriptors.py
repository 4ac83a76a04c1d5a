# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work of root in a directory that others may write to: by descriptors, never by a name that somebody could exchange meanwhile.

Who may write to a directory may rename what lies in it, and put a link, a FIFO or another directory in its place, between any two steps. So:

- a directory is entered part by part, no link followed, and held by its descriptor while it is used;
- what is made is made exclusively, and opened and looked at before it is given to anybody;
- owner and mode are set on descriptors; only regular files are read, and only so many bytes of them;
- a tree is walked and removed without recursion and with few descriptors, however deep it is.

Every function takes `held`, the descriptor of a directory, and `name`, one name in it (no `/`). Whoever gets a descriptor closes it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from typing import Iterator, List, NamedTuple, Optional, Tuple

from ..errors import BackupError
from . import system_calls

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: a FIFO in place of a file is opened at once, seen for what it is, and refused
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
# enough to go further in, also where a directory may be passed through and not listed
_PASSING = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_CHUNK = 1 << 20


class Exchanged(OSError):
    """What stands under a name is not what was made or seen there: somebody exchanged it."""

    def __init__(self, name: str, detail: str = "is not what was there before") -> None:
        super().__init__(errno.ESTALE, detail, name)


class NotRegular(OSError):
    """What stands under a name is no regular file: a link, a FIFO, a device, a directory."""

    def __init__(self, name: str) -> None:
        super().__init__(errno.EINVAL, "is no regular file", name)


class TooLarge(OSError):
    """A file holds more than may be read of it."""

    def __init__(self, name: str, limit: int) -> None:
        super().__init__(errno.EFBIG, "holds more than {0} bytes".format(limit), name)


class Entry(NamedTuple):
    """One thing in a tree: its path below the top, what lstat says of it, and the descriptor of the directory it is in.

    `held` is the walk's own: it is valid until the next step.
    """

    path: str
    name: str
    status: os.stat_result
    held: int


def top(path: str) -> int:
    """A descriptor of a directory by its full, resolved path; each part is entered without following a link. Raises OSError."""
    parts = [each for each in path.split("/") if each not in ("", ".")]
    held = os.open("/", _PASSING if parts else _DIRECTORY)
    for number, part in enumerate(parts, 1):
        held = _down(held, part, _DIRECTORY if number == len(parts) else _PASSING)
    return held


def below(held: int, relative: str) -> int:
    """A descriptor of a directory below `held`, which stays open; no link is followed, no `..` taken. Raises OSError."""
    inner = os.dup(held)
    for part in [each for each in relative.split("/") if each not in ("", ".")]:
        inner = _down(inner, part)
    return inner


def _down(held: int, part: str, flags: int = _DIRECTORY) -> int:
    try:
        if part == "..":
            raise OSError(errno.EINVAL, "leads out of the directory", part)
        return os.open(part, flags, dir_fd=held)
    finally:
        os.close(held)


def enter(held: int, name: str, passing: bool = False) -> int:
    """A descriptor of a directory in `held`, which stays open; no link followed. `passing`: one that need not be listed. Raises OSError."""
    return os.open(name, _PASSING if passing else _DIRECTORY, dir_fd=held)


def is_led(error: OSError) -> bool:
    """Whether a name did not lead where it did before: a link, another sort of thing, or nothing stands in its place."""
    return error.errno in (errno.ELOOP, errno.ENOTDIR, errno.ENOENT, errno.ESTALE)


def path_of(held: int) -> str:
    """A path by which this process and its children reach a held directory, whatever its name is by now."""
    return "/proc/{0}/fd/{1}/.".format(os.getpid(), held)     # the dot: without it the path is a link itself


def make_directory(held: int, name: str, mode: int = 0o700, owned: bool = True) -> int:
    """Make a directory and hold it. FileExistsError when the name is taken, Exchanged when it is not the one that was made.

    `owned=False` is for file systems that keep no owners and modes of ours (a NAS mounted from Windows): there only an empty directory is asked for.
    """
    os.mkdir(name, 0o700, dir_fd=held)
    try:
        made = os.open(name, _DIRECTORY, dir_fd=held)
    except OSError as error:
        raise Exchanged(name) from error
    found = os.fstat(made)
    with os.scandir(made) as inside:
        empty = next(inside, None) is None
    if not empty or owned and (found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077):
        os.close(made)
        raise Exchanged(name)
    if mode != 0o700:
        os.fchmod(made, mode)
    return made


def shed_acls(held: int) -> None:
    """Take from a directory that was just made the ACLs which the default ACL of the one above gave it: what is made in it would have them too."""
    for name in ("system.posix_acl_default", "system.posix_acl_access"):
        with contextlib.suppress(OSError):      # it has none, or the file system knows none
            os.removexattr("/proc/self/fd/{0}".format(held), name)


def create(held: int, name: str, mode: int = 0o600) -> int:
    """Make a file that was not there, for writing. FileExistsError when the name is taken by anything, a link too."""
    made = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=held)
    if mode != 0o600:
        os.fchmod(made, mode)
    return made


def lockable(held: int, name: str) -> int:
    """A regular file to lock, made when it is not there; what else stands under its name is not touched. Raises NotRegular, OSError."""
    try:
        found = os.open(name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC, 0o600, dir_fd=held)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO, errno.ENODEV, errno.EISDIR):
            raise NotRegular(name) from error
        raise
    if not stat.S_ISREG(os.fstat(found).st_mode):
        os.close(found)
        raise NotRegular(name)
    return found


def move(source: int, name: str, target: int, new_name: str) -> None:
    """Rename what stands under a name; nothing is replaced, whoever made it just now. Raises FileExistsError, OSError."""
    if system_calls.rename_without_replacing(source, name, target, new_name):
        return
    with contextlib.suppress(FileNotFoundError):
        os.stat(new_name, dir_fd=target, follow_symlinks=False)
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), new_name)
    os.rename(name, new_name, src_dir_fd=source, dst_dir_fd=target)


def identity(held: int, name: str = "") -> Tuple[int, int]:
    """What tells a thing from whatever stands under its name later: of what a descriptor holds, or of a name in it. Raises OSError."""
    found = os.stat(name, dir_fd=held, follow_symlinks=False) if name else os.fstat(held)
    return found.st_dev, found.st_ino


def stands(held: int, name: str, expected: Tuple[int, int]) -> bool:
    """Whether what stands under a name is still what was there."""
    try:
        return identity(held, name) == expected
    except OSError:
        return False


def stands_at(path: str, expected: Tuple[int, int], directory: Tuple[int, int]) -> bool:
    """Whether what stands at a full path, no link followed on the way, is still what was put there, in the same directory."""
    try:
        held = top(os.path.dirname(path))
    except OSError:
        return False
    try:
        return identity(held) == directory and stands(held, os.path.basename(path), expected)
    finally:
        os.close(held)


def regular(name: str, held: Optional[int] = None) -> int:
    """A descriptor for reading a regular file. Raises NotRegular, or OSError when it is not there or may not be read."""
    try:
        found = os.open(name, _FILE, dir_fd=held)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO, errno.ENODEV):     # a link, a socket, a device without a driver
            raise NotRegular(name) from error
        raise
    if not stat.S_ISREG(os.fstat(found).st_mode):
        os.close(found)
        raise NotRegular(name)
    os.set_blocking(found, True)
    return found


def read(name: str, limit: int, held: Optional[int] = None) -> bytes:
    """The bytes of a regular file. Raises NotRegular, TooLarge when there are more than `limit`, OSError."""
    with os.fdopen(regular(name, held), "rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise TooLarge(name, limit)
    return content


def copy(source: int, target: int, limit: int, name: str = "") -> int:
    """Copy what is left of a file, from descriptor to descriptor; how many bytes. Raises TooLarge after `limit` bytes."""
    written = 0
    while True:
        chunk = os.read(source, min(_CHUNK, limit - written + 1))
        if not chunk:
            return written
        written += len(chunk)
        if written > limit:
            raise TooLarge(name, limit)
        view = memoryview(chunk)
        while view:
            view = view[os.write(target, view):]


def give(held: int, uid: int = -1, gid: int = -1, mode: Optional[int] = None) -> None:
    """Set owner and mode of what a descriptor holds; the mode last, since a change of owner drops set-id bits."""
    if uid != -1 or gid != -1:
        os.fchown(held, uid, gid)
    if mode is not None:
        os.fchmod(held, mode)


def set_mode(held: int, mode: int) -> None:
    """Set the mode of what a descriptor holds, also of one that only points (O_PATH)."""
    os.chmod("/proc/self/fd/{0}".format(held), mode)


def walk(held: int, into: Optional[List[str]] = None, in_order: bool = True) -> Iterator[Entry]:
    """All that lies below a held directory, parents before what they hold, however deep.

    Names come as Python has them (undecodable bytes escaped). A directory that is exchanged, or moved, while it is walked ends in Exchanged; one
    that vanishes or may not be read is told in `into`, when given, and passed over. Mount points are entered: ask `status.st_dev`.
    `in_order=False`: as they come, files first, so that memory does not grow by the files of a directory.
    """
    at = os.dup(held)
    # where we are: how to recognise each directory above, its name, and what is left to do in it
    above: List[Tuple[int, int]] = []
    names: List[str] = []
    waiting = [_names(at, in_order)]
    try:
        while waiting:
            name = next(waiting[-1], "")
            if not name:
                waiting.pop()
                if waiting:
                    at = _up(at, above.pop(), names.pop())
                continue
            path = "/".join((*names, name))
            try:
                status = os.stat(name, dir_fd=at, follow_symlinks=False)
            except OSError:
                if into is not None:
                    into.append(path)
                continue
            yield Entry(path, name, status, at)
            if not stat.S_ISDIR(status.st_mode):
                continue
            try:
                inner = os.open(name, _DIRECTORY, dir_fd=at)
            except OSError:
                if into is not None:
                    into.append(path)
                continue
            if identity(inner) != (status.st_dev, status.st_ino):
                os.close(inner)
                raise Exchanged(path)
            above.append(identity(at))
            names.append(name)
            os.close(at)
            at = inner
            waiting.append(_names(at, in_order))
    finally:
        os.close(at)


def _names(held: int, in_order: bool) -> Iterator[str]:
    left: List[str] = []
    with os.scandir(held) as entries:
        for entry in entries:
            if in_order or entry.is_dir(follow_symlinks=False):
                left.append(entry.name)
            else:
                yield entry.name
    yield from sorted(left)


def _up(held: int, expected: Tuple[int, int], name: str) -> int:
    """From a directory to the one above, when it is still the one we came from."""
    parent = os.open("..", _DIRECTORY, dir_fd=held)
    if identity(parent) != expected:
        os.close(parent)
        raise Exchanged(name, "was moved while it was read")
    os.close(held)
    return parent


def remove(held: int, name: str) -> None:
    """Remove a file, a link, or a directory with all it holds, however deep; nothing beyond a mount point. Raises OSError.

    Several passes take what is added meanwhile; who adds for ever is given up on with ENOTEMPTY.
    """
    try:
        os.unlink(name, dir_fd=held)
        return
    except FileNotFoundError:
        return
    except OSError as error:
        if error.errno not in (errno.EISDIR, errno.EPERM):
            raise
    inner = os.open(name, _DIRECTORY, dir_fd=held)
    try:
        empty(inner)
    finally:
        os.close(inner)
    os.rmdir(name, dir_fd=held)


def empty(held: int, passes: int = 3) -> None:
    """Remove all that a held directory holds, however deep; the directory stays. Raises OSError."""
    device = os.fstat(held).st_dev
    for attempt in range(passes):
        try:
            _empty_once(held, device)
            return
        except OSError as error:
            if attempt == passes - 1 or error.errno not in (errno.ENOTEMPTY, errno.ESTALE, errno.ENOENT):
                raise


def _empty_once(held: int, device: int) -> None:
    at = os.dup(held)
    above: List[Tuple[int, int]] = []
    names: List[str] = []
    waiting: List[List[str]] = [_clear(at, device)]      # of each directory we are in: the directories in it that are not empty
    try:
        while True:
            if waiting[-1]:
                inner = waiting[-1].pop()
                above.append(identity(at))
                entered = os.open(inner, _DIRECTORY, dir_fd=at)
                os.close(at)
                at = entered
                names.append(inner)
                waiting.append(_clear(at, device))
            elif names:
                waiting.pop()
                at = _up(at, above.pop(), names[-1])
                os.rmdir(names.pop(), dir_fd=at)
            else:
                return
    finally:
        os.close(at)


def _clear(held: int, device: int) -> List[str]:
    """Remove what is no directory, and directories that are empty; the names of those that are not. All names at once would take memory by their number."""
    if os.fstat(held).st_dev != device:
        raise OSError(errno.EXDEV, "another file system is mounted here")
    left: List[str] = []
    with os.scandir(held) as entries:
        for name in (entry.name for entry in entries):
            try:
                status = os.stat(name, dir_fd=held, follow_symlinks=False)
                if not stat.S_ISDIR(status.st_mode):
                    os.unlink(name, dir_fd=held)
                elif status.st_dev != device:
                    raise OSError(errno.EXDEV, "another file system is mounted here", name)
                else:
                    os.rmdir(name, dir_fd=held)
            except FileNotFoundError:
                continue
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
                left.append(name)
    return left


def refused(error: OSError, path: str) -> BackupError:
    """The catalogue's error for what was met under a name that others may change."""
    return BackupError("assigned_path_changed", assigned=path, detail="{0} {1}".format(error.filename or "it", error.strerror or error))
