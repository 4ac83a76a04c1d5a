# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""File servers (backup_files and its role) as staff copy and restore them: the playbooks, from inventory to bitácora, with a real restic."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import flip, shape

from plugins.plugin_utils._bitacora.store import open_store

ROOT = Path(__file__).resolve().parents[3]
NOW = ("-e", "backup_emergency_reason=Prueba")


class House:
    """An institution with one shared folder, its medium, custody and bitácora, and a policy of its own."""

    def __init__(self, top):
        self.top, self.folder, self.nas = top, top / "compartido" / "rrhh", top / "nas"
        self.shelf = self.nas / "file_server" / "RRHH"
        (self.folder / "legajos").mkdir(parents=True)
        (self.folder / "planilla.csv").write_text("a,b\n", "utf-8")
        (self.folder / "legajos" / "ñandú.txt").write_text("uno\n", "utf-8")
        self.policy = yaml.safe_load((ROOT / "policies" / "manual-001-2019.yml").read_text("utf-8"))
        self.source = {"type": "restic", "paths": [str(self.folder)]}
        self.more = {}
        (top / "vault").write_text("clave de la bóveda\n", "utf-8")

    def run(self, playbook, *options, good=True):
        (self.top / "policy.yml").write_text(yaml.safe_dump(self.policy, allow_unicode=True), "utf-8")
        system = {"name": "RRHH", "kind": "file_server", "criticality": "alta", "office": "Recursos Humanos", "source": self.source}
        (self.top / "inventory.yml").write_text(json.dumps({"all": {"hosts": {"archivos1": {
            "ansible_connection": "local", "ansible_python_interpreter": sys.executable, "backup_systems": [system], "common_install_tools": False,
            "backup_policy_file": str(self.top / "policy.yml"), "backup_custody_directory": str(self.top / "custodia"),
            "backup_assigned_paths": [str(self.top / "compartido")], "backup_media": [{"name": "nas", "path": str(self.nas), "create": True}],
            **self.more}}}}), "utf-8")
        done = subprocess.run(
            [os.path.join(os.path.dirname(sys.executable), "ansible-playbook"), "-i", str(self.top / "inventory.yml"),
             "--vault-password-file", str(self.top / "vault"), f"playbooks/{playbook}.yml", *options],
            cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
            env=dict(os.environ, RESPALDO_BITACORA=str(self.top / "state" / "bitacora.sqlite"), ANSIBLE_LOCAL_TEMP=str(self.top / "ansible"),
                     HOME=str(self.top)))
        assert not good or done.returncode == 0, done.stdout + done.stderr
        return done

    def restore(self, *options, good=True):
        return self.run("restore", "-e", "restore_host=archivos1", "-e", "restore_kind=file_server", "-e", "restore_system=RRHH", *options, good=good)

    def entries(self, *types):
        with open_store(str(self.top / "state" / "bitacora.sqlite"), readonly=True) as store:
            return store.entries(type=types)

    def labels(self):
        return sorted(path.name for path in self.shelf.iterdir() if not path.name.startswith("."))


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


def test_the_life_of_a_file_server_from_copy_to_prune(house):
    before = shape(house.folder)
    house.run("file_server", *NOW)
    made = house.entries("copy_made")[-1]
    assert (made["trust_level"], made["files_new"], made["objects"], made["repository"]) == ("T2", 2, 2, "RRHH")
    assert made["key_reference"] == "custodia:file_server/RRHH/repositorio" and (house.top / "custodia" / "file_server" / "RRHH" / "repositorio.yml").exists()
    # nothing is due again the same day
    house.run("file_server")
    assert len(house.labels()) == 1

    shutil.rmtree(house.folder / "legajos")
    house.restore("-e", json.dumps({"restore_paths": ["legajos/ñandú.txt"]}))
    restored = house.entries("restored")[-1]
    assert restored["target"] == str(house.folder / ("_restaurado_" + made["label"])) and restored["objects"] == 1
    assert Path(restored["target"], "legajos", "ñandú.txt").read_text("utf-8") == "uno\n"
    assert (restored["trust_level"], restored["wanted"]) == ("T0", ["legajos/ñandú.txt"]), "one file is no proof that the copies of this system come back"
    shutil.rmtree(restored["target"])
    house.restore("-e", json.dumps({"restore_paths": ["legajos"], "restore_target": str(house.folder)}))
    assert shape(house.folder) == before

    for _day in range(2):
        (house.folder / "nuevo.txt").write_text(str(_day))
        house.run("file_server", *NOW)
    house.run("verify", "-e", "verify_level=T4")
    verified = house.entries("copy_verified")[-1]
    assert verified["trust_level"] == "T4" and "restic_data 1/30" in verified["checks"] and "source_files" in verified["checks"]
    house.run("verify", "-e", "verify_level=T3")
    verified = house.entries("copy_verified")[-1]
    assert verified["trust_level"] == "T3" and "source_attributes" in verified["checks"] and "source_files" not in verified["checks"]
    house.run("verify")
    assert "restic_data 3/30" in house.entries("copy_verified")[-1]["checks"]

    house.policy["kinds"]["file_server"]["keep_copies"], house.policy["minimum_copies"] = 2, 1
    house.run("prune")
    assert [row["label"] for row in house.entries("copy_pruned")] == [made["label"]]
    assert len(house.labels()) == 2 and len(list((house.nas / "file_server" / ".restic.RRHH" / "repositorio" / "snapshots").iterdir())) == 2
    house.run("reconcile")

    # a snapshot that is gone is a copy that is gone
    manifest = json.loads(next((house.shelf / house.labels()[0]).glob("*.json")).read_text("utf-8"))
    (house.nas / "file_server" / ".restic.RRHH" / "repositorio" / "snapshots" / manifest["restic"]["media"]["nas"]["snapshot"]).unlink()
    assert house.run("reconcile", good=False).returncode != 0
    assert [row["label"] for row in house.entries("copy_damaged")] == [house.labels()[0]]


def test_copies_that_the_bitacora_lost_are_adopted_with_their_snapshots(house):
    """The bitácora comes back from an older copy of itself: the snapshots it lost get an entry each, and what somebody laid beside them does not."""
    house.run("file_server", *NOW)
    state = house.top / "state"
    shutil.copytree(state, house.top / "antes")
    (house.folder / "planilla.csv").write_text("a,c\n", "utf-8")
    house.run("file_server", *NOW)
    made = house.entries("copy_made")[-1]
    shutil.rmtree(state)
    shutil.copytree(house.top / "antes", state)
    # another label that tells of the same snapshot, with good sums
    forged, there = house.shelf / "RRHH_20991231", house.shelf / made["label"]
    shutil.copytree(there, forged)
    for path in sorted(forged.iterdir()):
        path.rename(path.with_name(path.name.replace(made["label"], forged.name)))
    manifest = forged / (forged.name + ".json")
    manifest.write_text(manifest.read_text("utf-8").replace(made["label"], forged.name), "utf-8")
    files = [path for path in sorted(forged.iterdir()) if path.name != "SHA256SUMS"]
    (forged / "SHA256SUMS").write_text("".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files), "utf-8")

    why = ("-e", json.dumps({"recover_mounted": ["nas"], "recover_reason": "Incendio", "recover_authority": "Acta 3"}))
    bare = house.run("recover", *why, "-e", f"backup_custody_directory={house.top / 'nada'}", good=False)
    assert bare.returncode == 2 and "RSP517" in bare.stdout and house.entries("verification_failed")[-1]["error_code"] == "RSP517", bare.stdout
    assert len(house.entries("copy_made")) == 1 and f"no se adopta {made['label']}" in bare.stdout, bare.stdout
    done = house.run("recover", *why, good=False)
    assert done.returncode == 2 and "RSP517" in done.stdout and forged.name in house.entries("verification_failed")[-1]["error_message_es"]
    assert f"no se adopta {forged.name}" in done.stdout and f"adoptada {made['label']}" in done.stdout, done.stdout
    _first, adopted = house.entries("copy_made")
    same = ("label", "repository", "key_reference", "sha256", "size_original", "objects")
    assert {name: adopted[name] for name in same} == {name: made[name] for name in same}
    assert (adopted["trust_level"], adopted["reason"]) == ("T1", "adopted") and "Acta 3" in adopted["note_es"]
    (house.folder / "planilla.csv").unlink()
    house.restore("-e", json.dumps({"restore_paths": ["planilla.csv"], "restore_target": str(house.folder)}))
    assert (house.folder / "planilla.csv").read_text("utf-8") == "a,c\n"


def test_working_hours_need_a_reason_and_a_repository_needs_its_custody(house):
    every_day = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
    house.policy["working_hours"] = {"days": every_day, "from": "00:00", "until": "23:59"}
    house.source["limit_upload_working_hours"] = 50_000
    house.run("file_server")
    assert not house.shelf.exists() and "horario laboral" in house.entries("copy_not_due")[-1]["reason_text"]
    house.run("file_server", *NOW)
    assert len(house.labels()) == 1

    shutil.move(house.top / "custodia", house.top / "perdida")
    assert house.run("file_server", *NOW, good=False).returncode != 0
    assert house.entries("copy_failed")[-1]["error_code"] == "RSP801"
    assert not (house.top / "custodia").exists(), "no new password may stand where the old one is wanted"
    shutil.move(house.top / "perdida", house.top / "custodia")
    house.run("file_server", *NOW)

    # damage: the verification tells it, and no copy is made over it before somebody has looked
    pack = sorted((house.nas / "file_server" / ".restic.RRHH" / "repositorio" / "data").glob("??/*"))[0]
    flip(pack)
    assert house.run("verify", "-e", "verify_data_days=1", good=False).returncode != 0
    assert pack.name in house.entries("copy_damaged")[-1]["error_message"]
    assert house.run("file_server", *NOW, good=False).returncode != 0
    assert pack.name in house.entries("copy_failed")[-1]["error_message"]
    assert len(house.labels()) == 2


@pytest.mark.root
def test_a_partial_copy_is_told_and_comes_back_only_on_purpose_and_the_repository_gets_what_is_good(house):
    # root reads everything but what answers with an error
    broken = house.folder / "roto.bin"
    broken.touch()
    subprocess.run(["mount", "--bind", f"/proc/{os.getpid()}/mem", str(broken)], check=True)
    try:
        # what is mounted below is copied only where it is assigned itself
        assigned = {"backup_assigned_paths": [str(house.folder.parent), str(broken)]}
        assert house.run("file_server", *NOW, "-e", json.dumps(assigned), good=False).returncode != 0
    finally:
        subprocess.run(["umount", str(broken)], check=True)
    failed = house.entries("copy_failed")[-1]
    assert (failed["error_code"], failed["unread"], failed["unread_count"]) == ("RSP220", [str(broken)], 1) and str(broken) in failed["error_message_es"]
    assert not house.labels()
    assert house.restore("-e", "restore_label=" + failed["label"], good=False).returncode != 0
    house.restore("-e", "restore_label=" + failed["label"], "-e", "restore_partial=true", "-e", json.dumps({"restore_paths": ["planilla.csv"]}))
    assert Path(house.entries("restored")[-1]["target"], "planilla.csv").read_text("utf-8") == "a,b\n"

    house.run("file_server", *NOW)
    house.more = {"backup_repository": "repositorio", "backup_media": [
        {"name": "nas", "path": str(house.nas), "create": True}, {"name": "repositorio", "path": str(house.top / "largo"), "create": True, "default": False}]}
    house.run("transfer")
    carried = house.entries("copy_transferred")
    assert [(row["medium"], row["label"]) for row in carried] == [("repositorio", house.labels()[0])]
    shutil.rmtree(house.nas / "file_server" / ".restic.RRHH")
    house.restore("-e", json.dumps({"restore_paths": ["legajos"], "restore_media": house.more["backup_media"][1:]}))
    assert shape(Path(house.entries("restored")[-1]["target"]) / "legajos") == shape(house.folder / "legajos")
