# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The source of code in a git repository, with its options."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from .git import Git
from .given import given


def build(options: Mapping[str, Any], assigned: Sequence[str] = ()) -> Git:
    """The repository that the options name. `assigned` are the assigned paths of the scope guard (numeral 6.2)."""
    return Git(assigned=assigned, **given(options, Git.OPTIONS))
