# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where is my file (playbooks/find.yml, names.yml; the roles perucompras.respaldo.find, perucompras.respaldo.names; backup_find, backup_index): from copy to
search to restore, with a real restic and names as people's folders have them.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._finding import index

ROOT = Path(__file__).resolve().parents[3]
NOW = ("-e", "backup_emergency_reason=Prueba")
SINCE = "2020-01-01"
ACTORS = {
    "jefe_oti": [{"name": "Rosa Vega", "from": SINCE, "document": "Resolución 1"}], "soporte": [{"name": "Eva Ruiz", "from": SINCE}],
    "heads": [{"name": "Carmen Soto Vega", "office": "Recursos Humanos", "from": SINCE}, {"name": "Luis Paz", "office": "Logística", "from": SINCE}],
    "egcr": {"infrastructure": {"titular": [{"name": "Ana Quispe", "from": SINCE}]}}}


class House:
    """An institution with one file server that holds folders of two offices."""

    def __init__(self, top):
        self.top, self.tree, self.nas = top, top / "compartido", top / "nas"
        self.folder = self.tree / "rrhh"
        (self.folder / "legajos").mkdir(parents=True)
        (self.tree / "rrhh" / "logistica").mkdir()
        self.policy = yaml.safe_load((ROOT / "policies" / "manual-001-2019.yml").read_text("utf-8"))
        (top / "vault").write_text("clave de la bóveda\n", "utf-8")

    def run(self, playbook, *options, good=True, **given):
        (self.top / "policy.yml").write_text(yaml.safe_dump(self.policy, allow_unicode=True), "utf-8")
        here = {
            "ansible_connection": "local", "ansible_python_interpreter": sys.executable, "common_install_tools": False, "backup_actors": ACTORS,
            "backup_systems": [{"name": "RRHH", "kind": "file_server", "criticality": "alta", "office": "Recursos Humanos",
                                "source": {"type": "restic", "paths": [str(self.folder)]}}],
            "backup_policy_file": str(self.top / "policy.yml"), "backup_custody_directory": str(self.top / "custodia"),
            "backup_assigned_paths": [str(self.tree)],
            "backup_shared_folders": [{"name": "LOG", "path": str(self.folder / "logistica"), "office": "Logística"}],
            "backup_media": [{"name": "nas", "path": str(self.nas), "create": True}]}
        (self.top / "inventory.yml").write_text(json.dumps({"all": {"hosts": {"archivos1": here, "localhost": {
            "ansible_connection": "local", "ansible_python_interpreter": sys.executable, "backup_actors": ACTORS,
            "backup_policy_file": str(self.top / "policy.yml")}}}}), "utf-8")
        done = subprocess.run(
            [os.path.join(os.path.dirname(sys.executable), "ansible-playbook"), "-i", str(self.top / "inventory.yml"),
             "--vault-password-file", str(self.top / "vault"), f"playbooks/{playbook}.yml", *options, "-e", json.dumps(given)],
            cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
            env=dict(os.environ, RESPALDO_BITACORA=str(self.top / "state" / "bitacora.sqlite"), ANSIBLE_LOCAL_TEMP=str(self.top / "ansible"),
                     HOME=str(self.top)))
        assert not good or done.returncode == 0, done.stdout + done.stderr
        return done

    def entries(self, *types):
        with open_store(str(self.top / "state" / "bitacora.sqlite"), readonly=True) as store:
            return store.entries(type=types)

    def labels(self):
        return [entry["label"] for entry in self.entries("copy_made")]

    def told(self):
        with index.Index(str(self.top / "state" / "nombres"), "RRHH") as opened:
            return list(opened.told())

    def key(self, name):
        return os.fsencode(str(self.folder)).replace(b"/", b"\0") + b"\0" + name


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


def restored_by(told):
    """The command that a search tells, as its options."""
    line = next(line for line in told.splitlines() if "Vuelve con:" in line)
    words = shlex.split(json.loads(line.strip().rstrip(","))) if line.strip().startswith('"') else shlex.split(line)
    return words[words.index("-e"):]


def test_a_lost_file_is_found_by_its_head_and_comes_back(house):
    odd = [b"nueva\nlinea.txt", b"latin-\xe9\xff.txt", b"\xff", b"\xfe", "Ñandú «acta».DOCX".encode(), b"cambia", b"  blanco "]
    for name in odd:
        Path(os.fsdecode(os.fsencode(str(house.folder / "legajos")) + b"/" + name)).write_bytes(name)
    (house.folder / "viejo.txt").write_text("uno")
    (house.folder / "logistica" / "Acta de almacén.txt").write_text("de otro órgano")
    house.run("file_server", *NOW)
    first = house.told()
    assert {row[0] for row in first} > {house.key(b"legajos\0" + name) for name in odd}

    (house.folder / "viejo.txt").rename(house.folder / "nuevo.txt")
    (house.folder / "legajos" / "cambia").unlink()
    (house.folder / "legajos" / "cambia").symlink_to("nada")
    gone = house.folder / "legajos" / "Ñandú «acta».DOCX"
    kept = gone.read_bytes()
    gone.unlink()
    house.run("file_server", *NOW)
    one, two = house.labels()
    assert [row[1:2] + row[4:] for row in house.told() if row[0] == house.key(b"legajos\0cambia")] == [("f", [one]), ("l", [two])]
    assert [row[4] for row in house.told() if row[0] in (house.key(b"viejo.txt"), house.key(b"nuevo.txt"))] == [[two], [one]]

    # the head finds it, by part of its name and without accents; nobody sees the other office's
    found = house.run("find", find_person="carmen soto  vega", find_office="Recursos Humanos", find_name="NANDU «ACTA", find_deleted="yes")
    assert "ya no está en la última copia" in found.stdout and one in found.stdout
    all_acts = house.run("find", find_person="Carmen Soto Vega", find_office="recursos humanos", find_name="acta").stdout
    assert "almac" not in all_acts
    assert "almac" in house.run("find", find_person="Luis Paz", find_office="Logística", find_name="acta").stdout
    house.run("restore", *restored_by(found.stdout))
    back = Path(house.entries("restored")[-1]["target"]) / "legajos" / "Ñandú «acta».DOCX"
    assert back.read_bytes() == kept

    entries = house.entries("names_searched")
    assert [(entry["person"], entry["office"], entry["objects"]) for entry in entries] == [
        ("Carmen Soto Vega", "Recursos Humanos", 1), ("Carmen Soto Vega", "recursos humanos", 1), ("Luis Paz", "Logística", 1)]
    assert "«NANDU «ACTA»" in entries[0]["note_es"]

    # who may not look sees nothing, and the OTI says why
    for refused in ({"find_person": "Luis Paz", "find_office": "Recursos Humanos"}, {"find_person": "Rosa Vega", "find_office": "Recursos Humanos"},
                    {"find_person": "Nadie", "find_office": ""}, {"find_person": "Eva Ruiz", "find_office": "", "find_reason": ""}):
        said = house.run("find", good=False, find_name="acta", **refused)
        assert said.returncode == 2 and "RSP775" in said.stdout and "almac" not in said.stdout and "legajos" not in said.stdout, refused
    seen = house.run("find", find_person="Rosa Vega", find_office="", find_name="acta", find_reason="Auditoría 12").stdout
    assert "almac" in seen and house.entries("names_searched")[-1]["reason_text"] == "Auditoría 12"

    # made anew it says the same, and a name that no variable can hold comes back by its folder
    before = house.told()
    house.run("names", names_anew=True)
    assert house.told() == before
    odd_one = house.run("find", find_person="Carmen Soto Vega", find_office="Recursos Humanos", find_name="latin").stdout
    assert "\\\\xe9\\\\xff" in odd_one or "\\xe9\\xff" in odd_one
    assert json.loads(restored_by(odd_one)[1])["restore_paths"] == [str(house.folder / "legajos")]


def test_what_the_index_lacks_is_told_and_caught_up_and_what_was_pruned_goes(house):
    (house.folder / "solo el primer día.txt").write_text("uno")
    house.run("file_server", "-e", "backup_names=no", *NOW)
    assert not (house.top / "state" / "nombres").exists()
    told = house.run("find", find_person="Carmen Soto Vega", find_office="Recursos Humanos", find_name="primer").stdout
    assert "El índice no tiene estas copias" in told
    (house.folder / "solo el primer día.txt").unlink()
    (house.folder / "otro.txt").write_text("dos")
    house.run("file_server", "-e", "backup_names_each_run=1", *NOW)
    one, two = house.labels()
    with index.Index(str(house.top / "state" / "nombres"), "RRHH") as opened:
        assert opened.points().labels == [two]
    assert f"Faltan 1: {one}" in house.run("names", "--check").stdout
    assert len({label for row in house.told() for label in row[4]}) == 1
    house.run("names")
    before = house.told()
    assert [row[4] for row in before if row[0] == house.key("solo el primer día.txt".encode())] == [[one]]
    house.run("names", names_anew=True)
    assert house.told() == before

    house.policy["kinds"]["file_server"]["keep_copies"], house.policy["minimum_copies"] = 1, 1
    house.run("prune")
    assert house.entries("copy_pruned")[-1]["label"] == one
    # with the copy its names went out of the index
    assert "0 nombres" in house.run("find", find_person="Carmen Soto Vega", find_office="Recursos Humanos", find_name="primer").stdout
    raw = (house.top / "state" / "nombres" / "RRHH.sqlite3").read_bytes()
    assert "solo el primer".encode() not in raw
    with index.Index(str(house.top / "state" / "nombres"), "RRHH") as opened:
        assert opened.points().labels == [two]


def test_a_copy_is_good_without_its_index(house):
    (house.folder / "a.txt").write_text("uno")
    (house.top / "state" / "nombres").mkdir(mode=0o755, parents=True)
    done = house.run("file_server", *NOW)
    assert "RSP774" in done.stdout + done.stderr and len(house.labels()) == 1
    assert house.run("names", good=False).returncode != 0
    shutil.rmtree(house.top / "state" / "nombres")
    house.run("names")
    before = house.told()
    assert len(before) > 3
    # the password of the repository is another since
    house.run("repository_key", repository_key_id=house.entries("copy_made")[-1]["key_id"], repository_key_reason="Cambio anual",
              repository_key_authority="Memorando 004-2027-OTI")
    assert house.entries("repository_key_rotated")
    house.run("names", names_anew=True)
    assert house.told() == before
