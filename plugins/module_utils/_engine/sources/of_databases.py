# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sources of databases, by the names the inventory gives them."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from ..errors import BackupError
from .base import Source
from .given import given

TYPES = ("command", "mariadb", "postgresql", "sqlite")


def build(source_type: str, options: Mapping[str, Any], assigned: Sequence[str] = ()) -> Source:
    """The source of that type with its options. `assigned` are the assigned paths of the scope guard (numeral 6.2). Raises invalid_input for another type."""
    # each is read where it is needed: a server compiles what a task imports, each time
    if source_type == "sqlite":
        from .sqlite import SQLite

        return SQLite(assigned=assigned, **given(options, SQLite.OPTIONS))
    if source_type == "command":
        from .command import Command

        return Command(assigned=assigned, **given(options, Command.OPTIONS))
    if source_type == "mariadb":
        from .mariadb import MariaDB

        return MariaDB(**given(options, MariaDB.OPTIONS))
    if source_type == "postgresql":
        from .postgresql import PostgreSQL

        return PostgreSQL(**given(options, PostgreSQL.OPTIONS))
    raise BackupError("invalid_input", where="source.type", value=source_type, problem="is not a known source of databases",
                      mend="Use one of: {0}.".format(", ".join(TYPES)))


def prove_drill(source: Source, label: str) -> None:
    """Prove, after preflight, that this server and these accounts could rehearse a copy. For a check; of a source that tells nothing before, nothing is said.

    Raises what `rehearse` would, of what is no copy's fault, and drill_rights_missing.
    """
    if source.type == "mariadb":
        from . import mariadb_drill

        mariadb_drill.prove(source, label)
    elif source.type == "postgresql":
        from . import postgresql_drill

        postgresql_drill.prove(source, label)
