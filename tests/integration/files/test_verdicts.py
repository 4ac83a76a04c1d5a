# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Good means that it comes back, damaged that it doesn't; what this place is to blame for is said of no copy. Cases of public reports."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import subprocess
import time

import pytest
from _engine.copies import making, publishing
from _engine.copies.incremental import backup as files_backup
from _engine.copies.streamed import StreamedCopy
from _engine.filesystem import room
from _engine.processes import workspace
from _engine.processes.programs import private_directory
from _engine.sources import paths as paths_module
from _engine.sources import trees
from _engine.sources.paths import Paths
from conftest import PASSWORD, BackupError, Keys, Local, Order, Slot, flip, repository_places, restic

DAMAGED = ("RSP501", "RSP502", "RSP503", "RSP504", "RSP405")     # _tasks/base.py: FOUND_AT


@contextlib.contextmanager
def mounted(path, size, *options):
    path.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join(["size={0}".format(size), *options]), "tmpfs", str(path)], check=True)
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", str(path)], check=False)


def latin(path, name):
    return pathlib.Path(os.fsdecode(os.fsencode(str(path)) + b"/" + name))


class Plain:
    """Copies of a directory by tar."""

    def __init__(self, top):
        self.top = top
        self.assigned = [str(top)]
        self.folder = top / "fuente"
        self.folder.mkdir()
        self.medium, self.slot = Local("disco", str(top / "m"), True), Slot("source_code", "SIGA", "SIGA_20261121")

    def source(self, **options):
        return Paths([str(self.folder)], assigned=self.assigned, **options)

    def make(self):
        made = making.make(Order(self.slot, keys=Keys(PASSWORD)), self.source(), [self.medium])
        publishing.publish(self.slot, made.digest, [self.medium])

    def opened(self):
        return StreamedCopy(self.slot, self.medium, Keys(PASSWORD))

    def restore(self, target, **options):
        source = self.source(**options)
        with self.opened() as opened:
            source.restore(opened, str(target), False)
        return source.remarks()


@pytest.fixture
def plain(tmp_path):
    return Plain(tmp_path)


def rehearsed(one, scratch):
    """The error of a rehearsal in a directory, and what it remarked."""
    source = one.source()
    with one.opened() as opened, private_directory(str(scratch)) as inside:
        try:
            source.rehearse(opened, inside)
        except BackupError as error:
            return error, source.remarks()
    return None, source.remarks()


@pytest.mark.root
@pytest.mark.parametrize("kind", ["share", "plain"])
def test_no_room_says_nothing_of_a_copy(kind, share, plain):
    """Cases 2 and 17: timeshift#864, restic#79."""
    one = share if kind == "share" else plain
    (one.folder / "grande").write_bytes(os.urandom(6 << 20))
    one.make()
    with mounted(one.top / "poco", "4m") as scratch:
        error, _remarks = rehearsed(one, scratch)
        assert error.code == "RSP510" and str(scratch) in error.message
        with pytest.raises(BackupError) as refused:
            one.assigned.append(str(scratch))
            one.restore(scratch / "vuelta")
        assert refused.value.code == "RSP456" and str(scratch) in refused.value.message
        assert os.listdir(scratch) == []
    assert rehearsed(one, one.top)[0] is None


@pytest.mark.root
def test_a_place_that_fills_while_it_is_written_is_named_and_no_copy_blamed(share, plain, monkeypatch):
    asked = room.free
    for one in (share, plain):
        (one.folder / "grande").write_bytes(os.urandom(6 << 20))
        one.make()
        with mounted(one.top / "poco", "4m") as scratch:
            monkeypatch.setattr(room, "free", lambda _directory: 1 << 40)      # others fill it after it was looked at
            error, _remarks = rehearsed(one, scratch)
            monkeypatch.setattr(room, "free", asked)
            assert error.code == "RSP510" and str(scratch) in error.message, error.message


def test_odd_times_and_modes_come_back_or_are_told(share):
    """Cases 3 and 4: restic#2174, #705, #1173, #546."""
    for name, when in (("lejos", 10413792000), ("antes", -2208988800), ("hoy", 1700000000)):
        (share.folder / name).write_text(name)
        os.utime(share.folder / name, (when, when))
    (share.folder / "cerrada").write_text("modo 000")
    (share.folder / "cerrada").chmod(0)
    share.make()
    error, remarks = rehearsed(share, share.top)
    held = os.stat(share.folder / "lejos").st_mtime == 10413792000       # ext4 with small inodes can't
    assert error is None and bool(remarks) == held and all("lejos" in row and "another time" in row for row in remarks)
    target = share.top / "compartido" / "vuelta"
    share.restore(target)
    assert (target / "lejos").read_text() == "lejos" and (target / "cerrada").stat().st_mode & 0o777 == 0
    assert (target / "antes").stat().st_mtime == os.stat(share.folder / "antes").st_mtime < 0      # as far back as the file system holds it


def test_a_tree_a_thousand_levels_deep_is_counted_and_removed(tmp_path):
    """Case 5: borg#380. What a rehearsal looks at and removes; restic itself takes half a minute for such a tree."""
    with private_directory(str(tmp_path)) as top:
        held = os.open(top, os.O_RDONLY)
        for _level in range(1100):
            os.mkdir("d", dir_fd=held)
            inner = os.open("d", os.O_RDONLY, dir_fd=held)
            os.close(held)
            held = inner
        os.close(held)
        assert trees._count(top) == 1101
    assert os.listdir(tmp_path) == [] and not [row for row in workspace.remarks() if str(tmp_path) in row]


@pytest.mark.root
def test_a_disk_that_is_unmounted_meanwhile_makes_no_copy(share, monkeypatch):
    """Case 6: nextcloud aio#4005."""
    share.assigned.append(str(share.folder))
    with mounted(share.folder, "60m"):
        for number in range(40):
            (share.folder / str(number)).write_bytes(os.urandom(1000))
        listed = files_backup._mounted_in

        def unmounted(living):
            found = listed(living)
            monkeypatch.setattr(files_backup, "_mounted_in", listed)
            subprocess.run(["umount", "-l", str(share.folder)], check=True)      # after it was looked at, before restic begins
            return found

        monkeypatch.setattr(files_backup, "_mounted_in", unmounted)
        with pytest.raises(BackupError) as refused:
            share.make()
    assert refused.value.code == "RSP203" and "mounted" in refused.value.message and share.labels() == [] and share.snapshots() == []


@pytest.mark.root
def test_what_comes_back_has_no_rights_of_the_place(share):
    """Case 10: backrest#792."""
    subprocess.run(["setfacl", "-m", "g:5001:rwx,d:g:5001:rwx,o::---", str(share.folder)], check=True)
    secret = share.folder / "reservado"
    secret.write_text("secreto")
    inner = share.folder / "carpeta"
    inner.mkdir()
    for path, mode in ((secret, 0o640), (inner, 0o750)):
        subprocess.run(["setfacl", "-b", "-k", str(path)] if path.is_dir() else ["setfacl", "-b", str(path)], check=True)
        path.chmod(mode)
    share.make()
    share.restore(share.folder / "vuelta")
    share.restore(share.folder / "otra", ["reservado", "carpeta"])
    for top in (share.folder / "vuelta", share.folder / "otra"):
        for name in ("reservado", "carpeta"):
            assert [each for each in os.listxattr(top / name) if "acl" in each] == [], name
    assert "system.posix_acl_default" in os.listxattr(share.folder / "vuelta"), "the folder's own is as it was copied"


@pytest.mark.root
def test_attributes_of_every_namespace_come_back_by_tar(plain):
    """Case 12: GNU tar brings back only user.* by itself."""
    path = plain.folder / "hoja"
    path.write_text("uno")
    os.setxattr(path, "security.NTACL", b"\4\0ntacl")
    os.setxattr(path, "trusted.marca", b"x")
    os.setxattr(path, "user.nota", b"acta")
    subprocess.run(["setfacl", "-m", "u:5001:rw", str(path)], check=True)
    plain.make()
    plain.restore(plain.top / "vuelta")
    back = plain.top / "vuelta" / "hoja"
    for name in ("security.NTACL", "user.nota", "system.posix_acl_access"):
        assert os.getxattr(back, name) == os.getxattr(path, name)
    assert "trusted.marca" not in os.listxattr(back)      # acts with rights: restore_special brings it
    plain.restore(plain.top / "todo", special=True)
    assert os.getxattr(plain.top / "todo" / "hoja", "trusted.marca") == b"x"


def test_a_file_without_blocks_that_holds_data_is_read(plain, monkeypatch):
    """Case 13: what find tells (blocks, path) is as file systems in user space do; a true hole stays one."""
    (plain.folder / "hueco").write_bytes(b"")
    os.truncate(plain.folder / "hueco", 8 << 20)
    assert not paths_module._blockless([str(plain.folder)], False)
    (plain.folder / "datos").write_bytes(os.urandom(5000))
    assert paths_module._holds_data(os.fsencode(plain.folder / "datos")) and not paths_module._holds_data(os.fsencode(plain.folder / "hueco"))
    monkeypatch.setattr(paths_module, "_holds_data", lambda path: path.endswith(b"hueco"))
    assert paths_module._blockless([str(plain.folder)], False)
    source = plain.source()
    source.preflight()
    source.without_holes = True
    assert "--sparse" not in source._argv("/")


def test_names_that_are_no_utf8_are_compared_as_restic_tells_them(share):
    """Case 14: restic#3311."""
    (share.folder / "l").symlink_to(os.fsdecode(b"A\xf1o"))
    (share.folder / "bien").symlink_to("Año")
    torn = latin(share.folder, b"v\xeddeo")
    torn.write_text("uno")
    made = share.make()
    told = [row for row in made.fields["warnings"] if "UTF-8" in row]
    assert len(told) == 1 and "1 links" in told[0] and "/l" in told[0]
    assert files_backup.told_as(os.fsdecode(b"\xe2\x82")) == "\ufffd\ufffd"       # byte by byte, as Go does

    class Told:
        def __init__(self, ctime):
            self.restic, self.ctime = self, ctime

        def nodes(self, _snapshot, visit, _paths):
            visit({"path": files_backup.told_as(str(torn)), "ctime": self.ctime})

    with pytest.raises(BackupError) as changed:
        files_backup._changed_while_read(Told("2026-11-28T00:00:00Z"), "", [str(torn)], 1, share.source(changed_files="fail"))
    assert changed.value.code == "RSP203"


def test_what_restic_says_with_status_0_is_told(share, monkeypatch):
    """Case 15: restic#1736, #4929."""
    call = restic.Restic._run

    def saying(self, arguments, *rest, **more):
        ended = call(self, arguments, *rest, **more)
        return ended._replace(errors="error: can not obtain extended attribute user.ñ for /s/a: input/output error") if arguments[0] == "backup" else ended

    monkeypatch.setattr(restic.Restic, "_run", saying)
    assert [row for row in share.make().fields["warnings"] if "extended attribute user.ñ" in row]
    monkeypatch.undo()
    assert share.make().fields["warnings"] == []


@pytest.mark.root
@pytest.mark.parametrize("how", ["ro", "full"])
def test_a_medium_that_takes_no_lock_is_read_all_the_same(share, how):
    """Case 17: restic#318, #1597."""
    medium = share.media[0]
    with mounted(share.top / "disco", "24m"):
        shutil.copytree(share.top / "nas", share.top / "disco" / "nas")
        medium.path = str(share.top / "disco" / "nas")
        share.make()
        if how == "ro":
            subprocess.run(["mount", "-o", "remount,ro", str(share.top / "disco")], check=True)
        else:
            with contextlib.suppress(OSError), open(share.top / "disco" / "lleno", "wb", buffering=0) as file:
                while True:
                    file.write(bytes(4096))
        began = time.monotonic()
        with share.opened() as opened:
            opened.verify_structure(share.source())
        share.restore(share.top / "compartido" / "vuelta")
        assert (share.top / "compartido" / "vuelta" / "planilla.csv").exists()
        assert time.monotonic() - began < 45      # restic alone tries for that long to write a lock


def test_a_damaged_cache_damages_no_copy(share, monkeypatch):
    """Case 11: restic#4466."""
    share.make()
    cache = share.top / "cache"
    monkeypatch.setattr(repository_places.LocalPlace, "access", lambda self: restic.Access(self.path, cache=str(cache)))
    with share.opened() as opened:
        opened.verify_structure(share.source())
    for place in ("snapshots", "index", "data"):
        (kept,) = [path for path in cache.glob("*/" + place) if path.is_dir()]
        victims = [path for path in kept.rglob("*") if path.is_file()]
        assert victims, place
        for path in victims:
            flip(path)
        with share.opened() as opened:
            opened.unlock()
            names = []
            opened.nodes(lambda node: names.append(node["path"]))
        assert len(names) == len(set(names)) and str(share.folder / "planilla.csv") in names
        assert "was damaged and was removed" in " ".join(workspace.remarks()) and not kept.exists()
        with share.opened() as opened:
            opened.verify_structure(share.source())      # fills it again
    flip(share.packs()[0])
    flip(share.packs()[-1])
    with share.opened() as opened, pytest.raises(BackupError) as damaged:
        opened.subsets = ["1/1"]
        opened.verify_structure(share.source())
    assert damaged.value.code in DAMAGED


def test_a_medium_in_what_is_copied_is_refused(share, plain):
    """Case 23."""
    share.media = [Local("dentro", str(share.folder / "copias"), True)]
    with pytest.raises(BackupError) as refused:
        share.make()
    assert refused.value.code == "RSP101" and "lies in what is copied" in refused.value.message and not (share.folder / "copias").exists()
    plain.medium = Local("dentro", str(plain.folder), True)
    with pytest.raises(BackupError) as refused:
        plain.make()
    assert refused.value.code == "RSP101"


@pytest.mark.root
def test_an_overwriting_restore_that_stops_is_undone_whole_and_can_be_repeated(share):
    """Case 18: what was replaced stayed replaced, and a second try was refused."""
    (share.folder / "carpeta").mkdir()
    (share.folder / "carpeta" / "f").write_text("1")
    (share.folder / "contrato.txt").write_text("uno")
    share.make()
    (share.folder / "carpeta" / "f").write_text("hoy")
    wanted, before = ["contrato.txt", "carpeta"], sorted(os.listdir(share.folder))
    subprocess.run(["chattr", "+i", str(share.folder / "contrato.txt")], check=True)
    try:
        with pytest.raises(BackupError) as stopped:
            share.restore(share.folder, wanted, overwrite=True)
    finally:
        subprocess.run(["chattr", "-i", str(share.folder / "contrato.txt")], check=True)
    assert stopped.value.code == "RSP602" and (share.folder / "carpeta" / "f").read_text() == "hoy" and sorted(os.listdir(share.folder)) == before
    share.restore(share.folder, wanted, overwrite=True)
    assert (share.folder / "carpeta" / "f").read_text() == "1" and (share.folder / "carpeta.before_RRHH_20261101" / "f").read_text() == "hoy"


def test_a_copy_of_far_fewer_files_is_told(share):
    """Case 6: a disk that is not mounted from the start leaves a good copy of what lies in its mount point."""
    for number in range(6):
        (share.folder / str(number)).write_text("x")
    assert share.make().fields["warnings"] == []
    for number in range(6):
        (share.folder / str(number)).unlink()
    assert [row for row in share.make().fields["warnings"] if "2 files were copied, the last copy RRHH_20261101 has 8" in row]


def test_files_that_a_synchroniser_left_in_a_repository_damage_no_copy(share):
    """restic takes a whole name for the beginning of names: with a second file beside a snapshot's it lists nothing, with status 0."""
    share.make()
    for part in ("keys", "data", "index", "config", "snapshots"):
        room = share.repository / part
        victim = room if part == "config" else next(path for path in room.rglob("*") if path.is_file())
        left = victim.with_name(victim.name + " (copia en conflicto de PC-ANA)")
        shutil.copy(victim, left)
    with share.opened() as opened:
        with pytest.raises(BackupError) as hidden:
            opened.verify_structure(share.source())
        assert hidden.value.code == "RSP428" and hidden.value.code not in DAMAGED and left.name[:8] in hidden.value.message
    with pytest.raises(BackupError) as hidden:
        share.restore(share.top / "compartido" / "vuelta")
    assert hidden.value.code == "RSP428"
    left.unlink()
    with share.opened() as opened:
        opened.verify_structure(share.source())
    share.restore(share.top / "compartido" / "vuelta")
    assert (share.top / "compartido" / "vuelta" / "planilla.csv").exists()


@pytest.mark.parametrize("kind", ["share", "plain"])
def test_what_people_named_as_our_scratch_stays(kind, share, plain):
    """Case 1: a restore beside a folder, and one over a file of it, removed what was named so."""
    one = share if kind == "share" else plain
    names = [".respaldo-2025", ".respaldo-0123456789abcdef"]
    for name in names:
        (one.folder / name).mkdir(mode=0o700)
        (one.folder / name / "unico").write_text("unico")
        os.utime(one.folder / name, (1, 1))
    one.make()
    one.restore(one.folder / "vuelta")
    if one is share:
        one.restore(one.folder, ["planilla.csv"], overwrite=True)
    assert [(one.folder / name / "unico").read_text() for name in names] == ["unico"] * 2


def test_archived_files_of_a_repository_are_told(share, monkeypatch):
    """Case 21: restic#3202. What reads them is refused as RSP415 (test_restic.py)."""
    monkeypatch.setattr(repository_places.LocalPlace, "remarks", lambda self: ["3 files are archived"])
    assert "3 files are archived" in share.make().fields["warnings"]
