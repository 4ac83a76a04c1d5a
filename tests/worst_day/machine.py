# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A container of Debian 12 with the packages that the guide names and nothing of ours, without a network; and the cable by which one service reaches it."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = ROOT / ".cache/lab/containers.conf"
# In the container: its localhost:PORT is the socket that lies beside this text.
_CABLE = """
import socket, sys, threading
def carry(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass
server = socket.create_server(("127.0.0.1", int(sys.argv[2])))
while True:
    near = server.accept()[0]
    far = socket.socket(socket.AF_UNIX)
    far.connect(sys.argv[1])
    for each in ((near, far), (far, near)):
        threading.Thread(target=carry, args=each, daemon=True).start()
"""


def image() -> str:
    """The image's name; built where its recipe changed. Raises CalledProcessError."""
    return subprocess.run([ROOT / "tools/lab", "empty"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


class Machine:
    """One such container; `shown` are (path outside, path inside)."""

    def __init__(self, name: str, image: str, shown: Sequence[tuple[Path, str]]) -> None:
        self.name = name
        self.environment = {**os.environ, "CONTAINERS_CONF": str(SETTINGS)}
        mounts = [word for outside, inside in shown for word in ("-v", f"{outside}:{inside}")]
        self._podman("run", "-d", "--rm", "--network=none", "--hostname", "controlador", "--name", name, *mounts, image, "sleep", "infinity")
        # it stands for a machine, whose disk stays until its end: the mark of a container that is thrown away (RSP786) is none of it
        self._podman("exec", "--privileged", name, "umount", "/run/.containerenv")
        self._podman("exec", name, "rm", "/run/.containerenv")

    def _podman(self, *words: str) -> str:
        return subprocess.run(["podman", *words], env=self.environment, stdout=subprocess.PIPE, text=True, check=True).stdout

    def type(self, line: str, status: int = 0) -> str:
        """A line as a person types it, in a shell of root; what it says. Fails the test where it ends otherwise than by `status`."""
        begun = time.monotonic()
        # replaced: what is buffered of one output may be cut within a letter by what is not of the other
        done = subprocess.run(["podman", "exec", "--env", "container=", "-w", "/", self.name, "bash", "-c", line], env=self.environment, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
        print(f"{self.name}, {time.monotonic() - begun:.1f} s: {line}", flush=True)
        assert done.returncode == status, f"{line}\n{done.stdout}"
        return done.stdout

    def start(self, line: str) -> None:
        self._podman("exec", "-d", self.name, "bash", "-c", line)

    def put(self, path: str, text: str, mode: str = "0600") -> None:
        subprocess.run(["podman", "exec", "-i", self.name, "sh", "-c", 'mkdir -p "$(dirname "$1")" && cat > "$1" && chmod "$2" "$1"', "put", path, mode],
                       env=self.environment, input=text, text=True, check=True)

    def plug(self, path: str, port: int) -> None:
        """Its localhost:PORT is the socket at `path`."""
        self.put("/run/cable.py", _CABLE)
        self.start(f"exec python3 /run/cable.py {path} {port}")

    def end(self) -> None:
        # a container's processes are no children of this one; v2 of cgroups, or v1
        asked = subprocess.run(["podman", "exec", self.name, "sh", "-c", "cat /sys/fs/cgroup/cpu.stat 2>/dev/null || cat /sys/fs/cgroup/cpuacct/cpuacct.usage"],
                               env=self.environment, stdout=subprocess.PIPE, text=True, check=False).stdout.split()
        if asked:
            seconds = int(asked[1]) / 1e6 if asked[0] == "usage_usec" else int(asked[0]) / 1e9
            print(f"{self.name}: {seconds:.0f} s of a processor", flush=True)
        subprocess.run(["podman", "rm", "-f", "-t", "0", self.name], env=self.environment, stdout=subprocess.DEVNULL, check=False)


class Cable:
    """The other end: what comes by a socket in a directory goes to a port here."""

    def __init__(self, path: Path, port: int) -> None:
        self.port, self.server = port, socket.socket(socket.AF_UNIX)
        self.server.bind(str(path))
        self.server.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                near = self.server.accept()[0]
                far = socket.create_connection(("127.0.0.1", self.port))
            except OSError:
                return
            for each in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=each, daemon=True).start()

    @staticmethod
    def _carry(source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self) -> None:
        self.server.close()
