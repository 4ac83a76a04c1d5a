# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the controller's clock is one to measure ages by, as far as the bitácora can tell: whoever removes by age asks first.

A clock that jumps ahead at night is followed by the night's own copies before anything is removed, and their entries bear its time. So what was written lately
speaks for no clock: it is the entries from before that it has to follow.
"""

from __future__ import annotations

import datetime

from ...module_utils._engine.errors import BackupError
from .any_store import Store

# Institutions copy each week at least (numeral 6.4): a bitácora without an entry for longer means that the clock jumped, or nobody was here.
LONGEST_SILENCE = datetime.timedelta(days=45)
# Within this a clock that jumped is seen by somebody.
LATELY = datetime.timedelta(days=3)
_SKEW = datetime.timedelta(minutes=5)
# What a removal leaves. After a jump there is none, unless a person said that the clock is right.
_CONFIRMED = "prune_started"


def refuse_a_wrong_one(store: Store, now: datetime.datetime, own: str | None) -> None:
    """A clock behind the bitácora, or far ahead of it, is not one to measure ages by; `own` is this run. Raises BackupError clock_suspect."""
    newest = next((entry["at_recorded"] for entry in store.entries(limit=1000, newest_first=True) if entry.get("run") != own), None)
    if newest is None:
        return
    if not _moment(newest) - _SKEW <= now <= _moment(newest) + LONGEST_SILENCE:
        raise _suspect(now, newest)
    before = store.select("SELECT n, at_recorded FROM entries WHERE at_recorded <= ? ORDER BY n DESC LIMIT 1", (_stamp(now - LATELY),))
    if before and now > _moment(before[0][1]) + LONGEST_SILENCE and not any(entry["n"] > before[0][0] for entry in store.entries(type=_CONFIRMED, limit=1)):
        raise _suspect(now, before[0][1])


def _suspect(now: datetime.datetime, newest: str) -> BackupError:
    return BackupError("clock_suspect", now=_stamp(now), newest=newest)


def _stamp(moment: datetime.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _moment(stamp: str) -> datetime.datetime:
    return datetime.datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc)
