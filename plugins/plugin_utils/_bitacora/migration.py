# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moves a bitácora from its SQLite file to PostgreSQL: the same entries, byte by byte, and the same chain going on.

The last entry of the file says where it went and the file takes no other. The file is closed before the database is committed: at no
moment are there two that take entries, and when the last step fails the next try finds the file closed and brings it over.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ...module_utils._engine.errors import BackupError, in_both
from . import recorder, trust
from .postgresql import PostgresqlStore
from .sqlite import SqliteStore


class Move(NamedTuple):
    """What a move did, or would do: whether there is anything to do, and how many entries the chain has."""

    changed: bool
    entries: int


def move(source: Path, admin_url: str, url: str, run: str, simulate: bool = False) -> Move:
    """Bring the chain of a SQLite bitácora to a database that is set up, and close the file. Safe to repeat, and to take up again.

    `admin_url` is how this connects, `url` how runs will. Raises BackupError: bitacora_not_moved, bitacora_unreadable,
    bitacora_unwritable.
    """
    with SqliteStore(source, readonly=True) as old:
        report = trust.verify(old)
        moved = old.moved_to()
    if not report.whole:
        few = report.findings[:3]
        raise _refused(source, url, in_both("its chain is broken: " + "; ".join(finding.english for finding in few),
                                            "su cadena está rota: " + "; ".join(finding.spanish for finding in few)))
    if not report.entries:
        raise _refused(source, url, "it has no entries")
    if moved and moved != url:
        raise _refused(source, url, "it was moved to {0} already".format(moved))
    if not moved:
        _prove_same_key(source, url)
    if simulate:
        return Move(not moved, report.entries)
    with PostgresqlStore(admin_url) as new, new.exclusive():
        count, last = new.run("SELECT count(*), coalesce(max(n), 0) FROM entries")[0]
        if count:
            same = new.run("SELECT 1 FROM entries WHERE n = ? AND digest = ?", (report.head_n, report.head_digest))
            if same and moved:
                return Move(False, last)
            raise _refused(source, url, "that one has {0} entries of its own".format(count))
        if moved:
            with SqliteStore(source, readonly=True) as old:
                return Move(True, _bring(old, new, source, url))
        with SqliteStore(source) as old, old.exclusive():
            body = {"former": old.url, "location": url, "run": run, "controller": recorder.identity()["controller"],
                    "note_es": "La bitácora continúa en {0}".format(url)}
            # A writer of its own: the run numbers its entries itself, and does not know of this one.
            old.close_for_good(body, "move-{0}".format(run or os.getpid()))
            return Move(True, _bring(old, new, source, url))


def _prove_same_key(source: Path, url: str) -> None:
    """Runs that seal by another key at the new address would make strangers of all seals before, and a broken chain of one that is whole."""
    before, after = trust.settings(str(source)).seal_key, trust.settings(url).seal_key
    if before and after and before != after and before.exists():
        raise _refused(source, url, in_both(
            "its seals are by the key {0}, and there this controller would seal by {1}. Name the first in ansible.cfg, section [callback_bitacora], "
            "seal_key = {0}, or as RESPALDO_BITACORA_SEAL_KEY".format(before, after),
            "sus sellos son de la clave {0}, y allí este controlador sellaría con {1}. Indique la primera en ansible.cfg, sección [callback_bitacora], "
            "seal_key = {0}, o como RESPALDO_BITACORA_SEAL_KEY".format(before, after)))


def _bring(old: SqliteStore, new: PostgresqlStore, source: Path, url: str) -> int:
    new.take_in(old.raw())
    report = new.verify()
    head: Sequence[Any] = old.run("SELECT n, digest FROM entries ORDER BY n DESC LIMIT 1")[0]
    if not report.whole or (report.head_n, report.head_digest) != tuple(head):
        raise _refused(source, url, "what was read back there is not the same chain")
    return report.entries


def _refused(source: Path, url: str, detail: str) -> BackupError:
    return BackupError("bitacora_not_moved", store=source, location=url, detail=detail)
