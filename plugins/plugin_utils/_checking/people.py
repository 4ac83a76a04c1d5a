# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The public keys that copies and seals are encrypted to: whether each can encrypt, and when it ends."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ...module_utils._engine.errors import BackupError, in_both
from ...module_utils._engine.processes import programs
from ...module_utils._engine.transforms.encrypt import Gpg, Keys
from .._inventory import public_key
from .findings import STOPS, WARNS, Finding, of_error

_SOON_DAYS = 60


def look(people: Iterable[Mapping[str, Any]], now: datetime.datetime) -> Iterator[Finding]:
    """Of each person once."""
    seen = set()
    for person in people:
        name = str(person.get("name"))
        file = str(person.get("public_key_file") or "public_key")
        if (name, file) in seen:
            continue
        seen.add((name, file))
        try:
            english, spanish, weight = _verdict(_listing(public_key(person)), now)
        except BackupError as error:
            yield from of_error(error)
            continue
        if english:
            yield from of_error(BackupError("public_key_unfit", person=name, file=file, problem=in_both(english, spanish)), where=file, weight=weight)


def _listing(key: str) -> str:
    with programs.private_directory(programs.memory()) as home, Gpg(Keys("", (key,)), home) as gpg:
        return next(gpg._listings())


def _verdict(listing: str, now: datetime.datetime) -> tuple[str, str, str]:
    """What is wrong with the key that gpg --with-colons lists, in both languages; "" when nothing is."""
    ends: list[int] = []
    expired = ""
    whole = 0      # the end of the key itself: no subkey lasts longer
    for line in listing.splitlines():
        part = line.split(":")
        if part[0] not in ("pub", "sub"):
            continue
        end = int(part[6]) if part[6].isdigit() else 0
        whole = end if part[0] == "pub" else whole
        # lower case: what this very key or subkey can do; revoked, disabled, invalid
        if "e" not in part[11] or part[1] in ("r", "d", "i", "n"):
            continue
        end = min(filter(None, (end, whole)), default=0)
        if end and end <= now.timestamp():
            expired = datetime.datetime.fromtimestamp(end, datetime.timezone.utc).date().isoformat()
            continue
        ends.append(end)
    if not ends and expired:
        return f"expired on {expired}", f"venció el {expired}", STOPS
    if not ends:
        return "can't encrypt: it has no subkey for that", "no sirve para cifrar: no tiene una subllave de cifrado", STOPS
    last = max(ends) if 0 not in ends else 0
    days = int((last - now.timestamp()) // 86400)
    if last and days <= _SOON_DAYS:
        day = datetime.datetime.fromtimestamp(last, datetime.timezone.utc).date().isoformat()
        return f"ends on {day}, in {days} days", f"vence el {day}, en {days} días", WARNS
    return "", "", STOPS
