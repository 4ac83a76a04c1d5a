# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real programs, real servers on free ports of the loopback, and a medium in a temporary directory."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.copies import making, publishing
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.copies.orders import Order
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.copies.streamed import StreamedCopy
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.media.base import Slot
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.media.local import Local
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.processes.programs import private_directory
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.transforms.encrypt import Keys

NEEDED = {"git": "git", "git-lfs": "git-lfs", "sshd": "openssh-server", "redis-server": "redis", "redis-cli": "redis-tools",
          "zstd": "zstd", "gpg": "gnupg"}
KEYS = Keys("clave de prueba")


def tool(name):
    found = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    assert found, "this test needs {0}: install the package {1}".format(name, NEEDED.get(name, name))
    return found


def git(directory, *arguments, **extra):
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C.UTF-8",
                   "GIT_CONFIG_GLOBAL": extra.pop("config", "/dev/null"),
                   "GIT_AUTHOR_NAME": "Ana", "GIT_AUTHOR_EMAIL": "ana@example.org", "GIT_COMMITTER_NAME": "Ana",
                   "GIT_COMMITTER_EMAIL": "ana@example.org"}
    done = subprocess.run([tool("git"), "-C", str(directory), *arguments], env=environment, check=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, **extra)
    return done.stdout.decode("utf-8", "surrogateescape").strip()


class Bench:
    """Makes, publishes and opens copies of a source."""

    def __init__(self, directory: Path):
        self.directory = directory
        self.medium = Local("disco", str(directory / "medium"), create=True)
        self.count = 0

    def make(self, source):
        self.count += 1
        self.slot = Slot("source_code", "SIGA", "SIGA_2026112{0}".format(self.count))
        made = making.make(Order(self.slot, keys=KEYS), source, [self.medium])
        publishing.publish(self.slot, made.digest, [self.medium])
        return made

    def open(self):
        return StreamedCopy(self.slot, self.medium, KEYS)

    def round_trip(self, source, target, overwrite=False):
        """T1, T2, T3 and a restore of the last copy."""
        with self.open() as copy:
            copy.verify_bytes()
            copy.verify_structure(source)
            with private_directory(str(self.directory)) as scratch:
                methods = source.rehearse(copy, scratch)
                assert os.listdir(scratch) == []
            return methods, source.restore(copy, str(target), overwrite)

    def left(self):
        """What lies on the medium but a lock."""
        return [path for path in (self.directory / "medium").rglob("*") if path.is_file() and path.name != ".lock"]


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """The system's directory for temporary files, to see that nothing stays there."""
    directory = tmp_path / "temporary"
    directory.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(directory))
    return directory


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(port, process):
    for _attempt in range(100):
        assert process.poll() is None, "the server ended with {0}".format(process.returncode)
        with socket.socket() as caller:
            if caller.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("nothing answers on port {0}".format(port))


@pytest.fixture
def start():
    running = []

    def begin(argv, port, **extra):
        process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **extra)
        running.append(process)
        wait_for(port, process)
        return process

    yield begin
    for process in running:
        process.terminate()
        process.wait(10)


@pytest.fixture
def repository(tmp_path):
    """A repository with branches, notes, a stash-less detour, names in Spanish and annotated tags."""
    path = tmp_path / "siga"
    path.mkdir()
    git(path, "init", "-q", "-b", "main")
    (path / "año.txt").write_text("uno\n")
    git(path, "add", ".")
    git(path, "commit", "-qm", "primero")
    git(path, "branch", "función/ñandú")
    git(path, "tag", "-a", "v1", "-m", "versión 1")
    git(path, "notes", "add", "-m", "nota")
    git(path, "update-ref", "refs/merge-requests/1/head", "HEAD")
    (path / "año.txt").write_text("dos\n")
    git(path, "commit", "-qam", "segundo")
    return path
