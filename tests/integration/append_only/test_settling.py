# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that is killed between the name of a copy on a medium that servers only add to and its entry: the next one adopts it by the controller's key."""

from __future__ import annotations

import shutil

from kills.lab import NOW, Stopped

SIGA = ("-e", '{"backup_only": ["SIGA"]}')


def adopted(house):
    return [(entry["label"], entry["medium"], entry["trust_level"]) for entry in house.entries("copy_made") if entry.get("adopted_run")]


def test_a_copy_whose_run_died_before_its_entry(house):
    Stopped(house).play(lambda: house.shelf("database/SIGA"), playbook="database", options=(*NOW, "--limit", "bd1", *SIGA))
    label, shelf = house.shelf("database/SIGA")[0], house.gate.path / "database" / "SIGA"
    assert not house.entries("copy_made")
    # whoever may write there exchanged it: nothing is made of it, and it is not touched
    shutil.copytree(shelf / label, house.top / "kept")
    (shelf / label / "SHA256SUMS").write_bytes(b"0" * 64 + b"  x\n")
    done = house.run("database", *SIGA)
    assert done.returncode == 2 and "RSP427" in done.stdout, done.stdout
    assert not adopted(house) and label in house.shelf("database/SIGA")

    # still sealed, with its own bytes: the controller gives it its name, as the dead run would have
    shutil.rmtree(shelf / label)
    shutil.move(house.top / "kept", shelf / f".{label}.sealed")
    house.good("database", *SIGA)
    assert adopted(house) == [(label, "nas", "T2")] and label in house.shelf("database/SIGA")
    assert len(house.shelf("database/SIGA")) == len(house.entries("copy_made")) and not house.permissions()
