# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The source of files and directories, with its options."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from .paths import Paths


def build(options: Mapping[str, Any], assigned: Sequence[str] = ()) -> Paths:
    """The files that the options name. `assigned` are the assigned paths of the scope guard (numeral 6.2)."""
    return Paths(options.get("paths") or [], options.get("exclude") or [], assigned, bool(options.get("special")))
