# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a removal that died before its entry took is told from what vanished later: a copy that was read there in between was not taken by it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.perucompras.respaldo.plugins.action import backup_reconcile

STARTED = {"n": 5, "type": "prune_started", "medium": "disco", "run": "R1", "reason_text": "SIGA_20261101: sobra; SIGA_20261102: sobra"}


class Entries:
    def __init__(self, *more: dict[str, Any]) -> None:
        self.rows = [STARTED, {"n": 6, "type": "run_interrupted", "run": "R1"}, *more]

    def entries(self, type: str | tuple[str, ...] = (), run: str = "", **_of_this_copy: Any) -> list[dict[str, Any]]:
        types = (type,) if isinstance(type, str) else type
        return [row for row in self.rows if row["type"] in types and (not run or row.get("run") == run)]


@pytest.mark.parametrize(("more", "run"), [
    ((), "R1"),
    (({"n": 4, "type": "copy_verified", "medium": "disco"},), "R1"),
    (({"n": 7, "type": "copy_verified", "medium": "otro"},), "R1"),
    (({"n": 7, "type": "copy_verified", "medium": "disco"},), ""),
    (({"n": 7, "type": "copy_damaged", "medium": "disco, otro"},), ""),
    (({"n": 7, "type": "copy_pruned", "medium": "disco"},), ""),
])
def test_which_run_took_it(more: tuple[dict[str, Any], ...], run: str) -> None:
    shelf = backup_reconcile._Shelf("database", "SIGA", {}, {}, {})
    assert backup_reconcile._leaving(Entries(*more), shelf, "disco", "SIGA_20261101") == run
