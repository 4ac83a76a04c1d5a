# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the command line and the environment of every process, over and over, until it is asked what it saw.

    python sampler.py
    sweeps        how many times all processes have been read
    find HEX...   those of the texts, given as hexadecimal, that were seen: one line each, with the program; then a line "end"

It sees the processes of the containers of this machine too. The texts come after the sampling, so that it never sees its own.
"""

from __future__ import annotations

import os
import select
import sys


def sweep(seen: dict[bytes, str]) -> None:
    for pid in filter(str.isdigit, os.listdir("/proc")):
        for name in ("cmdline", "environ"):
            try:
                with open("/proc/{0}/{1}".format(pid, name), "rb") as file:
                    content = file.read()
                # a web server hands the client's Authorization to its CGI programs: what it does there is not ours
                if content and content not in seen and b"GATEWAY_INTERFACE=CGI" not in content:
                    with open("/proc/{0}/comm".format(pid), encoding="utf-8", errors="replace") as file:
                        seen[content] = name + " of " + file.read().strip()
            except OSError:
                continue    # it ended, or belongs to another user


def main() -> None:
    os.nice(5)
    seen: dict[bytes, str] = {}
    sweeps = 0
    while True:
        if not select.select([sys.stdin], [], [], 0)[0]:
            sweep(seen)
            sweeps += 1
            continue
        words = sys.stdin.readline().split()
        if not words:
            return
        if words[0] == "sweeps":
            print(sweeps, flush=True)
            continue
        for word in words[1:]:
            for content, where in seen.items():
                if bytes.fromhex(word) in content:
                    print(word, where, flush=True)
        print("end", flush=True)


main()
