# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The contract of a medium, held to a directory of this server and to one behind a real sshd."""

from __future__ import annotations

import hashlib
import os
import pathlib
import subprocess
import sys
import threading
import time

import pytest
from _engine.copies import making, publishing
from _engine.copies.orders import Order
from _engine.copies.streamed import StreamedCopy
from _engine.errors import BackupError
from _engine.media.base import Slot, read_all
from _engine.media.local import Local
from _engine.sources.paths import Paths
from _engine.transforms.encrypt import Keys

SLOT = Slot("source_code", "SIGA", "SIGA_20261122")
OTHER = SLOT._replace(label="SIGA_20261123")
HERE = pathlib.Path(__file__).resolve()


def put(medium, slot=SLOT, content=b"bytes"):
    """Seal a small copy. Gives the digest of its SHA256SUMS."""
    with medium.lock(slot, 0):
        deposit = medium.deposit(slot)
        for file in ("a part.tar", "SHA256SUMS"):
            writing = deposit.write(file)
            writing.write(content)
            writing.close()
            assert read_all(deposit.read(file)) == content
        deposit.seal()
    return hashlib.sha256(content).hexdigest()


def fault(call, *arguments):
    with pytest.raises(BackupError) as caught:
        call(*arguments)
    return caught.value.fault.name


def names(path):
    """What lies on the shelf, hidden too, but for the lock."""
    shelf = path / SLOT.kind / SLOT.system
    return sorted(entry.name for entry in shelf.iterdir() if entry.name != ".lock")


@pytest.fixture
def tree(tmp_path):
    path = tmp_path / "tree"
    (path / "below").mkdir(parents=True)
    (path / "below" / "año nuevo.txt").write_text("contenido\n")
    (path / "random").write_bytes(os.urandom(3 << 20))
    (path / "link").symlink_to("below")
    return path


def test_publish(open_medium, shelf):
    medium = open_medium(shelf)
    medium.check(SLOT, 1000)
    assert list(shelf.iterdir()) == []
    digest = put(medium)
    assert medium.labels(SLOT.kind, SLOT.system) == []
    assert names(shelf) == [".SIGA_20261122.sealed"]
    with medium.lock(SLOT, 0):
        assert medium.publish(SLOT, digest) is True
    assert medium.labels(SLOT.kind, SLOT.system) == [SLOT.label]
    assert read_all(medium.read(SLOT, "a part.tar")) == b"bytes"
    final = shelf / SLOT.kind / SLOT.system / SLOT.label
    assert final.stat().st_mode & 0o777 == 0o700
    assert {entry.stat().st_mode & 0o777 for entry in final.iterdir()} == {0o600}
    assert medium.location(SLOT).endswith("/source_code/SIGA/SIGA_20261122")


def test_publishing_the_same_again_changes_nothing(open_medium, shelf):
    medium = open_medium(shelf)
    digest = put(medium)
    assert medium.publish(SLOT, digest) is True
    before = (shelf / SLOT.kind / SLOT.system / SLOT.label).stat()
    assert medium.publish(SLOT, digest) is False
    assert (shelf / SLOT.kind / SLOT.system / SLOT.label).stat() == before


def test_a_label_taken_by_other_bytes_is_never_replaced(open_medium, shelf):
    medium = open_medium(shelf)
    assert medium.publish(SLOT, put(medium)) is True
    other = put(medium, content=b"other")
    assert fault(medium.check, SLOT, 0) == "label_taken"
    assert fault(medium.publish, SLOT, other) == "label_taken"
    assert read_all(medium.read(SLOT, "a part.tar")) == b"bytes"


@pytest.mark.parametrize("occupant", ["directory", "file", "dangling link"])
def test_whatever_has_the_name_is_left_alone(open_medium, shelf, occupant):
    medium = open_medium(shelf)
    digest = put(medium)
    final = shelf / SLOT.kind / SLOT.system / SLOT.label
    if occupant == "directory":
        final.mkdir()
    elif occupant == "file":
        final.write_text("mine")
    else:
        final.symlink_to("nowhere")
    assert fault(medium.check, SLOT, 0) == "label_taken"
    assert fault(medium.publish, SLOT, digest) == "label_taken"
    assert names(shelf) == [".SIGA_20261122.sealed", SLOT.label]


def test_publishing_needs_the_sealed_copy_unchanged(open_medium, shelf):
    medium = open_medium(shelf)
    with medium.lock(SLOT, 0):
        pass
    assert fault(medium.publish, SLOT, "0" * 64) == "copy_missing"
    digest = put(medium)
    sums = shelf / SLOT.kind / SLOT.system / ".SIGA_20261122.sealed" / "SHA256SUMS"
    sums.write_bytes(b"changed")
    assert fault(medium.publish, SLOT, digest) == "bytes_differ"
    assert medium.labels(SLOT.kind, SLOT.system) == []


def test_on_all_media_or_on_none(open_medium, shelf, tmp_path):
    """A medium that fails takes the name back from those before it: the run will call this copy failed."""
    medium, other = open_medium(shelf), Local("otro", str(tmp_path / "otro"), create=True)
    digest = put(medium)
    with pytest.raises(BackupError) as caught:
        publishing.publish(SLOT, digest, [medium, other])
    assert caught.value.fault.name == "copy_missing"
    assert medium.labels(SLOT.kind, SLOT.system) == [] and names(shelf) == [".SIGA_20261122.sealed"]
    assert publishing.publish(SLOT, digest, [medium]) is True
    with pytest.raises(BackupError):
        publishing.publish(SLOT, digest, [medium, other])
    assert medium.labels(SLOT.kind, SLOT.system) == [SLOT.label], "what was published before stays"


def test_a_file_is_written_once(open_medium, shelf):
    medium = open_medium(shelf)
    with medium.lock(SLOT, 0):
        deposit = medium.deposit(SLOT)
        writing = deposit.write("file")
        writing.write(b"first")
        writing.close()

        def again():
            second = deposit.write("file")
            second.write(b"second")
            second.close()

        assert fault(again) == "medium_unwritable"
        assert read_all(deposit.read("file")) == b"first"
        deposit.discard()
    assert names(shelf) == []


def test_missing_copy_and_missing_file_are_told_apart(open_medium, shelf):
    medium = open_medium(shelf)
    assert medium.labels(SLOT.kind, SLOT.system) == []
    assert fault(medium.read, SLOT, "SHA256SUMS") == "copy_missing"
    medium.publish(SLOT, put(medium))
    assert fault(medium.read, SLOT, "other") == "bytes_differ"
    assert fault(medium.read, OTHER, "SHA256SUMS") == "copy_missing"


def test_two_runs_at_once(open_medium, shelf):
    first, second = open_medium(shelf), open_medium(shelf)
    with first.lock(SLOT, 0):
        with pytest.raises(BackupError) as busy:
            with second.lock(OTHER, 0):
                pass
        assert busy.value.fault.name == "system_busy"
        with second.lock(SLOT._replace(system="OTRO"), 0):
            pass
    with second.lock(SLOT, 0):
        pass


def test_the_second_run_waits_as_long_as_it_is_told(open_medium, shelf):
    first, second = open_medium(shelf), open_medium(shelf)
    held, release = threading.Event(), threading.Event()

    def hold():
        with first.lock(SLOT, 0):
            held.set()
            release.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(10)
    threading.Timer(0.5, release.set).start()
    with second.lock(SLOT, 10):
        assert release.is_set()
    thread.join()


def test_what_dead_runs_left_is_swept_and_nothing_else(open_medium, shelf):
    medium = open_medium(shelf)
    assert medium.publish(SLOT, put(medium)) is True
    room = shelf / SLOT.kind / SLOT.system
    (room / ".SIGA_20261101.partial").mkdir()
    (room / ".SIGA_20261101.partial" / "file").write_text("half")
    (room / ".SIGA_20261102.sealed").mkdir()
    os.utime(str(room / ".SIGA_20261102.sealed"), (time.time() - 7200,) * 2)
    (room / ".SIGA_20261103.sealed").mkdir()
    (room / ".SIGA_20261123.sealed").mkdir()
    (room / ".SIGA_20261123.sealed" / "superseded").write_text("by the run of the same label")
    with medium.lock(OTHER, 0):
        deposit = medium.deposit(OTHER)
        assert names(shelf) == [".SIGA_20261103.sealed", ".SIGA_20261123.partial", SLOT.label]
        deposit.discard()


def test_a_removed_copy_is_gone_another_one_stays(open_medium, shelf):
    medium = open_medium(shelf)
    digest = put(medium)
    assert medium.publish(SLOT, digest) is True
    assert medium.publish(OTHER, put(medium, OTHER)) is True
    with medium.lock(SLOT, 0):
        assert fault(medium.remove, SLOT, "0" * 64) == "bytes_differ"
        assert names(shelf) == [SLOT.label, OTHER.label]
        assert medium.remove(SLOT, digest) is True
        assert names(shelf) == [OTHER.label]
        assert medium.remove(SLOT, digest) is False
        assert medium.remove(OTHER, "") is True
    assert names(shelf) == []


def test_a_removal_that_was_cut_short_is_ended_by_the_next(open_medium, shelf):
    medium = open_medium(shelf)
    digest = put(medium)
    assert medium.publish(SLOT, digest) is True
    room = shelf / SLOT.kind / SLOT.system
    (room / SLOT.label).rename(room / ".SIGA_20261122.pruned")
    assert medium.labels(SLOT.kind, SLOT.system) == []
    with medium.lock(SLOT, 0):
        assert medium.remove(SLOT, digest) is False
    assert names(shelf) == []


KILLED = """
import sys, time
sys.path.insert(0, sys.argv[1])
from _engine.media.base import Slot
from _engine.media.catalogue import build
options = eval(sys.stdin.read())
medium, slot = build(options), Slot("source_code", "SIGA", "SIGA_20261122")
with medium.lock(slot, 0):
    writing = medium.deposit(slot).write("file")
    writing.write(b"x" * (1 << 20))
    print("writing", flush=True)
    time.sleep(600)
"""


def test_killed_while_writing(open_medium, shelf):
    """kill -9 leaves no lock and no process; the next run sweeps what was written."""
    medium = open_medium(shelf)
    options = {"name": "medium", "path": str(shelf)}
    if open_medium.kind == "ssh":
        options.update(host=medium.host, port=medium.address.port, user=medium.address.user, ssh_key=medium.address.private_key,
                       known_hosts=medium.address.known_hosts)
    room = HERE.parents[3] / "plugins" / "module_utils"
    child = subprocess.Popen([sys.executable, "-c", KILLED, str(room)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    child.stdin.write(repr(options).encode())
    child.stdin.close()
    assert child.stdout.readline() == b"writing\n"
    with pytest.raises(BackupError) as busy:
        with medium.lock(SLOT, 0):
            pass
    assert busy.value.fault.name == "system_busy"
    child.kill()
    child.wait()
    child.stdout.close()
    assert names(shelf) == [".SIGA_20261122.partial"]
    assert medium.labels(SLOT.kind, SLOT.system) == []
    with medium.lock(SLOT, 10):
        medium.deposit(SLOT).discard()
    assert names(shelf) == []


@pytest.mark.root
def test_full_disk(open_medium, small_disk, tree):
    medium = open_medium(small_disk)
    assert medium.publish(SLOT, put(medium)) is True
    (tree / "more").write_bytes(os.urandom(8 << 20))
    with pytest.raises(BackupError) as caught:
        making.make(Order(OTHER), Paths([str(tree)]), [medium])
    assert caught.value.fault.name == "medium_full"
    assert names(small_disk) == [SLOT.label]
    assert read_all(medium.read(SLOT, "a part.tar")) == b"bytes"
    assert 0 < medium.free() < 4 << 20
    assert fault(medium.check, OTHER, 1 << 30) == "medium_full"


@pytest.mark.root
def test_read_only_mount(open_medium, small_disk):
    medium = open_medium(small_disk)
    medium.publish(SLOT, put(medium))
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert fault(medium.check, OTHER, 0) == "medium_unwritable"
    assert read_all(medium.read(SLOT, "a part.tar")) == b"bytes"


def test_a_directory_that_is_not_there(open_medium, tmp_path):
    absent = tmp_path / "not" / "mounted"
    assert fault(open_medium(absent).check, SLOT, 0) == "medium_unwritable"
    assert fault(open_medium(absent).labels, SLOT.kind, SLOT.system) == "medium_unreachable"
    assert fault(open_medium(absent).read, SLOT, "SHA256SUMS") == "medium_unreachable"
    assert not absent.exists()
    medium = open_medium(absent, create=True)
    assert medium.labels(SLOT.kind, SLOT.system) == []
    assert medium.free() > 0
    medium.check(SLOT, 0)
    assert not absent.exists()
    assert medium.publish(SLOT, put(medium)) is True


@pytest.mark.parametrize("keys", [None, Keys("the password of this copy")])
def test_a_copy_comes_back_byte_for_byte(open_medium, shelf, tree, tmp_path, keys):
    medium = open_medium(shelf)
    made = making.make(Order(SLOT, keys=keys), Paths([str(tree)]), [medium])
    assert publishing.publish(SLOT, made.digest, [medium]) is True
    assert publishing.publish(SLOT, made.digest, [medium]) is False
    final = shelf / SLOT.kind / SLOT.system / SLOT.label
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=str(final), check=True)
    with StreamedCopy(SLOT, medium, keys) as opened:
        assert opened.digest == made.digest
        opened.verify_bytes()
        opened.verify_structure(Paths([str(tree)]))
        Paths([str(tree)]).restore(opened, str(tmp_path / "back"), False)
    subprocess.run(["diff", "-r", "--no-dereference", str(tree), str(tmp_path / "back")], check=True)


def test_a_survey_names_all_that_lies_there(open_medium, shelf):
    medium = open_medium(shelf)
    assert medium.survey() == [] and not medium.stocked(SLOT)
    digest = put(medium)
    medium.publish(SLOT, digest)
    put(medium, OTHER)
    (shelf / "lost+found").mkdir(mode=0)
    (shelf / "database" / "año nuevo" / "copia a mano").mkdir(parents=True)
    found = medium.survey()
    assert [(row.kind, row.system, row.name) for row in found] == [
        ("database", "año nuevo", ""), ("database", "año nuevo", "copia a mano"), ("source_code", "SIGA", ""),
        ("source_code", "SIGA", ".SIGA_20261123.sealed"), ("source_code", "SIGA", "SIGA_20261122")]
    assert all(0 <= row.age < 60 for row in found)
    assert medium.stocked(SLOT) and not medium.stocked(SLOT._replace(system="SIAF"))


def test_a_medium_that_is_not_there_can_not_be_surveyed(open_medium, tmp_path):
    assert fault(open_medium(tmp_path / "none").survey) == "medium_unreachable"
    assert open_medium(tmp_path / "none", create=True).survey() == []


def test_a_known_medium_without_its_shelf_is_not_mounted(open_medium, shelf, tree):
    """It gets no copy, and what it should hold is not called missing."""
    medium = open_medium(shelf)
    order = Order(slot=SLOT, known_on=(medium.name,))
    with pytest.raises(BackupError) as caught:
        making.make(order, Paths([str(tree)]), [medium])
    assert caught.value.fault.name == "medium_empty" and str(shelf) in caught.value.message
    assert not list(shelf.iterdir())
    with pytest.raises(BackupError) as caught, StreamedCopy(SLOT, medium, expected="0" * 64):
        pass
    assert caught.value.fault.name == "medium_empty"
    beside = order._replace(known_on=(), known_beside={medium.name: [f"{SLOT.kind}/OTRO", f"{SLOT.kind}/{SLOT.system}"]})
    if not hasattr(medium, "settings"):  # a container is looked at by the controller, for the system alone
        with pytest.raises(BackupError) as caught:
            making.make(beside, Paths([str(tree)]), [medium])
        assert caught.value.fault.name == "medium_empty" and not list(shelf.iterdir())
    making.make(order._replace(known_on=("another",)), Paths([str(tree)]), [medium])
    making.make(beside._replace(slot=SLOT._replace(label="SIGA_20261230")), Paths([str(tree)]), [medium])
