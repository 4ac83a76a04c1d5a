# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate against a client that does more than was asked for: two sessions of one key at once, endless streams, many sessions, being killed."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import signal
import subprocess
import sys
import threading
import time

import pytest
from _engine.errors import BackupError
from _engine.media.base import SUMS, Slot

SLOT = Slot("source_code", "SIGA", "SIGA_20261122")
TRIES = int(os.environ.get("RESPALDO_TRIES", "20"))      # of the race


def start(gate, request, **kinds):
    """The gate as sshd starts it for bd1."""
    argv = [sys.executable, "-I", "-S", str(gate.program), str(gate.configuration), "bd1"]
    return subprocess.Popen(argv, env={"SSH_ORIGINAL_COMMAND": "respaldo-1 " + request}, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, **kinds)


def ask(gate, verb, *words, content=b""):
    running = start(gate, " ".join((verb, *words)))
    output, errors = running.communicate(content, timeout=120)
    return running.returncode, output, errors


def test_nothing_is_written_after_the_seal(gate):
    assert ask(gate, "begin", *SLOT)[0] == 0
    assert ask(gate, "write", *SLOT, SUMS, content=b"x")[0] == 0
    writer = start(gate, "write {0} file".format(" ".join(SLOT)))
    writer.stdin.write(b"first")
    writer.stdin.flush()
    file = gate.path / SLOT.shelf / ".{0}.partial".format(SLOT.label) / "file"
    until = time.monotonic() + 60
    while not (file.exists() and file.stat().st_size) and time.monotonic() < until:
        time.sleep(0.05)
    sealing = start(gate, "seal " + " ".join(SLOT))
    time.sleep(1)
    assert sealing.poll() is None, "a copy was sealed while it was written"
    writer.communicate(b" and last")
    assert sealing.communicate(timeout=60) and sealing.returncode == 0
    assert ask(gate, "write", *SLOT, "more", content=b"x")[0] == 77
    assert (gate.path / SLOT.shelf / ".{0}.sealed".format(SLOT.label) / "file").read_bytes() == b"first and last"


def test_an_endless_stream_ends_at_the_limit(gate):
    gate.configure(bd1={"limit": 32 << 20})
    assert ask(gate, "begin", *SLOT)[0] == 0
    with subprocess.Popen(["cat", "/dev/zero"], stdout=subprocess.PIPE) as endless:
        argv = [sys.executable, "-I", "-S", str(gate.program), str(gate.configuration), "bd1"]
        done = subprocess.run(argv, env={"SSH_ORIGINAL_COMMAND": "respaldo-1 write {0} file".format(" ".join(SLOT))}, stdin=endless.stdout,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300, check=False)
        endless.kill()
    assert done.returncode == 1 and b"quota exceeded" in done.stderr
    assert (gate.path / SLOT.shelf / ".{0}.partial".format(SLOT.label) / "file").stat().st_size <= 160 << 20
    medium = gate.medium()
    with pytest.raises(BackupError) as caught, medium.lock(SLOT, 0):
        medium.deposit(SLOT._replace(label="SIGA_20261123"))
    assert caught.value.fault.name == "medium_full"
    medium.close()


def test_only_so_many_sessions_at_once(gate):
    gate.program.write_text(gate.program.read_text().replace("MOST_SESSIONS = 48", "MOST_SESSIONS = 3"))
    running = [start(gate, "hold") for _number in range(3)]
    for each in running:
        each.stdout.readline()
    time.sleep(1)
    status, _output, errors = ask(gate, "free")
    assert status == 77 and b"sessions of bd1 are open" in errors
    for each in running:
        each.communicate()
    assert ask(gate, "free")[0] == 0


def test_only_so_many_sealed_copies_wait(gate):
    for day in range(1, 12):
        label = "SIGA_202611{0:02d}".format(day)
        if ask(gate, "begin", "source_code", "SIGA", label)[0] != 0:
            break
        ask(gate, "write", "source_code", "SIGA", label, SUMS, content=b"x")
        ask(gate, "seal", "source_code", "SIGA", label)
    assert day == 10


def test_killed_while_it_writes_leaves_what_the_next_run_sweeps(gate):
    assert ask(gate, "begin", *SLOT)[0] == 0
    writer = start(gate, "write {0} file".format(" ".join(SLOT)))
    writer.stdin.write(b"x" * (1 << 20))
    writer.stdin.flush()
    time.sleep(1)
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    for stream in (writer.stdin, writer.stdout, writer.stderr):
        with contextlib.suppress(BrokenPipeError):
            stream.close()
    assert ask(gate, "begin", *SLOT)[0] == 0
    assert sorted(os.listdir(gate.path / SLOT.shelf)) == [".{0}.partial".format(SLOT.label)]
    assert os.listdir(gate.path / SLOT.shelf / ".{0}.partial".format(SLOT.label)) == []


def test_a_repository_file_that_was_cut_is_put_aside(gate):
    """rclone writes under the final name, and append-only would never let it be written again."""
    whole, cut = hashlib.sha256(b"whole").hexdigest(), hashlib.sha256(b"the whole of it").hexdigest()
    place = gate.path / "file_server" / ".restic.LEGAL" / "repositorio"
    (place / "data" / cut[:2]).mkdir(parents=True)
    (place / "keys").mkdir()
    (place / "keys" / whole).write_bytes(b"whole")
    (place / "data" / cut[:2] / cut).write_bytes(b"the wh")
    names = "keys/{0}\ndata/{1}/{2}\n".format(whole, cut[:2], cut).encode()
    assert ask(gate, "clear", "LEGAL", content=names)[0] == 77
    gate.permit("bd1", "repository", "LEGAL")
    status, output, _errors = ask(gate, "clear", "LEGAL", content=names)
    assert status == 0 and "{0}  keys/{0}\naside  data/{1}/{2}\n".format(whole, cut[:2], cut).encode() in output
    assert (place / "keys" / whole).exists() and not (place / "data" / cut[:2] / cut).exists()
    assert [path.read_bytes() for path in (place.parent / "apartados").iterdir()] == [b"the wh"]
    assert ask(gate, "clear", "LEGAL", content=b"config\n")[0] == 77 and ask(gate, "digests", "LEGAL", content=b"../../x\n")[0] == 77


def test_what_the_controller_published_never_changes(gate):
    """Sessions of one key that write, seal, discard and begin the same label while the controller gives it its name."""
    controller, published = gate.medium(""), 0
    good, bad = b"good sums\n", b"bad sums\n"
    for number in range(TRIES):
        slot = Slot("source_code", "SIGA", "SIGA_2026{0:02d}{1:02d}".format(1 + number // 28, 1 + number % 28))
        ended = threading.Event()

        def attack(slot=slot, ended=ended):
            while not ended.is_set():
                for verb, words, content in random.sample(
                        [("begin", (), b""), ("write", (SUMS,), good), ("write", (SUMS,), bad), ("write", ("data",), b"1" * 99999), ("write", ("data",), b"2"),
                         ("seal", (), b""), ("seal", (), b""), ("discard", (), b"")], 8):
                    if not ended.is_set():
                        ask(gate, verb, *slot, *words, content=content)

        assert ask(gate, "begin", *slot)[0] == 0 and ask(gate, "write", *slot, SUMS, content=good)[0] == 0
        attackers = [threading.Thread(target=attack) for _each in range(2)]
        for each in attackers:
            each.start()
        until, seen = time.monotonic() + 3, None
        while seen is None and time.monotonic() < until:
            with contextlib.suppress(BackupError):
                controller.publish(slot, hashlib.sha256(good).hexdigest())
            final = gate.path / slot.shelf / slot.label
            if final.exists():
                seen = {name: (final / name).read_bytes() for name in os.listdir(final)}
        if seen is not None:
            published += 1
            time.sleep(0.5)
        ended.set()
        for each in attackers:
            each.join()
        if seen is not None:
            assert {name: (final / name).read_bytes() for name in os.listdir(final)} == seen
        for name in os.listdir(gate.path / slot.shelf):
            if name.endswith(".sealed"):
                ask(gate, "discard", "source_code", "SIGA", name[1:-len(".sealed")])
    controller.close()
    assert published > TRIES // 4, published
