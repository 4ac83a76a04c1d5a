# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies from snapshots, on a real Btrfs of a loop device. LVM and ZFS are not tried: see the module."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import threading
import time

import pytest
from _engine.sources import snapshots
from conftest import BackupError, restic, shape

pytestmark = pytest.mark.root


def run(*argv):
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def btrfs(tmp_path):
    """A Btrfs with the subvolume `datos`, mounted."""
    image, mounted = tmp_path / "image", tmp_path / "disco"
    with open(image, "wb") as file:
        file.truncate(256 << 20)
    run("mkfs.btrfs", "--quiet", str(image))
    mounted.mkdir()
    done = subprocess.run(["mount", "-t", "btrfs", "-o", "loop", str(image), str(mounted)], capture_output=True, text=True, check=False)
    if done.returncode and ("btrfs" not in pathlib.Path("/proc/filesystems").read_text("ascii") or not os.path.exists("/dev/loop-control")):
        pytest.skip("the kernel has no Btrfs or no loop devices")
    assert not done.returncode, done.stderr
    try:
        run("btrfs", "subvolume", "create", str(mounted / "datos"))
        yield mounted
    finally:
        run("umount", "--recursive", str(mounted))


@pytest.fixture
def frozen(share, btrfs):
    """The share moved onto the Btrfs."""
    share.folder = btrfs / "datos" / "rrhh"
    share.assigned = [str(btrfs)]
    (share.folder / "legajos").mkdir(parents=True)
    (share.folder / "legajos" / "ñandú\n.txt").write_text("uno\n", "utf-8")
    for number in range(300):
        (share.folder / f"{number}.dat").write_bytes(os.urandom(20000))
    return share


def left(btrfs):
    """The snapshots of ours that lie there, and mounts of them."""
    listed = run("btrfs", "subvolume", "list", str(btrfs))
    return [line for line in listed.splitlines() if ".respaldo" in line] + [path.name for path in btrfs.iterdir() if path.name != "datos"]


def test_all_that_was_written_before_is_there_under_its_own_path_and_nothing_later(frozen, btrfs, monkeypatch):
    """A program writes the same number into the first, the last and a small file (which Btrfs keeps elsewhere), again and again, and never syncs.

    Btrfs alone would give one of them as it was on the disk, seconds ago.
    """
    ends, small, enough, written = [frozen.folder / "0 primero", frozen.folder / "zz ultimo"], frozen.folder / "pequeño", threading.Event(), [0]

    def write():
        while not enough.is_set():
            number = written[0] + 1
            for path in [*ends, small]:
                with open(path, "r+b", buffering=0) as file:
                    file.write(b"%08d" % number)
            written[0] = number

    real, frozen_at = restic.Restic.call, []

    def call(self, arguments, *more, **named):
        if arguments[0] == "backup":
            frozen_at.append(written[0] + 1)
            time.sleep(0.3)     # what is read now is later, unless it is frozen
        return real(self, arguments, *more, **named)

    monkeypatch.setattr(restic.Restic, "call", call)
    for path in ends:
        path.write_text("0" * 5000)
    small.write_text("00000000")
    os.sync()     # a file has its length there before the first snapshot
    writer = threading.Thread(target=write)
    writer.start()
    try:
        time.sleep(0.1)
        before = written[0]
        made = frozen.make(snapshot="btrfs")
    finally:
        enough.set()
        writer.join()
    assert made.fields["warnings"] == [] and made.manifest["source"]["facts"]["snapshots"] == ["btrfs"]
    assert not left(btrfs)
    node = next(row for row in frozen.restic("ls", "latest", "--json").stdout.splitlines() if "/primero" not in row and '"0 primero"' in row)
    assert str(frozen.folder / "0 primero") in node
    frozen.restore(btrfs / "vuelta")
    first, last, little = (int((btrfs / "vuelta" / path.name).read_text()[:8]) for path in [*ends, small])
    assert all(before <= each <= frozen_at[0] for each in (first, last, little)) and before > 1, (before, first, last, little, frozen_at)
    for path in [*ends, small]:
        path.write_text((btrfs / "vuelta" / path.name).read_text())
        os.utime(path, ns=(0, os.stat(btrfs / "vuelta" / path.name).st_mtime_ns))
    assert shape(btrfs / "vuelta") == shape(frozen.folder)


def test_the_next_copy_knows_the_files_again(frozen):
    first = frozen.make(snapshot="btrfs")
    assert first.fields["files_new"] == 301
    again = frozen.make(snapshot="auto")
    assert (again.fields["files_new"], again.fields["files_changed"], again.fields["files_unmodified"]) == (0, 0, 301)
    living = frozen.make()
    assert (living.fields["files_new"], living.fields["files_changed"], living.fields["files_unmodified"]) == (0, 0, 301)


def test_what_a_killed_run_left_goes_with_the_next(frozen, btrfs):
    child = os.fork()
    if not child:
        real = restic.Restic.call
        restic.Restic.call = lambda self, arguments, *more, **named: (
            os.kill(os.getpid(), signal.SIGKILL) if arguments[0] == "backup" else real(self, arguments, *more, **named))
        frozen.make(snapshot="btrfs")
        os._exit(1)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert left(btrfs)
    frozen.days += 1
    frozen.make(snapshot="btrfs")
    assert not left(btrfs)


def test_a_failed_copy_leaves_no_snapshot(frozen, btrfs):
    os.rename(frozen.folder, btrfs / "datos" / "otra")
    os.symlink("/etc", frozen.folder)
    with pytest.raises(BackupError) as caught, snapshots.taken("btrfs", [str(frozen.folder)], "RRHH_20261122"):
        pass
    assert caught.value.fault.name == "snapshot_impossible"
    with pytest.raises(BackupError) as caught, snapshots.taken("btrfs", [str(btrfs / "datos" / "otra")], "RRHH_20261122") as taken:
        assert left(btrfs) and taken.through
        os.rename(btrfs / "datos" / "otra", frozen.folder.with_name("tercera"))
        raise BackupError("source_missing", source="otra")
    assert caught.value.fault.name == "source_missing" and not left(btrfs)


def test_a_link_inside_a_snapshot_is_not_followed(frozen, btrfs):
    """The folder is a link when the snapshot is taken: what it leads to, outside of the scope, is not bound over it."""
    inside = btrfs / "datos" / "enlace"
    inside.symlink_to(frozen.folder)
    with pytest.raises(BackupError) as caught, snapshots.taken("btrfs", [str(inside)], "RRHH_20261122"):
        pass
    assert caught.value.fault.name == "snapshot_impossible" and "a link leads elsewhere" in caught.value.details["detail"]
    assert not left(btrfs)


@pytest.mark.parametrize("within", ["subvolume", "mount"])
def test_what_a_snapshot_would_lack_is_told(frozen, btrfs, within):
    nested = frozen.folder / "anidado"
    if within == "subvolume":
        run("btrfs", "subvolume", "create", str(nested))
    else:
        nested.mkdir()
        run("mount", "-t", "tmpfs", "tmpfs", str(nested))
    (nested / "adentro").write_text("también")
    with pytest.raises(BackupError) as caught:
        frozen.make(snapshot="btrfs")
    assert caught.value.fault.name == "snapshot_impossible" and str(nested) in caught.value.details["detail"]
    assert not frozen.labels() and not left(btrfs)
    made = frozen.make(snapshot="auto")
    assert made.fields["objects"] == (302 if within == "subvolume" else 301) and str(nested) in made.fields["warnings"][0]
    assert made.manifest["source"]["facts"]["snapshots"] == []
    alone = frozen.make(snapshot="btrfs", one_file_system=True)
    assert alone.fields["objects"] == 301 and not left(btrfs)


def test_a_folder_on_no_such_file_system_is_refused_or_copied_living(share):
    for kind in ("btrfs", "zfs"):
        with pytest.raises(BackupError) as caught:
            share.make(snapshot=kind)
        assert caught.value.fault.name == "snapshot_impossible" and "its file system is" in caught.value.details["detail"]
    made = share.make(snapshot="auto")
    assert "was copied living, without a snapshot" in made.fields["warnings"][0]


def test_only_root_takes_snapshots(share):
    child = os.fork()
    if not child:
        os.setuid(65534)
        try:
            with snapshots.taken("btrfs", ["/"], "RRHH_20261122"):
                os._exit(1)
        except BackupError as error:
            os._exit(0 if error.fault.name == "snapshot_impossible" and "only root" in error.details["detail"] else 2)
    assert os.waitpid(child, 0)[1] == 0
