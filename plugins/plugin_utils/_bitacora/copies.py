# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The copies that entries tell of: what was made, what of it was found, damaged, carried and removed since. Pure; it reads no store.

Who may speak of a copy: before version 0.2 the answer of any server could tell of any system's copies (and an attacker's did), and such
entries stay. So an entry counts
- when its host has a standing in that system: it began a copy, a removal, a drill or a restore of it, which only the controller's words do;
- a copy made, when moreover its host is one of those that began that very label, where anybody did;
- all the same, when no host has a standing: a tool copies it by itself (Azure Backup), or it is older than starts;
- all the same, but a copy made, when it says ASKED: since version 0.2 the recorder puts that into each entry of an answer, since the controller then
  knew of which copy it asked, and no server before it could. So damage that is found on a host that was renamed, or that replaces another, counts at
  once, before it makes a copy of its own.
Of entries without it, those of a host that was renamed count again with its first copy, removal or drill; what its former name said counts as before.
What does not count is passed over and told, never used: a copy stays that a stranger's entry calls removed or damaged, and one that only a stranger made
is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...module_utils._engine import label as labels
from .readable import ODD

# What gives a host a standing in a system.
STARTS = ("copy_started", "prune_started", "drill_started", "restore_started")
# In the body of an entry: the controller's words say of which copy it is. Earlier versions took only the fields of the `backup` structure, which lacks it.
ASKED = "asked"
# Of a copy: what was found of it on each medium where it counts as damaged, in the words of the entry.
DAMAGES = "damages"
# In the body of an entry: how many things of its source the copy lacks. One that lacks anything is partial on purpose, and never good.
LACKS = "lacks"


class Standing:
    """Which hosts began what of one system: rows of (type, host, label)."""

    def __init__(self, rows: Iterable[tuple[str, str | None, str | None]]) -> None:
        self.hosts: set[str] = set()
        self._began: dict[str, set[str]] = {}
        for type_, host, label in rows:
            self.hosts.add(str(host or ""))
            if type_ == "copy_started":
                self._began.setdefault(str(label or ""), set()).add(str(host or ""))

    def counts(self, entry: Mapping[str, Any]) -> bool:
        """Whether an entry may speak of the system's copy."""
        host = str(entry.get("host", ""))
        if entry["type"] == "copy_made":
            began = self._began.get(str(entry.get("label", "")))
            if began:
                return host in began
        return not self.hosts or host in self.hosts or (entry["type"] != "copy_made" and entry.get(ASKED) is True)


def order(copy: Mapping[str, Any]) -> tuple[str, int]:
    return copy.get("started_at", copy["at_event"]), copy["n"]


def is_good(copy: Mapping[str, Any], minimum_trust: str) -> bool:
    return bool(copy["trust_level"] >= minimum_trust and all(copy["media"].values()) and not copy.get(LACKS))


def lack(entry: Mapping[str, Any]) -> str:
    """What is said of a partial copy, in Spanish; "" of one that is whole."""
    count = entry.get(LACKS)
    if not count:
        return ""
    return "es parcial, le falta 1 elemento de su origen" if count == 1 else "es parcial, le faltan {0} elementos de su origen".format(count)


def copies_told(told: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The copies that some entries tell of, oldest first; see Store.copies.

    An entry whose label or media can't be read tells of no copy. One that can be read in part never makes a copy better, and a copy of which
    something can't be read says so in `odd_fields`, so that nobody removes it for what an odd entry says.
    """
    made: dict[str, dict[str, Any]] = {}
    found: dict[tuple[str, str], str] = {}
    for entry in told:
        odd = entry.get(ODD, ())
        if entry["type"] == "copy_made" and entry.get("label") and entry.get("system") and not labels.is_of(entry["label"], entry["system"]):
            # whoever wrote it would have another system's copy, and its key, taken for this one's
            continue
        if entry.get("simulated") or not entry.get("label") or "medium" in odd:
            if odd and entry.get("label") in made:
                _mark(made[entry["label"]], odd)
            continue
        label, named = entry["label"], entry.get("medium", "").split(", ")
        if entry["type"] == "copy_made":
            made.setdefault(label, {**entry, "media": dict.fromkeys(named, "")})
        if label not in made:
            continue
        media = made[label]["media"]
        if odd and entry["type"] != "copy_made":
            _mark(made[label], odd)
        if entry["type"] == "copy_transferred":
            for name in named:
                media[name] = entry.get("trust_level", "T0" if odd else "T1")
                found.pop((label, name), None)
                _healed(made[label], name)
            continue
        if entry["type"] == "copy_pruned":
            for name in named:
                media.pop(name, None)
                _healed(made[label], name)
            if not media:
                del made[label]
            continue
        for name in set(named).intersection(media) if entry.get("medium") else media:
            level = entry.get("trust_level", "T0")
            if entry["type"] == "copy_damaged":
                media[name], found[label, name] = "", max(found.get((label, name), ""), entry.get("verification_level", ""))
                made[label].setdefault(DAMAGES, {})[name] = " ".join(str(entry.get(field) or "") for field in ("error_code", "error_message_es")).strip()
            elif level >= found.get((label, name), ""):
                media[name] = max(media[name], level)
                found.pop((label, name), None)
                _healed(made[label], name)
        made[label]["trust_level"] = max(media.values())
    return sorted(made.values(), key=order)


def _healed(copy: dict[str, Any], medium: str) -> None:
    """What was said of the copy on a medium is over: it was proved since, brought there anew, or removed."""
    damages = copy.get(DAMAGES, {})
    damages.pop(medium, None)
    if not damages:
        copy.pop(DAMAGES, None)


def _mark(copy: dict[str, Any], odd: Iterable[str]) -> None:
    copy[ODD] = sorted({*copy.get(ODD, ()), *odd})
