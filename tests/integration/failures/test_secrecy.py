# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Planted passwords are found nowhere, in runs as talkative as they can be, of which most copies fail."""

from __future__ import annotations

import json
import secrets
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Iterator

import pytest

from .house import VAULT_PASSWORD, House, until
from .secrecy import Rooms, Sampler, in_files, in_text, open_to_others

pytestmark = pytest.mark.cold      # what /proc tells of each process is looked at
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\n{0}\n{1}\n-----END OPENSSH PRIVATE KEY-----\n"


class Planted:
    """A house whose systems and media hold secrets, given by a vaulted file as they should be."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.began = time.time() - 1
        self.rooms = Rooms(house.directory / "scratch")
        self.viewed: dict[Path, str] = {}
        self.secrets = {name: "{0}-{1}".format(name, secrets.token_hex(12)) for name in ("postgresql", "mariadb", "command", "git", "token-in-a-url")}
        self.secrets["ssh-key"] = KEY.format(secrets.token_hex(35), secrets.token_hex(35))
        vaulted = house.directory / "secrets.yml"
        vaulted.write_text(json.dumps({"planted": self.secrets}))
        subprocess.run([str(Path(house.command()[0]).with_name("ansible-vault")), "encrypt", "--vault-password-file", str(house.directory / "vault"),
                        str(vaulted)], check=True, env=house.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.arguments = ["-vvv", "-e", "@" + str(vaulted)]
        self.secrets["vault"] = VAULT_PASSWORD

    def declare(self, port: int) -> None:
        """Systems that fail, since nobody answers on this port, and one that does not."""
        house, there = self.house, {"host": "127.0.0.1", "port": port, "user": "respaldo"}
        code = {"kind": "source_code", "criticality": "baja"}
        url = "https://127.0.0.1:{0}/siga.git".format(port)
        house.declare(
            house.system(source={**house.system()["source"], "password": "{{ planted['command'] }}"}),
            house.system("Por TCP", source={"type": "postgresql", "databases": ["siga"], **there, "password": "{{ planted['postgresql'] }}"}),
            house.system("Por TCP también", source={"type": "mariadb", "databases": ["siaf"], **there, "password": "{{ planted['mariadb'] }}"}),
            house.system("Portal", **code, source={"type": "git", "url": url, "username": "respaldo", "password": "{{ planted['git'] }}"}),
            house.system("A otro servidor", media=["otro"]),
            media=[{"name": "otro", "path": "/srv/copias", "host": "127.0.0.1", "port": port, "user": "respaldo", "default": False,
                    "ssh_key": "{{ planted['ssh-key'] }}"}],
        )

    def custody(self) -> dict[str, str]:
        """The passwords that were generated for copies, read back from custody with stock ansible-vault, each file once."""
        for path in (self.house.directory / "custodia").rglob("*.yml"):
            if path not in self.viewed:
                vault = str(Path(self.house.command()[0]).with_name("ansible-vault"))
                shown = subprocess.run([vault, "view", "--vault-password-file", str(self.house.directory / "vault"), str(path)],
                                       env=self.house.environment(), capture_output=True, text=True, check=True)
                self.viewed[path] = json.loads(shown.stdout)["password"]
        return {path.stem: password for path, password in self.viewed.items()}

    def leaks(self) -> list[str]:
        """Where any of the secrets is: in what the runs left under the house, or in the rooms of this machine that all share."""
        everything = {**self.secrets, **self.custody()}
        return in_files([self.house.directory, *self.rooms.appeared()], everything, self.began, but=[self.house.directory / "vault"])

    def modes(self) -> list[str]:
        """What of ours others can read: copies and custody not even the group, the bitácora and its logs only the group."""
        house = self.house
        return open_to_others([house.medium, house.directory / "custodia"]) + open_to_others([house.bitacora.parent], allowed=0o750)


@pytest.fixture
def planted(house: House) -> Iterator[Planted]:
    made = Planted(house)
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))    # nobody listens on it
        made.declare(bound.getsockname()[1])
        yield made


def test_the_search_itself_finds_what_is_there(planted: Planted, tmp_path: Path) -> None:
    needle = {"aguja": secrets.token_hex(16)}
    (tmp_path / "paja").write_text("x" * 70000 + needle["aguja"])
    assert in_files([tmp_path], needle, planted.began) == ["aguja: {0}".format(tmp_path / "paja")]
    with tempfile.NamedTemporaryFile("w", dir="/dev/shm") as lost, tempfile.TemporaryDirectory(prefix=".respaldo-", dir="/tmp") as ours:
        Path(lost.name).write_text(needle["aguja"])
        Path(ours, "paja").write_text(needle["aguja"])
        assert sorted(in_files(planted.rooms.appeared(), needle, planted.began)) == ["aguja: " + lost.name, "aguja: " + ours + "/paja"]
    with Sampler() as sampler:
        shown = subprocess.Popen(["sleep", "60"], env={"PLANTED": needle["aguja"]})
        try:
            seen = sampler.sweeps()
            until(lambda: sampler.sweeps() > seen + 1, "a whole sweep")
        finally:
            shown.kill()
            shown.wait()
        assert sampler.found(needle) == ["aguja: environ of sleep"]


def test_secrets_are_nowhere_during_and_after_a_run(planted: Planted) -> None:
    house = planted.house
    with Sampler() as sampler:
        run, _dump = house.begin_half(*planted.arguments, playbook="site.yml", ANSIBLE_PIPELINING="False", **planted.rooms.environment())
        seen = sampler.sweeps()
        until(lambda: sampler.sweeps() > seen + 2, "whole sweeps during the copy")
        assert planted.leaks() == []
        house.go_on()
        done = house.finished(run)
        found = sampler.found({**planted.secrets, **planted.custody()})
    assert done.returncode == 2 and not found, found
    codes = [entry["error_code"] for entry in house.last_run("copy_failed")]
    # a machine without the databases' clients says that these are missing
    assert sorted(codes) in (["RSP202", "RSP202", "RSP202", "RSP406"], ["RSP202", "RSP301", "RSP301", "RSP406"])
    assert len(house.last_run("copy_made")) == 1 and "task path:" in done.stdout
    assert len(planted.custody()) == 5
    assert planted.leaks() == []
    assert planted.modes() == []


def test_secrets_are_not_in_what_ansible_runner_keeps(planted: Planted) -> None:
    house = planted.house
    private = house.directory / "runner"
    private.mkdir()
    command = house.command(*planted.arguments, playbook="site.yml")
    arguments = " ".join(command[4:])
    done = subprocess.run(
        [str(Path(command[0]).with_name("ansible-runner")), "run", str(private), "--playbook", command[3], "--inventory", command[2], "--ident", "una",
         "--cmdline", arguments], env=house.environment(**planted.rooms.environment()), stdin=subprocess.DEVNULL, capture_output=True, timeout=600,
        cwd=house.directory, check=False)
    assert done.returncode == 2, done.stdout.decode()
    assert len(list((private / "artifacts" / "una" / "job_events").glob("*.json"))) > 20
    assert len(house.last_run("copy_made")) == 1 and len(house.last_run("copy_failed")) == 4
    assert in_text(done.stdout + done.stderr, {**planted.secrets, **planted.custody()}) == []
    assert planted.leaks() == []
    assert planted.modes() == []


def test_mistakes_beside_a_secret_do_not_show_it(planted: Planted) -> None:
    """Messages about options of the wrong kind, or with no meaning, tend to print the whole table they are in."""
    house, secret = planted.house, "{{ planted['command'] }}"
    source = house.system()["source"]
    house.declare(
        house.system(source={**source, "passwrod": secret, "password": ["{{ planted['git'] }}"]}),
        house.system("Dos", source={"type": "git", "url": "https://respaldo:{{ planted['token-in-a-url'] }}@127.0.0.1/siga.git"}, kind="source_code"),
        house.system("Tres", source="postgresql://respaldo:{{ planted['postgresql'] }}@127.0.0.1/siga"),
        media=[{"name": "otro", "path": "relativa", "ssh_key": "{{ planted['ssh-key'] }}"}],
    )
    done = house.run(*planted.arguments, playbook="site.yml", **planted.rooms.environment())
    assert done.returncode == 2 and "RSP101" in done.stdout
    told = " ".join(done.stdout.split())
    for words in ("passwrod", "backup_systems[0].source.password", "backup_systems[1].source.url", "backup_systems[2].source", "backup_media[1]"):
        assert words in told, done.stdout
    assert in_text(done.stdout.encode(), planted.secrets) == [], done.stdout
    assert planted.leaks() == []
