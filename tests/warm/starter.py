# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Python that has imported what every play imports, and forks for each play that is asked of it (tests/warm/plays.py asks).

It imports nothing that depends on variables, the working directory or ansible.cfg: it stops when ansible.constants was read. So each fork reads
its own configuration and our code as always. A fork is a child of who asked, not of this process: it is waited for and killed like any program.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import gc
import importlib
import io
import os
import pickle
import runpy
import signal
import socket
import sys
import threading
import time

# What ansible-playbook imports before its configuration and what that does not change: the roots; they import the others. What is Ansible's own was found
# so in these releases; of others, where some of it reads the configuration, only what is not Ansible's is imported.
RELEASES = ("2.19.", "2.20.")
IMPORTED = (
    "ansible._internal._ansiballz", "ansible._internal._collection_proxy", "ansible._internal._display_utils", "ansible._internal._errors._captured",
    "ansible._internal._errors._task_timeout", "ansible._internal._plugins", "ansible._internal._ssh._ssh_agent",
    "ansible._internal._templating._access", "ansible._internal._templating._errors", "ansible._internal._templating._jinja_patches",
    "ansible._internal._templating._utils", "ansible._internal._yaml._errors", "ansible.context", "ansible.executor.powershell",
    "ansible.module_utils.common.locale", "ansible.module_utils.common.process", "ansible.module_utils.common.sys_info",
    "ansible.module_utils.common.text.formatters", "ansible.module_utils.common.yaml", "ansible.module_utils.compat.paramiko",
    "ansible.module_utils.compat.selinux", "ansible.module_utils.compat.version", "ansible.module_utils.errors", "ansible.module_utils.json_utils",
    "ansible.module_utils.parsing.convert_bool", "ansible.parsing.splitter", "ansible.parsing.utils.addresses", "ansible.utils._junit_xml",
    "ansible.utils.collection_loader", "ansible.utils.fqcn", "ansible.utils.hashing", "ansible.utils.helpers", "ansible.utils.lock",
    "ansible.utils.multiprocessing", "ansible.utils.path", "ansible.utils.sentinel", "ansible.utils.shlex", "ansible.vars.hostvars", "argcomplete", "cmd",
    "configparser", "cryptography.hazmat.backends.openssl.backend", "cryptography.hazmat.primitives.hmac",
    "cryptography.hazmat.primitives.kdf.pbkdf2", "cryptography.hazmat.primitives.padding", "ctypes.util", "curses", "difflib", "encodings.ascii",
    "encodings.unicode_escape", "getpass", "glob", "jinja2.nativetypes", "jinja2.sandbox", "multiprocessing.popen_fork", "multiprocessing.queues",
    "multiprocessing.shared_memory", "multiprocessing.synchronize", "packaging.specifiers", "pprint", "pty", "sqlite3", "syslog", "tarfile", "tomllib",
    "uuid", "zoneinfo",
)
CONFIGURED = ("ansible.constants", "ansible.config.manager", "ansible_collections.perucompras")
CLONE_PARENT = 0x8000
CLONE = {"x86_64": 56, "aarch64": 220}


def asked(line: socket.socket) -> tuple[dict, list[int]] | None:
    """The next request with the three streams of its program; None when nobody asks any more."""
    head, streams, _flags, _address = socket.recv_fds(line, 8, 3)
    if len(head) < 8:
        return None
    content = bytearray()
    size = int.from_bytes(head, "big")
    while len(content) < size:
        got = line.recv(size - len(content))
        if not got:
            return None
        content += got
    return pickle.loads(bytes(content)), streams


def fork_for_the_parent(number: int) -> int:
    """fork() whose child is this process' sibling; Python is told of it as by os.fork."""
    interpreter = ctypes.pythonapi      # holds the interpreter's lock, as fork does
    kernel = ctypes.PyDLL(None)
    kernel.syscall.restype = ctypes.c_long
    interpreter.PyOS_BeforeFork()
    made = kernel.syscall(number, CLONE_PARENT | signal.SIGCHLD, 0, 0, 0, 0)
    if made == 0:
        interpreter.PyOS_AfterFork_Child()
    else:
        interpreter.PyOS_AfterFork_Parent()
    return made


def standard(number: int, mode: str, before: io.TextIOWrapper) -> io.TextIOWrapper:
    """A standard stream over what is open there now, with nothing that was told of what was open there before: as Python makes it at its start."""
    raw = io.FileIO(number, mode, closefd=False)
    raw.name = before.name
    made = io.TextIOWrapper(io.BufferedReader(raw) if mode == "r" else io.BufferedWriter(raw), encoding=before.encoding, errors=before.errors,
                            newline=None if mode == "r" else "\n", line_buffering=before.line_buffering)
    made.mode = mode
    return made


def become(request: dict, streams: list[int]) -> None:
    """What exec, Popen and Python's own start do before a program's first line."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.closerange(3, max(streams) + 1)
    if request["session"]:
        os.setsid()
    os.umask(request["umask"])
    os.chdir(request["directory"])
    os.environ.clear()
    os.environ.update(request["environment"])
    time.tzset()
    sys.stdin = sys.__stdin__ = standard(0, "r", sys.stdin)
    sys.stdout = sys.__stdout__ = standard(1, "w", sys.stdout)
    sys.stderr = sys.__stderr__ = standard(2, "w", sys.stderr)
    sys.argv = request["command"]
    sys.orig_argv = [sys.executable, *sys.argv]
    sys.path[0] = os.path.dirname(os.path.realpath(sys.argv[0]))


def run() -> None:
    """The program to its end, as Python itself ends one, but that nothing is taken apart which the kernel drops anyway: a tenth of a small play."""
    status = 0
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as ended:
        if ended.code is not None and not isinstance(ended.code, int):
            raise
        status = ended.code or 0
    threading._shutdown()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(status & 0xFF)


def main() -> None:
    line = socket.socket(fileno=int(sys.argv[1]))
    number = CLONE[os.uname().machine]
    known = importlib.import_module("ansible.release").__version__.startswith(RELEASES)
    for name in IMPORTED:
        if known or not name.startswith("ansible"):
            with contextlib.suppress(ModuleNotFoundError):      # argcomplete is not everywhere
                importlib.import_module(name)
    read = [name for name in CONFIGURED if name in sys.modules]
    if read:
        sys.exit("these depend on the configuration, which is each play's own: {0}".format(read))
    gc.collect()
    gc.freeze()
    while (found := asked(line)) is not None:
        request, streams = found
        made = fork_for_the_parent(number)
        if made == 0:
            line.close()
            break
        for stream in streams:
            os.close(stream)
        line.sendall(made.to_bytes(4, "big"))
    else:
        return
    become(request, streams)
    run()


main()
