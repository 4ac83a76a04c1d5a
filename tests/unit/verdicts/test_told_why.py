# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every failure that a run ends with says why, also that of a copy which was refused before it began."""

from __future__ import annotations

import pytest
from ansible_collections.perucompras.respaldo.plugins.action import backup_plan, bitacora_verdict

WHY = "RSP120: ya lo copió app1. Indique moved_from: app1"
ROW = {"system": "Encuestas", "kind": "database", "numeral": "7.2.1", "due": "no", "state": "refused", "why": WHY}


def test_a_copy_that_the_plan_refused_is_told_with_its_reason() -> None:
    (entry,) = backup_plan._record([ROW], "all")["backup"]
    assert entry["event"] == "copy_refused"
    assert bitacora_verdict.why(entry) == f"Encuestas: {WHY}"


@pytest.mark.parametrize(("entry", "told"), [
    ({"error_message_es": "No cabe", "reason_text": "emergencia"}, "No cabe"),
    ({"note_es": "Otra huella", "reason_text": "emergencia"}, "Otra huella"), ({}, "")])
def test_what_failed_is_told_by_its_error_and_not_by_what_it_was_begun_for(entry: dict[str, str], told: str) -> None:
    assert bitacora_verdict.why(entry) == told


def test_the_verdict_names_each_system_once() -> None:
    (entry,) = backup_plan._record([ROW], "all")["backup"]
    row = {"label": "", "system": entry["system"], "code": "", "message_es": bitacora_verdict.why(entry)}
    assert bitacora_verdict._line(row) == f"Encuestas: {WHY}"
    assert bitacora_verdict._line({**row, "label": "E_20261128", "code": "RSP201", "message_es": "No existe"}) == "E_20261128 (Encuestas) RSP201: No existe"
