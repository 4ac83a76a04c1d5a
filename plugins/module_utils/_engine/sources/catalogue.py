# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every source by the name the inventory gives it."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from ..errors import BackupError
from .base import Source
from .mariadb import MariaDB
from .paths import Paths
from .postgresql import PostgreSQL


def build(source_type: str, options: Mapping[str, Any], assigned: Sequence[str] = ()) -> Source:
    """The source of that type with its options. `assigned` are the assigned paths of the scope guard (numeral 6.2)."""
    if source_type == "paths":
        return Paths(options.get("paths") or [], options.get("exclude") or [], assigned)
    if source_type == "mariadb":
        return MariaDB(**options)
    if source_type == "postgresql":
        return PostgreSQL(**options)
    raise BackupError("invalid_input", where="source.type", value=source_type, problem="is not a known source",
                      mend="Use one of: mariadb, paths, postgresql.")
