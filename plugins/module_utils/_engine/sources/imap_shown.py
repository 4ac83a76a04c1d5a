# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mails of a copy that was unpacked, listed by a Dovecot of its own and compared with the index."""

from __future__ import annotations

import contextlib
import imaplib
import os
from typing import Any, Dict, Iterator, List, Tuple

from ..errors import BackupError
from ..filesystem import descriptors
from . import imap_listing, imap_maildir
from .imap_dovecot import Dovecot

_SYSTEM = ("\\seen", "\\answered", "\\flagged", "\\deleted", "\\draft")


def shown_again(dovecot: Dovecot, label: str) -> int:
    """How many mails were shown as the index has them: UIDVALIDITY, UID, size, date, system flags. Raises restored_differs."""
    shown = 0
    try:
        indices = descriptors.enter(dovecot.held, "indice")
        session = dovecot.session()
        try:
            for folder, rows in _folders(indices):
                shown += _folder(session, folder, rows, label)
        finally:
            os.close(indices)
            with contextlib.suppress(OSError, imaplib.IMAP4.error):
                session.logout()
    except (OSError, ValueError, KeyError, imaplib.IMAP4.error, imap_listing.Unlistable) as error:
        raise BackupError("restored_differs", label=label, detail=str(error)) from error
    return shown


def _folders(indices: int) -> Iterator[Tuple[Dict[str, Any], List[Dict[str, Any]]]]:
    head: Dict[str, Any] = {}
    rows: List[Dict[str, Any]] = []
    for _text, told in imap_maildir.read(indices):
        if "uidvalidity" in told:
            if head:
                yield head, rows
            head, rows = told, []
        else:
            rows.append(told)
    if head:
        yield head, rows


def _folder(session: imaplib.IMAP4, head: Dict[str, Any], wanted: List[Dict[str, Any]], label: str) -> int:
    folder = imap_listing.opened(session, head["folder"])
    if folder is None or folder.uidvalidity != head["uidvalidity"]:
        raise BackupError("restored_differs", label=label, detail="UIDVALIDITY {0}".format(head["uidvalidity"]))
    there = {row.uid: row for row in imap_listing.rows(session, folder.exists)}
    for each in wanted:
        row = there.get(each["uid"])
        if row is None or (row.size, row.date, _system(row.flags)) != (each.get("shown", each["size"]), each["date"], _system(each["flags"])):
            raise BackupError("restored_differs", label=label, detail="UID {0}".format(each["uid"]))
    return len(wanted)


def _system(flags: Any) -> List[str]:
    return sorted(flag.lower() for flag in flags if flag.lower() in _SYSTEM)
