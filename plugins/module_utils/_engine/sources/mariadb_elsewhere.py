# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rehearsals of MariaDB on another server that the inventory names for it, in a throw-away database; and what dead runs left on a server.

A text is loaded there as on a live server: by an account made for it, which may nothing but in that database, and without its events.
"""

from __future__ import annotations

import contextlib
import re
from typing import Any, Dict, Iterator, List, Sequence, Tuple

from ..errors import BackupError
from ..remarks import Remark
from . import databases, databases_scratch, mariadb_restore
from . import mariadb_text as texts
from .base import PartReader
from .mariadb_client import Connection, number

_WHO = "SELECT HEX(@@hostname), HEX(@@datadir), HEX(@@port), HEX(@@pid_file)"
_STATE = "SHOW GLOBAL STATUS WHERE Variable_name IN ('Uptime', 'wsrep_cluster_state_uuid')"
_SECONDS = 2       # by which two answers to "since when" of one server may differ
# What a server says that has not what the live one had: another database that a view reads, an engine, a character set, room, a setting.
_LACKING = re.compile(r"ERROR (?:1049|1146|1286|1115|1273|1298|1005|1030|1114|1118|1153|2006|2013|1044|1045|1142|1227|1370|1419)\b|No space left")


def rehearse(reader: PartReader, live: Any, there: Any) -> List[Remark]:
    """Bring each database of a copy back on `there`, compare it and drop it; both are sources of this type, looked at. Gives remarks.

    Raises restored_differs, restore_failed; scratch_server_live when it is no other server; rehearsal_lacks when that server may be why.
    """
    label = reader.manifest["label"]
    address = there.live.address()
    rows = databases.some_of([row for row in reader.manifest["parts"] if "database" in texts.facts_in(row)], label)
    with usable(label, there.live):
        there.look()
        remarks = swept(there.live, there.existing)
    prove(label, live, there)
    for row in rows:
        with _judged(label, row, there):
            there.prove_beside(reader, row, lambda name: _apart(live, name, label, address))
    return remarks + there.found + [Remark("my_rehearsed_there", server=address)]


def prove(label: str, live: Any, there: Any) -> None:
    """Whether copies of `live` could be rehearsed on `there`, and nothing made. Raises scratch_server_unusable, scratch_server_live."""
    with usable(label, there.live):
        there.look()
        live.look()
        same = _same(live.live, there.live)
    if same:
        raise BackupError("scratch_server_live", label=label, server=there.live.address())


def swept(server: Connection, existing: Sequence[str]) -> List[Remark]:
    """Drop the throw-away databases that dead runs left on a server, and the accounts that had rights in them. Gives what is to be told of it."""
    names = [name for name in existing if databases_scratch.NAME.match(name)]
    if not names:
        return []
    comments: Dict[str, str] = {}
    with contextlib.suppress(BackupError):      # older servers and MySQL keep no comment of a database
        comments = dict(texts.lines_of(server.ask(
            "SELECT HEX(CONVERT(SCHEMA_NAME USING utf8mb4)), HEX(CONVERT(SCHEMA_COMMENT USING utf8mb4)) FROM information_schema.SCHEMATA"), 2))
    found = [databases_scratch.Left(name, comments.get(name, ""), int(server.ask(
        "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE DB = " + texts.text(name)))) for name in names]

    def drop(name: str) -> None:
        server.command("DROP DATABASE IF EXISTS " + texts.identifier(name))
        mariadb_restore.forget_hands(server, name)

    return databases_scratch.swept(found, drop, server.address())


def comment(version: str) -> str:
    """What marks a throw-away database when it is made; nothing where the server keeps no comment of one."""
    return " COMMENT " + _literal(databases_scratch.mark()) if "MariaDB" in version and number(version) >= (10, 5) else ""


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"      # of our own words: no backslash is in them


@contextlib.contextmanager
def usable(label: str, server: Connection) -> Iterator[None]:
    """What goes wrong with a server for rehearsals says nothing of the copy. Raises scratch_server_unusable."""
    try:
        yield
    except BackupError as error:
        raise BackupError("scratch_server_unusable", label=label, server=server.address(), detail=error.message) from error


def _same(one: Connection, other: Connection) -> bool:
    """Whether both are one server, or of one cluster."""
    (cluster, began), (others, theirs) = _state(one), _state(other)
    return bool(cluster and cluster == others) or (one.ask(_WHO) == other.ask(_WHO) and abs(began - theirs) <= _SECONDS)


def _state(server: Connection) -> Tuple[str, int]:
    """The cluster that a server is of, and since when it runs."""
    told = dict(line.lower().split("\t", 1) for line in server.ask(_STATE).splitlines() if "\t" in line)
    return told.get("wsrep_cluster_state_uuid", "").strip(), int(server.ask("SELECT UNIX_TIMESTAMP()")) - int(told["uptime"])


def _apart(live: Any, name: str, label: str, address: str) -> None:
    """A database that is on the live server too, as soon as it is made here, is on no other server."""
    if live.live.ask("SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = " + texts.text(name)).strip() != "0":
        raise BackupError("scratch_server_live", label=label, server=address)


@contextlib.contextmanager
def _judged(label: str, row: Dict[str, Any], there: Any) -> Iterator[None]:
    """What that server lacks, or what another version does otherwise, is no damage of the copy. Raises rehearsal_lacks."""
    try:
        yield
    except BackupError as error:
        made = str(row["facts"].get("server_version") or there.version)
        other = number(made)[:2] != number(there.version)[:2] or ("MariaDB" in made) != ("MariaDB" in there.version)
        detail = str(error.details.get("detail", error.message))
        if error.fault.name in ("restore_hands_missing", "packet_too_small", "restore_denied", "source_unreachable"):
            raise BackupError("scratch_server_unusable", label=label, server=there.live.address(), detail=error.message) from error
        if error.fault.name in ("restored_differs", "restore_failed") and other:
            raise BackupError("rehearsal_lacks", label=label, detail="{0}; it was made from version {1} and restored by {2}, which may be why".format(
                detail, made, there.version)) from error
        if error.fault.name == "restore_failed" and _LACKING.search(detail):
            raise BackupError("rehearsal_lacks", label=label, detail=detail) from error
        raise
