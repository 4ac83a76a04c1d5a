# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is plain Python is imported as plain Python, so that its tests need no Ansible: `import _engine.label` as a server
would, and `from plugins.plugin_utils._decisions import due` for the controller's part."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(_ROOT / "plugins" / "module_utils"), str(_ROOT)]


@pytest.fixture(scope="module")
def brought_back(tmp_path_factory):
    """`brought_back(name, make)` gives a directory that `make(directory)` filled, once for all tests of a file: each test has it as it was then, at the same
    path, with the same rights and times, whatever the former ones did to it.
    """
    top = tmp_path_factory.mktemp("brought-back")

    def bring(name, make):
        directory, kept = top / name, top / (name + ".kept")
        if directory.exists():
            shutil.rmtree(directory)
        if not kept.exists():
            directory.mkdir()
            make(directory)
            directory.rename(kept)
        shutil.copytree(kept, directory, symlinks=True)
        return directory

    return bring
