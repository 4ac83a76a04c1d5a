# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An institution with true copies of everything, made once; each test gets a copy of it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).resolve().parents[3]), str(Path(__file__).resolve().parent)]
from institution import Institution  # noqa: E402


@pytest.fixture(scope="session")
def furnished(tmp_path_factory):
    made = Institution(tmp_path_factory.mktemp("verdad") / "casa")
    made.furnish()
    made.declare()
    made.lie()
    for reason in ("uno", "dos"):
        made.must_run("site", "-e", "backup_emergency_reason=" + reason)
    assert made.passwords("SIGA") and made.passwords("W1"), "a system has no password in custody"
    assert made.passwords("W1")[0] in made.heard(), "the liar does not hear what it is given: its own passwords"
    return made


@pytest.fixture
def institution(furnished, tmp_path):
    made = furnished.copy(tmp_path / "casa")
    made.declare()
    return made
