# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which run may speak with the help desk now: one at a time, so that two controllers on one bitácora make no two tickets of one request.

Who is to speak says so by an entry first, in the transaction that looked whether another does. A run that ended speaks no more; one that died is closed by
the next run of its controller, and what nobody closed holds nobody up for longer than a run can take.
"""

from __future__ import annotations

import datetime

from . import entries
from .any_store import Store

ASKED = "desk_asked"
_RUN_ENDS = ("run_ended", "run_interrupted")
_LONGEST = datetime.timedelta(hours=2)


def claim(store: Store, run: str, host: str, desk: str) -> str:
    """Let this run speak with a help desk. "" when it may; else the run that speaks with it. Durable when this returns.

    Raises BackupError: bitacora_unwritable, bitacora_unreadable.
    """
    begun = (datetime.datetime.now(datetime.timezone.utc) - _LONGEST).strftime("%Y-%m-%dT%H:%M:%SZ")
    with store.exclusive():
        for entry in store.entries(type=ASKED, since=begun):
            other = str(entry.get("run", ""))
            if other != run and entry.get("desk") == desk and not store.entries(run=other, type=_RUN_ENDS, limit=1):
                return other
        store.append(ASKED, {"event": ASKED, "desk": desk, "run": run, "host": host, "numeral": "7.1.2"}, entries.now(), "{0}/desk/{1}".format(run, desk), 1)
    return ""
