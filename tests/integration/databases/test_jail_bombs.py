# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a copy makes a throw-away server run takes neither the disk, nor the processes, nor the memory of the server where it is rehearsed (S8's kind)."""

from __future__ import annotations

import os
import subprocess

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.processes import jail as jails
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.processes import programs

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def start(place, script):
    place.start(["/bin/sh", "-c", script], programs.environment(HOME="/tmp"))


def test_it_is_ended_before_it_fills_the_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1g,mode=0700", "respaldo", str(disk)], check=True)
    try:
        # all but a tenth is used: the margin is 51 MiB then, which the bomb needs seconds for, also where the one who watches is slow
        descriptor = os.open(disk / "used", os.O_CREAT | os.O_WRONLY)
        os.posix_fallocate(descriptor, 0, 920 << 20)
        os.close(descriptor)
        with jails.Jail(str(disk), "X_20261127") as place:
            start(place, "while :; do dd if=/dev/zero bs=1M count=1 2>/dev/null >> /tmp/bomb; sleep 0.05; done")
            with pytest.raises(BackupError) as caught:
                place.wait(lambda: False, 60)
            assert place.expired and caught.value.fault.name == "rehearsal_unavailable"
            assert "fill the disk" in caught.value.details["detail"]
            status = os.statvfs(disk)
            assert status.f_bavail, "it filled the disk first"
        assert "own" not in os.listdir(disk)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_its_processes_are_counted_and_the_first_to_go(tmp_path):
    with jails.Jail(str(tmp_path), "X_20261127") as place:
        start(place, "cat /proc/self/oom_score_adj > /tmp/oom; grep 'Max processes' /proc/self/limits > /tmp/limit; sleep 100")
        limit = os.path.join(place.own, "limit")
        place.wait(lambda: os.path.exists(limit) and os.path.getsize(limit) > 0, 60)
        with open(limit, encoding="ascii") as file:
            assert file.read().split()[2:4] == [str(jails._PROCESSES)] * 2
        with open(os.path.join(place.own, "oom"), encoding="ascii") as file:
            assert file.read().strip() == "1000"
        client = subprocess.run([*place.prefix(), "/bin/sh", "-c", "grep 'Max processes' /proc/self/limits"], check=True, stdout=subprocess.PIPE, text=True)
        assert client.stdout.split()[2:4] == [str(jails._PROCESSES)] * 2


def test_its_time_ends(tmp_path):
    with jails.Jail(str(tmp_path), "X_20261127", seconds=2) as place:
        start(place, "sleep 1000")
        with pytest.raises(BackupError) as caught:
            place.wait(lambda: False, 60)
    assert "had not ended after 2 seconds" in caught.value.details["detail"]
