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
from typing import Any, Dict, Iterator, Optional, Sequence, Tuple

from ..filesystem import descriptors
from .imap_listing import Row
from .imap_session import FULL
from .imap_shelf import Shelf

_UIDLIST, _KEYWORDS = "dovecot-uidlist", "dovecot-keywords"
_PARTS = ("cur", "new")
_LONGEST_LINE = 1 << 16
_CHUNK = 1 << 17      # each read takes this much memory, also of a small mail
_HEADER = re.compile(rb"3 (?:.* )?V(\d+)")
_LINE = re.compile(rb"(\d+) (?:[^:]* )?:(.+)\Z")
_KEYWORD = re.compile(rb"(\d{1,2}) (.+)\Z")
LETTERS = {"\\draft": "D", "\\flagged": "F", "\\answered": "R", "\\seen": "S", "\\deleted": "T"}
_SHIFTED = re.compile(r"&([^-]*)-")


class Lying:
    """A folder of the Maildir: its directory, held; UIDVALIDITY as its list has it; the file of each UID, below that directory. Use as a context manager.

    The list has names without letters, so a mail's file is where its server's flags say; memory is only taken by those that were marked meanwhile.
    """

    def __init__(self, held: int, uidvalidity: int, files: Shelf) -> None:
        self.held, self.uidvalidity = held, uidvalidity
        self._files, self._keywords = files, _keywords(held)
        self._elsewhere: Dict[bytes, int] = {}
        self._moved: Dict[int, str] = {}
        self._parts: Dict[str, int] = {}
        try:
            for part in _PARTS:
                self._parts[part] = descriptors.enter(held, part)
        except BaseException:
            self._shut()
            raise

    def __enter__(self) -> "Lying":
        return self

    def __exit__(self, *_unused: Any) -> None:
        self._files.close()
        self._shut()
        os.close(self.held)

    def _shut(self) -> None:
        for each in self._parts.values():
            os.close(each)

    def take(self, uid: int, flags: Sequence[str]) -> str:
        """The file of a mail that was not taken yet; "" where there is none, or where `found` must look for it."""
        name = self._files.take(uid)
        return self._standing(uid, name, flags) if name else ""

    def _standing(self, uid: int, name: bytes, flags: Sequence[str]) -> str:
        base = name.split(b":2,")[0]
        for part, each in (("cur", base + b":2," + self._letters(flags)), ("new", name), ("cur", name)):
            if _stands(self._parts[part], each):
                return part + "/" + os.fsdecode(each)
        self._elsewhere[base] = uid
        return ""

    def _letters(self, flags: Sequence[str]) -> bytes:
        lower = [flag.lower() for flag in flags]
        return "".join(sorted({LETTERS.get(flag) or self._keywords.get(flag, "") for flag in lower})).encode("ascii")

    def looked_for(self) -> "Lying":
        """Look, once all were taken that are to be, where those lie that have other letters, and those that nobody took. Raises OSError."""
        self._moved.update((uid, path) for uid, path in ((uid, self._standing(uid, name, ())) for uid, name in self._files.left()) if path)
        for part in _PARTS if self._elsewhere else ():
            with os.scandir(self._parts[part]) as entries:
                for entry in entries:
                    uid = self._elsewhere.get(os.fsencode(entry.name).split(b":2,")[0], 0)
                    if uid:
                        self._moved[uid] = part + "/" + entry.name
        return self

    def found(self, uid: int) -> str:
        """The file of a mail that did not stand where it was taken, once; "" where there is none."""
        return self._moved.pop(uid, "")

    def left(self) -> Iterator[str]:
        """The files that were neither taken nor found."""
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
                for match in (_LINE.match(line.rstrip(b"\n")) for line in iter(lambda: file.readline(_LONGEST_LINE), b"")):
                    if match:
                        files.put(int(match[1]), match[2])
                found = Lying(held, int(header[1]), files)
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


def _keywords(held: int) -> Dict[str, str]:
    """The letter of each keyword of a folder, by the list that Dovecot has of them; none of what is no list."""
    try:
        told = descriptors.read(_KEYWORDS, _LONGEST_LINE, held).split(b"\n")
    except OSError:
        return {}
    found = (_KEYWORD.match(line) for line in told)
    return {match[2].decode("utf-8", "surrogateescape").lower(): chr(ord("a") + int(match[1])) for match in found if match and int(match[1]) < 26}


def _stands(directory: int, name: bytes) -> bool:
    try:
        return b"/" not in name and stat.S_ISREG(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode)
    except (OSError, ValueError):      # ValueError: a null byte
        return False


def regular(folder: int, path: str) -> int:
    """A mail's file below a folder that is held, opened. Raises OSError, also for what is no regular file."""
    part, _slash, name = path.partition("/")
    if "/" in name or ".." in (part, name):      # an index is a server's word
        raise OSError(errno.EINVAL, "leads out of the folder", path)
    inner = descriptors.enter(folder, part)
    try:
        return descriptors.regular(name, inner)
    finally:
        os.close(inner)


def digest(folder: int, path: str) -> Tuple[str, int]:
    """SHA-256 and size of a mail's file below a folder that is held. Raises OSError, also for what is no regular file."""
    held = regular(folder, path)
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
    try:
        told = json.loads(text.decode("utf-8"))
    except RecursionError as error:
        raise ValueError("nested without end") from error
    if not isinstance(told, dict):
        raise ValueError("no object")
    return told
