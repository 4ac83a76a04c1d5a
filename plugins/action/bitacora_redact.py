# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Redacts texts of entries, by an entry of the bitácora. See its module for the documentation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..module_utils._engine import result
from ..module_utils._engine.errors import BackupError
from ..plugin_utils._actions import BackupAction
from ..plugin_utils._bitacora import redacting
from ..plugin_utils._bitacora.readable import flat
from ..plugin_utils._bitacora.store import open_store, resolve_url

_MOST = 100      # entries of one call, and of those that are named since they hold the same text
_SHORTEST = 6    # characters: a shorter text stands everywhere


class ActionModule(BackupAction):
    CHANGES = True
    ARGUMENTS = {
        "entries": {"type": "list", "elements": "int", "required": True},
        "fields": {"type": "list", "elements": "str", "required": True, "choices": list(redacting.FIELDS)},
        "reason": {"type": "str", "required": True},
        "authority": {"type": "str", "required": True},
        "requester": {"type": "str", "default": ""},
    }

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        for name in ("reason", "authority"):
            if not arguments[name].strip():
                raise BackupError("invalid_input", where=name, value=arguments[name], problem="is blank",
                                  mend="Say why, and who orders it by which document, for the bitácora.")
        wanted, names = list(dict.fromkeys(arguments["entries"])), list(dict.fromkeys(arguments["fields"]))
        if not 0 < len(wanted) <= _MOST:
            raise BackupError("invalid_input", where="entries", value=len(wanted), problem=f"must name 1 to {_MOST} entries",
                              mend="Give their numbers (N.º), as playbooks/bitacora.yml shows them.")
        with open_store(resolve_url(), readonly=True) as store:
            # as they are stored: what was redacted is compared too
            every = {row[0]: flat(row) for row in store.raw()}
            before = store.redactions()
        for n in wanted:
            _refuse(n, every.get(n), names)
        told, texts = [], set()
        for n in wanted:
            texts |= set(_texts({name: every[n][name] for name in names}))
            new = [name for name in names if name not in before.get(n, {})]
            if new:
                told.append(_entry(n, every[n], new, arguments))
        redacted = {n: set(before.get(n, {})) | (set(names) if n in wanted else set()) for n in every}
        elsewhere = [n for n, entry in every.items() if _holds(entry, redacted[n], texts)]
        return {"changed": bool(told), "elsewhere": elsewhere[:_MOST], **({"backup": told} if told else {})}


def _refuse(n: int, entry: Mapping[str, Any] | None, names: list[str]) -> None:
    """Raises redaction_refused for an entry that is not there, or a field that it has not, or that must stay."""
    allowed = redacting.allowed(entry) if entry else ()
    odd = [name for name in names if name not in allowed]
    if entry is None or odd:
        detail = "there is none of that number" if entry is None else "{0} of a {1} is not there, or must stay readable".format(", ".join(odd), entry["type"])
        raise BackupError("redaction_refused", n=n, detail=detail, fields=", ".join(allowed or redacting.FIELDS))


def _entry(n: int, entry: Mapping[str, Any], names: list[str], arguments: Mapping[str, Any]) -> dict[str, Any]:
    return result.build(
        event=redacting.EVENT, redacts=n, redacted_fields=names, system=entry.get("system"), kind=entry.get("kind"), numeral="8.2",
        reason_text=arguments["reason"].strip(), document=arguments["authority"].strip(), requester=arguments["requester"].strip() or None,
        note_es=f"No se muestra más {', '.join(names)} del asiento n.º {n}: {arguments['reason'].strip()} ({arguments['authority'].strip()})")


def _texts(value: Any) -> list[str]:
    """The texts in a value, long enough to be known again."""
    if isinstance(value, str):
        return [value] if len(value) >= _SHORTEST else []
    rows = list(value.values()) if isinstance(value, Mapping) else value if isinstance(value, list) else []
    return [text for row in rows for text in _texts(row)]


def _holds(entry: Mapping[str, Any], redacted: set[str], texts: set[str]) -> bool:
    """Whether an entry shows one of the texts still, by itself or within another."""
    shown = json.dumps({name: value for name, value in entry.items() if name not in redacted}, ensure_ascii=False)
    return any(json.dumps(text, ensure_ascii=False)[1:-1] in shown for text in texts)
