# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The worst day (recover.yml, recovery_plan.yml; backup_recover, backup_recovery_plan): all that is left is the medium, and either a custodian or the
private key of one EGCR. Every system back and compared, the bitácora whole to its last anchored entry, and the auditor's check good.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import chain, vouched
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store
from databases.conftest import Postgres, running
from failures.house import ROOT

WHY = {"recover_reason": "Incendio en el centro de datos", "recover_authority": "Acta 003-2027-OTI"}
PLACES = ("hosts.yml", "group_vars", "vault", "respaldo.conf", "db/seal.key", "db/seal.key.known", "custodia")


@pytest.fixture(scope="module")
def postgres():
    with contextlib.contextmanager(running)(Postgres, "postgres", "postgresql") as server:
        yield server


def git(repository, *words):
    words = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-C", str(repository), *words]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def forged(copy, change, content=None):
    """A copy on the medium as somebody makes it who can write there: its manifest, the file of its one part, and the sums of both. What it was."""
    was = {path: path.read_bytes() for path in copy.iterdir()}
    manifest, sums = copy / f"{copy.name}.json", copy / "SHA256SUMS"
    told = json.loads(was[manifest])
    row, = told["parts"]
    if content is not None:
        (copy / row["file"]).write_bytes(content)
        row.update(size=len(content), sha256=hashlib.sha256(content).hexdigest())
    change(told)
    manifest.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n")
    names = [line.split("  ", 1)[1] for line in was[sums].decode().splitlines()]
    sums.write_text("".join(f"{hashlib.sha256((copy / name).read_bytes()).hexdigest()}  {name}\n" for name in names))
    return was


def mended(was):
    for path, content in was.items():
        path.write_bytes(content)


class WorstDay:
    """An institution with a database, a repository, a directory, the bitácora and the kit; what it was, what is left of it, and what came back."""

    def __init__(self, house, postgres, ana):
        self.house, self.postgres = house, postgres
        self.anchor, self.repository, self.folder = house.directory / "anclas.jsonl", house.directory / "portal", house.directory / "carpeta"
        house.environment = lambda inner=house.environment, **more: inner(RESPALDO_BITACORA_ANCHORS=str(self.anchor), **more)
        house.actors = {"egcr": {"database": {"titular": [{"name": "Ana", "from": "2026-01-01", "public_key": ana.public}]}}}
        postgres.sql("CREATE DATABASE siga")
        postgres.sql("CREATE TABLE t (a int PRIMARY KEY, b text); INSERT INTO t SELECT g, md5(g::text) || 'ñ' FROM generate_series(1, 500) g", "siga")
        self.repository.mkdir()
        git(self.repository, "init", "-q")
        (self.repository / "a.txt").write_text("uno\n")
        git(self.repository, "add", ".")
        git(self.repository, "commit", "-qm", "uno")
        self.folder.mkdir()
        (self.folder / "informe ñ.txt").write_text("dos\n")
        kit = {"type": "paths", "paths": [str(house.directory / place) for place in PLACES]}
        code = {"kind": "source_code"}
        house.settle(
            house.system("SIGA", source={"type": "postgresql", "databases": ["siga"], **postgres.options()}),
            house.sqlite("Bitácora de respaldos", house.bitacora),
            house.system("Portal", criticality="alta", depends_on=["Carpeta"], source={"type": "git", "path": str(self.repository)}, **code),
            house.system("Carpeta", source={"type": "paths", "paths": [str(self.folder)]}, **code),
            house.system("Maletín de recuperación", source=kit, **code))
        (house.directory / "group_vars").mkdir()
        shutil.copy(house.directory / "secrets.yml", house.directory / "group_vars" / "all.yml")
        (house.directory / "respaldo.conf").write_text(
            f"[respaldo]\ninventario = {house.directory}/hosts.yml\ncontrasena_de_vault = {house.directory}/vault\nregistros = {house.directory}/registros\n")
        house.good("-e", "backup_only=SIGA")      # the key of the seals is there from now on
        house.good("-e", '{"backup_only": "Bitácora de respaldos"}')
        house.good(playbook="source_code.yml")
        self.was = self.now("siga", self.repository, self.folder)
        self.made = {entry["label"] for entry in house.entries("copy_made")}
        self.stated = self.stated_beforehand()
        shutil.copytree(house.medium, house.directory.parent / "copias", symlinks=True)
        shutil.copy(self.anchor, house.directory.parent)

    def stated_beforehand(self):
        """What the printed plan says of kit and bitácora."""
        with open_store(str(self.house.bitacora), readonly=True) as store:
            return vouched.stated(store)

    def now(self, database, repository, folder):
        return (self.postgres.sql("SELECT * FROM t ORDER BY a", database), git(repository, "rev-parse", "HEAD"),
                {path.name: path.read_text() for path in folder.iterdir()})

    def burn(self):
        """Everything but the medium and the anchors is gone; of these it is as on the day before."""
        self.postgres.sql("DROP DATABASE IF EXISTS siga")
        shutil.rmtree(self.house.directory)
        self.house.directory.mkdir(mode=0o700)
        self.house.dump.mkdir()
        shutil.copytree(self.house.directory.parent / "copias", self.house.medium, symlinks=True)
        shutil.copy(self.house.directory.parent / "anclas.jsonl", self.anchor)

    def lay_out(self, *more, **options):
        house = self.house
        words = {"medium": {"name": "disco", "path": str(house.medium)}, "directory": str(house.directory / "aparte"), **options}
        return subprocess.run([str(Path(sys.executable).with_name("ansible")), "localhost", "-m", "perucompras.respaldo.backup_recover", "-a",
                               json.dumps(words), *more], env=house.environment(), capture_output=True, text=True, cwd=house.directory.parent, check=False)

    def respaldo(self, *words, status=0):
        done = subprocess.run([sys.executable, str(ROOT / "scripts" / "respaldo.py"), *words], capture_output=True, text=True, cwd=self.house.directory,
                              env=self.house.environment(RESPALDO_CONF=str(self.house.directory / "respaldo.conf")), check=False)
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout

    def is_back(self):
        """The bitácora with what it lost, by whoever did it, and every system; gives the entry of the recovery."""
        house = self.house
        assert all((house.directory / place).exists() for place in PLACES) and (house.directory / "vault").stat().st_mode & 0o077 == 0
        assert {entry["label"] for entry in house.entries("copy_made")} == self.made
        adopted = [entry for entry in house.entries("copy_made") if entry.get("reason") == "adopted"]
        assert {entry["system"] for entry in adopted} == {"Bitácora de respaldos", "Portal", "Carpeta", "Maletín de recuperación"}
        assert all("Acta 003-2027-OTI" in entry["note_es"] and entry["trust_level"] == "T1" and entry["key_reference"] for entry in adopted)
        assert self.now("siga", self.repository, self.folder) == self.was
        assert chain.verify_file(house.bitacora, [self.anchor]).whole, "the auditor's check, with the anchors that were elsewhere"
        recovered, = house.entries("controller_recovered")
        assert "Acta 003-2027-OTI" in recovered["reason_text"]
        return recovered


def attacked_by_who_writes_to_the_medium(day, custody):
    """Whatever somebody lays there, the custodian's password opens none of it: each is refused with its code, and nothing has its place."""
    house = day.house
    kit, = house.medium.glob("source_code/*/Maletin*_*")
    record, = house.medium.glob("database/*/Bitacora*_*")
    theirs = subprocess.run(["gpg", "--batch", "--store"], input=b"SQLite format 3", capture_output=True, check=True).stdout

    def elsewhere(told):
        told["source"]["facts"]["real_paths"] = [str(house.directory / "cron.d")] * len(told["source"]["facts"]["real_paths"])

    for copy, change, content, code in ((kit, elsewhere, None, "RSP797"), (record, lambda told: None, theirs, "RSP799"),
                                        (kit, lambda told: told.update(schema=2), None, "RSP792")):
        was = forged(copy, change, content)
        refused = day.lay_out(custody=custody)
        mended(was)
        assert refused.returncode == 2 and code in refused.stdout, refused.stdout
        assert not any((house.directory / place).exists() for place in PLACES) and not house.bitacora.exists(), code
        shutil.rmtree(house.directory / "aparte", ignore_errors=True)
    # a clock that is behind by years, as that of a new machine: the copies say so before anything is opened
    was = forged(record, lambda told: told.update(started_at="2099-01-01T00:00:00Z"))
    refused = day.lay_out(custody=custody)
    mended(was)
    assert refused.returncode == 2 and "RSP486" in refused.stdout and not (house.directory / "aparte").exists(), refused.stdout
    # a check tells what the recovery would meet
    (house.directory / "hosts.yml").touch()
    refused = day.lay_out("--check", custody=custody)
    (house.directory / "hosts.yml").unlink()
    assert refused.returncode == 2 and "RSP795" in refused.stdout and not (house.directory / "aparte").exists(), refused.stdout
    # cut half-way
    file, = kit.glob("*.gpg")
    whole = file.read_bytes()
    file.write_bytes(whole[:len(whole) // 2])
    refused = day.lay_out(custody=custody)
    file.write_bytes(whole)
    assert refused.returncode == 2 and "RSP501" in refused.stdout and "Maletin" in refused.stdout, refused.stdout
    # what was begun, by whoever was killed, is not taken for what comes now
    again = day.lay_out(custody=custody)
    assert again.returncode == 2 and "RSP785" in again.stdout and str(house.directory / "aparte") in again.stdout, again.stdout
    assert not any((house.directory / place).exists() for place in PLACES) and not house.bitacora.exists()
    shutil.rmtree(house.directory / "aparte")


def test_everything_comes_back_by_a_custodian_and_by_a_private_key(institution, postgres, people, bao, shelf, tmp_path):
    ana, house = people[0], institution
    house.custodians = [{"name": "disco", "type": "vault_file", "path": str(house.directory / "custodia")}, bao.options(shelf)]
    day = WorstDay(house, postgres, ana)

    # a service that keeps passwords, and the medium
    day.burn()
    nobody = day.lay_out()
    assert nobody.returncode == 2 and "contraseña" in nobody.stdout, nobody.stdout
    assert not (house.directory / "hosts.yml").exists() and not house.bitacora.exists() and not (house.directory / "aparte").exists()
    attacked_by_who_writes_to_the_medium(day, house.custodians[1:])
    done = day.lay_out(custody=house.custodians[1:])
    assert done.returncode == 0, done.stdout + done.stderr
    assert chain.verify_file(house.bitacora).whole and {entry["label"] for entry in house.entries("copy_made")} < day.made
    again = day.lay_out("--check", custody=house.custodians[1:])
    assert again.returncode == 2 and "RSP484" in again.stdout and "recover.yml" in again.stdout, "laid out, and a person begins at the start once more"
    # mounted elsewhere than the inventory has it, nothing would be taken in, and nobody told
    none = house.run("-e", '{"recover_mounted": []}', "-e", json.dumps(WHY), playbook="recover.yml")
    assert none.returncode == 2 and "recover_mounted: falta, y el inventario no tiene backup_repository" in none.stdout, none.stdout
    elsewhere = house.run("-e", '{"recover_mounted": ["/mnt/disco"]}', "-e", json.dumps(WHY), playbook="recover.yml")
    assert elsewhere.returncode == 2 and "recover_mounted: '/mnt/disco' no es válido (no es un medio de backup_media)" in elsewhere.stdout, elsewhere.stdout
    assert "Móntelo en la ruta que tiene en el inventario" in elsewhere.stdout and house.entries("controller_recovered") == []
    house.run("-e", "recover_mounted=disco", "-e", json.dumps(WHY), playbook="recover.yml").check_returncode()
    for kind, system, target in (("database", "SIGA", "siga"), ("source_code", "Portal", day.repository), ("source_code", "Carpeta", day.folder)):
        words = f"restore_host=localhost restore_kind={kind} restore_system={system} restore_target={target}"
        house.run("-e", words, playbook="restore.yml").check_returncode()
    assert "la custodia" in day.is_back()["note_es"]

    # one private key, and the medium: as the plan says, word for word
    day.burn()
    key = tmp_path / "ana.asc"
    key.write_text(subprocess.run([*ana.gpg, "--armor", "--export-secret-keys"], check=True, capture_output=True, text=True).stdout)
    bao.seal()
    try:
        words = ["recuperar", "--medio", str(house.medium), "--llave", str(key), "--aparte", str(house.directory / "aparte"),
                 "--motivo", WHY["recover_reason"], "--documento", WHY["recover_authority"]]
        # whoever writes to the medium could have laid all of it there: nothing is opened, or nothing of it leaves the place where it was
        assert "RSP797" in day.respaldo(*words, status=2) and not (house.directory / "aparte").exists()
        told = day.respaldo(*words, "--sin-prueba", "Simulacro", status=71)
        assert f"Quedó aparte: {house.directory}/vault" in told and (house.directory / "aparte/maletin").is_dir()
        assert house.bitacora.exists() and not any((house.directory / place).exists() for place in PLACES)
        day.burn()
        # the key of the seals proves the bitácora; the kit is newer than that, so it is named by its digest
        assert "RSP797" in day.respaldo(*words, "--sello", day.stated.seal_key, status=2)
        assert not (house.directory / "hosts.yml").exists() and not house.bitacora.exists()
        shutil.rmtree(house.directory / "aparte")
        day.respaldo(*words, "--sello", day.stated.seal_key, "--huella-maletin", day.stated.kit[1])
        plan = day.respaldo("plan-de-recuperacion", "--directorio", str(house.directory / "informes"))
        lines = [line.strip()[2:] for line in plan.splitlines() if line.strip().startswith("$ respaldo restaurar")]
        wanted = [line for name in ("Carpeta", "Portal", "SIGA") for line in lines if f"restaurar {name} " in line]
        assert len(wanted) == 3 and lines[:2] == wanted[:2], "the critical one after what it depends on"
        for line in wanted:
            day.respaldo(*shlex.split(line)[1:])
    finally:
        bao.unseal()
    told = day.is_back()["note_es"]
    assert "llave privada" in told and "con la huella que se indicó" in told and "con los sellos de la clave" in told and "con sello hasta" in told
    page, = (house.directory / "informes").glob("*.html")
    assert "Portal_" in page.read_text() and "SIN PROBAR" in page.read_text()
