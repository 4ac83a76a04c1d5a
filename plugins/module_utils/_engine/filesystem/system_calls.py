# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls of Linux that Python lacks, by the C library where it has them."""

from __future__ import annotations

import ctypes
import errno
import os
import sys

_NO_REPLACE = 1          # renameat2(2)
_EMPTY_PATH, _BIRTH = 0x1000, 0x800      # statx(2): AT_EMPTY_PATH, STATX_BTIME

_libc = ctypes.CDLL(None, use_errno=True)


def rename_without_replacing(source: int, name: str, target: int, new_name: str) -> bool:
    """Rename between held directories, over nothing. False where the kernel or the file system can't tell. Raises FileExistsError, OSError."""
    if not hasattr(_libc, "renameat2"):
        return False
    if _libc.renameat2(source, os.fsencode(name), target, os.fsencode(new_name), _NO_REPLACE) == 0:
        return True
    number = ctypes.get_errno()
    if number in (errno.EINVAL, errno.ENOSYS):
        return False
    raise OSError(number, os.strerror(number), new_name)


def settled(held: int) -> None:
    """All that was written to the file system of what a descriptor holds is on its disk, or an OSError says that some of it is not (Linux 5.8)."""
    if not hasattr(_libc, "syncfs"):
        os.sync()
    elif _libc.syncfs(held) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def birth(held: int) -> int:
    """When what a descriptor holds was made, in nanoseconds since 1970, which nobody can set; 0 where the system or the file system can't tell.

    statx(2): its structure has the time of birth, 64 bits of seconds and 32 of nanoseconds, at byte 80.
    """
    if not hasattr(_libc, "statx"):
        return 0
    answer = ctypes.create_string_buffer(256)
    if _libc.statx(held, b"", _EMPTY_PATH, _BIRTH, answer) != 0 or not int.from_bytes(answer.raw[:4], sys.byteorder) & _BIRTH:
        return 0
    return int.from_bytes(answer.raw[80:88], sys.byteorder, signed=True) * 10**9 + int.from_bytes(answer.raw[88:92], sys.byteorder)
