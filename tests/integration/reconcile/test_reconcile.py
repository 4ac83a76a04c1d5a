# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""reconcile.yml (backup_reconcile) on a real medium that somebody touched."""

from __future__ import annotations

import json
import shutil


def test_all_is_where_the_bitacora_says(house):
    done = house.run("reconcile")
    assert done.returncode == 0 and "2 copias en el medio, 2 en la bitácora" in done.stdout, done.stdout
    assert not house.entries("copy_damaged", "stray_found")


def test_a_copy_that_is_gone_no_longer_counts_and_fails_each_night_until_it_is_back(house):
    shutil.move(house.shelf / house.second, house.top / "away")
    done = house.run("reconcile")
    assert done.returncode == 2 and f"falta {house.second}" in done.stdout and "RSP405" in done.stdout, done.stdout
    assert house.last_good() == house.first
    again = house.run("reconcile")
    assert again.returncode == 2 and "RSP505" in again.stdout and house.second in again.stdout, again.stdout
    assert [entry["label"] for entry in house.entries("copy_damaged")] == [house.second], "the finding is recorded once"
    assert [(entry["error_code"], entry["objects"]) for entry in house.entries("verification_failed")] == [("RSP505", 1)]
    shutil.move(house.top / "away", house.shelf / house.second)
    mended = house.run("reconcile")
    assert mended.returncode == 0 and f"reencontrada {house.second}" in mended.stdout, mended.stdout
    assert house.last_good() == house.second, "it counts as before: its bytes were read again"
    assert [(entry["label"], entry["trust_level"], entry["reason"]) for entry in house.entries("copy_found")] == [(house.second, "T2", "reconciliation")]
    assert house.run("reconcile").returncode == 0 and len(house.entries("copy_found")) == 1


def test_what_comes_back_damaged_is_not_healed(house):
    shutil.move(house.shelf / house.second, house.top / "away")
    assert house.run("reconcile").returncode == 2
    part = next(path for path in (house.top / "away").iterdir() if path.suffix == ".zst")
    part.write_bytes(part.read_bytes()[:-1] + b"\x00")
    shutil.move(house.top / "away", house.shelf / house.second)
    done = house.run("reconcile")
    assert done.returncode == 2 and "RSP501" in done.stdout and house.last_good() == house.first, done.stdout
    assert not house.entries("copy_found")


def test_what_is_lost_for_good_is_given_up_with_a_reason(house):
    shutil.rmtree(house.shelf / house.first)
    assert house.run("reconcile").returncode == 2
    labels = ["-e", json.dumps({"reconcile_lost_labels": [house.first]})]
    refused = house.run("reconcile", *labels)
    assert refused.returncode == 2 and "RSP101" in refused.stdout and "lost_reason" in refused.stdout
    done = house.run("reconcile", *labels, "-e", json.dumps({"reconcile_lost_reason": "disco averiado, acta 12"}))
    assert done.returncode == 0, done.stdout
    assert [entry["reason_text"] for entry in house.entries("copy_pruned")] == ["Dada por perdida: disco averiado, acta 12"]
    assert house.run("reconcile").returncode == 0 and house.last_good() == house.second


def test_other_content_under_a_known_label(house):
    sums = house.shelf / house.second / "SHA256SUMS"
    sums.write_text(sums.read_text().replace("0", "1", 1))
    done = house.run("reconcile")
    assert done.returncode == 2 and f"difiere {house.second}" in done.stdout and "RSP501" in done.stdout, done.stdout
    assert house.last_good() == house.first


def test_what_has_no_entry_is_shown_each_time_and_recorded_once(house):
    shutil.copytree(house.shelf / house.first, house.shelf / "SIGA_20200101")
    (house.shelf / "copia manual").mkdir()
    for _night in range(2):
        done = house.run("reconcile")
        assert done.returncode == 0 and "sin asiento SIGA_20200101" in done.stdout and "sin asiento copia manual" in done.stdout, done.stdout
    assert sorted(entry["label"] for entry in house.entries("stray_found")) == ["SIGA_20200101", "copia manual"]


def test_a_renamed_copy_is_missing_and_without_entry(house):
    (house.shelf / house.second).rename(house.shelf / "SIGA_20200101")
    done = house.run("reconcile")
    assert done.returncode == 2 and f"falta {house.second}" in done.stdout and "sin asiento SIGA_20200101" in done.stdout


def test_check_mode_records_nothing_that_counts(house):
    shutil.rmtree(house.shelf / house.second)
    house.run("reconcile", "--check")
    assert house.last_good() == house.second
    assert all(entry.get("simulated") for entry in house.entries("copy_damaged"))
