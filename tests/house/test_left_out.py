# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The summary of `make test` counts and names tests that did not run: what pytest writes is what it reads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

from left_out import left_out  # pylint: disable=wrong-import-position

ROOT = Path(__file__).resolve().parents[2]
TESTS = """
import pytest

@pytest.mark.skipif(True, reason="takes on another account: only root runs it")
@pytest.mark.parametrize("each", range(3))
def test_of_root(each): pass

def test_of_a_disk(): pytest.skip("the kernel has no Btrfs")
def test_one(): pass
def test_two(): pass
"""


def run(directory: Path, *arguments: str) -> list[str]:
    import test as make_test

    (directory / "conftest.py").write_text((ROOT / "tests/conftest.py").read_text("utf-8"))
    (directory / "test_them.py").write_text(TESTS)
    command = make_test.pytest_command(ROOT / ".venv-dev", *arguments)
    return left_out(subprocess.run([sys.executable, *command[1:]], cwd=directory, capture_output=True, text=True, check=False).stdout)


def test_skipped_tests_are_counted_by_their_reason(tmp_path: Path) -> None:
    assert run(tmp_path) == ["3 skipped: takes on another account: only root runs it", "1 skipped: the kernel has no Btrfs"]


def test_deselected_tests_are_counted_too(tmp_path: Path) -> None:
    assert run(tmp_path, "-k", "not two and not root") == ["4 deselected: by -k not two and not root", "1 skipped: the kernel has no Btrfs"]


def test_a_number_without_a_reason_is_told() -> None:
    assert left_out("5 passed, 2 skipped, 7 deselected in 1.20s\n") == ["7 deselected: no reason given", "2 skipped: no reason given"]
    assert left_out("5 passed in 1.20s\n") == [] and left_out("") == []
