# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A member of an office who exchanges what root works with in the office's folder, as fast as he can. Run by itself, as his account.

    member.py STRATEGY FOLDER CANARY

`lead`     while root has scratch in FOLDER, x there is a link to CANARY in turn with a directory and nothing
`fresh`    each directory that appears in FOLDER or in x becomes a link to CANARY
`scratch`  root's scratch is renamed away; an empty directory, or a link to CANARY, gets its name
`grab`     a directory of root's that lies in FOLDER gets the name of root's scratch
`flip`     FOLDER/x and a link to CANARY are exchanged without end
"""

import contextlib
import ctypes
import os
import random
import struct
import sys
import time

_CREATE, _MOVED_TO = 0x100, 0x80
PREFIX = ".respaldo-"


def names(*folders):
    """Who appears in some directories, for ever: (directory, name)."""
    library = ctypes.CDLL(None, use_errno=True)
    held = library.inotify_init1(0)
    known = {library.inotify_add_watch(held, os.fsencode(folder), _CREATE | _MOVED_TO): folder for folder in folders}
    print("ready", flush=True)
    while True:
        data, at = os.read(held, 65536), 0
        while at < len(data):
            number, _mask, _cookie, length = struct.unpack_from("iIII", data, at)
            yield known[number], os.fsdecode(data[at + 16:at + 16 + length].rstrip(b"\0"))
            at += 16 + length


def lead(folder, canary):
    x = os.path.join(folder, "x")
    for _directory, name in names(folder):
        while name.startswith(PREFIX) and os.path.lexists(os.path.join(folder, name)):
            with contextlib.suppress(OSError):
                os.symlink(canary, x)
                time.sleep(random.uniform(0, 0.02))
                os.unlink(x)
                if random.random() < 0.3:
                    os.mkdir(x)
                    time.sleep(random.uniform(0, 0.003))
                    os.rename(x, x + str(time.monotonic_ns()))


def fresh(folder, canary):
    x = os.path.join(folder, "x")
    for directory, name in names(folder, x):
        path = os.path.join(directory, name)
        if not name.startswith((PREFIX, "his-")):
            with contextlib.suppress(OSError):
                os.rename(path, os.path.join(directory, "his-" + str(time.monotonic_ns())))
                os.symlink(canary, path)


def scratch(folder, canary):
    for _directory, name in names(folder):
        if name.startswith(PREFIX):
            time.sleep(random.choice((0, 0, 0.001, 0.02, 0.1)))
            with contextlib.suppress(OSError):
                path = os.path.join(folder, name)
                os.rename(path, os.path.join(folder, "his-" + str(time.monotonic_ns())))
                os.symlink(canary, path) if random.random() < 0.5 else os.mkdir(path)


def grab(folder, _canary):
    for _directory, name in names(folder):
        if name.startswith(PREFIX):
            time.sleep(random.choice((0, 0, 0.0005, 0.002)))
            with contextlib.suppress(OSError):
                path = os.path.join(folder, name)
                os.rename(path, os.path.join(folder, "his-" + str(time.monotonic_ns())))
                os.rename(os.path.join(folder, "intocable"), path)


def flip(folder, canary):
    x = os.path.join(folder, "x")
    print("ready", flush=True)
    while True:
        with contextlib.suppress(OSError):
            os.rename(x, x + ".real")
            os.symlink(canary, x)
            time.sleep(random.uniform(0, 0.001))
            os.unlink(x)
            os.rename(x + ".real", x)
            time.sleep(random.uniform(0, 0.001))


if __name__ == "__main__":
    {"lead": lead, "fresh": fresh, "scratch": scratch, "grab": grab, "flip": flip}[sys.argv[1]](sys.argv[2], sys.argv[3])
