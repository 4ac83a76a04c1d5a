# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""reconcile.yml on a medium of another server, reached by ssh."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import pytest

MEDIA = Path(__file__).resolve().parents[1] / "media" / "conftest.py"


@pytest.fixture
def far(house, tmp_path_factory):
    """The house with its copies on an sshd of our own, named as the medium that holds them."""
    specification = importlib.util.spec_from_file_location("media_conftest", MEDIA)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    server = module.Server(tmp_path_factory.mktemp("sshd"))
    house.medium(host="127.0.0.1", port=server.port, user=server.user, identity_file=str(server.directory / "client"), known_hosts=server.known_hosts)
    yield house, server
    server.stop()


def test_findings_over_ssh_are_those_of_a_directory(far):
    house, server = far
    done = house.run("reconcile")
    assert done.returncode == 0 and "2 copias en el medio, 2 en la bitácora" in done.stdout, done.stdout
    shutil.move(house.shelf / house.second, house.top / "away")
    (house.shelf / ".SIGA_20200101.partial").mkdir()
    shutil.copytree(house.shelf / house.first, house.shelf.parent / "VIEJO" / "VIEJO_20200101")
    done = house.run("reconcile")
    assert done.returncode == 2 and f"falta {house.second}" in done.stdout and "SIGA/.SIGA_20200101.partial" in done.stdout, done.stdout
    assert "sin asiento database/VIEJO/VIEJO_20200101" in done.stdout
    shutil.move(house.top / "away", house.shelf / house.second)
    assert house.run("reconcile").returncode == 0 and house.last_good() == house.second
    (house.top / "copias").rename(house.top / "mounted")
    (house.top / "copias").mkdir()
    done = house.run("reconcile")
    assert done.returncode == 2 and "RSP409" in done.stdout, done.stdout
    (house.top / "copias").rmdir()
    done = house.run("reconcile")
    assert done.returncode == 2 and "RSP406" in done.stdout, done.stdout
    server.stop()
    done = house.run("reconcile")
    assert done.returncode == 2 and "RSP406" in done.stdout, done.stdout
    assert house.last_good() == house.second and len(house.entries("copy_damaged")) == 1
