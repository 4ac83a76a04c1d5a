# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all rooms of the tests share."""

from __future__ import annotations

import contextlib
import os
import py_compile
import sys
from collections import Counter
from pathlib import Path

import pytest

# for the Pythons that tests start: what they would compile anew in each play (the file there says why)
if os.environ.get("RESPALDO_TESTS_REMEMBER") != "no":
    _remembered = Path(__file__).with_name("remembered")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(_remembered), os.environ.get("PYTHONPATH")]))
    # each of them reads it first; where the machine tells Pythons to keep no bytecode, each would compile it too
    for _file in _remembered.glob("*.py"):
        with contextlib.suppress(OSError):
            py_compile.compile(str(_file))

# a Python that is told so reads a module from its standard input byte by byte: 300,000 system calls for each task of ours on a local connection
os.environ.pop("PYTHONUNBUFFERED", None)

# A session that is told to keep no bytecode rewrites the assertions of each test file anew: two thirds of what collecting costs.
# What it starts is told as before.
sys.dont_write_bytecode = False

# Where plays begin after their imports; a room that kills, stops or watches runs from outside starts each as a user does, elsewhere the tests marked `cold`.
WARM_ROOMS, COLD_ROOMS = ("integration", "callback", "unit"), ("kills",)

_warm = None


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    """Plays of this test begin where their imports end (tests/warm): its fixtures' too."""
    global _warm
    room = Path(item.fspath).relative_to(item.config.rootpath).parts[:3]
    as_users_do = os.environ.get("RESPALDO_TESTS_WARM") == "no" or item.get_closest_marker("cold")
    if as_users_do or len(room) < 3 or room[0] != "tests" or room[1] not in WARM_ROOMS or room[2] in COLD_ROOMS:
        yield
        return
    if _warm is None:
        sys.path.append(str(Path(__file__).with_name("warm")))
        from plays import Warm

        _warm = Warm()
    with _warm:
        yield


def pytest_sessionfinish():
    if _warm is not None:
        _warm.end()


_deselected: Counter[str] = Counter()


def pytest_deselected(items):
    """Counted by file; tools/left_out.py reads the lines below for the summary of all parts."""
    _deselected.update(item.nodeid.partition("::")[0] for item in items)


def pytest_terminal_summary(terminalreporter, config):
    chosen = [f"{word} {told}" for word, told in (("-k", config.getoption("keyword")), ("-m", config.getoption("markexpr"))) if told]
    for file, number in sorted(_deselected.items()):
        terminalreporter.write_line(f"DESELECTED [{number}] {file}: by {' '.join(chosen) or 'a conftest.py'}")
