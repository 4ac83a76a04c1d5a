# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rehearsals of PostgreSQL on another server that the inventory names for it, in a throw-away database.

Nothing is made there but that database: no roles, so owners and privileges are left out. It must be another server than the live one, and not
one that sends to it what happens to it.
"""

from __future__ import annotations

import contextlib
import json
from typing import Any, Dict, Iterator, List, Sequence

from ..errors import BackupError
from ..remarks import Remark
from . import databases, databases_scratch, postgresql_scratch
from .base import PartReader
from .postgresql_loading import Failure
from .postgresql_restored import Restoring, unquoted
from .postgresql_server import Server, literal, major

_WHO = """SELECT pg_catalog.json_build_object('system', {0}, 'began', pg_catalog.date_part('epoch', pg_catalog.pg_postmaster_start_time()),
  'follows', pg_catalog.pg_is_in_recovery())"""
_SYSTEM = "(SELECT system_identifier::pg_catalog.text FROM pg_catalog.pg_control_system())"
_LEFT = """SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_array(datname, coalesce(pg_catalog.shobj_description(d.oid, 'pg_database'), ''),
  (SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity a WHERE a.datid = d.oid))), '[]')
FROM pg_catalog.pg_database d WHERE datname LIKE 'respaldo\\_scratch\\_%'"""


def rehearse(reader: PartReader, live: Server, there: Server, strict: bool, entrances: Sequence[str], jobs: int = 1) -> List[Remark]:
    """Bring each database of a copy back there, compare it and drop it. `entrances` are the live server's. Gives remarks.

    Raises restored_differs, restore_failed; scratch_server_live when it is no other server; scratch_server_unusable, rehearsal_lacks when it could
    not be told there.
    """
    label = reader.manifest["label"]
    rows = databases.some_of(databases.rows_of(reader.manifest["parts"]), label)
    _look(label, there)
    with _usable(label, there):
        remarks = swept(there)
    _another(label, live, there, entrances)
    wanted = postgresql_scratch.version_copied(rows)
    exact = wanted == major(there.number)
    where = _Elsewhere(there, live, label, strict, jobs)
    for row in rows:
        with postgresql_scratch.judged(label, row, exact), where.database(reader, row) as beside:
            there.drop(beside)
    return remarks + where.remarks + [Remark("pg_rehearsed_there", server=there.address())]


def prove(label: str, live: Server, there: Server, entrances: Sequence[str]) -> None:
    """Whether copies of `live` could be rehearsed there, and nothing made. Raises scratch_server_unusable, scratch_server_live."""
    _look(label, there)
    _another(label, live, there, entrances)


def _look(label: str, there: Server) -> None:
    with _usable(label, there):
        there.look(["postgres"])
        if _who(there)["follows"]:
            raise BackupError("scratch_server_unusable", label=label, server=there.address(), detail="it follows another server, so nothing can be made on it")
        for tool in ("pg_dump", "pg_restore"):
            there.new_enough(tool)


def swept(server: Server) -> List[Remark]:
    """Drop the throw-away databases that dead runs left on a server. Gives what is to be told of it."""
    if not any(row["database"].startswith(databases.SCRATCH) for row in server.found["databases"]):
        return []
    found = [databases_scratch.Left(*each) for each in json.loads(server.ask(_LEFT))]
    return databases_scratch.swept([each for each in found if databases_scratch.NAME.match(each.name)], server.drop, server.address())


class _Elsewhere(Restoring):
    """What that server lacks is told as such."""

    def __init__(self, server: Server, live: Server, label: str, strict: bool, jobs: int) -> None:
        super().__init__(server, False, strict, jobs)
        self.live = live
        self.label = label

    def made(self, beside: str) -> None:
        """A database that is on the live server too, as soon as it is made here, is on no other server."""
        if self.live.ask("SELECT 1 FROM pg_catalog.pg_database WHERE datname = " + literal(beside)).strip():
            raise BackupError("scratch_server_live", label=self.label, server=self.server.address())

    def lacks(self, failure: Failure) -> bool:
        return postgresql_scratch.lacking(unquoted(failure.said), failure.words)


@contextlib.contextmanager
def _usable(label: str, server: Server) -> Iterator[None]:
    """What goes wrong with a server for rehearsals says nothing of the copy. Raises scratch_server_unusable."""
    try:
        yield
    except BackupError as error:
        if error.fault.name == "scratch_server_unusable":
            raise
        raise BackupError("scratch_server_unusable", label=label, server=server.address(), detail=error.message) from error


def _another(label: str, live: Server, there: Server, entrances: Sequence[str]) -> None:
    """Raises scratch_server_live when both are one server, or one follows the other; scratch_server_unusable when that can't be told."""
    with _usable(label, there):
        live.look(entrances)
        mine, theirs = _who(live), _who(there)
    if mine["began"] == theirs["began"] and mine["system"] == theirs["system"] or (mine["system"] == theirs["system"] and mine["follows"]):
        raise BackupError("scratch_server_live", label=label, server=there.address())


def _who(server: Server) -> Dict[str, Any]:
    found: Dict[str, Any] = json.loads(server.ask(_WHO.format(_SYSTEM if server.number >= 90600 else "''")))
    return found
