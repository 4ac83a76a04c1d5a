# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bitácora in one SQLite file on a local disk: what a single controller needs.

Write-ahead log, synchronous FULL and BEGIN IMMEDIATE: a deferred transaction fails at once under concurrent writers.
The triggers that refuse UPDATE and DELETE, and a row that does not continue the chain, guard against accidents; the chain tells of the rest.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...module_utils._engine.errors import BackupError
from .. import _places as places
from . import anchored, chain, entries, view
from .any_store import Store

_APPLICATION_ID = 0x52535042  # "RSPB": says that a SQLite file is a bitácora
_BUSY_SECONDS = 30
_PROBE_BYTES = 256 * 1024     # what a run of a few copies writes, with room to spare

_TABLE = """
CREATE TABLE IF NOT EXISTS entries (
  n INTEGER PRIMARY KEY AUTOINCREMENT,
  emitter TEXT NOT NULL,
  n_emitter INTEGER NOT NULL,
  at_event TEXT NOT NULL,
  at_recorded TEXT NOT NULL,
  type TEXT NOT NULL,
  body TEXT,
  body_digest TEXT NOT NULL,
  previous TEXT NOT NULL UNIQUE,
  digest TEXT NOT NULL UNIQUE,
  UNIQUE (emitter, n_emitter)
)"""

_SCHEMA = (
    "CREATE INDEX IF NOT EXISTS entries_by_system ON entries (json_extract(body, '$.system'), json_extract(body, '$.kind'), type)",
    "CREATE INDEX IF NOT EXISTS entries_by_label ON entries (json_extract(body, '$.label'), type)",
    "CREATE INDEX IF NOT EXISTS entries_by_run ON entries (json_extract(body, '$.run'), type)",
    "CREATE INDEX IF NOT EXISTS entries_by_type ON entries (type, at_event)",
    """CREATE TRIGGER IF NOT EXISTS entries_refuse_update BEFORE UPDATE ON entries
       BEGIN SELECT RAISE(ABORT, 'the bitácora is append-only: write a correction'); END""",
    """CREATE TRIGGER IF NOT EXISTS entries_refuse_delete BEFORE DELETE ON entries
       BEGIN SELECT RAISE(ABORT, 'the bitácora is append-only: entries are never deleted'); END""",
)

# SQLite reckons no SHA-256, so a digest is looked at by its form alone; a row with a body is an object. Migrations bring redacted rows.
_CONTINUES = """CREATE TRIGGER IF NOT EXISTS entries_continue BEFORE INSERT ON entries
       WHEN NEW.n IS NOT (SELECT coalesce(max(n), 0) + 1 FROM entries)
         OR NEW.previous IS NOT coalesce((SELECT digest FROM entries ORDER BY n DESC LIMIT 1), '{0}')
         OR NEW.digest = NEW.previous OR length(NEW.digest) IS NOT 64 OR NEW.digest GLOB '*[^0-9a-f]*'
         OR (NEW.body IS NOT NULL AND coalesce(json_type(NEW.body), '') <> 'object')
       BEGIN SELECT RAISE(ABORT, 'the entry does not continue the bitácora'); END""".format(chain.GENESIS)

_MOVED = """CREATE TRIGGER entries_moved BEFORE INSERT ON entries
BEGIN SELECT RAISE(ABORT, 'the bitácora was moved: its last entry says where'); END"""


class SqliteStore(Store):
    """A bitácora in one SQLite file."""

    errors = sqlite3.Error

    def __init__(self, path: Path, readonly: bool = False) -> None:
        self.path = path
        self.url = "sqlite:///" + str(path)
        if readonly:
            try:
                self._connection = chain.connect_read_only(path)
            except sqlite3.Error as error:
                raise self.unreadable(error if path.exists() else "it does not exist") from error
            self._connection.row_factory = None
        else:
            self._open()

    def rows(self, *given: Any, **named: Any) -> list[dict[str, Any]]:
        # Our own view, whatever one the file has: whoever can write to it could show other entries than there are. Made when it is first read,
        # since a night opens a bitácora dozens of times and reads the view in none of them.
        with contextlib.suppress(sqlite3.Error):
            self._connection.execute(view.SQL.replace("CREATE VIEW", "CREATE TEMP VIEW IF NOT EXISTS", 1))
        return super().rows(*given, **named)

    def _open(self) -> None:
        try:
            held_by = places.mounted(self.path).type
            if held_by in places.NETWORK_FILE_SYSTEMS:
                raise BackupError("bitacora_on_network", store=self.path, file_system=held_by)
            if places.is_thrown_away(self.path):
                raise BackupError("bitacora_thrown_away", store=self.path)
            self.path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640))
            self._connection = sqlite3.connect(self.path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        except (OSError, sqlite3.Error) as error:
            raise self.unwritable(error) from error
        try:
            self._prepare()
        except sqlite3.Error as error:
            self.close()
            raise self.unwritable(error) from error
        except BackupError:
            self.close()
            raise

    def _prepare(self) -> None:
        execute = self._connection.execute
        execute("PRAGMA busy_timeout = {0}".format(_BUSY_SECONDS * 1000))
        # Both are read at one moment: another run may be making the tables just now.
        execute("BEGIN")
        found = execute("PRAGMA application_id").fetchone()[0]
        tables = execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        execute("COMMIT")
        if found not in (0, _APPLICATION_ID) or (found == 0 and tables):
            raise self.unwritable("it is a SQLite database of something else")
        if execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
            raise self.unwritable("SQLite can't use its write-ahead log there")
        execute("PRAGMA synchronous = FULL")
        shown = execute("SELECT sql FROM sqlite_master WHERE type = 'view' AND name = 'bitacora'").fetchone()
        guarded = execute("SELECT 1 FROM sqlite_master WHERE type = 'trigger' AND name = 'entries_continue'").fetchone()
        if found:
            moved = self.moved_to()
            if moved:
                raise BackupError("bitacora_moved", store=self.path, location=moved)
        if found and shown and shown[0] == view.SQL and guarded:
            return
        with self.exclusive():
            execute(_TABLE + (" STRICT" if sqlite3.sqlite_version_info >= (3, 37) else ""))
            for statement in (*_SCHEMA, _CONTINUES):
                execute(statement)
            execute("DROP VIEW IF EXISTS bitacora")
            execute(view.SQL)
            execute("PRAGMA application_id = {0}".format(_APPLICATION_ID))

    def unwritable(self, detail: object) -> BackupError:
        return BackupError("bitacora_unwritable", store=self.path, detail=detail)

    def unreadable(self, detail: object) -> BackupError:
        return BackupError("bitacora_unreadable", store=self.path, detail=detail)

    def close(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()

    def field(self, name: str) -> str:
        return "json_extract(body, '$.{0}')".format(name)

    def begin(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    def run(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql, tuple(values)).fetchall()

    def select(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        try:
            return self.run(sql, values)
        except sqlite3.Error as error:
            raise self.unreadable(error) from error

    def raw(self) -> Iterator[Sequence[Any]]:
        # NOT INDEXED: the rows themselves are read, never a copy of them in an index.
        try:
            yield from self._connection.execute("SELECT {0} FROM entries NOT INDEXED ORDER BY n".format(", ".join(chain.COLUMNS)))
        except sqlite3.Error as error:
            raise self.unreadable(error) from error

    def prove_writable(self) -> None:
        self.probe()
        try:
            with tempfile.NamedTemporaryFile(dir=self.path.parent, prefix=".space-") as probe:
                probe.write(b"\0" * _PROBE_BYTES)
                probe.flush()
                os.fsync(probe.fileno())
        except OSError as error:
            raise self.unwritable(error) from error

    def verify(self, anchors: Sequence[Path] = (), keys: Sequence[str] = (), remembered: Mapping[str, Any] | None = None) -> chain.Report:
        try:
            return chain.verify_file(self.path, anchors, keys, remembered, read=anchored.content)
        except sqlite3.Error as error:
            raise self.unreadable(error) from error

    def judge_indexes(self) -> list[chain.Finding]:
        try:
            return chain.judge_indexes(self._connection, 0)
        except sqlite3.Error as error:
            raise self.unreadable(error) from error

    def close_for_good(self, body: Mapping[str, Any], emitter: str) -> None:
        """Write the last entry, which says where the bitácora went, and refuse any other, within an exclusive block."""
        self.append("bitacora_moved", body, entries.now(), emitter)
        self.run(_MOVED)

    def moved_to(self) -> str:
        """Where the bitácora went; "" while it is here."""
        if not self.run("SELECT 1 FROM sqlite_master WHERE type = 'trigger' AND name = 'entries_moved'"):
            return ""
        told = self.run("SELECT body FROM entries WHERE type = 'bitacora_moved' ORDER BY n DESC LIMIT 1")
        return str(json.loads(told[0][0])["location"]) if told else "another store"
