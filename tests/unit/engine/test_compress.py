# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each format is written and read by the stock program of its name."""

from __future__ import annotations

import os
import subprocess

import pytest
from _engine.errors import BackupError
from _engine.processes.pipeline import run
from _engine.transforms import compress

PLAIN = os.urandom(100000) + bytes(2000000)
STOCK = {"zstd": ["zstd", "-d"], "gzip": ["gzip", "-d"], "xz": ["xz", "-d"]}
EXTENSIONS = {"zstd": ".zst", "gzip": ".gz", "xz": ".xz", "none": ""}


def through(stages, data):
    supply, chunks = [data, b""], []
    run(stages, chunks.append, reader=lambda size: supply.pop(0))
    return b"".join(chunks)


def test_names():
    assert sorted(compress.NAMES) == sorted(EXTENSIONS)
    assert {name: compress.extension(name) for name in compress.NAMES} == EXTENSIONS


@pytest.mark.parametrize("name", sorted(STOCK))
@pytest.mark.parametrize("level", [None, 1])
def test_round_trip(name, level):
    packed = through(compress.compressor(name, level), PLAIN)
    assert len(packed) < len(PLAIN) // 2
    assert subprocess.run(STOCK[name], input=packed, stdout=subprocess.PIPE, check=True).stdout == PLAIN
    assert subprocess.run(["sh", "-c", compress.restore_command(name)], input=packed, stdout=subprocess.PIPE, check=True).stdout == PLAIN
    assert through(compress.decompressor(name), packed) == PLAIN


@pytest.mark.parametrize("name", sorted(STOCK))
@pytest.mark.parametrize("damage", ["flipped", "cut"])
def test_damage_is_seen(name, damage):
    packed = bytearray(through(compress.compressor(name), PLAIN))
    if damage == "cut":
        del packed[len(packed) // 2:]
    else:
        packed[len(packed) // 2] ^= 1
    with pytest.raises(BackupError) as caught:
        through(compress.decompressor(name), bytes(packed))
    assert caught.value.details["stage"] == name + " -d"


def test_none_is_no_stage():
    assert compress.compressor("none") == compress.decompressor("none") == []
    assert compress.restore_command("none") == ""


def test_threads_are_few():
    argv = compress.compressor("zstd", threads=2)[0].argv
    assert "-T2" in argv
    assert int(compress.compressor("zstd")[0].argv[-1][2:]) <= 4
