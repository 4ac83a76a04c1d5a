# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The directory of a shared folder on this server: groups, rights, recycle bin and quota, all by descriptors.

The office may write to its folder, so whatever has a name in it may be exchanged at any moment: what is made there is held before it is given to
anybody, and what stands in the place of the recycle bin is left alone and told.
"""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import re
import stat
from typing import TYPE_CHECKING, Iterator, NamedTuple, Optional

from ..errors import BackupError
from ..filesystem import descriptors, scope
from ..processes import programs
from . import quotas
from .share_files import read, run
from .share_texts import BIN

if TYPE_CHECKING:
    from .shares import Folder, Plan

_MODE = 0o2770


class Look(NamedTuple):
    """What is there of a folder."""

    there: bool
    rights: str      # owner, mode and ACL, as share_texts.rights writes them
    bin: bool        # the recycle bin


def look(folder: Folder) -> Look:
    """What is there now. Raises bin_foreign when the recycle bin is wanted and something else stands in its place."""
    if not os.path.isdir(folder.path):
        return Look(False, "", False)
    with _held(folder.path) as held:
        return Look(True, _rights_of(held, folder.name), folder.recycle_days > 0 and _has_bin(held, folder))


def make(plan: Plan) -> None:
    """Make what the plan asks for. A directory that exists keeps all it holds, whatever rights that has."""
    folder = plan.folder
    for name in plan.new_groups:
        run([programs.find("groupadd", "passwd"), "--system", "--", name], folder.name)
    for changed, names in sorted(plan.members.items()):
        run([programs.find("gpasswd", "passwd"), "--members", ",".join(names), changed], folder.name)
    number = _number(folder)
    if plan.directory == "make":
        _make_top(plan)
    with _held(folder.path) as held:
        if plan.directory:
            # the rights first shut, then opened to whom they are for
            descriptors.give(held, 0, number, _MODE)
            _set_acl(held, plan.rights_after, folder.name)
        if plan.bin:
            _make_bin(held, folder, number)
        if plan.quota.needed:
            quotas.set_limit(folder.path, plan.quota, folder.quota_gib, held)
        if plan.directory and _rights_of(held, folder.name) != plan.rights_after:
            raise BackupError("folder_failed", folder=folder.name, detail="its rights read back otherwise than they were set: {0}".format(
                ", ".join(_rights_of(held, folder.name).splitlines())))


@contextlib.contextmanager
def _held(path: str) -> Iterator[int]:
    """A folder's directory. Links above it may be root's, as scope.py lets them; none in its own place."""
    parent, name = os.path.split(path)
    real = os.path.join(scope.followed(parent), name)
    try:
        held = descriptors.top(real)
    except OSError as error:
        raise BackupError("assigned_path_changed", assigned=scope.shown(path), detail=scope.now_there(path)) from error
    try:
        yield held
    finally:
        os.close(held)


def _make_top(plan: Plan) -> None:
    parent, name = os.path.split(plan.folder.path)
    with _held(parent) as above:
        if not quotas.make_directory(os.path.join(descriptors.path_of(above), name), plan.quota):
            os.close(descriptors.make_directory(above, name))


def _has_bin(held: int, folder: Folder) -> bool:
    try:
        found = os.stat(BIN, dir_fd=held, follow_symlinks=False)
    except FileNotFoundError:
        return False
    if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid():
        return True
    raise _foreign(folder, "a directory of {0}".format(_name_of_user(found.st_uid)) if stat.S_ISDIR(found.st_mode) else _sort(found.st_mode))


def _make_bin(held: int, folder: Folder, number: int) -> None:
    try:
        made = descriptors.make_directory(held, BIN)
    except (FileExistsError, descriptors.Exchanged) as error:
        raise _foreign(folder, "something that was put there at this moment") from error
    try:
        descriptors.give(made, 0, number, _MODE)
        if not descriptors.stands(held, BIN, descriptors.identity(made)):
            raise _foreign(folder, "something that was put there at this moment")
    finally:
        os.close(made)


def _foreign(folder: Folder, what: str) -> BackupError:
    return BackupError("bin_foreign", folder=folder.name, path=scope.shown(os.path.join(folder.path, BIN)), what=what)


def _sort(mode: int) -> str:
    for test, name in ((stat.S_ISLNK, "a link"), (stat.S_ISREG, "a file"), (stat.S_ISFIFO, "a FIFO"), (stat.S_ISSOCK, "a socket")):
        if test(mode):
            return name
    return "a device"


def _rights_of(held: int, name: str) -> str:
    status = os.fstat(held)
    told = run([programs.find("getfacl", "acl"), "--absolute-names", "--omit-header", "--no-effective", "--", descriptors.path_of(held)], name)
    lines = [re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal.group(1), 8)), line) for line in told.splitlines() if line.strip()]
    return "\n".join(["owner " + _name_of_user(status.st_uid), "group " + _name_of_group(status.st_gid),
                      "mode {0:o}".format(stat.S_IMODE(status.st_mode))] + lines)


def _set_acl(held: int, rights: str, name: str) -> None:
    entries = "\n".join(line for line in rights.splitlines() if ":" in line) + "\n"
    run([programs.find("setfacl", "acl"), "--set-file=-", "--", descriptors.path_of(held)], name, entries)


def _number(folder: Folder) -> int:
    found = group(folder.group)
    if found is None:
        raise BackupError("folder_failed", folder=folder.name, detail="the group {0} does not exist".format(folder.group))
    return found.gr_gid


def group(name: str) -> Optional[grp.struct_group]:
    try:
        return grp.getgrnam(name)
    except KeyError:
        return None


def is_local(group: str) -> bool:
    return any(line.split(":")[0] == group for line in read("/etc/group").splitlines())


def _name_of_user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _name_of_group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
