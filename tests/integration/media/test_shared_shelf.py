# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two servers and one medium, in the first night: each makes the directory of its kind, and none may call the medium unwritable for it (RSP401)."""

from __future__ import annotations

import multiprocessing
import os

import pytest
from _engine.errors import BackupError
from _engine.media.base import Slot
from _engine.media.local import Local

SERVERS, NIGHTS, SECONDS = 4, 40, 60


def slot_of(number: int) -> Slot:
    name = "S{0}".format(number)
    return Slot("database", name, name + "_20261128")


def test_another_server_comes_between(tmp_path, monkeypatch):
    """Right after this one has made the directory of the kind, before it has looked into it, another makes its own shelf there."""
    truly = os.mkdir
    came = []

    def made(name, *given, **named):
        truly(name, *given, **named)
        if name == "database" and not came:
            came.append(name)
            with Local("nas", str(tmp_path)).lock(slot_of(2), 0):
                pass

    monkeypatch.setattr(os, "mkdir", made)
    with Local("nas", str(tmp_path)).lock(slot_of(1), 0):
        assert came
    assert sorted(os.listdir(tmp_path / "database")) == ["S1", "S2"]


def one_server(top: str, number: int, barrier, answers) -> None:
    barrier.wait(SECONDS)
    try:
        with Local("nas", top).lock(slot_of(number), 0):
            answers.put("")
    except BackupError as error:
        answers.put(str(error))


def test_many_servers_at_once(tmp_path):
    fork = multiprocessing.get_context("fork")
    for night in range(NIGHTS):
        top = tmp_path / str(night)
        top.mkdir()
        barrier, answers = fork.Barrier(SERVERS), fork.Queue()
        servers = [fork.Process(target=one_server, args=(str(top), number, barrier, answers)) for number in range(SERVERS)]
        for server in servers:
            server.start()
        assert [answers.get(timeout=SECONDS) for _server in servers] == [""] * SERVERS
        for server in servers:
            server.join(SECONDS)


@pytest.mark.parametrize("what", ["link", "file"])
def test_what_is_no_directory_of_a_kind_is_still_refused(tmp_path, what):
    medium = tmp_path / "nas"
    medium.mkdir()
    (tmp_path / "other").mkdir()
    if what == "link":
        (medium / "database").symlink_to(tmp_path / "other")
    else:
        (medium / "database").write_text("")
    with pytest.raises(BackupError) as caught, Local("nas", str(medium)).lock(slot_of(1), 0):
        pass
    assert caught.value.code == "RSP450"
    assert not os.listdir(tmp_path / "other")
