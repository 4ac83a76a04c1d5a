# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all rooms of the tests share."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

# for the Pythons that tests start: what they would compile anew in each play (the file there says why)
if os.environ.get("RESPALDO_TESTS_REMEMBER") != "no":
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(Path(__file__).with_name("remembered")), os.environ.get("PYTHONPATH")]))

# a Python that is told so reads a module from its standard input byte by byte: 300,000 system calls for each task of ours on a local connection
os.environ.pop("PYTHONUNBUFFERED", None)

_deselected: Counter[str] = Counter()


def pytest_deselected(items):
    """Counted by file; tools/left_out.py reads the lines below for the summary of all parts."""
    _deselected.update(item.nodeid.partition("::")[0] for item in items)


def pytest_terminal_summary(terminalreporter, config):
    chosen = [f"{word} {told}" for word, told in (("-k", config.getoption("keyword")), ("-m", config.getoption("markexpr"))) if told]
    for file, number in sorted(_deselected.items()):
        terminalreporter.write_line(f"DESELECTED [{number}] {file}: by {' '.join(chosen) or 'a conftest.py'}")
