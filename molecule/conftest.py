# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's servers as fixtures, for the tests of all scenarios. `host`, of testinfra, is each of them in turn."""

from __future__ import annotations

import pytest
import testinfra


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
