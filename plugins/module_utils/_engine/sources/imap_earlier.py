# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an earlier copy of the same mailbox saves: its mails lie in the private Maildir when the synchroniser begins, which then brings what differs alone.

Nothing is believed of it. Its digest is the bitácora's, each of its files has the bytes that its index says, and the listing of ours judges the new copy as
any other. What it can't be used for is told, and then all mails travel: an earlier copy never makes one fail.
"""

from __future__ import annotations

import array
import contextlib
import os
import stat
from typing import Any, Callable, ContextManager, Dict, Iterator, Mapping, NamedTuple, Set, Tuple

from ..errors import BackupError
from ..filesystem import descriptors, room
from ..remarks import Remark
from . import imap_maildir, imap_shelf
from .base import PartReader
from .imap_dovecot import Dovecot
from .imap_session import Place
from .imap_unpacked import extract, proved

_PARTS = ("cur", "new", "tmp")
# what is found of a copy then, rather than of where it lies or who may open it
_DAMAGES = ("bytes_differ", "copy_missing", "manifest_unreadable", "restored_differs", "structure_unreadable")


class Earlier(NamedTuple):
    """A copy that the bitácora names, whole and made under the same request; `opened` opens it by the one way that copies are read."""

    label: str
    opened: Callable[[], ContextManager[PartReader]]


class Laid:
    """What of an earlier copy lay in the Maildir when the synchroniser began: of each folder UIDVALIDITY, of each mail its UID and the beginning of its digest.

    Numbers alone, 16 bytes a mail.
    """

    def __init__(self, label: str, home: int) -> None:
        self.label = label
        self._folders: Dict[str, Tuple[int, "array.array[int]", "array.array[int]"]] = {}
        for directory, uidvalidity, mails in _folders(home):
            uids, digests = array.array("Q"), array.array("Q")
            for mail in mails:
                uids.append(mail["uid"])
                digests.append(_beginning(mail))
            self._folders[directory] = (uidvalidity, uids, digests)      # in the order of their UIDs, as a server lists them

    def kept(self, home: int, asked: Mapping[str, Set[int]]) -> Tuple[int, int]:
        """How many mails of the new copy are those that lay there: same folder, UIDVALIDITY, UID and bytes. How many of them it was not `asked` for.

        The folders that no index of it tells of, which the server has no more, are emptied: a copy holds nothing that its index has not.
        """
        found, unasked, listed = 0, 0, set()
        for directory, uidvalidity, mails in _folders(home):
            listed.add(directory)
            read = asked.get(directory, ())
            validity, uids, digests = self._folders.get(directory, (0, array.array("Q"), array.array("Q")))
            for mail in mails:
                place = imap_shelf.place_of(uids, mail["uid"]) if validity == uidvalidity else -1
                if place >= 0 and digests[place] == _beginning(mail):
                    found += 1
                    unasked += mail["uid"] not in read
        _leave_only(home, listed)
        return found, unasked


def lay(earlier: Earlier, dovecot: Dovecot, place: Place, separator: str) -> Laid:
    """Unpack a copy into the Maildir as the account that the synchroniser runs as, proved. Raises BackupError, and nothing of it stays then."""
    try:
        with earlier.opened() as reader:
            facts, row = reader.manifest["source"].get("facts") or {}, reader.part("")
            if (reader.manifest["source"]["type"], facts.get("server"), facts.get("mailbox")) != ("imap", place.where, place.user):
                raise BackupError("earlier_unusable", label=earlier.label, detail="it is of another mailbox")
            if row["facts"].get("separator") != separator:
                raise BackupError("earlier_unusable", label=earlier.label, detail="the server parts levels of folders otherwise now")
            needed = int(row.get("size_original") or 0)
            if room.free(dovecot.workspace.pinned) < needed:
                raise BackupError("earlier_unusable", label=earlier.label, detail="there is no room for its {0} bytes".format(needed))
            extract(reader, dovecot.home, dovecot.account)
            proved(reader, dovecot.held)
            if sorted(os.listdir(dovecot.held)) != ["Maildir", "indice"]:
                raise BackupError("restored_differs", label=earlier.label, detail="another tree")
        laid = Laid(earlier.label, dovecot.held)
        descriptors.remove(dovecot.held, "indice")
        return laid
    except OSError as error:      # of its medium, or of the disk where it was to lie
        descriptors.empty(dovecot.held)
        raise BackupError("earlier_unusable", label=earlier.label, detail=str(error)) from error
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:      # a manifest or an index of another form
        descriptors.empty(dovecot.held)
        raise BackupError("restored_differs", label=earlier.label, detail=str(error)) from error
    except BaseException:
        descriptors.empty(dovecot.held)
        raise


def unused(label: str, why: BackupError) -> Remark:
    """What is told of a copy that was not used. One that is damaged somebody has to look at."""
    return Remark("earlier_damaged" if why.fault.name in _DAMAGES else "earlier_unused", label=label, why=why)


def _folders(home: int) -> Iterator[Tuple[str, int, Iterator[Dict[str, Any]]]]:
    """Directory, UIDVALIDITY and mails of each index that lies in `home`."""
    indices = descriptors.enter(home, "indice")
    try:
        for name in sorted(os.listdir(indices)):
            with os.fdopen(descriptors.regular(name, indices), "rb") as file:
                head = imap_maildir.told_of(file.readline())
                yield head["directory"], int(head["uidvalidity"]), map(imap_maildir.told_of, file)
    finally:
        os.close(indices)


def _beginning(mail: Dict[str, Any]) -> int:
    return int(mail["sha256"][:16], 16)


def _leave_only(home: int, listed: "set[str]") -> None:
    maildir = descriptors.enter(home, "Maildir")
    try:
        for entry in descriptors.walk(maildir):
            folder, part = os.path.split(os.path.dirname(entry.path))
            if stat.S_ISREG(entry.status.st_mode) and part in _PARTS and folder not in listed:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(entry.name, dir_fd=entry.held)
    finally:
        os.close(maildir)
