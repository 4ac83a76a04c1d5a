# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mails given back into a mailbox: below a folder of ours there, each once, and compared afterwards by the listing that judges copies.

    what is asked for of the copy ─ what lies in the folder already, by its bytes ─► APPEND ─► listed and read again: bytes, marks, dates

APPEND takes a whole mail or none, so whoever kills a restore leaves whole mails, and the next one goes on where it ended. A mail that is there with other
bytes is named, and the restore is one in part; where none of the first ones is there as it was given, the server changes all, and gets no more.
"""

from __future__ import annotations

import array
import collections
import contextlib
import imaplib
import os
import re
from typing import Any, Counter, Dict, Iterator, List, Sequence, Set

from ..errors import BackupError
from ..filesystem import descriptors
from ..remarks import Remark
from . import imap_arrived, imap_headers, imap_listing, imap_maildir, imap_shelf
from .imap_asked import Asked
from .imap_chosen import Folder, Unpacked, chosen
from .imap_session import Place, said, signed_in
from .imap_target import Kept, Refused, Target

_MOST_NAMED, _MOST_TOLD = 10, 1000
TRIED = 5            # mails of which none came back as it was given: then no more are given
_LARGEST = 512 << 20
# what may stand in a command as a mark (RFC 3501: flag-keyword, flag-extension)
_MARK = re.compile(r"""\\?[^\x00-\x20\x7f-\U0010ffff(){%*"\\\]]+""")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def folder_of(label: str) -> str:
    """The folder that a copy comes back to."""
    return "Restaurado " + label


def check(place: Place, label: str) -> None:
    """That the mailbox lets in and can be listed; nothing is made. Raises imap_unreachable, imap_login_refused, mail_target_broke."""
    giving = Giving(place, label)
    with giving.session() as target:
        target.there()


class Giving:
    """One restore into a mailbox, as far as it went."""

    def __init__(self, place: Place, label: str) -> None:
        self.place, self.label = place, label
        self.total = self.given = self.there = self.dates = self.marks = self.renamed = 0
        self.lost: Set[str] = set()             # marks that the server did not keep
        self.left_out: List[str] = []           # folder:UID of what it does not take
        self.other: List[str] = []              # and of what is there with other bytes, or is not there
        self.changed = 0                        # of these, those that an earlier restore gave
        self.same = self.doubled = 0            # mails that are there as they were given, and those that somebody else gave beside
        self._known: Dict[str, array.array[int]] = {}   # UIDs of each folder of ours, ascending, from before anything was given

    @contextlib.contextmanager
    def session(self) -> Iterator[Target]:
        session = signed_in(self.place)
        try:
            yield Target(session, folder_of(self.label))
        except (OSError, imaplib.IMAP4.error, imap_listing.Unlistable) as error:
            raise self._broke(said(error, self.place)) from error
        except BackupError as error:
            if error.fault.name != "imap_throttled":      # of a copy; here mails went
                raise
            raise self._broke(said(Exception(str(error.details["detail"])), self.place)) from error
        finally:
            with contextlib.suppress(OSError, imaplib.IMAP4.error):
                session.logout()

    def _broke(self, detail: str) -> BackupError:
        return BackupError("mail_target_broke", server=self.place.where, given=self.given + self.there, total=self.total, detail=detail)

    def give(self, home: int, asked: Asked, separator: str) -> Dict[str, Any]:
        """Give what is asked for of the copy unpacked in `home`, which was proved.

        Raises mail_folder_unknown, mail_none_found before anything is asked of the server; mail_target_small before anything is given to it;
        imap_login_refused, mail_target_full, mail_target_refused, mail_given_differs, mail_target_broke.
        """
        with Unpacked(home, self.label) as copy:
            folders, all_of_it = chosen(copy, asked, separator), chosen(copy, Asked(), separator)
            self.total = sum(len(folder.uids) for folder in folders)
            with self.session() as target:
                names = self._names(all_of_it, separator, target)      # whatever is asked for of it, a folder comes back by one name
                self.renamed = sum(any(part != target.part(part) for part in _parts(folder, separator)) for folder in folders)
                wanted = self._wanted(copy, folders, all_of_it, names, target)
                folders = [folder._replace(uids=wanted[folder.number]) for folder in folders]
                if self.changed >= TRIED:
                    self._refuse_if_none_is_as_given()
                self._ask_for_room(copy, folders, target)
                self._make(target, names, folders)
                for folder in folders:
                    if folder.uids:
                        self._folder(copy, folder, names[folder.number], target)
                self._refuse_if_none_is_as_given()
        if self.total and not self.given + self.there:
            raise BackupError("mail_target_refused", server=self.place.where, account=self.place.user, folder=folder_of(self.label),
                              detail="it takes none of the mails")
        return {"target": "{0} ({1}): {2}".format(self.place.user, self.place.where, folder_of(self.label)),
                "objects": self.given + self.there + self.changed - len(self.other), "kept": "", "given": self.given, "there": self.there,
                "left_out": self.left_out[:_MOST_TOLD], "other": self.other[:_MOST_TOLD], "not_back": len(self.left_out) + len(self.other)}

    def remarks(self) -> List[Remark]:
        """What is to be told although it is given back."""
        found = [Remark("mail_left_out", count=len(self.left_out), named=", ".join(self.left_out[:_MOST_NAMED]))] if self.left_out else []
        found += [Remark("mail_other", count=len(self.other), named=", ".join(self.other[:_MOST_NAMED]))] if self.other else []
        found += [Remark("mail_doubled", count=self.doubled)] if self.doubled else []
        found += [Remark("mail_marks_lost", count=self.marks, named=", ".join(sorted(self.lost)[:_MOST_NAMED]))] if self.marks else []
        found += [Remark("mail_dates_lost", count=self.dates)] if self.dates else []
        found += [Remark("mail_folders_renamed", count=self.renamed)] if self.renamed else []
        return found + ([Remark("mail_there_already", count=self.there)] if self.there else [])

    def _names(self, folders: Sequence[Folder], separator: str, target: Target) -> Dict[str, str]:
        """The name that each folder gets there: the levels of the copy below the folder of ours."""
        names: Dict[str, str] = {}
        taken: Set[str] = set()
        for folder in folders:
            parts = _parts(folder, separator)
            name, number = target.below(parts), 1
            while name in taken:      # two that differ only by what parts levels here
                number += 1
                name = target.below([*parts[:-1], "{0}_{1}".format(parts[-1], number)])
            taken.add(name)
            names[folder.number] = name
        return names

    def _wanted(self, copy: Unpacked, folders: Sequence[Folder], all_of_it: Sequence[Folder], names: Dict[str, str],
                target: Target) -> Dict[str, "array.array[int]"]:
        """The mails of each folder that are not there yet, by their bytes: in the very folder, else in another of ours, where somebody moved them.

        What the copy has in that other folder too was moved by nobody. A mail that lies in the very folder with other bytes than any of the copy, and is known
        by its header, was given by a restore that died, and changed by the server: it is named, and not given again.
        """
        lying: Dict[str, Counter[str]] = {}
        strange: Dict[str, Counter[bytes]] = {}
        own = {bytes.fromhex(mail["sha256"]) for folder in all_of_it for mail in copy.mails(folder)}
        for name in target.there():
            self._known[name] = array.array(imap_shelf.NUMBER, (row.uid for row in target.rows(name)))
            lying[name], strange[name] = collections.Counter(), collections.Counter()
            for uid in self._known[name]:
                digest, begun = target.begun(uid)
                lying[name][digest] += 1
                if digest and bytes.fromhex(digest) not in own:
                    strange[name][imap_headers.identity(begun)] += 1
        elsewhere = self._moved(copy, all_of_it, names, lying)
        missing = {folder.number: array.array("Q", self._not_in(copy, folder, lying.get(names[folder.number], collections.Counter()))) for folder in folders}
        if elsewhere:
            missing = {folder.number: array.array("Q", self._not_in(copy, folder._replace(uids=missing[folder.number]), elsewhere)) for folder in folders}
        for folder in folders:
            there = strange.get(names[folder.number])
            if there:
                missing[folder.number] = array.array("Q", self._not_changed(copy, folder._replace(uids=missing[folder.number]), there))
        return missing

    def _not_changed(self, copy: Unpacked, folder: Folder, strange: "Counter[bytes]") -> Iterator[int]:
        held = copy.folder(folder.directory)
        try:
            for mail in copy.mails(folder):
                known = imap_headers.identity(imap_headers.beginning(held, mail["file"]))
                if strange[known] > 0:
                    strange[known] -= 1
                    self.changed += 1
                    self.other.append("{0}:{1}".format(folder.name, mail["uid"]))
                else:
                    yield mail["uid"]
        finally:
            os.close(held)

    def _ask_for_room(self, copy: Unpacked, folders: Sequence[Folder], target: Target) -> None:
        """Raises mail_target_small where a quota of the server tells that what is to be given does not fit."""
        count = sum(len(folder.uids) for folder in folders)
        rooms = target.rooms() if count else []
        if not rooms:
            return
        size = sum(mail["size"] for folder in folders for mail in copy.mails(folder))
        for room in rooms:
            # what is used is told in whole KiB: by one of them it may be less
            needed, free = (count, room.left) if room.resource == "MESSAGE" else (-(-size // 1024), room.left + 1)
            if needed > free:
                unit = "" if room.resource == "MESSAGE" else " KiB"
                raise BackupError("mail_target_small", server=self.place.where, account=self.place.user, resource=room.resource,
                                  free="{0}{1}".format(room.left, unit), needed="{0}{1}".format(needed, unit))

    def _make(self, target: Target, names: Dict[str, str], folders: Sequence[Folder]) -> None:
        """Make the folders that lack."""
        for name in [target.root, *(names[folder.number] for folder in folders)]:
            if name not in self._known:
                self._made(target, name)
                self._known[name] = array.array(imap_shelf.NUMBER)

    @staticmethod
    def _moved(copy: Unpacked, all_of_it: Sequence[Folder], names: Dict[str, str], lying: "Dict[str, Counter[str]]") -> "Counter[str]":
        """What lies in folders of ours beyond what the copy has in them."""
        beyond: Counter[str] = collections.Counter()
        left = {name: collections.Counter(each) for name, each in lying.items() if each}
        for folder in all_of_it:
            if names[folder.number] in left:
                left[names[folder.number]].subtract(mail["sha256"] for mail in copy.mails(folder))
        for each in left.values():
            beyond.update(+each)
        return beyond

    def _not_in(self, copy: Unpacked, folder: Folder, lying: "Counter[str]") -> Iterator[int]:
        for mail in copy.mails(folder):
            if lying[mail["sha256"]] > 0:
                lying[mail["sha256"]] -= 1
                self.there += 1
            else:
                yield mail["uid"]

    def _made(self, target: Target, name: str) -> None:
        try:
            target.make(name)
        except Refused as error:
            raise self._told(error, name) from error

    def _told(self, error: Refused, name: str) -> BackupError:
        if error.kind == "full":
            return BackupError("mail_target_full", server=self.place.where, account=self.place.user, given=self.given + self.there, total=self.total,
                               detail=said(error, self.place))
        return BackupError("mail_target_refused", server=self.place.where, account=self.place.user, folder=name, detail=said(error, self.place))

    def _folder(self, copy: Unpacked, folder: Folder, name: str, target: Target) -> None:
        sent = array.array("Q")      # their UIDs in the copy, whose index says the rest again
        try:
            kept = target.opened_to_write(name)
        except Refused as error:
            raise self._told(error, name) from error
        held = copy.folder(folder.directory)
        try:
            for mail in copy.mails(folder):
                try:
                    _put(target, name, _flags(mail["flags"], kept), _internal(mail["date"]), self._bytes(held, mail["file"]))
                except Refused as error:
                    if error.kind != "this":
                        raise self._told(error, name) from error
                    self.left_out.append("{0}:{1}".format(folder.name, mail["uid"]))
                    continue
                self.given += 1
                sent.append(mail["uid"])
                if self.given == TRIED:      # before a whole mailbox is given to a server that changes all
                    self._compare(copy, folder._replace(uids=sent), name, target)
                    sent = array.array("Q")
        finally:
            os.close(held)
        self._compare(copy, folder._replace(uids=sent), name, target)

    def _bytes(self, folder: int, path: str) -> bytes:
        part, _slash, name = path.partition("/")
        try:
            inner = descriptors.enter(folder, part)
            try:
                return descriptors.read(name, _LARGEST, inner)
            finally:
                os.close(inner)
        except OSError as error:
            raise BackupError("restored_differs", label=self.label, detail=str(error)) from error

    def _compare(self, copy: Unpacked, sent: Folder, name: str, target: Target) -> None:
        """What is new there is what went. Of what was given twice each is looked for once. Raises mail_given_differs."""
        found = array.array(imap_shelf.NUMBER)
        with imap_arrived.New(target, name, self._known[name]) as new:
            for mail in copy.mails(sent):
                flags = {flag.lower() for flag in mail["flags"]}
                there = new.take(mail["sha256"], mail["date"], flags)
                if not there:
                    self.other.append("{0}:{1}".format(sent.name, mail["uid"]))
                    continue
                self.same += 1
                found.append(there.uid)
                self.dates += there.date != mail["date"]
                self.marks += there.flags != flags
                self.lost |= there.flags ^ flags
            # whoever gave the same mails meanwhile had listed the folder before these came: at least one of two who do that sees the other's
            self.doubled += new.doubled()
        self._known[name] = array.array(imap_shelf.NUMBER, sorted(self._known[name] + found))
        if self.given >= TRIED:
            self._refuse_if_none_is_as_given()

    def _refuse_if_none_is_as_given(self) -> None:
        """Raises mail_given_differs where all that was given came to be something else: not of one mail or another, which are named."""
        if self.other and not self.same + self.there:
            raise BackupError("mail_given_differs", server=self.place.where, account=self.place.user, count=len(self.other),
                              named=", ".join(self.other[:_MOST_NAMED]))


def _flags(flags: Sequence[str], kept: Kept) -> List[str]:
    """Those that the folder keeps, as far as they are words of the protocol: a server may refuse a mail for one that it does not keep."""
    return [flag for flag in flags if kept.keeps(flag) and _MARK.fullmatch(flag)]


def _put(target: Target, name: str, flags: List[str], date: str, mail: bytes) -> None:
    """Give a mail with its marks. One that is refused goes again without keywords, then without any: what it lost is told. Raises Refused for its bytes."""
    system = [flag for flag in flags if flag.lower() in imap_maildir.LETTERS]
    for marks in (flags, system):
        if marks:
            try:
                target.append(name, marks, date, mail)
                return
            except Refused as error:
                if error.kind != "this":
                    raise
    target.append(name, [], date, mail)


def _parts(folder: Folder, separator: str) -> List[str]:
    return folder.name.split(separator) if separator else [folder.name]


def _internal(date: str) -> str:
    """A date of an index as APPEND takes it."""
    return "{0}-{1}-{2} {3} +0000".format(date[8:10], _MONTHS[int(date[5:7]) - 1], date[:4], date[11:19])
