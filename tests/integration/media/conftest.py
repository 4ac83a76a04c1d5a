# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine as a server gets it, without Ansible; a real sshd of our own; both media to hold to one contract."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import pathlib
import pwd
import signal
import socket
import subprocess
import sys
import time

import pytest

ROOM = pathlib.Path(__file__).resolve().parents[3] / "plugins" / "module_utils"
sys.path.insert(0, str(ROOM))
GATE = ROOM.parents[1] / "roles" / "append_only_medium" / "files"
Local = importlib.import_module("_engine.media.local").Local
build = importlib.import_module("_engine.media.catalogue").build
Ssh = importlib.import_module("_engine.media.ssh").Ssh


def pytest_collection_modifyitems(config, items):
    """Mounts need root: an ordinary account runs all the others, against an sshd of its own."""
    if os.geteuid() != 0:
        for item in items:
            if item.get_closest_marker("root"):
                item.add_marker(pytest.mark.skip(reason="mounts file systems: only root runs it"))


def pytest_configure(config):
    config.addinivalue_line("markers", "root: mounts file systems, so only root runs it")


class Server:
    """An sshd with keys of its own on a free port of the loopback."""

    def __init__(self, directory):
        self.directory = directory
        for key in ("host", "client", "stranger"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(directory / key)], check=True)
        self.user = pwd.getpwuid(os.geteuid()).pw_name
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.known_hosts = "[127.0.0.1]:{0} {1}".format(self.port, (directory / "host.pub").read_text())
        (directory / "accepted").write_text((directory / "client.pub").read_text())
        self.noisy = directory / "noise.sh"
        self.noisy.write_text("#!/bin/sh\necho welcome; echo to the machine >&2\nexec sh -c \"$SSH_ORIGINAL_COMMAND\"\n")
        self.noisy.chmod(0o755)
        # the key exchange that a quantum computer can't undo is ten times as dear as the rest of a connection: a tenth of a second each
        (directory / "config").write_text("\n".join([
            "KexAlgorithms curve25519-sha256", "Port {0}".format(self.port), "ListenAddress 127.0.0.1", "HostKey {0}/host".format(directory),
            "PidFile {0}/pid".format(directory), "AuthorizedKeysFile {0}/accepted".format(directory), "UsePAM no",
            "Subsystem sftp internal-sftp", "StrictModes no", "PasswordAuthentication no", "PermitRootLogin yes", "MaxStartups 100", ""]))
        if os.geteuid() == 0:
            os.makedirs("/run/sshd", 0o755, exist_ok=True)
        self.log = open(str(directory / "log"), "wb")
        self.process = subprocess.Popen(["/usr/sbin/sshd", "-D", "-e", "-f", str(directory / "config")],
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        for _attempt in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise RuntimeError((directory / "log").read_text())

    def accept(self, options=""):
        (self.directory / "accepted").write_text(options + (self.directory / "client.pub").read_text())

    def key(self, name="client"):
        return (self.directory / name).read_text()

    def medium(self, path, **changed):
        settings = {"user": self.user, "private_key": self.key(), "known_hosts": self.known_hosts, "port": self.port}
        settings.update(changed)
        return Ssh("far", "127.0.0.1", str(path), **settings)

    def connections(self):
        """The processes of sshd that serve connections: for each a monitor and, for an ordinary account, one below it."""
        listing = subprocess.run(["ps", "-e", "-o", "pid=,ppid=,comm="], stdout=subprocess.PIPE, check=True).stdout.decode()
        found = [self.process.pid]
        for _generation in range(3):
            for pid, parent, name in (line.split(None, 2) for line in listing.splitlines()):
                if name == "sshd" and int(parent) in found and int(pid) not in found:
                    found.append(int(pid))
        return found[1:]

    def cut(self):
        """Kills what serves each connection."""
        for child in self.connections():
            with contextlib.suppress(ProcessLookupError):     # it ended by itself since it was listed
                os.kill(child, signal.SIGKILL)

    def stop(self):
        self.cut()
        self.process.terminate()
        self.process.wait()
        self.log.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    running = Server(tmp_path_factory.mktemp("sshd"))
    yield running
    running.stop()


class Gate:
    """A medium behind our gate: two servers with a key each, and the controller, whose key opens a shell as it always did."""

    SCOPES = {"bd1": {"shelves": ["database/SIGA", "source_code/SIGA", "file_server/LEGAL"], "repositories": ["LEGAL"]},
              "bd2": {"shelves": ["database/PORTAL", "file_server/ARCHIVO"], "repositories": ["ARCHIVO"]}}

    def __init__(self, server, path):
        self.server, self.path = server, path
        self.directory = path.parent / "gate"
        self.directory.mkdir()
        self.program = self.directory / "gate.py"
        for name in ("gate.py", "gate_verbs.py"):
            (self.directory / name).write_text((GATE / name).read_text())
        self.configuration = self.directory / "medium.json"
        self.configure()
        for name in self.SCOPES:
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(self.directory / name)], check=True)
        lines = [(server.directory / "client.pub").read_text()]
        lines += ['command="{0} -I -S {1} {2} {3}",restrict {4}'.format(
            sys.executable, self.program, self.configuration, name, (self.directory / (name + ".pub")).read_text()) for name in self.SCOPES]
        (server.directory / "accepted").write_text("".join(lines))

    def configure(self, **changed):
        scopes = {name: dict(scope, **changed.get(name, {})) for name, scope in self.SCOPES.items()}
        self.configuration.write_text(json.dumps({"path": str(self.path), "servers": scopes}))

    def options(self, who="bd1"):
        """The medium as an inventory gives it: of a server, or with who="" of the controller."""
        return {"name": "far", "path": str(self.path), "host": "127.0.0.1", "port": self.server.port, "user": self.server.user,
                "known_hosts": self.server.known_hosts, "append_only": bool(who),
                "ssh_key": (self.directory / who).read_text() if who else self.server.key()}

    def medium(self, who="bd1"):
        return build(self.options(who))

    def permit(self, who, *words, seconds=600):
        place = self.path / ".respaldo" / "permisos" / who
        place.mkdir(parents=True, exist_ok=True)
        (place / words[0]).write_text(" ".join([str(int(time.time()) + seconds), *words]) + "\n")

    def ssh(self, who, *words, options=(), **kinds):
        """The stock client with the server's real key, as root of that server has it."""
        known = self.directory / "known_hosts"
        known.write_text(self.server.known_hosts)
        argv = ["ssh", "-F", "none", "-i", str(self.directory / who), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes",
                "-o", "UserKnownHostsFile={0}".format(known), "-p", str(self.server.port), *options, "{0}@127.0.0.1".format(self.server.user), *words]
        return subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, **dict({"stdin": subprocess.DEVNULL}, **kinds))


@pytest.fixture
def gate(server, tmp_path):
    path = tmp_path / "medium"
    path.mkdir()
    yield Gate(server, path)
    server.accept()


@pytest.fixture(params=["local", "ssh"])
def open_medium(request):
    """Makes the medium under test on a directory: the same contract holds both."""
    opened = []

    def make(path, **options):
        if request.param == "local":
            return Local("near", str(path), **options)
        medium = request.getfixturevalue("server").medium(path, **options)
        opened.append(medium)
        return medium

    make.kind = request.param
    yield make
    for medium in opened:
        medium.close()


@pytest.fixture
def shelf(tmp_path):
    path = tmp_path / "a medium with 'quotes' $HOME"
    path.mkdir()
    return path


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 4 MiB."""
    path = tmp_path / "small"
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(path)], check=True)
    yield path
    subprocess.run(["umount", "-l", str(path)], check=True)
