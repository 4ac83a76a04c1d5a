# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make test` runs the few tests that failed among servers once more: one that passes alone is named, one that fails again fails all."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow      # each runs pytest two or three times
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

TESTS = """
import pathlib
import pytest

MARK = pathlib.Path(__file__).with_name("mark")

def test_good(): pass
def test_bad(): {bad}

@pytest.mark.parametrize("name", ["Disco - lleno [x]"])
def test_once(name):
    first = not MARK.exists()
    MARK.touch()
    assert not first

@pytest.mark.parametrize("each", range({many}))
def test_each(each): assert False
"""


def outcome(directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], bad: str = "pass", many: int = 0,
            **told: Any) -> tuple[int, str, list[str]]:
    """The exit status of a run of one part, its last line, and the lines of unsteady tests."""
    import test as make_test

    monkeypatch.setattr(make_test, "TOP", directory)
    monkeypatch.setattr(make_test, "LOGS", directory)
    (directory / "test_them.py").write_text(TESTS.format(bad=bad, many=many))
    command = [sys.executable, *make_test.pytest_command(ROOT / ".venv-dev", "test_them.py")[1:]]
    parts = [make_test.Part("them", command, **{"among_servers": True, **told})]
    monkeypatch.setattr(make_test, "pytest_command", lambda _environment, *arguments: [*command[:-1], *arguments])
    make_test.run_all(parts, 1)
    make_test.try_again(parts)
    status = make_test.report(parts, [], 0)
    lines = capsys.readouterr().out.splitlines()
    return status, lines[-1], [line for line in lines if "UNSTEADY" in line]


def test_what_passes_alone_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    status, last, unsteady = outcome(tmp_path, monkeypatch, capsys)
    assert (status, last) == (0, "3 passed, 0 failed, 1 passed only at the second try")
    assert unsteady == ["!!!! UNSTEADY: test_them.py::test_once[Disco - lleno [x]] failed, and passed when it ran again alone"]


def test_what_fails_again_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    status, last, unsteady = outcome(tmp_path, monkeypatch, capsys, bad="assert False")
    assert (status, last) == (1, "2 passed, 1 failed, 1 passed only at the second try") and len(unsteady) == 1


def test_many_are_no_accident(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert outcome(tmp_path, monkeypatch, capsys, many=4) == (1, "2 passed, 5 failed", [])


def test_other_parts_have_no_second_try(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert outcome(tmp_path, monkeypatch, capsys, among_servers=False) == (1, "2 passed, 1 failed", [])


def test_a_file_that_does_not_load_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    status, _last, unsteady = outcome(tmp_path, monkeypatch, capsys, bad="pass\nimport nothing_of_that_name")
    assert status == 1 and not unsteady
