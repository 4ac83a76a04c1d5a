# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which mails were taken already, and the entries of one mail, written at once or not at all.

The callback hears of a mail only when its action has ended, and two controllers may read one mailbox at the same moment. So the action writes these entries
itself, as a writer of its own (the run and the mail's digest), in the transaction that looked whether the mail was taken and what the request's state is: of
two that read a mail, one takes it. What dies before has done nothing; what dies after finds the mail's digest here, and only moves it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import entries, written_at_once
from .any_store import Store

TAKEN, ASIDE, FILED = "mail_taken", "mail_set_aside", "mail_filed"
_LOOKED_FOR = 50      # identities of other mails that one mail refers to


def of_digest(store: Store, sha256: str) -> dict[str, Any] | None:
    """The entry that took or set aside a mail; None when none did. Raises BackupError bitacora_unreadable."""
    return next(iter(_where(store, "mail_sha256", (sha256,))), None)


def of_identities(store: Store, message_ids: Sequence[str]) -> list[dict[str, Any]]:
    """The entries of the mails that have one of these Message-IDs, the oldest first. An identity is what its sender wrote: others may write the same."""
    wanted = tuple(dict.fromkeys(filter(None, message_ids)))[:_LOOKED_FOR]
    return _where(store, "proof_reference", wanted) if wanted else []


def _where(store: Store, name: str, values: Sequence[str]) -> list[dict[str, Any]]:
    sql = "SELECT n FROM entries WHERE type IN (?, ?) AND {0} IN ({1}) AND {2} ORDER BY n".format(
        store.field(name), ", ".join("?" * len(values)), store.simulated(False))
    numbers = {n for (n,) in store.select(sql, (TAKEN, ASIDE, *values))}
    return [entry for entry in store.entries(type=(TAKEN, ASIDE)) if entry["n"] in numbers] if numbers else []


def write(store: Store, rows: Sequence[Mapping[str, Any]], run: str, host: str) -> list[entries.Entry]:
    """Write the entries of one mail, within the caller's exclusive block. Raises BackupError bitacora_unwritable."""
    return [written_at_once.append(store, row, run, host, "mail/{0}".format(row["mail_sha256"])) for row in rows]
