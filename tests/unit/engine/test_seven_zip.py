# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies as 7z archives by the real 7-Zip: they come back, open without us, and fail as all others do."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import threading
import time

import pytest
from _engine.copies import making, publishing
from _engine.copies.orders import Order
from _engine.copies.streamed import StreamedCopy
from _engine.errors import BackupError
from _engine.media.base import Slot
from _engine.media.local import Local
from _engine.processes import programs
from _engine.processes.pipeline import Stage
from _engine.sources.base import only
from _engine.sources.command import Command
from _engine.sources.git import Git
from _engine.sources.paths import Paths
from _engine.sources.sqlite import SQLite
from _engine.transforms import seven_zip
from _engine.transforms.encrypt import Keys

SLOT = Slot("source_code", "SIGA", "SIGA_20261122")
PASSWORD = " una contraseña: con espacios y 'comillas' "
KEYS = Keys(PASSWORD)


@pytest.fixture
def spool(tmp_path):
    """Nothing is left in it, no descriptor and no thread."""
    path = tmp_path / "spool"
    path.mkdir()
    before, threads = len(os.listdir("/proc/self/fd")), set(threading.enumerate())
    yield str(path)
    assert len(os.listdir("/proc/self/fd")) == before and set(threading.enumerate()) <= threads
    assert os.listdir(str(path)) == []


@pytest.fixture
def disk(tmp_path):
    (tmp_path / "disk").mkdir()
    return Local("disk", str(tmp_path / "disk"))


@pytest.fixture
def tree(tmp_path):
    path = tmp_path / "tree"
    path.mkdir()
    (path / "random").write_bytes(os.urandom(2 << 20))
    (path / "notes.txt").write_text("contenido\n")
    return path


def order(spool, **changed):
    return Order(SLOT, **dict(dict(keys=KEYS, encryption_format="7z", spool=spool), **changed))


def publish(made, *media):
    publishing.publish(SLOT, made.digest, media)
    return made


def paths(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "file").write_bytes(os.urandom(100000))
    return Paths([str(tmp_path / "data")])


def sqlite(tmp_path):
    with contextlib.closing(sqlite3.connect(str(tmp_path / "db"))) as base, base:
        base.execute("CREATE TABLE t (a)")
        base.executemany("INSERT INTO t VALUES (?)", [(os.urandom(50),) for _row in range(500)])
    return SQLite(path=str(tmp_path / "db"))


def git(tmp_path):
    run = ["git", "-C", str(tmp_path / "repo"), "-c", "user.name=x", "-c", "user.email=x@example.org"]
    subprocess.run(["git", "init", "-q", str(tmp_path / "repo")], check=True)
    subprocess.run(run + ["commit", "-q", "--allow-empty", "-m", "first"], check=True)
    return Git(path=str(tmp_path / "repo"))


def command(tmp_path):
    (tmp_path / "plain").write_bytes(os.urandom(70000))
    return Command(dump=["/bin/cat", str(tmp_path / "plain")], verify=["/usr/bin/wc", "-c"], restore=["/bin/cat"])


@pytest.mark.parametrize("build", [paths, sqlite, git, command])
@pytest.mark.parametrize("compression", ["zstd", "none"])
def test_every_source_comes_back(disk, tmp_path, spool, build, compression):
    source = build(tmp_path)
    made = publish(making.make(order(spool, compression=compression), source, [disk]), disk)
    assert made.fields["encrypted"] and all(row["file"].endswith(".7z") for row in made.manifest["parts"])
    with StreamedCopy(SLOT, disk, KEYS, made.digest, spool) as opened:
        opened.verify_bytes()
        opened.verify_structure(source)


def test_it_restores(disk, tree, tmp_path, spool):
    publish(making.make(order(spool), Paths([str(tree)]), [disk]), disk)
    with StreamedCopy(SLOT, disk, KEYS, "", spool) as opened:
        Paths([str(tree)]).restore(opened, str(tmp_path / "back"), False)
    subprocess.run(["diff", "-r", str(tree), str(tmp_path / "back")], check=True)


def test_two_media_have_the_same_archive(disk, tree, tmp_path, spool):
    (tmp_path / "second").mkdir()
    second = Local("second", str(tmp_path / "second"))
    made = publish(making.make(order(spool), Paths([str(tree)]), [disk, second]), disk, second)
    for medium in (disk, second):
        with StreamedCopy(SLOT, medium, KEYS, made.digest, spool) as opened:
            opened.verify_structure(Paths([str(tree)]))


def test_a_medium_that_writes_other_bytes_is_found(disk, tree, spool):
    class Lying(Local):
        def deposit(self, slot):
            deposit = super().deposit(slot)
            begin = deposit.write

            def write(file):
                writing = begin(file)
                return writing._replace(write=lambda chunk: writing.write(chunk[:-1] + bytes([chunk[-1] ^ 1])))

            deposit.write = write
            return deposit

    with pytest.raises(BackupError) as caught:
        making.make(order(spool), Paths([str(tree)]), [Lying("disk", disk.path)])
    assert caught.value.fault.name == "bytes_differ"


def stock(line, directory, password, **environment):
    """A line of the manifest as a person types it, the password given where 7-Zip asks for it."""
    return subprocess.run(["sh", "-ec", line], cwd=str(directory), input=(password + "\n").encode(), env=dict(os.environ, LC_ALL="C.UTF-8", **environment),
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)


def test_the_commands_of_the_manifest_restore_it_without_us(disk, tree, tmp_path, spool):
    made = publish(making.make(order(spool), Paths([str(tree)]), [disk]), disk)
    (tmp_path / "back").mkdir()
    for line in made.manifest["restore"]:
        done = stock(line, disk.location(SLOT), PASSWORD, TARGET=str(tmp_path / "back"))
        assert done.returncode == 0, done.stdout
    subprocess.run(["diff", "-r", str(tree), str(tmp_path / "back")], check=True)


@pytest.mark.parametrize("compression", ["zstd", "gzip", "xz", "none"])
def test_the_commands_for_windows_open_it(disk, tree, tmp_path, spool, compression):
    """The program is the same on both systems; here it goes by its name on Windows."""
    made = publish(making.make(order(spool, compression=compression), Paths([str(tree)]), [disk]), disk)
    lines = made.manifest["restore_windows"]
    assert lines.pop(0) == 'certutil -hashfile "{0}" SHA256'.format(made.manifest["parts"][0]["file"])
    (tmp_path / "programs" / "7-Zip").mkdir(parents=True)
    os.symlink(shutil.which("7zz"), str(tmp_path / "programs" / "7-Zip" / "7z.exe"))
    directory = disk.location(SLOT)
    for line in lines:
        shell = line.replace("%ProgramFiles%", str(tmp_path / "programs")).replace("\\", "/")
        done = stock(shell, directory, PASSWORD)
        assert done.returncode == 0, done.stdout
    (tmp_path / "back").mkdir()
    subprocess.run(["tar", "-xf", os.path.join(directory, SLOT.label + ".tar"), "-C", str(tmp_path / "back")], check=True)
    subprocess.run(["diff", "-r", str(tree), str(tmp_path / "back")], check=True)


def test_nothing_is_read_from_it_without_the_password(disk, tree, spool):
    made = publish(making.make(order(spool), Paths([str(tree)]), [disk]), disk)
    file = made.manifest["parts"][0]["file"]
    for password in ("", "otra"):
        done = stock("7zz l '{0}'".format(file), disk.location(SLOT), password)
        assert done.returncode != 0 and b"SIGA_20261122.tar.zst\n" not in done.stdout
    with open(os.path.join(disk.location(SLOT), file), "rb") as archive:
        assert SLOT.label.encode("utf-16-le") not in archive.read()


def test_wrong_password_and_none(disk, tree, spool):
    publish(making.make(order(spool), Paths([str(tree)]), [disk]), disk)
    for keys, name in ((Keys("otra"), "password_wrong"), (None, "password_needed"), (Keys("", (), ("a private key",)), "password_needed")):
        with pytest.raises(BackupError) as caught, StreamedCopy(SLOT, disk, keys, "", spool) as opened:
            opened.verify_structure(Paths([str(tree)]))
        assert caught.value.fault.name == name


@pytest.mark.parametrize("place", [0, 40, -40])
def test_damage_is_not_taken_for_a_wrong_password(disk, tree, spool, place):
    made = publish(making.make(order(spool), Paths([str(tree)]), [disk]), disk)
    path = os.path.join(disk.location(SLOT), made.manifest["parts"][0]["file"])
    with open(path, "r+b") as file:
        file.seek(place, os.SEEK_SET if place >= 0 else os.SEEK_END)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 1]))
    with pytest.raises(BackupError) as caught, StreamedCopy(SLOT, disk, KEYS, "", spool) as opened:
        opened.verify_structure(Paths([str(tree)]))
    assert caught.value.fault.name == "bytes_differ"


class Slow(Paths):
    """Eight MiB that take about two seconds."""

    def parts(self):
        stage = Stage("dump", ["/bin/sh", "-c", "for i in 1 2 3 4 5 6 7 8; do head -c 1048576 /dev/urandom; sleep 0.25; done"])
        return [part._replace(produce=lambda: only([stage])) for part in super().parts()]


def below(pid):
    """pid -> name of every process below one."""
    found, rows = {pid: ""}, []
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open("/proc/{0}/stat".format(name)) as stat:
            text = stat.read()
            rows.append((int(name), text[text.index("(") + 1:text.rindex(")")], int(text[text.rindex(")"):].split()[2])))
    for _generation in range(3):
        found.update({each: name for each, name, parent in rows if parent in found})
    return found


def while_archiving(act):
    """Run `act(pid)` once 7-Zip runs below this process."""
    def wait():
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            for pid, name in below(os.getpid()).items():
                if name == "7zz":
                    act(pid)
                    return
            time.sleep(0.02)
    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def test_a_killed_archiver_makes_no_copy(disk, tree, spool):
    thread = while_archiving(lambda pid: (time.sleep(0.5), os.kill(pid, signal.SIGKILL)))
    with pytest.raises(BackupError) as caught:
        making.make(order(spool, compression="none"), Slow([str(tree)]), [disk])
    thread.join()
    assert (caught.value.details["stage"], caught.value.details["status"]) == ("7zz a", "signal SIGKILL")
    assert [name for _root, _directories, names in os.walk(disk.path) for name in names] == [".lock"]


def test_a_source_that_dies_makes_no_copy(disk, tree, spool):
    class Dying(Paths):
        def parts(self):
            stage = Stage("dump", ["/bin/sh", "-c", "head -c 500000 /dev/urandom; echo the server went away >&2; exit 1"])
            return [part._replace(produce=lambda: only([stage])) for part in super().parts()]

    with pytest.raises(BackupError) as caught:
        making.make(order(spool), Dying([str(tree)]), [disk])
    assert caught.value.details["stage"] == "dump"


class Paused(Paths):
    """A real tree before a pause, so that there is time to look."""

    def parts(self):
        return [part._replace(produce=lambda part=part: self.paused(part)) for part in super().parts()]

    @contextlib.contextmanager
    def paused(self, part):
        with part.produce() as stages:
            yield list(stages) + [Stage("pause", ["/bin/sh", "-c", "sleep 1; exec cat"])]


def test_the_password_is_seen_in_no_process(disk, tree, spool):
    seen = []

    def look(_pid):
        for pid in below(os.getpid()):
            for what in ("cmdline", "environ"):
                with contextlib.suppress(OSError), open("/proc/{0}/{1}".format(pid, what), "rb") as file:
                    seen.append((pid, file.read()))

    thread = while_archiving(look)
    making.make(order(spool, keys=Keys("plantada7z")), Paused([str(tree)]), [disk])
    thread.join()
    assert any(b"7zz" in text for _pid, text in seen)
    assert not [pid for pid, text in seen if b"plantada7z" in text]


def test_an_archive_left_unencrypted_is_no_copy(disk, tree, spool, monkeypatch, tmp_path):
    """A 7-Zip that does not ask takes the password for data; what it wrote is looked at."""
    monkeypatch.setattr(seven_zip, "_WRITE", [word for word in seven_zip._WRITE if word not in ("-p", "-mhe=on")])
    with pytest.raises(BackupError) as caught:
        making.make(order(spool), Paths([str(tree)]), [disk])
    assert "not encrypted" in caught.value.details["detail"]


def test_a_spool_that_is_not_there(disk, tree, tmp_path):
    with pytest.raises(BackupError) as caught:
        making.make(order(str(tmp_path / "absent")), Paths([str(tree)]), [disk])
    assert caught.value.fault.name == "medium_unwritable"


def test_a_server_without_the_program(disk, tree, spool, monkeypatch):
    find = programs.find
    monkeypatch.setattr(programs, "find", lambda tool, package, directory="": find("no-such-" + tool if tool == "7zz" else tool, package, directory))
    with pytest.raises(BackupError) as caught:
        making.make(order(spool), Paths([str(tree)]), [disk])
    assert (caught.value.fault.name, caught.value.details["package"]) == ("tool_missing", "7zip")
