# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sources that are not there and media that take nothing, all in one run; and two runs of one system at once."""

from __future__ import annotations

import datetime
import os
import subprocess
from pathlib import Path
from typing import Any, Iterator

import pytest
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import chain
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.entries import LIMA

from .conftest import mounted
from .house import SHELF, House, descendants, until

# name of the system -> code, and what its error must name
WRONG = {
    "Sin carpeta": ("RSP201", "no-esta"),
    "Sin repositorio": ("RSP201", "no-esta.git"),
    "Sin archivo": ("RSP201", "no-esta.sqlite"),
    "Sin programa": ("RSP301", "no-esta.sh"),
    "Disco lleno": ("RSP402", "pequeno"),
    "Solo lectura": ("RSP401", "solo-lectura"),
    "Sin montar": ("RSP401", "sin-montar"),
    "Rótulo tomado": ("RSP403", "Rotulotomado_"),
}


def _systems(house: House, directory: Path) -> list[dict[str, Any]]:
    code, command = {"kind": "source_code", "criticality": "baja"}, house.system()["source"]
    return [
        house.system("Sin carpeta", **code, source={"type": "paths", "paths": [str(directory / "no-esta")]}),
        house.system("Sin repositorio", **code, source={"type": "git", "path": str(directory / "no-esta.git")}),
        house.system("Sin archivo", source={"type": "sqlite", "path": str(directory / "no-esta.sqlite")}),
        house.system("Sin programa", source={**command, "dump": [str(directory / "no-esta.sh")]}),
        house.system("Disco lleno", media=["disco", "pequeno"]),
        house.system("Solo lectura", media=["disco", "solo-lectura"]),
        house.system("Sin montar", media=["disco", "sin-montar"]),
        house.system("Rótulo tomado"),
        house.system(),
    ]


@pytest.fixture(scope="module")
def wrong_run(good_house: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, subprocess.CompletedProcess[str], Path]]:
    """One run of nine systems, of which eight fail."""
    directory = tmp_path_factory.mktemp("malos")
    made = good_house.copy(directory / "casa")
    before = made.prints()
    media = [{"name": name, "path": str(directory / name), "default": False} for name in ("pequeno", "solo-lectura", "sin-montar")]
    made.declare(*_systems(made, directory), media=media)
    today = datetime.datetime.now(LIMA).strftime("%Y%m%d")
    taken = made.medium / "database" / "Rotulotomado" / ("Rotulotomado_" + today)
    taken.mkdir(parents=True)
    (taken / "SHA256SUMS").write_text("de otro\n")
    with mounted(directory / "pequeno", "2m"), mounted(directory / "solo-lectura", "2m", "ro"):
        done = made.run(playbook="site.yml")
        yield made, done, directory
    assert (taken / "SHA256SUMS").read_text() == "de otro\n" and len(list(taken.iterdir())) == 1
    assert {name: digest for name, digest in made.prints().items() if name in before} == before


@pytest.mark.parametrize("name", sorted(WRONG))
def test_what_can_t_be_copied_is_told(wrong_run: tuple[House, subprocess.CompletedProcess[str], Path], name: str) -> None:
    made, done, directory = wrong_run
    code, named = WRONG[name]
    failed = made.failed_well(done, code, named, system=name)
    assert failed["label"] not in made.labels() or name == "Rótulo tomado"
    assert made.labels(directory / "pequeno") == made.hidden(directory / "pequeno") == [] and not (directory / "sin-montar").exists()
    # what a person reads at the end of the run
    assert "{0} ({1}) {2}: {3}".format(failed["label"], name, code, failed["error_message_es"]).replace('"', '\\"') in done.stdout


def test_the_others_go_on(wrong_run: tuple[House, subprocess.CompletedProcess[str], Path]) -> None:
    made, done, _directory = wrong_run
    assert [entry["system"] for entry in made.last_run("copy_made")] == [made.system()["name"]]
    assert len(made.last_run("copy_started")) == 9 and len(made.last_run("copy_failed")) == 8
    assert made.hidden() == [] and len(list(made.medium.glob("database/" + SHELF + "/[!.]*"))) == 2
    ended, = made.last_run("run_ended")
    assert (ended["copy_made"], ended["copy_failed"], ended["hosts_failed"]) == (1, 8, 1) and "Fallaron 8 de 9 en localhost" in done.stdout
    assert chain.verify_file(made.bitacora).whole


def test_two_runs_of_one_system_at_once(house: House) -> None:
    first, _dump = house.begin_half()
    second = house.run()
    house.failed_well(second, "RSP404", house.system()["name"].partition(" ")[0][:4])
    assert first.poll() is None and len(house.hidden()) == 1, "the first is not disturbed"
    (house.dump / "pause").unlink()
    third = house.begin("-e", "common_lock_timeout=60", output="third")
    until(lambda: _waits_for_the_lock(third.pid) or third.poll() is not None, "the third run to wait for the lock")
    assert third.poll() is None, house.said("third")
    assert len(house.labels()) == 1
    (house.dump / "go").touch()
    assert first.wait(120) == 0, house.said()
    assert third.wait(120) == 0, house.said("third")
    assert len(house.labels()) == 3 and house.hidden() == []
    made = house.entries("copy_made")
    assert [len({entry[name] for entry in made}) for name in ("run", "label", "sha256")] == [3, 3, 3]
    assert chain.verify_file(house.bitacora).whole


def _waits_for_the_lock(pid: int) -> bool:
    """Whether a process of that run holds the lock's file open."""
    for child in descendants(pid):
        try:
            if any(os.readlink(link).endswith("/.lock") for link in Path("/proc/{0}/fd".format(child)).iterdir()):
                return True
        except OSError:
            continue
    return False
