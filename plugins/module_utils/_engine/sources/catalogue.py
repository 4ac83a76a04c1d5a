# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every source by the name the inventory gives it."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Sequence

from ..errors import BackupError
from .base import Source
from .command import Command
from .git import Git
from .mariadb import MariaDB
from .paths import Paths
from .postgresql import PostgreSQL
from .restic import Files, Options
from .sqlite import SQLite


def build(source_type: str, options: Mapping[str, Any], assigned: Sequence[str] = ()) -> Source:
    """The source of that type with its options. `assigned` are the assigned paths of the scope guard (numeral 6.2)."""
    if source_type == "paths":
        return Paths(options.get("paths") or [], options.get("exclude") or [], assigned)
    if source_type == "restic":
        given = _given(options, Options._fields)
        if "exclude" in given:
            given["exclude"] = tuple(given["exclude"])
        return Files(options.get("paths") or [], Options(**given), assigned, options.get("selected") or [])
    if source_type == "git":
        return Git(assigned=assigned, **_given(options, Git.OPTIONS))
    if source_type == "sqlite":
        return SQLite(assigned=assigned, **_given(options, SQLite.OPTIONS))
    if source_type == "command":
        return Command(**_given(options, Command.OPTIONS))
    if source_type == "mariadb":
        return MariaDB(**_given(options, MariaDB.OPTIONS))
    if source_type == "postgresql":
        return PostgreSQL(**_given(options, PostgreSQL.OPTIONS))
    raise BackupError("invalid_input", where="source.type", value=source_type, problem="is not a known source",
                      mend="Use one of: command, git, mariadb, paths, postgresql, restic, sqlite.")


def _given(options: Mapping[str, Any], known: Sequence[str]) -> Dict[str, Any]:
    """The options of a source that were given; a module's None stands for not given, a foreign option is left out."""
    return {name: options[name] for name in known if options.get(name) is not None}
