# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a medium stands, asked where it is: a directory and one behind a real sshd answer alike."""

from __future__ import annotations

import importlib
import os
import subprocess

import pytest

build = importlib.import_module("_engine.media.catalogue").build
health = importlib.import_module("_engine.media.health")
BackupError = importlib.import_module("_engine.errors").BackupError
SHELVES = ["database/SIGA", "source_code/WEB"]


def test_what_is_told_of_a_medium_that_is_well_and_nothing_is_made(open_medium, shelf):
    told = health.of(open_medium(shelf), SHELVES)
    room = os.statvfs(shelf)
    assert told["copies"] == 0 and told["total"] // 1024 == room.f_blocks * room.f_frsize // 1024 and 0 < told["free"] <= told["total"]
    assert list(shelf.rglob("*")) == []
    (shelf / "database" / "SIGA" / "SIGA_20261121").mkdir(parents=True)
    (shelf / "database" / "SIGA" / ".SIGA_20261122.partial").mkdir()
    assert health.of(open_medium(shelf), [])["copies"] == 1


def test_what_is_not_well_is_told(open_medium, shelf):
    with pytest.raises(BackupError) as told:
        health.of(open_medium(shelf / "no hay"), SHELVES)
    assert told.value.fault.name == "medium_unreachable"
    for odd in ("database", "../x", "database/.x", "libros/SIGA"):
        with pytest.raises(BackupError) as told:
            health.of(open_medium(shelf), [odd])
        assert told.value.fault.name == "invalid_input", odd


@pytest.mark.root
def test_a_medium_that_became_read_only_is_told(open_medium, small_disk):
    (small_disk / "database" / "SIGA").mkdir(parents=True)
    assert health.of(open_medium(small_disk), SHELVES)["total"] == 4 << 20
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(BackupError) as told:
        health.of(open_medium(small_disk), SHELVES)
    assert told.value.fault.name == "medium_unwritable"


def test_a_server_that_is_gone_is_told(server, shelf):
    with pytest.raises(BackupError) as told:
        health.of(build({"name": "far", "path": str(shelf), "host": "127.0.0.1", "port": 1, "known_hosts": server.known_hosts}), SHELVES)
    assert told.value.fault.name == "medium_unreachable"
