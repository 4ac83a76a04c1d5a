# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's servers and the controller's state as fixtures, for the tests of all scenarios. `host`, of testinfra, is each server in turn."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import testinfra

PROJECT = Path(__file__).resolve().parent.parent


def _server(name, pytestconfig):
    return testinfra.get_host("ssh://" + name, ssh_config=pytestconfig.getoption("ssh_config"))


@pytest.fixture(scope="session")
def db1(pytestconfig):
    """The server of databases."""
    return _server("db1", pytestconfig)


@pytest.fixture(scope="session")
def git1(pytestconfig):
    """The server of repositories."""
    return _server("git1", pytestconfig)


@pytest.fixture(scope="session")
def store1(pytestconfig):
    """The other server, where copies are put."""
    return _server("store1", pytestconfig)


@pytest.fixture(scope="session")
def files1(pytestconfig):
    """The server of shared folders."""
    return _server("files1", pytestconfig)


@pytest.fixture(scope="session")
def state():
    """What the scenario's runs keep on the controller: bitacora.sqlite, custodia/, journal/, logs/."""
    return Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "respaldo"


@pytest.fixture(scope="session")
def playbook():
    """Runs a playbook of the collection against the lab: playbook("restore.yml", "-e", "restore_host=db1", ...)."""

    def run(name, *arguments, status=0, environment=None):
        """The finished process, its output as text. `status` is the exit status it must have, None for any."""
        done = subprocess.run(
            ["ansible-playbook", "--inventory", str(PROJECT / "inventories/lab"), str(PROJECT / "playbooks" / name), *arguments],
            cwd=PROJECT, env={**os.environ, **(environment or {})}, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600, check=False,
        )
        assert status in (None, done.returncode), done.stdout
        return done

    return run
