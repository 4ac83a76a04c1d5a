# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Azure Backup says of threats in a recovery point, and in what an item holds (`threatStatus`, `sourceSideScanInfo`). Pure functions; they ask nobody.

A point is good when the service calls it healthy, or says nothing of it: most points are scanned by nobody (Unknown, NotAvailable). Any other word,
those that came after this was written too, makes the copy one that is not offered until the service takes it back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ...module_utils._engine.errors import CATALOGUE
from ...module_utils._engine.result import seen
from .._bitacora.copies import DAMAGES

_GOOD = ("", "unknown", "healthy", "notavailable")
# of what an item holds
_CLEAN = ("", "unknown", "notapplicable", "healthy", "nothreatsreported")
# of a threat that somebody looked at already
_OVER = ("resolved", "ignored")
_MOST, _LONGEST = 5, 300
# Of the entries that call a copy damaged for a threat: by this code they are taken back, and no other damage is.
CODE = CATALOGUE["tool_copy_unhealthy"].code
NOTHING = "the service names no threat"


def of_point(properties: Mapping[str, Any]) -> dict[str, str]:
    """{threat, told}: the service's word for a point, "" for a good one, and what it says of the threats that are not over."""
    word = _word(properties.get("threatStatus"))
    if word.lower() in _GOOD:
        return {"threat": "", "told": ""}
    rows = [row for row in properties.get("threatInfo") or () if isinstance(row, Mapping) and str(row.get("threatState", "")).lower() not in _OVER]
    texts = [": ".join(part for part in (_word(row.get("threatSeverity")), _word(row.get("threatTitle")), _word(row.get("threatDescription"))) if part)
             for row in rows]
    more = [f"... ({len(texts) - _MOST})"] if len(texts) > _MOST else []
    return {"threat": word, "told": "; ".join([text for text in texts if text][:_MOST] + more)}


def of_item(properties: Mapping[str, Any]) -> str:
    """The service's word for what a protected item holds; "" for nothing that anybody must look at."""
    info = properties.get("sourceSideScanInfo")
    word = _word(info.get("sourceSideScanSummary")) if isinstance(info, Mapping) else ""
    return "" if word.lower() in _CLEAN else word


def changed(copies: Iterable[Mapping[str, Any]], points: Iterable[Mapping[str, str]], medium: str) -> Iterator[tuple[Mapping[str, Any], Mapping[str, str]]]:
    """The copies of which the service says other than the bitácora does, each with its point: a threat that is new, or one that is over."""
    known = {point["id"]: point for point in points}
    for copy in copies:
        point = known.get(str(copy.get("tool_copy") or ""))
        if point is None or medium not in copy["media"]:
            continue
        told = str(copy.get(DAMAGES, {}).get(medium, "")).startswith(CODE)
        # a copy that is damaged for something else stays so, whatever the service says of threats
        if told != bool(point["threat"]) and (told or copy["media"][medium]):
            yield copy, point


def _word(value: Any) -> str:
    return " ".join(seen(str(value or "")).split())[:_LONGEST]
