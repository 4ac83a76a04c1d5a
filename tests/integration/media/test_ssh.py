# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong on the way to another server, each told by its own words."""

from __future__ import annotations

import os
import pathlib
import socket
import threading
import time

import pytest
from _engine.copies import making
from _engine.copies.orders import Order
from _engine.errors import BackupError
from _engine.media.base import Slot, read_all
from _engine.media.catalogue import build
from _engine.sources.paths import Paths

SLOT = Slot("source_code", "SIGA", "SIGA_20261122")


def told(medium):
    with pytest.raises(BackupError) as caught:
        medium.check(SLOT, 0)
    assert caught.value.fault.name == "medium_unreachable"
    assert medium.connection is None
    return caught.value.message


def ours():
    """What this process holds open and runs."""
    children = pathlib.Path("/proc/self/task/{0}/children".format(os.getpid())).read_text().split()
    return len(os.listdir("/proc/self/fd")), children


def test_unknown_host_key(server, tmp_path):
    other = "[127.0.0.1]:{0} {1}".format(server.port + 1, (server.directory / "host.pub").read_text())
    assert "is not in known_hosts" in told(server.medium(tmp_path, known_hosts=other))


def test_changed_host_key(server, tmp_path):
    changed = "[127.0.0.1]:{0} {1}".format(server.port, (server.directory / "stranger.pub").read_text())
    assert "it changed" in told(server.medium(tmp_path, known_hosts=changed))


def test_wrong_key(server, tmp_path):
    assert "refused the account" in told(server.medium(tmp_path, private_key=server.key("stranger")))


def test_a_text_that_is_no_key(server, tmp_path):
    nonsense = "-----BEGIN OPENSSH PRIVATE KEY-----\nnonsense\n-----END OPENSSH PRIVATE KEY-----\n"
    assert "the private key can't be read" in told(server.medium(tmp_path, private_key=nonsense))


def test_server_down(server, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert "refused" in told(server.medium(tmp_path, port=port))


def test_server_silent(server, tmp_path):
    """It takes the connection and never answers: ten seconds, no more."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(1)
        began = time.monotonic()
        assert "timed out" in told(server.medium(tmp_path, port=deaf.getsockname()[1]))
        assert time.monotonic() - began < 20


def test_a_failure_leaves_no_process_and_no_descriptor(server, tmp_path):
    before = ours()
    told(server.medium(tmp_path, private_key=server.key("stranger")))
    assert ours() == before


def test_a_run_leaves_no_process_and_no_descriptor(server, tmp_path):
    before = ours()
    medium = server.medium(tmp_path)
    with medium.lock(SLOT, 0):
        writing = medium.deposit(SLOT).write("file")
        writing.write(b"bytes")
        writing.close()
    medium.close()
    assert ours() == before
    medium = server.medium(tmp_path)
    medium.labels(SLOT.kind, SLOT.system)
    del medium
    assert ours() == before


def test_key_by_file(server, tmp_path):
    options = {"name": "far", "host": "127.0.0.1", "port": server.port, "user": server.user, "path": str(tmp_path),
               "identity_file": str(server.directory / "client"), "known_hosts": server.known_hosts.splitlines()}
    medium = build(options)
    medium.check(SLOT, 0)
    medium.close()


def test_key_is_in_no_argument_and_no_file(server, tmp_path):
    medium = server.medium(tmp_path)
    medium.check(SLOT, 0)
    secret = server.key().splitlines()[2]
    for process in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            assert secret.encode() not in process.read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
    path = medium.connection.session.process.args[medium.connection.session.process.args.index("-i") + 1]
    assert os.readlink(path).startswith("/memfd:")
    medium.close()


def test_noise_of_the_far_shell(server, tmp_path):
    server.accept('command="{0}" '.format(server.noisy))
    try:
        medium = server.medium(tmp_path)
        with medium.lock(SLOT, 0):
            deposit = medium.deposit(SLOT)
            writing = deposit.write("file")
            writing.write(b"bytes")
            writing.close()
            assert read_all(deposit.read("file")) == b"bytes"
            with pytest.raises(BackupError) as again:
                second = deposit.write("file")
                second.close()
            assert "welcome" not in again.value.message and "to the machine" not in again.value.message
        medium.close()
    finally:
        server.accept()


def test_a_shell_that_runs_nothing(server, tmp_path):
    server.accept('command="echo This account is not available." ')
    try:
        assert "did not run the command" in told(server.medium(tmp_path))
    finally:
        server.accept()


def test_connection_cut_while_writing(server, tmp_path):
    medium = server.medium(tmp_path)
    before = ours()[1]
    with pytest.raises(BackupError) as caught:
        with medium.lock(SLOT, 0):
            writing = medium.deposit(SLOT).write("file")
            writing.write(b"x" * (1 << 20))
            server.cut()
            for _chunk in range(64):
                writing.write(b"x" * (1 << 20))
            writing.close()
    assert caught.value.fault.name == "medium_unreachable"
    with pytest.raises(BackupError) as late:
        medium.still_locked(SLOT)
    assert late.value.fault.name == "medium_unreachable"
    with medium.lock(SLOT, 10):
        medium.deposit(SLOT).discard()
    medium.close()
    assert ours()[1] == before


def test_a_run_whose_connection_is_cut_publishes_nothing(server, tmp_path):
    """The lock goes with the connection, so the run ends even when the connection could be made again."""
    tree, shelf = tmp_path / "tree", tmp_path / "shelf"
    tree.mkdir()
    shelf.mkdir()
    (tree / "file").write_bytes(os.urandom(64 << 20))
    medium = server.medium(shelf)
    stop = threading.Event()

    def cut():
        partial = shelf / SLOT.kind / SLOT.system / ".SIGA_20261122.partial"
        while not stop.wait(0.01):
            if partial.exists() and any(file.stat().st_size > 1 << 20 for file in partial.iterdir()):
                server.cut()
                return

    cutter = threading.Thread(target=cut)
    cutter.start()
    try:
        with pytest.raises(BackupError) as caught:
            making.make(Order(SLOT, compression="none"), Paths([str(tree)]), [medium])
    finally:
        stop.set()
        cutter.join()
    assert caught.value.fault.name == "medium_unreachable"
    assert medium.labels(SLOT.kind, SLOT.system) == []
    with medium.lock(SLOT, 10):
        medium.deposit(SLOT).discard()
    assert sorted(entry.name for entry in (shelf / SLOT.kind / SLOT.system).iterdir()) == [".lock"]
    medium.close()


def test_connection_cut_while_reading(server, tmp_path):
    medium = server.medium(tmp_path)
    final = tmp_path / SLOT.kind / SLOT.system / SLOT.label
    final.mkdir(parents=True)
    with open(str(final / "file"), "wb") as file:
        file.truncate(1 << 30)
    reading = medium.read(SLOT, "file")
    assert reading.read(1 << 20)
    server.cut()
    with pytest.raises(BackupError) as caught:
        while reading.read(1 << 20):
            pass
    reading.close()
    assert caught.value.fault.name == "medium_unreachable"
    medium.close()


@pytest.mark.parametrize("wrong", [
    {"type": "azure"}, {"name": ""}, {"path": "relative"}, {"path": "/a/../b"}, {"path": "/"}, {"path": "/a\nb"},
    {"host": "-oProxyCommand=id"}, {"host": "user@server"}, {"host": "a b"}, {"host": "far", "user": "-x"},
    {"host": "far", "port": 70000}, {"host": "far", "port": "x"}, {"host": "far", "identity_file": "relative"},
    {"host": "far", "identity_file": "/key", "ssh_key": "-----BEGIN OPENSSH PRIVATE KEY-----"},
    {"host": "far", "ssh_key": "no key"},
])
def test_mistakes_in_the_options(wrong):
    options = {"name": "disk", "path": "/srv/copies"}
    options.update(wrong)
    with pytest.raises(BackupError) as caught:
        build(options)
    assert caught.value.code == "RSP101"
    assert "medium." in caught.value.message
    assert "no key" not in caught.value.message


def test_options_that_modules_leave_empty():
    medium = build({"name": "disk", "path": "/srv/copies", "type": None, "host": "", "port": None, "create": None})
    assert medium.path == "/srv/copies"
