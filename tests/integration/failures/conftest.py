# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A house to make fail, and small disks."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Callable, Iterator

import pytest

from .house import House


@pytest.fixture(scope="session")
def good_house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """A house with one good copy in it; tests get copies of it."""
    made = House(tmp_path_factory.mktemp("buena") / "casa")
    made.furnish()
    made.declare(made.system())
    done = made.run()
    assert done.returncode == 0, done.stdout
    assert len(made.labels()) == 1 and made.hidden() == []
    return made


@pytest.fixture
def house(good_house: House, tmp_path: Path) -> Iterator[House]:
    """A house of the test's own, with a good copy from before that must stay as it is."""
    made = House(tmp_path / "casa")
    shutil.copytree(good_house.directory, made.directory, ignore=shutil.ignore_patterns(".ansible"))
    made.declare(made.system())
    before = made.prints()
    assert before
    yield made
    made.close()
    after = made.prints()
    assert {name: after.get(name) for name in before} == before, "the last good copy was touched"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Makes small disks of their own: disk(path, "2m"); and disk(path, remount="ro")."""
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    made: list[Path] = []

    def mount(path: Path, size: str = "", remount: str = "") -> Path:
        path.mkdir(parents=True, exist_ok=True)
        options = "remount," + remount if remount else "size={0},uid={1},gid={2},mode=0700".format(size, os.geteuid(), os.getegid())
        subprocess.run([*as_root, "mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path)], check=True)
        if not remount:
            made.append(path)
        return path

    yield mount
    for path in made:
        subprocess.run([*as_root, "umount", str(path)], check=True)
