# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies of db1 that can be stopped half-way, and what they left on both servers."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import chain
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store

PROJECT = Path(__file__).resolve().parents[3]

# The compressor stops itself before it reads anything, so that the tool before it waits half-way with its pipe full.
COMPRESSOR = r"""#!/bin/sh
if rm /run/pause-zstd 2>/dev/null; then
  echo $$ $PPID >/run/paused.new; mv /run/paused.new /run/paused
  kill -STOP $$
fi
exec /usr/bin/zstd "$@"
"""


def until(look, what, seconds=90):
    """What `look` gives, as soon as it is true; fails the test after so many seconds."""
    limit = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < limit, "waited in vain for " + what
        time.sleep(0.1)


def on(host, *command, given=None, status=0):
    """Run a command on a server without SSH. Gives its output; `status` is the exit status it must have, None for any."""
    done = subprocess.run([str(PROJECT / "tools/lab"), "exec", host, *command], input=given or "", text=True, timeout=60, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert status in (None, done.returncode), done.stdout + done.stderr
    return done.stdout


class Copies:
    """Runs that copy systems of db1, and what is on the media and in the bitácora."""

    def __init__(self, state, directory):
        self.state = state
        self.directory = directory
        self.processes = []
        self.module = ""

    def command(self, *arguments, playbook="database.yml"):
        beside = str(Path(sys.executable).with_name("ansible-playbook"))
        return [beside, "--inventory", str(PROJECT / "inventories/lab"), str(PROJECT / "playbooks" / playbook), "--limit", "db1",
                "-e", "backup_emergency_reason=prueba", "-e", "common_install_tools=false", *arguments]

    def run(self, *arguments, status=0, **more):
        done = subprocess.run(self.command(*arguments, **more), cwd=PROJECT, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=300, check=False)
        assert status in (None, done.returncode), done.stdout
        return done

    def begin_half(self, *arguments, **more):
        """Start a run in a session of its own; come back when its compressor stands still and the dump waits for it."""
        on("db1", "sh", "-c", "rm -f /run/paused; touch /run/pause-zstd")
        with (self.directory / "output").open("wb") as output:
            run = subprocess.Popen(self.command(*arguments, **more), cwd=PROJECT, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                                   start_new_session=True)
        self.processes.append(run)
        stopped = 'read pid parent </run/paused && grep -q "^State:.T" /proc/$pid/status && echo $pid $parent'
        found = until(lambda: on("db1", "sh", "-c", stopped, status=None) if run.poll() is None else "ended", "the copy to be half-way")
        assert run.poll() is None, self.said()
        _compressor, self.module = found.split()[-2:]
        return run

    def go_on(self):
        on("db1", "sh", "-c", "read pid parent </run/paused && kill -CONT $pid", status=None)

    def said(self):
        return (self.directory / "output").read_text()

    def module_ended(self):
        """Wait for the module on the server, whoever still listens to it."""
        until(lambda: on("db1", "sh", "-c", "test -e /proc/$0 || echo gone", self.module), "the module to end")

    def entries(self, *types, run=None):
        with open_store(str(self.state / "bitacora.sqlite"), readonly=True) as store:
            return [entry for entry in store.entries() if (entry["type"] in types if types else entry["type"] != "seal") and run in (None, entry["run"])]

    def last_run(self, *types):
        return self.entries(*types, run=self.entries("run_started")[-1]["run"])

    def whole(self):
        return chain.verify_file(self.state / "bitacora.sqlite").whole

    @staticmethod
    def prints():
        """What sha256sum says of the files of all final-named copies, on both servers."""
        find = "find /srv/copias -type f -not -path '*/.*' -exec sha256sum {} +"
        return {host + " " + line for host in ("db1", "store1") for line in on(host, "sh", "-c", find).splitlines()}

    @staticmethod
    def labels():
        find = "cd /srv/copias && find . -mindepth 3 -maxdepth 3 -not -name '.*'"
        return sorted(host + " " + line for host in ("db1", "store1") for line in on(host, "sh", "-c", find).splitlines())

    @staticmethod
    def hidden():
        """What unfinished copies left on both servers, on all media."""
        find = "find /srv/copias /srv/copias-small -mindepth 3 -maxdepth 3 -name '.*' -not -name .lock"
        return sorted(host + " " + line for host in ("db1", "store1") for line in on(host, "sh", "-c", find).splitlines())

    def close(self):
        on("db1", "rm", "-f", "/run/pause-zstd")
        self.go_on()
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(20)


@pytest.fixture(scope="session")
def _compressor():
    on("db1", "sh", "-c", "cat >/usr/local/sbin/zstd && chmod 0755 /usr/local/sbin/zstd", given=COMPRESSOR)
    yield
    on("db1", "rm", "-f", "/usr/local/sbin/zstd")


@pytest.fixture
def copies(state, tmp_path, _compressor):
    """The runs of a test; the good copies from before must stay as they are."""
    made = Copies(state, tmp_path)
    before = made.prints()
    assert before
    yield made
    made.close()
    assert before <= made.prints(), "the last good copies were touched"
