# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each entry as one line of systemd's journal too, by its own protocol: for `journalctl -t respaldo`, and for what carries the journal of a machine elsewhere.

A comfort and no evidence: one datagram that nobody waits for. What an action stores by itself in the middle of a task (that a copy was sealed,
a mail) has no line; its end has. Where there is no journal, or it is full, the run goes on without a word. Nothing that a
person typed and no text of a tool goes there: the journal can redact nothing (Ley 29733), and more people read it than the bitácora.
"""

from __future__ import annotations

import contextlib
import re
import socket
import struct
from collections.abc import Iterable, Mapping
from typing import Any

from ...module_utils._engine.value_forms import seen
from . import view

SOCKET = "/run/systemd/journal/socket"
IDENTIFIER = "respaldo"
# Fields of an entry that are names, codes and numbers of ours.
FIELDS = ("run", "playbook", "purpose", "schedule", "scheduler", "host", "system", "kind", "label", "medium", "trust_level", "verdict", "error_code")
_SAID = ("playbook", "purpose", "system", "label", "medium", "verdict", "error_code")
_BAD, _ODD, _GOOD = "3", "4", "6"          # error, warning, information: the levels of syslog
_ODD_TYPES = ("schedule_missed", "schedule_late", "heartbeat_failed", "anchor_failed", "run_interrupted", "answer_refused")
# What the view of people has no line of.
_WORDS = {"run_started": "Ejecución iniciada", "run_ended": "Ejecución terminada", "run_interrupted": "Ejecución interrumpida", "seal": "Sello de la cadena"}
_VERDICTS = {"good": "bien", "failed": "con fallas", "partial": "hecha en parte", "empty": "no hizo nada", "interrupted": "sin llegar a su fin"}
_LONGEST = 200
# Of a medium what stands behind an address may be a name for a login.
_PLAIN = re.compile(r"[\w.,:/@ +-]*")


def tell(rows: Iterable[Mapping[str, Any]], numbers: Mapping[int, Any], path: str = SOCKET) -> None:
    """Say entries, as the recorder keeps them; `numbers` are those that the bitácora gave, by their number in the run. Never raises, never waits."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as journal:
        journal.setblocking(False)
        journal.connect(path)
        for row in rows:
            stored = numbers.get(row["n_emitter"])
            journal.send(datagram(str(row["type"]), row["body"], stored.n if stored else 0))


def datagram(type_: str, body: Mapping[str, Any], number: int) -> bytes:
    """One entry in the form of the journal: names in capitals, and a length before what has lines of its own."""
    fields = {"MESSAGE": _message(type_, body, number), "PRIORITY": _priority(type_, body), "SYSLOG_IDENTIFIER": IDENTIFIER, "RESPALDO_EVENT": type_}
    fields.update({"RESPALDO_" + name.upper(): _shown(body[name]) for name in FIELDS if body.get(name)})
    if number:
        fields["RESPALDO_NUMBER"] = str(number)
    if body.get("simulated"):
        fields["RESPALDO_SIMULATED"] = "1"
    return b"".join(_field(name, text.encode("utf-8", "replace")) for name, text in fields.items() if text)


def _field(name: str, value: bytes) -> bytes:
    if b"\n" in value:
        return name.encode("ascii") + b"\n" + struct.pack("<Q", len(value)) + value + b"\n"
    return name.encode("ascii") + b"=" + value + b"\n"


def _shown(value: Any) -> str:
    text = seen(value if isinstance(value, str) else str(value))[:_LONGEST]
    return text if _PLAIN.fullmatch(text) else ""


def _message(type_: str, body: Mapping[str, Any], number: int) -> str:
    """One line of Spanish: what happened, to what, and by which number the bitácora tells the rest."""
    told = {**body, "verdict": _VERDICTS.get(str(body.get("verdict")), "")}
    about = ", ".join(filter(None, (_shown(told[name]) for name in _SAID if told.get(name))))
    where = "N.º {0}".format(number) if number else "en espera"
    word = _WORDS.get(type_) or view.word(type_)
    return "{0}{1} (bitácora: {2}){3}".format(word, ": " + about if about else "", where, " [simulación]" if body.get("simulated") else "")


def _priority(type_: str, body: Mapping[str, Any]) -> str:
    if body.get("verdict") == "failed" or type_.endswith("_failed") or type_ in ("copy_damaged", "copy_refused", "path_refused"):
        return _BAD
    return _ODD if type_ in _ODD_TYPES or body.get("verdict") in ("partial", "empty") or body.get("warnings") else _GOOD
