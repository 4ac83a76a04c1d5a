# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server says that a mailbox holds, read without leaving a mark: folders are opened by EXAMINE, bodies by PEEK.

It is no part of what copies: the copy is judged by it. A row of each mail, in batches, so that memory does not grow with the mailbox.
"""

from __future__ import annotations

import datetime
import hashlib
import imaplib
import re
from typing import Any, Callable, Iterator, List, NamedTuple, Optional, Set, Tuple, TypeVar

from . import imap_patience
from .imap_bounded import Bounded

_BATCH = 500
_LONGEST_NAME = 1000
_LARGEST_UID = 1 << 32
_MOST_MAILS, _MOST_FOLDERS = 5_000_000, 50_000      # more than any mailbox has: a server that says so would be listed for ever
_LIST = re.compile(rb'\((?P<flags>[^)]*)\) (?P<delimiter>NIL|"(?:\\.|[^"\\])") (?P<name>.*)', re.DOTALL)
_ROW = re.compile(rb'INTERNALDATE "(?P<date>[^"]{26})"|\bUID (?P<uid>\d+)|\bRFC822\.SIZE (?P<size>\d+)|\bFLAGS \((?P<flags>[^)]*)\)')
_UID = re.compile(rb"[ (]UID (\d{1,20})")
_SIZE = re.compile(rb"[ (]RFC822\.SIZE (\d{1,18})\b")
_UNOPENABLE = {b"\\noselect", b"\\nonexistent"}
_RECENT = "\\recent"
_GONE = b"[EXPUNGEISSUED]"      # RFC 5530
_SHOWN = 4000           # of what a server said; who tells it hides the password first, and cuts it then
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


_Told = TypeVar("_Told")


class Row(NamedTuple):
    """A mail as its server tells of it."""

    uid: int
    size: int
    date: str                  # INTERNALDATE, ISO 8601 in UTC
    flags: Tuple[str, ...]     # and keywords, sorted; \\Recent is of the session and left out


class Opened(NamedTuple):
    """A folder that is open to be looked at."""

    uidvalidity: int
    exists: int


class Unlistable(Exception):
    """What a server answers that no folder or mail can be read from."""


def folders(session: imaplib.IMAP4) -> Tuple[List[str], str]:
    """The folders that hold mails, by the names that the server has for them (modified UTF-7), and what parts levels there ("" where nothing does)."""
    status, told = imap_patience.asked(session, session.list)
    if status != "OK":
        raise Unlistable("LIST: {0}".format(status))
    found, delimiter = [], ""
    for line in told:
        # a name that is sent as a literal comes as a pair
        text, literal = (line[0], bytes(line[1])) if isinstance(line, tuple) else (line, None)
        if not isinstance(text, bytes) or not text:
            continue
        match = _LIST.match(text)
        if not match:
            raise Unlistable("LIST: {0!r}".format(line)[:_SHOWN])
        delimiter = delimiter or ("" if match["delimiter"] == b"NIL" else str(match["delimiter"][1:-1].replace(b"\\\\", b"\\"), "utf-8"))
        if {each.lower() for each in match["flags"].split()} & _UNOPENABLE:
            continue
        name = _text(_unquoted(match["name"]) if literal is None else literal)
        if len(name) > _LONGEST_NAME or not name.isascii() or not name.isprintable():
            raise Unlistable("LIST: a name that is none: {0!r}".format(name[:40]))      # a line within it would be a command
        found.append(_known(name))
    if len(found) > _MOST_FOLDERS:
        raise Unlistable("LIST: {0} folders".format(len(found)))
    if len(set(found)) != len(found):
        raise Unlistable("LIST: a folder twice")
    return sorted(found), delimiter


def name_in(told: bytes) -> Optional[str]:
    """The folder's name in what a LIST says beyond its first parenthesis; None where it can't be read, or comes as a literal."""
    match = _LIST.match(b"(" + told.rstrip(b"\r\n"))
    return _known(_text(_unquoted(match["name"]))) if match else None


def _text(name: bytes) -> str:
    return str(name, "utf-8", "surrogateescape")


def _known(name: str) -> str:
    return "INBOX" if name.upper() == "INBOX" else name


def _unquoted(name: bytes) -> bytes:
    return re.sub(rb"\\(.)", rb"\1", name[1:-1]) if name.startswith(b'"') else name


def quoted(name: str) -> str:
    return '"{0}"'.format(name.replace("\\", "\\\\").replace('"', '\\"'))


def opened(session: imaplib.IMAP4, name: str) -> Optional[Opened]:
    """A folder by its server's name, opened by EXAMINE; None when it can't be opened, for it is gone."""
    status, told = imap_patience.asked(session, lambda: session.select(quoted(name), readonly=True))
    if status != "OK":
        return None
    validity = session.response("UIDVALIDITY")[1]
    if not validity or not validity[0] or not told[0]:
        raise Unlistable("EXAMINE: no UIDVALIDITY")
    if int(told[0]) > _MOST_MAILS:
        raise Unlistable("EXAMINE: {0} mails".format(int(told[0])))
    return Opened(int(validity[0]), int(told[0]))


def rows(session: imaplib.IMAP4, exists: int) -> Iterator[Row]:
    """The mails of the folder that is open, each once; fewer than there were when it was opened where some went since, or the server passes them over."""
    return _each(session, exists, "(UID FLAGS INTERNALDATE RFC822.SIZE)", _row)


def sizes(session: imaplib.IMAP4, exists: int) -> Iterator[Tuple[int, int]]:
    """Their UIDs and sizes alone, which costs both sides a fraction; 0 where a size is told otherwise, of which `rows` complains."""
    return _each(session, exists, "(UID RFC822.SIZE)", _size)


def _each(session: imaplib.IMAP4, exists: int, items: str, read: Callable[[bytes], Optional[_Told]]) -> Iterator[_Told]:
    for first in range(1, exists + 1, _BATCH):
        numbers = "{0}:{1}".format(first, min(first + _BATCH - 1, exists))
        status, told = _fetched(session, numbers, items)
        if status != "OK":
            # some went since: those that are there came before it said so, and whoever counts them knows
            if not any(_GONE in line for line in told if isinstance(line, bytes)):
                raise Unlistable("FETCH: {0}".format(status))
            told = session.untagged_responses.pop("FETCH", [])
        given: Set[bytes] = set()
        for line in told:
            if isinstance(line, tuple):
                raise Unlistable("FETCH: a literal where none was asked for")
            found = read(line) if isinstance(line, bytes) else None
            if found and line.split(b" ", 1)[0] not in given:      # one that is told twice stands for no other
                given.add(line.split(b" ", 1)[0])
                if len(given) > _BATCH:
                    raise Unlistable("FETCH: more mails than were asked for")
                yield found


def _fetched(session: imaplib.IMAP4, numbers: str, items: str) -> Tuple[str, Any]:
    return imap_patience.asked(session, lambda: session.fetch(numbers, items))


def _size(line: bytes) -> Optional[Tuple[int, int]]:
    """The UID and the size that a line tells; None for one without a UID."""
    found = _UID.search(line)
    if found and not 0 < int(found[1]) < _LARGEST_UID:
        raise Unlistable("FETCH: {0!r}".format(line)[:_SHOWN])
    size = _SIZE.search(line)
    return (int(found[1]), int(size[1]) if size else 0) if found else None


def _row(line: bytes) -> Optional[Row]:
    """What a line says of a mail; None for one that says only what changed meanwhile."""
    found = {name: value for match in _ROW.finditer(line) for name, value in match.groupdict().items() if value is not None}
    if not {"uid", "size", "date", "flags"} <= set(found):
        # what says that flags changed names no size: a mail that can't be read must not be passed over, it would be left out as gone
        if b"RFC822.SIZE" in line or b"INTERNALDATE" in line:
            raise Unlistable("FETCH: {0!r}".format(line)[:_SHOWN])
        return None
    if not 0 < int(found["uid"]) < _LARGEST_UID or len(found["size"]) > 18:
        raise Unlistable("FETCH: {0!r}".format(line)[:_SHOWN])
    flags = sorted(flag for flag in str(found["flags"], "utf-8", "surrogateescape").split() if flag.lower() != _RECENT)
    try:
        date = utc(str(found["date"], "ascii"))
    except (ValueError, OverflowError) as error:
        raise Unlistable("FETCH: {0!r}".format(line)[:_SHOWN]) from error
    return Row(int(found["uid"]), int(found["size"]), date, tuple(flags))


def utc(told: str) -> str:
    """An INTERNALDATE in UTC; the C library's names of months are not asked, which are the account's."""
    day, month, year = int(told[:2]), _MONTHS.index(told[3:6].title()) + 1, int(told[7:11])
    hour, minute, second = (int(each) for each in told[12:20].split(":"))
    away = datetime.timedelta(hours=int(told[22:24]), minutes=int(told[24:26])) * (-1 if told[21] == "-" else 1)
    local = datetime.datetime(year, month, day, hour, minute, min(second, 59), tzinfo=datetime.timezone.utc)
    return (local - away).strftime("%Y-%m-%dT%H:%M:%SZ")


def digest(session: Bounded, uid: int) -> Optional[str]:
    """SHA-256 of a mail's bytes in the folder that is open, which pass through; None when the server does not give it."""
    found = digest_of(session, uid, 0)
    return found[0] if found else None


def digest_of(session: Bounded, uid: int, most: int) -> Optional[Tuple[str, bytes]]:
    """As `digest`, and so many of the first bytes."""
    found, begun = hashlib.sha256(), bytearray()

    def take(chunk: bytes) -> None:
        found.update(chunk)
        begun.extend(chunk[:max(0, most - len(begun))])

    def ask() -> Tuple[str, Any]:
        nonlocal found
        found = hashlib.sha256()
        begun.clear()
        with session.into(take):
            return session.uid("FETCH", str(uid), "(UID BODY.PEEK[])")

    status, told = imap_patience.asked(session, ask)
    return (found.hexdigest(), bytes(begun)) if status == "OK" and any(isinstance(part, tuple) for part in told) else None
