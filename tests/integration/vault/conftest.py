# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fake Azure Resource Manager for each test."""

from __future__ import annotations

import datetime
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._azure import jobs, protection
from arm.backup import FakeBackup
from arm.server import FakeArm

sys.path.insert(0, str(Path(__file__).parent))
from vault_house import House


@pytest.fixture
def arm(tmp_path: Path) -> Iterator[FakeArm]:
    made = FakeArm(tmp_path / "arm")
    yield made
    made.close()


@pytest.fixture
def backup(arm: FakeArm) -> FakeBackup:
    return FakeBackup(arm)


@pytest.fixture
def house(tmp_path: Path, arm: FakeArm, backup: FakeBackup, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setattr(protection, "BETWEEN", 0.01)
    # so that a test run in Lima's first half hour finds yesterday over
    monkeypatch.setattr(jobs, "LAG", datetime.timedelta(0))
    monkeypatch.setenv("RESPALDO_BITACORA", str(tmp_path / "b.sqlite"))
    made = House(tmp_path, arm, backup)
    yield made
    made.close()
