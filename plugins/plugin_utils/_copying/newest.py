# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which bitácora on a medium is the newest, by what their chains prove: what a copy claims of its time is its clock's word, and clocks jump.

One bitácora is newer than another when it has the other's last entry. That of the newest mostly tells of all other copies, so that one is opened.
"""

from __future__ import annotations

import sqlite3
import typing as t
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from ...module_utils._engine.errors import BackupError, in_both
from ...module_utils._engine.remarks import Remark
from .._bitacora import chain, vouched

_MOST_OPENED = 8        # of copies that no entry tells of


class Failed(Exception):
    """A module failed, and said why."""

    def __init__(self, answer: Mapping[str, t.Any]) -> None:
        super().__init__()
        self.answer = answer


class Opened(t.NamedTuple):
    """A bitácora that was opened aside and proved, and what is to be told of the way there."""

    copy: dict[str, t.Any]
    path: Path
    report: chain.Report
    remarks: list[str]


def found(copies: Sequence[dict[str, t.Any]], system: str, opened: Callable[[dict[str, t.Any]], Opened]) -> Opened:
    """Of copies of the bitácora, the newest by their own word first, the one that goes on from all others.

    Raises BackupError: what `opened` does of the first; recovery_forked where two contradict each other.
    """
    taken = opened(copies[0])
    told = _told(taken, system)
    claimed, remarks, looked = taken.copy["label"], list(taken.remarks), 1
    for copy in copies[1:]:
        if (copy["label"], copy["sha256"]) in told:
            continue        # an older one of it
        if looked >= _MOST_OPENED:
            remarks.append(_not_compared(copy, taken, in_both("too many were opened already", "ya se abrieron demasiadas")))
            break
        looked += 1
        try:
            other = opened(copy)
        except (BackupError, Failed) as error:
            # of the first that is refused; what may be older and can't be read is told
            remarks.append(_not_compared(copy, taken, _why(error)))
            continue
        if _has(other, taken.report):
            taken, told = other, _told(other, system)
            remarks += other.remarks
        elif not _has(taken, other.report):
            raise BackupError("recovery_forked", label=taken.copy["label"], other=copy["label"])
    if taken.copy["label"] != claimed:
        remarks.append(Remark("recovery_clock", claimed=claimed, taken=taken.copy["label"]).in_both)
    return taken._replace(remarks=remarks)


def _not_compared(copy: Mapping[str, t.Any], taken: Opened, why: str) -> str:
    return Remark("recovery_not_compared", label=copy["label"], taken=taken.copy["label"], why=why).in_both


def _why(error: BackupError | Failed) -> str:
    if isinstance(error, BackupError):
        return in_both(error.message, error.spanish)
    told = error.answer.get("error") or {}
    return in_both(str(told.get("message") or error.answer.get("msg")), str(told.get("message_es") or error.answer.get("msg")))


def _told(taken: Opened, system: str) -> Collection[tuple[str, str]]:
    """The copies that a bitácora has entries of, by label and SHA-256."""
    try:
        return vouched.told(taken.path, system, vouched.KINDS["bitacora"], taken.report.head_n)
    except sqlite3.Error as error:
        raise BackupError("recovered_bitacora_broken", label=taken.copy["label"], detail=error) from error


def _has(longer: Opened, report: chain.Report) -> bool:
    """Whether a bitácora has the last entry of another, and so all before it."""
    try:
        return vouched.digest_at(longer.path, report.head_n) == report.head_digest
    except sqlite3.Error as error:
        raise BackupError("recovered_bitacora_broken", label=longer.copy["label"], detail=error) from error
