# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scope guard where it is used: real mounts, links to outside, and folders exchanged while a copy or a restore is under way."""

from __future__ import annotations

import os
import subprocess

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.copies.kinds import kind_of
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.filesystem import scope
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.media.base import Slot
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.processes.pipeline import Stage
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources import paths
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.paths import Paths
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.restic import Files
from ansible_collections.perucompras.respaldo.plugins.module_utils._tasks import restoring

SECRET = "contraseña de otro órgano"


@pytest.fixture
def office(tmp_path):
    """An office's folder, and a directory that is not its own."""
    (tmp_path / "office" / "sub").mkdir(parents=True)
    (tmp_path / "office" / "sub" / "acta.txt").write_text("acta", "utf-8")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "secreto.txt").write_text(SECRET, "utf-8")
    return tmp_path / "office"


@pytest.fixture
def mounted(office):
    """Another directory and another file system, mounted inside the folder."""
    points = [office / "atado con espacio", office / "memoria"]
    for point in points:
        point.mkdir()
    subprocess.run(["mount", "--bind", str(office.parent / "other"), str(points[0])], check=True)
    try:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(points[1])], check=True)
        (points[1] / "volátil").write_text("x", "utf-8")
        yield points
    finally:
        for point in points:
            subprocess.run(["umount", str(point)], check=False)


def failed(bench, source):
    with pytest.raises(BackupError) as caught:
        bench.make(source)
    assert bench.left() == []
    return caught.value


def restore(bench, source, target):
    with bench.open() as copy:
        source.assigned = []
        source.restore(copy, str(target), False)


def members(bench):
    """The names in the last copy's archive."""
    found = bytearray()
    with bench.open() as copy:
        copy.stream("", [Stage("tar --list", ["/bin/tar", "--list", "--file=-"])], found.extend)
    return sorted(found.decode("utf-8").splitlines())


def test_what_is_mounted_inside_is_left_out_and_told(bench, office, mounted, tmp_path):
    assert scope.mounts_below(str(office), [str(office)]) == sorted(map(str, mounted))
    source = Paths([str(office)], assigned=[str(office)])
    made = bench.make(source)
    assert [line for line in made.fields["warnings"] if "mounted" in line] == [
        "Not copied, since it is mounted there and not assigned: {0}".format(point) for point in sorted(map(str, mounted))]
    restore(bench, source, tmp_path / "back")
    assert sorted(path.name for path in (tmp_path / "back").rglob("*")) == ["acta.txt", "sub"]
    several = Paths([str(office), str(office / "sub" / "acta.txt")], assigned=[str(office)])
    bench.make(several)
    assert not [name for name in members(bench) if "secreto" in name or "volátil" in name]


def test_a_path_on_a_mount_is_refused_until_it_is_assigned(bench, office, mounted, tmp_path):
    error = failed(bench, Paths([str(mounted[0])], assigned=[str(office)]))
    assert error.fault.name == "out_of_scope" and "mounted on {0}".format(mounted[0]) in error.message
    source = Paths([str(office)], assigned=[str(office), str(mounted[0])])
    bench.make(source)
    restore(bench, source, tmp_path / "back")
    assert (tmp_path / "back" / mounted[0].name / "secreto.txt").exists() and not (tmp_path / "back" / "memoria").exists()


def test_a_link_to_outside_is_copied_as_a_link(bench, office, tmp_path):
    (office / "fuera").symlink_to(office.parent / "other")
    (office / "sub" / "fichero").symlink_to("../../other/secreto.txt")
    source = Paths([str(office)], assigned=[str(office)])
    bench.make(source)
    assert not [name for name in members(bench) if "secreto" in name]
    restore(bench, source, tmp_path / "back")
    assert os.readlink(tmp_path / "back" / "fuera") == str(office.parent / "other")
    assert os.readlink(tmp_path / "back" / "sub" / "fichero") == "../../other/secreto.txt"


def test_a_folder_exchanged_before_tar_reads_it(bench, office, monkeypatch):
    """Between the check and the first byte the folder becomes a link: nothing of the other directory is published."""
    source = Paths([str(office)], assigned=[str(office)])
    check = source.parts

    def parts():
        found = check()
        office.rename(office.parent / "aside")
        office.symlink_to(office.parent / "other")
        return found

    monkeypatch.setattr(source, "parts", parts)
    assert failed(bench, source).fault.name == "assigned_path_changed"


def test_a_folder_exchanged_while_tar_reads_it(bench, office, monkeypatch):
    """tar holds the directory it was let into, and the copy is given up when another stands there at the end."""
    source = Paths([str(office)], assigned=[str(office)])
    argv = source._argv

    def exchanged(top, more=()):
        if not more:      # not when the digest of the content is taken, before
            office.rename(office.parent / "aside")
            (office.parent / "other").rename(office)
        return argv(top, more)

    monkeypatch.setattr(source, "_argv", exchanged)
    assert failed(bench, source).fault.name == "assigned_path_changed"


def test_a_directory_exchanged_while_a_restore_is_under_way(bench, office, tmp_path, monkeypatch):
    """A member of the office puts a link in the place of the target's directory: the restore is refused, and nothing is made anywhere."""
    source = Paths([str(office)], assigned=[str(office)])
    bench.make(source)
    (office / "destino").mkdir()
    extract = paths._extract

    def slow(reader, directory):
        if not (office / "destino").is_symlink():
            (office / "destino").rename(office / "escondido")
            (office / "destino").symlink_to(office.parent / "other")
        return extract(reader, directory)

    monkeypatch.setattr(paths, "_extract", slow)
    with bench.open() as copy, pytest.raises(BackupError) as caught:
        source.restore(copy, str(office / "destino" / "vuelta"), False)
    assert caught.value.fault.name == "assigned_path_changed"
    assert sorted(os.listdir(office.parent / "other")) == ["secreto.txt"]
    assert os.listdir(office / "escondido") == []


def test_a_restore_where_the_assigned_path_is_gone(bench, office, tmp_path):
    source = Paths([str(office)], assigned=[str(office)])
    bench.make(source)
    office.rename(tmp_path / "office-2025")
    with bench.open() as copy, pytest.raises(BackupError) as caught:
        source.restore(copy, str(office / "vuelta"), False)
    assert caught.value.fault.name == "assigned_path_changed" and "office-2025" in caught.value.message
    assert not office.exists()


def guard(task, manifest):
    """The guard of a restore, of a copy of the task's kind whose manifest tells that, read by the source that the manifest names."""
    opened = kind_of(task.slot.kind)(task.slot, None)
    opened.manifest = manifest
    restoring._guard_target(task, opened, {"paths": Paths, "restic": Files}[manifest["source"]["type"]](["/srv/x"]), "/srv/x")


@pytest.mark.parametrize(("told", "refused"), [
    ({}, False), ({"kind": "file_server"}, True), ({"system": "OTRO"}, True), ({"source": {"type": "restic", "facts": {"real_paths": ["/srv/rrhh"]}}}, True)])
def test_the_kind_is_the_tasks_and_not_what_the_manifest_says(told, refused):
    """S10: the guard of the offices asked the manifest's kind, which the server that made the copy wrote."""
    class Task:
        slot = Slot("source_code", "SIGA", "SIGA_20261121")
        params = {"assigned_paths": [], "restore_paths": [], "offices": {}}

    manifest = dict({"kind": "source_code", "system": "SIGA", "source": {"type": "paths", "facts": {}}}, **told)
    if not refused:
        return guard(Task, manifest)
    with pytest.raises(BackupError) as caught:
        guard(Task, manifest)
    assert caught.value.code == "RSP451"


def test_a_copy_of_a_file_server_without_its_folders_is_not_let_past_the_guard():
    class Task:
        slot = Slot("file_server", "RRHH", "RRHH_20261121")
        params = {"assigned_paths": ["/srv"], "restore_paths": [], "offices": {}}

    with pytest.raises(BackupError) as caught:
        guard(Task, {"kind": "file_server", "system": "RRHH", "source": {"type": "restic", "facts": {}}})
    assert caught.value.fault.name == "manifest_unreadable"
