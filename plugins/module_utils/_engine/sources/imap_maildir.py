# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder of a mailbox as it lies in a Maildir, and its index: a line a mail, with what a Maildir can't hold.

Keywords beyond the 26 that a Maildir has letters for, UIDs, dates and digests stand in the index, which any program reads.
"""

from __future__ import annotations

import base64
import errno
import hashlib
import json
import os
import re
import stat
from typing import Any, Dict, Iterable, Iterator, Optional, Sequence, Tuple

from ..filesystem import descriptors
from .imap_listing import Row
from .imap_session import FULL
from .imap_shelf import Shelf

_UIDLIST = "dovecot-uidlist"
_LONGEST_LINE = 1 << 16
_CHUNK = 1 << 17      # each read takes this much memory, also of a small mail
_HEADER = re.compile(rb"3 (?:.* )?V(\d+)")
_LINE = re.compile(rb"(\d+) (?:[^:]* )?:(.+)\Z")
LETTERS = {"\\draft": "D", "\\flagged": "F", "\\answered": "R", "\\seen": "S", "\\deleted": "T"}
_SHIFTED = re.compile(r"&([^-]*)-")


class Lying:
    """A folder of the Maildir: its directory, held; UIDVALIDITY as its list has it; the file of each UID, below that directory. Use as a context manager."""

    def __init__(self, held: int, uidvalidity: int, files: Shelf, moved: Dict[int, str]) -> None:
        self.held, self.uidvalidity = held, uidvalidity
        self._files, self._moved = files, moved

    def __enter__(self) -> "Lying":
        return self

    def __exit__(self, *_unused: Any) -> None:
        self._files.close()
        os.close(self.held)

    def take(self, uid: int) -> str:
        """The file of a mail that was not taken yet; "" where there is none."""
        path = self._files.take(uid)
        return os.fsdecode(path) if path else self._moved.pop(uid, "")

    def left(self) -> Iterator[str]:
        """The files that were not taken."""
        yield from (os.fsdecode(path) for path in self._files.left() if path)
        yield from self._moved.values()


def directory_of(name: str, delimiter: str) -> Optional[str]:
    """Where a folder of the server lies below the Maildir; None for a name that can be no directory's."""
    if name == "INBOX":
        return ""
    parts = name.split(delimiter) if delimiter else [name]
    if any(part in ("", ".", "..", "cur", "new", "tmp") or "/" in part or "\0" in part for part in parts):
        return None
    return "/".join(parts)


def readable(name: str) -> str:
    """A folder's name as people write it, from modified UTF-7 (RFC 3501, 5.1.3); as it is where it is none."""
    try:
        return _SHIFTED.sub(lambda found: _shifted(found[1]), name)
    except (ValueError, UnicodeDecodeError):
        return name


def _shifted(text: str) -> str:
    if not text:
        return "&"
    text = text.replace(",", "/")
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode("utf-16-be")


def lying(maildir: int, directory: str) -> Optional[Lying]:
    """The folder of a directory below the Maildir; None where none lies there."""
    try:
        held = descriptors.below(maildir, directory) if directory else os.dup(maildir)
    except OSError:
        return None
    files = Shelf()
    found: Optional[Lying] = None
    try:
        with os.fdopen(descriptors.regular(_UIDLIST, held), "rb") as file:
            header = _HEADER.match(file.readline(_LONGEST_LINE))
            if header:
                told = (_LINE.match(line.rstrip(b"\n")) for line in iter(lambda: file.readline(_LONGEST_LINE), b""))
                moved = _shelved(held, ((int(match[1]), match[2]) for match in told if match), files)
                found = Lying(held, int(header[1]), files, moved)
    except OSError as error:
        if error.errno in FULL:
            raise
    except (ValueError, OverflowError):      # UIDs that do not rise, or are none: no list of Dovecot's
        pass
    finally:
        if found is None:
            files.close()
            os.close(held)
    return found


def _shelved(held: int, told: Iterable[Tuple[int, bytes]], files: Shelf) -> Dict[int, str]:
    """Put the file of each mail of a list on the shelf; gives those of the mails that have other letters by now than when the list was written."""
    inner = {part: descriptors.enter(held, part) for part in ("cur", "new")}
    try:
        elsewhere: Dict[bytes, int] = {}
        for uid, name in told:
            part = next((part for part in inner if _stands(inner[part], name)), "")
            if not part:
                elsewhere[name.split(b":2,")[0]] = uid
            files.put(uid, os.fsencode(part) + b"/" + name if part else b"")
        moved = {}
        for part in inner if elsewhere else ():
            with os.scandir(inner[part]) as entries:
                for entry in entries:
                    uid = elsewhere.get(os.fsencode(entry.name).split(b":2,")[0], 0)
                    if uid:
                        moved[uid] = part + "/" + entry.name
        return moved
    finally:
        for each in inner.values():
            os.close(each)


def _stands(directory: int, name: bytes) -> bool:
    try:
        return b"/" not in name and stat.S_ISREG(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode)
    except (OSError, ValueError):      # ValueError: a null byte
        return False


def digest(folder: int, path: str) -> Tuple[str, int]:
    """SHA-256 and size of a mail's file below a folder that is held. Raises OSError, also for what is no regular file."""
    part, _slash, name = path.partition("/")
    if "/" in name or ".." in (part, name):      # an index is a server's word
        raise OSError(errno.EINVAL, "leads out of the folder", path)
    inner = descriptors.enter(folder, part)
    try:
        held = descriptors.regular(name, inner)
    finally:
        os.close(inner)
    found, size = hashlib.sha256(), 0
    try:
        for chunk in iter(lambda: os.read(held, _CHUNK), b""):
            found.update(chunk)
            size += len(chunk)
    finally:
        os.close(held)
    return found.hexdigest(), size


def marked(folder: int, path: str, flags: Sequence[str]) -> str:
    """Give a mail's file the letters of the flags that its server tells; letters of keywords stay. Gives where it lies then."""
    part, _slash, name = path.partition("/")
    base, _mark, letters = name.partition(":2,")
    wanted = {letter for flag, letter in LETTERS.items() if flag in {each.lower() for each in flags}}
    if {letter for letter in letters if letter.isupper()} - {"P"} == wanted:
        return path
    told = "{0}:2,{1}".format(base, "".join(sorted(wanted | {letter for letter in letters if letter not in LETTERS.values()})))
    source, target = descriptors.enter(folder, part), descriptors.enter(folder, "cur")
    try:
        descriptors.move(source, name, target, told)
    finally:
        os.close(source)
        os.close(target)
    return "cur/" + told


def head(name: str, directory: str, uidvalidity: int) -> Dict[str, Any]:
    """The first line of an index."""
    return {"folder": name, "name": readable(name), "directory": directory, "uidvalidity": uidvalidity}


def line(row: Row, file: str, sha256: str, size: int) -> Dict[str, Any]:
    """A mail's line of an index."""
    return {"uid": row.uid, "file": file, "flags": list(row.flags), "date": row.date, "size": size, "sha256": sha256}


def written(told: Dict[str, Any]) -> bytes:
    return json.dumps(told, ensure_ascii=True, sort_keys=True).encode("ascii") + b"\n"


def read(directory: int) -> Iterator[Tuple[bytes, Dict[str, Any]]]:
    """The lines of all indices of a directory, each with its text. Raises OSError, ValueError."""
    for name in sorted(os.listdir(directory)):
        with os.fdopen(descriptors.regular(name, directory), "rb") as file:
            for text in file:
                yield text, told_of(text)


def told_of(text: bytes) -> Dict[str, Any]:
    """What a line of an index says. Raises ValueError."""
    told = json.loads(text.decode("utf-8"))
    if not isinstance(told, dict):
        raise ValueError("no object")
    return told
