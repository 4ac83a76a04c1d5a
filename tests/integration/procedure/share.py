# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real smbd of these tests alone, on a high port, with one share that its account alone may use; people reach it by smbclient, as their computers do."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import time
from pathlib import Path

# Everything that a server of the machine would share lies in the instance's own directory.
_CONF = """
[global]
workgroup = PRUEBA
server role = standalone server
map to guest = never
disable netbios = yes
interfaces = 127.0.0.1
bind interfaces only = yes
smb ports = {port}
private dir = {top}/private
lock directory = {top}/lock
state directory = {top}/state
cache directory = {top}/cache
pid directory = {top}/pid
ncalrpc dir = {top}/ncalrpc
passdb backend = tdbsam:{top}/private/passdb.tdb
username map = {top}/users
log file = {top}/log
load printers = no
disable spoolss = yes
[logistica]
path = {path}
valid users = {account}
read only = no
"""


class Share:
    """What a head sees as \\\\nas\\logistica; `account` is hers, mapped to the one that owns the files."""

    def __init__(self, top: Path, path: Path, account: str, password: str) -> None:
        self.top, self.account, self.password = top, account, password
        self.log = top / "log"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        for name in ("private", "lock", "state", "cache", "pid", "ncalrpc"):
            (top / name).mkdir(parents=True)
        owner = pwd.getpwuid(os.getuid()).pw_name
        (top / "users").write_text(f"{owner} = {account}\n", "utf-8")
        self.conf = top / "smb.conf"
        self.conf.write_text(_CONF.format(top=top, path=path, port=self.port, account=owner), "utf-8")
        subprocess.run(["smbpasswd", "-c", self.conf, "-L", "-s", "-a", owner], input=f"{password}\n{password}\n", text=True, check=True, capture_output=True)
        (top / "auth").touch(0o600)
        (top / "auth").write_text(f"username = {account}\npassword = {password}\n", "utf-8")
        # when it ends it ends its whole process group, which must not be that of these tests
        self.process = subprocess.Popen(["smbd", "--foreground", "--no-process-group", f"--configfile={self.conf}"], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            self._wait()
        except BaseException:
            self.close()
            raise

    def _wait(self) -> None:
        until = time.monotonic() + 120
        while True:
            assert self.process.poll() is None and time.monotonic() < until, self.log.read_text("utf-8", "replace") if self.log.exists() else "no log"
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 5):
                return
            time.sleep(0.1)

    def does(self, *commands: str, wanted: int = 0) -> str:
        """What she does there, in the words of smbclient."""
        done = subprocess.run(["smbclient", f"--configfile={self.conf}", f"--port={self.port}", f"--authentication-file={self.top / 'auth'}",
                               "//127.0.0.1/logistica", "-c", "; ".join(commands)], cwd=self.top, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == wanted, done.stdout + done.stderr
        return done.stdout + done.stderr

    def puts(self, name: str, text: str) -> None:
        (self.top / "here").write_text(text, "utf-8")
        self.does(f'put here "{name}"')

    def gets(self, name: str) -> str:
        self.does(f'get "{name}" there')
        return (self.top / "there").read_text("utf-8")

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(60)
        shutil.rmtree(self.top)
