# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entries that an action writes itself, in the transaction that decided them.

The callback hears of what an action decided only when it has ended: by then another run may have decided the contrary from the same entries. So an action
whose decision must stand alone (a step of a request, a mail, a letter) decides and writes within one `exclusive` block, as a writer of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...module_utils._engine import result
from . import copies, entries
from .any_store import Store


def append(store: Store, row: Mapping[str, Any], run: str, host: str, emitter: str) -> entries.Entry:
    """Write an entry as the callback would, with who runs this. Raises BackupError bitacora_unwritable."""
    started = store.entries(run=run, type="run_started", limit=1)
    who = {"executed_by": started[0]["executed_by"]} if started and started[0].get("executed_by") else {}
    body = {**result.clean(row), **who, "host": host, "run": run, copies.ASKED: True}
    return store.append(str(body["event"]), body, entries.now(), "{0}/{1}".format(run, emitter))
