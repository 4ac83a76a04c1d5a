# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Transfers, removals and restores that failed and were not repeated well since: what the warnings tell of them. Pure functions over entries."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from .signs import rank, told_error

# failure -> how the warnings name it, and what later makes good a failure of the same copy (`by label`), or of the same system
_GOOD: Mapping[str, tuple[str, tuple[str, ...], bool]] = {
    "transfer_failed": ("transfer", ("copy_transferred", "copy_pruned"), True),
    "prune_failed": ("prune", ("copy_pruned",), False),
    "restore_failed": ("restore", ("restored",), False),
}
TYPES = (*_GOOD, "copy_transferred", "copy_pruned", "restored")
# A restore that nobody wants any more is never repeated: what failed is told for so long and not for ever.
STANDS = datetime.timedelta(days=31)
_NAMED = 5


class Sign(NamedTuple):
    """What failed of one system, with the error's own remedy."""

    name: str
    kind: str
    system: str
    level: int
    text: str      # Spanish
    remedy: str


def signs(entries: Iterable[Mapping[str, Any]]) -> list[Sign]:
    """A sign for each system and sort of work, of the entries of the last days, oldest first."""
    standing: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for entry in entries:
        if entry.get("simulated") or not entry.get("system"):
            continue
        kind, system = str(entry.get("kind", "")), str(entry["system"])
        for failure, (name, good, by_label) in _GOOD.items():
            key = (name, kind, system)
            if entry["type"] == failure:
                standing.setdefault(key, []).append(entry)
            elif entry["type"] in good and key in standing and not entry.get("not_back"):
                standing[key] = [each for each in standing[key] if by_label and each.get("label") != entry.get("label")]
    return [_sign(*key, failures) for key, failures in standing.items() if failures]


def _sign(name: str, kind: str, system: str, failures: list[Mapping[str, Any]]) -> Sign:
    last = failures[-1]
    labels = list(dict.fromkeys(str(entry["label"]) for entry in failures if entry.get("label")))
    which = ", ".join(labels[:_NAMED]) + (f" y {len(labels) - _NAMED} más" if len(labels) > _NAMED else "")
    ticket = f" (solicitud {last['ticket']})" if last.get("ticket") else ""
    where = f" en {last['medium']}" if last.get("medium") else ""
    return Sign(name, kind, system, rank(len(failures)), f"{which or system}{where}{ticket}: {told_error(last)}", str(last.get("error_remedy_es", "")))
