# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scope guard: only assigned paths are copied or restored to (numerals 6.1, 6.2).

The rules, each of them tested:

- A path counts by where it really is: links and `..` are followed first. It is inside an assigned path by its names, or, where a file system
  knows a name in several spellings (ignoring case), by being the same directory.
- An assigned path is itself: a directory or file of exactly that name. A link in its place, or nothing, is refused. Directories above it may be
  links of root (or of the account that runs this), since who may change those may change anything.
- Names are bytes. `é` typed in another Unicode form, or in another case, is another name; a refusal tells which name is there.
- What is mounted below an assigned path - another disk, or a bind mount of any directory - is not part of it, unless its mount point is an
  assigned path too.
- Links found inside are copied as links, never what they point to: that is the sources' part (`tar` without -h, `restic`, `git`).
"""

from __future__ import annotations

import contextlib
import difflib
import json
import os
import re
import stat
import unicodedata
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence

from ..errors import BackupError
from . import descriptors

# What a module records as a refusal, not as a failure.
REFUSALS = ("out_of_scope", "nothing_assigned", "assigned_path_changed", "other_office")

_NAMED = 20      # paths told one by one

_MOUNTS = "/proc/self/mountinfo"
_MOST_NAMES = 5


def resolve(path: str, assigned: Sequence[str]) -> str:
    """The real path, links and `..` resolved, if it lies in an assigned path. An empty `assigned` guards nothing.

    Raises invalid_input for a path that is not absolute or holds a NUL, assigned_path_changed when the assigned path it names is no longer
    what it was, out_of_scope for one outside, one that is mounted there, or a link that leads round in a circle.
    """
    if not path.startswith("/") or "\0" in path:
        raise BackupError("invalid_input", where="path", value=path, problem="is not an absolute path",
                          mend="Give the full path from the root.")
    real = followed(path)
    if not assigned:
        return real
    mounted = mount_points()
    for one in assigned:
        top = _real_of_assigned(one)
        if top is None:
            continue
        inside = _inside(real, top)
        if inside is not None:
            _refuse_mounted(path, inside, top, assigned, mounted)
            if os.path.islink(inside):
                break
            return inside
    _explain(path, real, assigned)
    raise BackupError("out_of_scope", path=shown(path), resolved=shown(real), assigned=", ".join(map(shown, assigned)))


def followed(path: str) -> str:
    """os.path.realpath, of a path that others change meanwhile too. Raises assigned_path_changed where a link of it is none any more when it is read."""
    try:
        return os.path.realpath(path)
    except OSError as error:
        raise descriptors.refused(error, shown(path)) from error


def demand(assigned: Sequence[str], path: str) -> None:
    """Refuse when no path at all is assigned: for shared folders that is no scope, not an open one. Raises nothing_assigned."""
    if not assigned:
        raise BackupError("nothing_assigned", path=shown(path))


def mounts_below(real: str, assigned: Sequence[str] = ()) -> List[str]:
    """The mount points below a resolved directory that are not part of it: what a source must leave out, and tell.

    A bind mount of the same disk is among them, which a comparison of devices (`--one-file-system`) does not see.
    """
    own = {_real_of_assigned(one) for one in assigned}
    return [point for point in mount_points() if point != real and _within(point, real) and point not in own]


def foreign_mounts(folders: Sequence[str], assigned: Sequence[str]) -> List[str]:
    """What is mounted below resolved folders and is no part of them. Where no path is assigned nothing is guarded, and all that is there is theirs."""
    return sorted({point for real in folders for point in mounts_below(real, assigned)}) if assigned else []


def lies_in(path: str, folders: Sequence[str], left_out: Sequence[str]) -> bool:
    """Whether a resolved path is one of the folders or below one, and not at or below what is mounted there and left out."""
    return any(_within(path, folder) for folder in folders) and not any(_within(path, point) for point in left_out)


@contextlib.contextmanager
def pinned(directory: str, private: bool = False) -> Iterator[str]:
    """A resolved directory held open while it is used: a path by which it stays the same one, whoever renames it or puts a link in its place.

    The path holds for this process and its children until the block ends. `private` asks that nobody else may look into it: who may write to the
    directory above could have put another in its place. Raises assigned_path_changed when it is not, or when a part of it is a link by now.
    """
    descriptor = _open_directory(directory)
    try:
        found = os.fstat(descriptor)
        if private and (found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077):
            raise BackupError("assigned_path_changed", assigned=shown(directory), detail="it is another one than before")
        yield "/proc/{0}/fd/{1}/.".format(os.getpid(), descriptor)     # the dot: without it the path is a link itself
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def steady(path: str) -> Iterator[None]:
    """Within, a name that leads elsewhere than a moment ago is somebody else's doing. Raises assigned_path_changed for it."""
    try:
        yield
    except OSError as error:
        if not descriptors.is_led(error):
            raise
        raise descriptors.refused(error, shown(path)) from error


class Mark(NamedTuple):
    """What tells one file or directory from whatever stands under its name later."""

    path: str
    device: int
    inode: int
    kind: int


def mark(real: str) -> Mark:
    """Remember what a resolved path is. Raises source_missing."""
    try:
        found = os.lstat(real)
    except OSError as error:
        raise BackupError("source_missing", source=shown(real)) from error
    return Mark(real, found.st_dev, found.st_ino, stat.S_IFMT(found.st_mode))


def recheck(before: Mark) -> None:
    """At the moment of use, and after it: the path is still what was let through. Raises assigned_path_changed."""
    try:
        same = followed(before.path) == before.path and mark(before.path) == before
    except BackupError:
        same = False
    if not same:
        raise BackupError("assigned_path_changed", assigned=shown(before.path), detail=now_there(before.path))


def office_of(real: str, offices: Mapping[str, str]) -> Optional[str]:
    """The office whose shared folder holds a resolved path; the innermost one's. None when none does. `offices` is path -> office."""
    found: Dict[str, str] = {}
    for one, office in offices.items():
        top = _real_of_assigned(one)
        if top is not None and _inside(real, top) is not None:
            found[top] = office
    return found[max(found, key=len)] if found else None


def refuse_other_office(origins: Sequence[str], target: str, offices: Mapping[str, str]) -> None:
    """What was copied from one office's folder comes back only into that office's (numeral 6.2). Raises other_office.

    `origins` are the paths the copy was made of, as they were resolved then. A target outside all shared folders is not this function's
    matter: the assigned paths decide on it.
    """
    real = followed(target)
    there = office_of(real, offices)
    if there is None:
        return
    for origin in origins:
        owner = _office_by_name(origin, offices)
        if owner is not None and owner != there:
            raise BackupError("other_office", path=shown(target), office=there, origin=shown(origin), owner=owner)


def shown(path: Any) -> str:
    """A path for a message: on one line, its control characters and what is no UTF-8 written out."""
    return re.sub(r"[\x00-\x1f\x7f\ud800-\udfff]", lambda found: "\\x{0:02x}".format(ord(found.group()) & 0xFF), str(path))


def some(paths: Sequence[str]) -> str:
    """The first of many paths, as people read them, and how many more there are."""
    told = ", ".join(json.dumps(path, ensure_ascii=False) for path in paths[:_NAMED])
    return told + (" and {0} more".format(len(paths) - _NAMED) if len(paths) > _NAMED else "")


def now_there(path: str) -> str:
    """What stands at a path today, in words."""
    with contextlib.suppress(OSError):      # it is no link, or none any more
        return "it is a link to {0}".format(shown(os.readlink(path)))
    if os.path.lexists(path):
        try:
            real = os.path.realpath(path)
        except OSError:
            return "it changes while it is looked at"
        return "it is another one than before" if real == path else "it is reached by a link now, as {0}".format(shown(real))
    directory, name = os.path.split(path.rstrip("/"))
    try:
        names = sorted(os.listdir(directory))
    except NotADirectoryError:
        return "{0} is no directory".format(shown(directory))
    except OSError:
        return "it does not exist, and neither does {0}".format(shown(directory))
    alike = [each for each in names if _folded(each) == _folded(name)]
    if alike:
        return "it does not exist; {0} holds the same name in another case or Unicode form: {1}".format(shown(directory), _list(alike, directory))
    close = difflib.get_close_matches(name, names, n=_MOST_NAMES, cutoff=0.5) or names[:_MOST_NAMES]
    return "it does not exist; {0} holds {1}".format(shown(directory), _list(close, directory) if close else "nothing")


def mount_points() -> List[str]:
    """Where something is mounted, as this process sees it. None on a system that can't tell."""
    try:
        with open(_MOUNTS, "rb") as file:
            lines = file.read().splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        fields = line.split(b" ")
        if len(fields) > 4:
            found.append(os.fsdecode(re.sub(rb"\\([0-7]{3})", lambda octal: bytes([int(octal.group(1), 8)]), fields[4])))
    return sorted(set(found))


def _real_of_assigned(one: str) -> Optional[str]:
    """Where an assigned path really is; None when it is not itself any more, which guards nothing and lets nothing through."""
    named = os.path.normpath(one) if one.startswith("/") else one
    if not one.startswith("/") or ".." in one.split("/") or not os.path.lexists(named) or os.path.islink(named) or _strange_link(named) is not None:
        return None
    try:
        return os.path.realpath(named)
    except OSError:
        return None     # a link on the way was exchanged at that very moment


def _strange_link(path: str) -> Optional[str]:
    """The first link on the way to a path that somebody else than root, or the account that runs this, made; None when there is none."""
    at = "/"
    for name in path.strip("/").split("/")[:-1]:
        at = os.path.join(at, name)
        found = os.lstat(at)
        if stat.S_ISLNK(found.st_mode) and found.st_uid not in (0, os.geteuid()):
            return at
    return None


def _inside(real: str, top: str) -> Optional[str]:
    """A resolved path written by the names of its assigned path, when it lies in it."""
    if _within(real, top):
        return real
    # another spelling of the same directory, on a file system that ignores case or the Unicode form
    at = real
    below: List[str] = []
    while at != "/":
        with contextlib.suppress(OSError):
            if len(at.split("/")) == len(top.split("/")) and _folded(at) == _folded(top) and os.path.samefile(at, top):
                return os.path.join(top, *below)
        at, name = os.path.split(at)
        below.insert(0, name)
    return None


def _refuse_mounted(path: str, real: str, top: str, assigned: Sequence[str], mounted: Sequence[str]) -> None:
    own = {_real_of_assigned(one) for one in assigned}
    for point in mounted:
        reassigned = any(each is not None and _within(each, point) and _within(real, each) for each in own)
        if point != top and _within(point, top) and _within(real, point) and not reassigned:
            raise BackupError("out_of_scope", path=shown(path), resolved="{0}, mounted on {1}".format(shown(real), shown(point)),
                              assigned=", ".join(map(shown, assigned)))


def _explain(path: str, real: str, assigned: Sequence[str]) -> None:
    """A clearer refusal when the path was meant to be in an assigned one. Raises assigned_path_changed."""
    named = os.path.normpath(path)
    for one in assigned:
        top = os.path.normpath(one)
        if not one.startswith("/") or ".." in one.split("/"):
            raise BackupError("invalid_input", where="assigned_paths", value=shown(one), problem="is not an absolute path without ..",
                              mend="Give the full path from the root.")
        if _real_of_assigned(one) is None and (_within(named, top) or _within(real, followed(top))):
            link = _strange_link(top) if os.path.lexists(top) and not os.path.islink(top) else None
            detail = "{0} on the way to it is a link to {1}".format(shown(link), _leads_to(link)) if link else now_there(top)
            raise BackupError("assigned_path_changed", assigned=shown(top), detail=detail)


def _leads_to(link: str) -> str:
    try:
        return shown(os.readlink(link))
    except OSError:      # exchanged since it was found
        return "another place"


def _office_by_name(path: str, offices: Mapping[str, str]) -> Optional[str]:
    """As office_of, for a path of a copy, which need not be there any more."""
    found = {os.path.normpath(one): office for one, office in offices.items() if _within(path, os.path.normpath(one)) or _within(path, followed(one))}
    return found[max(found, key=len)] if found else None


def _open_directory(directory: str) -> int:
    """A descriptor of a resolved directory, each of its parts entered without following a link."""
    descriptor = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    for name in [part for part in directory.split("/") if part]:
        try:
            inner = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=descriptor)
        except OSError as error:
            raise BackupError("assigned_path_changed", assigned=shown(directory), detail=now_there(directory)) from error
        finally:
            os.close(descriptor)
        descriptor = inner
    return descriptor


def _within(path: str, directory: str) -> bool:
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _list(names: Sequence[str], directory: str) -> str:
    """Names for a message, those that look alike told apart by their code points, links by where they lead."""
    told = []
    for name in names:
        text = shown(name)
        if unicodedata.normalize("NFC", name) != name or any(unicodedata.combining(letter) for letter in name):
            text += " ({0})".format(ascii(name)[1:-1])
        if os.path.islink(os.path.join(directory, name)):
            text += " (a link to {0})".format(shown(os.readlink(os.path.join(directory, name))))
        told.append(text)
    return ", ".join(told)
