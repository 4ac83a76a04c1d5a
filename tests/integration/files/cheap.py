# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cheap keys for repositories of restic, in what tests do themselves; in plays they are cheap anyway (tests/remembered/cheap_keys.py says why)."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "remembered"))

from cheap_keys import in_restic, make_cheap  # noqa: F401


def cheap_key(repository, password):
    """Put a key for the same password, cheap to derive, in the place of the repository's one."""
    make_cheap(str(repository), password.encode())
