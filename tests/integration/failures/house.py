# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our playbooks run by a real ansible-playbook on this machine, made to fail, with a good copy from before in their medium."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, Mapping, Sequence, TypeVar

import yaml
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import chain
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store

ROOT = Path(__file__).resolve().parents[3]
SYSTEM, SHELF = "Expediente Ágil ñ", "ExpedienteAgiln"
VAULT_PASSWORD = "boveda-de-prueba-7Qx2"

# Half of the copy; then, when the test put the file `pause`, it waits for the file `go`, a minute at most; then the other half.
DUMP = r"""#!/bin/sh
head -c 2000000 /dev/urandom
if [ -e "$1/pause" ]; then
  echo $$ >"$1/halfway.new"; mv "$1/halfway.new" "$1/halfway"
  left=1200
  until [ -e "$1/go" ] || [ $left -eq 0 ]; do left=$((left - 1)); sleep 0.05; done
fi
head -c 2000000 /dev/urandom
printf '\nwhole\n'
"""

_Found = TypeVar("_Found")


def until(look: Callable[[], _Found], what: str, seconds: float = 60) -> _Found:
    """What `look` gives, as soon as it is true; fails the test after so many seconds."""
    limit = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < limit, "waited in vain for " + what
        time.sleep(0.02)


def alive(pid: int) -> bool:
    """Whether a process runs: neither gone nor a zombie."""
    try:
        return Path("/proc/{0}/stat".format(pid)).read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def descendants(pid: int) -> dict[int, str]:
    """pid -> program of all that a process started, directly or not."""
    parents: dict[int, tuple[int, str]] = {}
    for directory in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            before, _bracket, after = (directory / "stat").read_text().rpartition(")")
            parents[int(directory.name)] = (int(after.split()[1]), before.partition("(")[2])
    found: dict[int, str] = {}
    wanted = {pid}
    while wanted:
        wanted = {child for child, (parent, _name) in parents.items() if parent in wanted and child not in found}
        found.update((child, parents[child][1]) for child in wanted)
    return found


class House:
    """A directory with an inventory, a medium, a custody and a bitácora of its own, and the runs made in it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.bitacora = directory / "db" / "bitacora.sqlite"
        self.journal = directory / "journal"
        self.medium = directory / "copias"
        self.dump = directory / "dump"
        self.processes: list[subprocess.Popen[bytes]] = []

    def furnish(self) -> None:
        for made in (self.bitacora.parent, self.medium, self.dump):
            made.mkdir(mode=0o700, parents=True)
        (self.directory / "vault").write_text(VAULT_PASSWORD + "\n")
        (self.directory / "vault").chmod(0o600)
        self.program("dump.sh", DUMP)

    def copy(self, directory: Path) -> House:
        """The same house elsewhere, with its copies, custody and bitácora."""
        shutil.copytree(self.directory, directory, ignore=shutil.ignore_patterns(".ansible"))
        return House(directory)

    def program(self, name: str, text: str) -> Path:
        path = self.directory / name
        path.write_text(text)
        path.chmod(0o755)
        return path

    # -- what is declared -------------------------------------------------------------------------------------------

    def system(self, name: str = SYSTEM, **changed: Any) -> dict[str, Any]:
        """A system whose dump can be made to wait half-way; encrypted, since its criticality is media."""
        source = {
            "type": "command", "dump": [str(self.directory / "dump.sh"), str(self.dump)], "verify": ["/bin/grep", "-a", "-c", "-x", "whole"],
            "restore": ["/bin/false"],
        }
        return {"name": name, "kind": "database", "criticality": "media", "office": "Órgano de prueba", "source": source, **changed}

    def declare(self, *systems: Mapping[str, Any], media: Sequence[Mapping[str, Any]] = (), **variables: Any) -> None:
        """Write the inventory: one host, this machine, with these systems."""
        told = {
            "ansible_connection": "local", "ansible_python_interpreter": sys.executable, "backup_systems": list(systems),
            "backup_media": [{"name": "disco", "path": str(self.medium)}, *media], "backup_custody_directory": str(self.directory / "custodia"),
            "common_install_tools": False, **variables,
        }
        self.write({"all": {"hosts": {"localhost": told}}})

    def write(self, inventory: Mapping[str, Any]) -> None:
        (self.directory / "hosts.yml").write_text(yaml.safe_dump(inventory, allow_unicode=True))

    # -- runs -------------------------------------------------------------------------------------------------------

    def environment(self, **more: str) -> dict[str, str]:
        told = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "RESPALDO_"))}
        told.update(
            HOME=str(self.directory), LC_ALL="C.UTF-8", ANSIBLE_CONFIG=str(ROOT / "ansible.cfg"), ANSIBLE_NOCOLOR="1",
            RESPALDO_BITACORA=str(self.bitacora), RESPALDO_BITACORA_JOURNAL=str(self.journal),
        )
        return {**told, **more}

    def command(self, *arguments: str, playbook: str = "database.yml", vault: bool = True) -> list[str]:
        beside = Path(sys.executable).with_name("ansible-playbook")
        words = [str(beside), "-i", str(self.directory / "hosts.yml"), str(ROOT / "playbooks" / playbook)]
        words += ["--vault-password-file", str(self.directory / "vault")] if vault else []
        return words + ["-e", "backup_emergency_reason=prueba", *arguments]

    def run(self, *arguments: str, playbook: str = "database.yml", vault: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a playbook to its end. One that hangs fails the test."""
        return subprocess.run(
            self.command(*arguments, playbook=playbook, vault=vault), env=self.environment(**environment), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600, cwd=self.directory, check=False)

    def begin(self, *arguments: str, output: str = "output", playbook: str = "database.yml", **environment: str) -> subprocess.Popen[bytes]:
        """Start a run, in a session of its own as a terminal gives it one."""
        with (self.directory / output).open("wb") as file:
            process = subprocess.Popen(
                self.command(*arguments, playbook=playbook), env=self.environment(**environment), stdin=subprocess.DEVNULL, stdout=file,
                stderr=subprocess.STDOUT, cwd=self.directory, start_new_session=True)
        self.processes.append(process)
        return process

    def begin_half(self, *arguments: str, playbook: str = "database.yml", **environment: str) -> tuple[subprocess.Popen[bytes], int]:
        """Start a run and come back when its dump waits half-way; gives the run, and the dump's process."""
        (self.dump / "pause").touch()
        process = self.begin(*arguments, playbook=playbook, **environment)
        halfway = self.dump / "halfway"
        until(lambda: halfway.exists() or process.poll() is not None, "the dump to be half-way")
        assert process.poll() is None, self.said()
        return process, int(halfway.read_text())

    def go_on(self) -> None:
        """Let the dump go on, and those after it not wait."""
        (self.dump / "go").touch()
        (self.dump / "pause").unlink()

    def said(self, output: str = "output") -> str:
        return (self.directory / output).read_text()

    def finished(self, process: subprocess.Popen[bytes]) -> subprocess.CompletedProcess[str]:
        status = process.wait(120)
        return subprocess.CompletedProcess(process.args, status, self.said())

    # -- what it left -----------------------------------------------------------------------------------------------

    def entries(self, *types: str) -> list[dict[str, Any]]:
        with open_store(str(self.bitacora), readonly=True) as store:
            return [entry for entry in store.entries() if (entry["type"] in types if types else entry["type"] != "seal")]

    def last_run(self, *types: str) -> list[dict[str, Any]]:
        run = self.entries("run_started")[-1]["run"]
        return [entry for entry in self.entries(*types) if entry["run"] == run]

    def labels(self, medium: Path | None = None) -> list[str]:
        """The final-named copies of a medium, of all systems."""
        return sorted(path.name for path in (medium or self.medium).glob("*/*/[!.]*"))

    def hidden(self, medium: Path | None = None) -> list[str]:
        """What unfinished copies left in a medium."""
        return sorted(path.name for path in (medium or self.medium).glob("*/*/.*") if path.name != ".lock")

    def prints(self) -> dict[str, str]:
        """SHA-256 of each file of each final-named copy."""
        files = [path for path in self.medium.glob("*/*/[!.]*/*") if path.is_file()]
        return {str(path.relative_to(self.medium)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    def failed_well(self, done: subprocess.CompletedProcess[str], code: str, *words: str, system: str = SYSTEM, status: int = 2) -> dict[str, Any]:
        """What must hold after every failure: exit status, code and words on the terminal and in the entry. Gives the entry."""
        assert done.returncode == status, done.stdout
        assert code in done.stdout and "Traceback" not in done.stdout, done.stdout
        failed = [entry for entry in self.last_run("copy_failed") if entry["system"] == system]
        assert [entry["error_code"] for entry in failed] == [code], failed
        assert failed[0]["error_message_es"] and failed[0]["error_remedy_es"] and failed[0]["host"] and failed[0]["office"] == "Órgano de prueba"
        for word in words:
            assert word in failed[0]["error_message"] and word in failed[0]["error_message_es"], failed[0]
        ended = self.last_run("run_ended")
        assert [entry["verdict"] for entry in ended] == ["failed"]
        return failed[0]

    def mended(self) -> None:
        """The next run makes a good copy, nothing unfinished is left, the chain is whole."""
        before = self.labels()
        self.declare(self.system())
        done = self.run()
        assert done.returncode == 0, f"the run that mends ended with {done.returncode}\n{done.stdout}"
        assert len(self.labels()) == len(before) + 1 and self.hidden() == []
        assert [entry["label"] for entry in self.last_run("copy_made")] == [sorted(set(self.labels()) - set(before))[0]]
        assert chain.verify_file(self.bitacora).whole

    def close(self) -> None:
        (self.dump / "go").touch()
        for process in self.processes:
            for pid in (*descendants(process.pid), process.pid) if process.poll() is None else ():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.wait(10)
