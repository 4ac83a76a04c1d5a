# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real play against the front, looked at while it copies: what its processes, their memory and their files hold of Azure,
how a signature that ran out is renewed, and what a person sees of a long copy meanwhile.
"""

from __future__ import annotations

import os
import re
import threading
from pathlib import Path

import pytest
from bench import KEY
from failures.house import descendants
from front import Front
from test_cloud_plays import House

_GRANTED = re.compile(rb"[?&\"]?st=[^&\s\"]{10,40}&se=[^&\s\"]{10,40}&sp=([a-z]+)&")


@pytest.fixture
def front(azurite):
    made = Front(azurite)
    yield made
    made.close()


@pytest.fixture
def house(tmp_path, bench, front):
    made = House(tmp_path, bench)
    made.cloud.update(endpoint=front.url, bandwidth=850_000)
    made.auth = {"account_key": KEY, "sas_minutes": 5}
    yield made
    made.close()


def _read(path):
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _memory(process):
    """What a process holds in memory that it can write to."""
    found = []
    try:
        with (process / "mem").open("rb", buffering=0) as memory:
            for line in _read(process / "maps").decode().splitlines():
                start, end = (int(edge, 16) for edge in line.split()[0].split("-"))
                if line.split()[1].startswith("rw") and end - start < 1 << 28:
                    memory.seek(start)
                    found.append(memory.read(end - start))
    except OSError:
        pass
    return b"".join(found)


def _is_module(process):
    """Python that was given a module by its standard input, as pipelining does: on a server this is all that runs of ours."""
    words = _read(process / "cmdline").split(b"\0")
    return b"python" in words[0] and words[1:] in ([b""], []) and b"_engine" in _read(process / "maps") + _memory(process)


def _lines():
    return {line for room in ("/run/respaldo", "/dev/shm", "/tmp") for line in Path(room).glob(".respaldo-line-*")}


class Watch(threading.Thread):
    """Looks at every process of this play and at the files that its tasks leave, as long as the copy is being sent."""

    def __init__(self, house, front):
        super().__init__(daemon=True)
        self.house, self.front = house, front
        self.ended, self.others = threading.Event(), _lines()     # the lines of other runs are theirs
        self.seen, self.granted, self.modules, self.loose = [], set(), 0, []

    def run(self):
        while not self.ended.wait(0.4):
            stages = [comp for _method, comp, size in self.front.log if size > 8 or comp == "blocklist"]
            if "block" not in stages or "blocklist" in stages:
                continue     # the commit and what reads the copy later are the controller's, and a reading signature's
            for process in (Path("/proc", str(pid)) for pid in descendants(os.getpid())):
                told = _read(process / "cmdline") + _read(process / "environ")
                if b"AZURITE_ACCOUNTS=" not in told and (KEY.encode() in told or b"sig=" in told):
                    self.seen.append(told)
                if _is_module(process):
                    self.modules += 1
                    memory = _memory(process)
                    self.granted.update(_GRANTED.findall(memory))
                    if KEY.encode() in memory:
                        self.seen.append("the account's key in the memory of " + process.name)
            for top in (self.house.top / ".ansible", *(_lines() - self.others)):
                for path in top.rglob("*"):
                    text = _read(path) if path.is_file() else b""
                    if KEY.encode() in text:
                        self.seen.append(str(path))
                    self.granted.update(_GRANTED.findall(text))
                    if b"sig=" in text and (path.stat().st_mode | path.parent.stat().st_mode) & 0o077:
                        self.loose.append(str(path))

    def close(self):
        self.ended.set()
        self.join()


@pytest.mark.cold     # what /proc tells of each process is looked at
def test_a_server_holds_no_more_than_signatures_that_deposit(house, front):
    expired = []

    def fault(_method, comp, _number):
        # the second large block comes when its signature has just run out; the next request is on time again
        large = comp == "block" and front.log[-1][2] > 1 << 20
        front.ahead = 301 if large and not expired and len([size for _m, name, size in front.log if name == "block" and size > 1 << 20]) == 2 else 0
        expired.extend([1] if front.ahead else [])
        return ""

    front.fault = fault
    watch = Watch(house, front)
    watch.start()
    done = house.run("database.yml")
    watch.close()
    assert done.returncode == 0, done.stdout
    assert watch.seen == [] and watch.loose == []
    assert watch.modules > 3 and watch.granted == {b"c"}, "it was looked at, and its signatures only make new blobs"
    assert expired and len(house.entries("copy_made")) == 1, "the controller gave another signature"
    shown = [line for line in done.stdout.splitlines() if " en nube, " in line]
    # on a busy machine the first line comes before the first block
    assert any(re.search(r"SIGA_[0-9]{8}: [0-9,]+ MiB en nube, [0-9,]+ [KM]iB/s", each) for each in shown), done.stdout
    assert house.entries("copy_verified")[0]["trust_level"] == "T3", "and what was sent under two signatures was restored"
