# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the bitácora knows of each medium, as each server sees it: its oldest copy there, the last verification that read it, the last look at its health."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ...module_utils._engine.policy.vocabulary import COPIED_BY_A_TOOL
from .any_store import Store

CHECKS = ("medium_checked", "medium_failed")
_CHECKS_LOOKED_AT = 1000
_ANY = "9999"       # after every time
# A look at a medium says nothing of it after so long.
LOOK_STANDS = datetime.timedelta(days=31)


class Seen(NamedTuple):
    """A medium by the eyes of one server. Times are those of entries, "" where there is none."""

    medium: str
    host: str
    copied_at: str                          # the first copy that went there
    verified_at: str                        # the last one that was read there again and was whole
    checked: Mapping[str, Any]              # the newest entry of CHECKS, empty where nobody looked


def seen(store: Store, systems: Iterable[Mapping[str, Any]], until: str) -> list[Seen]:
    """Each medium with copies of these systems, or that was looked at, once for each server that wrote to it; by name and server.

    A directory of the same name on two servers is two directories, and whoever may write to a medium by one key may not by another. No verification that
    is dated after `until` is taken for the last one, and no look.
    """
    kept = {key: {medium for media, _size in copies for medium in media} for key, copies in store.kept(
        [(system["kind"], system["name"]) for system in systems]).items()}
    copied: dict[tuple[str, str], str] = {}
    verified: dict[tuple[str, str], str] = {}
    # grouped by the database: of ten years there are few groups and many entries
    fields = [store.field(name) for name in ("medium", "host", "kind", "system", "source_type")]
    for types, which, found in ((("copy_made", "copy_transferred"), "min", copied), (("copy_verified",), "max", verified)):
        sql = "SELECT {0}, {1}(at_event) FROM entries WHERE type IN ({2}) AND at_event <= ? AND {3} GROUP BY {0}".format(
            ", ".join(fields), which, ", ".join("'{0}'".format(each) for each in types), store.simulated(False))
        for media, host, kind, system, source_type, at in store.select(sql, (until if which == "max" else _ANY,)):
            for medium in str(media or "").split(", "):
                if medium and source_type not in COPIED_BY_A_TOOL and medium in kept.get((kind, system), ()):
                    key = (medium, str(host or ""))
                    found[key] = (min if which == "min" else max)(str(at), found.get(key, str(at)))
    checked: dict[tuple[str, str], Mapping[str, Any]] = {}
    for entry in store.entries(type=CHECKS, newest_first=True, limit=_CHECKS_LOOKED_AT):
        if not entry.get("simulated") and str(entry["at_event"]) <= until:
            checked.setdefault((str(entry.get("medium", "")), str(entry.get("host", ""))), entry)
    return [Seen(medium, host, copied.get((medium, host), ""), verified.get((medium, host), ""), checked.get((medium, host), {}))
            for medium, host in sorted({*copied, *checked})]


def looked_lately(row: Seen, now: datetime.datetime) -> bool:
    """Whether the last look at a medium still says something of it."""
    return str(row.checked.get("at_event", "")) >= (now - LOOK_STANDS).astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def space(told: Iterable[Seen], now: datetime.datetime) -> dict[str, dict[str, int]]:
    """medium -> {total, free} in bytes as it was last measured where it is. Directories of several servers are added up; of one place that several see
    the newest measure counts.
    """
    places: dict[str, dict[str, tuple[int, int]]] = {}
    for row in sorted(told, key=lambda each: str(each.checked.get("at_event", ""))):
        if row.checked.get("type") == "medium_checked" and "space_total" in row.checked and looked_lately(row, now):
            where = str(row.checked.get("location", ""))
            place = "{0} {1}".format(row.host, where) if where.startswith("/") else where
            places.setdefault(row.medium, {})[place] = (row.checked["space_total"], row.checked.get("space_free", 0))
    return {medium: {"total": sum(total for total, _free in found.values()), "free": sum(free for _total, free in found.values())}
            for medium, found in places.items()}
