# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mails of a mailbox of Microsoft 365, taken one by one, and judged by a listing afterwards that also writes the index.

Bytes are kept by the mail's immutable identifier and the state it was in (changeKey), and get their place in a folder when the second listing says where they
are: what is moved meanwhile is taken once. What that listing has must be in the copy, and what the first had and it has not must be gone from the mailbox.
Listing and a second reading of some mails, or of all, go over a session of their own.
"""

from __future__ import annotations

import os
import secrets
import time
from typing import Any, Dict, List, NamedTuple, Set

from ..errors import BackupError
from ..filesystem import descriptors
from . import graph_again, graph_listing, graph_maildir, imap_maildir
from .graph_listing import Counted, Folder, Mail
from .graph_service import MIME_FAILED, Oversized, Refused, Service, Unwritable
from .graph_written import Written
from .imap_judging import SAMPLE, Judged

_BYTES = "bytes"
_MOST_ASKED = 200       # mails that are gone, asked for one by one
_SHOWN = 120
_SCANNING = 86400.0     # seconds since a mail came, in which what stands in place of an attachment is none of its own


class _Held(NamedTuple):
    """A mail whose bytes are here: the number of its file, the state it was in."""

    number: int
    change: str
    sha256: str
    size: int
    shown: int           # bytes as IMAP counts them, each line ended by CR and LF


class Taking:
    """What was taken so far into a directory that is held. `judge` gives what stands in `Maildir` and `indice` there.

    `every`: all mails are read a second time, not some of each folder.
    """

    def __init__(self, home: int, every: bool) -> None:
        self._home, self._every, self._uidvalidity = home, every, int(time.time())
        self._bytes = descriptors.make_directory(home, _BYTES)
        self._held: Dict[str, _Held] = {}
        self._never: Dict[str, str] = {}        # mails that the service can't give as they are now, and why
        self._begun: Dict[str, str] = {}        # mails of the first listing, and the folder that each was in
        self._again: Dict[str, str] = {}        # mails that were read a second time: in which state
        self._chosen: Set[str] = set()          # those of which that is asked
        self._doubted: Set[str] = set()         # those that were other content once: one reading of them is not enough
        self._number = self.alike = 0

    @property
    def compared(self) -> int:
        """How many mails were read a second time, and were the same."""
        return len(self._again)

    def close(self) -> None:
        os.close(self._bytes)
        descriptors.remove(self._home, _BYTES)

    def bring(self, service: Service) -> None:
        """Take each mail that is there and not here."""
        self._service, self._begun = service, {}
        try:
            tree, _strange = graph_listing.completed(service, graph_listing.tree(service))
            for folder in tree.folders:
                self._bring(folder)
        except Refused as error:
            self._unless_gone(error)

    def _bring(self, folder: Folder) -> None:
        try:
            for mail in Counted(self._service, folder).mails():
                self._begun[mail.id] = folder.id
                self._take(mail)
        except Refused as error:
            self._unless_gone(error)

    def judge(self, service: Service, last: bool) -> Judged:
        """Place what is here by a listing of now, over another session. `last`: what is listed and not given is not asked for again."""
        self._service, judged = service, Judged()
        for name in ("Maildir", "indice"):
            if name in os.listdir(self._home):
                descriptors.remove(self._home, name)
        maildir = descriptors.make_directory(self._home, "Maildir")
        indices = descriptors.make_directory(self._home, "indice")
        seen: Set[str] = set()
        try:
            inbox = graph_listing.inbox(service)
            listed = graph_listing.tree(service)
            tree, strange = graph_listing.completed(service, listed)
            directories = graph_maildir.directories(tree.folders, inbox)
            self._choose()
            for number, folder in enumerate(tree.folders, 1):
                self._folder(folder, directories[folder.id], maildir, (indices, "{0:05d}.jsonl".format(number)), seen, judged, last)
            for above, mail in strange:
                judged.lacks(above, mail, "it lies in a folder that is not listed")
            if tree.unlisted:
                judged.lacks(graph_maildir.SEPARATOR, 0, "{0} folders at the top are counted and not listed".format(tree.unlisted))
            if (strange or tree.unlisted) and not last or graph_listing.tree(service).folders != listed.folders:
                judged.unsettled.append("*")
            judged.uncounted = tree.uncounted
            self._gone(seen, judged)
        except Refused as error:
            self._unless_gone(error)
            judged.unsettled.append("*")
        finally:
            os.close(maildir)
            os.close(indices)
        return judged

    def _choose(self) -> None:
        """Of each folder some mails, by chance, whose bytes are read a second time."""
        of_folder: Dict[str, List[str]] = {}
        for mail, folder in self._begun.items():
            of_folder.setdefault(folder, []).append(mail)
        chance = secrets.SystemRandom()
        self._chosen = {mail for mails in of_folder.values() for mail in chance.sample(mails, min(SAMPLE, len(mails)))}

    def _folder(self, folder: Folder, directory: str, maildir: int, index: Any, seen: Set[str], judged: Judged, last: bool) -> None:
        name = told(folder)
        judged.folders += 1
        counted, paths = Counted(self._service, folder), []
        held = graph_maildir.made(maildir, directory)
        try:
            with os.fdopen(descriptors.create(*index), "wb") as file:
                head = imap_maildir.head(directory or graph_maildir.INBOX, directory, self._uidvalidity)
                text = imap_maildir.written({**head, "name": graph_maildir.SEPARATOR.join(folder.names), "hidden": folder.hidden})
                judged.index.update(text)
                file.write(text)
                for mail in counted.mails():
                    if mail.id in seen:      # moved while it was listed
                        judged.unsettled.append(name)
                        continue
                    seen.add(mail.id)
                    if mail.id not in self._begun:
                        judged.arrived += 1
                    why = self._take(mail) or self._compare(mail, judged)
                    if why:
                        judged.lacks(name, mail.id, why)
                        if not last and mail.id + mail.change not in self._never:
                            judged.unsettled.append(name)      # it may be given the next time
                        continue
                    here = self._held[mail.id]
                    paths.append(graph_maildir.placed(self._bytes, str(here.number), held, here.number, mail.date, mail.flags))
                    text = imap_maildir.written(_line(mail, len(paths), paths[-1], here))
                    judged.index.update(text)
                    file.write(text)
                    judged.mails += 1
                    judged.size += here.size
            graph_maildir.listed(held, self._uidvalidity, paths)
        finally:
            os.close(held)
        if folder.unlisted:      # pages of folders may end early, as those of mails
            judged.lacks(name, 0, "{0} folders below it are counted and not listed".format(folder.unlisted))
        if not counted.whole or folder.unlisted and not last:
            judged.unsettled.append(name)

    def _gone(self, seen: Set[str], judged: Judged) -> None:
        """What the first listing had and the second has not: gone, or moved while it was listed, and then all is listed again."""
        away = self._begun.keys() - seen
        judged.gone += len(away)
        if len(away) > _MOST_ASKED or any(graph_listing.there(self._service, each) for each in sorted(away)):
            judged.unsettled.append("*")

    def _take(self, mail: Mail) -> str:
        """Have a mail's bytes here as they are in this state of it. Gives why they can't be had, "" when they are here."""
        here = self._held.get(mail.id)
        if here and here.change == mail.change:
            return ""
        if mail.id + mail.change in self._never:
            return self._never[mail.id + mail.change]
        self._number += 1
        writing = Written(self._bytes, str(self._number))
        try:
            self._service.stream("messages/{0}/$value".format(graph_listing.quoted(mail.id)), writing.again)
        except Unwritable as error:
            raise error.error from error
        except Oversized:
            return self._drop(mail, "it is larger than a mail can be")
        except Refused as error:
            if error.status == 404:
                return "it is listed, and not given"
            if error.code == MIME_FAILED:
                return self._drop(mail, "the server can't write it as MIME")
            return "the server answers {0}".format(error)
        finally:
            writing.close()
        if not writing.size:
            return "the server gave no bytes"
        if writing.scanned and graph_maildir.seconds_of(mail.date) > time.time() - _SCANNING:
            return "an attachment of it is being scanned"
        if here:
            descriptors.remove(self._bytes, str(here.number))
        self._held[mail.id] = _Held(self._number, mail.change, writing.sha256.hexdigest(), writing.size, writing.shown)
        return ""

    def _compare(self, mail: Mail, judged: Judged) -> str:
        """Read a mail that was chosen a second time. Gives why the copy can't have it, "" when it can."""
        here = self._held[mail.id]
        if not (self._every or mail.id in self._chosen or mail.id in self._doubted) or self._again.get(mail.id) == mail.change:
            return ""
        try:
            found = graph_again.compared(self._service, self._bytes, mail, graph_again.opens(self._bytes, str(here.number)), here.sha256)
        except Oversized:
            found = graph_again.OTHER
        except Refused as error:
            return "the server answers {0}".format(error)
        if found == graph_again.OTHER:
            self._doubted.add(mail.id)
            del self._held[mail.id]      # which of both is true nobody can say: it is taken anew
            descriptors.remove(self._bytes, str(here.number))
            return "other content when it is read again"
        if found in (graph_again.SAME, graph_again.ALIKE):
            self._again[mail.id] = mail.change
            self.alike += found == graph_again.ALIKE
        judged.gone += found == graph_again.GONE       # what was brought stays
        return ""

    def _drop(self, mail: Mail, why: str) -> str:
        self._never[mail.id + mail.change] = why
        return why

    def _unless_gone(self, error: Refused) -> None:
        """A folder that was removed while it was listed changes what is listed, and no more."""
        if error.status != 404:
            raise BackupError("mailbox_service_unreachable", server=self._service.endpoint, detail="it answers {0}".format(error)) from error


def told(folder: Folder) -> str:
    """A folder's name and those above it, on one line."""
    return printable(graph_maildir.SEPARATOR.join(folder.names))


def printable(name: str) -> str:
    """A folder's name as it is told."""
    return "".join(each if each.isprintable() else "\ufffd" for each in name)[:_SHOWN]


def _line(mail: Mail, uid: int, path: str, here: _Held) -> Dict[str, Any]:
    line = {"uid": uid, "file": path, "flags": list(mail.flags), "date": mail.date, "size": here.size, "sha256": here.sha256, "id": mail.id,
            "change": mail.change, "message_id": mail.message_id, "categories": list(mail.categories)}
    if here.shown != here.size:
        line["shown"] = here.shown
    return line
