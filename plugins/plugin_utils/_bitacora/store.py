# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the bitácora is kept. One class per store; this file has the SQLite one: one file on a local disk.

Write-ahead log, synchronous FULL and BEGIN IMMEDIATE: a deferred transaction fails at once under concurrent writers.
The triggers that refuse UPDATE and DELETE guard against accidents; the chain tells of the rest.
"""

from __future__ import annotations

import abc
import contextlib
import json
import os
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...module_utils._engine.errors import BackupError
from . import chain, entries, view
from .entries import POLICY_ZONE

CALLBACK = "perucompras.respaldo.bitacora"
NETWORK_FILE_SYSTEMS = frozenset((
    "nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "ceph", "glusterfs", "lustre", "afs", "ncpfs",
    "fuse.sshfs", "fuse.rclone", "fuse.glusterfs", "fuse.ceph", "fuse.s3fs", "fuse.blobfuse2", "davfs", "fuse.davfs",
))

_APPLICATION_ID = 0x52535042  # "RSPB": says that a SQLite file is a bitácora
_BUSY_SECONDS = 30
RUNS_LOOKED_AT = 1000
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


def default_url() -> str:
    """Where the bitácora is when nobody says otherwise."""
    if os.geteuid() == 0:
        return "sqlite:////var/lib/respaldo/bitacora.sqlite"
    return "sqlite:///" + os.path.expanduser("~/.local/state/respaldo/bitacora.sqlite")


def resolve_url() -> str:
    """Where the bitácora is in this process: what the callback said, else the callback's own settings, else the default."""
    told = os.environ.get("RESPALDO_BITACORA")
    if told:
        return told
    from ansible.plugins.loader import callback_loader

    callback = callback_loader.get(CALLBACK)
    if callback is not None:
        callback.set_options()
        told = callback.get_option("url")
    return told or default_url()


def path_of(url: str) -> Path:
    """The file of a SQLite bitácora. Raises BackupError(invalid_input) on another kind of address."""
    if url.startswith("sqlite:///"):
        path = url[len("sqlite:///"):]
    elif "://" in url:
        raise BackupError("invalid_input", where="the bitácora's url", value=url.split("://", 1)[0] + "://...",
                          problem="is not a store this version knows", mend="Write sqlite:////absolute/path.sqlite or a plain path.")
    else:
        path = url
    return Path(os.path.abspath(os.path.expanduser(path)))


def open_store(url: str, readonly: bool = False) -> Store:
    """The bitácora at `url`: `sqlite:////absolute/path` or a plain path. It is made when it does not exist, unless `readonly`.

    Raises BackupError: bitacora_unwritable, bitacora_unreadable, bitacora_on_network, invalid_input.
    """
    return SqliteStore(path_of(url), readonly)


def file_system_of(path: Path, mounts: str = "/proc/self/mountinfo") -> str:
    """The type of the file system that holds `path`, "" when the system does not tell."""
    best, kind = -1, ""
    real = os.path.realpath(path)
    try:
        lines = Path(mounts).read_text("utf-8", "replace").splitlines()
    except OSError:
        return ""
    for line in lines:
        left, separator, right = line.partition(" - ")
        mounted = left.split(" ")[4].replace("\\040", " ") if separator else ""
        if mounted and (real + "/").startswith(mounted.rstrip("/") + "/") and len(mounted) >= best:
            best, kind = len(mounted), right.split(" ")[0]
    return kind


_OF_A_COPY = ("copy_made", "copy_verified", "copy_damaged", "copy_found", "copy_pruned")
# How many of the last copies made are looked at before the whole history is.
_LAST_MADE = (2, 16)


class Store(abc.ABC):
    """What every store does. Entries are given to readers as one mapping: the body's fields, and those of the line itself."""

    url: str

    @abc.abstractmethod
    def append(self, type: str, body: Mapping[str, Any], at_event: str, emitter: str, n_emitter: int | None = None) -> entries.Entry:
        """Write one entry, durable when this returns; writing the same `n_emitter` of an emitter again changes nothing.

        Raises BackupError(bitacora_unwritable).
        """

    @abc.abstractmethod
    def entries(self, **filters: Any) -> list[dict[str, Any]]:
        """The entries that match, in the order they were written."""

    @abc.abstractmethod
    def rows(self, **filters: Any) -> list[dict[str, Any]]:
        """Rows of the Spanish view."""

    @abc.abstractmethod
    def labels(self, kind: str, system: str) -> set[str]:
        """Every label ever taken by a system."""

    def copies(self, kind: str, system: str) -> list[dict[str, Any]]:
        """The copies made of a system, oldest first: the entry of each, with the trust level it has by now and its `media`.

        `media` is the trust level by medium, "" where the copy was found damaged since. A later verification there heals it if it
        was as thorough as the one that found the damage: reading a copy again does not answer a restore that came out otherwise.
        """
        return _copies(self.entries(kind=kind, system=system, type=_OF_A_COPY))

    def held(self, kind: str, system: str) -> set[str]:
        """The labels of a system on hold; "" stands for all of them."""
        found: dict[str, bool] = {}
        for entry in self.entries(kind=kind, system=system, type=("copy_held", "copy_released")):
            if not entry.get("simulated"):
                found[entry.get("label", "")] = entry["type"] == "copy_held"
        return {label for label, on in found.items() if on}

    def last_good(self, kind: str, system: str, minimum_trust: str = "T2", until: str = "") -> dict[str, Any] | None:
        """The newest copy of a system that is good: made, not a simulation, trusted enough, whole on all its media.

        With `until` (UTC), one dated later is given only when there is no other: a clock that was once ahead must not hide what came after.
        """
        return self._last_good(kind, system, minimum_trust, until) or (self._last_good(kind, system, minimum_trust, "") if until else None)

    def _last_good(self, kind: str, system: str, minimum_trust: str, until: str) -> dict[str, Any] | None:
        """It is nearly always one of the last made, so that the history behind them is read only when none of these is good."""
        for limit in _LAST_MADE:
            recent = self.entries(kind=kind, system=system, type="copy_made", limit=limit)
            for made in sorted(recent, key=_order, reverse=True):
                # by label alone: the index of labels finds few, that of systems all that was ever verified
                later = [entry for entry in self.entries(label=made.get("label", ""), type=_OF_A_COPY)
                         if entry.get("kind") == kind and entry.get("system") == system]
                for copy in _copies(later):
                    if _is_good(copy, minimum_trust) and not (until and _order(copy)[0] > until):
                        return copy
            if len(recent) < limit:
                return None
        for copy in reversed(self.copies(kind, system)):
            if _is_good(copy, minimum_trust) and not (until and _order(copy)[0] > until):
                return copy
        return None

    def last_good_of(self, systems: Iterable[tuple[str, str]], minimum_trust: str = "T2") -> dict[tuple[str, str], dict[str, Any]]:
        """The newest good copy of each of many systems, given as (system, kind); those without one are left out."""
        found = {(system, kind): self.last_good(kind, system, minimum_trust) for system, kind in systems}
        return {pair: copy for pair, copy in found.items() if copy is not None}

    @abc.abstractmethod
    def open_runs(self) -> list[dict[str, Any]]:
        """The starts of runs that have no end, among the last RUNS_LOOKED_AT runs: older ones were looked at by those that came after them."""

    @abc.abstractmethod
    def ends(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The first and the last entry. Raises BackupError(bitacora_unreadable) when there is none."""

    def kept(self, systems: Iterable[tuple[str, str]]) -> dict[tuple[str, str], list[tuple[list[str], int]]]:
        """(kind, system) -> media and size of each copy that was made and not removed."""
        return {key: [(list(copy["media"]), int(copy.get("size", 0))) for copy in self.copies(*key)] for key in systems}

    @abc.abstractmethod
    def close(self) -> None:
        """Let go of the store."""

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class SqliteStore(Store):
    """A bitácora in one SQLite file."""

    def __init__(self, path: Path, readonly: bool = False) -> None:
        self.path = path
        self.url = "sqlite:///" + str(path)
        self._depth = 0
        if readonly:
            try:
                self._connection = chain.connect_read_only(path)
            except sqlite3.Error as error:
                raise self._unreadable(error if path.exists() else "it does not exist") from error
        else:
            self._open()

    def _open(self) -> None:
        try:
            self.path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            kind = file_system_of(self.path)
            if kind in NETWORK_FILE_SYSTEMS:
                raise BackupError("bitacora_on_network", store=self.path, file_system=kind)
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640))
            self._connection = sqlite3.connect(self.path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        except (OSError, sqlite3.Error) as error:
            raise self._unwritable(error) from error
        self._connection.row_factory = sqlite3.Row
        try:
            self._prepare()
        except sqlite3.Error as error:
            self.close()
            raise self._unwritable(error) from error
        except BackupError:
            self.close()
            raise

    def _prepare(self) -> None:
        execute = self._connection.execute
        execute("PRAGMA busy_timeout = {0}".format(_BUSY_SECONDS * 1000))
        found = execute("PRAGMA application_id").fetchone()[0]
        if found == 0 and execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise self._unwritable("it is a SQLite database of something else")
        if found not in (0, _APPLICATION_ID):
            raise self._unwritable("it is a SQLite database of something else")
        if execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
            raise self._unwritable("SQLite can't use its write-ahead log there")
        execute("PRAGMA synchronous = FULL")
        shown = execute("SELECT sql FROM sqlite_master WHERE type = 'view' AND name = 'bitacora'").fetchone()
        if found and shown and shown[0] == view.SQL:
            return
        with self.exclusive():
            execute(_TABLE + (" STRICT" if sqlite3.sqlite_version_info >= (3, 37) else ""))
            for statement in _SCHEMA:
                execute(statement)
            execute("DROP VIEW IF EXISTS bitacora")
            execute(view.SQL)
            execute("PRAGMA application_id = {0}".format(_APPLICATION_ID))

    def _unwritable(self, detail: object) -> BackupError:
        return BackupError("bitacora_unwritable", store=self.path, detail=detail)

    def _unreadable(self, detail: object) -> BackupError:
        return BackupError("bitacora_unreadable", store=self.path, detail=detail)

    def close(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """All that is written within is written at once, or not at all; other writers wait."""
        if self._depth:
            yield
            return
        self._depth += 1
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            yield
            self._connection.execute("COMMIT")
        except BaseException as error:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                raise self._unwritable(error) from error
            raise
        finally:
            self._depth -= 1

    def append(self, type: str, body: Mapping[str, Any], at_event: str, emitter: str, n_emitter: int | None = None) -> entries.Entry:
        with self.exclusive():
            execute = self._connection.execute
            if n_emitter is None:
                n_emitter = execute("SELECT coalesce(max(n_emitter), 0) + 1 FROM entries WHERE emitter = ?", (emitter,)).fetchone()[0]
            else:
                there = execute("SELECT * FROM entries WHERE emitter = ? AND n_emitter = ?", (emitter, n_emitter)).fetchone()
                if there:
                    if there["body_digest"] != chain.digest_of_body(entries.canonical(body)):
                        raise self._unwritable("{0} already wrote another entry {1}".format(emitter, n_emitter))
                    return entries.Entry(**dict(there))
            head = execute("SELECT n, digest FROM entries ORDER BY n DESC LIMIT 1").fetchone()
            n, previous = (head["n"] + 1, head["digest"]) if head else (1, chain.GENESIS)
            entry = entries.seal(n, previous, emitter, n_emitter, at_event, type, body)
            execute("INSERT INTO entries ({0}) VALUES ({1})".format(
                ", ".join(chain.COLUMNS), ", ".join(":" + name for name in chain.COLUMNS)), entry._asdict())
        return entry

    def prove_writable(self) -> None:
        """Prove that an entry could be written now: locks, permissions, triggers and free space. Nothing is left behind.

        Raises BackupError(bitacora_unwritable).
        """
        try:
            with self.exclusive():
                self.append("probe", {}, entries.now(), "probe")
                raise _Undo
        except _Undo:
            pass
        try:
            with tempfile.NamedTemporaryFile(dir=self.path.parent, prefix=".space-") as probe:
                probe.write(b"\0" * _PROBE_BYTES)
                probe.flush()
                os.fsync(probe.fileno())
        except OSError as error:
            raise self._unwritable(error) from error

    def _select(self, sql: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        try:
            return self._connection.execute(sql, tuple(values)).fetchall()
        except sqlite3.Error as error:
            raise self._unreadable(error) from error

    def entries(self, system: str | None = None, kind: str | None = None, since: str | None = None, until: str | None = None,
                type: str | Sequence[str] | None = None, label: str | None = None, run: str | None = None, result: str | None = None,
                limit: int | None = None, newest_first: bool = False, zone: str = POLICY_ZONE) -> list[dict[str, Any]]:
        """The entries that match every filter given, in the order they were written.

        `since` and `until` are dates of the policy's zone, or times (see entries.moment); `result` is one of entries.RESULTS or
        `simulated`. With `limit`, the newest ones. Raises BackupError: bitacora_unreadable, invalid_input.
        """
        where, values = _where(system, kind, since, until, type, label, run, result, zone)
        return [_flat(row) for row in self._limited("SELECT * FROM entries" + where, values, limit, newest_first)]

    def rows(self, system: str | None = None, kind: str | None = None, since: str | None = None, until: str | None = None,
             type: str | Sequence[str] | None = None, label: str | None = None, run: str | None = None, result: str | None = None,
             limit: int | None = None, newest_first: bool = False, zone: str = POLICY_ZONE) -> list[dict[str, Any]]:
        """Rows of the Spanish view, with the same filters as `entries`; fecha and hora in `zone`."""
        where, values = _where(system, kind, since, until, type, label, run, result, zone)
        sql = "SELECT * FROM bitacora" + (" WHERE n IN (SELECT n FROM entries{0})".format(where) if where else "")
        return [view.in_zone(dict(row), zone) for row in self._limited(sql, values, limit, newest_first)]

    def _limited(self, sql: str, values: list[Any], limit: int | None, newest_first: bool) -> list[sqlite3.Row]:
        if limit is None:
            return self._select(sql + (" ORDER BY n DESC" if newest_first else " ORDER BY n"), values)
        found = self._select(sql + " ORDER BY n DESC LIMIT ?", values + [limit])
        return found if newest_first else found[::-1]

    def labels(self, kind: str, system: str) -> set[str]:
        """Every label a system ever reserved, whatever became of its copy: a label is never used twice."""
        sql = """SELECT DISTINCT json_extract(body, '$.label') FROM entries
                 WHERE json_extract(body, '$.system') = ? AND json_extract(body, '$.kind') = ?
                   AND json_extract(body, '$.label') IS NOT NULL AND json_extract(body, '$.simulated') IS NOT 1"""
        return {row[0] for row in self._select(sql, (system, kind))}

    def kept(self, systems: Iterable[tuple[str, str]]) -> dict[tuple[str, str], list[tuple[list[str], int]]]:
        # One pass that takes five words of each entry: reading every body of ten years takes many times as long.
        sql = """SELECT type, json_extract(body, '$.kind'), json_extract(body, '$.system'), json_extract(body, '$.label'), json_extract(body, '$.medium'),
                 json_extract(body, '$.size') FROM entries WHERE type IN ('copy_made', 'copy_pruned') AND json_extract(body, '$.simulated') IS NOT 1
                 ORDER BY n"""
        found: dict[tuple[str, str], dict[str, tuple[list[str], int]]] = {key: {} for key in systems}
        for type_, kind, system, label, medium, size in self._select(sql):
            copies = found.get((kind, system))
            if copies is None:
                continue
            media = (medium or "").split(", ")
            if type_ == "copy_made":
                copies.setdefault(label or "", (media, int(size or 0)))
            elif label in copies:
                left = [name for name in copies[label][0] if name not in media]
                copies[label] = (left, copies[label][1])
                if not left:
                    del copies[label]
        return {key: list(copies.values()) for key, copies in found.items()}

    def open_runs(self) -> list[dict[str, Any]]:
        sql = """SELECT * FROM (SELECT * FROM entries WHERE type = 'run_started' ORDER BY at_event DESC LIMIT ?) AS s WHERE NOT EXISTS (
                 SELECT 1 FROM entries AS e WHERE json_extract(e.body, '$.run') = json_extract(s.body, '$.run')
                 AND e.type IN ('run_ended', 'run_interrupted')) ORDER BY n"""
        return [_flat(row) for row in self._select(sql, (RUNS_LOOKED_AT,))]

    def ends(self) -> tuple[dict[str, Any], dict[str, Any]]:
        found = self._select("SELECT * FROM entries WHERE n = (SELECT min(n) FROM entries) OR n = (SELECT max(n) FROM entries) ORDER BY n")
        if not found:
            raise self._unreadable("it has no entries")
        return _flat(found[0]), _flat(found[-1])

    def verify(self, anchors: Sequence[Path] = (), keys: Sequence[str] = ()) -> chain.Report:
        """Verify the chain of the file as it is now, against seals and anchors. Raises BackupError(bitacora_unreadable)."""
        try:
            return chain.verify_file(self.path, anchors, keys)
        except sqlite3.Error as error:
            raise self._unreadable(error) from error


def _order(copy: Mapping[str, Any]) -> tuple[str, int]:
    return copy.get("started_at", copy["at_event"]), copy["n"]


def _is_good(copy: Mapping[str, Any], minimum_trust: str) -> bool:
    return bool(copy["trust_level"] >= minimum_trust and all(copy["media"].values()))


def _copies(told: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The copies that some entries tell of, oldest first; see Store.copies."""
    made: dict[str, dict[str, Any]] = {}
    found: dict[tuple[str, str], str] = {}
    for entry in told:
        if entry.get("simulated"):
            continue
        label, named = entry.get("label", ""), entry.get("medium", "").split(", ")
        if entry["type"] == "copy_made":
            made.setdefault(label, {**entry, "media": dict.fromkeys(named, "")})
        if label not in made:
            continue
        media = made[label]["media"]
        if entry["type"] == "copy_pruned":
            for name in named:
                media.pop(name, None)
            if not media:
                del made[label]
            continue
        for name in set(named).intersection(media) if entry.get("medium") else media:
            level = entry.get("trust_level", "T0")
            if entry["type"] == "copy_damaged":
                media[name], found[label, name] = "", max(found.get((label, name), ""), entry.get("verification_level", ""))
            elif level >= found.get((label, name), ""):
                media[name] = max(media[name], level)
                found.pop((label, name), None)
        made[label]["trust_level"] = max(media.values())
    return sorted(made.values(), key=_order)


class _Undo(Exception):
    """Leaves a transaction without its writes."""


def _flat(row: sqlite3.Row) -> dict[str, Any]:
    line = dict(row)
    body = line.pop("body")
    return {**(json.loads(body) if body else {}), **line}


def _where(system: str | None, kind: str | None, since: str | None, until: str | None, type_: str | Sequence[str] | None,
           label: str | None, run: str | None, result: str | None, zone: str) -> tuple[str, list[Any]]:
    clauses: list[str] = []
    values: list[Any] = []
    for name, value in (("system", system), ("kind", kind), ("label", label), ("run", run)):
        if value is not None:
            clauses.append("json_extract(body, '$.{0}') = ?".format(name))
            values.append(value)
    if since is not None:
        clauses.append("at_event >= ?")
        values.append(entries.moment(since, False, zone))
    if until is not None:
        clauses.append("at_event <= ?")
        values.append(entries.moment(until, True, zone))
    if result == "simulated":
        clauses.append("json_extract(body, '$.simulated') IS 1")
    elif result is not None:
        if result not in entries.RESULTS:
            raise BackupError("invalid_input", where="result", value=result, problem="is not a result",
                              mend="Choose one of {0}, simulated.".format(", ".join(entries.RESULTS)))
        clauses.append("json_extract(body, '$.simulated') IS NOT 1")
    for wanted in (type_, entries.RESULTS.get(result or "")):
        if wanted:
            names = [wanted] if isinstance(wanted, str) else list(wanted)
            clauses.append("type IN ({0})".format(", ".join("?" * len(names))))
            values.extend(names)
    return (" WHERE " + " AND ".join(clauses) if clauses else ""), values
