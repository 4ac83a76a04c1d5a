# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The image of the lab's recipe, and PostgreSQL with its socket where containers of any account reach it."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from image.house import ROOT, SETTINGS, House
from stores.conftest import Server


@pytest.fixture(scope="session")
def image():
    told = subprocess.run([ROOT / "tools/lab", "controller"], capture_output=True, text=True, check=False)
    if told.returncode:
        pytest.fail("tools/lab controller: " + told.stderr[-2000:], pytrace=False)
    return told.stdout.strip()


@pytest.fixture(scope="session")
def server():
    directory = Path(tempfile.mkdtemp(prefix="bitacora-pg-"))
    shutil.chown(directory, "postgres", "postgres")
    directory.chmod(0o711)
    made = Server(directory)
    try:
        yield made
    finally:
        made.stop()
        shutil.rmtree(directory)


@pytest.fixture
def house(tmp_path, image, server, monkeypatch):
    from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import postgresql

    monkeypatch.setenv("CONTAINERS_CONF", str(SETTINGS))
    database = "imagen" + tmp_path.name[-8:].replace("-", "_").lower()
    server.sql(f"CREATE DATABASE {database}")
    postgresql.prepare(server.url(database, "postgres"), ["respaldo_writer"], ["auditor"])
    return House(tmp_path, image, server, database)
