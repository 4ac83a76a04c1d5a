# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""schedule.yml with backup_scheduler: semaphore, by the real ansible-playbook, against the fake."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from fakes.semaphore import server

from plugins.plugin_utils._bitacora.store import open_store

from .conftest import SECRETS, declaration

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = os.path.join(os.path.dirname(sys.executable), "ansible-playbook")
COPIES = "respaldo: copias que corresponden"


class Institution:
    def __init__(self, top: Path, there: server.Semaphore) -> None:
        self.top, self.bitacora = top, top / "bitacora.sqlite"
        self.variables: dict[str, Any] = {
            "ansible_connection": "local", "ansible_python_interpreter": sys.executable, "backup_scheduler": "semaphore",
            "backup_semaphore": declaration(there), "backup_media": [{"name": "local", "path": str(top / "copias"), "create": True}],
            "backup_systems": [{"name": "Datos", "kind": "source_code", "criticality": "baja", "office": "OTI",
                                "source": {"type": "paths", "paths": [str(top)]}}],
        }

    def run(self, *options: str) -> subprocess.CompletedProcess[str]:
        (self.top / "hosts.yml").write_text(json.dumps({"all": {"hosts": {"localhost": self.variables}}}), "utf-8")
        settings = {**os.environ, "RESPALDO_BITACORA": str(self.bitacora), "ANSIBLE_LOCAL_TEMP": str(self.top / "ansible"), "HOME": str(self.top)}
        done = subprocess.run([PROGRAM, "-i", str(self.top / "hosts.yml"), "playbooks/schedule.yml", *options], cwd=ROOT, env=settings, capture_output=True,
                              text=True, timeout=180, check=False)
        assert not [secret for secret in SECRETS if secret in done.stdout + done.stderr]
        return done

    def entries(self, *types: str) -> list[dict[str, Any]]:
        with open_store(str(self.bitacora), readonly=True) as store:
            found = store.entries(type=types) if types else store.entries()
            assert not [secret for secret in SECRETS if secret in json.dumps(store.entries(), default=str)]
            return [dict(each) for each in found]


def test_from_nothing_to_a_schedule_in_force(tmp_path: Path, there: server.Semaphore) -> None:
    institution = Institution(tmp_path, there)

    institution.variables["backup_semaphore"]["token"] = "otro"
    done = institution.run()
    assert done.returncode == 2 and "RSP749" in done.stdout and "el token no es válido" in done.stdout and there.writes == []
    institution.variables["backup_semaphore"]["token"] = server.TOKEN

    done = institution.run("--check", "--diff", "-vvv")
    assert done.returncode == 0, done.stdout + done.stderr
    assert there.writes == [] and '+cron_format: "0 3 * * *"' in done.stdout and '+secret: "(se envía)"' in done.stdout
    entries = institution.entries("schedule_set")
    assert {entry["purpose"] for entry in entries} == {"copies", "drills", "verification", "media_health", "reports"}
    assert all(entry["simulated"] and entry["scheduler"] == "semaphore" for entry in entries)

    def fail(method: str, path: str) -> None:
        if len(there.writes) == 9:
            raise server.Refused(500, "database is locked")

    there.before.append(fail)
    done = institution.run()
    assert done.returncode == 2 and "RSP749" in done.stdout and not [entry for entry in institution.entries("schedule_set") if not entry.get("simulated")]
    there.before.clear()

    institution.variables["backup_schedule"] = {"copies": {"at": "23:30"}, "reconcile": {"at": "04:00", "days": ["sunday"]}}
    done = institution.run()
    assert done.returncode == 0, done.stdout + done.stderr
    # 23:30 in Lima is 04:30 of the next day in UTC
    assert there.named("schedules")[COPIES]["cron_format"] == "30 4 * * *"
    entries = [entry for entry in institution.entries("schedule_set") if not entry.get("simulated")]
    assert len(entries) == 6 and "copias que corresponden: todos los días a las 23:30 (America/Lima), por Semaphore" in [entry["note_es"] for entry in entries]

    written = len(there.writes)
    done = institution.run()
    assert done.returncode == 0 and "changed=0" in done.stdout and len(there.writes) == written
    del institution.variables["backup_schedule"]["reconcile"]
    done = institution.run()
    assert done.returncode == 0 and "respaldo: conciliación de medios y bitácora" not in there.named("schedules")
    (entry,) = institution.entries("schedule_removed")
    assert (entry["purpose"], entry["scheduler"]) == ("reconcile", "semaphore")
