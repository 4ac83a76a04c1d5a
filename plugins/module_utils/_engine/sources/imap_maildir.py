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
from typing import Any, Dict, Iterator, NamedTuple, Optional, Sequence, Tuple

from ..filesystem import descriptors
from .imap_listing import Row

_UIDLIST = "dovecot-uidlist"
_LARGEST_LIST = 1 << 30
_CHUNK = 1 << 20
_HEADER = re.compile(rb"3 (?:.* )?V(\d+)")
_LINE = re.compile(rb"(\d+) (?:[^:]* )?:(.+)\Z")
LETTERS = {"\\draft": "D", "\\flagged": "F", "\\answered": "R", "\\seen": "S", "\\deleted": "T"}
_SHIFTED = re.compile(r"&([^-]*)-")


class Lying(NamedTuple):
    """A folder of the Maildir: its directory, held; UIDVALIDITY as its list has it; the file of each UID, below that directory."""

    held: int
    uidvalidity: int
    files: Dict[int, str]


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
    """The folder of a directory below the Maildir; None where none lies there. The caller closes what it holds."""
    try:
        held = descriptors.below(maildir, directory) if directory else os.dup(maildir)
    except OSError:
        return None
    try:
        files = {}
        for part in ("cur", "new"):
            inner = descriptors.enter(held, part)
            try:
                files.update({os.fsencode(name).split(b":2,")[0]: part + "/" + name for name in os.listdir(inner)})
            finally:
                os.close(inner)
        first, *lines = descriptors.read(_UIDLIST, _LARGEST_LIST, held).split(b"\n")
        header = _HEADER.match(first)
        if header:
            found = (match.groups() for match in map(_LINE.match, lines) if match)
            return Lying(held, int(header[1]), {int(uid): files[base.split(b":2,")[0]] for uid, base in found if base.split(b":2,")[0] in files})
    except OSError:
        pass
    os.close(held)
    return None


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
