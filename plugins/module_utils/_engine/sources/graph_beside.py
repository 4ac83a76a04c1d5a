# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A copy of a mailbox of Microsoft 365 beside that mailbox as it is now (T4): what came since, went, was moved, marked or changed, and whether what is in the
state that was copied has the copy's content.

A mail is known by its immutable identifier, wherever it lies, and its state by changeKey, which is another after every change. Of each mail the state is
compared, of some of each folder or of all the content, as two readings of one mail are (graph_again.py). What can't be told is counted apart, never as equal.
"""

from __future__ import annotations

import os
import zlib
from typing import IO, Any, Callable, Dict, FrozenSet, List, NamedTuple, Sequence, Set

from ..errors import BackupError
from ..filesystem import descriptors
from . import graph_again, graph_listing, imap_judging, imap_maildir
from .graph_listing import Mail
from .graph_service import Oversized, Refused, Service
from .graph_taking import printable, told

_PASSES = 3             # listings of a mailbox that changes while it is listed
_READINGS = 3           # of a mail that is other content than the copy's: one that was torn on its way accuses nobody
_MOST_ASKED = 200       # mails that are in no list, asked for one by one
_MOST_NAMED = 10


class Beside:
    """What the comparison found."""

    def __init__(self) -> None:
        self.same = self.changed = self.new = self.gone = self.moved = self.marked = 0      # by the lists, of mails
        self.equal = self.edited = self.differ = self.untold = 0                            # by reading, but for those that are in no list for sure
        self.others: List[str] = []                # folder:identifier of other content
        self.unread: List[str] = []                # and of what could not be told
        self.folders: Dict[str, List[int]] = {}    # what came, went and is otherwise in each
        self.away: List[str] = []                  # folders of the copy that are there no more by that name

    @property
    def changes(self) -> int:
        return self.changed + self.new + self.gone + self.moved + self.marked + self.untold

    def in_folder(self, name: str, what: int) -> None:
        self.folders.setdefault(name, [0, 0, 0])[what] += 1

    def not_told(self, name: str) -> None:
        self.untold += 1
        self.unread += [name] if len(self.unread) < _MOST_NAMED else []

    def told_folders(self) -> List[str]:
        return ["{0} ({1})".format(name, " ".join(sign + str(count) for sign, count in zip("+-~", counts) if count))
                for name, counts in sorted(self.folders.items())]


class _Copied(NamedTuple):
    """A mail of the copy: the number of its folder, its state, marks and file there."""

    folder: int
    change: str
    marks: int
    file: str
    sha256: str


class Copy:
    """The mails of a copy that lies unpacked in a directory which is held, by their identifiers. Use as a context manager.

    `lacking`: identifiers of what it was made without, which did not come since. Raises OSError, ValueError, KeyError.
    """

    def __init__(self, home: int, lacking: FrozenSet[str]) -> None:
        self.lacking = lacking
        self.mails: Dict[str, _Copied] = {}
        self.folders: List[str] = []
        self._directories: List[str] = []
        indices = descriptors.enter(home, "indice")
        try:
            for _text, line in imap_maildir.read(indices):
                if "uidvalidity" in line:
                    self.folders.append(printable(str(line["name"])))
                    self._directories.append(str(line["directory"]))
                    continue
                self.mails[str(line["id"])] = _Copied(len(self.folders) - 1, str(line["change"]), _marks(line["flags"], line["categories"]),
                                                      str(line["file"]), str(line["sha256"]))
        finally:
            os.close(indices)
        self._maildir = descriptors.enter(home, "Maildir")

    def __enter__(self) -> "Copy":
        return self

    def __exit__(self, *_unused: object) -> None:
        os.close(self._maildir)

    def chosen(self, every: bool) -> Set[str]:
        """Those whose content is compared: all, or some of each folder, by chance."""
        if every:
            return set(self.mails)
        of_folder: Dict[int, List[str]] = {}
        for identifier, mail in self.mails.items():
            of_folder.setdefault(mail.folder, []).append(identifier)
        return {mails[place] for mails in of_folder.values() for place in imap_judging.chosen(range(len(mails)))}

    def opens(self, mail: _Copied) -> Callable[[], IO[bytes]]:
        """What opens a mail's file. Raises OSError, also for what is no regular file below its folder."""
        def opened() -> IO[bytes]:
            directory = self._directories[mail.folder]
            folder = descriptors.below(self._maildir, directory) if directory else os.dup(self._maildir)
            try:
                return os.fdopen(imap_maildir.regular(folder, mail.file), "rb")
            finally:
                os.close(folder)

        return opened


def _marks(flags: Sequence[Any], categories: Sequence[Any]) -> int:
    return zlib.crc32(repr((sorted(map(str, flags)), sorted(map(str, categories)))).encode("utf-8", "surrogateescape"))


def beside(service: Service, another: Service, copy: Copy, scratch: int, every: bool) -> Beside:
    """Compare a copy with what the service tells; content is read over `another` session into `scratch`. Raises OSError, ValueError."""
    try:
        for _number in range(_PASSES):
            listed = _Listed(service, copy)
            if listed.whole:
                break
        found, chosen = listed.found, copy.chosen(every)
        listed.judge_absent()
        for identifier in sorted(chosen & listed.there.keys()):
            _content(another, copy, identifier, listed.there[identifier], scratch, found)
    except Refused as error:
        raise BackupError("mailbox_service_unreachable", server=service.endpoint, detail="it answers {0}".format(error)) from error
    found.same -= found.differ
    return found


class _Listed:
    """The mailbox as it is listed now, beside the copy: what is there, in which state, by the folders' lists and by that of all mails."""

    def __init__(self, service: Service, copy: Copy) -> None:
        self._service, self._copy = service, copy
        self.found, self.whole = Beside(), True
        self.there: Dict[str, str] = {}      # mails of the copy, each with the state that it has now
        self._new: Set[str] = set()
        listed = graph_listing.tree(service)
        tree, strange = graph_listing.completed(service, listed)
        names = [told(folder) for folder in tree.folders]
        self.found.away = sorted(set(copy.folders) - set(names))
        for folder, name in zip(tree.folders, names):
            counted = graph_listing.Counted(service, folder)
            try:
                for mail in counted.mails():
                    self._mail(mail, name)
            except Refused as error:
                if error.status != 404:
                    raise
                self.whole = False      # removed meanwhile
            self.whole = self.whole and counted.whole and not folder.unlisted
        for above, identifier in strange:      # those of the copy are asked for, one by one
            self._came(identifier, printable(above))
        self.whole = self.whole and not tree.unlisted and graph_listing.tree(service).folders == listed.folders

    def _mail(self, mail: Mail, name: str) -> None:
        copied = self._copy.mails.get(mail.id)
        if copied is None:
            self._came(mail.id, name)
            return
        if mail.id in self.there:      # moved while it was listed
            self.whole = False
            return
        self._stands(mail.id, copied, mail.change)
        moved, marked = self._copy.folders[copied.folder] != name, copied.marks != _marks(mail.flags, mail.categories)
        self.found.moved += moved
        self.found.marked += marked
        if moved or marked or mail.change != copied.change:
            self.found.in_folder(name, 2)

    def _came(self, identifier: str, name: str) -> None:
        if identifier not in self._copy.mails and identifier not in self._copy.lacking and identifier not in self._new:
            self._new.add(identifier)
            self.found.new += 1
            self.found.in_folder(name, 0)

    def _stands(self, identifier: str, copied: _Copied, change: str) -> None:
        self.there[identifier] = change
        if change == copied.change:
            self.found.same += 1
        else:
            self.found.changed += 1

    def judge_absent(self) -> None:
        """What the copy has and the folders' lists have not: gone where the service says so of it, or where the list of all mails has it not either.

        Of more than are asked for one by one in a mailbox that does not settle nothing is said.
        """
        absent = [identifier for identifier in self._copy.mails if identifier not in self.there]
        listed = graph_listing.listed_beside(self._service, set(absent)) if len(absent) > _MOST_ASKED and self.whole else None
        asked = 0
        for identifier in absent:
            copied = self._copy.mails[identifier]
            name = self._copy.folders[copied.folder]
            if listed is None or identifier in listed:
                if asked >= _MOST_ASKED:
                    self.found.not_told("{0}:{1}".format(name, identifier))
                    continue
                asked += 1
                try:
                    change = graph_listing.state_of(self._service, identifier)
                except Refused as error:
                    if error.status != 404:
                        raise
                else:
                    self._stands(identifier, copied, change)
                    continue
            self.found.gone += 1
            self.found.in_folder(name, 1)


def _content(service: Service, copy: Copy, identifier: str, change: str, scratch: int, found: Beside) -> None:
    """Read a mail that is there, and say what it is to the copy's."""
    copied = copy.mails[identifier]
    name = "{0}:{1}".format(copy.folders[copied.folder], identifier)
    said = ""
    try:
        for _number in range(_READINGS):
            said = graph_again.compared(service, scratch, Mail(identifier, change, "", (), (), ""), copy.opens(copied), copied.sha256)
            if said != graph_again.OTHER or change != copied.change:
                break
    except (Oversized, Refused):
        _uncounted(change == copied.change, found)
        found.not_told(name)
        return
    if said in (graph_again.SAME, graph_again.ALIKE):
        found.equal += 1
    elif said == graph_again.GONE:
        _uncounted(change == copied.change, found)
        found.gone += 1
        found.in_folder(copy.folders[copied.folder], 1)
    elif said == graph_again.CHANGED:      # since it was listed
        if change == copied.change:
            found.same, found.changed = found.same - 1, found.changed + 1
        found.edited += 1
    elif change != copied.change:
        found.edited += 1
    else:
        found.differ += 1
        found.others += [name] if len(found.others) < _MOST_NAMED else []


def _uncounted(was_same: bool, found: Beside) -> None:
    if was_same:
        found.same -= 1
    else:
        found.changed -= 1
