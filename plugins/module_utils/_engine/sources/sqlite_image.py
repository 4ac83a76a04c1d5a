# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The image of a SQLite database: how it is opened and examined, checked as a stream, and taken by another account."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import sqlite3
import tempfile
import urllib.parse
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence

from ..errors import BackupError
from ..filesystem import descriptors
from ..processes import as_account, programs
from ..processes.workspace import Workspace
from . import placing
from .base import Check

FORMAT = "SQLite database"
_MAGIC = b"SQLite format 3\0"
_REACH = 30.0       # seconds to see whether an account can enter a directory


class PagesCheck(Check):
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
        return BackupError("structure_unreadable", file=self.row["file"], format=FORMAT, detail=detail)


@contextlib.contextmanager
def opened(path: str, mode: str, timeout: float) -> Iterator[sqlite3.Connection]:
    """The database opened by URI, which never creates it; Python's own `with` would not close it."""
    database = sqlite3.connect("file:{0}?{1}".format(urllib.parse.quote(path), mode), uri=True, timeout=timeout,
                               isolation_level=None)
    try:
        yield database
    finally:
        database.close()


class Examined(NamedTuple):
    """What an image holds. Its pages are those of a database even where `content` is not empty: rows that break a rule of their table."""

    tables: Dict[str, int]        # rows by table; -1 where they can't be counted here
    broken: List[str]             # what integrity_check complains about the structure
    content: List[str]            # what it complains about values
    unexamined: List[str]         # tables that only their application can read, and why


# What an application brings and this program has not: a collation, a function, a tokenizer, a module, the table that a search index is of.
_OF_APPLICATIONS = re.compile("no such (?:collation sequence|function|tokenizer|module|table)|unknown function|unknown tokenizer|vtable constructor failed|"
                              "error in tokenizer")
_VALUES = re.compile("(?:NULL|TEXT|BLOB|INT|REAL|NUMERIC|non-[A-Z]+) value in |CHECK constraint failed in ")
_COMPLAINTS = 100


def examine(path: str) -> Examined:
    """Whether the image is sound, and its rows by table. Raises sqlite3.Error."""
    tables: Dict[str, int] = {}
    unexamined: Dict[str, str] = {}
    with opened(path, "mode=ro&immutable=1", 1) as database:
        names = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        complaints = _checked(database, names, unexamined)
        broken = [each for each in complaints if not _VALUES.match(each)]
        for name in [] if broken else names:
            try:
                tables[name] = database.execute("SELECT count(*) FROM " + _quoted(name)).fetchone()[0]
            except sqlite3.OperationalError as error:
                if not _OF_APPLICATIONS.search(str(error)):
                    raise
                tables[name] = -1
                unexamined[name] = str(error)
    return Examined(tables, broken, [each for each in complaints if _VALUES.match(each)],
                    ["{0} ({1})".format(name, why) for name, why in sorted(unexamined.items())])


def _checked(database: sqlite3.Connection, names: Sequence[str], unexamined: Dict[str, str]) -> List[str]:
    """The complaints of integrity_check; table by table where one table can't be read without its application."""
    try:
        return [row[0] for row in database.execute("PRAGMA integrity_check({0})".format(_COMPLAINTS)) if row[0] != "ok"]
    except sqlite3.OperationalError as error:
        if not _OF_APPLICATIONS.search(str(error)):
            raise
    complaints: List[str] = []
    for name in names:
        try:
            complaints += [row[0] for row in database.execute("PRAGMA integrity_check({0})".format(_quoted(name))) if row[0] != "ok"]
        except sqlite3.OperationalError as error:
            if not _OF_APPLICATIONS.search(str(error)):
                raise
            unexamined[name] = str(error)
    return complaints


def same_tables(mine: Any, theirs: Dict[str, int]) -> bool:
    """Whether two countings agree; what one of them could not count agrees with anything."""
    return isinstance(mine, dict) and set(mine) == set(theirs) and all(
        -1 in (mine[name], theirs[name]) or mine[name] == theirs[name] for name in theirs)


def _quoted(name: str) -> str:
    return '"{0}"'.format(name.replace('"', '""'))


def held_open(paths: Sequence[str]) -> List[str]:
    """The processes of this server that have one of these files open, by name and number."""
    wanted = set()
    for path in paths:
        with contextlib.suppress(OSError):
            status = os.stat(path, follow_symlinks=False)
            wanted.add((status.st_dev, status.st_ino))
    found = []
    for process in filter(str.isdigit, os.listdir("/proc") if wanted else []):
        with contextlib.suppress(OSError):
            for number in os.listdir("/proc/{0}/fd".format(process)):
                with contextlib.suppress(OSError):
                    status = os.stat("/proc/{0}/fd/{1}".format(process, number))
                    if (status.st_dev, status.st_ino) in wanted:
                        with open("/proc/{0}/comm".format(process), encoding="utf-8", errors="replace") as name:
                            found.append("{0} ({1})".format(name.read().strip(), process))
                        break
    return found


def sha256(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for chunk in iter(lambda: file.read(1 << 20), b""):
            digest.update(chunk)
    return digest.hexdigest()


def lent(account: programs.Account, image: str, backup: Callable[[str], None]) -> None:
    """The image, made by `backup` as another account in a directory that is the account's meanwhile, and root's afterwards.

    The account may go on writing into its image by a descriptor: then the image is not what is examined next, which its digest tells. Raises OSError.
    """
    workspace = Workspace(_reached(account, os.path.dirname(os.path.dirname(image))))
    above = workspace.held
    target = descriptors.top(os.path.realpath(os.path.dirname(image)))
    inner = -1
    try:
        inner = descriptors.make_directory(above, "lent")
        descriptors.give(inner, account.uid, account.gid, 0o700)
        descriptors.give(above, -1, account.gid, 0o710)       # to be passed through by that account: SQLite resolves the name it gets
        try:
            backup(os.path.join(workspace.path, "lent", "image"))
        finally:
            descriptors.give(inner, os.geteuid(), os.getegid(), 0o700)
            descriptors.give(above, -1, os.getegid(), 0o700)
        _take_over(inner, account, target, os.path.basename(image))
    finally:
        for held in (inner, target):
            if held >= 0:
                os.close(held)
        workspace.close()


def _take_over(inner: int, account: programs.Account, target: int, name: str) -> None:
    held = descriptors.regular("image", inner)
    try:
        found = os.fstat(held)
        if found.st_uid != account.uid or found.st_nlink != 1:
            raise descriptors.Exchanged("image")
        descriptors.give(held, os.geteuid(), os.getegid(), 0o600)
        try:
            descriptors.move(inner, "image", target, name)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            copy = descriptors.create(target, name)
            try:
                descriptors.copy(held, copy, found.st_size, name)
            finally:
                os.close(copy)
    finally:
        os.close(held)


def _reached(account: programs.Account, directory: str) -> str:
    """The directory, when the account can enter it; else the system's own for temporary files."""
    if placing.ours(os.path.realpath(directory)):
        with contextlib.suppress(BackupError):
            as_account.call(account, lambda: os.chdir(directory), _REACH, "chdir", directory)
            return directory
    return tempfile.gettempdir()
