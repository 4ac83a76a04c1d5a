# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a mailbox is asked back, and as what: all of it, some folders, or the mails that a search finds."""

from __future__ import annotations

import re
from typing import Any, Dict, Mapping, NamedTuple, Optional, Tuple

from ..errors import BackupError
from . import imap_headers

FORMS = ("maildir", "eml", "mbox", "mailbox")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)?")


class Asked(NamedTuple):
    """Texts are folded as imap_headers.folded does it; a moment is a day, or a time in UTC, both inclusive."""

    form: str = FORMS[0]
    folders: Tuple[str, ...] = ()
    sender: str = ""
    since: str = ""
    until: str = ""
    subject: Tuple[str, ...] = ()      # words, all of which are wanted

    @property
    def into_mailbox(self) -> bool:
        return self.form == "mailbox"

    @property
    def searches(self) -> bool:
        return bool(self.sender or self.since or self.until or self.subject)

    @property
    def whole(self) -> bool:
        return not (self.folders or self.searches)

    @property
    def reads_mails(self) -> bool:
        """Whether the index alone can't tell."""
        return bool(self.sender or self.subject)

    def in_time(self, date: str) -> bool:
        """Whether a mail was received when it was asked for, by its date of the index."""
        return date[:len(self.since)] >= self.since and (not self.until or date[:len(self.until)] <= self.until)

    def finds(self, fields: Mapping[str, str]) -> bool:
        """Whether the headers of a mail are what was asked for, by their folded texts."""
        of_sender = not self.sender or any(self.sender in fields.get(name, "") for name in ("from", "sender"))
        return of_sender and all(word in fields.get("subject", "") for word in self.subject)


def read(given: Optional[Mapping[str, Any]]) -> Asked:
    """What the options of a task say. Raises BackupError(invalid_input)."""
    told: Dict[str, Any] = dict(given or {})
    form = told.get("format") or FORMS[0]
    if form not in FORMS:
        raise BackupError("invalid_input", where="mail.format", value=form, problem="is no form of mails", mend="Use one of: {0}.".format(", ".join(FORMS)))
    for name in ("since", "until"):
        if told.get(name) and not _MOMENT.fullmatch(told[name]):
            raise BackupError("invalid_input", where="mail." + name, value=told[name], problem="is not a date", mend="Write it as 2026-11-22.")
    since, until = told.get("since") or "", told.get("until") or ""
    if since and until and since[:10] > until[:10]:
        raise BackupError("invalid_input", where="mail.until", value=until, problem="ends before it begins",
                          mend="Give the first day as since and the last one as until.")
    return Asked(form, tuple(each for each in told.get("folders") or () if each), imap_headers.folded(told.get("sender") or ""), since, until,
                 tuple(imap_headers.folded(told.get("subject") or "").split()))
