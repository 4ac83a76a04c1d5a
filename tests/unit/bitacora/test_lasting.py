# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a controller in a container would lose, by made tables of mounts; how runs of other containers are known to live; and what AWX says of a job."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.plugin_utils import _places
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import alive, journal, lasting, launched, seals, who
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.recorder import Recorder
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._reports import files

URL = "postgresql://respaldo@bd.entidad.gob.pe/bitacora"
OPTIONS = {"journal_directory": "/var/lib/respaldo-prueba/journal", "log_directory": "/var/lib/respaldo-prueba/logs", "seal": True,
           "seal_key": "/var/lib/respaldo-prueba/seal.key", "anchors": ["/srv/anclas-prueba/sellos.jsonl"], "may_be_lost": []}
ROOT = "81 55 0:40 / / rw,relatime - overlay overlay rw,upperdir=/var/lib/containers/x"
VOLUME = "90 81 8:1 /srv/respaldo /var/lib/respaldo-prueba rw,relatime - ext4 /dev/sda1 rw"
OF_AN_OVERLAY = "90 81 0:22 /srv/respaldo /var/lib/respaldo-prueba rw,relatime - overlay overlay rw,upperdir=/machine"
OWN_LAYER = "90 81 0:40 /elsewhere /var/lib/respaldo-prueba rw,relatime - overlay overlay rw,upperdir=/var/lib/containers/x"
ANCHORS = "91 81 0:55 / /srv/anclas-prueba rw,relatime - nfs4 nas:/anclas rw"
MEMORY = "92 81 0:56 / /run rw,nosuid - tmpfs tmpfs rw"
EMPTY_DIR = "90 81 8:1 /var/lib/kubelet/pods/1/volumes/kubernetes.io~empty-dir/x /var/lib/respaldo-prueba rw - ext4 /dev/sda1 rw"


@pytest.fixture
def container(tmp_path, monkeypatch):
    """Makes this process one in a container with these mounts; gives a function."""
    def become(*mounts):
        table = tmp_path / "mountinfo"
        table.write_text("\n".join(mounts) + "\n")
        monkeypatch.setattr(_places, "MOUNTS", str(table))
        monkeypatch.setenv("container", "podman")
        monkeypatch.setattr(_places, "_CONTAINER_MARKS", ())
    return become


def lost(url=URL, **options):
    return [place.name for place in lasting.thrown_away(lasting.places({**OPTIONS, **options}, url))]


@pytest.mark.parametrize("mounts, gone", [
    ((ROOT,), ["journal", "logs", "seal_key", "anchors"]),
    ((ROOT, VOLUME), ["anchors"]),
    ((ROOT, VOLUME, ANCHORS), []),
    ((ROOT, OF_AN_OVERLAY, ANCHORS), []),                                # a volume of a machine whose own root is an overlay
    ((ROOT, OWN_LAYER, ANCHORS), ["journal", "logs", "seal_key"]),       # the container's own layer, shown a second time
    ((ROOT, EMPTY_DIR, ANCHORS), ["journal", "logs", "seal_key"]),
], ids=["no volume", "one volume", "all on volumes", "volume of an overlay", "own layer", "emptyDir"])
def test_what_a_container_takes_along(container, mounts, gone):
    container(*mounts)
    assert lost() == gone


def test_the_same_without_a_container_is_nothing(container, monkeypatch):
    container(ROOT)
    monkeypatch.delenv("container")
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setattr(_places, "in_container", lambda marks=(): bool(os.environ.get("container")))
    assert lost() == []


def test_a_file_of_the_bitacora_is_named_too_and_can_not_be_chosen_away(container):
    container(ROOT, MEMORY, ANCHORS)
    assert lost("sqlite:////srv/b.sqlite", journal_directory="/run/diario", seal=False) == ["bitacora", "journal", "logs"]
    with pytest.raises(BackupError, match="RESPALDO_BITACORA_MAY_BE_LOST: 'bitacora'"):
        lasting.chosen({"may_be_lost": ["bitacora"]})


def test_a_key_that_a_credential_brought_lasts_elsewhere_and_none_is_made(container, tmp_path):
    container("81 55 0:40 / / rw - overlay overlay rw")
    key = tmp_path / "seal.key"
    assert "seal_key" in lost(seal_key=str(key))
    with pytest.raises(BackupError) as raised:
        seals.Signer(key)
    assert raised.value.code == "RSP742" and not key.exists()
    key.write_text("11" * 32 + "\n")
    key.chmod(0o600)
    assert "seal_key" not in lost(seal_key=str(key))
    assert seals.Signer(key).public


@pytest.mark.parametrize("only_look", [False, True])
def test_a_report_that_nobody_could_read_afterwards_is_refused_and_its_directory_not_made(container, tmp_path, only_look):
    """Also in a simulation, which tells what the run would come to."""
    page = tmp_path / "reportes" / "tablero.html"
    container(ROOT)
    with pytest.raises(BackupError) as raised:
        files.put(page, b"tablero", only_look)
    assert raised.value.code == "RSP756" and str(page) in raised.value.spanish and not page.parent.exists()
    assert files.put(tmp_path / "comprobacion.html", b"bien", only_look, stays=False), "that a job of continuous integration takes out itself"
    container(ROOT, f"90 81 8:1 /srv/reportes {page.parent} rw,relatime - ext4 /dev/sda1 rw")
    assert files.put(page, b"tablero", only_look) and page.exists() != only_look


def test_marks_of_commands_lie_with_the_journal_in_a_container_alone(container, monkeypatch):
    monkeypatch.setattr(lasting, "options", lambda: OPTIONS)
    monkeypatch.setenv("RESPALDO_BITACORA", URL)
    container(ROOT, VOLUME)
    assert lasting.of_marks() == "/var/lib/respaldo-prueba/journal/marks"
    container("81 55 8:1 / / rw,relatime - ext4 /dev/sda1 rw")
    assert lasting.of_marks() == ""


def test_a_run_uses_nothing_that_its_container_takes_along(container):
    container(ROOT)
    kept = lasting.kept(OPTIONS, URL)
    assert (kept.logs, kept.seal_key, kept.anchors, kept.choice) == (None, None, [], {}) and journal.directories(kept.journal) == []
    assert kept.lost.code == "RSP786"
    for word in ("/var/lib/respaldo-prueba/journal", "/var/lib/respaldo-prueba/logs", "/var/lib/respaldo-prueba/seal.key", "/srv/anclas-prueba/sellos.jsonl"):
        assert word in kept.lost.spanish
    chosen = lasting.kept({**OPTIONS, "may_be_lost": ["logs", "journal", "anchors", "seal_key"]}, URL)
    assert chosen.lost is None and chosen.choice == {"may_be_lost": "anchors, journal, logs, seal_key"}
    part = lasting.kept({**OPTIONS, "may_be_lost": ["logs"]}, URL)
    assert "seal.key" in part.lost.spanish and "/logs" not in part.lost.spanish and part.choice == {"may_be_lost": "logs"}
    container(ROOT, VOLUME, ANCHORS)
    kept = lasting.kept(OPTIONS, URL)
    assert str(kept.seal_key) == "/var/lib/respaldo-prueba/seal.key" and kept.lost is None and str(kept.anchors[0]) == "/srv/anclas-prueba/sellos.jsonl"


def test_a_home_that_nobody_told_is_no_directory_of_the_project(monkeypatch):
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(os.path, "expanduser", lambda path: str(path))      # as it answers for a number without a line in passwd
    assert str(_places.expanded("~/.local/state")) == "/nonexistent/.local/state" and str(_places.expanded("~")) == "/nonexistent"
    assert str(_places.expanded("/srv/~x")) == "/srv/~x"


# -- whether a run of another container lives -------------------------------------------------------------------------------

_ANOTHER = """
import sys, time
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from ansible_collections.perucompras.respaldo.plugins.plugin_utils import _places
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import who
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.recorder import Recorder
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._reports import files
_places.in_container = lambda: True
_places.is_thrown_away = lambda path: path == "/"
run = Recorder(sys.argv[2] + "/b.sqlite", sys.argv[2] + "/diario", None, {"controller": "otro-contenedor", "pid_namespace": "pid:[1]"})
run.start()
print(run.run, flush=True)
sys.stdin.read()
run.end({})
"""


def another(tmp_path):
    """A run of another container: its processes are not seen from here. It ends in order when its input does."""
    top = _places.__file__.split("/ansible_collections/")[0]
    begun = subprocess.Popen([sys.executable, "-c", _ANOTHER, top, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    return begun, begun.stdout.readline().strip()


def next_run(tmp_path):
    run = Recorder(str(tmp_path / "b.sqlite"), tmp_path / "diario", None, {})
    run.start()
    return {entry["run"]: entry["how"] for entry in _entries(tmp_path) if entry["type"] == "run_interrupted"}


def _entries(tmp_path):
    from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store

    with open_store(str(tmp_path / "b.sqlite"), readonly=True) as store:
        return store.entries()


def test_a_run_of_another_container_is_closed_when_it_is_dead_and_not_before(tmp_path):
    begun, run = another(tmp_path)
    assert next_run(tmp_path) == {}, "it lives"
    begun.kill()
    begun.wait()
    assert next_run(tmp_path) == {run: "died"}


def test_one_that_ended_in_order_leaves_nothing(tmp_path):
    begun, _run = another(tmp_path)
    begun.communicate("")
    assert begun.returncode == 0
    assert next_run(tmp_path) == {} and list((tmp_path / "diario").iterdir()) == []


def test_a_lock_tells_nothing_on_a_network_or_of_another_machine(tmp_path, monkeypatch):
    (tmp_path / "R1.vive").touch()
    here = {"run": "R1", "boot_id": "b1"}

    def on(kind, boot="b1"):
        monkeypatch.setattr(_places, "mounted", lambda path: _places.Mounted(kind, "/", "/"))
        return alive.died([tmp_path], here, {"boot_id": boot})

    assert on("ext4") and on("overlay") and on("ext4", "b2")
    tmp_path.chmod(0o777)      # where anybody may have put it
    assert not on("ext4")
    tmp_path.chmod(0o700)
    assert not on("nfs4") and not on("overlay", "b2") and not on("virtiofs", "b2")
    assert not alive.died([tmp_path], {**here, "run": "R2"}, here) and not alive.died([tmp_path], {**here, "run": "../x/R1"}, here)


# -- who and what began it ---------------------------------------------------------------------------------------------------

def test_what_awx_says_of_a_job_is_kept_as_its_claim():
    by_schedule = {"awx_job_id": 42, "awx_job_launch_type": "scheduled", "awx_job_template_name": "Copias", "awx_schedule_name": "Noche\x1b[31m",
                   "clave": "s3creto"}
    told = launched.claims(by_schedule)
    assert told["claimed_job"] == "42" and told["claimed_template"] == "Copias" and told["claimed_launch"] == "scheduled"
    assert "\x1b" not in told["claimed_schedule"] and "s3creto" not in str(told)
    assert who.operator(by_schedule)["executed_by"].startswith("programación «Noche")
    assert who.operator({**by_schedule, "awx_user_name": "anunez"})["claimed_user"] == "anunez", "a person goes before a schedule"
    assert launched.claims({"tower_job_id": 7, "awx_parent_job_schedule_name": "Mes"}) == {"claimed_job": "7", "claimed_schedule": "Mes"}
    assert launched.claims({"awx_job_id": "1; rm", "awx_schedule_name": ["x"], "awx_job_template_name": True}) == {}
