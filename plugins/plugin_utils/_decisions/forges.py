# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the bitácora tells of forges that people should know: one that was not listed the last time, and repositories that are gone since some days."""

from __future__ import annotations

import datetime
import typing as t
from collections.abc import Iterable, Mapping
from typing import Any

from .signs import SIGN_STANDS, time_of

TYPES = ("forge_listed", "forge_failed", "repository_gone", "repository_found")
_MOST_NAMED = 10


class Told(t.NamedTuple):
    """Something to tell: a key that names it for good, how bad it is, and in Spanish what it is."""

    key: str
    level: int
    text: str


def signs(entries: Iterable[Mapping[str, Any]], now: datetime.datetime) -> list[Told]:
    """Of the entries of TYPES, in their order."""
    last: dict[str, Mapping[str, Any]] = {}
    failures: dict[str, int] = {}
    gone: dict[str, dict[str, Mapping[str, Any]]] = {}
    for entry in entries:
        name = str(entry.get("forge") or "")
        if entry.get("simulated") or not name:
            continue
        if entry["type"] in ("forge_listed", "forge_failed"):
            last[name] = entry
            failures[name] = failures.get(name, 0) + 1 if entry["type"] == "forge_failed" else 0
        else:
            gone.setdefault(name, {})[str(entry.get("forge_id"))] = entry
    found = [Told(f"forge:{name}", min(3, failures[name]), f"{name}: no se pudo listar ({entry.get('error_code', '')}: {entry.get('error_message_es', '')}). "
                  "Sus repositorios nuevos no se conocen") for name, entry in sorted(last.items()) if entry["type"] == "forge_failed"]
    for name, repositories in sorted(gone.items()):
        lately = sorted(str(entry.get("system", "")) for entry in repositories.values()
                        if entry["type"] == "repository_gone" and now - time_of(entry["at_event"]) <= SIGN_STANDS)
        if lately:
            named = ", ".join(lately[:_MOST_NAMED]) + (f" y {len(lately) - _MOST_NAMED} más" if len(lately) > _MOST_NAMED else "")
            found.append(Told(f"forge:{name}:gone", len(lately), f"{name}: ya no se copian, y sus copias se conservan según la política: {named}"))
    return found
