# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A play that tests begin after its imports (tests/warm) is the program that was asked for: everything that it could tell apart is as it would be."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow      # a dozen plays
ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/warm"))

from plays import PROGRAM, Warm  # noqa: E402

# A callback that tells what its process is, when it is loaded; and waits, when it is to be killed.
TELLING = '''
import atexit, json, os, random, select, signal, sys, threading
from ansible.plugins.callback import CallbackBase
from ansible import constants

class CallbackModule(CallbackBase):
    CALLBACK_VERSION, CALLBACK_TYPE, CALLBACK_NAME = 2.0, "notification", "telling"

    def v2_playbook_on_start(self, playbook):
        umask = os.umask(0)
        os.umask(umask)
        told = {"argv": sys.argv, "executable": sys.executable, "path": sys.path, "environment": dict(os.environ), "directory": os.getcwd(),
                "parent": os.getppid(), "umask": umask, "session": os.getsid(0) == os.getpid(),
                "group": os.getpgid(0) if os.getpgid(0) != os.getpid() else "its own",
                "home": constants.DEFAULT_LOCAL_TMP.startswith(os.environ["ANSIBLE_LOCAL_TEMP"]), "forks": constants.DEFAULT_FORKS,
                "open": sorted(name for name in os.listdir("/proc/self/fd") if os.path.exists("/proc/self/fd/" + name)),
                "streams": [[each.encoding, each.errors, each.line_buffering, each.name, each.mode] for each in (sys.stdin, sys.stdout, sys.stderr)],
                "handlers": [str(signal.getsignal(number)).split(" at ")[0] for number in range(1, 32)], "flags": str(sys.flags),
                "mask": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())), "name": sys.modules["__main__"].__file__}
        with open(os.environ["TOLD"], "w") as file:
            json.dump(told, file)
        atexit.register(print, "registered")
        threading.Thread(target=lambda: (threading.main_thread().join(), print("a thread's last word"))).start()
        print("random", random.random(), file=sys.stderr)
        print("read", sys.stdin.read())
        if "WAIT" in os.environ:
            sys.stdout.flush()
            signal.pause()
'''


@pytest.fixture(scope="module")
def warm():
    made = Warm()
    yield made
    made.end()


@pytest.fixture
def run(tmp_path):
    (tmp_path / "callbacks").mkdir()
    (tmp_path / "callbacks/telling.py").write_text(TELLING)
    (tmp_path / "play.yml").write_text("- hosts: localhost\n  gather_facts: false\n  tasks:\n    - ansible.builtin.fail: {msg: no}\n")
    (tmp_path / "ansible.cfg").write_text("[defaults]\nforks = 7\ncallbacks_enabled = telling\ncallback_plugins = callbacks\n")

    def begin(**ways):
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "RESPALDO_"))}
        environment = {**kept, "TOLD": str(tmp_path / "told.json"), "HOME": str(tmp_path), "ANSIBLE_LOCAL_TEMP": str(tmp_path / "ansible"), "UNA": "ñandú",
                       **ways.pop("more", {})}
        return subprocess.Popen([PROGRAM, "-i", "localhost,", "-e", '{"a": "b c"}', "play.yml"], cwd=tmp_path, env=environment, text=True,
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **ways)

    return begin


def told_by(process, directory):
    output, errors = process.communicate("de la entrada", timeout=120)
    assert (directory / "told.json").exists(), output + errors
    return json.loads((directory / "told.json").read_text("utf-8")), output, errors, process.returncode


def test_a_warm_play_is_what_a_cold_one_is(warm, run, tmp_path):
    for more in ({}, {"start_new_session": True}):
        cold, said, complained, status = told_by(run(**more), tmp_path)
        with warm:
            before = warm.begun
            again, spoke, grumbled, ended = told_by(run(**more), tmp_path)
        assert warm.begun == before + 1, "it was begun by a fork"
        assert again == cold and again["forks"] == 7 and again["parent"] == os.getpid() and again["session"] == bool(more)
        assert (spoke, ended) == (said, status) and status == 2 and "read de la entrada" in spoke
        assert spoke.endswith("a thread's last word\nregistered\n"), "what waits for the end is done at the end"
        one, other = (next(line for line in text.splitlines() if line.startswith("random")) for text in (complained, grumbled))
        assert grumbled.replace(other, "") == complained.replace(one, "")


def test_forks_of_one_process_do_not_share_their_chance(warm, run):
    with warm:
        told = [next(line for line in run().communicate("", timeout=120)[1].splitlines() if line.startswith("random")) for _number in range(2)]
    assert told[0] != told[1]


def test_it_is_killed_and_waited_for_like_any_program(warm, run):
    with warm:
        process = run(more={"WAIT": "1"}, start_new_session=True)
        process.stdin.close()
        while not process.stdout.readline().startswith("read"):
            assert process.poll() is None
        os.killpg(process.pid, signal.SIGKILL)
        assert process.wait(30) == -signal.SIGKILL
    for stream in (process.stdout, process.stderr):
        stream.close()
    assert not Path(f"/proc/{process.pid}").exists()


def test_what_can_not_be_had_so_begins_as_ever(warm, run, tmp_path):
    with warm:
        before = warm.begun
        assert run(preexec_fn=lambda: None).communicate("", timeout=120) and run(umask=0o77).communicate("", timeout=120)
        assert subprocess.run([sys.executable, PROGRAM, "--version"], capture_output=True, timeout=120, check=True).stdout
        assert subprocess.run([PROGRAM, "--version"], stdin=subprocess.DEVNULL, pass_fds=[2], capture_output=True, timeout=120, check=True).stdout
        assert warm.begun == before


def test_variables_of_the_start_have_a_starter_of_their_own(warm, run, tmp_path):
    with warm:
        told = told_by(run(more={"PYTHONNOUSERSITE": "1"}), tmp_path)[0]
    assert "no_user_site=1" in told["flags"]


def test_no_configuration_is_read_before_the_fork(tmp_path):
    """A starter that had read one would give it to all plays: it stops instead."""
    one, other = socket.socketpair()
    starter = (ROOT / "tests/warm/starter.py").read_text("utf-8")
    (tmp_path / "starter.py").write_text(starter.replace('IMPORTED = (', 'IMPORTED = ("ansible.cli", ', 1).replace("if known or ", "if True or "))
    with one, other:
        done = subprocess.run([sys.executable, str(tmp_path / "starter.py"), str(one.fileno())], pass_fds=[one.fileno()], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=120, env=dict(os.environ, LC_ALL="C.UTF-8"), check=False)
    assert done.returncode == 1 and "ansible.constants" in done.stderr
