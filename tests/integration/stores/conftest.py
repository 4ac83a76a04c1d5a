# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real server of PostgreSQL for the bitácora, on a free port of this machine, with its data on disk and durable."""

from __future__ import annotations

import glob
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "collections"))
_numbers = itertools.count(1)


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """One cluster, run by the account postgres."""

    def __init__(self, directory):
        self.directory, self.port, self.process = directory, _free_port(), None
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"))
        if not found:
            pytest.fail("PostgreSQL's server is not here: make test installs Debian's package postgresql", pytrace=False)
        self.tools = os.path.dirname(found[-1])
        self._run("initdb", "-D", str(directory / "data"), "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--auth=trust")
        self.start()

    def _run(self, tool, *arguments):
        done = subprocess.run([f"{self.tools}/{tool}", *arguments], user="postgres", group="postgres", extra_groups=[], cwd="/", capture_output=True,
                              text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self):
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.tools + "/postgres", "-D", str(self.directory / "data"), "-p", str(self.port), "-k", str(self.directory),
                 "-c", "listen_addresses=127.0.0.1", "-c", "shared_buffers=64MB"],
                user="postgres", group="postgres", extra_groups=[], cwd="/", start_new_session=True, stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while subprocess.run([self.tools + "/pg_isready", "-q", "-h", str(self.directory), "-p", str(self.port)], check=False).returncode:
            assert time.monotonic() < deadline and self.process.poll() is None, (self.directory / "log").read_text(errors="replace")[-2000:]
            time.sleep(0.05)

    def stop(self, how=signal.SIGQUIT):
        """SIGQUIT is what a crash leaves: nobody says goodbye and nothing is flushed."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(60)

    def sql(self, text, database="postgres"):
        return self._run("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", str(self.directory), "-p", str(self.port), "-d", database, "-c", text)

    def url(self, database, role="respaldo_writer"):
        return f"postgresql://{role}@127.0.0.1:{self.port}/{database}"


@pytest.fixture(scope="session")
def server():
    pwd.getpwnam("postgres")
    directory = Path(tempfile.mkdtemp(prefix="bitacora-pg-"))
    shutil.chown(directory, "postgres", "postgres")
    made = Server(directory)
    try:
        yield made
    finally:
        made.stop(signal.SIGINT)
        shutil.rmtree(directory)


@pytest.fixture
def empty(server):
    """The name of a database where nothing was set up."""
    if server.process.poll() is not None:
        server.start()
    name = f"bitacora{next(_numbers)}"
    server.sql(f"CREATE DATABASE {name}")
    return name


@pytest.fixture
def database(server, empty):
    """A database set up for the bitácora: its name."""
    from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import postgresql

    postgresql.prepare(server.url(empty, "postgres"), ["respaldo_writer"], ["auditor"])
    return empty


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    """The address of a bitácora of each kind."""
    if request.param == "sqlite":
        return str(tmp_path / "bitacora.sqlite")
    server = request.getfixturevalue("server")
    return server.url(request.getfixturevalue("database"))


@pytest.fixture
def store(url):
    from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store

    with open_store(url) as opened:
        yield opened


@pytest.fixture
def copies(store, url):
    """The address of a bitácora with a whole run of three copies."""
    said = {"run": "R1", "host": "db01", "system": "SIGA", "kind": "database"}
    store.append("run_started", {"run": "R1"}, "2026-11-22T03:00:00Z", "R1")
    for day in (20, 21, 22):
        label = f"SIGA_202611{day}"
        store.append("copy_started", {**said, "label": label}, f"2026-11-{day}T03:00:00Z", "R1")
        store.append("copy_made", {**said, "label": label, "size": 1000 * day, "trust_level": "T2"}, f"2026-11-{day}T03:01:00Z", "R1")
    store.append("run_ended", {"run": "R1"}, "2026-11-22T03:02:00Z", "R1")
    return url
