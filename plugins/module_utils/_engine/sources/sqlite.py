# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Source `sqlite`: one SQLite database file, by SQLite's own online backup. Numeral 7.2.1.

SQLite has no consistent stream: reading the file while others write gives a torn copy. So its online backup makes an
image, consistent at one instant, in a private directory; the image is checked, streamed and removed.

SQLite opens by name the database and what belongs beside it (-wal, -shm, -journal), and makes these when they are missing. In a directory that others may
write to root would so open, wait for, or make what they choose. There the image is taken by the account that owns the database, within a time limit.
"""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import sqlite3
import stat
import time
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple

from ..errors import BackupError
from ..filesystem import descriptors, scope
from ..processes import as_account, programs
from ..processes.pipeline import Stage
from ..processes.workspace import Workspace
from ..remarks import Remark
from . import placing, sqlite_image
from .base import Check, Part, PartReader, Source

_SQLITE_DONE = 101
_BESIDE = ("", "-wal", "-shm", "-journal")
_SLOWEST = 4 << 20      # bytes a second: a database that is read more slowly is not read at all
_PATIENCE = 300.0       # seconds that any database may take, whatever its size


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
        self.noted: List[Remark] = []
        self.found: List[Remark] = []

    def describe(self) -> str:
        return self.declared

    def preflight(self) -> int:
        self.real = scope.resolve(self.declared, self.assigned)
        status, account = self._looked()
        # a WAL database needs its -wal and -shm beside it: SQLite makes them, of its owner, where they are not there
        self._as(account, self._read_once, status.st_size, "SQLite")
        return status.st_size

    def _looked(self) -> Tuple[os.stat_result, Optional[programs.Account]]:
        """What the database is, and the account that reads it: None for the one that runs this, where nobody else may exchange anything.

        Raises source_missing, source_unreachable, source_odd.
        """
        if not os.path.lexists(self.real):
            raise BackupError("source_missing", source=self.declared)
        try:
            above = descriptors.top(os.path.dirname(self.real))
            try:
                held = descriptors.regular(os.path.basename(self.real), above)
                status, directory = os.fstat(held), os.fstat(above)
                os.close(held)
                self._look_beside(above)
            finally:
                os.close(above)
        except descriptors.NotRegular as error:
            raise BackupError("source_unreachable", source=self.declared, detail="it is not a file") from error
        except OSError as error:
            raise BackupError("source_unreachable", source=self.declared, detail=error.strerror or str(error)) from error
        if os.geteuid() != 0 or placing.ours(os.path.dirname(self.real)):
            return status, None
        owner = status if status.st_uid else directory
        return status, as_account.of_user(owner.st_uid, owner.st_gid)

    def _look_beside(self, above: int) -> None:
        name = os.path.basename(self.real)
        for end in _BESIDE[1:]:
            try:
                found = os.stat(name + end, dir_fd=above, follow_symlinks=False)
            except FileNotFoundError:
                continue
            if not stat.S_ISREG(found.st_mode):
                raise BackupError("source_odd", source=self.declared, path=scope.shown(self.real + end), detail="it is no regular file")

    def _as(self, account: Optional[programs.Account], work: Callable[[], Any], size: int, step: str) -> Any:
        if account is None:
            return work()
        return as_account.call(account, work, self.timeout + _PATIENCE + size / _SLOWEST, step, self.declared)

    def _read_once(self) -> None:
        try:
            self._read("mode=ro")
        except BackupError as error:
            # a writer died in the middle of a transaction: whoever reads next rolls it back, which takes the right to write
            if "readonly" not in str(error.details.get("detail")):
                raise
            self._read("mode=rw")

    def _read(self, mode: str) -> None:
        with self._faults(), sqlite_image.opened(self.real, mode, self.timeout) as database:
            database.execute("SELECT count(*) FROM sqlite_master").fetchone()

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

        part = Part(name="", extension="sqlite", format=sqlite_image.FORMAT, produce=produce, minimum=512, facts=facts,
                    check=lambda: sqlite_image.PagesCheck({"file": self.declared, "facts": facts}),
                    restore_command='cat > "$TARGET"')
        return [part]

    def check_for(self, row: Dict[str, Any]) -> Check:
        return sqlite_image.PagesCheck(row)

    def facts(self) -> Dict[str, Any]:
        return {"path": self.declared, "real_path": self.real, "sqlite_version": sqlite3.sqlite_version}

    def objects(self) -> Optional[int]:
        return len(self.taken["tables"])

    def warnings(self) -> List[Remark]:
        return self.noted

    def rehearse(self, reader: PartReader, scratch: str) -> List[str]:
        image = os.path.join(scratch, "rehearsed.sqlite")
        try:
            self._receive(reader, image)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(image)
        return ["sqlite_integrity_check", "sqlite_row_counts", "sha256_plain"]

    def remarks(self) -> List[Remark]:
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
        self.found.append(Remark("sqlite_changed", kept=kept, total=len(facts["tables"])))
        return []

    def check_target(self, target: str, overwrite: bool, label: str) -> None:
        self._free(target, overwrite)

    def _free(self, target: str, overwrite: bool) -> Tuple[str, List[str]]:
        """The real path of a target, and which of a database's files stand there. Raises out_of_scope, assigned_path_changed, target_exists, invalid_input."""
        real = placing.honest(target, scope.resolve(target, self.assigned), self.assigned)
        if os.path.isdir(real):
            raise BackupError("invalid_input", where="target", value=target, problem="is a directory",
                              mend="Give the full name of the database file.")
        occupied = [name for name in _BESIDE if os.path.lexists(real + name)]
        if occupied and not overwrite:
            raise BackupError("target_exists", target=target)
        parent = os.path.dirname(real)
        if not os.path.isdir(parent):
            raise BackupError("invalid_input", where="target", value=target, problem="is below a directory that does not exist",
                              mend="Create {0} first, or name another target.".format(parent))
        return real, occupied

    def restore(self, reader: PartReader, target: str, overwrite: bool) -> Dict[str, Any]:
        real, occupied = self._free(target, overwrite)
        users = sqlite_image.held_open([real + name for name in occupied])
        if users:
            raise BackupError("restore_failed", label=reader.manifest["label"], target=target,
                              detail="it is open in {0}; stop the application first, or it goes on in the former database".format(", ".join(users[:5])))
        kept = "{0}.before_{1}".format(real, reader.manifest["label"])
        for name in occupied:
            if os.path.lexists(kept + name):
                raise BackupError("target_exists", target=kept + name)
        try:
            facts = self._put(reader, real, kept, occupied)
        except FileExistsError as error:
            raise BackupError("target_exists", target=target) from error
        except OSError as error:
            raise BackupError("restore_failed", label=reader.manifest["label"], target=target, detail=str(error)) from error
        return {"target": real, "objects": len(facts["tables"]), "kept": kept if occupied else ""}

    def _put(self, reader: PartReader, real: str, kept: str, occupied: Sequence[str]) -> Dict[str, Any]:
        """Build the database where nobody else may rename anything, give it to its owner by its descriptor, and put it at its place.

        What lay beside the former database (-wal, -journal) is moved aside first: SQLite would take it for the new one's.
        """
        parent, name, aside = os.path.dirname(real), os.path.basename(real), os.path.basename(kept)
        with placing.beside(parent) as place:
            facts = self._receive(reader, place.file("restored"))
            held = descriptors.regular(place.file("restored"))
            try:
                _own(held, facts)
            finally:
                os.close(held)
            moved: List[str] = []
            try:
                for end in occupied:
                    descriptors.move(place.held, name + end, place.held, aside + end)
                    moved.append(end)
                place.put("restored", name)
                self._alone(place, real)
            except (OSError, BackupError) as error:
                if not (isinstance(error, BackupError) and error.fault.name == "restore_exchanged"):
                    for end in moved:
                        with contextlib.suppress(OSError):
                            descriptors.move(place.held, aside + end, place.held, name + end)
                raise
        return facts

    @staticmethod
    def _alone(place: placing.Place, real: str) -> None:
        """Nothing lies beside the new database that SQLite would take for a part of it. Raises restore_exchanged."""
        for end in _BESIDE[1:]:
            with contextlib.suppress(FileNotFoundError):
                os.stat(os.path.basename(real) + end, dir_fd=place.held, follow_symlinks=False)
                raise BackupError("restore_exchanged", target=scope.shown(real), detail="{0} appeared beside it".format(os.path.basename(real) + end))

    def _take(self, image: str) -> None:
        """Make the image, prove it sound, and note what it holds."""
        status, account = self._looked()
        if account is None:
            os.close(os.open(image, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600))
            self._backup(image)
        else:
            self._lent(account, image, status.st_size)
        with self._faults():
            found = sqlite_image.examine(image)
        if found.broken:
            raise BackupError("source_damaged", source=self.declared, detail="integrity_check: " + "; ".join(found.broken))
        if found.content:
            self.noted.append(Remark("sqlite_rules", path=self.declared, count=len(found.content), values="; ".join(found.content[:10])))
        if found.unexamined:
            self.noted.append(Remark("sqlite_unexamined", path=self.declared, tables=list(found.unexamined[:10])))
        orphans = 0
        with sqlite_image.opened(image, "mode=ro&immutable=1", 1) as copy, contextlib.suppress(sqlite3.OperationalError):
            orphans = len(copy.execute("PRAGMA foreign_key_check").fetchall())
        if orphans:
            self.noted.append(Remark("sqlite_orphans", path=self.declared, count=orphans))
        self.taken = {"tables": found.tables, "sha256": sqlite_image.sha256(image), "mode": stat.S_IMODE(status.st_mode),
                      "owner": _name(pwd.getpwuid, status.st_uid), "group": _name(grp.getgrgid, status.st_gid)}

    def _backup(self, image: str) -> None:
        deadline = time.monotonic() + self.timeout

        def give_up(code: int, remaining: int, total: int) -> None:
            if time.monotonic() > deadline and code != _SQLITE_DONE:
                raise BackupError("source_unreachable", source=self.declared,
                                  detail="others kept it locked for more than {0} s".format(self.timeout))

        # all pages in one step: in several, each write of others would begin the image anew
        with self._faults(), sqlite_image.opened(self.real, "mode=ro", 1) as database, sqlite_image.opened(image, "mode=rwc", 1) as copy:
            database.backup(copy, pages=-1, progress=give_up, sleep=0.1)

    def _lent(self, account: programs.Account, image: str, size: int) -> None:
        try:
            sqlite_image.lent(account, image, lambda made: self._as(account, lambda: self._backup(made), size, "SQLite's backup"))
        except OSError as error:
            raise BackupError("source_unreachable", source=self.declared, detail=str(error)) from error

    def _receive(self, reader: PartReader, image: str) -> Dict[str, Any]:
        """Write the copy into a new file and compare it with what was noted when it was made."""
        facts = reader.part("")["facts"]
        if not isinstance(facts.get("tables"), dict) or not isinstance(facts.get("sha256"), str):
            raise BackupError("copy_odd", label=reader.manifest["label"], detail="its manifest does not say what the database holds")
        descriptor = os.open(image, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            reader.stream("", (), file.write)
            file.flush()
            os.fsync(file.fileno())
        label = reader.manifest["label"]
        if sqlite_image.sha256(image) != facts["sha256"]:
            raise BackupError("restored_differs", label=label, detail="another SHA-256 than the image had")
        try:
            found = sqlite_image.examine(image)
        except sqlite3.Error as error:
            raise BackupError("restored_differs", label=label, detail=str(error)) from error
        if found.broken or not sqlite_image.same_tables(facts["tables"], found.tables):
            raise BackupError("restored_differs", label=label, detail="; ".join(found.broken) or "other tables or row counts")
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


def _name(lookup: Any, number: int) -> str:
    try:
        return lookup(number)[0]
    except KeyError:
        return str(number)


def _own(held: int, facts: Dict[str, Any]) -> None:
    """Mode and, as root, owner and group as they were; an account that is not here any more leaves its part as it is. No set-id bits: it is data."""
    mode = facts.get("mode")
    if not isinstance(mode, int):
        mode = 0o600
    uid = gid = -1
    if os.geteuid() == 0:
        uid, gid = _number(pwd.getpwnam, facts.get("owner")), _number(grp.getgrnam, facts.get("group"))
    descriptors.give(held, uid, gid, mode & 0o777)


def _number(lookup: Any, name: Any) -> int:
    if not isinstance(name, str) or "\0" in name:
        return -1
    try:
        return int(lookup(name)[2])
    except KeyError:
        return int(name) if name.isdecimal() and name.isascii() and len(name) < 10 else -1
