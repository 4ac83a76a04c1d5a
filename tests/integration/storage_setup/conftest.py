# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fake Azure Resource Manager with storage accounts for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from arm.server import FakeArm
from arm.storage import FakeStorage


@pytest.fixture
def arm(tmp_path: Path) -> Iterator[FakeArm]:
    made = FakeArm(tmp_path / "arm")
    made.retry_after = 0
    yield made
    made.close()


@pytest.fixture
def storage(arm: FakeArm) -> FakeStorage:
    return FakeStorage(arm)
