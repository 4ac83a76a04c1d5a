# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What vouches on the worst day for the kit and the bitácora that lie on a medium, and what is told of it beforehand, on paper and by mail.

Whoever writes to the medium can lay a kit and a bitácora there that open by the private key of an EGCR: their public key is public. He can't seal by the key
of the institution, nor make other bytes of a SHA-256 that somebody has on paper. So one public key, which stays the same for years, is all that has to be
known: the seals of the bitácora are by it, and a kit is the institution's when an entry that lies below such a seal has its digest.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from ...module_utils._engine import label
from ...module_utils._engine.errors import BackupError
from . import chain, seals, trust
from .any_store import Store

KIT, BITACORA = "Maletín de recuperación", "Bitácora de respaldos"
KINDS = {"kit": "source_code", "bitacora": "database"}
# What a verification finds when the chain is whole and the seals are another's.
BY_OTHERS = ("seal_forged", "seals_missing", "key_unexplained", "key_forged", "key_unconfirmed")
_MADE = ("copy_made", "copy_sealed")
_LOOKED_AT = 100     # copies of a system, for the newest that a run made
_ADOPTED = "adopted"        # a person's word that a copy on a medium is ours: of a kit this would vouch for whoever laid it there


class Stated(NamedTuple):
    """What is to be known on the day: the public key of the seals, and (label, SHA-256) of the newest kit and bitácora; empty where there is none."""

    seal_key: str
    kit: tuple[str, str]
    bitacora: tuple[str, str]


def stated(store: Store, seal_key: str = "") -> Stated:
    """What the bitácora says now, for paper and mail. `seal_key` is the key known to be in force. Raises BackupError(bitacora_unreadable)."""
    if not seal_key:
        found = [entry for entry in store.entries(type="seal", limit=1) if seals.is_one(entry)]
        seal_key = str(found[0]["public_key"]) if found else ""
    return Stated(seal_key, *(_newest(store, KINDS[what], name) for what, name in (("kit", KIT), ("bitacora", BITACORA))))


def key_in_force() -> str:
    """The public key that this controller seals by, as its memory has it; "" when it knows of none."""
    given = trust.settings()
    if given.seal_key is None:
        return ""
    try:
        found = [public for public, row in trust.known(given.seal_key).keys.items() if "until" not in row and row.get("why") != "added"]
    except BackupError:     # told by bitacora_verify; the seals themselves name their key
        return ""
    return found[-1] if found else ""


def _newest(store: Store, kind: str, system: str) -> tuple[str, str]:
    for entry in store.entries(type="copy_made", kind=kind, system=system, newest_first=True, limit=_LOOKED_AT):
        if entry.get("sha256") and not entry.get("simulated") and entry.get("reason") != _ADOPTED:
            return str(entry["label"]), str(entry["sha256"])
    return "", ""


def sealed_to(path: Path) -> int:
    """The entry up to which the last seal of a bitácora reaches, once chain.verify_file has called it whole by a key. Raises sqlite3.Error."""
    row = next(iter(_read(path, "SELECT body FROM entries NOT INDEXED WHERE type = 'seal' ORDER BY n DESC LIMIT 1", ())), None)
    return int(json.loads(row[0])["sealed_n"]) if row else 0


def digest_at(path: Path, n: int) -> str:
    """The digest of an entry by its number, "" where there is none; of a bitácora whose chain was walked. Raises sqlite3.Error."""
    row = next(iter(_read(path, "SELECT digest FROM entries NOT INDEXED WHERE n = ?", (n,))), None)
    return str(row[0]) if row else ""


class Told(NamedTuple):
    """The last entry about a copy of a system, and whether a run made it or a person's word took it in; 0 where there is none."""

    n: int
    by_run: bool


NOTHING = Told(0, False)


def told(path: Path, system: str, kind: str, until: int) -> dict[tuple[str, str], Told]:
    """What the entries up to the number `until` say of the copies of a system, by label and SHA-256. Raises sqlite3.Error."""
    found: dict[tuple[str, str], Told] = {}
    sql = "SELECT n, body FROM entries NOT INDEXED WHERE n <= ? AND type IN ('{0}') AND instr(body, ?) > 0 ORDER BY n".format("', '".join(_MADE))
    for n, text in _read(path, sql, (until, f'"{kind}"')):
        try:
            row = json.loads(text)
            if row.get("kind") == kind and label.canonical(str(row.get("system"))) == label.canonical(system) and not row.get("simulated"):
                copy = str(row.get("label")), str(row.get("sha256"))
                found[copy] = Told(int(n), found.get(copy, NOTHING).by_run or row.get("reason") != _ADOPTED)
        except (ValueError, AttributeError, RecursionError, BackupError):
            continue        # whoever may append may have appended anything
    return found


def _read(path: Path, sql: str, values: tuple[Any, ...]) -> Iterable[tuple[Any, ...]]:
    connection = chain.connect_read_only(path)
    try:
        connection.row_factory = None
        return connection.execute(sql, values).fetchall()
    finally:
        connection.close()
