# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mails of a copy that was unpacked, listed by a Dovecot of its own and compared with the index."""

from __future__ import annotations

import contextlib
import imaplib
import json
import os
import tempfile
from typing import Any, Dict, List

from ..errors import BackupError
from ..filesystem import descriptors, room
from . import imap_listing, imap_maildir, imap_shelf
from .imap_dovecot import Dovecot
from .imap_session import FULL

_SYSTEM = ("\\seen", "\\answered", "\\flagged", "\\deleted", "\\draft")


def shown_again(dovecot: Dovecot, label: str) -> int:
    """How many mails were shown as the index has them: UIDVALIDITY, UID, size, date, system flags. Raises restored_differs, rehearsal_no_room."""
    shown = needed = 0
    try:
        indices = descriptors.enter(dovecot.held, "indice")
        needed = sum(os.stat(name, dir_fd=indices, follow_symlinks=False).st_size for name in os.listdir(indices))
        session = dovecot.session()
        there = imap_shelf.Shelf()
        try:
            for _text, told in imap_maildir.read(indices):
                if "uidvalidity" in told:
                    there.close()
                    there = _listed(session, told, label)
                    continue
                if there.take(told["uid"]) != _compared(told.get("shown", told["size"]), told["date"], told["flags"]):
                    raise BackupError("restored_differs", label=label, detail="UID {0}".format(told["uid"]))
                shown += 1
        finally:
            there.close()
            os.close(indices)
            with contextlib.suppress(OSError, imaplib.IMAP4.error):
                session.logout()
    except (OSError, ValueError, KeyError, imaplib.IMAP4.error, imap_listing.Unlistable) as error:
        if isinstance(error, OSError) and error.errno in FULL:      # of the shelf, which is this server's and no part of the copy
            raise room.missing(tempfile.gettempdir(), needed, label, True) from error
        raise BackupError("restored_differs", label=label, detail=str(error)) from error
    return shown


def _listed(session: imaplib.IMAP4, head: Dict[str, Any], label: str) -> imap_shelf.Shelf:
    """What is compared of each mail of a folder, as the Dovecot shows it."""
    folder = imap_listing.opened(session, head["folder"])
    if folder is None or folder.uidvalidity != head["uidvalidity"]:
        raise BackupError("restored_differs", label=label, detail="UIDVALIDITY {0}".format(head["uidvalidity"]))
    there = imap_shelf.Shelf()
    try:
        for row in imap_listing.rows(session, folder.exists):
            there.put(row.uid, _compared(row.size, row.date, row.flags))
    except BaseException:
        there.close()
        raise
    return there


def _compared(size: int, date: str, flags: Any) -> bytes:
    return json.dumps([size, date, _system(flags)]).encode("ascii")


def _system(flags: Any) -> List[str]:
    return sorted(flag.lower() for flag in flags if flag.lower() in _SYSTEM)
