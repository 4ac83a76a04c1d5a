# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""reconcile.yml (backup_reconcile) on a medium that is not there, is another, or holds what is not ours."""

from __future__ import annotations

import shutil

import pytest


@pytest.mark.parametrize("create", [True, False])
def test_a_medium_that_is_not_mounted_is_unreachable_and_heals_by_itself(house, create):
    """An empty mount point: no copy is called damaged by reconcile, verify or prune, none is made beside, and all is as before once it is back."""
    house.medium(create=create)
    (house.top / "copias").rename(house.top / "mounted")
    (house.top / "copias").mkdir()
    for _night in range(2):
        done = house.run("reconcile")
        assert done.returncode == 2 and "RSP409" in done.stdout and "RSP405" not in done.stdout, done.stdout
    made = house.run("database", "-e", "backup_emergency_reason=prueba")
    assert made.returncode == 2 and "RSP409" in made.stdout, made.stdout
    read = house.run("verify", "-e", "verify_copies=0")
    assert read.returncode == 2 and "RSP409" in read.stdout, read.stdout
    house.policy(retention={"points": 1})
    house.medium(create=create)
    pruned = house.run("prune")
    assert pruned.returncode == 2 and "RSP409" in pruned.stdout, pruned.stdout
    assert not list((house.top / "copias").rglob("*")), "nothing was written beside"
    assert not house.entries("copy_damaged") and house.last_good() == house.second
    assert {entry["error_code"] for entry in house.entries("verification_failed")} == {"RSP409"}
    (house.top / "copias").rmdir()
    (house.top / "mounted").rename(house.top / "copias")
    assert house.run("reconcile").returncode == 0
    assert house.run("verify").returncode == 0


def test_a_medium_that_was_replaced_is_accepted_when_a_person_says_so(house):
    shutil.rmtree(house.top / "copias")
    (house.top / "copias").mkdir()
    done = house.run("reconcile", "-e", "reconcile_accept_empty=true")
    assert done.returncode == 2 and "RSP405" in done.stdout and len(house.entries("copy_damaged")) == 2, done.stdout
    assert house.run("database", "-e", "backup_emergency_reason=prueba").returncode == 0, "the new medium takes copies"


def test_a_pruned_copy_is_no_ghost(house):
    house.policy(retention={"points": 1})
    done = house.run("prune")
    assert done.returncode == 0 and [entry["label"] for entry in house.entries("copy_pruned")] == [house.first], done.stdout
    told = house.run("reconcile")
    assert told.returncode == 0 and "1 copia en el medio, 1 en la bitácora" in told.stdout, told.stdout


def test_leftovers_and_systems_that_nobody_declares_are_told(house):
    (house.shelf / ".SIGA_20200101.partial").mkdir()
    (house.shelf / ".SIGA_20200102.sealed").mkdir()
    shutil.copytree(house.shelf / house.first, house.shelf.parent / "VIEJO" / "VIEJO_20200101")
    for _night in range(2):
        done = house.run("reconcile")
        assert done.returncode == 0, done.stdout
        for told in ("ejecución muerta: database/SIGA/.SIGA_20200101.partial", ".SIGA_20200102.sealed",
                     "sin asiento database/VIEJO/VIEJO_20200101: de un sistema que no está en el inventario"):
            assert told in done.stdout, done.stdout
    assert [(entry["system"], entry["label"]) for entry in house.entries("stray_found")] == [("VIEJO", "VIEJO_20200101")]


def test_only_what_is_asked_for_is_compared(house):
    house.variables["backup_systems"].append({**house.variables["backup_systems"][0], "name": "SIAF"})
    house.medium(create=True)
    shutil.rmtree(house.shelf / house.first)
    for playbook in ("reconcile", "verify"):
        done = house.run(playbook, "-e", '{"backup_only": ["SIAF"]}')
        assert done.returncode == 0 and house.first not in done.stdout, done.stdout


def test_verify_reconciles_too(house):
    shutil.rmtree(house.shelf / house.first)
    done = house.run("verify")
    assert done.returncode == 2 and f"falta {house.first}" in done.stdout, done.stdout
    assert [entry["label"] for entry in house.entries("copy_damaged")] == [house.first]
