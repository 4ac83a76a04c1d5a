# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work by descriptors: links, FIFOs, devices and depth in every place where a file or a directory is expected."""

from __future__ import annotations

import os
import stat
import tracemalloc

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.filesystem import descriptors, system_calls

DEEP = 3000


@pytest.fixture
def held(tmp_path):
    descriptor = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    yield descriptor
    os.close(descriptor)


def deep(held, name="deep", levels=DEEP):
    at = os.dup(held)
    for _level in range(levels):
        os.mkdir(name, dir_fd=at)
        inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY, dir_fd=at)
        os.close(at)
        at = inner
    os.close(os.open("leaf", os.O_CREAT | os.O_WRONLY, dir_fd=at))
    os.close(at)


def test_a_tree_of_three_thousand_levels_is_walked_and_removed(held, tmp_path):
    deep(held)
    before = len(os.listdir("/proc/self/fd"))
    found = [entry.name for entry in descriptors.walk(held)]
    assert found.count("deep") == DEEP and found[-1] == "leaf"
    descriptors.remove(held, "deep")
    assert os.listdir(tmp_path) == [] and len(os.listdir("/proc/self/fd")) == before


def test_a_link_on_the_way_is_not_followed(held, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    os.close(descriptors.below(held, "real"))
    for call in (lambda: descriptors.below(held, "link"), lambda: descriptors.top(str(tmp_path / "link")), lambda: descriptors.below(held, "real/../real")):
        with pytest.raises(OSError):
            call()


@pytest.mark.parametrize("kind", ["fifo", "link", "directory", "device", "dangling"])
def test_only_regular_files_are_read(held, tmp_path, kind):
    path = tmp_path / "file"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    else:
        path.symlink_to({"link": "/etc/passwd", "device": "/dev/zero", "dangling": "/nowhere"}[kind])
    with pytest.raises(descriptors.NotRegular):
        descriptors.read("file", 100, held)


def test_only_so_many_bytes_are_read(held, tmp_path):
    (tmp_path / "file").write_bytes(b"x" * 101)
    assert descriptors.read("file", 101, held) == b"x" * 101
    with pytest.raises(descriptors.TooLarge):
        descriptors.read("file", 100, held)


def test_what_is_made_is_made_exclusively(held, tmp_path):
    (tmp_path / "taken").symlink_to("/nowhere")
    for make in (descriptors.create, descriptors.make_directory):
        with pytest.raises(FileExistsError):
            make(held, "taken")
        descriptor = make(held, make.__name__)
        assert stat.S_IMODE(os.fstat(descriptor).st_mode) & 0o077 == 0
        os.close(descriptor)


def test_a_directory_exchanged_at_once_is_noticed(held, tmp_path, monkeypatch):
    (tmp_path / "canary").mkdir(mode=0o700)
    (tmp_path / "canary/shadow").write_text("secret")
    make = os.mkdir

    def attacked(name, mode=0o777, *, dir_fd=None):
        make(name, mode, dir_fd=dir_fd)
        os.rename(tmp_path / name, tmp_path / "away")
        if attacked.with_link:
            (tmp_path / name).symlink_to("canary")
        else:
            os.rename(tmp_path / "canary", tmp_path / name)

    monkeypatch.setattr(os, "mkdir", attacked)
    for with_link in (True, False):
        attacked.with_link = with_link
        with pytest.raises(descriptors.Exchanged):
            descriptors.make_directory(held, "made", 0o777)
        if with_link:
            os.unlink(tmp_path / "made")
            os.rmdir(tmp_path / "away")
    assert stat.S_IMODE((tmp_path / "made").stat().st_mode) == 0o700


def test_a_directory_moved_while_it_is_walked_ends_the_walk(held, tmp_path):
    (tmp_path / "a/b/c").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    with pytest.raises(descriptors.Exchanged):
        for entry in descriptors.walk(held):
            if entry.name == "c":
                os.rename(tmp_path / "a/b", tmp_path / "elsewhere/b")


def test_removal_follows_no_link(held, tmp_path):
    (tmp_path / "canary").mkdir()
    (tmp_path / "canary/shadow").write_text("secret")
    (tmp_path / "tree/in").mkdir(parents=True)
    (tmp_path / "tree/in/link").symlink_to(tmp_path / "canary")
    descriptors.remove(held, "tree")
    assert (tmp_path / "canary/shadow").read_text() == "secret" and not (tmp_path / "tree").exists()


def test_a_name_more_to_remove_costs_no_memory(held, tmp_path):
    """A mailbox of 100,000 mails had some ten megabytes of names put together before the first was removed."""
    peaks = []
    for count in (200, 2200):
        (tmp_path / "full").mkdir()
        for number in range(count):
            os.close(os.open(tmp_path / "full" / "{0:0100d}".format(number), os.O_CREAT | os.O_WRONLY))
        (tmp_path / "full/inner").mkdir()
        (tmp_path / "full/inner/last").touch()
        tracemalloc.start()
        try:
            descriptors.remove(held, "full")
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
        assert os.listdir(tmp_path) == []
    assert peaks[1] - peaks[0] < 2000 * 20, peaks


def test_what_can_not_be_kept_on_disk_is_told(held, tmp_path):
    (tmp_path / "written").write_text("x")
    system_calls.settled(held)
    gone = os.dup(held)
    os.close(gone)
    with pytest.raises(OSError, match="Bad file descriptor"):
        system_calls.settled(gone)


def test_a_copy_between_descriptors_has_a_limit(held, tmp_path):
    (tmp_path / "from").write_bytes(b"x" * 1000)
    source, target = descriptors.regular("from", held), descriptors.create(held, "to")
    with pytest.raises(descriptors.TooLarge):
        descriptors.copy(source, target, 999, "from")
    os.close(source)
    os.close(target)


def test_a_walk_without_order_meets_the_same_and_holds_no_names_of_files(held, tmp_path):
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/link").symlink_to("b")
    os.mkfifo(tmp_path / "a/b/fifo")
    peaks = []
    for count in (500, 4500):
        for number in range(count):
            (tmp_path / "a/b" / f"{number:05d}-a-name-of-some-length-as-mails-have-it").touch()
        tracemalloc.start()
        try:
            assert sum(1 for _entry in descriptors.walk(held, in_order=False)) == count + 4
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert (peaks[1] - peaks[0]) / 4000 < 20, peaks
    before = len(os.listdir("/proc/self/fd"))
    assert sorted(entry.path for entry in descriptors.walk(held, in_order=False)) == sorted(entry.path for entry in descriptors.walk(held))
    with pytest.raises(descriptors.Exchanged):
        (tmp_path / "elsewhere").mkdir()
        for entry in descriptors.walk(held, in_order=False):
            if entry.path == "a/b/fifo":
                os.rename(tmp_path / "a/b", tmp_path / "elsewhere/b")
    assert len(os.listdir("/proc/self/fd")) == before
