# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bitácora in one SQLite file on a local disk: what a single controller needs.

Write-ahead log, synchronous FULL and BEGIN IMMEDIATE: a deferred transaction fails at once under concurrent writers.
The triggers that refuse UPDATE and DELETE guard against accidents; the chain tells of the rest.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ...module_utils._engine.errors import BackupError
from . import chain, entries, view
from .store import Store

NETWORK_FILE_SYSTEMS = frozenset((
    "nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "ceph", "glusterfs", "lustre", "afs", "ncpfs",
    "fuse.sshfs", "fuse.rclone", "fuse.glusterfs", "fuse.ceph", "fuse.s3fs", "fuse.blobfuse2", "davfs", "fuse.davfs",
))

# What a container loses when it ends.
_THROWN_AWAY = frozenset(("overlay", "aufs", "fuse.fuse-overlayfs", "fuse-overlayfs"))
_CONTAINER_MARKS = ("/run/.containerenv", "/.dockerenv", "/var/run/secrets/kubernetes.io")
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

_MOVED = """CREATE TRIGGER entries_moved BEFORE INSERT ON entries
BEGIN SELECT RAISE(ABORT, 'the bitácora was moved: its last entry says where'); END"""


class Mounted(NamedTuple):
    """The file system that holds a path: its type, and the directory of it that is mounted there."""

    type: str
    root: str


def mounted(path: Path, mounts: str = "/proc/self/mountinfo") -> Mounted:
    """What holds `path`; empty when the system does not tell."""
    best, found = -1, Mounted("", "")
    real = os.path.realpath(path)
    try:
        lines = Path(mounts).read_text("utf-8", "replace").splitlines()
    except OSError:
        return found
    for line in lines:
        left, separator, right = line.partition(" - ")
        fields = [field.replace("\\040", " ") for field in left.split(" ")]
        if separator and (real + "/").startswith(fields[4].rstrip("/") + "/") and len(fields[4]) >= best:
            best, found = len(fields[4]), Mounted(right.split(" ")[0], fields[3])
    return found


def in_container(marks: Sequence[str] = _CONTAINER_MARKS) -> bool:
    """Whether this process runs in a container of Docker, Podman or Kubernetes."""
    return bool(os.environ.get("KUBERNETES_SERVICE_HOST")) or any(os.path.exists(mark) for mark in marks)


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

    def _open(self) -> None:
        try:
            self.path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            place = mounted(self.path)
            if place.type in NETWORK_FILE_SYSTEMS:
                raise BackupError("bitacora_on_network", store=self.path, file_system=place.type)
            if in_container() and (place.type in _THROWN_AWAY or "kubernetes.io~empty-dir" in place.root):
                raise BackupError("bitacora_thrown_away", store=self.path)
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
        if found:
            moved = self.moved_to()
            if moved:
                raise BackupError("bitacora_moved", store=self.path, location=moved)
        if found and shown and shown[0] == view.SQL:
            return
        with self.exclusive():
            execute(_TABLE + (" STRICT" if sqlite3.sqlite_version_info >= (3, 37) else ""))
            for statement in _SCHEMA:
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

    def verify(self, anchors: Sequence[Path] = (), keys: Sequence[str] = ()) -> chain.Report:
        try:
            return chain.verify_file(self.path, anchors, keys)
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
