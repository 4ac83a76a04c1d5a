# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits of folders: on a real Btrfs in a file, and by programs that stand in where the kernel of a test machine has no quotas for ext4 and XFS."""

from __future__ import annotations

import os
import subprocess

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.folders import quotas
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.processes import programs


@pytest.fixture
def btrfs(tmp_path):
    """A Btrfs with quotas on, mounted."""
    image, point = tmp_path / "image", tmp_path / "disco btrfs"
    point.mkdir()
    with image.open("wb") as file:
        file.truncate(256 << 20)
    subprocess.run(["/sbin/mkfs.btrfs", "--quiet", str(image)], check=True)
    subprocess.run(["mount", "-o", "loop", str(image), str(point)], check=True)
    try:
        yield point
    finally:
        subprocess.run(["umount", str(point)], check=True)


def enable(point):
    subprocess.run(["/bin/btrfs", "quota", "enable", str(point)], check=True)


def limit(folder, plan, gib):
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        quotas.set_limit(str(folder), plan, gib, held)
    finally:
        os.close(held)


def limit_of(path):
    told = subprocess.run(["/bin/btrfs", "qgroup", "show", "-r", "-f", "--raw", str(path)], check=True, stdout=subprocess.PIPE, text=True).stdout
    return told.splitlines()[-1].split()[3]


def test_btrfs_makes_a_subvolume_and_limits_it(btrfs):
    folder = btrfs / "logística"
    assert "no tiene cuotas activas" in quotas.plan(str(folder), 1, 0).why
    enable(btrfs)
    plan = quotas.plan(str(folder), 1, 0)
    assert (plan.kind, plan.needed, plan.why) == ("btrfs", True, "")
    assert quotas.make_directory(str(folder), plan)
    limit(folder, plan, 1)
    assert limit_of(folder) == str(1 << 30)
    assert not quotas.plan(str(folder), 1, 1).needed
    lifted = quotas.plan(str(folder), 0, 1)
    assert lifted.needed
    limit(folder, lifted, 0)
    assert limit_of(folder) == "none"


def test_btrfs_holds_to_the_limit(btrfs):
    """The limit is a real one: here a part of a GiB, set by hand where the module counts in whole ones."""
    enable(btrfs)
    folder = btrfs / "llena"
    quotas.make_directory(str(folder), quotas.plan(str(folder), 1, 0))
    subprocess.run(["/bin/btrfs", "qgroup", "limit", "4M", str(folder)], check=True)
    with pytest.raises(OSError, match="quota"), (folder / "x").open("wb") as file:
        for _chunk in range(16):
            file.write(b"x" * (1 << 20))
            file.flush()


def test_a_plain_directory_of_btrfs_has_no_limit(btrfs):
    enable(btrfs)
    (btrfs / "carpeta").mkdir()
    plan = quotas.plan(str(btrfs / "carpeta"), 1, 0)
    assert not plan.needed and "no es un subvolumen" in plan.why


def test_a_file_system_that_can_not_says_so(tmp_path):
    point = tmp_path / "memoria"
    point.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(point)], check=True)
    try:
        plan = quotas.plan(str(point / "x"), 5, 0)
    finally:
        subprocess.run(["umount", str(point)], check=True)
    assert (plan.kind, plan.needed) == ("", False) and plan.why == "{0} (tmpfs) no admite límites por carpeta".format(point)
    assert quotas.plan(str(tmp_path), 0, 0) == ("", quotas.plan(str(tmp_path), 0, 0).mount, False, "")


@pytest.mark.parametrize(("options", "kind"), [("rw,relatime", ""), ("rw,prjquota", "project")])
def test_ext4_by_the_kernels_table_and_stand_in_programs(tmp_path, monkeypatch, options, kind):
    """No real limit is set here: setquota is a fake that writes down how it was called; what is given to the project is written down too."""
    table = tmp_path / "mountinfo"
    table.write_text("22 1 8:1 / / rw - ext4 /dev/sda1 rw\n30 22 8:2 / {0} rw,relatime - ext4 /dev/sdb1 {1}\n".format(tmp_path, options), "utf-8")
    monkeypatch.setattr(quotas, "_MOUNTS", str(table))
    (tmp_path / "setquota").write_text("#!/bin/sh\necho setquota \"$@\" >> {0}/calls\n".format(tmp_path), "utf-8")
    (tmp_path / "setquota").chmod(0o755)
    marked = []
    monkeypatch.setattr(quotas, "_mark_one", lambda held, project: marked.append((os.readlink("/proc/self/fd/{0}".format(held)), project)))
    monkeypatch.setattr(programs, "find", lambda tool, _package, _directory="": str(tmp_path / tool))
    folder = tmp_path / "carpeta"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "acta").write_text("acta", "utf-8")
    (folder / "fuera").symlink_to("/etc/hostname")
    os.mkfifo(folder / "tubo")
    plan = quotas.plan(str(folder), 2, 0)
    assert plan.kind == kind and plan.needed == bool(kind) and ("prjquota" in plan.why) == (not kind)
    limit(folder, plan, 2)
    calls = (tmp_path / "calls").read_text("utf-8").splitlines() if (tmp_path / "calls").exists() else []
    if kind:
        project = marked[0][1]
        assert marked == [(str(path), project) for path in (folder, folder / "sub", folder / "sub" / "acta")]
        assert calls == ["setquota -P {0} 0 2097152 0 0 {1}".format(project, tmp_path)]
        assert project >= 100000
        (tmp_path / "setquota").write_text("#!/bin/sh\necho no quota support >&2; exit 1\n", "utf-8")
        with pytest.raises(BackupError) as caught:
            limit(folder, plan, 2)
        assert caught.value.fault.name == "folder_failed" and "no quota support" in caught.value.message
    else:
        assert calls == [] and marked == []
