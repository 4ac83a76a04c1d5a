# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mails of a mailbox of Microsoft 365, taken one by one, and judged by a listing afterwards that also writes the index.

Bytes are kept by the mail's immutable identifier and the state it was in (changeKey), and get their place in a folder when the second listing says where they
are: what is moved meanwhile is taken once. What that listing has must be in the copy, and what the first had and it has not must be gone from the mailbox.
"""

from __future__ import annotations

import hashlib
import os
import time
from typing import Any, Dict, List, NamedTuple, Set

from ..errors import BackupError
from ..filesystem import descriptors
from . import graph_listing, graph_maildir, imap_maildir
from .graph_listing import Counted, Folder, Mail
from .graph_service import MIME_FAILED, Oversized, Refused, Service, Unwritable
from .imap_judging import Judged

_BYTES = "bytes"
_MOST_ASKED = 200       # mails that are gone, asked for one by one
_SHOWN = 120


class _Held(NamedTuple):
    """A mail whose bytes are here: the number of its file, the state it was in."""

    number: int
    change: str
    sha256: str
    size: int
    shown: int           # bytes as IMAP counts them, each line ended by CR and LF


class Taking:
    """What was taken so far into a directory that is held. `judge` gives what stands in `Maildir` and `indice` there."""

    def __init__(self, service: Service, home: int) -> None:
        self._service, self._home, self._uidvalidity = service, home, int(time.time())
        self._bytes = descriptors.make_directory(home, _BYTES)
        self._held: Dict[str, _Held] = {}
        self._never: Dict[str, str] = {}        # mails that the service can't give as they are now, and why
        self._begun: Set[str] = set()
        self._number = 0

    def close(self) -> None:
        os.close(self._bytes)
        descriptors.remove(self._home, _BYTES)

    def bring(self) -> None:
        """Take each mail that is there and not here."""
        self._begun = set()
        try:
            for folder in graph_listing.folders(self._service):
                self._bring(folder)
        except Refused as error:
            self._unless_gone(error)

    def _bring(self, folder: Folder) -> None:
        try:
            for mail in Counted(self._service, folder).mails():
                self._begun.add(mail.id)
                self._take(mail)
        except Refused as error:
            self._unless_gone(error)

    def judge(self, last: bool) -> Judged:
        """Place what is here by a listing of now. `last`: what is listed and not given is not asked for again."""
        judged = Judged()
        for name in ("Maildir", "indice"):
            if name in os.listdir(self._home):
                descriptors.remove(self._home, name)
        maildir = descriptors.make_directory(self._home, "Maildir")
        indices = descriptors.make_directory(self._home, "indice")
        seen: Set[str] = set()
        try:
            inbox = graph_listing.inbox(self._service)
            folders = graph_listing.folders(self._service)
            directories = graph_maildir.directories(folders, inbox)
            for number, folder in enumerate(folders, 1):
                self._folder(folder, directories[folder.id], maildir, (indices, "{0:05d}.jsonl".format(number)), seen, judged, last)
            if graph_listing.folders(self._service) != folders:
                judged.unsettled.append("*")
            self._gone(seen, judged)
        except Refused as error:
            self._unless_gone(error)
            judged.unsettled.append("*")
        finally:
            os.close(maildir)
            os.close(indices)
        return judged

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
                    why = self._take(mail)
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
        away = self._begun - seen
        judged.gone = len(away)
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
        writing = _Writing(self._bytes, str(self._number))
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
        if here:
            descriptors.remove(self._bytes, str(here.number))
        self._held[mail.id] = _Held(self._number, mail.change, writing.sha256.hexdigest(), writing.size, writing.shown)
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
    return "/".join("".join(each if each.isprintable() else "\ufffd" for each in name) for name in folder.names)[:_SHOWN]


def _line(mail: Mail, uid: int, path: str, here: _Held) -> Dict[str, Any]:
    line = {"uid": uid, "file": path, "flags": list(mail.flags), "date": mail.date, "size": here.size, "sha256": here.sha256, "id": mail.id,
            "message_id": mail.message_id, "categories": list(mail.categories)}
    if here.shown != here.size:
        line["shown"] = here.shown
    return line


class _Writing:
    """A mail's file, as its bytes come; begun anew when they must be asked for again."""

    def __init__(self, directory: int, name: str) -> None:
        self._directory, self._name, self._held = directory, name, -1
        self.again_from_start()

    def again_from_start(self) -> None:
        self.sha256, self.size, self.shown, self._last = hashlib.sha256(), 0, 0, b""

    def again(self) -> Any:
        if self._held < 0:
            self._held = descriptors.create(self._directory, self._name)
        os.ftruncate(self._held, 0)
        os.lseek(self._held, 0, os.SEEK_SET)
        self.again_from_start()
        return self._write

    def _write(self, chunk: bytes) -> None:
        self.sha256.update(chunk)
        self.size += len(chunk)
        joined = self._last + chunk
        bare = joined.count(b"\n") - joined.count(b"\r\n") - (self._last == b"\n")
        self.shown += len(chunk) + bare
        self._last = chunk[-1:]
        rest: List[bytes] = [chunk]
        while rest:
            part = rest.pop()
            done = os.write(self._held, part)
            if done < len(part):
                rest.append(part[done:])

    def close(self) -> None:
        if self._held >= 0:
            os.close(self._held)
            self._held = -1
