# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""media_health.yml, by backup_medium: how each medium stands is told, recorded, and fails the run where it is bad; compliance.yml shows it."""

from __future__ import annotations

import json


def test_media_are_looked_at_recorded_and_told(house):
    house.variables["backup_media"].append({"name": "perdido", "path": str(house.top / "no hay")})
    (house.top / "inventory.yml").write_text(json.dumps({"all": {"hosts": {"localhost": house.variables}}}), "utf-8")
    done = house.run("media_health")
    assert done.returncode == 2, done.stdout
    (entry,) = house.entries("medium_checked")
    assert (entry["medium"], entry["location"], entry["objects"], entry["host"]) == ("local", str(house.top / "copias"), 2, "localhost")
    assert 0 < entry["space_free"] <= entry["space_total"] and "sin verificar desde la primera copia, hace 0 días" in entry["note_es"]
    assert "se alcanza, se lista y se puede escribir; copias: 2; libre" in done.stdout
    (failed,) = house.entries("medium_failed")
    assert failed["medium"] == "perdido" and failed["error_code"] == "RSP406"
    shown = house.run("compliance")
    assert shown.returncode == 0 and "bien" in shown.stdout and "RSP406" in shown.stdout, shown.stdout
