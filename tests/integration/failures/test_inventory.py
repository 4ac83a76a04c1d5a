# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inventories with mistakes, a vault without its identity, a server that does not answer, clocks of other zones."""

from __future__ import annotations

import datetime
import socket
import sys

import pytest
import zoneinfo
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.entries import LIMA

from .house import SHELF, House

# What is wrong with a system -> what must be told: its key, the problem, the mend
MISTAKES = {
    "a slash": ({"name": "SIGA/2026"}, (".name", "has a slash", "A name is not a path")),
    "two dots": ({"name": "../SIGA"}, (".name", "has a slash")),
    "dots alone": ({"name": "SIGA..2026"}, (".name", "has two dots together")),
    "300 characters": ({"name": "S" * 300}, (".name", "has 300 characters, more than 64")),
    "a misspelt key": ({"name": "Uno", "criticalidad": "alta"}, (".criticalidad", "is not a known key", "Did you mean criticality")),
    "an unknown criticality": ({"name": "Dos", "criticality": "medai"}, (".criticality", "medai", "Did you mean media")),
    "a medium that does not exist": ({"name": "Tres", "media": ["dicso"]}, (".media[0]", "dicso", "Did you mean disco")),
}


def test_mistakes_of_the_inventory_are_told_at_once_and_nothing_is_touched(house: House) -> None:
    before = house.prints()
    house.declare(*(house.system(**wrong) for wrong, _told in MISTAKES.values()), house.system())
    done = house.run(playbook="site.yml")
    assert done.returncode == 2 and done.stdout.count("RSP101") and "Traceback" not in done.stdout, done.stdout
    told = " ".join(done.stdout.split())
    for index, (_wrong, wanted) in enumerate(MISTAKES.values()):
        start = told.rindex("backup_systems[{0}]".format(index) + wanted[0])      # the English comes last
        for words in wanted:
            assert words in told[start:start + 700], (words, told[start:start + 700])
    assert house.prints() == before and house.hidden() == [] and len(list(house.medium.glob("*/*"))) == 1
    assert [entry["type"] for entry in house.last_run()] == ["run_started", "run_ended"]
    ended, = house.last_run("run_ended")
    assert ended["verdict"] == "failed" and "localhost: RSP101: backup_systems[0].name" in ended["note_es"]
    house.mended()


@pytest.mark.parametrize("name", ["database_compression_threads", "common_lock_timeout"])
def test_an_odd_answer_to_a_role_that_copies_is_told_before_anything_is_touched(house: House, name: str) -> None:
    before = house.prints()
    done = house.run("-e", name + "=quizás")
    assert done.returncode == 2 and "RSP101" in done.stdout and name in done.stdout and "quizás" in done.stdout, done.stdout
    assert [entry["type"] for entry in house.last_run()] == ["run_started", "run_ended"] and house.prints() == before


def test_a_vault_without_its_identity(house: House) -> None:
    before = house.prints()
    done = house.run(vault=False)
    failed = house.failed_well(done, "RSP801", SHELF)
    assert "--vault-id" in done.stdout and "custodia" in failed["error_remedy_es"]
    assert house.prints() == before and house.hidden() == []
    assert not list((house.directory / "custodia").rglob(failed["label"] + "*"))
    house.mended()


def test_a_server_that_does_not_answer_stops_no_other(house: House) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))    # bound, not listening: nobody answers on this port
        lost = {"ansible_host": "127.0.0.1", "ansible_port": listener.getsockname()[1], "ansible_ssh_common_args": "-F none -o BatchMode=yes"}
        common = {"backup_media": [{"name": "disco", "path": str(house.medium)}], "backup_custody_directory": str(house.directory / "custodia"),
                  "common_install_tools": False}
        here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "backup_systems": [house.system()]}
        house.write({"all": {"hosts": {"localhost": here, "lejos": {**lost, "backup_systems": [house.system("Lejano")]}}, "vars": common}})
        done = house.run(playbook="site.yml")
    told = f"the run with a lost server ended with {done.returncode}\n{done.stdout}"
    assert done.returncode in (2, 4), told
    assert "UNREACHABLE" in done.stdout, told
    assert len(house.labels()) == 2, told
    made, = house.last_run("copy_made")
    failed, = house.last_run("copy_failed")
    assert made["host"] == "localhost" and (failed["host"], failed["system"], failed["error_code"]) == ("lejos", "Lejano", "RSP706")
    assert "sin conexión con el servidor" in failed["error_message_es"]
    ended, = house.last_run("run_ended")
    assert (ended["verdict"], ended["hosts_unreachable"]) == ("failed", 1)
    house.mended()


def test_the_label_has_lima_s_date_whatever_the_clock_s_zone(house: House) -> None:
    def today(zone: datetime.tzinfo) -> str:
        return datetime.datetime.now(zone).strftime("%Y%m%d")

    # of these two, at any moment, at least one is on another day than Lima
    zone = next(name for name in ("Etc/GMT-14", "Etc/GMT+12") if today(zoneinfo.ZoneInfo(name)) != today(LIMA))
    allowed = {today(LIMA)}
    done = house.run(TZ=zone)
    allowed.add(today(LIMA))
    assert done.returncode == 0, done.stdout
    made, = house.last_run("copy_made")
    dated = made["label"].split("_")[1]
    assert dated in allowed and dated != today(zoneinfo.ZoneInfo(zone))
    assert made["started_at"][:13] in {(datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=h)).strftime("%Y-%m-%dT%H") for h in (0, 1)}
