# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that is killed between the name of a copy in a cloud and its entry: the next one adopts what is the sealed copy, and says where it is not."""

from __future__ import annotations

import subprocess

import pytest
from front import Front
from kills.lab import NOW, Stopped
from test_cloud_plays import ROOT, House

SIGA = ("-e", '{"backup_only": ["SIGA"]}')


class Killed(House):
    """In the words of what kills plays."""

    @property
    def bitacora(self):
        return self.top / "b.sqlite"

    def start(self, playbook, *options):
        command, environment = self.command(playbook, *options)
        with open(self.top / "out", "w", encoding="utf-8") as out:
            return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)

    def kill(self, until):
        Stopped(self).play(until, playbook="database.yml", options=(*NOW, *SIGA))

    def sums(self, label):
        return self.bench.client.get_blob_client(f"lima/database/SIGA/{label}/SHA256SUMS")

    def adopted(self):
        return [(entry["label"], entry["medium"], entry["trust_level"]) for entry in self.entries("copy_made") if entry.get("adopted_run")]


@pytest.fixture
def front(azurite):
    made = Front(azurite)
    yield made
    made.close()


@pytest.fixture
def house(tmp_path, bench, front):
    made = Killed(tmp_path, bench)
    made.cloud.update(endpoint=front.url, retry_seconds=600)
    made.database = {"criticality": "media"}
    yield made
    made.close()


def test_a_copy_whose_run_died_before_its_entry(house, front):
    house.media = [house.disk, house.cloud]
    shelf = house.top / "disco" / "database" / "SIGA"
    # it has its name on the disk, and the service lets no blob be committed
    front.fault = lambda _method, comp, _number: "busy" if comp == "blocklist" else ""
    house.kill(lambda: shelf.is_dir() and any(not path.name.startswith(".") for path in shelf.iterdir()))
    front.fault = lambda *_any: ""
    first = house.entries("copy_sealed")[0]["label"]
    assert not house.entries("copy_made") and not house.sums(first).exists()
    told = " ".join(house.good("database.yml", *SIGA).split())
    assert house.adopted() == [(first, "disco", "T2")]
    assert "No está, o no se pudo leer, en nube: trasládela o haga otra copia" in told

    # it has its name there, and somebody exchanged it: nothing is made of it, and each run says so
    house.media = [house.cloud]
    house.kill(lambda: house.sums(house.entries("copy_sealed")[-1]["label"]).exists())
    third = house.entries("copy_sealed")[-1]
    whole = house.sums(third["label"]).download_blob().readall()
    house.sums(third["label"]).upload_blob(b"0" * 64 + b"  x\n", overwrite=True)
    done = house.run("database.yml", *SIGA)
    assert done.returncode == 2 and "RSP427" in done.stdout, done.stdout
    assert [entry["label"] for entry in house.entries("verification_failed")] == [third["label"]] and len(house.adopted()) == 1
    house.sums(third["label"]).upload_blob(whole, overwrite=True, metadata={"sha256": third["sha256"]})
    house.good("database.yml", *SIGA)
    assert house.adopted()[1:] == [(third["label"], "nube", "T2")]
    adopted = next(entry for entry in house.entries("copy_made") if entry["label"] == third["label"])
    assert adopted["key_reference"] and adopted["encrypted"] and adopted["location"].endswith("/lima/database/SIGA/" + third["label"])
