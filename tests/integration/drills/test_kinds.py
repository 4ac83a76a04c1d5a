# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""drill.yml on git, files, shared folders and a declared command: compared with the source, a missing tool, and a run that is killed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from plugins.plugin_utils._bitacora.store import open_store

ROOT = Path(__file__).resolve().parents[3]
KINDS = {"git": "source_code", "paths": "source_code", "restic": "file_server"}


class House:
    def __init__(self, top):
        self.top, self.bitacora, self.scratch = top, top / "state" / "bitacora.sqlite", top / "tmp"
        self.scratch.mkdir()
        self.environment = dict(os.environ, RESPALDO_BITACORA=str(self.bitacora), ANSIBLE_LOCAL_TEMP=str(top / "ansible"), HOME=str(top),
                                TMPDIR=str(self.scratch))

    def declare(self, **sources):
        systems = [{"name": name, "kind": KINDS.get(source["type"], "database"), "criticality": "baja", "office": "OTI", "source": source}
                   for name, source in sources.items()]
        (self.top / "inventory.yml").write_text(json.dumps({"all": {"hosts": {"localhost": {
            "ansible_connection": "local", "ansible_python_interpreter": sys.executable, "backup_systems": systems, "common_install_tools": False,
            "backup_custody_directory": str(self.top / "custodia"), "backup_assigned_paths": [str(self.top)],
            "backup_media": [{"name": "local", "path": str(self.top / "copias"), "create": True}]}}}}), "utf-8")

    def command(self, playbook, *options):
        return [os.path.join(os.path.dirname(sys.executable), "ansible-playbook"), "-i", str(self.top / "inventory.yml"), f"playbooks/{playbook}.yml", *options]

    def run(self, playbook, *options):
        return subprocess.run(self.command(playbook, *options), cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=180, check=False)

    def entries(self, *types):
        with open_store(str(self.bitacora), readonly=True) as store:
            return store.entries(type=types)

    def processes(self):
        """What runs with this test's bitácora."""
        mine, found = f"RESPALDO_BITACORA={self.bitacora}".encode(), []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                try:
                    found += [int(entry.name)] if mine in (entry / "environ").read_bytes() else []
                except OSError:
                    continue
        return found


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


def git(directory, *words):
    subprocess.run(["git", "-C", str(directory), "-c", "user.name=a", "-c", "user.email=a@example.org", *words], check=True, capture_output=True)


def test_what_a_module_warns_of_reaches_the_screen(house):
    """A warning that stands only in the bitácora is read by nobody at night."""
    repository = house.top / "repo"
    repository.mkdir()
    git(repository, "init", "--quiet")
    git(repository, "commit", "--quiet", "--allow-empty", "--message=uno")
    (repository / "nuevo").write_text("no está en la copia")
    house.declare(REPO={"type": "git", "path": str(repository)})
    done = house.run("site")
    assert done.returncode == 0 and "not committed" in done.stdout + done.stderr, done.stdout + done.stderr


def test_git_and_files_are_compared_with_their_source(house):
    repository, files = house.top / "repo", house.top / "fuentes"
    repository.mkdir()
    files.mkdir()
    git(repository, "init", "--quiet")
    git(repository, "commit", "--quiet", "--allow-empty", "--message=uno")
    for name in ("a.py", "b.py"):
        (files / name).write_text("print(1)\n")
        os.utime(files / name, (1_700_000_000, 1_700_000_000))
    house.declare(REPO={"type": "git", "path": str(repository)}, FUENTES={"type": "paths", "paths": [str(files)]})
    assert house.run("site").returncode == 0
    done = house.run("drill")
    assert done.returncode == 0, done.stdout
    told = {entry["system"]: entry for entry in house.entries("copy_verified")}
    assert {name: entry["verification_level"] for name, entry in told.items()} == {"REPO": "T4", "FUENTES": "T4"}
    assert "git_source_refs" in told["REPO"]["checks"] and "source_files" in told["FUENTES"]["checks"]
    assert told["FUENTES"]["warnings"] == ["2 files are as in the source, 0 changed since the copy",
                                           "2 files and directories have mode, owner and attributes as in the source"]

    git(repository, "commit", "--quiet", "--allow-empty", "--message=dos")
    (files / "a.py").write_text("print(2)  # work of today\n")
    assert house.run("verify", "-e", "verify_level=T4").returncode == 0
    told = {entry["system"]: entry for entry in house.entries("copy_verified")}
    assert {name: entry["verification_level"] for name, entry in told.items()} == {"REPO": "T4", "FUENTES": "T4"}
    assert "git_source_objects" in told["REPO"]["checks"]
    assert told["FUENTES"]["warnings"][0] == "1 files are as in the source, 1 changed since the copy" and len(told["FUENTES"]["warnings"]) <= 2

    (files / "b.py").write_text("print(9)\n")
    os.utime(files / "b.py", (1_700_000_000, 1_700_000_000))
    done = house.run("verify", "-e", "verify_level=T4")
    assert done.returncode == 2 and "RSP507" in done.stdout and "b.py" in done.stdout, done.stdout
    assert not house.entries("copy_damaged"), "which of the two is wrong can't be told"

    subprocess.run(["rm", "-rf", str(repository), str(files)], check=True)
    done = house.run("verify", "-e", "verify_level=T4")
    assert done.returncode == 0, "a source that is gone says nothing of its copy\n" + done.stdout
    told = {entry["system"]: entry for entry in house.entries("copy_verified")}
    assert {entry["verification_level"] for entry in told.values()} == {"T3"}
    assert "Not compared with the source" in told["REPO"]["warnings"][0]
    assert told["FUENTES"]["warnings"][0] == "0 files are as in the source, 2 changed since the copy" and len(told["FUENTES"]["warnings"]) <= 2


def test_the_folders_of_a_file_server_come_back_and_are_compared(house):
    folder, key = house.top / "compartido", house.top / "boveda"
    (folder / "legajos").mkdir(parents=True)
    key.write_text("boveda")
    for name in ("planilla.csv", "legajos/ñandú.txt"):
        (folder / name).write_text(name)
        os.utime(folder / name, (1_700_000_000, 1_700_000_000))
    house.environment["ANSIBLE_VAULT_PASSWORD_FILE"] = str(key)
    house.declare(RRHH={"type": "restic", "paths": [str(folder)]})
    assert house.run("file_server", "-e", "backup_emergency_reason=Prueba").returncode == 0
    (folder / "planilla.csv").write_text("work of today")
    done = house.run("drill")
    assert done.returncode == 0, done.stdout
    (told,) = house.entries("copy_verified")
    assert (told["system"], told["verification_level"], told["reason"]) == ("RRHH", "T4", "drill")
    assert {"restic_restore_verify", "tree_compare", "source_files"} <= set(told["checks"])
    assert told["warnings"][0] == "1 files are as in the source, 1 changed since the copy" and len(told["warnings"]) <= 2
    assert not list(house.scratch.glob(".respaldo-*")), "scratch is left"
    (repository,) = (house.top / "copias" / "file_server").glob(".restic.*/repositorio")
    for pack in repository.glob("data/*/*"):
        os.chmod(pack, 0o600)
        pack.write_bytes(bytes(byte ^ 1 for byte in pack.read_bytes()))
    done = house.run("verify", "-e", "verify_level=T4")
    assert done.returncode == 2 and "RSP502" in done.stdout, done.stdout
    assert [entry["system"] for entry in house.entries("copy_damaged")] == ["RRHH"]


def declared(house, rehearse):
    (house.top / "dato").write_text("dato\n")
    with sqlite3.connect(house.top / "otra.sqlite") as database:
        database.executescript("CREATE TABLE IF NOT EXISTS t (a);")
    house.declare(LENTA={"type": "command", "dump": ["/bin/cat", str(house.top / "dato")], "verify": ["/bin/sh", "-c", "cat > /dev/null"],
                         "restore": ["/bin/sh", "-c", "cat > $RESPALDO_TARGET"], "rehearse": rehearse},
                  OTRA={"type": "sqlite", "path": str(house.top / "otra.sqlite")})


def test_a_missing_tool_is_told_and_the_others_go_on(house):
    declared(house, ["/opt/none/tool"])
    refused = house.run("database")
    assert refused.returncode == 2 and "RSP301" in refused.stdout, "no copy is made that could not be proved"
    declared(house, ["/bin/true"])
    assert house.run("database").returncode == 0
    declared(house, ["/opt/none/tool"])
    done = house.run("drill")
    assert done.returncode == 2 and "RSP301" in done.stdout and "/opt/none/tool" in done.stdout, done.stdout
    assert [(entry["system"], entry["error_code"], entry["reason"]) for entry in house.entries("verification_failed")] == [("LENTA", "RSP301", "drill")]
    assert [entry["system"] for entry in house.entries("copy_verified")] == ["OTRA"]


@pytest.mark.cold     # found by what /proc tells of its variables
def test_a_drill_that_is_killed_is_closed_and_swept_by_the_next(house):
    marker = house.top / "begun"
    declared(house, ["/bin/sh", "-c", f"cat > $RESPALDO_SCRATCH/restored; touch {marker}; exec sleep 100"])
    assert house.run("database").returncode == 0
    with open(house.top / "out", "wb") as out:
        killed = subprocess.Popen(house.command("drill", "-e", '{"drill_only": ["LENTA"]}'), cwd=ROOT, env=house.environment, stdout=out, stderr=out,
                                  start_new_session=True)
    deadline = time.monotonic() + 60
    while not marker.exists():
        assert time.monotonic() < deadline and killed.poll() is None, (house.top / "out").read_text()
        time.sleep(0.05)
    while house.processes():
        for pid in house.processes():
            with contextlib.suppress(ProcessLookupError):     # its parent is dead already, and it may have ended for that
                os.kill(pid, signal.SIGKILL)
    killed.wait()
    left = list(house.scratch.glob(".respaldo-*"))
    assert any((path / "restored").exists() for path in left), "the kill came in the middle"
    for path in left:
        os.utime(path, (time.time() - 120, time.time() - 120))  # a run later than the minute in which a directory may be somebody's
    declared(house, ["/bin/sh", "-c", "cat > /dev/null"])
    done = house.run("drill")
    assert done.returncode == 0, done.stdout
    assert not list(house.scratch.glob(".respaldo-*")), "scratch is left"
    assert [(entry["system"], entry["error_code"], entry["reason"]) for entry in house.entries("verification_failed")] == [("LENTA", "RSP705", "drill")]
    assert {entry["system"] for entry in house.entries("copy_verified")} == {"LENTA", "OTRA"}
