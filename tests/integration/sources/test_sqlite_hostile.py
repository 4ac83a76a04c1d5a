# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SQLite databases in a directory of the application's account: what root reads there, and what it brings back (S6, S14)."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sqlite3
import stat
import tempfile
import time
from pathlib import Path

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.filesystem import descriptors
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.processes import as_account, programs
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources import placing
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.sqlite import SQLite
from ansible_collections.perucompras.respaldo.plugins.module_utils._tasks import base

HIM = 64123
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="takes on another account, so only root runs it")


@pytest.fixture
def app():
    """A directory of an application's account, with its database in WAL mode, below one that everybody can pass through."""
    top = Path(tempfile.mkdtemp(prefix="respaldo-app-", dir="/tmp"))
    top.chmod(0o755)
    directory = top / "app"
    directory.mkdir()
    database = sqlite3.connect(str(directory / "a.db"))
    database.execute("PRAGMA journal_mode=wal")
    database.execute("CREATE TABLE t (x)")
    database.executemany("INSERT INTO t VALUES (?)", [(number,) for number in range(1000)])
    database.commit()
    database.close()
    for path in (directory, *directory.iterdir()):
        os.chown(path, HIM, HIM)
    yield directory
    shutil.rmtree(top)


def test_it_is_read_as_its_owner(bench, app, monkeypatch):
    accounts = []
    call = as_account.call
    monkeypatch.setattr(as_account, "call", lambda account, *rest: accounts.append(account.uid) or call(account, *rest))
    source = SQLite(path=str(app / "a.db"))
    made = bench.make(source)
    assert set(accounts) == {HIM} and made.fields["objects"] == 1
    assert {path.lstat().st_uid for path in app.iterdir()} == {HIM}, "what SQLite made beside it is the owner's"
    _methods, result = bench.round_trip(source, app / "b.db")
    status = (app / "b.db").stat()
    assert (status.st_uid, stat.S_IMODE(status.st_mode)) == (HIM, stat.S_IMODE((app / "a.db").stat().st_mode)) and result["kept"] == ""


@pytest.mark.parametrize("place", ["a.db", "a.db-wal", "a.db-shm", "a.db-journal"])
@pytest.mark.parametrize("thing", ["pipe", "device", "link", "directory"])
def test_anything_in_the_place_of_a_file(bench, app, place, thing):
    """S14's siblings: refused with a code, soon; nothing is made where a link leads, nothing of root's is read."""
    path, canary = app / place, app.parent / "canary"
    canary.mkdir(mode=0o700)
    if path.exists():
        path.unlink()
    {"pipe": lambda: os.mkfifo(path), "device": lambda: path.symlink_to("/dev/zero"), "link": lambda: path.symlink_to(canary / "new"),
     "directory": path.mkdir}[thing]()
    began = time.monotonic()
    with pytest.raises(BackupError) as caught:
        bench.make(SQLite(path=str(app / "a.db"), timeout=5))
    assert caught.value.code in ("RSP201", "RSP202", "RSP207") and time.monotonic() - began < 60
    assert os.listdir(canary) == [] and bench.left() == []


def test_a_pipe_that_takes_the_place_of_the_journal_after_the_look(bench, app, monkeypatch):
    """S14: the account may wait for it; root does not wait longer than it said, and makes nothing there."""
    monkeypatch.setattr("ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.sqlite._PATIENCE", 1.0)
    source = SQLite(path=str(app / "a.db"), timeout=1)

    def exchanged(_above):
        for name in ("a.db-wal", "a.db-journal"):
            if not (app / name).exists():
                os.mkfifo(app / name)
                os.chown(app / name, HIM, HIM)

    monkeypatch.setattr(source, "_look_beside", exchanged)
    began = time.monotonic()
    with contextlib.suppress(BackupError):
        bench.make(source)
    assert time.monotonic() - began < 60 and {path.lstat().st_uid for path in app.iterdir()} == {HIM}


def test_what_lies_beside_the_target_is_kept_or_refused(bench, app):
    """Nothing is replaced unless asked, and a journal of the former database never becomes the new one's."""
    source = SQLite(path=str(app / "a.db"))
    bench.make(source)
    (app / "b.db-journal").write_bytes(b"x" * 512)
    with bench.open() as copy, pytest.raises(BackupError) as caught:
        source.restore(copy, str(app / "b.db"), False)
    assert caught.value.code == "RSP601" and not (app / "b.db").exists()
    with bench.open() as copy:
        kept = source.restore(copy, str(app / "b.db"), True)["kept"]
    assert Path(kept + "-journal").read_bytes() == b"x" * 512 and not (app / "b.db-journal").exists()


def test_a_target_by_a_link_of_another_account_is_refused(bench, app):
    """Without assigned paths, too: where root writes is not for the application to say."""
    source = SQLite(path=str(app / "a.db"))
    bench.make(source)
    canary = app.parent / "canary"
    canary.mkdir()
    (app / "sub").symlink_to(canary)
    os.chown(app / "sub", HIM, HIM, follow_symlinks=False)
    with bench.open() as copy, pytest.raises(BackupError) as caught:
        source.restore(copy, str(app / "sub" / "b.db"), False)
    assert caught.value.code == "RSP110" and os.listdir(canary) == []


def test_from_another_file_system(bench, app, monkeypatch):
    """Where no directory above the target is root's on its file system, what was built elsewhere is carried by descriptors."""
    monkeypatch.setattr(placing, "near", lambda parent: "/dev/shm")
    source = SQLite(path=str(app / "a.db"))
    bench.make(source)
    with bench.open() as copy:
        source.restore(copy, str(app / "b.db"), False)
    assert (app / "b.db").stat().st_uid == HIM
    assert sorted(path.name for path in app.iterdir() if path.name.startswith(".")) == []


def test_set_id_bits_of_a_manifest_are_not_brought_back(bench, app):
    (app / "a.db").chmod(0o6755)
    source = SQLite(path=str(app / "a.db"))
    bench.make(source)
    with bench.open() as copy:
        source.restore(copy, str(app / "b.db"), False)
    assert stat.S_IMODE((app / "b.db").stat().st_mode) == 0o755


@pytest.mark.parametrize(("mode", "owner", "trusted"), [(0o755, 0, True), (0o1777, 0, True), (0o775, 0, False), (0o755, HIM, False)])
def test_which_directories_are_ours(tmp_path, mode, owner, trusted):
    directory = tmp_path / "d"
    directory.mkdir()
    directory.chmod(mode)
    os.chown(directory, owner, owner)
    assert placing.ours(str(directory)) == trusted
    assert placing.near(str(directory)) == (str(directory) if trusted else str(tmp_path))


def test_nothing_is_renamed_over_anything(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    held = os.open(tmp_path, os.O_RDONLY)
    try:
        with pytest.raises(FileExistsError):
            descriptors.move(held, "a", held, "b")
        descriptors.move(held, "a", held, "c")
    finally:
        os.close(held)
    assert sorted(os.listdir(tmp_path)) == ["b", "c"]


def test_work_as_an_account_tells_what_went_wrong():
    nobody = programs.account("nobody")
    assert as_account.call(nobody, os.geteuid, 30, "x", "x") == nobody.uid
    with pytest.raises(BackupError) as caught:
        as_account.call(nobody, lambda: open("/etc/shadow", encoding="utf-8").read(), 30, "x", "x")
    assert caught.value.code == "RSP202" and "nobody" in caught.value.message
    with pytest.raises(BackupError) as caught:
        as_account.call(nobody, lambda: time.sleep(60), 0.5, "esperar", "x")
    assert caught.value.code == "RSP208"
    with pytest.raises(BackupError) as caught:
        as_account.call(nobody, lambda: os._exit(3), 30, "x", "x")
    assert caught.value.code == "RSP202"


@pytest.mark.parametrize(("error", "code"), [
    (FileNotFoundError(errno.ENOENT, "no such", "/srv/x"), "RSP605"), (NotADirectoryError(errno.ENOTDIR, "x", "/srv/\x1bx"), "RSP605"),
    (OSError(errno.EIO, "x", "/srv/x"), "RSP304"), (ValueError("x"), "RSP304")])
def test_a_path_that_vanished_has_an_error_of_its_own(error, code):
    """S6, S21: no bare Python error of a raced path at the boundary."""
    found = base._unforeseen(error)
    assert found.code.startswith(code) and "\x1b" not in found.message
