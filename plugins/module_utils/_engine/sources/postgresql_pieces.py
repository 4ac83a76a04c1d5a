# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A large database of PostgreSQL in several archives, dumped at once: definitions and small tables, the rows of each large table, and last what is made
when all rows are there (indexes, keys, triggers).

All are of one moment: a session of ours holds a snapshot, and a lock on every table, until the last is written. So nothing is emptied, dropped or
rewritten between them, as it may be while a single pg_dump begins. What can't be held is told, and the copy is made in one stream.
"""

from __future__ import annotations

import contextlib
import json
import re
import shlex
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Tuple

from ..errors import BackupError
from ..processes.held import Held
from . import postgresql_missing
from .base import Together
from .postgresql_server import Server, conninfo

_SINCE = 100000          # a standby exports snapshots from PostgreSQL 10 on
_LOCK_SECONDS = 30       # ours are locked already: who waits longer waits behind somebody who waits for us
_MOST_TABLES = 2000      # each is locked by several sessions, and the server's table of locks has an end
_SHARE = 4               # a table is large when it is this part of what one job would have
_TABLES = """
SELECT pg_catalog.json_agg(pg_catalog.json_build_array(nspname, relname, pg_catalog.format('%I.%I', nspname, relname),
  CASE WHEN relkind = 'r' THEN pg_catalog.pg_table_size(c.oid) ELSE 0 END) ORDER BY nspname, relname)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = relnamespace
WHERE relkind IN ('r', 'p') AND relpersistence <> 't' AND nspname !~ '^pg_' AND nspname <> 'information_schema'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e')"""
# In this order: a snapshot is taken by the first statement that reads, and locks are none.
_HOLD = """SET search_path = pg_catalog, pg_temp;
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SET LOCAL lock_timeout = '{0}s';
{1};
SELECT pg_catalog.pg_export_snapshot();
"""
_STILL = "SELECT 'held';\n"
# the last: a table that came after the locks and went; a server without room for so many sessions and locks has it for one
_LOST = re.compile("canceling statement due to lock timeout|could not import the requested snapshot|invalid snapshot identifier|"
                   "(?i:query was): LOCK TABLE|out of shared memory|too many (?:clients|connections)|remaining connection slots")
_OPTIONS = "PGOPTIONS='-c array_nulls=on' "


class Piece(NamedTuple):
    """One archive of a database: the part that it is, and the options by which pg_restore takes of it what is meant. `rows`: of one table, and nothing else."""

    part: str
    options: Tuple[str, ...] = ()
    rows: bool = False


class Large(NamedTuple):
    """A table whose rows are a piece of their own."""

    schema: str
    table: str
    quoted: str


class Divided(Together):
    """A database that is copied in pieces. `options` are those of each pg_dump while it is opened."""

    def __init__(self, server: Server, facts: Mapping[str, Any], jobs: int, tables: List[str], large: List[Large]) -> None:
        self.server = server
        self.facts = facts
        self.jobs = jobs
        self.tables = tables
        self.large = large
        self.options: List[str] = []

    @contextlib.contextmanager
    def opened(self) -> Iterator[None]:
        """Raises snapshot_lost where it can't be had, or was not held to the end."""
        database = str(self.facts["database"])
        arguments = ["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1", "--dbname=" + conninfo(database)]
        locks = "LOCK TABLE {0} IN ACCESS SHARE MODE".format(", ".join("ONLY " + each for each in self.tables))
        with contextlib.ExitStack() as stack:
            options = stack.enter_context(self.server.written(self.facts))
            session = stack.enter_context(Held(stack.enter_context(self.server.producing("psql", arguments))[0]))
            snapshot = self._said(session, _HOLD.format(_LOCK_SECONDS, locks))
            self.options = [*options, "--snapshot=" + snapshot, "--lock-wait-timeout={0}".format(_LOCK_SECONDS * 1000)]
            yield
            self._said(session, _STILL)

    def _said(self, session: Held, text: str) -> str:
        try:
            return session.ask(text)
        except BackupError as error:
            raise _lost(self.server, self.facts, error.details["detail"]) from error


def _lost(server: Server, facts: Mapping[str, Any], detail: str) -> BackupError:
    return BackupError("snapshot_lost", source="database {0} ({1})".format(facts["database"], server.address()), detail=detail)


def divided(server: Server, facts: Mapping[str, Any], jobs: int, smallest: int) -> Optional[Divided]:
    """How a database is copied in pieces, None where it is not: it is small, or no table of it is large.

    Raises snapshot_lost where somebody has a lock that even looking waits for.
    """
    if jobs < 2 or (facts["size"] or 0) < smallest or server.number < _SINCE:
        return None
    try:
        # who owns a table may lock it for good
        rows = json.loads(server.ask("SET LOCAL statement_timeout = '60s'", _TABLES, database=facts["database"]).strip() or "null") or []
    except BackupError as error:
        raise _lost(server, facts, error.message) from error
    left_out = postgresql_missing.without_rows(facts)
    least = sum(size or 0 for _schema, _table, _quoted, size in rows) / (jobs * _SHARE)
    # by their names pg_restore finds them in an archive that may be of another encoding
    large = [Large(schema, table, quoted) for schema, table, quoted, size in sorted(rows, key=lambda row: -(row[3] or 0))
             if size and size >= least and quoted.isascii() and quoted not in left_out]
    return Divided(server, facts, jobs, [quoted for _schema, _table, quoted, _size in rows], large) if large and len(rows) <= _MOST_TABLES else None


def part_of(main: str, number: int) -> str:
    """The name of the piece with a large table's rows. A main part's name has no dot, so it is nobody else's."""
    return "{0}.rows{1:02d}".format(main, number)


def last_of(main: str) -> str:
    return main + ".last"


def selecting(large: Large) -> Tuple[str, ...]:
    """Of the archive of a table's rows these alone: pg_dump adds the sequences that the table owns, which the main piece has."""
    return ("--schema=" + large.schema, "--table=" + large.table)


def only(facts: Mapping[str, Any]) -> List[str]:
    """The options of pg_restore for an archive of one table's rows, as its facts tell it; none for others."""
    return list(selecting(Large(str(facts.get("schema")), str(facts["table"]), ""))) if "table" in facts else []


def told(main: str, division: Divided) -> List[Dict[str, str]]:
    """What the main part tells of its pieces in the manifest, in the order in which they come back."""
    rows = [{"part": part_of(main, number), "schema": each.schema, "table": each.table} for number, each in enumerate(division.large, 1)]
    return [*rows, {"part": last_of(main)}]


def pieces_of(row: Mapping[str, Any]) -> List[Piece]:
    """The archives of a database in the order in which they come back; mostly the one. Raises manifest_unreadable."""
    found = [Piece(row["name"])]
    pieces = row["facts"].get("pieces") or []
    for each in pieces if isinstance(pieces, list) else [None]:
        if not isinstance(each, dict) or not all(isinstance(each.get(key, ""), str) for key in ("part", "schema", "table")) or not each.get("part"):
            raise BackupError("manifest_unreadable", label=row["file"], location="its manifest", detail="a database has no proper pieces")
        rows = "table" in each
        found.append(Piece(each["part"], selecting(Large(each.get("schema", ""), each["table"], "")) if rows else (), rows))
    return found


def lost(error: BackupError, described: str) -> Optional[BackupError]:
    """The failure of a piece's pg_dump as one of what they share, where that is what it says."""
    if error.fault.name != "stage_failed" or error.details["stage"] != "pg_dump" or not _LOST.search(error.details["detail"]):
        return None
    return BackupError("snapshot_lost", source=described, detail=error.details["detail"])


def stock(target: str, piece: Tuple[str, ...] = ()) -> str:
    """pg_restore of what is no main piece, as a person would type it."""
    return " ".join([_OPTIONS + "pg_restore --dbname=" + target, *map(shlex.quote, piece)])
