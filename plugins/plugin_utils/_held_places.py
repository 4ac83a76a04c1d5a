# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of the controller in places where others may write too: anchors, custody and reports on a share.

Whoever may write to a share may put a link, a FIFO or another directory in the place of a file at any moment, and the play often runs as root. So a
path is entered part by part and each directory held (descriptors.py); what is opened is a regular file or is refused. A link that the administrator set
is followed: it and each directory before it are such that only root or this account could have exchanged them. What a server of files says of owners
and modes proves nothing (SMB shows what the mount was told to show): on a network file system no link is followed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ..module_utils._engine.errors import InBoth, in_both
from ..module_utils._engine.filesystem import descriptors
from ._places import NETWORK_FILE_SYSTEMS

_MOST_LINKS = 40
_MOUNTS = "/proc/self/mountinfo"
_APPENDED = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class Refused(OSError):
    """What stands in a place is not what may be opened there. Its `strerror` is in both languages."""

    def __init__(self, path: str, detail: InBoth) -> None:
        super().__init__(errno.ELOOP, detail, path)


class Place(NamedTuple):
    """A name in a held directory. `open`: its modes let others than root and this account put something else under it."""

    held: int
    name: str
    open: bool


def why(error: OSError) -> object:
    """What an error says, as the detail of one of the catalogue: in both languages where it is a refusal of ours."""
    return error.strerror if isinstance(error, Refused) else error


@contextlib.contextmanager
def place(path: str | Path, make: int | None = None, follow: bool = True) -> Iterator[Place]:
    """Where a file lies, its directory held. `make`: the mode of the directories that are missing. `follow`: a link that the administrator put under
    the name itself leads on. Raises Refused, OSError.
    """
    found = _walked(os.path.abspath(path), make, follow, whole=False)
    try:
        yield found
    finally:
        os.close(found.held)


@contextlib.contextmanager
def directory(path: str | Path, make: int | None = None) -> Iterator[int]:
    """A directory, held and readable. Raises Refused, OSError."""
    found = _walked(os.path.abspath(path), make, True, whole=True)
    try:
        held = descriptors.enter(found.held, ".")
    finally:
        os.close(found.held)
    try:
        yield held
    finally:
        os.close(held)


@contextlib.contextmanager
def below(held: int, relative: str, make: int | None = None) -> Iterator[int]:
    """A directory below a held one, for what only we make there: no link is followed. Raises Refused, OSError."""
    inner = os.dup(held)
    try:
        for part in [each for each in relative.split("/") if each]:
            above, inner = inner, _entered(inner, part, make, os.path.join(relative, part))
            os.close(above)
        yield inner
    finally:
        os.close(inner)


def is_open(path: str | Path) -> bool:
    """Whether others may exchange what is made in a directory, or what leads to it. Raises Refused, OSError."""
    with place(Path(path, "x")) as found:
        return found.open or _is_on_network(found.held)


def reading(path: str | Path) -> int:
    """A descriptor for reading a regular file. Raises Refused, OSError."""
    with place(path) as found:
        return reading_in(found.held, found.name, str(path))


def reading_in(held: int, name: str, path: str) -> int:
    """The same, in a held directory. Raises Refused, OSError."""
    try:
        return descriptors.regular(name, held)
    except descriptors.NotRegular as error:
        raise _irregular(path) from error


def read(path: str | Path, limit: int) -> bytes:
    """The bytes of a regular file. Raises Refused, also for one that holds more than `limit`, OSError."""
    with place(path) as found:
        return read_in(found.held, found.name, limit, str(path))


def read_in(held: int, name: str, limit: int, path: str) -> bytes:
    """The same, in a held directory. Raises Refused, OSError."""
    with os.fdopen(reading_in(held, name, path), "rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise Refused(path, in_both("{0} holds more than {1} bytes".format(path, limit), "{0} tiene más de {1} bytes".format(path, limit)))
    return content


def appending(path: str | Path, mode: int) -> int:
    """A descriptor for adding to a regular file, made when it is not there; its directory must be. Raises Refused, OSError."""
    with place(path) as found:
        try:
            descriptor = os.open(found.name, _APPENDED, mode, dir_fd=found.held)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENXIO, errno.ENODEV, errno.EISDIR):
                raise _irregular(str(path)) from error
            raise
        status = os.fstat(descriptor)
        # a second name of a file that is not theirs is what a link would be
        if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1 and (found.open or _is_on_network(found.held)):
            os.close(descriptor)
            raise _irregular(str(path))
    os.set_blocking(descriptor, True)
    return descriptor


@contextlib.contextmanager
def beside(held: int, name: str, mode: int = 0o600) -> Iterator[tuple[int, str]]:
    """A new file in a held directory, to be given that name by the body: its descriptor and its name meanwhile, which is gone afterwards."""
    temporary = "{0}.{1}".format(name, secrets.token_hex(4))
    descriptor = descriptors.create(held, temporary, mode)
    try:
        yield descriptor, temporary
        sync(held)
    finally:
        os.close(descriptor)
        with contextlib.suppress(OSError):
            os.unlink(temporary, dir_fd=held)


def filled(descriptor: int, content: bytes) -> None:
    """Write all of it, on stable storage. Raises OSError."""
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view):]
    os.fsync(descriptor)


def sync(held: int) -> None:
    """What names a held directory has, on stable storage. Raises OSError."""
    readable = descriptors.enter(held, ".")
    try:
        os.fsync(readable)
    finally:
        os.close(readable)


def _walked(path: str, make: int | None, follow: bool, whole: bool) -> Place:
    """The directory of a file and its name; of a directory (`whole`) itself. Whoever gets the descriptor closes it."""
    rest = [part for part in path.split("/") if part not in ("", ".")]
    held, is_open_by_now, links = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC), False, 0
    try:
        while rest:
            part, last = rest.pop(0), not rest
            try:
                status = os.stat(part, dir_fd=held, follow_symlinks=False)
            except FileNotFoundError:
                status = None
            safe = not is_open_by_now and _is_safe(os.fstat(held), status)
            if status is not None and stat.S_ISLNK(status.st_mode) and (whole or follow or not last):
                links += 1
                if not safe or links > _MOST_LINKS or _is_on_network(held):
                    raise Refused(path, in_both(
                        "{0} is a link in {1}, where others may write".format(part, _shown(held)),
                        "{0} es un enlace en {1}, donde pueden escribir otras cuentas".format(part, _shown(held))))
                target = os.readlink(part, dir_fd=held)
                rest = [each for each in target.split("/") if each not in ("", ".")] + rest
                if target.startswith("/"):
                    os.close(held)
                    held = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
                continue
            if last and not whole:
                return Place(held, part, not safe)
            inner = _entered(held, part, make, path)
            os.close(held)
            held, is_open_by_now = inner, not safe
        if not whole:
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        return Place(held, "", is_open_by_now)
    except BaseException:
        os.close(held)
        raise


def _entered(held: int, part: str, make: int | None, path: str) -> int:
    if make is not None:
        # of two runs that make it at once each finds it
        with contextlib.suppress(FileExistsError):
            os.mkdir(part, make, dir_fd=held)
    try:
        return descriptors.enter(held, part, passing=True)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.ENOTDIR) or not _is_link(held, part):
            raise
        raise Refused(path, in_both("{0} in {1} is a link, which is not followed here".format(part, _shown(held)),
                                    "{0}, en {1}, es un enlace, que aquí no se sigue".format(part, _shown(held)))) from error


def _is_link(held: int, name: str) -> bool:
    """Of what was just refused: a file in the place of a directory is told as ever."""
    with contextlib.suppress(OSError):
        return stat.S_ISLNK(os.stat(name, dir_fd=held, follow_symlinks=False).st_mode)
    return False


def _is_safe(above: os.stat_result, status: os.stat_result | None) -> bool:
    """Whether only root or this account could put something else under a name in a directory; in one such as /tmp each keeps what is his."""
    ours = (0, os.geteuid())
    if above.st_uid not in ours or status is not None and stat.S_ISLNK(status.st_mode) and status.st_uid not in ours:
        return False
    others = above.st_mode & stat.S_IWOTH or above.st_mode & stat.S_IWGRP and above.st_gid != 0
    return not others or bool(above.st_mode & stat.S_ISVTX) and status is not None and status.st_uid in ours


def _is_on_network(held: int) -> bool:
    device = os.fstat(held).st_dev
    number = "{0}:{1}".format(os.major(device), os.minor(device))
    try:
        lines = Path(_MOUNTS).read_text("utf-8", "replace").splitlines()
    except OSError:
        return False
    rows = (line.partition(" - ") for line in lines)
    return any(right.split(" ")[0] in NETWORK_FILE_SYSTEMS for left, _separator, right in rows if left.split(" ")[2:3] == [number])


def _shown(held: int) -> str:
    try:
        return os.readlink("/proc/self/fd/{0}".format(held))
    except OSError:
        return "?"


def _irregular(path: str) -> Refused:
    return Refused(path, in_both("{0} is no regular file (a link, a FIFO, a device, or a second name of another file)".format(path),
                                 "{0} no es un archivo regular (un enlace, una tubería, un dispositivo, o un segundo nombre de otro archivo)".format(path)))
