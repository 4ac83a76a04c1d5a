# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The frame: README, requirements, generated documents, room links, and that each room of tests holds some."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine import errors
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.policy import policy

TOP = Path(__file__).resolve().parents[2]


def test_readme_is_short_and_opens_with_the_two_commands() -> None:
    lines = (TOP / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) < 150
    opening = [line.split("#")[0].strip() for line in lines[:20]]
    assert "make backup" in opening
    assert "make test" in opening
    first_code = next(number for number, line in enumerate(lines) if line.startswith("```"))
    assert first_code < 10


def test_inventory_of_the_readme_is_a_valid_one() -> None:
    example = re.search(r"```yaml\n(all:.*?)```", (TOP / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert example
    inventory = yaml.safe_load(example[1])["all"]
    systems = [system for host in inventory["hosts"].values() for system in host["backup_systems"]]
    assert systems
    # the policy is not in the README: its absence must be the only complaint
    with pytest.raises(errors.BackupError) as refused:
        policy.validate({}, systems, inventory["vars"]["backup_media"])
    assert "backup_policy" in str(refused.value)
    assert not re.findall(r"backup_(?:systems|media)[^:]*: .*", str(refused.value))


def test_links_of_the_documents_lead_somewhere() -> None:
    broken = []
    for page in (*sorted(TOP.glob("*.md")), *sorted((TOP / "docs").glob("*.md"))):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if not (page.parent / target).exists():
                broken.append(f"{page.relative_to(TOP)}: {target}")
    assert not broken


def test_the_execution_environment_has_what_the_controller_and_its_database_need() -> None:
    def pinned(name: str) -> list[str]:
        return [line for line in (TOP / name).read_text("utf-8").splitlines() if line and not line.startswith("#")]

    assert pinned("requirements-execution-environment.txt") == pinned("requirements.txt") + pinned("requirements-postgresql.txt")
    assert set(pinned("requirements-postgresql.txt")) <= set(pinned("requirements-dev.txt"))


@pytest.mark.parametrize("requirements", ["requirements.yml", "requirements-awx.yml", "requirements-dev.yml"])
def test_collection_requirements_are_met_by_the_collections_of_pypi(requirements: str, tmp_path: Path) -> None:
    """Offline: fails when a range leaves out the version that PyPI's ansible brings."""
    answer = subprocess.run(["ansible-galaxy", "collection", "install", "-r", requirements, "--offline"], cwd=TOP, capture_output=True, text=True,
                            env={**os.environ, "HOME": str(tmp_path), "ANSIBLE_CONFIG": str(TOP / "ansible.cfg")}, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_generated_documents_are_up_to_date() -> None:
    answer = subprocess.run([sys.executable, "tools/docs.py", "--check"], cwd=TOP, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_generated_documents_notice_a_change(tmp_path: Path) -> None:
    for name in ("tools", "plugins", "collections", "docs"):
        shutil.copytree(TOP / name, tmp_path / name, symlinks=True)
    page = tmp_path / "docs" / "errores.md"
    page.write_text(page.read_text(encoding="utf-8").replace("RSP101", "RSP199"), encoding="utf-8")
    answer = subprocess.run([sys.executable, "tools/docs.py", "--check"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert answer.returncode == 1
    assert "make docs" in answer.stdout


@pytest.mark.parametrize("room", ["plugins", "roles", "playbooks", "meta"])
def test_a_checkout_has_its_room_links(room: str) -> None:
    link = TOP / "collections/ansible_collections/perucompras/respaldo" / room
    assert link.is_symlink()
    assert link.resolve() == TOP / room
    assert link.is_dir()


@pytest.mark.parametrize("pattern", ["tests/unit/**/test_*.py", "tests/callback/**/test_*.py", "tests/integration/**/test_*.py", "tests/benchmarks/test_*.py",
                                     "molecule/*/molecule.yml"])
def test_each_room_of_tests_holds_some(pattern: str) -> None:
    assert list(TOP.glob(pattern))


def test_no_path_of_a_machine_is_committed() -> None:
    """A committed path of somebody's home or work directory works on one machine only."""
    own = re.escape(str(TOP))
    answer = subprocess.run(["git", "grep", "-nIE", rf"{own}|/\.pyenv/versions/|/home/[a-z]+/"], cwd=TOP, capture_output=True, text=True, check=False)
    assert answer.returncode == 1, answer.stdout + answer.stderr


def test_each_part_of_the_tests_can_fail(tmp_path: Path) -> None:
    """The runner of `make test` says FAIL, and ends with 1, when one of its parts fails."""
    for name in ("tools", "collections", "plugins", "ansible.cfg", "pyproject.toml"):
        source = TOP / name
        (shutil.copytree(source, tmp_path / name, symlinks=True) if source.is_dir() else shutil.copy(source, tmp_path / name))
    (tmp_path / ".venv-dev").symlink_to(Path(sys.prefix), target_is_directory=True)
    good = "def test_good():\n    assert True\n"
    for room, text in {"unit": "def test_bad():\n    assert 0, 'the disk is gone'\n", "unit/engine": good, "unit/bitacora": good, "unit/reports": good,
                       "callback": good}.items():
        directory = tmp_path / "tests" / room
        directory.mkdir(parents=True)
        (directory / f"test_{directory.name}.py").write_text(text, encoding="utf-8")
    answer = subprocess.run([sys.executable, "tools/test.py", "--fast"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert answer.returncode == 1, answer.stdout + answer.stderr
    # the controller's units fail; those of parts of their own, and callback pass; house, which is not there, fails too
    assert answer.stdout.splitlines()[-1] == "4 passed, 2 failed"
    # where only the end of the output is kept, it says why
    end = answer.stdout.partition("===== Summary")[2]
    assert "unit of the controller, but the slow ones failed:\n  FAILED tests/unit/test_unit.py::test_bad" in end and "AssertionError: the disk is gone" in end
