# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The source of a file server, with its options."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from .given import given
from .restic import Files, Options


def build(options: Mapping[str, Any], assigned: Sequence[str] = ()) -> Files:
    """The folders that the options name. `assigned` are the assigned paths of the scope guard (numeral 6.2)."""
    told = given(options, Options._fields)
    if "exclude" in told:
        told["exclude"] = tuple(told["exclude"])
    return Files(options.get("paths") or [], Options(**told), assigned, options.get("selected") or [], bool(options.get("special")))
