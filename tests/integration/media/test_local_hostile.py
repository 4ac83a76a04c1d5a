# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Others may write to the directory of a medium: links, FIFOs, devices and depth in every place of it (S21). Nothing hangs, and nothing is followed."""

from __future__ import annotations

import hashlib
import os
import signal
import time

import pytest
from _engine.copies import making, publishing
from _engine.copies.orders import Order
from _engine.copies.streamed import StreamedCopy
from _engine.errors import BackupError
from _engine.media.base import Slot, read_all
from _engine.media.local import Local
from _engine.sources.paths import Paths

SLOT = Slot("source_code", "SIGA", "SIGA_20261122")
NEXT = SLOT._replace(label="SIGA_20261123")
SECONDS = 60


@pytest.fixture(autouse=True)
def never_for_ever():
    """What hangs is ended and fails."""
    def late(_number, _frame):
        raise AssertionError("it hung")

    former = signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, former)


class Field:
    def __init__(self, top):
        self.top, self.medium = top, Local("nas", str(top / "nas"), create=True)
        self.shelf = top / "nas" / SLOT.kind / SLOT.system
        self.canary = top / "canary"
        self.canary.mkdir()
        (self.canary / "secreto").write_text("solo de root")
        (top / "tree").mkdir()
        (top / "tree" / "acta").write_text("acta")
        self.source = Paths([str(top / "tree")])
        self.make(SLOT)

    def make(self, slot):
        made = making.make(Order(slot), self.source, [self.medium])
        publishing.publish(slot, made.digest, [self.medium])
        return made

    def touched(self):
        return sorted(os.listdir(self.canary)) != ["secreto"] or (self.canary / "secreto").read_text() != "solo de root"


@pytest.fixture
def field(tmp_path):
    made = Field(tmp_path)
    yield made
    assert not made.touched()


PLACES = {"a link elsewhere": lambda path, field: path.symlink_to(field.canary), "a dangling link": lambda path, field: path.symlink_to(field.canary / "nada"),
          "a FIFO": lambda path, field: os.mkfifo(path), "a device": lambda path, field: path.symlink_to("/dev/zero")}


def code(call, *arguments):
    with pytest.raises(BackupError) as caught:
        call(*arguments)
    return caught.value.fault.name


@pytest.mark.parametrize("what", PLACES)
def test_in_place_of_the_lock(field, what):
    """S21: a dangling link as .lock made an empty file of root's elsewhere; a FIFO hung the copy."""
    (field.shelf / ".lock").unlink()
    PLACES[what](field.shelf / ".lock", field)
    assert code(field.make, NEXT) == "medium_foreign"


@pytest.mark.parametrize("what", PLACES)
@pytest.mark.parametrize("part", ["shelf", "kind"])
def test_in_place_of_the_shelf_or_the_kind(field, what, part):
    path = field.shelf if part == "shelf" else field.shelf.parent
    path.rename(field.top / "aside")
    PLACES[what](path, field)
    assert code(field.make, NEXT) == "medium_foreign"
    assert code(field.medium.labels, SLOT.kind, SLOT.system) == "medium_foreign"
    assert code(field.medium.read, SLOT, "SHA256SUMS") == "medium_foreign"
    assert field.medium.survey() == []


@pytest.mark.parametrize("what", PLACES)
def test_in_place_of_a_copy(field, what):
    (field.shelf / SLOT.label).rename(field.top / "aside")
    PLACES[what](field.shelf / SLOT.label, field)
    assert code(field.medium.read, SLOT, "SHA256SUMS") == "bytes_differ"
    assert field.medium.labels(SLOT.kind, SLOT.system) == []
    with field.medium.lock(SLOT, 0):
        assert code(field.medium.remove, SLOT, "0" * 64) == "bytes_differ"
    assert code(field.medium.check, SLOT, 0) == "label_taken"
    field.make(NEXT)


@pytest.mark.parametrize("what", PLACES)
@pytest.mark.parametrize("file", ["SHA256SUMS", "SIGA_20261122.json", "SIGA_20261122.tar.zst"])
def test_in_place_of_a_file_of_a_copy(field, what, file):
    path = field.shelf / SLOT.label / file
    path.unlink()
    PLACES[what](path, field)
    with pytest.raises(BackupError) as caught, StreamedCopy(SLOT, field.medium) as opened:
        opened.verify_bytes()
    assert caught.value.fault.name == "bytes_differ"
    assert field.medium.labels(SLOT.kind, SLOT.system) == [SLOT.label]


@pytest.mark.parametrize("what", PLACES)
@pytest.mark.parametrize("state", ["partial", "sealed", "pruned"])
def test_in_place_of_what_a_dead_run_left(field, what, state):
    for label in (NEXT.label, SLOT.label):
        PLACES[what](field.shelf / ".{0}.{1}".format(label, state), field)
    field.make(NEXT)
    assert field.medium.labels(SLOT.kind, SLOT.system) == [SLOT.label, NEXT.label]


def test_what_is_left_three_thousand_levels_deep_is_swept_and_a_copy_so_deep_removed(field):
    """A removal that recurses died on it, and with it every later copy of the system."""
    digest = hashlib.sha256((field.shelf / SLOT.label / "SHA256SUMS").read_bytes()).hexdigest()
    for top in (field.shelf / ".SIGA_20261101.partial", field.shelf / SLOT.label / "hondo"):
        top.mkdir()
        at = os.open(top, os.O_RDONLY | os.O_DIRECTORY)
        for _level in range(3000):
            os.mkdir("d", dir_fd=at)
            inner = os.open("d", os.O_RDONLY | os.O_DIRECTORY, dir_fd=at)
            os.close(at)
            at = inner
        os.close(at)
    field.make(NEXT)
    with field.medium.lock(SLOT, 0):
        assert field.medium.remove(SLOT, digest)
    assert sorted(os.listdir(field.shelf)) == [".lock", NEXT.label]


def test_a_file_without_end_is_read_no_further_than_the_copy_is_long(field):
    """A file of 2^50 bytes in the place of one of some hundred: the verification ended days later."""
    path = field.shelf / SLOT.label / "SIGA_20261122.tar.zst"
    try:
        os.truncate(path, 1 << 40)
    except OSError:
        pytest.skip("this file system has no file so large")
    started = time.monotonic()
    with StreamedCopy(SLOT, field.medium) as opened:
        assert code(opened.verify_bytes) == "bytes_differ"
        assert code(opened.verify_structure, field.source) == "bytes_differ"
    assert time.monotonic() - started < 30


def test_a_copy_exchanged_while_it_is_written_is_not_published(field):
    """Somebody renames what root writes and puts a directory of his in its place: the copy fails, his directory gets no label."""
    with field.medium.lock(NEXT, 0):
        deposit = field.medium.deposit(NEXT)
        writing = deposit.write("SHA256SUMS")
        writing.write(b"x")
        (field.shelf / ".SIGA_20261123.partial").rename(field.top / "aside")
        (field.shelf / ".SIGA_20261123.partial").symlink_to(field.canary)
        writing.close()
        assert read_all(deposit.read("SHA256SUMS")) == b"x"
        assert code(deposit.seal) == "medium_foreign"
        deposit.discard()
    assert field.medium.labels(SLOT.kind, SLOT.system) == [SLOT.label]
