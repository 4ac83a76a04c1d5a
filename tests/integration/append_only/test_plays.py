# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plays on a medium that servers may only add to (S19): as on any other, with names, looks and removals by the controller's key."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

EMERGENCY = ("-e", "backup_emergency_reason=prueba")
DATABASES = ("-e", "common_kind=database")


def test_a_database_from_its_copy_to_its_removal(house):
    note = ["/bin/sh", "-c", f"echo $RESPALDO_HOOK $0 $RESPALDO_RESULT >>{house.top}/comandos"]
    house.hooks = {when: [{"argv": [*note, place], "on": place} for place in ("server", "controller")] for when in ("before", "after")}
    house.write()
    house.good("database", limit="bd1:bd2")
    assert (house.top / "comandos").read_text().splitlines() == ["before controller", "before server", "after server good", "after controller good"]
    labels = house.shelf("database/SIGA")
    assert len(labels) == 1 and len(house.shelf("database/PORTAL")) == 1
    house.good("verify", *DATABASES, "-e", '{"verify_only": ["SIGA"]}')
    assert house.entries("copy_verified")[-1]["medium"] == "nas"
    restored = house.top / "restored.sqlite"
    house.good("restore", "-e", f"restore_host=bd1 restore_system=SIGA restore_kind=database restore_target={restored} restore_reason=prueba")
    assert restored.exists()
    house.good("reconcile", "-e", '{"reconcile_only": ["SIGA"]}')
    house.hooks = {}
    house.write()
    for _day in range(2):
        house.good("database", *EMERGENCY)
    assert len(house.shelf("database/SIGA")) == 3
    house.good("prune", "-e", '{"prune_only": ["SIGA"]}')
    assert len(house.shelf("database/SIGA")) == 2 and len(house.entries("copy_pruned")) == 1
    assert not house.permissions()


def test_a_file_server_for_three_days(house):
    """restic behind the gate: incremental, proved, restored, transferred, and pruned by the controller alone."""
    for day in ("uno", "dos", "tres"):
        (house.folder / "acta.txt").write_text(day)
        house.good("file_server", *EMERGENCY)
    labels = house.shelf("file_server/LEGAL")
    assert len(labels) == 3 and not house.permissions()
    house.good("verify", "-e", '{"verify_only": ["LEGAL"]}')
    restored = house.top / "restored"
    house.good("restore", "-e", f"restore_host=bd1 restore_system=LEGAL restore_kind=file_server restore_label={labels[0]} restore_target={restored} "
               "restore_reason=prueba")
    assert [path.read_text() for path in restored.rglob("acta.txt")] == ["uno"]
    house.good("prune", "-e", '{"prune_only": ["LEGAL"]}')
    assert house.shelf("file_server/LEGAL") == labels[1:]
    (house.folder / "acta.txt").write_text("cuatro")
    house.good("file_server", *EMERGENCY)
    house.good("reconcile", "-e", '{"reconcile_only": ["LEGAL"]}')
    assert not house.permissions()


def test_a_partial_copy_is_marked_by_the_controller(house):
    """The server may not change the tags of a snapshot; what could be read is restored on purpose, as from any medium."""
    if os.geteuid() != 0:
        pytest.skip("mounts a file, so only root runs it")
    broken = house.folder / "roto.bin"
    broken.touch()
    subprocess.run(["mount", "--bind", f"/proc/{os.getpid()}/mem", str(broken)], check=True)
    try:
        assigned = {"backup_assigned_paths": [str(house.folder), str(broken)]}
        assert house.run("file_server", *EMERGENCY, "-e", json.dumps(assigned)).returncode != 0
    finally:
        subprocess.run(["umount", str(broken)], check=True)
    failed = house.entries("copy_failed")[-1]
    assert failed["error_code"] == "RSP220" and not house.shelf("file_server/LEGAL")
    house.good("restore", "-e", "restore_host=bd1 restore_system=LEGAL restore_kind=file_server restore_partial=true restore_reason=prueba "
               f"restore_label={failed['label']} restore_target={house.top / 'restored'}", "-e", json.dumps({"restore_paths": ["acta.txt"]}))
    assert [path.read_text() for path in (house.top / "restored").rglob("acta.txt")] == ["uno"]
