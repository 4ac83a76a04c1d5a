# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading entries that may be odd: the bitácora is append-only, so that what earlier versions let in stays there for good.

A field that has not its form is not there for any reader; the entry names it in `odd_fields`, and the store remembers the entry, so that
the plan, the warnings and the board tell of it. The rows of the chain, and what the evidence pack holds, stay as they are.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ...module_utils._engine import result
from . import chain

ODD = "odd_fields"
# Of these no reader asks more than that they are texts: what an earlier version wrote in another form is shown as it is.
_TEXTS = frozenset(("printed_label", "source_type", "compression", "reason", "warning_state", "error_code", "sha256", "content_digest", "numeral"))
# A label that is none of 6.7's names no copy, but these entries are of no copy.
_NO_COPY = frozenset(("stray_found", "answer_refused"))
_MOST_REMEMBERED, _MOST_NAMED = 1000, 5
_OWN = ("host", "run", "executed_by")
_LINES, _PLAIN = ("text", "name"), 1000
_FORMS = {name: "text" if name in _TEXTS else field.form for name, field in result.SCHEMA.items()}


class PassedOver(NamedTuple):
    """An entry that was not read, or not whole, and why."""

    n: int
    why: str    # Spanish


def flat(row: Sequence[Any]) -> dict[str, Any]:
    """An entry as readers get it: the body's fields that have their form, and those of the line itself."""
    line = dict(zip(chain.COLUMNS, row))
    text = line.pop("body")
    try:
        body = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        return {ODD: ["body"], **line}
    if line["type"] in result.EVENTS:
        body = _readable(line["type"], body)
    return {**body, **line}


def _readable(type_: str, body: dict[str, Any]) -> dict[str, Any]:
    """Nearly every value is in order: what is seen to be so at once is not looked at again."""
    odd: list[str] = []
    changed: dict[str, Any] = {}
    for name, value in body.items():
        form = _FORMS.get(name)
        if form in _LINES and isinstance(value, str) and len(value) <= _PLAIN and value.isprintable():
            continue
        if form == "number" and isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= result.LARGEST:
            continue
        if form is None:
            if name in _OWN and not isinstance(value, str):
                odd.append(name)
        elif name == "label" and type_ in _NO_COPY:
            changed[name] = result.seen(str(value))
        else:
            whole, taken = result.formed(form, value)
            if not whole:
                odd.append(name)
            elif taken is not value:
                changed[name] = taken
    if not odd and not changed:
        return body
    kept = {name: changed.get(name, value) for name, value in body.items() if name not in odd}
    return {**kept, ODD: odd} if odd else kept


def why(entry: Mapping[str, Any]) -> str:
    """What is odd of an entry, in Spanish."""
    return "{0} de {1}: {2} sin forma legible".format(entry.get("type"), result.seen(str(entry.get("host", "?"))[:80]), ", ".join(entry[ODD][:_MOST_NAMED]))


def warnings(entry: Mapping[str, Any]) -> list[str]:
    """What a person should know of the copy of an entry: in Spanish, or as an entry of an earlier release has it."""
    told = entry.get("warnings_es") or entry.get("warnings") or ()
    return [str(row) for row in told if row] if isinstance(told, (list, tuple)) else []


class Memory:
    """The entries that a store's readers passed over, each once."""

    def __init__(self) -> None:
        self._known: dict[int, str] = {}

    def add(self, n: int, reason: str) -> None:
        if len(self._known) < _MOST_REMEMBERED:
            self._known.setdefault(n, reason)

    def note(self, entries: Iterable[Mapping[str, Any]]) -> None:
        for entry in entries:
            if ODD in entry:
                self.add(entry["n"], why(entry))

    @property
    def entries(self) -> list[PassedOver]:
        return [PassedOver(*pair) for pair in sorted(self._known.items())]

    def line(self) -> str:
        """What was passed over, in a Spanish sentence; "" when it was nothing."""
        known = self.entries
        if not known:
            return ""
        named = "; ".join(f"n.º {n} ({reason})" for n, reason in known[-_MOST_NAMED:])
        if len(known) == 1:
            told = "Se pasó por alto 1 asiento de la bitácora que no se entiende, no corresponde o es de otro servidor"
        else:
            told = f"Se pasaron por alto {len(known)} asientos de la bitácora que no se entienden, no corresponden o son de otro servidor"
        return "{0}: {1}{2}. Ninguna decisión se tomó con ello; no se retira nada por ello".format(
            told, named, " y otros" if len(known) > _MOST_NAMED else "")
