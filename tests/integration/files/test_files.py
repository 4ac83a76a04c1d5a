# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies of a file server by a real restic: what comes back, and what happens when something fails."""

from __future__ import annotations

import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback

import pytest
from _engine.copies import publishing
from _engine.copies.incremental import backup as files_backup
from _engine.copies.incremental import making as files_making
from _engine.copies.incremental import pruning as files_pruning
from _engine.copies.incremental.reading import PartialCopy, SnapshotCopy
from _engine.processes.programs import private_directory
from conftest import PASSWORD, BackupError, Keys, Local, Share, Slot, flip, repositories, repository_places, restic, second_key, shape

HERE = pathlib.Path(__file__).resolve()


def odd_tree(top):
    """Names and things that copies are known to lose."""
    (top / "enlace").symlink_to("planilla.csv")
    (top / "roto").symlink_to("/no/existe")
    os.link(top / "planilla.csv", top / "legajos" / "la misma.csv")
    (top / "línea\nnueva").write_text("con salto\n")
    (top / ("ñ" * 127)).write_text("nombre largo\n")
    (top / "comillas '\" y *[x]?\\").mkdir()
    (top / "comillas '\" y *[x]?\\").chmod(0o2770)
    (top / "comillas '\" y *[x]?\\" / "vacío").touch(mode=0o640)
    pathlib.Path(os.fsdecode(os.fsencode(str(top)) + b"/latin1-\xf1.txt")).write_text("no es UTF-8\n")
    os.mkfifo(top / "tubería")
    with open(top / "dispersa.img", "wb") as sparse:
        sparse.truncate(8 << 20)
        sparse.seek(4 << 20)
        sparse.write(b"en medio")
    os.utime(top / "planilla.csv", ns=(1_500_000_000_123_456_789, 1_500_000_000_123_456_789))
    os.setxattr(top / "planilla.csv", "user.origen", b"mesa de partes")
    if os.geteuid() == 0:
        subprocess.run(["setfacl", "-m", "u:nobody:rw,g:nogroup:r", str(top / "planilla.csv")], check=True)
        subprocess.run(["setfacl", "-d", "-m", "u:nobody:rwx", str(top / "legajos")], check=True)
        os.chown(top / "legajos" / "ñandú.txt", 65534, 65534)


@pytest.mark.from_nothing
def test_each_point_comes_back_as_it_was_with_all_metadata(share):
    odd_tree(share.folder)
    first = shape(share.folder)
    made = share.make()
    assert made.fields["trust_level"] == "T2" and made.fields["files_new"] == made.fields["objects"] == 8
    (share.folder / "legajos" / "ñandú.txt").write_text("dos\n", "utf-8")
    (share.folder / "planilla.csv").unlink()
    (share.folder / "nuevo").mkdir()
    second = shape(share.folder)
    made = share.make()
    # the other name of the removed file lost a link
    assert (made.fields["files_new"], made.fields["files_changed"], made.fields["files_unmodified"]) == (0, 2, 5)
    for label, then in (("RRHH_20261101", first), ("RRHH_20261102", second)):
        restored = share.restore(share.top / "compartido" / label, label=label)
        assert shape(share.top / "compartido" / label) == then
        assert restored["kept"] == ""
    with share.opened() as opened, private_directory(str(share.top)) as scratch:
        source = share.source()
        assert source.rehearse(opened, scratch) == ["restic_restore_verify", "tree_compare"]
        assert source.compare(opened, scratch) == ["source_files"]


def test_a_copy_opens_with_stock_tools_by_the_manifest(share, holder):
    share.public_keys = [holder[0]]
    share.make()
    directory = pathlib.Path(share.media[0].location(share.slot()))
    manifest = json.loads((directory / (share.slot().label + ".json")).read_text("utf-8"))
    assert [row for row in manifest["restore"] if row.startswith("gpg --decrypt")]
    for line in manifest["restore"]:
        if not line.startswith("gpg"):
            subprocess.run(["sh", "-ec", line], cwd=directory, check=True, capture_output=True,
                           env={**os.environ, "RESTIC_PASSWORD": PASSWORD, "TARGET": str(share.top / "salida"), "HOME": str(share.top)})
    assert shape(str(share.top / "salida") + str(share.folder)) == shape(share.folder)


def test_one_file_and_one_folder_come_back_beside_or_in_place_and_nothing_is_lost(share):
    odd_tree(share.folder)
    share.make()
    wanted = share.folder / "comillas '\" y *[x]?\\" / "vacío"
    (share.folder / "línea\nnueva").write_text("más nuevo\n")
    shutil.rmtree(share.folder / "legajos")

    with share.opened() as opened:
        target = share.source().default_target(opened.manifest)
    assert target == str(share.folder / "_restaurado_RRHH_20261101")
    # one that lies in another is brought by it
    told = share.restore(target, [str(wanted), "legajos/ñandú.txt", "legajos", "legajos"])
    assert sorted(told["restored"]) == sorted([target + "/legajos", target + "/comillas '\" y *[x]?\\/vacío"])
    assert (pathlib.Path(target) / "legajos" / "ñandú.txt").read_text("utf-8") == "uno\n"
    # the folder that leads to the file has the mode it had
    assert os.stat(target + "/comillas '\" y *[x]?\\").st_mode & 0o7777 == 0o2770

    with pytest.raises(BackupError) as refused:
        share.restore(share.folder, ["línea\nnueva"])
    assert refused.value.code == "RSP601" and (share.folder / "línea\nnueva").read_text() == "más nuevo\n"
    told = share.restore(share.folder, ["línea\nnueva", "legajos"], overwrite=True)
    assert (share.folder / "línea\nnueva").read_text() == "con salto\n"
    assert (share.folder / "línea\nnueva.before_RRHH_20261101").read_text() == "más nuevo\n" and told["kept"].endswith(".before_RRHH_20261101")
    assert (share.folder / "legajos" / "la misma.csv").exists()
    assert not [name for name in os.listdir(share.folder) if name.startswith(".respaldo")]

    for missing in (["no existe.txt"], ["legajos", "legajos/no existe.txt"]):
        with pytest.raises(BackupError) as refused:
            share.restore(share.folder, missing, overwrite=True)
        assert refused.value.code == "RSP201"
    for outside in ("/etc/passwd", "../otro", str(share.folder) + "2/x"):
        with pytest.raises(BackupError) as refused:
            share.restore(share.folder, [outside])
        assert refused.value.code == "RSP101", outside
    with pytest.raises(BackupError) as refused:
        share.restore(share.top / "fuera", ["planilla.csv"])
    assert refused.value.code == "RSP102"


def test_a_share_comes_back_whole_in_place_only_when_told_and_keeps_what_was_there(share):
    before = shape(share.folder)
    share.make()
    (share.folder / "planilla.csv").write_text("cifrado por otro\n")
    with pytest.raises(BackupError) as refused:
        share.restore(share.folder)
    assert refused.value.code == "RSP601"
    told = share.restore(share.folder, overwrite=True)
    assert shape(share.folder) == before
    assert pathlib.Path(told["kept"], "planilla.csv").read_text() == "cifrado por otro\n"


@pytest.mark.root
def test_what_can_not_be_read_makes_a_partial_copy_that_is_told_and_kept_aside():
    # not below pytest's own directory, where another account may not go
    with tempfile.TemporaryDirectory() as top:
        os.chmod(top, 0o711)
        partial_and_then_good(Share(pathlib.Path(top)))


def partial_and_then_good(share):
    (share.folder / "secreto.txt").write_text("solo de su dueño\n")
    (share.folder / "cerrado").mkdir(mode=0o700)
    (share.folder / "secreto.txt").chmod(0o600)
    (share.top / "nas").mkdir()
    shutil.chown(share.top / "nas", "nobody", "nogroup")
    share.days += 1
    result = share.top / "nas" / "told"
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            try:
                files_making.make(share.order(share.slot()), share.source(), share.media)
                told = {"code": ""}
            except BackupError as error:
                told = dict(error.details, code=error.code, message=error.message)
            except Exception:
                told = {"code": traceback.format_exc()}
            result.write_text(json.dumps(told))
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    told = json.loads(result.read_text())
    assert told["code"] == "RSP220" and told["unread_count"] == 2, told
    assert sorted(told["unread"]) == [str(share.folder / "cerrado"), str(share.folder / "secreto.txt")]
    assert not share.labels() and len(share.snapshots()) == 1

    with PartialCopy(share.slot(), share.media[0], Keys(PASSWORD), "RRHH") as partial:
        share.source().restore(partial, str(share.top / "compartido" / "parcial"), False)
    assert (share.top / "compartido" / "parcial" / "planilla.csv").exists() and not (share.top / "compartido" / "parcial" / "secreto.txt").exists()

    # as root all can be read: a good copy, after which the partial one may go
    made = share.make()
    assert made.fields["objects"] == 3 and len(share.snapshots()) == 2
    with share.media[0].lock(share.slot(), 0):
        files_pruning.prune(share.slot(), share.media[0], made.manifest, PASSWORD)
    assert len(share.snapshots()) == 1 and share.labels() == ["RRHH_20261102"]


def test_files_deleted_meanwhile_are_told_and_those_that_are_there_are_unread(tmp_path):
    (tmp_path / "hay").touch()
    pathlib.Path(os.fsdecode(os.fsencode(str(tmp_path)) + b"/mal\xf1nombre")).touch()
    there, gone = [str(tmp_path / "hay"), str(tmp_path / "mal\ufffdnombre")], [str(tmp_path / "no hay"), str(tmp_path / "no\ufffdhay")]
    assert files_backup._judge_problems(there + gone, [str(tmp_path)]) == (there, gone)
    assert files_backup._judge_problems([str(tmp_path / "no hay")], []) == ([str(tmp_path / "no hay")], []), "a frozen folder loses nothing meanwhile"


def test_a_file_that_changes_while_it_is_read_is_told_or_refused(share):
    with open(share.folder / "buzón.pst", "wb") as big:
        for _block in range(96):
            big.write(os.urandom(1 << 20))
    done = threading.Event()

    def write():
        with open(share.folder / "buzón.pst", "r+b", buffering=0) as file:
            while not done.is_set():
                file.seek(0)
                file.write(os.urandom(512))
                time.sleep(0.01)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        made = share.make()
        with pytest.raises(BackupError) as refused:
            share.make(changed_files="fail")
    finally:
        done.set()
        writer.join()
    assert [row for row in made.fields["warnings"] if "buzón.pst" in row and "changed while or after" in row]
    assert refused.value.code == "RSP203" and "buzón.pst" in refused.value.message
    assert share.labels() == ["RRHH_20261101"] and len(share.snapshots()) == 1
    # at rest nothing is told, although its last change is younger than the former copy
    assert share.make().fields["warnings"] == []


def test_a_damaged_pack_is_found_by_verification_named_and_no_copy_is_called_good_over_it(share):
    share.make()
    damaged = share.packs()[0]
    flip(damaged)
    with share.opened() as opened:
        opened.subsets = ["1/1"]
        with pytest.raises(BackupError) as found:
            opened.verify_structure(share.source())
    assert found.value.code == "RSP502" and damaged.name in found.value.message
    with pytest.raises(BackupError) as found:
        share.make()
    assert found.value.code == "RSP501" and damaged.name in found.value.message
    assert share.labels() == ["RRHH_20261101"]


def test_a_snapshot_that_restic_says_to_have_forgotten_and_has_not_is_told(share, monkeypatch):
    """restic from 0.17 on ends with 0 where it could not remove a snapshot (restic 5233); the one of here says so, so its status is hidden."""
    share.make()
    (share.folder / "nuevo").write_bytes(b"mas")
    kept = share.make()
    share.media[0].remove(share.slot("RRHH_20261101"), "")
    really = restic.Restic.call

    def call(program, arguments, *others, **named):
        return None if arguments[0] == "forget" else really(program, arguments, *others, **named)

    monkeypatch.setattr(restic.Restic, "call", call)
    with share.media[0].lock(share.slot(), 0), pytest.raises(BackupError) as stays:
        files_pruning.prune(share.slot(), share.media[0], kept.manifest, PASSWORD)
    assert stays.value.code == "RSP468" and len(share.snapshots()) == 2 and share.labels() == ["RRHH_20261102"]
    monkeypatch.undo()
    with share.media[0].lock(share.slot(), 0):
        files_pruning.prune(share.slot(), share.media[0], kept.manifest, PASSWORD)
    assert len(share.snapshots()) == 1


def test_a_pack_that_is_gone_stops_further_copies_and_one_pruned_by_hand_does_not(share):
    share.make()
    (share.folder / "nuevo").write_bytes(os.urandom(90_000))
    share.make()
    share.restic("forget", "--quiet", share.restic("snapshots", "--json").stdout.split('"short_id":"')[2][:8])
    share.restic("prune", "--quiet")
    share.media[0].remove(share.slot("RRHH_20261102"), "")
    assert share.make().fields["trust_level"] == "T2"
    max(share.packs(), key=lambda pack: pack.stat().st_size).unlink()      # of data: one of folders restic seeks for most of a minute
    with pytest.raises(BackupError) as lost:
        share.make()
    assert lost.value.code == "RSP502" and "missing" in lost.value.message
    assert share.labels() == ["RRHH_20261101", "RRHH_20261103"]


def test_the_rotation_reads_all_data_in_its_parts(share):
    for number in range(3):
        (share.folder / "f{0}".format(number)).write_bytes(os.urandom(100_000))
        share.make()
    damaged = next(pack for pack in share.packs() if pack.stat().st_size > 50_000)     # of data: a pack of trees is read by each part
    flip(damaged)
    found = []
    for part in range(1, 4):
        with share.opened() as opened:
            opened.subsets = ["{0}/3".format(part)]
            try:
                assert "restic_data {0}/3".format(part) in opened.verify_structure(share.source())
            except BackupError as error:
                found.append((part, error.code))
    assert found == [(int(damaged.name[:2], 16) % 3 + 1, "RSP502")]


def test_bytes_that_the_medium_gives_back_otherwise_make_no_copy_and_leave_no_trap(share, monkeypatch):
    share.make()
    (share.folder / "nuevo.bin").write_bytes(os.urandom(50_000))
    honest = repositories.LocalPlace.digests

    def worn_out(place, names):
        names = list(names)
        flip(os.path.join(place.path, next(name for name in names if name.startswith("data/"))))
        return honest(place, names)

    monkeypatch.setattr(repositories.LocalPlace, "digests", worn_out)
    with pytest.raises(BackupError) as failed:
        share.make()
    assert failed.value.code == "RSP501" and "/data/" in failed.value.message
    assert share.labels() == ["RRHH_20261101"] and len(share.snapshots()) == 1
    monkeypatch.undo()
    share.make()
    assert "no errors were found" in share.restic("check", "--read-data").stdout
    share.restore(share.top / "compartido" / "otra")
    assert shape(share.top / "compartido" / "otra") == shape(share.folder)


def test_the_second_key_opens_the_copies_when_the_first_is_lost(share, holder):
    share.public_keys = [holder[0]]
    made = share.make()
    again = share.make()
    # the same second key goes with each copy while its holders are the same
    assert [row["size"] for row in made.manifest["parts"]] == [row["size"] for row in again.manifest["parts"]]
    assert made.manifest["restic"]["second_key"] == again.manifest["restic"]["second_key"] and len(list((share.repository / "keys").iterdir())) == 2
    for label in share.labels():
        share.restore(share.top / "compartido" / label, label=label, keys=Keys("", private_keys=(holder[1],)))
        assert shape(share.top / "compartido" / label) == shape(share.folder)
    with share.opened(keys=Keys("otra clave")) as opened, pytest.raises(BackupError) as wrong:
        opened.unlock()
    assert wrong.value.code == "RSP802"
    with share.opened(keys=Keys("")) as opened, pytest.raises(BackupError) as needed:
        opened.unlock()
    assert needed.value.code == "RSP803"


def test_locks_of_dead_runs_are_removed_and_living_ones_respected(share, monkeypatch):
    made = share.make()
    environment = {**os.environ, "RESTIC_PASSWORD": PASSWORD, "HOME": str(share.top)}

    def hold():
        holding = subprocess.Popen(["restic", "--no-cache", "-r", str(share.repository), "backup", "--stdin"], env=environment,
                                   stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        holding.stdin.write(b"algo\n")
        holding.stdin.flush()
        for _attempt in range(200):
            if any("-tmp-" not in path.name for path in (share.repository / "locks").iterdir()):
                return holding
            time.sleep(0.05)
        raise AssertionError("restic took no lock")

    living = hold()
    monkeypatch.setattr(restic, "PATIENCE", 1)
    with share.media[0].lock(share.slot(), 0), pytest.raises(BackupError) as busy:
        files_pruning.prune(share.slot(), share.media[0], made.manifest, PASSWORD)
    assert busy.value.code == "RSP430"
    monkeypatch.undo()

    # it is waited for: what comes next is not told "locked" only because the other needs some seconds more
    ending = threading.Timer(3, living.stdin.close)
    ending.start()
    with share.media[0].lock(share.slot(), 0):
        files_pruning.prune(share.slot(), share.media[0], made.manifest, PASSWORD)
    ending.join()
    assert living.wait(10) == 0 and not list((share.repository / "locks").iterdir())

    # and one that dies while it is waited for leaves a lock that goes
    living = hold()

    def die():
        living.kill()
        living.wait()      # one that nobody waits for is still there for whoever asks

    ending = threading.Timer(3, die)
    ending.start()
    with share.media[0].lock(share.slot(), 0):
        files_pruning.prune(share.slot(), share.media[0], made.manifest, PASSWORD)
    ending.join()
    living.stdin.close()
    assert living.returncode == -signal.SIGKILL and not list((share.repository / "locks").iterdir())

    living = hold()
    living.kill()
    living.wait()
    living.stdin.close()
    assert len(list((share.repository / "locks").iterdir())) == 1
    with share.media[0].lock(share.slot(), 0):
        files_pruning.prune(share.slot(), share.media[0], made.manifest, PASSWORD)
    assert not list((share.repository / "locks").iterdir())


def test_a_dead_lock_does_not_hide_what_a_partial_run_kept(share):
    share.make()
    environment = {**os.environ, "RESTIC_PASSWORD": PASSWORD, "HOME": str(share.top)}
    program = ["restic", "--no-cache", "-r", str(share.repository)]
    subprocess.run([*program, "tag", "--quiet", "--add", "parcial", "latest"], env=environment, check=True)

    def locks():
        return [path for path in (share.repository / "locks").iterdir() if "-tmp-" not in path.name]

    for _attempt in range(50):      # an exclusive lock, which shuts readers out, of a run that is killed while it holds it
        dying = subprocess.Popen([*program, "prune"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while dying.poll() is None and not locks():
            time.sleep(0.001)
        dying.kill()
        dying.wait()
        if locks():
            break
    assert locks()
    with PartialCopy(share.slot(), share.media[0], Keys(PASSWORD), "RRHH") as partial:
        assert partial.manifest["source"]["facts"]["real_paths"] == [str(share.folder)]
    assert not locks()


def test_what_a_killed_restic_left_half_written_goes_after_a_day(share):
    made = share.make()
    place, day = share.repository / "data" / "ab", time.time() - 2 * 86400
    place.mkdir(exist_ok=True)
    for name, when in (("a" * 64 + "-tmp-123456", day), ("b" * 64 + "-tmp-7", time.time()), ("nota de una persona", day)):
        (place / name).write_text("a medias")
        os.utime(place / name, (when, when))
    with share.media[0].lock(share.slot(), 0):
        files_pruning.prune(share.slot(), share.media[0], made.manifest, PASSWORD)
    assert sorted(path.name for path in place.iterdir() if len(path.name) != 64) == ["b" * 64 + "-tmp-7", "nota de una persona"]


def test_on_another_server_too_only_what_restic_left_goes(share, server):
    far = server.medium(share.top / "lejos", create=True)
    try:
        place = repositories.on(far, "RRHH")
        place.sweep()      # where nothing is yet, nothing is to be done
        data, day = share.top / "lejos" / "file_server" / ".restic.RRHH" / "repositorio" / "data" / "ab", time.time() - 2 * 86400
        data.mkdir(parents=True)
        for name, when in (("a" * 64 + "-restic-temp-0f3a", day), ("b" * 64 + "-restic-temp-7", time.time()), ("nota-tmp-1", day), ("c" * 64, day)):
            (data / name).write_text("a medias")
            os.utime(data / name, (when, when))
        place.sweep()
        assert sorted(path.name for path in data.iterdir()) == ["b" * 64 + "-restic-temp-7", "c" * 64, "nota-tmp-1"]
    finally:
        far.close()


@pytest.mark.root
@pytest.mark.from_nothing
def test_a_full_medium_makes_no_copy_and_the_next_one_is_good(share):
    (share.top / "nas").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(share.top / "nas")], check=True)
    try:
        share.make()
        (share.folder / "grande").write_bytes(os.urandom(6 << 20))
        with pytest.raises(BackupError) as full:
            share.make()
        assert full.value.code == "RSP402", full.value.message
        assert share.labels() == ["RRHH_20261101"]
        subprocess.run(["mount", "-o", "remount,size=40m", str(share.top / "nas")], check=True)
        share.make()
        assert share.labels() == ["RRHH_20261101", "RRHH_20261103"] and len(share.snapshots()) == 2
        assert "no errors were found" in share.restic("check", "--read-data").stdout
    finally:
        subprocess.run(["umount", str(share.top / "nas")], check=True)


KILLED = """
import sys
sys.path.insert(0, {here!r})
from conftest import Share, Keys
import pathlib
share = Share.__new__(Share)
share.__dict__.update(top=pathlib.Path({top!r}), folder=pathlib.Path({top!r}) / "compartido" / "rrhh", public_keys=(), days={days}, assigned=[{top!r}])
from conftest import Local
share.media = [Local("nas", {top!r} + "/nas", True)]
print("begun", flush=True)
share.make()
print("made", flush=True)
"""


def test_killed_at_any_moment_nothing_stands_under_the_label_and_the_next_copy_is_good(share):
    share.make()
    chance = random.Random(7)
    ended = 0
    for round_ in range(6):
        (share.folder / "f{0}".format(round_)).write_bytes(os.urandom(300_000))
        running = subprocess.Popen([sys.executable, "-c", KILLED.format(here=str(HERE.parent), top=str(share.top), days=share.days)],
                                   stdout=subprocess.PIPE, text=True)
        assert running.stdout.readline() == "begun\n"
        time.sleep(chance.uniform(0.1, 3.5))
        running.send_signal(signal.SIGKILL)
        ended += "made" in running.stdout.read()
        running.wait()
        share.days += 1
        for label in share.labels():
            with share.opened(label) as opened:
                opened.verify_bytes()
    assert ended < 6
    share.make()    # restic was interrupted with its parent; it is waited for until it has removed its lock
    assert len(share.snapshots()) == len(share.labels())
    assert "no errors were found" in share.restic("check", "--read-data").stdout
    share.restore(share.top / "compartido" / "otra")
    assert shape(share.top / "compartido" / "otra") == shape(share.folder)


def test_links_go_as_links_and_a_share_that_leads_outside_is_refused(share):
    outside = share.top / "ajeno"
    outside.mkdir()
    (outside / "clave.txt").write_text("no es de aquí\n")
    (share.folder / "salida").symlink_to(outside)
    share.make()
    listed = share.restic("ls", "latest").stdout
    assert "salida" in listed and "clave.txt" not in listed
    shutil.move(share.folder, share.top / "movido")
    with pytest.raises(BackupError) as missing:
        share.make()
    assert missing.value.code == "RSP201"
    share.folder.symlink_to(outside)
    with pytest.raises(BackupError) as refused:
        share.make()
    assert refused.value.code == "RSP102" and "ajeno" in refused.value.message
    share.folder.unlink()
    share.folder.mkdir()
    empty = share.order(share.slot(), minimum_size=1)
    with pytest.raises(BackupError) as small:
        files_making.make(empty, share.source(), share.media)
    assert small.value.code == "RSP204"
    assert share.labels() == ["RRHH_20261101"] and len(share.snapshots()) == 1


@pytest.mark.from_nothing
def test_all_media_hold_the_same_tree_and_another_gets_it_by_transfer(share, server, monkeypatch):
    far = server.medium(share.top / "lejos", create=True)
    media = [share.media[0], far]
    monkeypatch.setattr(repository_places, "CACHE", str(share.top / "cache"))
    monkeypatch.setattr(repository_places, "STATE", str(share.top / "estado"))
    try:
        made = share.make(media=media)
        assert share.labels(far) == share.labels() == ["RRHH_20261101"]
        with share.opened(medium=far) as opened:
            assert opened.digest == made.digest
            assert "restic_check" in opened.verify_structure(share.source())
        share.restore(share.top / "compartido" / "otra", medium=far)
        assert shape(share.top / "compartido" / "otra") == shape(share.folder)

        third = Local("repositorio", str(share.top / "repositorio"), True)
        for label in share.labels():
            slot = share.slot(label)
            with share.opened(label) as known:
                digest = known.digest
            with SnapshotCopy(slot, far, Keys(PASSWORD), digest) as carried:
                note = carried.carry(third)
            assert publishing.publish(slot, digest, [third], {third.name: note})
        share.restore(share.top / "compartido" / "más", medium=third)
        assert shape(share.top / "compartido" / "más") == shape(share.folder)
        with share.opened(medium=third) as opened:
            opened.verify_structure(share.source())
    finally:
        far.close()


def test_the_second_key_opens_what_was_carried_elsewhere(share, holder):
    share.public_keys = [holder[0]]
    third = Local("repositorio", str(share.top / "repositorio"), True)
    for _day in range(2):
        digest = share.make().digest
        with SnapshotCopy(share.slot(), share.media[0], Keys(PASSWORD), digest) as opened:
            note = opened.carry(third)
        publishing.publish(share.slot(), digest, [third], {third.name: note})
    carried = share.top / "repositorio" / "file_server" / ".restic.RRHH" / "repositorio"
    assert len(list((carried / "keys").iterdir())) == 2, "one of the institution and one of the holders, however often copies come"
    shutil.rmtree(share.top / "nas")
    share.restore(share.top / "compartido" / "vuelta", medium=third, keys=Keys("", private_keys=(holder[1],)))
    assert shape(share.top / "compartido" / "vuelta") == shape(share.folder)
    assert second_key.password(PASSWORD, ["A", "B"]) == second_key.password(PASSWORD, ["B", "A"]) != second_key.password(PASSWORD, ["A"])


@pytest.mark.parametrize("ledger", ["kept", "lost"])
def test_what_is_carried_counts_on_nothing_that_is_gone_there(share, ledger):
    """restic brings only what the index there does not name: the copy carried next was sealed without the data of a pack that was gone."""
    third = Local("repositorio", str(share.top / "repositorio"), True)
    (share.folder / "grande.bin").write_bytes(os.urandom(300_000))
    carried = share.top / "repositorio" / "file_server" / ".restic.RRHH" / "repositorio"

    def carry():
        digest = share.make().digest
        with SnapshotCopy(share.slot(), share.media[0], Keys(PASSWORD), digest) as opened:
            note = opened.carry(third)
        publishing.publish(share.slot(), digest, [third], {third.name: note})

    carry()
    os.unlink(max((carried / "data").glob("??/*"), key=lambda path: path.stat().st_size))
    if ledger == "lost":
        (carried.parent / "probados").unlink()
    for _again in range(2):
        with pytest.raises(BackupError) as found:
            carry()
        assert found.value.fault.name == "structure_unreadable" and str(carried) in found.value.message
    shutil.rmtree(carried)
    with pytest.raises(BackupError) as found:
        carry()
    assert found.value.fault.name == "repository_missing" and share.labels(third) == ["RRHH_20261101"]


def test_a_repository_that_is_gone_is_a_loss_and_not_a_beginning(share):
    made = share.make()
    shutil.rmtree(share.repository)
    with pytest.raises(BackupError) as lost:
        share.make()
    assert lost.value.code == "RSP431" and share.labels() == ["RRHH_20261101"]
    with SnapshotCopy(share.slot("RRHH_20261101"), share.media[0]) as opened, pytest.raises(BackupError) as missing:
        opened.verify_bytes()
    assert missing.value.code == "RSP501"
    assert made.fields["repository"] == "RRHH"


def test_two_systems_share_the_repository_of_their_server(share):
    share.make()
    other = share.top / "compartido" / "legal"
    shutil.copytree(share.folder, other)
    slot = Slot("file_server", "LEGAL", "LEGAL_20261101")
    source = type(share.source())([str(other)], share.source().options, share.assigned)
    made = files_making.make(share.order(slot), source, share.media)
    publishing.publish(slot, made.digest, share.media)
    assert made.fields["data_added"] < 8000     # the same content is stored once
    share.media[0].remove(share.slot("RRHH_20261101"), "")
    share.days = 0
    share.make()
    with share.media[0].lock(slot, 0):
        files_pruning.prune(slot, share.media[0], made.manifest, PASSWORD)
    with SnapshotCopy(slot, share.media[0], Keys(PASSWORD)) as opened:
        source.restore(opened, str(share.top / "compartido" / "otra"), False)
    assert shape(share.top / "compartido" / "otra") == shape(other)


def test_a_restore_asks_restic_twice_and_refuses_a_snapshot_that_is_not_the_copys(share, monkeypatch):
    made = share.make()
    first = made.manifest["restic"]["media"]["nas"]["snapshot"]
    share.make()
    called = []
    real = restic.Restic._run
    monkeypatch.setattr(restic.Restic, "_run", lambda self, arguments, *more, **named: called.append(arguments) or real(self, arguments, *more, **named))
    share.restore(share.top / "compartido", ["planilla.csv"], overwrite=True)
    assert [next(word for word in arguments if not word.startswith("-")) for arguments in called] == ["ls", "restore"]
    # its file is there and whole, but it is of another label, which only what restic reads of it tells
    with share.opened() as opened:
        opened.manifest["restic"]["media"]["nas"]["snapshot"] = first
        opened.verify_for_restore()
        with pytest.raises(BackupError) as refused:
            share.source().restore(opened, str(share.top / "compartido" / "otra"), False)
    assert refused.value.code == "RSP501" and not (share.top / "compartido" / "otra").exists()
    # one whose bytes changed
    with share.opened() as opened:
        (share.repository / "snapshots" / first).chmod(0o600)
        (share.repository / "snapshots" / first).write_bytes(b"x" * 200)
        opened.manifest["restic"]["media"]["nas"]["snapshot"] = first
        with pytest.raises(BackupError) as refused:
            opened.verify_for_restore()
    assert refused.value.fault.name == "bytes_differ"
