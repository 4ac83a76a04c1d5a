# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mailbox that mails are given back to, through a fence: nothing can be made, read or written there but one folder of ours and what is below it.
How full the mailbox is may be asked.

The fence stands where commands leave imaplib, so that no caller can step over it, by mistake either. Mails go as the bytes they are: imaplib's own APPEND
would write other ends of lines into them.
"""

from __future__ import annotations

import imaplib
import re
import sys
from typing import Any, Callable, Iterator, List, NamedTuple, Sequence, Set, Tuple

from ..errors import BackupError
from . import imap_headers, imap_listing, imap_patience

_ANYWHERE = frozenset(("CAPABILITY", "LIST", "LOGOUT", "NAMESPACE", "NOOP"))
_IN_OURS = frozenset(("APPEND", "CREATE", "EXAMINE", "SELECT", "SUBSCRIBE"))
_HOW_FULL = "GETQUOTAROOT"
_OF_ITS_MAILS = frozenset(("FETCH", "UID"))      # of the folder that is open, which is one of ours
_NAMESPACE = re.compile(rb'\(\("(?P<prefix>(?:\\.|[^"\\])*)" (?:NIL|"(?P<delimiter>\\.|[^"\\])")')
_DELIMITER = re.compile(rb'\([^)]*\) (?:NIL|"(?P<delimiter>\\.|[^"\\])") ')
_PERMANENT = re.compile(rb"\(([^)]*)\)")
_QUOTA = re.compile(rb"\(([^()]*)\)\s*\Z")
_RESOURCE = re.compile(rb"(STORAGE|MESSAGE) (\d{1,18}) (\d{1,18})(?= |\Z)", re.IGNORECASE)
_LARGEST = re.compile(rb"(?i)(?:\A| )APPENDLIMIT=(\d{1,18})(?= |\Z)")
# a limit that passes by itself; others are of this very mail, which is too large or has too many marks
_RATE = re.compile(r"\brate\b|too many (?:requests|commands)|later", re.IGNORECASE)
_FULL = re.compile(r"\[?OVERQUOTA|quota", re.IGNORECASE)
_NOT_ALLOWED = re.compile(r"\[NOPERM\]|\[READ-ONLY\]|\[TRYCREATE\]|permission denied", re.IGNORECASE)
_LONGEST = 4000      # of a server's words; who tells them hides the password first, and cuts them then


class Refused(Exception):
    """The server says no to one thing. `kind`: full, forbidden, or this one (a mail, a folder's name) alone."""

    def __init__(self, kind: str, words: str) -> None:
        super().__init__(words)
        self.kind = kind


class Kept(NamedTuple):
    """Which marks a folder keeps: any keyword, or those (lower case)."""

    any_keyword: bool
    known: Set[str]

    def keeps(self, flag: str) -> bool:
        return self.any_keyword and not flag.startswith("\\") or flag.lower() in self.known


class Room(NamedTuple):
    """What a quota leaves (RFC 9208): of STORAGE in KiB, of MESSAGE in mails."""

    resource: str
    left: int


class Target:
    """The folder `name` of a mailbox, whether it is there or not, by a session that is signed in."""

    def __init__(self, session: Any, name: str) -> None:
        self._session = session      # imaplib's, of which more is taken than it declares
        prefix, self.delimiter = _place(session)
        self.largest = _largest(session)
        self.between = self.delimiter or "-"      # where a server has no levels, names beside each other
        self.root = prefix + self.part(name)
        _fence(session, self)

    def part(self, name: str) -> str:
        """A level's name as one level here, whatever parts levels."""
        return name.replace(self.delimiter, "_") if self.delimiter else name

    def below(self, parts: Sequence[str]) -> str:
        return self.between.join([self.root, *map(self.part, parts)])

    def holds(self, name: str) -> bool:
        """Whether a name of the server is the folder's or of one below it."""
        return name == self.root or name.startswith(self.root + self.between)

    def rooms(self) -> List[Room]:
        """What the quotas leave that hold for the folder of ours; none where the server has none, or does not say."""
        _status, able = self._session.capability()
        if not able or not isinstance(able[-1], bytes) or not re.search(rb"(?i)(\A| )QUOTA(=| |\Z)", able[-1]):
            return []
        for name in (self.root, "INBOX"):      # of a folder that is not there yet many servers say nothing
            try:
                status, told = self._session.getquotaroot(imap_listing.quoted(name))
            except imaplib.IMAP4.abort:
                raise
            except imaplib.IMAP4.error:
                continue
            found = [room for line in told[-1] or () for room in _rooms(line)] if status == "OK" else []
            if found:
                return found
        return []

    def there(self) -> List[str]:
        """The folders of ours that are there and can be opened. Raises Unlistable."""
        return [name for name in imap_listing.folders(self._session)[0] if self.holds(name)]

    def make(self, name: str) -> None:
        """Make a folder, and show it in programs that show what is subscribed. Raises Refused."""
        status, words = self._answered(lambda: self._session.create(imap_listing.quoted(name)), False)
        # that it is there already some servers say in words of their own, so that it is looked whether it is
        if status != "OK" and "[ALREADYEXISTS]" not in words and not self._opens(name):
            raise _refused(words)
        self._answered(lambda: self._session.subscribe(imap_listing.quoted(name)), False)

    def _opens(self, name: str) -> bool:
        try:
            return imap_listing.opened(self._session, name) is not None
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error:      # BAD: so some say that there is none
            return False

    def opened_to_write(self, name: str) -> Kept:
        """Open a folder of ours as one that may be written; which marks it keeps. Raises Refused."""
        try:
            status, words = self._answered(lambda: self._session.select(imap_listing.quoted(name)))
        except imaplib.IMAP4.readonly as error:
            raise Refused("forbidden", "[READ-ONLY] {0}".format(error)[:_LONGEST]) from error
        if status != "OK":
            raise _refused(words)
        said = self._session.response("PERMANENTFLAGS")[1]
        found = _PERMANENT.search(said[-1]) if said and isinstance(said[-1], bytes) else None
        if found is None:      # it says nothing: then all can be kept (RFC 3501, 7.1)
            return Kept(True, {"\\seen", "\\answered", "\\flagged", "\\deleted", "\\draft"})
        flags = {flag.lower() for flag in found[1].decode("utf-8", "replace").split()}
        return Kept("\\*" in flags, flags - {"\\*"})

    def rows(self, name: str) -> Iterator[imap_listing.Row]:
        """The mails of a folder of ours, by ascending UIDs; it stays open to be looked at. Raises Unlistable, also at the end."""
        folder = imap_listing.opened(self._session, name)
        if folder is None:
            raise imap_listing.Unlistable("EXAMINE: NO")
        count = before = 0
        for row in imap_listing.rows(self._session, folder.exists):
            if row.uid <= before:
                raise imap_listing.Unlistable("FETCH: UID {0} after {1}".format(row.uid, before))
            count, before = count + 1, row.uid
            yield row
        if count < folder.exists:      # what is passed over would be given twice
            raise imap_listing.Unlistable("FETCH: {0} of {1} mails".format(count, folder.exists))

    def digest(self, uid: int) -> str:
        """SHA-256 of a mail of the folder that is open; "" when the server does not give it."""
        return imap_listing.digest(self._session, uid) or ""

    def begun(self, uid: int) -> Tuple[str, bytes]:
        """As `digest`, with the first bytes, in which its header lies."""
        return imap_listing.digest_of(self._session, uid, imap_headers.LARGEST) or ("", b"")

    def append(self, name: str, flags: Sequence[str], date: str, mail: bytes) -> None:
        """Put a mail into a folder of ours; a server that says no has not taken it (RFC 3501, 6.3.11). Raises Refused, imap_throttled.

        One that is larger than the server says that it takes is not sent: some end the session for it, and the restore that goes on would end there again.
        """
        if len(mail) > self.largest:
            raise Refused("this", "APPENDLIMIT={0}".format(self.largest))

        def ask() -> Any:
            self._session.literal = mail
            return self._session._simple_command("APPEND", imap_listing.quoted(name), "({0})".format(" ".join(flags)), '"{0}"'.format(date))

        status, words = self._answered(ask, False)
        if status != "OK":
            raise _refused(words)

    def _answered(self, ask: Callable[[], Any], limits_pass: bool = True) -> Tuple[str, str]:
        """How a command ended, and the words; given again while the server says that it serves later. `limits_pass`: whether any [LIMIT] says so too."""
        waited = imap_patience.Waited(getattr(self._session, "where", ""))
        while True:
            try:
                status, told = ask()
                words = words_of(told)
            except imaplib.IMAP4.abort:
                raise
            except imaplib.IMAP4.error as error:
                status, words = "BAD", words_of([str(error).encode("utf-8", "replace")])
            seconds = None if status == "OK" else imap_patience.to_wait(words)
            if seconds is None or not limits_pass and "[LIMIT]" in words.upper() and not _RATE.search(words):
                return status, words
            waited.more(seconds, words)


def _rooms(line: Any) -> List[Room]:
    """What a line of QUOTA leaves; a root's name that comes as a literal stands before it, in a pair."""
    listed = _QUOTA.search(line) if isinstance(line, bytes) else None
    # a limit of nothing is how some servers say that there is none
    return [Room(str(name, "ascii").upper(), max(0, int(limit) - int(used))) for name, used, limit in _RESOURCE.findall(listed[1]) if int(limit)] \
        if listed else []


def _refused(words: str) -> Refused:
    return Refused("full" if _FULL.search(words) else "forbidden" if _NOT_ALLOWED.search(words) else "this", words)


def words_of(told: Any) -> str:
    words = b" ".join(each for each in told or () if isinstance(each, bytes)).decode("utf-8", "replace")
    return "".join(each if each.isprintable() else " " for each in words)[:_LONGEST]


def _place(session: Any) -> "tuple[str, str]":
    """What names of the account's own folders begin with, and what parts levels ("" where nothing does)."""
    _status, able = session.capability()      # what was told before the account was let in is less
    if able and isinstance(able[-1], bytes) and b"NAMESPACE" in able[-1].upper().split():
        _status, told = session.namespace()
        match = _NAMESPACE.match(told[0]) if told and isinstance(told[0], bytes) else None
        prefix = re.sub(rb"\\(.)", rb"\1", match["prefix"]) if match else b""
        if match and prefix.isascii() and prefix.decode("ascii").isprintable():
            return prefix.decode("ascii"), _character(match["delimiter"])
    _status, told = session.list('""', '""')
    match = _DELIMITER.match(told[0]) if told and isinstance(told[0], bytes) else None
    return "", _character(match["delimiter"]) if match else ""


def _largest(session: Any) -> int:
    """The largest mail that the server says it takes (RFC 7889)."""
    _status, able = session.capability()
    found = _LARGEST.search(able[-1]) if able and isinstance(able[-1], bytes) else None
    return int(found[1]) if found and int(found[1]) else sys.maxsize


def _character(found: Any) -> str:
    return bytes(found)[-1:].decode("ascii", "replace") if found else ""


def _fence(session: Any, target: Target) -> None:
    """From here on the session sends only what the target may be asked. Raises mail_fenced, in the caller, for all else."""
    send = session._command

    def passed(name: str, *arguments: Any) -> Any:
        if not may(target, name, arguments):
            session.literal = None
            raise BackupError("mail_fenced", command=name)
        return send(name, *arguments)

    session._command = passed


def may(target: Target, name: str, arguments: Sequence[Any]) -> bool:
    """Whether a command makes, reads and writes nothing but the target's folders."""
    if any("\r" in str(each) or "\n" in str(each) for each in arguments):
        return False
    if name in _IN_OURS:
        named = str(arguments[0]) if arguments else ""
        plain = re.sub(r"\\(.)", r"\1", named[1:-1])
        return named == imap_listing.quoted(plain) and target.holds(plain)
    if name == _HOW_FULL:
        return len(arguments) == 1 and str(arguments[0]) in (imap_listing.quoted(target.root), imap_listing.quoted("INBOX"))
    if name in _OF_ITS_MAILS:
        asked = str(arguments[-1]) if arguments else ""
        return (name == "FETCH" or str(arguments[0]) == "FETCH") and not re.search(r"RFC822(?!\.SIZE)|(BODY|BINARY)\[", asked)
    return name in _ANYWHERE
