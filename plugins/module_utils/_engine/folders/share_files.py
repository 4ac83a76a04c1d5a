# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of Samba and systemd where only root may write, each replaced by one rename, and programs that say what was wrong."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import tempfile
from typing import Iterator, Sequence

from ..errors import BackupError
from ..filesystem import scope
from ..processes import programs

TIMEOUT = 60


@contextlib.contextmanager
def alone(directory: str) -> Iterator[None]:
    """One at a time. The directory, of the shares' files, is made here."""
    os.makedirs(directory, 0o755, exist_ok=True)
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def run(argv: Sequence[str], folder: str, given: str = "") -> str:
    """A program's output. Raises folder_failed with what it said."""
    answer = subprocess.run(list(argv), input=given.encode("utf-8"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=programs.environment(),
                            timeout=TIMEOUT, check=False)
    if answer.returncode:
        said = answer.stderr.decode("utf-8", "replace").strip() or "{0} ended with {1}".format(os.path.basename(argv[0]), answer.returncode)
        raise BackupError("folder_failed", folder=scope.shown(folder), detail=said)
    return answer.stdout.decode("utf-8", "surrogateescape")


def read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def write(path: str, content: str) -> None:
    """Replace a file by one rename; nothing when it holds that already. Owner and mode of what stood there stay."""
    if os.path.exists(path) and read(path) == content:
        return
    path = os.path.realpath(path)
    descriptor, beside = tempfile.mkstemp(prefix=".respaldo-", dir=os.path.dirname(path))
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(beside, 0o644)
        with contextlib.suppress(FileNotFoundError):
            shutil.copystat(path, beside)
            status = os.stat(path)
            os.chown(beside, status.st_uid, status.st_gid)
        os.utime(beside)
        os.rename(beside, path)
    except BaseException:
        remove(beside)
        raise


def remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
