# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""transfer.yml and drill.yml with a medium that servers only fill, as source and as target."""

from __future__ import annotations


def test_copies_are_carried_there_and_away_and_drilled(house):
    away = [house.medium(), {"name": "local", "path": str(house.top / "otro"), "create": True, "default": False}]
    house.good("database")
    house.write(backup_media=away, backup_repository="local")
    house.good("transfer")
    assert [row["medium"] for row in house.entries("copy_transferred")] == ["local"]
    assert [path.name for path in (house.top / "otro" / "database" / "SIGA").iterdir() if not path.name.startswith(".")] == house.shelf("database/SIGA")

    house.good("drill")
    assert house.entries("copy_verified")[-1]["trust_level"] >= "T3"

    there = [{**away[1], "default": True}, {**house.medium(), "default": False}]
    house.write(backup_media=there, backup_repository="nas")
    house.good("database", "-e", "backup_emergency_reason=prueba")
    house.good("transfer")
    assert [row["medium"] for row in house.entries("copy_transferred")] == ["local", "nas"] and len(house.shelf("database/SIGA")) == 2
    assert not house.permissions()

    # the path of the repository is changed where the directory is made when it is missing: what is carried there would leave the others behind, untold
    house.write(backup_media=[{**away[1], "path": str(house.top / "movido")}, house.medium()], backup_repository="local")
    house.good("database", "-e", "backup_emergency_reason=prueba")
    done = house.run("transfer")
    assert done.returncode == 2 and "RSP409" in done.stdout and not (house.top / "movido").exists(), done.stdout
    assert [row["error_code"] for row in house.entries("transfer_failed")] == ["RSP409"]
