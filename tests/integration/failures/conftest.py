# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A house to make fail, and small disks."""

from __future__ import annotations

import contextlib
import os
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
    made = good_house.copy(tmp_path / "casa")
    made.declare(made.system())
    before = made.prints()
    assert before
    yield made
    made.close()
    after = made.prints()
    assert {name: after.get(name) for name in before} == before, "the last good copy was touched"


@contextlib.contextmanager
def mounted(path: Path, size: str, then: str = "rw") -> Iterator[Callable[[str], None]]:
    """A small disk of its own at `path`; gives a function that mounts it again, ro or rw."""
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    options = "size={0},uid={1},gid={2},mode=0700".format(size, os.geteuid(), os.getegid())

    def mount(wanted: str) -> None:
        subprocess.run([*as_root, "mount", "-t", "tmpfs", "-o", wanted, "tmpfs", str(path)], check=True)

    path.mkdir(parents=True, exist_ok=True)
    mount(options)
    try:
        if then != "rw":
            mount("remount," + then)
        yield lambda how: mount("remount," + how)
    finally:
        subprocess.run([*as_root, "umount", str(path)], check=True)
