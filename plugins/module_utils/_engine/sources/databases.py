# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the database sources share: names for files, and texts of two dumps compared object by object."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import tempfile
import unicodedata
from typing import IO, Any, Callable, Dict, List, Optional, Sequence, Set, Tuple

from ..errors import BackupError
from ..remarks import Remark
from ..value_forms import names_in

_LONGEST = 4 << 20    # bytes of a line that are held together
SCRATCH = "respaldo_scratch_"
_CLEAN = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}\Z")
_RESERVED = ("globals", "users")


def part_name(database: str) -> str:
    """A name for the part of a database that any file system keeps apart: only plain lower case names stay as they are."""
    if _CLEAN.match(database) and database not in _RESERVED:
        return database
    plain = unicodedata.normalize("NFKD", database).encode("ascii", "ignore").decode("ascii").lower()
    plain = re.sub("[^a-z0-9]+", "_", plain).strip("_")[:40]
    return "{0}-{1}".format(plain or "db", hashlib.sha256(database.encode("utf-8", "surrogateescape")).hexdigest()[:8])


def scratch_name() -> str:
    return SCRATCH + secrets.token_hex(6)


def kept_name(target: str, label: str, limit: int) -> str:
    """<target>_before_<label>, the target cut so that the whole has at most `limit` bytes of UTF-8."""
    suffix = "_before_" + label
    room = limit - len(suffix.encode("utf-8"))
    return target.encode("utf-8")[:max(1, room)].decode("utf-8", "ignore") + suffix


def rows_of(rows: Sequence[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """The parts of a copy that are databases."""
    return [row for row in rows if "database" in row["facts"]]


def some_of(rows: Sequence[Dict[str, Any]], label: str) -> Sequence[Dict[str, Any]]:
    """The databases of a copy that is rehearsed: of none nothing is compared, so nothing is proved. Raises manifest_unreadable."""
    if not rows:
        raise BackupError("manifest_unreadable", label=label, location="its manifest", detail="it names no database")
    return rows


def chosen_row(rows: Sequence[Dict[str, Any]], database: str) -> Dict[str, Any]:
    """The part to restore: that of `database`, or the only one. Raises invalid_input naming those there are."""
    found = rows_of(rows)
    if database:
        found = [row for row in found if row["facts"]["database"] == database]
    if len(found) != 1:
        names = ", ".join(row["facts"]["database"] for row in rows_of(rows))
        raise BackupError("invalid_input", where="part", value=database, problem="does not name one database of the copy",
                          mend="Name one of: {0}.".format(names))
    return found[0]


class Sections:
    """A dump's text cut at the comments that announce each object; of each piece only its SHA-256 is kept, on disk.

    `clean(piece, first)` leaves out, line by line, what differs between two dumps of equal databases; `first` says that
    the piece stands before the first object. Constant memory: a table's rows pass through in chunks.
    """

    _BEGIN = b"\n--\n-- "

    def __init__(self, clean: Callable[[bytes, bool], bytes]) -> None:
        self.clean = clean
        self.list: IO[bytes] = tempfile.TemporaryFile()
        self.title = b"the beginning"
        self.first = True
        self.digest: Any = hashlib.sha256()
        self.pending = b""

    def feed(self, chunk: bytes) -> None:
        data = self.pending + chunk
        at = 0
        while True:
            found = data.find(self._BEGIN, at)
            if found < 0:
                break
            end = data.find(b"\n", found + len(self._BEGIN))
            if end < 0:
                break
            self._take(data[at:found])
            self._close()
            self._open(data[found + len(self._BEGIN):end])
            at = end
        rest = data[at:] if at else data
        # What could be the beginning of a marker, or of a line that `clean` takes out, waits for the next chunk.
        keep = rest.rfind(b"\n")
        for _line in range(2):
            keep = rest.rfind(b"\n", 0, keep) if keep > 0 else keep
        keep = max(keep, 0) if len(rest) < _LONGEST else len(rest)
        self._take(rest[:keep])
        self.pending = rest[keep:]

    def finish(self) -> None:
        self._take(self.pending)
        self.pending = b""
        self._close()

    def _take(self, piece: bytes) -> None:
        self.digest.update(self.clean(piece, self.first))

    def _open(self, title: bytes) -> None:
        self.title, self.first = title, False

    def _close(self) -> None:
        self.list.write(self.digest.hexdigest().encode("ascii") + b" " + self.title + b"\n")
        self._forget()

    def _forget(self) -> None:
        self.digest = hashlib.sha256()

    def difference(self, other: "Sections", reworded: Callable[[str], bool] = lambda title: False) -> Tuple[str, List[str]]:
        """The first object that is not the same in the other, "" when there is none; the order may differ.

        Objects that are in both with another text, and for which `reworded(title)` is true, are no difference: they are given apart.
        """
        # by their whole length: what the other has beyond the end of this one is a difference too
        if self.list.seek(0, os.SEEK_END) == other.list.seek(0, os.SEEK_END):
            self.list.seek(0)
            other.list.seek(0)
            if all(mine == theirs for mine, theirs in zip(self.list, other.list)):
                return "", []
        self.list.seek(0)
        other.list.seek(0)
        mine, theirs = _titles(self.list), _titles(other.list)
        apart = sorted(title for title in set(mine) | set(theirs) if mine.get(title) != theirs.get(title))
        accepted = [title for title in apart if len(mine.get(title, ())) == len(theirs.get(title, ())) == 1 and reworded(title)]
        return next((title for title in apart if title not in accepted), ""), accepted

    def titles_apart(self, other: "Sections") -> Tuple[Set[str], Set[str], Set[str]]:
        """The objects that are not in the other, those that are there with another text, and those that only the other has; in any order."""
        for each in (self, other):
            each.list.seek(0)
        mine, theirs = _titles(self.list), _titles(other.list)
        changed = {title for title in set(mine) & set(theirs) if mine[title] != theirs[title]}
        return set(mine) - set(theirs), changed, set(theirs) - set(mine)

    def close(self) -> None:
        self.list.close()


def _titles(lines: IO[bytes]) -> Dict[str, List[bytes]]:
    """The digests of the objects of each title; two objects may have the same."""
    found: Dict[str, List[bytes]] = {}
    for line in sorted(lines):
        found.setdefault(line[65:].decode("utf-8", "replace").strip(), []).append(line[:64])
    return found


class Counter:
    """Counts a needle in chunks, also where it lies across two of them, and keeps the last bytes."""

    def __init__(self, needle: bytes) -> None:
        self.needle = needle
        self.count = 0
        self.carry = b""
        self.tail = b""

    def feed(self, chunk: bytes) -> None:
        self.count += chunk.count(self.needle)
        edge = self.carry + chunk[:len(self.needle) - 1]
        self.count += edge.count(self.needle)
        self.carry = (self.carry + chunk)[-(len(self.needle) - 1):] if len(chunk) < len(self.needle) else chunk[-(len(self.needle) - 1):]
        self.tail = (self.tail + chunk[-400:])[-400:]


MOST_LEFT_OUT = 50     # tables of a database that can't be read: with more of them it is the disk that needs somebody
ON_MISSING = ("tell", "refuse", "partial")


def policy_of(on_missing: str) -> str:
    """What is done with what a copy would lack. Raises invalid_input."""
    if on_missing not in ON_MISSING:
        raise BackupError("invalid_input", where="source.on_missing", value=on_missing, problem="is not known here",
                          mend="Use one of: {0}.".format(", ".join(ON_MISSING)))
    return on_missing


def lacking(on_missing: str, notes: List[Remark], source: str, told: Remark) -> None:
    """Note what a copy lacks of what the server has. Raises missing_refused where nothing may be missing."""
    if on_missing == "refuse":
        raise BackupError("missing_refused", source=source, detail=told)
    notes += [] if told in notes else [told]


def names_of(wanted: Any) -> Optional[List[str]]:
    """The databases of an inventory, a list or a text with commas between; None stands for all. Raises invalid_input."""
    if wanted == "all":
        return None
    if isinstance(wanted, str):
        wanted = names_in(wanted)
    if not isinstance(wanted, (list, tuple)) or not wanted or not all(isinstance(name, str) and name and "\0" not in name for name in wanted):
        raise BackupError("invalid_input", where="source.databases", value=wanted, problem="is neither a list of names nor all",
                          mend="Give databases: [name, ...] or databases: all.")
    return list(dict.fromkeys(wanted))
