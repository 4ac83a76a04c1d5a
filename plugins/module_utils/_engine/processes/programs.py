# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs of the server: where they are, the clean environment they get, and secrets handed to them by descriptor."""

from __future__ import annotations

import contextlib
import os
import pwd
from typing import Dict, Iterator, NamedTuple, Optional, Tuple

from ..errors import BackupError
from .system_path import SYSTEM_PATH, which
from .workspace import Workspace


def find(tool: str, package: str, directory: str = "") -> str:
    """The absolute path of a program, in `directory` when given, else on the system's own path.

    Raises BackupError tool_missing, naming the package that brings it.
    """
    found = which(tool, directory)
    if not found:
        raise BackupError("tool_missing", tool=tool, package=package)
    return found


def environment(**extra: str) -> Dict[str, str]:
    """A small environment of its own for each program: nothing of Ansible's or the user's is inherited.

    `extra` must hold no secret: other processes of the same user can read an environment.
    """
    return dict({"PATH": SYSTEM_PATH, "LC_ALL": "C.UTF-8", "HOME": "/nonexistent", "TZ": "UTC"}, **extra)


class Account(NamedTuple):
    """An operating system account that a program runs as."""

    name: str
    uid: int
    gid: int
    home: str
    groups: Tuple[int, ...]

    def become(self) -> None:
        """Take on this account for good; for use between fork and exec."""
        if os.geteuid() == self.uid:
            return
        os.setgroups(list(self.groups))
        os.setgid(self.gid)
        os.setuid(self.uid)


def account(name: str) -> Account:
    """The account of that name. Raises BackupError invalid_input when there is none or it can't be taken on."""
    try:
        entry = pwd.getpwnam(name)
    except KeyError as missing:
        raise BackupError("invalid_input", where="run_as", value=name, problem="is not an account of this server",
                          mend="Name an account that exists here, such as postgres, or leave it out.") from missing
    if os.geteuid() not in (0, entry.pw_uid):
        raise BackupError("invalid_input", where="run_as", value=name, problem="needs root to be taken on",
                          mend="Let Ansible be root on that server: ansible_become: true in the inventory.")
    return Account(name, entry.pw_uid, entry.pw_gid, entry.pw_dir, tuple(os.getgrouplist(name, entry.pw_gid)))


class Secret:
    """A text that programs read from a descriptor: an anonymous file in memory, gone with its last user.

    It never has a name on a disk, so a killed run leaves nothing behind. Programs open `path`; the descriptor must be
    passed on with `pass_fds=(secret.descriptor,)`. Permissions are 0600 of `owner`, which libpq and OpenSSH insist on.
    """

    def __init__(self, text: str, owner: Optional[Account] = None) -> None:
        self.descriptor = os.memfd_create("secret", os.MFD_CLOEXEC)
        view = memoryview(text.encode("utf-8"))
        while view:
            view = view[os.write(self.descriptor, view):]
        os.fchmod(self.descriptor, 0o600)
        if owner is not None and os.geteuid() == 0:
            os.fchown(self.descriptor, owner.uid, owner.gid)
        self.path = "/proc/self/fd/{0}".format(self.descriptor)

    def content(self) -> bytes:
        """The text, for a program that reads it from its standard input."""
        return os.pread(self.descriptor, os.fstat(self.descriptor).st_size, 0)

    def close(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


@contextlib.contextmanager
def private_directory(parent: Optional[str] = None) -> Iterator[str]:
    """A directory of mode 0700 for scratch, removed with all it holds. `parent` defaults to the system's own.

    What killed runs left in the same parent is swept.
    """
    workspace = Workspace(parent or "")
    try:
        yield workspace.path
    finally:
        workspace.close()


def lines_of(value: str, where: str) -> str:
    """A text given as itself or as the full path of a file of this server. Raises invalid_input for a file that can't be read."""
    if not value.startswith("/") or "\n" in value:
        return value
    try:
        with open(value, encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise BackupError("invalid_input", where=where, value=value, problem="can't be read: {0}".format(error),
                          mend="Give the lines themselves, or the path of a file of this server.") from error


def memory() -> Optional[str]:
    """A parent for private_directory whose files never reach a disk, where the server has one."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK | os.X_OK) else None
