# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a copy, written onto another medium byte for byte."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from ..errors import BackupError
from ..media.base import SUMS, Deposit, Medium, Slot
from .decoding import no_more

if TYPE_CHECKING:
    from .base import Copy


def bring(opened: Copy, target: Medium) -> str:
    """Write the files of an opened copy onto another medium, whose lock is held, and seal it there. Gives the note for publishing."""
    deposit = target.deposit(opened.slot)
    try:
        for name in [*opened.sums, SUMS]:
            _file(opened.slot, opened.medium, deposit, name, opened.sums.get(name, opened.digest), opened.size)
        return deposit.seal()
    except BaseException:
        deposit.discard()
        raise


def _file(slot: Slot, source: Medium, deposit: Deposit, name: str, expected: str, most: int) -> None:
    digest = hashlib.sha256()
    reading = source.read(slot, name)
    given = no_more(reading.read, most)
    try:
        writing = deposit.write(name)
        try:
            for chunk in iter(lambda: given(1 << 20), b""):
                digest.update(chunk)
                writing.write(chunk)
        finally:
            writing.close()
    finally:
        reading.close()
    if digest.hexdigest() != expected:
        raise BackupError("bytes_differ", file="{0}/{1}".format(source.location(slot), name), detail=_other(digest.hexdigest(), expected))
    if deposit.attested:
        return
    there, written = hashlib.sha256(), deposit.read(name)
    try:
        for chunk in iter(lambda: written.read(1 << 20), b""):
            there.update(chunk)
    finally:
        written.close()
    if there.hexdigest() != expected:
        raise BackupError("bytes_differ", file=name, detail="on the target, " + _other(there.hexdigest(), expected))


def _other(found: str, expected: str) -> str:
    return "its SHA-256 is {0}, recorded {1}".format(found, expected)
