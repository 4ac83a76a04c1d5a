# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A text of a copy loaded into the live server: by a person's wish, and by hands that can do little else.

The client runs as an account of the system that nobody has, and knows no command of the system. It logs in as a database account made
for this, dropped afterwards, that may do all in the one database, without GRANT OPTION, and reads only the databases that views of the copy read.

What stays, and can't be taken away: a dump names the accounts its views, routines and triggers work as (DEFINER). To bring these back
the account may name any (SET USER; SUPER on servers that have nothing less), so a text that was forged could make a routine that works as the
administrator and call it. A copy is therefore restored by a person, who is told whom the objects work as; what nobody restores by hand,
the rehearsal, happens in a throw-away server (mariadb_scratch.py).
"""

from __future__ import annotations

import contextlib
import re
import secrets
import time
from typing import Iterator, List, Sequence

from ..errors import BackupError
from ..processes import stranger
from . import mariadb_text as texts
from .mariadb_client import Connection, number

_NAME = "respaldo_restore_{0}_{1}"
_MADE = re.compile(r"respaldo_restore_(\d{1,12})_[0-9a-f]{8}\Z")
_HOST = re.compile(r"[A-Za-z0-9_.:%-]{1,255}\Z")
_FORGOTTEN_SECONDS = 7 * 24 * 3600
_CUT = re.compile(r"ERROR (?:2006|2013|1153)\b")
_LARGEST = 1 << 30     # bytes: what a statement may have at most
_DENIED = re.compile(r"ERROR (?:1044|1045|1142|1143|1227|1370|1410|1419|1435|1445|1698)\b")


@contextlib.contextmanager
def hands(live: Connection, version: str, into: str, reads: Sequence[str], events: bool = True) -> Iterator[Connection]:
    """A connection for loading a text into the database `into`, by an account that has rights there and nowhere else.

    `reads` are the databases that views of it read. Raises restore_hands_missing where the given account can't make one.
    """
    _sweep(live)
    # MariaDB's and MySQL's rules for passwords ask for one of each kind
    user, password = _NAME.format(int(time.time()), secrets.token_hex(4)), secrets.token_urlsafe(24) + "aA1+"
    host = live.ask("SELECT SUBSTRING_INDEX(USER(), '@', -1)").strip()
    if not _HOST.match(host):
        raise BackupError("restore_hands_missing", target=into, detail="the server sees us as {0!r}".format(host[:80]))
    account = "'{0}'@'{1}'".format(user, host)
    rights = ["GRANT ALL PRIVILEGES ON {0}.* TO {1}".format(texts.pattern(into), account)]
    rights += [] if events else ["REVOKE EVENT ON {0}.* FROM {1}".format(texts.pattern(into), account)]
    rights += ["GRANT SELECT, EXECUTE, SHOW VIEW, REFERENCES ON {0}.* TO {1}".format(texts.pattern(name), account) for name in reads]
    wider = wide(live, version)
    try:
        live.command("CREATE USER {0} IDENTIFIED BY '{1}'".format(account, password), *rights, "GRANT {0} ON *.* TO {1}".format(", ".join(wider), account))
    except BackupError as error:
        _drop(live, account)
        if error.fault.name != "stage_failed":
            raise
        raise BackupError("restore_hands_missing", target=into, detail=error.details["detail"]) from error
    try:
        yield live.other(user, password, stranger.account())
    finally:
        _drop(live, account)


def forget_hands(live: Connection, into: str) -> None:
    """Drop the accounts that were made for loading into a database which is gone, whoever of ours made them."""
    with contextlib.suppress(BackupError):
        rows = texts.lines_of(live.ask("SELECT HEX(User), HEX(Host) FROM mysql.db WHERE User LIKE 'respaldo\\_restore\\_%' AND REPLACE(Db, CHAR(92), '') = "
                                       + texts.text(into)), 2)
        for user, host in rows:
            if _MADE.match(user) and _HOST.match(host):
                _drop(live, "'{0}'@'{1}'".format(user, host))


def explained(error: BackupError, target: str, live: Connection) -> BackupError:
    """What a text asked for and the account has not, or the server does not take, told as what it is."""
    if error.fault.name in ("stage_failed", "structure_unreadable") and _DENIED.search(error.details["detail"]):
        return BackupError("restore_denied", target=target, detail=error.details["detail"])
    if error.fault.name in ("stage_failed", "structure_unreadable") and _CUT.search(error.details["detail"]):
        # the server cuts a connection that sends a statement larger than this; one that still answers did not end by itself
        with contextlib.suppress(BackupError):
            largest = int(live.ask("SELECT @@max_allowed_packet"))
            if largest < _LARGEST:
                return BackupError("packet_too_small", target=target, allowed=largest, detail=error.details["detail"])
    return error


def works_as(live: Connection, name: str) -> List[str]:
    """The accounts that views, routines, triggers and events of a database work as."""
    parts = ["SELECT HEX(CONVERT(DEFINER USING utf8mb4)) FROM information_schema.{0} WHERE {1} = {2}".format(table, column, texts.text(name))
             for table, column in (("VIEWS", "TABLE_SCHEMA"), ("ROUTINES", "ROUTINE_SCHEMA"), ("TRIGGERS", "TRIGGER_SCHEMA"), ("EVENTS", "EVENT_SCHEMA"))]
    return sorted({texts.decode(line) for line in live.ask(" UNION ".join(parts)).split()})


def wide(live: Connection, version: str) -> List[str]:
    """The rights beyond one database that loading takes: to name definers, and routines where a binary log asks for it."""
    logged = live.ask("SELECT @@log_bin AND NOT @@log_bin_trust_function_creators").strip() == "1"
    if "MariaDB" in version:
        if number(version) < (10, 5, 2):
            return ["SUPER"]
        return ["SET USER"] + (["BINLOG ADMIN"] if logged else [])
    if number(version) < (8,) or logged:
        return ["SUPER"]
    return ["SET_ANY_DEFINER", "ALLOW_NONEXISTENT_DEFINER"] if number(version) >= (8, 2) else ["SET_USER_ID"]


def _drop(live: Connection, account: str) -> None:
    with contextlib.suppress(BackupError):
        live.command("DROP USER IF EXISTS " + account)


def _sweep(live: Connection) -> None:
    """Drop accounts that killed runs left a week ago or more: nobody has their passwords, but they should not stay."""
    try:
        rows = texts.lines_of(live.ask("SELECT HEX(User), HEX(Host) FROM mysql.user WHERE User LIKE 'respaldo\\_restore\\_%'"), 2)
    except BackupError:
        return     # it may not read them, so it will hardly make one
    for user, host in rows:
        made = _MADE.match(user)
        if made and int(made.group(1)) < time.time() - _FORGOTTEN_SECONDS and _HOST.match(host):
            _drop(live, "'{0}'@'{1}'".format(user, host))
