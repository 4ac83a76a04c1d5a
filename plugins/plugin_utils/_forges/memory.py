# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the bitácora remembers of the forges: which repository is which system, under which path it was last seen, and whether it is gone.

There is no other memory: the entries repository_found, repository_renamed and repository_gone, read in their order. Of two hosts that give one name to
repositories that they find at the same time, the entry that stands first has it; the other's gets its number, for every reader alike.
"""

from __future__ import annotations

import hashlib
import re
import typing as t
from collections.abc import Iterable, Mapping
from typing import Any

from ...module_utils._engine import label
from .._bitacora.any_store import Store

CHANGES = ("repository_found", "repository_renamed", "repository_gone")


class Known(t.NamedTuple):
    """A repository as it is remembered. `gone`: in Spanish why it is copied no more; empty while it is."""

    forge: str
    id: str
    path: str
    system: str
    gone: str = ""
    gone_at: str = ""

    def row(self) -> dict[str, str]:
        """As a table, for results of tasks."""
        return self._asdict()


def remembered(store: Store) -> list[Known]:
    """Every repository of every forge, in the order in which they were first found. Raises BackupError(bitacora_unreadable)."""
    return folded(store.entries(type=CHANGES))


def folded(entries: Iterable[Mapping[str, Any]]) -> list[Known]:
    """What entries of CHANGES come to. One that lacks a word is passed over."""
    found: dict[tuple[str, str], Known] = {}
    taken: set[str] = set()
    for entry in entries:
        words = [entry.get(name) for name in ("forge", "forge_id", "forge_path", "system")]
        if entry.get("simulated") or not all(isinstance(word, str) and word for word in words):
            continue
        forge, identity, path, system = map(str, words)
        before = found.get((forge, identity))
        if before is None and system.lower() in taken:
            system = next((name for name in with_number(system, identity) if name.lower() not in taken), "")
            if not system:
                continue
        taken.add((before.system if before else system).lower())
        gone = entry.get("type") == "repository_gone"
        found[forge, identity] = Known(forge, identity, path, before.system if before else system, str(entry.get("note_es") or "retirado") if gone else "",
                                       str(entry.get("at_event", "")) if gone else "")
    return list(found.values())


def with_number(name: str, identity: str) -> list[str]:
    """What a repository's system is called when this name is another's, the first that is free."""
    ends = (identity if re.fullmatch(r"[0-9]{1,19}(\.wiki)?", identity) else identity[:8], hashlib.sha256(identity.encode()).hexdigest()[:16])
    return ["{0}-{1}".format(name[:label.MAXIMUM_LENGTH - len(end) - 1], end) for end in ends]


def as_written(given: Iterable[Known], written: Iterable[Known]) -> list[Known]:
    """What a run has just found, under the names that the bitácora has for it."""
    names = {(each.forge, each.id): each.system for each in written}
    return [each._replace(system=names.get((each.forge, each.id), each.system)) for each in given]
