# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The queue of letters, which is the bitácora: each is reserved by an entry before it goes and told by another once it went, or failed.

A run that dies between the two leaves the reservation with its Message-ID. The next sends that letter again under the same one, so that mail programs, and
our own intake, know it for the same. Of two controllers at once one reserves a letter, and the other passes it over. What failed waits longer each time.
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from ...module_utils._engine import result
from ...module_utils._engine.errors import BackupError
from .._bitacora import written_at_once
from .._bitacora.any_store import Store
from .._decisions import due as moments
from .due import FAILED, KINDS, STARTED, TOLD, TYPES, Key, Letter, key_of
from .writing import Written

_FIRST_PAUSE, _LONGEST_PAUSE = datetime.timedelta(minutes=5), datetime.timedelta(days=1)
# A letter takes a minute or two to send; a run that has held one for longer has lost its controller, or is about to send under the same Message-ID.
_HELD = datetime.timedelta(hours=1)
_RUN_ENDS = ("run_ended", "run_interrupted")
# More in a day to one address is no service to anybody: what is beyond waits for the next.
MOST_A_DAY = 30


class Tries(NamedTuple):
    """What was tried of one letter: failures since it was last told, the last entry, and the reservation with its identity."""

    failures: int = 0
    last: Mapping[str, Any] = {}
    started: Mapping[str, Any] = {}
    told: bool = False


def tries(told: Iterable[Mapping[str, Any]]) -> dict[Key, Tries]:
    """What entries of TYPES say of each letter."""
    found: dict[Key, Tries] = {}
    for entry in told:
        if entry.get("simulated"):
            continue
        key = key_of(entry)
        known = found.get(key, Tries())
        found[key] = Tries(known.failures + (entry["type"] == FAILED), entry, entry if entry["type"] == STARTED else known.started,
                           known.told or entry["type"] == TOLD)
    return found


def not_before(known: Tries, now: datetime.datetime) -> datetime.datetime:
    """When a letter that failed may be tried again: at once, where a clock that was ahead wrote the failure."""
    failed = moments.moment(known.last.get("at_event")) or moments.UNKNOWN
    if known.last.get("type") != FAILED or moments.is_ahead({"started_at": known.last.get("at_event")}, now):
        return moments.UNKNOWN
    return failed + min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(known.failures - 1, 20))


def today_to(address: str, told: Iterable[Mapping[str, Any]], now: datetime.datetime) -> int:
    """How many letters went to an address in the last day. What a clock sent that was ahead counts for no day."""
    return sum(entry["type"] == TOLD and str(entry.get("address", "")).casefold() == address.casefold() and not entry.get("simulated")
               and -moments.CLOCKS_DIFFER <= now - (moments.moment(entry["at_event"]) or moments.UNKNOWN) < datetime.timedelta(days=1) for entry in told)


def reserve(store: Store, letter: Letter, run: str, host: str, now: datetime.datetime, identity: Callable[[], str]) -> str:
    """Take a letter for this run: the Message-ID it goes under; "" when it is told, another run has it, or its time has not come. Durable when this returns.

    Raises BackupError: bitacora_unwritable, bitacora_unreadable.
    """
    with store.exclusive():
        known = tries(store.entries(type=TYPES)).get(letter.key, Tries())
        if known.told or now < not_before(known, now) or _is_held(store, known.last, run, now):
            return ""
        # an identity is signed for one address: a corrected one gets another
        same = known.started if known.started.get("address") == letter.to.address else {}
        message_id = str(same.get("message_id") or identity())
        _write(store, letter, run, host, event=STARTED, message_id=message_id)
    return message_id


def _is_held(store: Store, last: Mapping[str, Any], run: str, now: datetime.datetime) -> bool:
    if last.get("type") != STARTED or last.get("run") == run:
        return False
    return (abs(now - (moments.moment(last["at_event"]) or moments.UNKNOWN)) < _HELD
            and not store.entries(run=str(last.get("run", "")), type=_RUN_ENDS, limit=1))


def told(store: Store, letter: Letter, run: str, host: str, message_id: str, words: Written) -> None:
    """It went; of a file that went with it, the digest is kept."""
    files = ["{0}, {1} bytes, SHA-256 {2}".format(each.name, len(each.data), hashlib.sha256(each.data).hexdigest()) for each in words.attached]
    _write(store, letter, run, host, event=TOLD, message_id=message_id, mail_attached=files or None, note_es="{0}, enviado a {1} <{2}>: {3}{4}".format(
        KINDS[letter.key.letter].spanish.capitalize(), letter.to.name, letter.to.address, words.subject, "".join("; adjunto " + each for each in files)))


def failed(store: Store, letter: Letter, run: str, host: str, error: BackupError, message_id: str = "") -> None:
    """It did not go, and why."""
    _write(store, letter, run, host, event=FAILED, message_id=message_id or None, **result.failure(error))


def _write(store: Store, letter: Letter, run: str, host: str, **more: Any) -> None:
    request, key = letter.request, letter.key
    row = result.build(
        numeral="7.1", ticket=request.ticket, letter=key.letter, links=key.of, reminder=key.number or None, post=key.post, addressee=letter.to.name or None,
        address=letter.to.address or None, office=request.office, system=request.system or None, kind=request.system_kind or None, **more)
    written_at_once.append(store, row, run, host, "letters")
