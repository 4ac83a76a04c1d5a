# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands before and after the copies of each kind, by the playbooks: what is copied exists between them only, so a copy proves their order."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store

ROOT = Path(__file__).resolve().parents[3]
SECRET = "Cl4ve-Impresa-5d21"


class House:
    def __init__(self, top):
        self.top, self.log = top, top / "log"
        self.data = top / "datos"
        self.data.mkdir()
        (top / "vault").write_text("clave de la bóveda\n", "utf-8")
        self.systems = []
        self.note = self.script("note", f'echo "$RESPALDO_SYSTEM $RESPALDO_HOOK $1" >> {self.log}; echo {SECRET}; echo {SECRET} >&2')
        # what is copied is put in place, and taken away again
        self.bring = self.script("bring", f'mv "$1.lejos" "$1"; echo "$RESPALDO_SYSTEM $RESPALDO_HOOK servidor" >> {self.log}')
        self.away = self.script("away", f'mv "$1" "$1.lejos"; echo "$RESPALDO_SYSTEM $RESPALDO_HOOK servidor $RESPALDO_RESULT" >> {self.log}')

    def script(self, name, text):
        file = self.top / name
        file.write_text("#!/bin/sh\n" + text + "\n", "utf-8")
        file.chmod(0o755)
        return str(file)

    def system(self, name, kind, source, hooks):
        self.systems.append({"name": name, "kind": kind, "criticality": "baja", "office": "OTI", "source": source, "hooks": hooks})

    def database(self, name, hooks):
        path = self.data / f"{name}.sqlite"
        sqlite3.connect(path).execute("CREATE TABLE t (a)").connection.close()
        self.system(name, "database", {"type": "sqlite", "path": str(path)}, hooks)
        return path

    def run(self, playbook, *options):
        (self.top / "inventory.yml").write_text(json.dumps({"all": {"hosts": {"srv1": {
            "ansible_connection": "local", "ansible_python_interpreter": sys.executable, "backup_systems": self.systems, "common_install_tools": False,
            "backup_custody_directory": str(self.top / "custodia"), "backup_assigned_paths": [str(self.data)],
            "backup_media": [{"name": "nas", "path": str(self.top / "nas"), "create": True}]}}}}), "utf-8")
        done = subprocess.run(
            [os.path.join(os.path.dirname(sys.executable), "ansible-playbook"), "-i", str(self.top / "inventory.yml"), "--vault-password-file",
             str(self.top / "vault"), f"playbooks/{playbook}.yml", "-e", "backup_emergency_reason=Prueba", *options],
            cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
            env=dict(os.environ, RESPALDO_BITACORA=str(self.top / "state" / "bitacora.sqlite"), ANSIBLE_LOCAL_TEMP=str(self.top / "ansible"),
                     HOME=str(self.top)))
        done.output = done.stdout + done.stderr
        assert SECRET not in done.output and SECRET.encode() not in (self.top / "state" / "bitacora.sqlite").read_bytes()
        return done

    def entries(self, *types):
        with open_store(str(self.top / "state" / "bitacora.sqlite"), readonly=True) as store:
            return {entry["system"]: entry for entry in store.entries(type=types) if not entry.get("simulated")}


@pytest.fixture
def house():
    top = Path(tempfile.mkdtemp(prefix="respaldo-hooks-", dir="/srv"))     # no directory above it is others' too, as /tmp is
    yield House(top)
    shutil.rmtree(top)


def test_each_kind_is_copied_between_its_commands(house):
    def between(path):
        shutil.move(path, f"{path}.lejos")
        return {"before": [{"argv": [house.note, "controlador"], "on": "controller", "name": "aviso"}, {"argv": [house.bring, str(path)], "name": "traer"}],
                "after": [{"argv": [house.away, str(path)], "name": "llevar"}, {"argv": [house.note, "controlador"], "on": "controller"}]}

    base = house.database("SIGA", {})
    house.systems[0]["hooks"] = between(base)
    repository, plain, folder = (house.data / name for name in ("repo", "programas", "carpeta"))
    subprocess.run(["git", "init", "-q", repository], check=True)
    subprocess.run(["git", "-C", repository, "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-q", "--allow-empty", "-m", "uno"], check=True)
    for directory in (plain, folder):
        directory.mkdir()
        (directory / "a.txt").write_text("a", "utf-8")
    house.system("Repo", "source_code", {"type": "git", "path": str(repository)}, between(repository))
    house.system("Programas", "source_code", {"type": "paths", "paths": [str(plain)]}, between(plain))
    house.system("Carpeta", "file_server", {"type": "restic", "paths": [str(folder)]}, between(folder))
    done = house.run("site")
    assert done.returncode == 0, done.output
    made = house.entries("copy_made")
    assert set(made) == {"SIGA", "Repo", "Programas", "Carpeta"}
    lines = house.log.read_text("utf-8").splitlines()
    for system, entry in made.items():
        assert [line.partition(" ")[2] for line in lines if line.startswith(system)] == [
            "before controlador", "before servidor", "after servidor good", "after controlador"]
        assert [row.rpartition(": bien, ")[0] for row in sorted(entry["hooks"])] == [
            "antes: aviso, en el controlador", "antes: traer, en el servidor", "después: after 2, en el controlador", "después: llevar, en el servidor"]
        assert not entry.get("warnings_es"), entry


def test_what_fails_before_copies_nothing_and_what_fails_after_is_told(house):
    last = {"argv": [house.note, "al final"]}
    loose = house.top / "suelto"
    loose.mkdir(mode=0o777)
    loose.chmod(0o777)
    shutil.copy(house.note, loose / "note")
    house.database("Servidor", {"before": [{"argv": ["/bin/false"], "name": "congelar"}, {"argv": [house.note, "nunca"]}], "after": [last]})
    house.database("Lento", {"before": [{"argv": ["/bin/sleep", "300"], "timeout_seconds": 1}], "after": [last]})
    house.database("Controlador", {"before": [{"argv": ["/bin/false"], "on": "controller"}, {"argv": [house.note, "nunca"]}],
                                   "after": [last, {**last, "on": "controller"}]})
    house.database("Suelto", {"before": [{"argv": [str(loose / "note"), "nunca"]}], "after": [last]})
    house.database("Despues", {"after": [{"argv": ["/bin/false"], "name": "descongelar"}]})
    house.database("Mio", {"after": [{"argv": ["/bin/false"], "on": "controller", "name": "arrancar"}, last]})
    house.database("Ensayo", {"before": [last]})
    rehearsed = house.run("database", "--check", "-e", '{"backup_only": ["Ensayo"]}')
    assert rehearsed.returncode == 0 and not house.log.exists(), rehearsed.output
    done = house.run("database")
    assert done.returncode == 2, done.output
    failed, made = house.entries("copy_failed", "copy_refused"), house.entries("copy_made")
    assert {system: entry["error_code"] for system, entry in failed.items()} == {
        "Servidor": "RSP126", "Lento": "RSP126", "Controlador": "RSP126", "Suelto": "RSP790"}
    assert set(made) == {"Despues", "Mio", "Ensayo"} and not list((house.top / "nas" / "database").glob("Servidor/*/"))
    assert "no terminó en 1 segundos" in failed["Lento"]["error_message_es"] and "congelar" in failed["Servidor"]["error_message_es"]
    assert len(failed["Servidor"]["hooks"]) == 2 and "mal" in failed["Servidor"]["hooks"][0] and "hooks" not in failed["Suelto"]
    # the controller's failed before anything was asked of the server: of the server's none was begun
    assert sorted(house.log.read_text("utf-8").splitlines()) == [
        "Controlador after al final", "Ensayo before al final", "Lento after al final", "Mio after al final", "Servidor after al final"]
    for system, name in (("Despues", "descongelar"), ("Mio", "arrancar")):
        assert made[system]["warning_keys"] == ["hook_after_failed"] and made[system]["warnings_es"] == [
            f"RSP127: El comando «{name}», después de la copia de {system}, falló: terminó con el código de salida 1."], made[system]
        assert f"«{name}»" in done.output
