# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a copy of PostgreSQL could be rehearsed, before there is one: programs, rights and servers that a rehearsal takes. Nothing is made."""

from __future__ import annotations

from typing import Any

from ..errors import BackupError
from ..processes import jail
from . import postgresql_elsewhere, postgresql_scratch
from .postgresql_server import Server, identifier

_MAY_MAKE = """SELECT CASE WHEN rolcreatedb OR rolsuper THEN '' ELSE rolname END FROM pg_catalog.pg_roles WHERE rolname = CURRENT_USER"""


def prove(source: Any, label: str) -> None:
    """Of a source after its preflight. Raises rehearsal_unavailable, scratch_server_unusable, scratch_server_live, drill_rights_missing."""
    if source.elsewhere is not None:
        postgresql_elsewhere.prove(label, source.live, source.elsewhere, ["postgres"] + (source.wanted or []))
        _may_make(source.elsewhere)
        return
    try:
        jail.prove(label)
        postgresql_scratch.prove(str(source.live.found["version"]), source.bin_dir, label)
    except BackupError as error:
        if not source.rehearse_on_live or error.fault.name not in postgresql_scratch.UNTOLD:
            raise
        _may_make(source.live)


def _may_make(server: Server) -> None:
    account = server.ask(_MAY_MAKE).strip()
    if account:
        raise BackupError("drill_rights_missing", account=account, server=server.address(), grant="ALTER ROLE {0} CREATEDB;".format(identifier(account)))
