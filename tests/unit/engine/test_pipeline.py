# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes joined by pipes: whatever fails is named, and nothing is left running or open."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import threading
import time

import pytest
from _engine.errors import BackupError
from _engine.processes import pipeline
from _engine.processes.pipeline import Stage, run

ROOM = pathlib.Path(__file__).resolve().parents[3] / "plugins" / "module_utils"


def shell(name, script, **more):
    return Stage(name, ["/bin/sh", "-c", script], **more)


def nothing(chunk):
    """A feed that drops all."""


def ours():
    children = pathlib.Path("/proc/self/task/{0}/children".format(os.getpid())).read_text()
    return sorted(os.listdir("/proc/self/fd")), children


@pytest.fixture(autouse=True)
def nothing_is_left():
    before, threads = ours(), set(threading.enumerate())
    yield
    assert ours() == before
    assert set(threading.enumerate()) <= threads      # one of another test may end meanwhile


def failure(*stages, **more):
    with pytest.raises(BackupError) as caught:
        run(list(stages), more.pop("feed", nothing), **more)
    assert caught.value.fault.name == "stage_failed"
    return caught.value.details


def test_bytes_and_sizes():
    chunks = []
    outcome = run([shell("dump", "printf abcdef"), shell("cut", "head -c 3; cat >/dev/null")], chunks.append)
    assert b"".join(chunks) == b"abc"
    assert (outcome.size_first, outcome.size_last) == (6, 3)
    assert [(stage.name, stage.status) for stage in outcome.stages] == [("dump", 0), ("cut", 0)]


def test_messages_of_stages_that_succeeded():
    outcome = run([shell("dump", "echo careful >&2; echo data")], nothing)
    assert outcome.messages() == ["dump: careful"]


def test_who_waits_for_a_silent_stage_is_asked_whether_to_go_on():
    """A dump that stands before a lock, or a dead network, says nothing: what ends the copy ends it all the same."""
    class Enough(Exception):
        pass

    def look():
        raise Enough

    begun = time.monotonic()
    with pytest.raises(Enough):
        run([Stage("sleep", ["/bin/sleep", "60"])], lambda chunk: None, idle=look)
    assert time.monotonic() - begun < 30


def test_reader_supplies_the_first_stage():
    supply = [b"one ", b"two", b""]
    chunks = []
    run([shell("cat", "cat")], chunks.append, reader=lambda size: supply.pop(0))
    assert b"".join(chunks) == b"one two"


def test_the_first_stage_reads_nothing_without_a_reader():
    assert run([shell("cat", "cat")], nothing).size_last == 0


@pytest.mark.parametrize("position", [0, 1, 2])
def test_stage_exits_with_an_error(position):
    stages = [shell("a", "echo data"), shell("b", "cat"), shell("c", "cat")]
    stages[position] = shell("culprit", "cat >/dev/null; echo the reason >&2; exit 3")
    details = failure(*stages)
    assert (details["stage"], details["status"], details["detail"]) == ("culprit", "exit status 3", "the reason")


@pytest.mark.parametrize("position", [0, 1, 2])
def test_stage_is_killed(position):
    stages = [shell("a", "yes"), shell("b", "cat"), shell("c", "cat")]
    stages[position] = shell("culprit", "kill -9 $$")
    if position > 0:
        stages[0] = shell("a", "yes | head -c 3000000")
    details = failure(*stages)
    assert (details["stage"], details["status"]) == ("culprit", "signal SIGKILL")


@pytest.mark.parametrize("position", [0, 1, 2])
def test_program_is_missing(position):
    stages = [shell("a", "echo data"), shell("b", "cat"), shell("c", "cat")]
    stages[position] = Stage("culprit", ["/nonexistent/program"])
    assert failure(*stages)["stage"] == "culprit"


def test_program_is_missing_while_a_reader_supplies():
    assert failure(Stage("culprit", ["/nonexistent/program"]), reader=lambda size: b"x" * size)["stage"] == "culprit"


def test_account_that_can_not_be_taken_on():
    class Refused:
        def become(self):
            raise PermissionError("no")

    assert failure(shell("culprit", "true", account=Refused()))["status"] == "no start"


@pytest.mark.parametrize("dump", [
    "exec yes", "yes", "trap '' PIPE; yes 2>/dev/null; echo 'write error: Broken pipe' >&2; exit 1"])
def test_a_broken_pipe_is_the_fault_of_the_stage_that_stopped_reading(dump):
    """The first dies by the signal, as a shell whose command died by it (141), or with words of its own."""
    details = failure(shell("dump", dump), shell("compress", "head -c 10 >/dev/null; echo no memory >&2; exit 1"))
    assert (details["stage"], details["status"]) == ("compress", "exit status 1")
    assert details["detail"].startswith("no memory (also: dump ")


def test_stopping_early_must_be_allowed():
    first = shell("dump", "exec yes")
    assert failure(first, shell("head", "head -c 10"))["stage"] == "dump"
    chunks = []
    run([first, shell("head", "head -c 10", may_stop_early=True)], chunks.append)
    assert len(b"".join(chunks)) == 10


def test_stopping_early_forgives_only_broken_pipes():
    assert failure(shell("dump", "echo x; exit 4"), shell("head", "head -c 1", may_stop_early=True))["stage"] == "dump"


def test_an_accepted_status():
    run([shell("tar", "exit 1", accepted=frozenset((0, 1)))], nothing)
    assert failure(shell("tar", "exit 2", accepted=frozenset((0, 1))))["status"] == "exit status 2"


def test_feed_raises():
    def full(chunk):
        raise BackupError("medium_full", location="disk", detail="full")

    with pytest.raises(BackupError) as caught:
        run([Stage("yes", ["/usr/bin/yes"]), shell("cat", "cat")], full)
    assert caught.value.fault.name == "medium_full"


def test_interrupted():
    def interrupt(chunk):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run([Stage("yes", ["/usr/bin/yes"])], interrupt, reader=lambda size: b"x" * size)


def test_reader_raises():
    def broken(size):
        raise BackupError("medium_unreachable", location="far", detail="cut")

    with pytest.raises(BackupError) as caught:
        run([shell("cat", "cat")], nothing, reader=broken)
    assert caught.value.fault.name == "medium_unreachable"


def test_meter_raises(monkeypatch):
    """The stages after it would take what came so far for the whole."""
    def broken(source, sink):
        raise OSError("no splice")

    monkeypatch.setattr(pipeline, "_move", broken)
    with pytest.raises(OSError):
        run([shell("dump", "echo data"), shell("cat", "cat")], nothing)


def test_without_splice(monkeypatch):
    monkeypatch.setattr(pipeline, "_splice", None)
    chunks = []
    assert run([shell("dump", "head -c 3000000 /dev/zero")], chunks.append).size_first == 3000000
    assert b"".join(chunks) == bytes(3000000)


def test_long_complaints_are_cut():
    details = failure(shell("dump", "head -c 5000000 /dev/zero | tr '\\0' x >&2; echo the end >&2; exit 1"))
    assert len(details["detail"]) <= 4000
    assert details["detail"].endswith("the end")


def test_stages_inherit_nothing(monkeypatch):
    monkeypatch.setenv("PGPASSWORD", "secret")
    chunks = []
    run([shell("env", "env; ls /proc/self/fd | wc -l; pwd")], chunks.append)
    text = b"".join(chunks).decode()
    assert "secret" not in text
    assert text.split()[-2:] == ["4", "/"]


def test_capture():
    assert pipeline.capture(shell("say", "echo año")) == "año\n"
    with pytest.raises(BackupError) as caught:
        pipeline.capture(Stage("yes", ["/usr/bin/yes"]), limit=1 << 20)
    assert caught.value.details["status"] == "too much output"


MEASURED = """
import resource, sys
sys.path.insert(0, sys.argv[1])
from _engine.processes.pipeline import Stage, run
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
stages = [Stage("zeros", ["/usr/bin/head", "-c", str(1 << 30), "/dev/zero"]), Stage("cat", ["/bin/cat"])]
assert run(stages, lambda chunk: None).size_last == 1 << 30
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_memory_is_constant():
    """1 GiB through it in at most 24 MiB more."""
    grown = subprocess.run([sys.executable, "-c", MEASURED, str(ROOM)], stdout=subprocess.PIPE, check=True).stdout
    assert int(grown) < 24 << 10


def test_a_stage_that_takes_too_long_is_ended_with_all_that_it_started(tmp_path):
    """S14: whatever it waits for; a process that it left in the background too."""
    mark = tmp_path / "pid"
    stage = Stage("slow", ["/bin/sh", "-c", "sleep 600 & echo $! > {0}; wait".format(mark)], limit=1.0)
    began = time.monotonic()
    with pytest.raises(BackupError) as caught:
        run([stage], lambda chunk: None)
    assert caught.value.fault.name == "source_too_slow" and caught.value.details["step"] == "slow" and time.monotonic() - began < 60
    for _attempt in range(100):
        if not os.path.exists("/proc/{0}".format(mark.read_text().strip())) or _state(mark.read_text().strip()) == "Z":
            break
        time.sleep(0.05)
    else:
        raise AssertionError("what it started still runs")


def _state(pid):
    with open("/proc/{0}/stat".format(pid), encoding="ascii") as file:
        return file.read().rpartition(")")[2].split()[0]


def test_a_stage_within_its_limits_is_as_any_other():
    said = []
    run([Stage("echo", ["/bin/echo", "x"], limit=60.0, memory=1 << 30)], said.append)
    assert b"".join(said) == b"x\n"
    with pytest.raises(BackupError) as caught:
        run([Stage("dd", ["/bin/dd", "if=/dev/zero", "of=/dev/null", "bs=512M", "count=1"], limit=60.0, memory=100 << 20)], lambda chunk: None)
    assert caught.value.fault.name == "stage_failed"
