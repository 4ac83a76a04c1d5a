# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-playbook for tests, without the imports that are the same in each play: a third of what a small play costs, two thousand times.

A test starts it by subprocess as always. What runs is a child of the test's process with the arguments, variables, directory, streams, session and
signals that were asked for; only /proc/PID/cmdline and environ tell of the process it was forked from (starter.py). What can't be had so is started
as ever: another program or way of starting, a terminal, other variables of Python's, of the locale or of the loader.
"""

from __future__ import annotations

import os
import pickle
import re
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

STARTER = Path(__file__).with_name("starter.py")
# what Python, the C library and the loader read before a program's first line, or once for all
AT_START = re.compile(r"PYTHON|LC_|LANG|LD_|GLIBC|MALLOC|OPENSSL|SSL_")
PROGRAM = str(Path(sys.executable).with_name("ansible-playbook"))
STARTERS = 4      # of one session: tests that vary how Python starts do so by one
# by name, since subprocess hands them by place
WAYS = ("args", "executable", "preexec_fn", "close_fds", "pass_fds", "cwd", "env", "startupinfo", "creationflags", "shell", "p2cread", "p2cwrite",
        "c2pread", "c2pwrite", "errread", "errwrite", "restore_signals", "gid", "gids", "uid", "umask", "start_new_session", "process_group")


class Starter:
    """One process of starter.py, for all plays with the same variables of the start."""

    def __init__(self, environment: dict[str, str]) -> None:
        interpreter = Path(PROGRAM).open(encoding="utf-8").readline()[2:].split()
        self.line, other = socket.socketpair()
        with other:
            self.process = subprocess.Popen([*interpreter, str(STARTER), str(other.fileno())], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                            env=environment, pass_fds=[other.fileno()])

    def ask(self, request: dict[str, Any], streams: list[int]) -> int:
        content = pickle.dumps(request)
        socket.send_fds(self.line, [len(content).to_bytes(8, "big")], streams)
        self.line.sendall(content)
        told = self.line.recv(4, socket.MSG_WAITALL)
        if len(told) != 4:
            raise RuntimeError("the starter of plays has ended: its standard error says why")
        return int.from_bytes(told, "big")

    def end(self) -> None:
        self.line.close()
        self.process.wait(30)


class Warm:
    """Takes the place of how subprocess starts programs, while a test that may have it runs."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.cold = subprocess.Popen._execute_child      # type: ignore[attr-defined]
        self.starters: dict[frozenset[tuple[str, str]], Starter] = {}
        self.environment = dict(os.environ)      # as it is before any test changes it
        self.begun = 0

    def __enter__(self) -> Warm:
        warm = self

        def start(process: Any, *ways: Any) -> None:
            if not warm.started(process, dict(zip(WAYS, ways))):
                warm.cold(process, *ways)

        subprocess.Popen._execute_child = start      # type: ignore[attr-defined]
        return self

    def __exit__(self, *_raised: object) -> None:
        subprocess.Popen._execute_child = self.cold      # type: ignore[attr-defined]

    def end(self) -> None:
        for starter in self.starters.values():
            starter.end()

    def starter(self, environment: dict[str, str]) -> Starter | None:
        wanted = {name: value for name, value in environment.items() if AT_START.match(name)}
        key = frozenset(wanted.items())
        if key not in self.starters:
            if len(self.starters) >= STARTERS:
                return None
            others = {name: value for name, value in self.environment.items() if not AT_START.match(name)}
            self.starters[key] = Starter({**others, **wanted})
        return self.starters[key]

    def started(self, process: Any, ways: dict[str, Any]) -> bool:
        """Whether this program was begun by a fork; the process is then as subprocess itself leaves one."""
        command = ways["args"]
        if isinstance(command, (str, bytes)) or not command or command[0] != PROGRAM or not all(isinstance(word, str) for word in command):
            return False
        plain = (ways["executable"] in (None, command[0]) and not ways["preexec_fn"] and ways["close_fds"] and not ways["pass_fds"] and not ways["shell"]
                 and ways["restore_signals"] and ways["gid"] is ways["gids"] is ways["uid"] is None and ways["umask"] < 0
                 and ways.get("process_group", -1) in (None, -1))
        environment = {os.fsdecode(name): os.fsdecode(value) for name, value in (os.environ if ways["env"] is None else ways["env"]).items()}
        streams = [given if given != -1 else number for number, given in enumerate((ways["p2cread"], ways["c2pwrite"], ways["errwrite"]))]
        if not plain or any(map(os.isatty, streams)):
            return False
        with self.lock:
            starter = self.starter(environment)
            if starter is None:
                return False
            process.pid = starter.ask({"command": list(command), "environment": environment, "directory": os.path.abspath(os.fsdecode(ways["cwd"] or ".")),
                                       "umask": umask(), "session": ways["start_new_session"]}, streams)
            self.begun += 1
        process._child_created = True
        process._close_pipe_fds(*(ways[name] for name in ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")))
        return True


def umask() -> int:
    told = Path("/proc/self/status").read_text("ascii", errors="replace")
    return int(re.search(r"^Umask:\s*([0-7]+)$", told, re.MULTILINE)[1], 8)      # type: ignore[index]
