# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scope guard for every sort of source: what lies outside the assigned paths is not copied, not asked for changes, not read to be compared, and nothing is
restored there (numerals 6.1, 6.2).
"""

from __future__ import annotations

import os
import sqlite3
import subprocess

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.filesystem import scope
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.processes.programs import private_directory
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources import catalogue, trees
from ansible_collections.perucompras.respaldo.plugins.module_utils._tasks import verifying

from .conftest import git

# what each is asked for; a new source has no row, which tests/house/test_scope_guard.py sees
WAYS = ("sqlite", "git", "git by URL", "paths", "restic", "command")
LONG_AGO = 1_500_000_000


def options(way, top):
    """What an inventory would say of a source below `top`."""
    return {
        "sqlite": {"path": str(top / "base.sqlite")}, "git": {"path": str(top / "repo")}, "git by URL": {"url": "file://" + str(top / "repo")},
        "paths": {"paths": [str(top / "docs")]}, "restic": {"paths": [str(top / "docs")]},
        "command": {"dump": ["/bin/cat", str(top / "docs" / "acta.txt")], "verify": ["/bin/cat"], "restore": ["/bin/sh", "-c", 'cat > "$RESPALDO_TARGET"']},
    }[way]


def source(way, top, *assigned):
    return catalogue.build(way.partition(" ")[0], options(way, top), [str(path) for path in assigned])


@pytest.fixture
def places(tmp_path):
    """An assigned directory, and one that is none, with a source of each sort in it."""
    for name in ("office", "other"):
        (tmp_path / name / "docs").mkdir(parents=True)
    other = tmp_path / "other"
    (other / "docs" / "acta.txt").write_text("acta", "utf-8")
    os.utime(other / "docs" / "acta.txt", (LONG_AGO, LONG_AGO))
    with sqlite3.connect(other / "base.sqlite") as database:
        database.execute("create table t (a)")
    database.close()
    (other / "repo").mkdir()
    git(other / "repo", "init", "-q", "-b", "main")
    git(other / "repo", "commit", "-q", "--allow-empty", "-m", "uno")
    return tmp_path / "office", other


@pytest.mark.parametrize("way", WAYS[:-1])
def test_nothing_outside_is_copied_or_asked(places, way):
    office, other = places
    for link in (False, True):
        if link:      # a path of the assigned directory that leads out of it is the same
            (office / "docs").rmdir()
            for name in os.listdir(other):
                (office / name).symlink_to(other / name)
        for ask in ("preflight", "current_digest"):
            outside = source(way, office if link else other, office)
            if hasattr(outside, ask):
                with pytest.raises(BackupError) as refused:
                    getattr(outside, ask)()
                assert refused.value.fault.name == "out_of_scope", (way, ask)
    if way != "restic":
        source(way, other, other).preflight()


@pytest.mark.parametrize("way", WAYS[:-1])
def test_nothing_outside_is_read_to_be_compared(bench, places, tmp_path, way):
    """T4: the copy came back, and is not called other than a source that nobody may read; where that is assigned it is compared."""
    office, other = places
    if way == "restic":      # its own copies: tests/integration/files/test_files.py
        with pytest.raises(BackupError) as refused:
            source(way, other, office).compare(None, str(tmp_path))
        assert refused.value.fault.name == "out_of_scope"
        with pytest.raises(BackupError) as refused:
            source(way, other).compare(None, str(tmp_path))
        assert refused.value.fault.name == "nothing_assigned"
        return
    bench.make(source(way, other))
    for assigned, reached in (([office], False), ([other], True), ([], True)):
        asked = source(way, other, *assigned)
        with bench.open() as opened, private_directory(str(tmp_path)) as scratch:
            asked.rehearse(opened, scratch)
            methods, remarks = verifying._compared(asked, opened, scratch)
        assert bool(methods) is reached, (way, assigned)
        assert [remark.key for remark in remarks] == ([] if reached else ["not_compared"])
        assert reached or "RSP102" in str(remarks[0]) or str(other) in str(remarks[0])


@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_restored_outside(bench, places, tmp_path, way):
    office, other = places
    (office / "fuera").symlink_to(other)
    if way != "restic":
        bench.make(source(way, other))
    before = sorted(os.listdir(other))
    for target in (other / "vuelta", office / ".." / "other" / "vuelta", office / "fuera" / "vuelta"):
        asked = source(way, other, office)
        with pytest.raises(BackupError) as refused:
            asked.check_target(str(target), False, "SIGA_20261121")
        assert refused.value.fault.name == "out_of_scope", way
        if way != "restic":
            with bench.open() as opened, pytest.raises(BackupError) as refused:
                asked.restore(opened, str(target), False)
            assert refused.value.fault.name == "out_of_scope", way
    assert sorted(os.listdir(other)) == before
    if way != "restic":
        with bench.open() as opened:
            asked.restore(opened, str(office / "vuelta"), False)
        assert (office / "vuelta").exists()


def test_the_target_of_a_command_is_a_path_or_a_name(places):
    office, other = places
    asked = source("command", other, office)
    asked.check_target("SIGA_restaurada", False, "SIGA_20261121")      # the name of a database of its engine
    for odd in ("../other/x", "docs/x", "..", "file://" + str(other)):
        with pytest.raises(BackupError) as refused:
            asked.check_target(odd, False, "SIGA_20261121")
        assert refused.value.fault.name == "invalid_input", odd
    source("command", other).check_target("servidor/base", False, "SIGA_20261121")     # nothing is assigned, nothing is guarded


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts, which only root may")
def test_what_is_mounted_since_is_not_compared(bench, places, tmp_path):
    """Another directory is mounted below the source after the copy: same name, size and time, other bytes, and no part of the source."""
    office, other = places
    (office / "docs" / "sub").mkdir()
    for path, text in ((office / "docs" / "sub" / "acta.txt", "acto"), (office / "docs" / "suyo.txt", "suyo")):
        path.write_text(text, "utf-8")
        os.utime(path, (LONG_AGO, LONG_AGO))
    bench.make(source("paths", office, office))
    point = office / "docs" / "sub"
    subprocess.run(["mount", "--bind", str(other / "docs"), str(point)], check=True)
    try:
        for assigned, differs in (([office], False), ([office, point], True)):
            asked = source("paths", office, *assigned)
            with bench.open() as opened, private_directory(str(tmp_path)) as scratch:
                asked.rehearse(opened, scratch)
                if differs:
                    with pytest.raises(BackupError) as refused:
                        asked.compare(opened, scratch)
                    assert refused.value.fault.name == "source_differs"
                else:
                    assert asked.compare(opened, scratch) == ["source_files"]
    finally:
        subprocess.run(["umount", str(point)], check=True)


def test_what_a_copy_names_outside_of_its_folders_is_not_read(places, tmp_path):
    """A copy of several paths, or of a file server, names its files from the root; a server that was taken may have put any name there."""
    office, other = places
    scratch = tmp_path / "scratch"
    for path in (office / "docs" / "acta.txt", other / "docs" / "acta.txt"):
        came = scratch / str(path).lstrip("/")
        came.parent.mkdir(parents=True)
        came.write_text("acta" if "office" in str(path) else "OTRA", "utf-8")
        path.write_text("acta", "utf-8")
        for each in (came, path):
            os.utime(each, (LONG_AGO, LONG_AGO))
    manifest = {"started_at": "2026-11-21T05:00:00Z", "label": "SIGA_20261121"}
    assert trees.compare(str(scratch), "/", manifest, [str(office)], []) == (1, 1)
    with pytest.raises(BackupError) as told:
        trees.compare(str(scratch), "/", manifest, [str(office), str(other)], [])
    assert told.value.fault.name == "source_differs"
    assert scope.foreign_mounts([str(office)], []) == []
