# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Custodians for tests: a directory with Ansible's own vault, a fake key vault, a real OpenBao; and houses whose copies use them."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.constants import DEFAULT_VAULT_ID_MATCH
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._custodians import custody
from failures.house import VAULT_PASSWORD, House

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "azure"))
from login import CLIENT, SECRET, TENANT, FakeLogin

from .bao import OpenBao, certificates
from .fake_key_vault import FakeKeyVault

_numbers = itertools.count()


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the certificates that all servers of these tests have."""
    made = tmp_path_factory.mktemp("custodios")
    certificates(made)
    return made


@pytest.fixture(scope="session")
def bao(place: Path) -> Iterator[OpenBao]:
    made = OpenBao(place)
    yield made
    made.stop()


@pytest.fixture(scope="session")
def login(place: Path) -> Iterator[FakeLogin]:
    made = FakeLogin(place)
    yield made
    made.close()


class KeyVaultBench:
    """The fake, and the options of a custodian that uses it."""

    def __init__(self, place: Path, login: FakeLogin) -> None:
        self.fake = FakeKeyVault(place, f"{login.url}/{TENANT}")
        self.place, self.login = place, login

    def options(self, **more: Any) -> dict[str, Any]:
        auth = {"client_id": CLIENT, "tenant": TENANT, "secret": SECRET, "authority": self.login.url}
        return {"name": "nube", "type": "azure_key_vault", "vault_uri": self.fake.url, "ca_certs": str(self.place / "ca.pem"), "retry_seconds": 1,
                "auth": auth, **more}


@pytest.fixture
def vault(place: Path, login: FakeLogin) -> Iterator[KeyVaultBench]:
    made = KeyVaultBench(place, login)
    yield made
    made.fake.close()


@pytest.fixture
def shelf() -> str:
    """A path in OpenBao that no other test uses."""
    return f"prueba{next(_numbers)}"


@pytest.fixture
def loader() -> DataLoader:
    """Ansible's loader with one vault identity."""
    made = DataLoader()
    made.set_vault_secrets([(DEFAULT_VAULT_ID_MATCH, VaultSecret(b"boveda de prueba"))])
    return made


class Person:
    """Somebody with an OpenPGP key pair, in a keyring of his or her own."""

    def __init__(self, home: Path, name: str) -> None:
        home.mkdir(mode=0o700)
        self.name = name
        self.gpg = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", ""]
        subprocess.run([*self.gpg, "--quick-generate-key", f"{name}@example.org", "default", "default", "never"], check=True, stderr=subprocess.DEVNULL)
        self.public = subprocess.run([*self.gpg, "--armor", "--export"], check=True, capture_output=True, text=True).stdout

    def opens(self, armoured: str) -> str:
        """What stock gpg makes of a seal with this person's private key; "" when it does not open."""
        return subprocess.run([*self.gpg, "--decrypt"], input=armoured, capture_output=True, text=True, check=False).stdout


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Person]]:
    top = tmp_path_factory.mktemp("p")
    made = [Person(top / name, name) for name in ("ana", "luis")]
    yield made
    for person in made:
        subprocess.run(["gpgconf", "--homedir", person.gpg[2], "--kill", "all"], check=False)


class Institution(House):
    """A house with a SQLite database to copy and custodians of its own; secrets come by a vaulted file, as they should."""

    custodians: list[dict[str, Any]]

    def furnish(self) -> None:
        super().furnish()
        self.custodians = []
        self.actors: dict[str, Any] = {}
        self.siga = self.directory / "datos" / "siga.sqlite"
        self.siga.parent.mkdir()
        with contextlib.closing(sqlite3.connect(self.siga)) as database, database:
            database.execute("CREATE TABLE t (a, b)")
            database.executemany("INSERT INTO t VALUES (?, ?)", [(number, os.urandom(40).hex()) for number in range(200)])

    def environment(self, **more: str) -> dict[str, str]:
        """All scratch below the house, so that what a run leaves there is looked at without what others leave."""
        scratch = self.directory / "scratch"
        scratch.mkdir(exist_ok=True)
        return super().environment(**{"TMPDIR": str(scratch), "ANSIBLE_LOCAL_TEMP": str(scratch), "ANSIBLE_REMOTE_TMP": str(scratch), **more})

    def rows(self, path: Path | None = None) -> list[Any]:
        with contextlib.closing(sqlite3.connect(path or self.siga)) as database:
            return database.execute("SELECT * FROM t ORDER BY a").fetchall()

    def sqlite(self, name: str = "SIGA", path: Path | None = None, **changed: Any) -> dict[str, Any]:
        return self.system(name, source={"type": "sqlite", "path": str(path or self.siga)}, **changed)

    def settle(self, *systems: Any, **variables: Any) -> None:
        """Write the inventory with today's custodians and people; what is secret of the custodians into a file that the vault encrypts."""
        hidden: dict[str, str] = {}
        shown = []
        for custodian in self.custodians:
            told = dict(custodian)
            for name in ("token", "role_id", "secret_id"):
                if told.get(name):
                    hidden[f"vault_{told['name']}_{name}"] = told[name]
                    told[name] = f"{{{{ vault_{told['name']}_{name} }}}}"
            if "auth" in told:
                hidden[f"vault_{told['name']}_secret"] = told["auth"]["secret"]
                told["auth"] = {**told["auth"], "secret": f"{{{{ vault_{told['name']}_secret }}}}"}
            shown.append(told)
        self.secrets = hidden
        told = {name: value for name, value in (("backup_custodians", shown), ("backup_actors", self.actors)) if value}
        self.declare(*(systems or (self.sqlite(),)), **told, **variables)
        # as ansible-vault encrypt does, without a process of its own for each
        vault = VaultLib([(DEFAULT_VAULT_ID_MATCH, VaultSecret(VAULT_PASSWORD.encode()))])
        (self.directory / "secrets.yml").write_bytes(vault.encrypt(json.dumps({"nada": "x", **hidden}).encode()))

    def good(self, *arguments: str, playbook: str = "database.yml") -> str:
        done = self.run("-e", f"@{self.directory}/secrets.yml", *arguments, playbook=playbook)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def bad(self, *arguments: str, playbook: str = "database.yml", code: str = "") -> str:
        done = self.run("-e", f"@{self.directory}/secrets.yml", *arguments, playbook=playbook)
        assert done.returncode == 2 and code in done.stdout, done.stdout
        return done.stdout

    def passwords(self, loader: DataLoader) -> dict[str, str]:
        """label -> password, by whoever holds it."""
        found = {}
        for entry in self.entries("copy_made"):
            found[entry["label"]] = custody.reveal(loader, self.custodians or str(self.directory / "custodia"), entry["key_reference"])
        return found


@pytest.fixture
def institution(tmp_path: Path) -> Iterator[Institution]:
    made = Institution(tmp_path / "oti")
    made.furnish()
    yield made
    made.close()


@pytest.fixture
def its_loader() -> DataLoader:
    """Ansible's loader with the vault identity of the houses."""
    made = DataLoader()
    made.set_vault_secrets([(DEFAULT_VAULT_ID_MATCH, VaultSecret(VAULT_PASSWORD.encode()))])
    return made
