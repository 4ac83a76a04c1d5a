# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller is killed during a copy, its bitácora takes no entries, or it is not enabled."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from pathlib import Path

import pytest
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import chain

from .conftest import mounted
from .house import ROOT, House, alive, descendants, until

pytestmark = pytest.mark.cold      # what a user's own run does that is killed


@pytest.mark.parametrize("number, statuses", [
    (signal.SIGINT, (99, 130)), (signal.SIGTERM, (-signal.SIGTERM, 143)), (signal.SIGKILL, (-signal.SIGKILL,)),
])
def test_the_controller_killed_during_a_copy(house: House, number: signal.Signals, statuses: tuple[int, ...]) -> None:
    run, _dump = house.begin_half()
    at_work = descendants(run.pid)
    if number == signal.SIGINT:
        os.killpg(run.pid, number)    # as Ctrl-C on a terminal
    else:
        run.send_signal(number)
    assert run.wait(120) in statuses, house.said()
    closed = [entry["error_code"] for entry in house.last_run("copy_failed")], len(house.last_run("run_interrupted"))
    assert closed == (([], 0) if number == signal.SIGKILL else (["RSP705"], 1))
    # what was at work goes on to its end, and still no copy gets its name
    house.go_on()
    until(lambda: not any(alive(pid) for pid in at_work), "the module to end")
    assert len(house.labels()) == 1 and len(house.last_run("copy_started")) == 1 and not house.last_run("copy_made")
    lost = house.last_run("copy_started")[0]
    # a sealed copy may wait for a live controller, an hour: let it pass
    for path in house.medium.glob("*/*/.*.sealed"):
        os.utime(path, (time.time() - 3700,) * 2)
    house.mended()
    failed = [entry for entry in house.entries("copy_failed") if entry["label"] == lost["label"]]
    assert [(entry["error_code"], entry["run"], entry["host"]) for entry in failed] == [("RSP705", lost["run"], "localhost")]
    assert "se interrumpió" in failed[0]["error_message_es"] and failed[0]["office"] == lost["office"]
    assert [entry["run"] for entry in house.entries("run_interrupted")] == [lost["run"]]
    assert lost["label"] not in house.labels()


def test_a_bitacora_that_is_read_only(house: House) -> None:
    before = house.prints()
    former = house.bitacora.parent.rename(house.directory / "db-before")
    with mounted(house.bitacora.parent, "2m") as disk:
        shutil.copytree(former, house.bitacora.parent, dirs_exist_ok=True)
        disk("ro")
        stored = house.bitacora.read_bytes()
        done = house.run()
        assert done.returncode == 70 and "RSP702" in done.stdout and str(house.journal) in done.stdout, done.stdout
        assert house.bitacora.read_bytes() == stored
        _nothing_copied(house, before)
        disk("rw")
        _taken_in(house, ["run_started", "run_ended"])


def test_the_bitacora_s_disk_is_full_before_the_run(house: House) -> None:
    before = house.prints()
    former = house.bitacora.parent.rename(house.directory / "db-before")
    with mounted(house.bitacora.parent, "1m"):
        shutil.copytree(former, house.bitacora.parent, dirs_exist_ok=True)
        ballast = _fill(house)
        done = house.run()
        assert done.returncode == 70 and "RSP702" in done.stdout and str(house.journal) in done.stdout, done.stdout
        _nothing_copied(house, before)
        ballast.unlink()
        _taken_in(house, ["run_started", "run_ended"])


def test_the_bitacora_s_disk_fills_up_during_the_run(house: House) -> None:
    former = house.bitacora.parent.rename(house.directory / "db-before")
    with mounted(house.bitacora.parent, "1m"):
        shutil.copytree(former, house.bitacora.parent, dirs_exist_ok=True)
        run, _dump = house.begin_half()
        ballast = _fill(house)
        house.go_on()
        done = house.finished(run)
        assert done.returncode == 70 and "RSP703" in done.stdout and str(house.journal) in done.stdout, done.stdout
        assert len(house.entries("copy_made")) == 1 and len(house.labels()) == 2
        ballast.unlink()
        _taken_in(house, ["run_started", "copy_started", "copy_made", "run_ended"])


@pytest.mark.parametrize("settings", [
    {"ANSIBLE_CONFIG": "otro.cfg", "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections")},
    {"ANSIBLE_CALLBACKS_ENABLED": "perucompras.respaldo.bitacoras"},
], ids=["not enabled", "misspelt"])
def test_a_callback_not_enabled_or_misspelt(house: House, settings: dict[str, str]) -> None:
    before, stored = house.prints(), house.bitacora.read_bytes()
    (house.directory / "otro.cfg").write_text("[defaults]\n")
    done = house.run(**settings)
    assert done.returncode == 2 and "RSP701" in done.stdout and "callbacks_enabled = perucompras.respaldo.bitacora" in done.stdout, done.stdout
    assert house.bitacora.read_bytes() == stored
    _nothing_copied(house, before)


def _fill(house: House) -> Path:
    """Take all the space that is left on the bitácora's disk."""
    ballast = house.bitacora.parent / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    return ballast


def _nothing_copied(house: House, before: dict[str, str]) -> None:
    assert house.prints() == before and house.hidden() == []


def _taken_in(house: House, types: list[str]) -> None:
    """The journal of the run waits; the next run takes it in and makes its own copy."""
    waiting, = house.journal.glob("*.jsonl")
    assert waiting.stat().st_mode & 0o077 == 0
    house.mended()
    assert not list(house.journal.glob("*.jsonl"))
    assert [entry["type"] for entry in house.entries() if entry["run"] == waiting.stem] == types
    if "copy_made" not in types:
        told = next(entry for entry in house.entries("run_ended") if entry["run"] == waiting.stem)
        assert told["verdict"] == "failed" and told["note_es"].startswith("localhost: RSP702: No se puede escribir en la bitácora")
    assert chain.verify_file(house.bitacora).whole
