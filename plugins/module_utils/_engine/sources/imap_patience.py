# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server of mailboxes says when it can't serve now and will later: it is waited for as long as it asks, within a limit, and asked again.

UNAVAILABLE, LIMIT and INUSE are response codes of RFC 5530; Exchange has sentences for it, one with the time that it asks for.
"""

from __future__ import annotations

import imaplib
import re
import time
from typing import Any, Callable, Optional, Tuple

from ..errors import BackupError

PATIENCE = 900.0      # seconds that one question may wait in all
_UNTOLD = 15.0        # between two attempts where the server says no time
_SUGGESTED = re.compile(r"Suggested Backoff Time: ([0-9]{1,9}) milliseconds", re.IGNORECASE)
_LATER = re.compile(r"\[(?:UNAVAILABLE|LIMIT|INUSE)\]|authenticated but not connected|request is throttled", re.IGNORECASE)
# the end of a command that failed, as it comes; what stands in a mail begins no line so but by its author's will, and costs a wait within the limit
_FAILED = re.compile(rb"(?:\A|\n)[A-Za-z0-9.]{1,32} (?:NO|BAD) ([^\r\n]{0,500})")


def to_wait(words: str) -> Optional[float]:
    """Seconds after which to ask again; None for words that say nothing of later."""
    asked = _SUGGESTED.search(words)
    if asked:
        return int(asked[1]) / 1000 + 0.01
    return _UNTOLD if _LATER.search(words) else None


def heard(answer: bytes) -> float:
    """The longest time that failed commands of a piece of a server's answers ask for; 0 for none."""
    return max((to_wait(words.decode("utf-8", "replace")) or 0.0 for words in _FAILED.findall(answer)), default=0.0)


class Waited:
    """How long was waited for one thing. `more` waits again, or raises BackupError imap_throttled where that would be too long."""

    def __init__(self, where: str) -> None:
        self._where, self._spent = where, 0.0

    def more(self, seconds: float, words: str) -> None:
        if self._spent + seconds > PATIENCE:
            raise BackupError("imap_throttled", server=self._where, seconds=int(self._spent), detail=words)
        self._spent += seconds
        time.sleep(seconds)


def asked(session: imaplib.IMAP4, ask: Callable[[], Tuple[str, Any]]) -> Tuple[str, Any]:
    """The answer to a question that changes nothing, asked again while the server says that it will serve later. Raises what `ask` does, imap_throttled."""
    waited = Waited(getattr(session, "where", ""))
    while True:
        try:
            status, told = ask()
            if status == "OK":
                return status, told
            words, error = b" ".join(each for each in told if isinstance(each, bytes)).decode("utf-8", "replace"), None
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as raised:      # BAD
            status, told, words, error = "BAD", [], str(raised), raised
        seconds = to_wait(words)
        if seconds is None:
            if error:
                raise error
            return status, told
        hidden = getattr(session, "hidden", str)      # of the password, which a server may repeat
        waited.more(seconds, hidden("".join(each if each.isprintable() else " " for each in words))[:200])
        # rows that came before it failed would be taken for the answer to the next question
        session.untagged_responses.pop("FETCH", None)
