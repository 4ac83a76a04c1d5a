# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Source `sqlite`: one SQLite database file, by SQLite's own online backup. Numeral 7.2.1.

SQLite has no consistent stream: reading the file while others write gives a torn copy. So its online backup makes an
image, consistent at one instant, in a private directory; the image is checked, streamed and removed.
"""

from __future__ import annotations

import contextlib
import grp
import hashlib
import os
import pwd
import sqlite3
import stat
import time
import urllib.parse
from typing import Any, Dict, Iterator, List, Optional, Sequence

from .. import programs, scope
from ..errors import BackupError
from ..pipeline import Stage
from ..workspace import Workspace
from .base import Check, Part, PartReader, Source

_MAGIC = b"SQLite format 3\0"
_FORMAT = "SQLite database"
_SQLITE_DONE = 101
_BESIDE = ("", "-wal", "-shm", "-journal")


class _PagesCheck(Check):
    """The header is SQLite's and the file is exactly the pages it announces."""

    method = "sqlite_pages"

    def __init__(self, row: Dict[str, Any]) -> None:
        self.row = row
        self.header = b""
        self.size = 0
        self.digest = hashlib.sha256()

    def feed(self, chunk: bytes) -> None:
        self.header += chunk[:max(0, 100 - len(self.header))]
        self.size += len(chunk)
        self.digest.update(chunk)

    def finish(self) -> Optional[int]:
        facts = self.row["facts"]
        if self.header[:16] != _MAGIC or len(self.header) < 100:
            raise self._unreadable("it does not begin as one")
        page = int.from_bytes(self.header[16:18], "big")
        page = 65536 if page == 1 else page
        pages = int.from_bytes(self.header[28:32], "big")
        if page * pages != self.size:
            raise self._unreadable("{0} pages of {1} bytes announced, {2} bytes there".format(pages, page, self.size))
        if self.digest.hexdigest() != facts["sha256"]:
            raise self._unreadable("its SHA-256 is not that of the image that was checked")
        return len(facts["tables"])

    def _unreadable(self, detail: str) -> BackupError:
        return BackupError("structure_unreadable", file=self.row["file"], format=_FORMAT, detail=detail)


class SQLite(Source):
    """A SQLite database file of this server. `timeout` is how many seconds to wait for a lock of others."""

    type = "sqlite"
    OPTIONS = ("path", "timeout", "work_dir")

    def __init__(self, path: str = "", timeout: int = 60, work_dir: str = "", assigned: Sequence[str] = ()) -> None:
        self.declared = path
        self.timeout = timeout
        self.work_dir = work_dir
        self.assigned = list(assigned)
        self.real = ""
        self.taken: Dict[str, Any] = {}
        self.noted: List[str] = []
        self.found: List[str] = []

    def describe(self) -> str:
        return self.declared

    def preflight(self) -> int:
        self.real = scope.resolve(self.declared, self.assigned)
        if not os.path.exists(self.real):
            raise BackupError("source_missing", source=self.declared)
        if not os.path.isfile(self.real):
            raise BackupError("source_unreachable", source=self.declared, detail="it is not a file")
        # a WAL database needs its -wal and -shm beside it: SQLite makes them, of its owner, where they are not there
        with self._faults(), _opened(self.real, "mode=ro", self.timeout) as database:
            database.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return os.path.getsize(self.real)

    def parts(self) -> List[Part]:
        workspace = Workspace(self.work_dir)
        image = workspace.file("image.sqlite")
        try:
            self._take(image)
        except BaseException:
            workspace.close()
            raise
        facts = self.taken

        @contextlib.contextmanager
        def produce() -> Iterator[List[Stage]]:
            try:
                yield [Stage("cat", [programs.find("cat", "coreutils"), image])]
            finally:
                workspace.close()

        part = Part(name="", extension="sqlite", format=_FORMAT, produce=produce, minimum=512, facts=facts,
                    check=lambda: _PagesCheck({"file": self.declared, "facts": facts}),
                    restore_command='cat > "$TARGET"')
        return [part]

    def check_for(self, row: Dict[str, Any]) -> Check:
        return _PagesCheck(row)

    def facts(self) -> Dict[str, Any]:
        return {"path": self.declared, "real_path": self.real, "sqlite_version": sqlite3.sqlite_version}

    def objects(self) -> Optional[int]:
        return len(self.taken["tables"])

    def warnings(self) -> List[str]:
        return self.noted

    def rehearse(self, reader: PartReader, scratch: str) -> List[str]:
        image = os.path.join(scratch, "rehearsed.sqlite")
        try:
            self._receive(reader, image)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(image)
        return ["sqlite_integrity_check", "sqlite_row_counts", "sha256_plain"]

    def remarks(self) -> List[str]:
        return self.found

    def compare(self, reader: PartReader, scratch: str) -> List[str]:
        """An image of the database as it is now is the same, byte for byte, when nothing was written since."""
        if not self.declared:
            return []
        facts = reader.part("")["facts"]
        self.preflight()
        self._take(os.path.join(scratch, "source.sqlite"))
        if self.taken["sha256"] == facts["sha256"]:
            return ["sqlite_source_image"]
        kept = sum(self.taken["tables"].get(name) == rows for name, rows in facts["tables"].items())
        self.found.append("the source changed since the copy; {0} of {1} tables have as many rows as then".format(kept, len(facts["tables"])))
        return []

    def restore(self, reader: PartReader, target: str, overwrite: bool) -> Dict[str, Any]:
        real = scope.resolve(target, self.assigned)
        if os.path.isdir(real):
            raise BackupError("invalid_input", where="target", value=target, problem="is a directory",
                              mend="Give the full name of the database file.")
        occupied = [name for name in _BESIDE if os.path.lexists(real + name)]
        if occupied and not overwrite:
            raise BackupError("target_exists", target=target)
        parent = os.path.dirname(real)
        if not os.path.isdir(parent):
            raise BackupError("source_missing", source=parent)
        kept = "{0}.before_{1}".format(real, reader.manifest["label"])
        for name in occupied:
            if os.path.lexists(kept + name):
                raise BackupError("target_exists", target=kept + name)
        with programs.private_directory(parent) as beside:
            image = os.path.join(beside, "restored")
            facts = self._receive(reader, image)
            _own(image, facts)
            moved: List[str] = []
            try:
                for name in occupied:
                    os.rename(real + name, kept + name)
                    moved.append(name)
                os.rename(image, real)
            except OSError as error:
                for name in moved:
                    os.rename(kept + name, real + name)
                raise BackupError("restore_failed", label=reader.manifest["label"], target=target,
                                  detail=str(error)) from error
            _sync(parent)
        return {"target": real, "objects": len(facts["tables"]), "kept": kept if occupied else ""}

    def _take(self, image: str) -> None:
        """Make the image, prove it sound, and note what it holds."""
        os.close(os.open(image, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        deadline = time.monotonic() + self.timeout

        def give_up(status: int, remaining: int, total: int) -> None:
            if time.monotonic() > deadline and status != _SQLITE_DONE:
                raise BackupError("source_unreachable", source=self.declared,
                                  detail="others kept it locked for more than {0} s".format(self.timeout))

        status = os.stat(self.real)
        with self._faults():
            # all pages in one step: in several, each write of others would begin the image anew
            with _opened(self.real, "mode=ro", 1) as database, _opened(image, "mode=rw", 1) as copy:
                database.backup(copy, pages=-1, progress=give_up, sleep=0.1)
            tables = _examine(image)
        broken = tables.pop("", [])
        if broken:
            raise BackupError("source_damaged", source=self.declared, detail="integrity_check: " + "; ".join(broken))
        with _opened(image, "mode=ro&immutable=1", 1) as copy:
            orphans = len(copy.execute("PRAGMA foreign_key_check").fetchall())
        if orphans:
            self.noted.append("{0}: {1} rows break a foreign key; copied as they are".format(self.declared, orphans))
        self.taken = {"tables": tables, "sha256": _sha256(image), "mode": stat.S_IMODE(status.st_mode),
                      "owner": _name(pwd.getpwuid, status.st_uid), "group": _name(grp.getgrgid, status.st_gid)}

    def _receive(self, reader: PartReader, image: str) -> Dict[str, Any]:
        """Write the copy into a new file and compare it with what was noted when it was made."""
        facts = reader.part("")["facts"]
        descriptor = os.open(image, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            reader.stream("", (), file.write)
            file.flush()
            os.fsync(file.fileno())
        label = reader.manifest["label"]
        if _sha256(image) != facts["sha256"]:
            raise BackupError("restored_differs", label=label, detail="another SHA-256 than the image had")
        try:
            tables = _examine(image)
        except sqlite3.Error as error:
            raise BackupError("restored_differs", label=label, detail=str(error)) from error
        broken = tables.pop("", [])
        if broken or tables != facts["tables"]:
            raise BackupError("restored_differs", label=label, detail="; ".join(broken) or "other tables or row counts")
        return facts

    @contextlib.contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            text = str(error)
            if "malformed" in text:
                raise BackupError("source_damaged", source=self.declared, detail=text) from error
            if "disk is full" in text:
                raise BackupError("medium_full", location=self.work_dir or "temporary directory", detail=text) from error
            if "locked" in text:
                text = "others kept it locked for more than {0} s".format(self.timeout)
            raise BackupError("source_unreachable", source=self.declared, detail=text) from error


@contextlib.contextmanager
def _opened(path: str, mode: str, timeout: float) -> Iterator[sqlite3.Connection]:
    """The database opened by URI, which never creates it; Python's own `with` would not close it."""
    database = sqlite3.connect("file:{0}?{1}".format(urllib.parse.quote(path), mode), uri=True, timeout=timeout,
                               isolation_level=None)
    try:
        yield database
    finally:
        database.close()


def _examine(path: str) -> Dict[str, Any]:
    """Rows by table (-1 where the table's module is not here); under "" what integrity_check complained about, if it did."""
    found: Dict[str, Any] = {}
    with _opened(path, "mode=ro&immutable=1", 1) as database:
        complaints = [row[0] for row in database.execute("PRAGMA integrity_check(10)")]
        if complaints != ["ok"]:
            return {"": complaints}
        names = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        for name in names:
            try:
                found[name] = database.execute('SELECT count(*) FROM "{0}"'.format(name.replace('"', '""'))).fetchone()[0]
            except sqlite3.OperationalError as error:
                if "no such module" not in str(error):
                    raise
                found[name] = -1
    return found


def _sha256(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for chunk in iter(lambda: file.read(1 << 20), b""):
            digest.update(chunk)
    return digest.hexdigest()


def _name(lookup: Any, number: int) -> str:
    try:
        return lookup(number)[0]
    except KeyError:
        return str(number)


def _own(path: str, facts: Dict[str, Any]) -> None:
    """Mode and, as root, owner and group as they were; an account that is not here any more leaves its part as it is."""
    os.chmod(path, facts["mode"])
    if os.geteuid() == 0:
        os.chown(path, _number(pwd.getpwnam, facts["owner"]), _number(grp.getgrnam, facts["group"]))


def _number(lookup: Any, name: str) -> int:
    try:
        return lookup(name)[2]
    except KeyError:
        return int(name) if name.isdigit() else -1


def _sync(directory: str) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
