# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs are looked for in the system's own directories alone."""

from __future__ import annotations

import pytest

from plugins.module_utils._engine.processes import system_path


@pytest.fixture
def directory(tmp_path, monkeypatch):
    monkeypatch.setattr(system_path, "SYSTEM_PATH", str(tmp_path))
    for name, mode in (("pg_dump", 0o755), ("mysqldump", 0o755), ("zstd", 0o644)):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(mode)
    return tmp_path


def test_what_is_missing_is_named_as_it_was_asked_for(directory):
    assert system_path.missing(["pg_dump", "mariadb-dump|mysqldump", "mariadb|mysql", "zstd", "ls"]) == ["mariadb|mysql", "zstd", "ls"]
    assert system_path.missing([]) == []


def test_a_directory_of_its_own_comes_first(directory, tmp_path):
    assert system_path.which("pg_dump") == str(directory / "pg_dump")
    assert system_path.which("pg_dump", str(tmp_path / "other")) is None
