# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a Maildir holds what the server says that a mailbox holds: the listing judges what the synchroniser brought, and writes the index.

Of all mails the number and the size are compared, of some or of all the bytes (`compare`). What is not there is named by folder and UID, never by a subject.
"""

from __future__ import annotations

import array
import contextlib
import hashlib
import json
import os
import secrets
import tempfile
from typing import Any, Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple

from ..filesystem import descriptors
from . import imap_levels, imap_listing, imap_maildir, imap_shelf
from .imap_ahead import Ahead
from .imap_bounded import Bounded
from .imap_listing import Opened, Row

SAMPLE = 20           # mails of each folder whose bytes are compared, beside those whose size the server tells differently
_MOST_NAMED = 1000


class Missing(NamedTuple):
    """A mail, or with UID 0 a whole folder, that the server has and the copy has not, and why in a word of ours."""

    folder: str
    uid: Any      # of a mailbox of Graph the identifier, for the copy's UIDs are its own
    reason: str

    def told(self) -> str:
        return "{0}:{1} ({2})".format(self.folder, self.uid or "*", self.reason)


class Before(Dict[str, Tuple[int, "array.array[int]"]]):
    """UIDVALIDITY and UIDs of each folder before anything is copied; and how many mails may be asked for beyond one."""

    def __init__(self) -> None:
        super().__init__()
        self.ahead = 0
        self.levels: Set[str] = set()      # what is listed as a folder and is none


class Judged:
    """What the comparison found, as far as it went."""

    def __init__(self) -> None:
        self.folders = self.mails = self.size = self.compared = self.arrived = self.gone = self.sizes_lied = self.uncounted = 0
        self.missing: List[Missing] = []
        self.unnamed = 0
        self.asked: Dict[str, Set[int]] = {}      # of each directory the UIDs whose bytes were compared, where not all are
        self.nothing = False                # was brought, not even a folder
        self.unsettled: List[str] = []      # folders that are not what they were when the copy began
        self.index = hashlib.sha256()

    def lacks(self, folder: str, uid: Any, reason: str) -> None:
        if len(self.missing) < _MOST_NAMED:
            self.missing.append(Missing(folder, uid, reason))
        else:
            self.unnamed += 1


def before(session: Bounded) -> Tuple[Before, str]:
    """What each folder holds before anything is copied, and what parts levels."""
    names, delimiter = imap_listing.folders(session)
    found, ahead, above = Before(), Ahead(), imap_levels.above(names, delimiter)
    for name in names:
        folder = imap_listing.opened(session, name)
        if folder is None and name in above and imap_levels.is_level(session, name):
            found.levels.add(name)
            continue
        # one that does not open has no number: whether it is gone, or shut, is seen afterwards
        found[name] = (0, array.array(imap_shelf.NUMBER))
        if folder:
            uids = array.array(imap_shelf.NUMBER)
            ahead.folder()
            for uid, size in imap_listing.sizes(session, folder.exists):
                uids.append(uid)
                ahead.see(size)
            found[name] = (folder.uidvalidity, _ascending(uids))
    found.ahead = ahead.number
    return found, delimiter


def _ascending(uids: "array.array[int]") -> "array.array[int]":
    """As they are asked for they come in order, and nothing has to be made of them; else they are put in order, each once."""
    rising = all(uids[place - 1] < uids[place] for place in range(1, len(uids)))
    return uids if rising else array.array(imap_shelf.NUMBER, sorted(set(uids)))


def judge(session: Bounded, begun: Before, delimiter: str, home: int, every: bool) -> Judged:
    """Compare each folder with what lies in `home`/Maildir and write the indices beside it, in `home`/indice."""
    judged = Judged()
    judged.nothing = "Maildir" not in os.listdir(home)
    maildir = None if judged.nothing else descriptors.enter(home, "Maildir")
    indices = descriptors.make_directory(home, "indice", owned=False)
    try:
        names, _delimiter = imap_listing.folders(session)
        names = [name for name in names if name not in begun.levels or imap_listing.opened(session, name)]
        judged.unsettled += sorted(set(names) ^ set(begun))
        for number, name in enumerate(names, 1):
            folder = imap_listing.opened(session, name) if name in begun else None
            if folder is None and name in begun and not begun[name][0]:
                judged.lacks(name, 0, "the server does not open it")
                continue
            if folder is None or folder.uidvalidity != begun[name][0]:
                judged.unsettled += [name] if name in begun else []
                continue
            _folder(session, name, folder, begun[name][1], delimiter, maildir, (indices, "{0:05d}.jsonl".format(number)), every, judged)
    finally:
        os.close(indices)
        if maildir is not None:
            os.close(maildir)
    return judged


def _folder(session: Bounded, name: str, folder: Opened, begun: Sequence[int], delimiter: str, maildir: Optional[int], index: Tuple[int, str], every: bool,
            judged: Judged) -> None:
    directory = imap_maildir.directory_of(name, delimiter)
    lying = imap_maildir.lying(maildir, directory) if directory is not None and maildir is not None else None
    if directory is None or lying is None:
        judged.lacks(name, 0, "its name can be no directory's" if directory is None else "the folder was not brought")
        return
    with lying:
        if lying.uidvalidity != folder.uidvalidity:
            judged.unsettled.append(name)
            return
        judged.folders += 1
        sample = chosen(begun) if not every else set()
        here = bytearray(len(begun))      # which of those that were there are there still
        with os.fdopen(descriptors.create(*index), "wb") as file:
            def write(told: Dict[str, Any]) -> None:
                text = imap_maildir.written(told)
                judged.index.update(text)
                file.write(text)

            write(imap_maildir.head(name, directory, folder.uidvalidity))
            listed = 0
            # listed whole before bodies are asked for: a server tells of what is gone between two commands, and numbers move
            for row, path in _on_disk(imap_listing.rows(session, folder.exists), lying):
                listed += 1
                place = imap_shelf.place_of(begun, row.uid)
                if place >= 0:
                    here[place] = 1
                if path:
                    compared = judged.compared
                    _mail(session, name, row, path, lying.held, every or row.uid in sample, write, judged)
                    if judged.compared > compared and not every:
                        judged.asked.setdefault(directory, set()).add(row.uid)
                elif place >= 0:
                    judged.lacks(name, row.uid, "the server did not give it")
                else:
                    judged.arrived += 1
        if listed < folder.exists:
            judged.lacks(name, 0, "the server lists {0} of its {1} mails".format(listed, folder.exists))
        judged.gone += len(here) - sum(here)
        for path in lying.left():      # gone from the server meanwhile
            _leave_out(lying.held, path)


def _on_disk(rows: Iterable[Row], lying: imap_maildir.Lying) -> Iterator[Tuple[Row, str]]:
    """All rows, once the last of them has come, each with its mail's file: a folder's rows wait in a file without a name, not in memory."""
    with tempfile.TemporaryFile() as file:
        for row in rows:
            file.write(json.dumps([*row, lying.take(row.uid, row.flags)]).encode("ascii") + b"\n")
        lying.looked_for()
        file.seek(0)
        for line in file:
            uid, size, date, flags, path = json.loads(line.decode("ascii"))
            yield Row(uid, size, date, tuple(flags)), path or lying.found(uid)


def chosen(uids: Sequence[int]) -> Set[int]:
    """A sample of a folder's mails, by chance: who could foretell it could change the others."""
    return {uids[place] for place in secrets.SystemRandom().sample(range(len(uids)), min(SAMPLE, len(uids)))}


def _mail(session: Bounded, name: str, row: Row, path: str, held: int, ask: bool, write: Any, judged: Judged) -> None:
    sha256, size = imap_maildir.digest(held, path)
    if ask or size != row.size:
        given = imap_listing.digest(session, row.uid)
        if given is None and size == row.size:
            judged.gone += 1       # removed since it was listed; what was brought stays
        elif given != sha256:
            judged.lacks(name, row.uid, "other bytes than the server's")
            return
        else:
            judged.compared += 1
            judged.sizes_lied += size != row.size
    path = imap_maildir.marked(held, path, row.flags)      # what was marked since it was brought
    write(imap_maildir.line(row, path, sha256, size))
    judged.mails += 1
    judged.size += size


def _leave_out(folder: int, path: str) -> None:
    part, _slash, name = path.partition("/")
    inner = descriptors.enter(folder, part)
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=inner)
    finally:
        os.close(inner)
