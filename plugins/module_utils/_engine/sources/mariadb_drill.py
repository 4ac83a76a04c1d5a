# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a copy of MariaDB could be rehearsed, before there is one: programs, rights and servers that a rehearsal takes. Nothing is made."""

from __future__ import annotations

import re
from typing import Any, List, Set

from ..errors import BackupError
from ..processes import jail
from . import mariadb_elsewhere, mariadb_restore, mariadb_scratch
from .mariadb_client import Connection

_GRANT = re.compile(r"GRANT (.+) ON (\S+) TO .*WITH .*GRANT OPTION")
_SCRATCH = re.compile(r"`(?:respaldo\\*_scratch\\*_)?%`\.\*")
# what makes, fills and takes away a database, where a server lists rights one by one
_OF_A_DATABASE = {"CREATE", "DROP", "ALTER", "INSERT", "SELECT", "TRIGGER", "CREATE VIEW", "CREATE ROUTINE"}


def prove(source: Any, label: str) -> None:
    """Of a source after its preflight. Raises rehearsal_unavailable, scratch_server_unusable, scratch_server_live, drill_rights_missing."""
    if source.elsewhere is not None:
        mariadb_elsewhere.prove(label, source, source.elsewhere)
        _may_make(source.elsewhere.live, source.elsewhere.version)
        return
    try:
        jail.prove(label)
        mariadb_scratch.prove(source.live, source.version, label)
    except BackupError as error:
        if not source.rehearse_on_live or error.fault.name not in mariadb_scratch.UNTOLD:
            raise
        _may_make(source.live, source.version)


def _may_make(server: Connection, version: str) -> None:
    """A copy is loaded by an account that is made for it and may nothing else: who makes it has to have, and to hand on, what that one gets."""
    everywhere: Set[str] = set()
    scratch = False
    for line in server.ask("SHOW GRANTS").splitlines():
        found = _GRANT.match(line)
        if found:
            rights = {right.strip().upper() for right in found.group(1).split(",")}
            everywhere |= rights if found.group(2) == "*.*" else set()
            scratch = scratch or bool(_SCRATCH.match(found.group(2)) and "ALL PRIVILEGES" in rights)
    if "ALL PRIVILEGES" in everywhere:
        return
    user, _at, host = server.ask("SELECT CURRENT_USER()").strip().rpartition("@")
    account = "'{0}'@'{1}'".format(user.replace("'", "''"), host)
    grants: List[str] = []
    if not scratch and not _OF_A_DATABASE <= everywhere:
        grants.append("GRANT ALL PRIVILEGES ON `respaldo\\_scratch\\_%`.* TO {0} WITH GRANT OPTION;".format(account))
    wide = [right for right in ("CREATE USER", *mariadb_restore.wide(server, version)) if right not in everywhere]
    if wide:
        grants.append("GRANT {0} ON *.* TO {1} WITH GRANT OPTION;".format(", ".join(wide), account))
    if grants:
        raise BackupError("drill_rights_missing", account=account, server=server.address(), grant=" ".join(grants))
