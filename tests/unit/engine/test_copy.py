# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A copy from its source to its medium and back, and everything that can go wrong with it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import threading

import pytest
from _engine.copies import making, publishing, trail
from _engine.copies.orders import Order
from _engine.copies.streamed import StreamedCopy
from _engine.errors import BackupError
from _engine.filesystem import descriptors
from _engine.media.base import Slot, Writing
from _engine.media.local import Local
from _engine.processes.pipeline import Stage
from _engine.sources.base import Check, only
from _engine.sources.paths import Paths
from _engine.transforms import compress
from _engine.transforms.encrypt import Keys

SLOT = Slot("source_code", "SIGA", "SIGA_20261122")
NEXT = SLOT._replace(label="SIGA_20261123")
KEYS = Keys("la contraseña de esta copia")


@pytest.fixture(autouse=True, params=["read back at the end", "read back behind the writing"])
def stride(request, monkeypatch):
    if request.param == "read back behind the writing":
        monkeypatch.setattr(trail, "_STRIDE", 1 << 16)


@pytest.fixture
def tree(tmp_path):
    path = tmp_path / "tree"
    path.mkdir()
    (path / "random").write_bytes(os.urandom(2 << 20))
    (path / "notes.txt").write_text("contenido\n")
    return path


@pytest.fixture
def disk(tmp_path):
    (tmp_path / "disk").mkdir()
    return Local("disk", str(tmp_path / "disk"))


@pytest.fixture
def good(disk, tree):
    """A published copy, the last good one. Gives its files by name."""
    made = making.make(Order(SLOT, keys=KEYS), Paths([str(tree)]), [disk])
    publishing.publish(SLOT, made.digest, [disk])
    return files_of(disk)


def files_of(medium, slot=SLOT):
    directory = medium.location(slot)
    found = {}
    for name in os.listdir(directory):
        with open(os.path.join(directory, name), "rb") as file:
            found[name] = file.read()
    return found


def shelf_of(medium):
    return sorted(name for name in os.listdir(os.path.dirname(medium.location(SLOT))) if name != ".lock")


def fault(call, *arguments):
    descriptors, threads = len(os.listdir("/proc/self/fd")), set(threading.enumerate())
    with pytest.raises(BackupError) as caught:
        call(*arguments)
    assert len(os.listdir("/proc/self/fd")) == descriptors and set(threading.enumerate()) <= threads
    return caught.value


def attempt(source, *media, **order):
    return fault(making.make, Order(NEXT, **order), source, list(media))


class FullDisk(Local):
    """Takes so many bytes of a copy and no more; or fails only when told to bring them to stable storage."""

    takes = 1 << 20
    at_close = False

    def deposit(self, slot):
        deposit = super().deposit(slot)
        begin, room, at_close = deposit.write, self.takes, self.at_close

        def write(file):
            writing, left = begin(file), [room]

            def limited(chunk):
                left[0] -= len(chunk)
                if left[0] < 0 and not at_close:
                    raise BackupError("medium_full", location="disk", detail="No space left on device")
                writing.write(chunk)

            def close():
                writing.close()
                if left[0] < 0 and at_close:
                    raise BackupError("medium_full", location="disk", detail="No space left on device (fsync)")

            return Writing(limited, close)

        deposit.write = write
        return deposit


@pytest.mark.parametrize("at_close", [False, True])
def test_full_disk_leaves_the_last_good_copy_alone(good, disk, tree, tmp_path, at_close):
    full = FullDisk("disk", disk.path)
    full.at_close = at_close
    (tmp_path / "second").mkdir()
    second = Local("second", str(tmp_path / "second"))
    assert attempt(Paths([str(tree)]), second, full).fault.name == "medium_full"
    assert shelf_of(disk) == [SLOT.label] and files_of(disk) == good
    assert shelf_of(second) == []


def test_a_second_medium_that_fails_at_the_start_leaves_nothing_on_the_first(disk, tree, tmp_path):
    class Broken(Local):
        def deposit(self, slot):
            raise BackupError("medium_unwritable", location="disk", detail="gone")

    (tmp_path / "second").mkdir()
    assert attempt(Paths([str(tree)]), disk, Broken("second", str(tmp_path / "second"))).fault.name == "medium_unwritable"
    assert shelf_of(disk) == []


def test_killed_compressor(good, disk, tree, monkeypatch):
    monkeypatch.setattr(compress, "compressor", lambda *_unused: [Stage("zstd", ["/bin/sh", "-c", "head -c 100000; kill -9 $$"])])
    error = attempt(Paths([str(tree)]), disk)
    assert (error.fault.name, error.details["stage"], error.details["status"]) == ("stage_failed", "zstd", "signal SIGKILL")
    assert shelf_of(disk) == [SLOT.label] and files_of(disk) == good


def test_compressor_that_loses_bytes_is_caught_by_reading_back(disk, tree, monkeypatch):
    monkeypatch.setattr(compress, "compressor", lambda *_unused: [Stage("zstd", ["/bin/sh", "-c", "head -c 1000000 | zstd -q -c; cat >/dev/null"])])
    assert attempt(Paths([str(tree)]), disk).fault.name == "structure_unreadable"
    assert shelf_of(disk) == []


def test_source_that_fails_half_way(good, disk, tree):
    class Dying(Paths):
        def parts(self):
            stage = Stage("dump", ["/bin/sh", "-c", "head -c 500000 /dev/urandom; echo the server went away >&2; exit 1"])
            return [part._replace(produce=lambda: only([stage])) for part in super().parts()]

    error = attempt(Dying([str(tree)]), disk)
    assert error.details["stage"] == "dump" and "went away" in error.message
    assert shelf_of(disk) == [SLOT.label] and files_of(disk) == good


def test_source_that_is_not_there(disk, tree):
    assert attempt(Paths([str(tree / "absent")]), disk).fault.name == "source_missing"
    assert os.listdir(disk.path) == []


def test_source_outside_the_assigned_paths(disk, tree):
    assert attempt(Paths([str(tree)], assigned=["/srv"]), disk).fault.name == "out_of_scope"
    assert os.listdir(disk.path) == []


def test_copy_too_small(disk, tree):
    assert attempt(Paths([str(tree)]), disk, minimum_size=1 << 30).fault.name in ("copy_too_small", "medium_full")
    assert attempt(Paths([str(tree)]), disk, minimum_size=3 << 20).fault.name == "copy_too_small"
    assert shelf_of(disk) == []


def test_interrupted_run_leaves_nothing(disk, tree):
    class Interrupted(Paths):
        def facts(self):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        making.make(Order(NEXT), Interrupted([str(tree)]), [disk])
    assert shelf_of(disk) == []


def test_disk_that_writes_other_bytes(disk, tree):
    class Lying(Local):
        def deposit(self, slot):
            deposit = super().deposit(slot)
            begin = deposit.write

            def write(file):
                writing = begin(file)
                return Writing(lambda chunk: writing.write(chunk[:-1] + bytes([chunk[-1] ^ 1])), writing.close)

            deposit.write = write
            return deposit

    assert attempt(Paths([str(tree)]), Lying("disk", disk.path)).fault.name == "bytes_differ"
    assert shelf_of(disk) == []


class Watched(Local):
    """Tells what happens to the main file: bytes written, settled, read, and its closing. `behind` spoils what was settled."""

    behind = staticmethod(lambda path, settled: None)

    def deposit(self, slot):
        deposit = super().deposit(slot)
        begin, follow = deposit.write, deposit.follow
        self.events = events = []

        def write(file):
            writing = begin(file)
            return Writing(writing.write, lambda: (events.append(("closed", 0)), writing.close()))

        def following(file):
            found = follow(file)

            def settle():
                settled = found.settle()
                events.append(("settled", settled))
                self.behind(os.path.join(deposit.path, file), settled)
                return settled

            def read(size):
                chunk = found.read(size)
                events.append(("read", len(chunk)))
                return chunk

            return found._replace(read=read, settle=settle)

        deposit.write, deposit.follow = write, following
        return deposit


def test_reading_back_follows_the_writing_and_never_passes_what_is_settled(disk, monkeypatch):
    monkeypatch.setattr(trail, "_STRIDE", 1 << 16)
    source = Slow()
    watched = Watched("disk", disk.path)
    making.make(Order(SLOT, compression="none"), source, [watched])
    before = watched.events[:watched.events.index(("closed", 0))]
    assert sum(size for what, size in before if what == "read") >= 1 << 20
    settled = read = 0
    for what, size in before:
        settled = max(settled, size) if what == "settled" else settled
        read += size if what == "read" else 0
        assert read <= settled


@pytest.mark.parametrize("size", [0, 1 << 16, 3 << 16])
def test_bytes_spoiled_on_the_medium_behind_the_writer_are_found(disk, monkeypatch, size):
    def spoil(path, settled):
        if settled > size:
            with open(path, "r+b") as file:
                file.seek(settled - 1)
                file.write(b"!")

    monkeypatch.setattr(trail, "_STRIDE", 1 << 16)
    watched = Watched("disk", disk.path)
    watched.behind = spoil
    assert fault(making.make, Order(SLOT, compression="none"), Slow(), [watched]).fault.name in ("bytes_differ", "structure_unreadable")
    assert shelf_of(disk) == []


def test_a_medium_that_fails_to_settle_makes_no_copy(disk, tree):
    def failing(path, settled):
        raise BackupError("medium_unwritable", location=path, detail="Input/output error")

    watched = Watched("disk", disk.path)
    watched.behind = failing
    assert attempt(Paths([str(tree)]), watched).fault.name == "medium_unwritable"
    assert shelf_of(disk) == []


class Slow(Paths):
    """Two MiB of zeros that take half a second."""

    def __init__(self):
        super().__init__([os.getcwd()])

    def parts(self):
        stage = Stage("dump", ["/bin/sh", "-c", "for i in 1 2 3 4 5 6 7 8; do head -c 262144 /dev/zero; sleep 0.06; done"])
        return [part._replace(produce=lambda: only([stage]), check=Check) for part in super().parts()]


def proof(disk, tree, keys=KEYS, expected=""):
    with StreamedCopy(SLOT, disk, keys, expected) as opened:
        opened.verify_bytes()
        opened.verify_structure(Paths([str(tree)]))


@contextlib.contextmanager
def damaged(disk, name):
    path = os.path.join(disk.location(SLOT), name)
    with open(path, "rb") as file:
        content = bytearray(file.read())
    yield content
    with open(path, "wb") as file:
        file.write(content)


def test_the_good_copy_is_good(good, disk, tree):
    proof(disk, tree)
    assert set(good) == {"SIGA_20261122.tar.zst.gpg", "SIGA_20261122.json", "SHA256SUMS"}


@pytest.mark.parametrize("name", ["SIGA_20261122.tar.zst.gpg", "SIGA_20261122.json", "SHA256SUMS"])
@pytest.mark.parametrize("damage", ["flipped", "cut", "longer", "removed"])
def test_damage_is_detected_and_named(good, disk, tree, name, damage):
    with damaged(disk, name) as content:
        if damage == "flipped":
            content[len(content) // 2] ^= 1
        elif damage == "cut":
            del content[-1:]
        else:
            content += b"x"
    if damage == "removed":
        os.unlink(os.path.join(disk.location(SLOT), name))
    digest = hashlib.sha256(good["SHA256SUMS"]).hexdigest()
    error = fault(proof, disk, tree, KEYS, digest)
    assert error.fault.name in ("bytes_differ", "manifest_unreadable")
    assert name in error.message


@pytest.mark.parametrize("place", [0, 5, 20, 100])
def test_damage_is_not_taken_for_a_wrong_password(good, disk, tree, place):
    with damaged(disk, "SIGA_20261122.tar.zst.gpg") as content:
        content[place] ^= 1

    def stream():
        with StreamedCopy(SLOT, disk, KEYS) as opened:
            opened.stream("")

    assert fault(stream).fault.name == "bytes_differ"


def test_a_listing_made_anew_does_not_deceive_who_knows_the_digest(good, disk, tree):
    with damaged(disk, "SIGA_20261122.tar.zst.gpg") as content:
        content[1000] ^= 1
    directory = disk.location(SLOT)
    subprocess.run(["sh", "-c", "sha256sum SIGA* >SHA256SUMS"], cwd=directory, check=True)
    assert fault(proof, disk, tree, KEYS, hashlib.sha256(good["SHA256SUMS"]).hexdigest()).fault.name == "bytes_differ"
    assert fault(proof, disk, tree, KEYS).fault.name == "bytes_differ"


def test_a_file_more_in_the_listing(good, disk, tree):
    with damaged(disk, "SHA256SUMS") as content:
        content += ("0" * 64 + "  extra\n").encode()
    error = fault(proof, disk, tree)
    assert error.fault.name == "bytes_differ" and "extra" in error.message


def test_wrong_password_and_no_password(good, disk, tree):
    assert fault(proof, disk, tree, Keys("another")).fault.name == "password_wrong"
    assert fault(proof, disk, tree, None).fault.name == "password_needed"


def test_copy_that_is_not_there(disk, tree):
    assert fault(proof, disk, tree).fault.name == "copy_missing"


def test_restore_commands_of_the_manifest_work_without_us(disk, tree, tmp_path):
    made = making.make(Order(SLOT), Paths([str(tree)]), [disk])
    publishing.publish(SLOT, made.digest, [disk])
    (tmp_path / "back").mkdir()
    for line in made.manifest["restore"]:
        subprocess.run(["sh", "-c", line], cwd=disk.location(SLOT), env=dict(os.environ, TARGET=str(tmp_path / "back")), check=True)
    subprocess.run(["diff", "-r", str(tree), str(tmp_path / "back")], check=True)


def test_huge_sparse_file(disk, tree, tmp_path):
    """A file of 64 GiB that holds nothing is copied as the little it is, and comes back as long."""
    with open(str(tree / "sparse"), "wb") as file:
        file.truncate(64 << 30)
    made = making.make(Order(SLOT), Paths([str(tree)]), [disk])
    assert made.fields["size_original"] < 4 << 20
    publishing.publish(SLOT, made.digest, [disk])


def test_a_link_named_like_an_unfinished_copy_is_swept_and_not_followed(disk, tree, tmp_path):
    shelf = os.path.dirname(disk.location(SLOT))
    os.makedirs(shelf)
    os.symlink(str(tree), os.path.join(shelf, ".SIGA_20261101.partial"))
    with open(os.path.join(shelf, ".SIGA_20261102.partial"), "w") as file:
        file.write("a file")
    making.make(Order(SLOT), Paths([str(tree)]), [disk])
    assert shelf_of(disk) == [".SIGA_20261122.sealed"]
    assert sorted(entry.name for entry in tree.iterdir()) == ["notes.txt", "random"]


def test_a_restore_that_fails_at_its_last_step_puts_the_former_data_back(good, disk, tree, tmp_path, monkeypatch):
    target = tmp_path / "target"
    target.mkdir()
    (target / "former").write_text("data")
    move = descriptors.move

    def failing(source, name, destination, new_name):
        if name == "restored":
            raise OSError("input/output error")
        move(source, name, destination, new_name)

    monkeypatch.setattr(descriptors, "move", failing)
    with StreamedCopy(SLOT, disk, KEYS) as opened, pytest.raises(BackupError) as caught:
        Paths([str(tree)]).restore(opened, str(target), True)
    assert caught.value.fault.name == "restore_failed"
    assert (target / "former").read_text() == "data"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["disk", "target", "tree"]
