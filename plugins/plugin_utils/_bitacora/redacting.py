# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text of an entry that must not be seen any more (a secret typed into a reason, somebody's data; Ley 29733): redacted by another entry.

The digest of an entry covers its whole content, so that nothing can be taken out of it with the chain whole: the row stays as it was written, and the
auditor's chain.py goes on as before. Every reader of this collection shows MARK in the place of the text. Only free text can be redacted: what says what
happened, to which copy, where, how it ended and by which code stays readable, so that nobody hides a failed copy; who redacted what, and why, is an entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...module_utils._engine import result

EVENT = "entry_redacted"
MARK = "[tachado: asiento n.º {0}]"
# No decision about copies reads these.
FIELDS = ("reason_text", "note_es", "requester", "ticket", "responsible", "executed_by", "document", "source", "target", "unread", "warnings", "warnings_es",
          "error_message", "error_message_es", "error_remedy", "error_remedy_es", "mail_from", "mail_attached")
# The columns of the Spanish view that are made of them.
COLUMNS = {
    "reason_text": ("motivo", "observaciones"), "note_es": ("observaciones",), "requester": (), "ticket": ("ticket",), "responsible": ("responsable",),
    "executed_by": ("ejecutado_por",), "warnings": ("observaciones",), "warnings_es": ("observaciones",), "error_message_es": ("observaciones",),
}
# Of these the names are compared with the inventory: who is in charge is asked of the entry itself.
_COMPARED = {"designation_changed": ("responsible", "document"), "path_assigned": ("responsible", "document"), "path_changed": ("responsible", "document")}
# Requests are known by their ticket, and go by who takes which step of them (7.1).
_OF_A_REQUEST = ("reason_text", "note_es")
_RUNS = ("run_started", "run_ended", "run_interrupted")

# entry -> field -> the entry that redacted it
Redactions = Mapping[int, Mapping[str, int]]


def allowed(entry: Mapping[str, Any]) -> tuple[str, ...]:
    """The fields of an entry that may be redacted, of those that it has."""
    if entry["type"] not in result.EVENTS and entry["type"] not in _RUNS:
        return ()      # seals, and changes of key, whose words are signed
    fields = _OF_A_REQUEST if entry["type"].startswith(("request_", "ticket_", "letter_")) else FIELDS
    return tuple(name for name in fields if entry.get(name) and name not in _COMPARED.get(entry["type"], ()))


def told(entries: Iterable[Mapping[str, Any]]) -> dict[int, dict[str, int]]:
    """What entries of redactions say."""
    found: dict[int, dict[str, int]] = {}
    for entry in entries:
        names = entry.get("redacted_fields")
        if entry.get("simulated") or not isinstance(entry.get("redacts"), int) or not isinstance(names, list):
            continue
        for name in names:
            if name in FIELDS:
                found.setdefault(entry["redacts"], {}).setdefault(name, entry["n"])
    return found


def hide(entry: dict[str, Any], redacted: Mapping[str, int]) -> dict[str, Any]:
    """An entry as it is shown: MARK where a text stood, in a list where it was one."""
    named = {name: MARK.format(n) for name, n in redacted.items() if name in entry and name in allowed(entry)}
    return {**entry, **{name: [mark] if isinstance(entry[name], list) else mark for name, mark in named.items()}} if named else entry


def hide_row(row: dict[str, Any], redacted: Mapping[str, int]) -> dict[str, Any]:
    """A row of the Spanish view as it is shown: the columns that a redacted text is a part of are hidden whole."""
    columns = {column: MARK.format(n) for name, n in redacted.items() for column in COLUMNS.get(name, ()) if row.get(column)}
    return {**row, **columns} if columns else row
