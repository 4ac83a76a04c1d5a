# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The worst day: what is looked at before anything is opened, and what is told of it. A bitácora that is there, the machine's clock, an attempt before."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import typing as t
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from ...module_utils._engine import result
from ...module_utils._engine.errors import BackupError, in_both
from ...module_utils._engine.moments import now
from ...module_utils._engine.remarks import Remark
from .. import _forms, _held_places
from .._bitacora import clock

LARGEST_NOTE = 1 << 16
# What SQLite would read into whatever lies beside it by the first of these names.
_BESIDE = ("", "-wal", "-shm", "-journal")
_BEHIND = datetime.timedelta(hours=1)       # by what a new machine's clock may be off without a word


def refuse_a_bitacora(path: Path, note: Path) -> None:
    """Raises recovery_bitacora_there where something stands in the place of the bitácora, or what SQLite would take for a part of it; recovery_laid_out
    where the note says that a recovery got that far.
    """
    if os.path.lexists(path):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            told = json.loads(_held_places.read(note, LARGEST_NOTE))
            raise BackupError("recovery_laid_out", at=_forms.line(told["at"], 40), kit=_forms.line(told["kit"]["label"], 100),
                              bitacora=_forms.line(told["bitacora"]["label"], 100))
    for each in _BESIDE:
        if os.path.lexists(str(path) + each):
            raise BackupError("recovery_bitacora_there", path=str(path) + each)


def kit_noted(note: Path) -> str:
    """The SHA-256 of the kit that an attempt began to put in its place, "" where none did."""
    try:
        return str(json.loads(_held_places.read(note, LARGEST_NOTE))["kit"]["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def refuse_a_clock_behind(copies: Collection[Mapping[str, t.Any]]) -> None:
    """A new machine's clock may be years behind, and what is recorded by it stays so for ever. Raises recovery_clock_behind."""
    newest, present = _newest(copies), now()
    if newest and _moment(newest) > _moment(present) + _BEHIND:
        raise BackupError("recovery_clock_behind", now=present, newest=newest)


def long_ago(copies: Collection[Mapping[str, t.Any]]) -> list[str]:
    """What is told where the newest of copies is of long ago: an old medium, or a clock that is ahead."""
    newest, present = _newest(copies), now()
    if not newest or _moment(present) - _moment(newest) < clock.LONGEST_SILENCE:
        return []
    return [Remark("recovery_long_ago", newest=newest, now=present).in_both]


def custodians(given: t.Any) -> str:
    """Who was asked, for people: the custodians by name, or the directory of one and whether it is there."""
    if not given:
        return in_both("nobody was given", "no se indicó ninguno")
    if isinstance(given, str):
        return given if os.path.isdir(given) else in_both("{0}, which is no directory".format(given), "{0}, que no es un directorio".format(given))
    rows = [given] if isinstance(given, Mapping) else given
    return ", ".join(_forms.line(str(row.get("name")), 60) for row in rows if isinstance(row, Mapping))


def _newest(copies: Iterable[Mapping[str, t.Any]]) -> str:
    """The latest moment that copies claim, "" where none does."""
    claimed = (copy["manifest"].get("started_at") for copy in copies)
    return max((str(each) for each in claimed if result.is_time(each)), default="")


def _moment(stamp: str) -> datetime.datetime:
    return datetime.datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ")
