# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan as a terminal of 80 columns shows it."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "collections"))

from ansible_collections.perucompras.respaldo.plugins.action import backup_plan
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import view
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._decisions import due

LONG = "Trámite Documentario Institucional de la Alta Dirección"


def test_no_line_is_longer_and_no_name_is_cut() -> None:
    plan = [{"system": system, "kind": kind, "criticality": "media", "state": state, "next_due": "2026-12-06", "why": "No corresponde. " * 9,
             "responsible": "EGCR de Base de Datos (sin designación vigente)"}
            for system, kind, state in itertools.product(["SIGA", LONG], view.KINDS, due.STATES)]
    lines = backup_plan._table("bd1", plan)
    assert max(map(view.width_of, lines)) <= 80
    assert lines.count(LONG) == len(plan) // 2 and sum("Responsable: EGCR" in line for line in lines) + sum(
        "Responsable:" in line and "EGCR" not in line for line in lines) == len(plan)
    assert backup_plan._table("bd1", []) == ["bd1: ningún sistema"]
