# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The medium behind our gate, as the collection uses it: a copy made by the server, named and removed by the controller (S19)."""

from __future__ import annotations

import os

import pytest
from _engine.copies import making, publishing
from _engine.copies.orders import Order
from _engine.copies.streamed import StreamedCopy
from _engine.errors import BackupError
from _engine.media.base import Slot, read_all
from _engine.sources.paths import Paths

SLOT = Slot("source_code", "SIGA", "SIGA_20261122")


@pytest.fixture
def tree(tmp_path):
    path = tmp_path / "tree"
    path.mkdir()
    (path / "file").write_bytes(os.urandom(3 << 20))
    return path


def refused(call, *arguments):
    with pytest.raises(BackupError) as caught:
        call(*arguments)
    assert caught.value.fault.name == "gate_refused", caught.value.message
    return caught.value.message


def test_a_copy_from_its_making_to_its_removal(gate, tree):
    server, controller = gate.medium(), gate.medium("")
    made = making.make(Order(SLOT, compression="none"), Paths([str(tree)]), [server])
    assert "sha256_readback" in made.fields["checks"]
    refused(publishing.publish, SLOT, made.digest, [server])
    assert publishing.publish(SLOT, made.digest, [controller]) is True
    assert publishing.publish(SLOT, made.digest, [controller]) is False
    assert server.labels("source_code", "SIGA") == controller.labels("source_code", "SIGA") == [SLOT.label]
    with StreamedCopy(SLOT, controller, None, made.digest) as opened:
        opened.verify_bytes()
    assert "needs a permission" in refused(StreamedCopy(SLOT, server, None, made.digest).__enter__)
    gate.permit("bd1", "copy", *SLOT)
    with StreamedCopy(SLOT, server, None, made.digest) as opened:
        assert "sha256_readback" in opened.verify_structure(Paths([str(tree)]))
    gate.permit("bd1", "copy", *SLOT, seconds=0)
    refused(server.read, SLOT, "SHA256SUMS")
    refused(server.remove, SLOT, made.digest)
    with controller.lock(SLOT, 0):
        assert controller.remove(SLOT, made.digest) is True
    server.close()
    controller.close()


def test_a_failed_copy_leaves_nothing(gate, tree, monkeypatch):
    server = gate.medium()
    monkeypatch.setattr(Paths, "warnings", lambda _self: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        making.make(Order(SLOT, compression="none"), Paths([str(tree)]), [server])
    assert sorted(os.listdir(gate.path / SLOT.shelf)) == [".lock"]
    server.close()


def test_read_all_of_what_is_being_made(gate):
    server = gate.medium()
    with server.lock(SLOT, 0):
        deposit = server.deposit(SLOT)
        writing = deposit.write("file")
        writing.write(b"bytes")
        writing.close()
        assert read_all(deposit.read("file")) == b"bytes"
        with pytest.raises(BackupError) as again:
            deposit.write("file").close()
        assert "exists" in again.value.message
        deposit.discard()
    server.close()
