# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which copies one task carries together: a task costs seconds whatever it carries, and a run that is killed has no entry yet of what its task carried."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

# What is carried without its entry is read again whole by the next run, which settles it.
MOST_COPIES, MOST_BYTES = 50, 1 << 30


def batches(rows: Sequence[tuple[Mapping[str, Any], int]], together: Callable[[str, str], bool]) -> list[dict[str, Any]]:
    """Transfers, each with its size (0: not known), as batches of one kind from one medium; `together` says of these two whether several may go at once.

    The order stays within each kind and medium. What is larger than a batch, or of unknown size, is one of its own.
    """
    made: list[dict[str, Any]] = []
    open_: dict[tuple[str, str], tuple[dict[str, Any], int]] = {}
    for row, size in rows:
        key = (str(row["kind"]), str(row["source"]))
        batch, filled = open_.get(key, (None, 0))
        if batch is None or not size or filled + size > MOST_BYTES or len(batch["copies"]) >= MOST_COPIES or not together(*key):
            batch, filled = {"kind": key[0], "source": key[1], "copies": [], "labels": []}, 0
            made.append(batch)
        batch["copies"].append(dict(row))
        batch["labels"].append(row["label"])
        open_[key] = (batch, filled + (size or MOST_BYTES))
    return made
