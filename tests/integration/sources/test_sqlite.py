# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies of SQLite databases, while other processes write to them."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import time

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.sqlite import SQLite

# As the bitácora's callback does: one short transaction an entry; both tables grow together.
WRITER = """
import sqlite3, sys, time
database = sqlite3.connect(sys.argv[1], timeout=30)
number = 0
while True:
    number += 1
    with database:
        database.execute("INSERT INTO entry (text) VALUES (?)", ("asiento %d " % number * 20,))
        database.execute("INSERT INTO chain (sum) VALUES (?)", (str(number),))
    if number == 1:
        print("writing", flush=True)
    time.sleep(0.005)
"""


def fill(path, journal="delete", rows=2000):
    database = sqlite3.connect(str(path))
    database.execute("PRAGMA journal_mode=" + journal)
    database.execute("CREATE TABLE entry (id INTEGER PRIMARY KEY, text TEXT)")
    database.execute("CREATE TABLE chain (id INTEGER PRIMARY KEY, sum TEXT)")
    database.executemany("INSERT INTO entry (text) VALUES (?)", (("año %d" % number * 10,) for number in range(rows)))
    database.executemany("INSERT INTO chain (sum) VALUES (?)", ((str(number),) for number in range(rows)))
    database.commit()
    database.close()


def counts(path):
    database = sqlite3.connect("file:{0}?mode=ro".format(path), uri=True)
    try:
        assert database.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        return [database.execute("SELECT count(*) FROM " + table).fetchone()[0] for table in ("entry", "chain")]
    finally:
        database.close()


def failed(bench, source, fault, words=""):
    with pytest.raises(BackupError) as caught:
        bench.make(source)
    assert caught.value.fault.name == fault, caught.value.message
    assert words in caught.value.message
    assert bench.left() == []


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_while_another_process_writes(bench, tmp_path, temporary, journal):
    path = tmp_path / "bitacora #1.db"
    fill(path, journal)
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE)
    try:
        writer.stdout.readline()
        source = SQLite(path=str(path))
        made = bench.make(source)
        assert writer.poll() is None
    finally:
        writer.kill()
        writer.wait()
        writer.stdout.close()
    assert made.fields["objects"] == 2
    methods, _result = bench.round_trip(source, tmp_path / "back.db")
    assert "sqlite_integrity_check" in methods
    entries, chains = counts(tmp_path / "back.db")
    assert entries == chains >= 2001
    assert list(temporary.iterdir()) == []


def test_owner_mode_and_files_beside(bench, tmp_path):
    path = tmp_path / "app.db"
    fill(path)
    os.chown(path, 65534, 65534)
    path.chmod(0o640)
    source = SQLite(path=str(path))
    bench.make(source)
    (tmp_path / "app.db-wal").write_bytes(b"")
    with bench.open() as copy, pytest.raises(BackupError) as caught:
        source.restore(copy, str(path), False)
    assert caught.value.fault.name == "target_exists"
    with bench.open() as copy:
        kept = source.restore(copy, str(path), True)["kept"]
    assert os.path.exists(kept) and os.path.exists(kept + "-wal") and not os.path.exists(str(path) + "-wal")
    status = path.stat()
    assert (stat.S_IMODE(status.st_mode), status.st_uid) == (0o640, 65534)
    assert counts(path) == [2000, 2000]


def test_missing_is_not_created(bench, tmp_path):
    failed(bench, SQLite(path=str(tmp_path / "none.db")), "source_missing")
    assert not (tmp_path / "none.db").exists()


def test_no_database(bench, tmp_path):
    path = tmp_path / "text.db"
    path.write_text("no soy una base de datos\n" * 100)
    failed(bench, SQLite(path=str(path)), "source_unreachable", "not a database")


def test_damaged(bench, tmp_path, temporary):
    path = tmp_path / "app.db"
    fill(path)
    with open(path, "r+b") as file:
        file.seek(4096 * 5)
        file.write(os.urandom(4096 * 3))
    failed(bench, SQLite(path=str(path)), "source_damaged")
    assert list(temporary.iterdir()) == []


def test_locked_for_too_long(bench, tmp_path):
    path = tmp_path / "app.db"
    fill(path)
    holder = sqlite3.connect(str(path), isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        begun = time.monotonic()
        failed(bench, SQLite(path=str(path), timeout=1), "source_unreachable", "locked")
        assert time.monotonic() - begun < 10
    finally:
        holder.close()


def test_link_out_of_scope(bench, tmp_path):
    fill(tmp_path / "app.db")
    (tmp_path / "assigned").mkdir()
    (tmp_path / "assigned" / "link.db").symlink_to(tmp_path / "app.db")
    failed(bench, SQLite(path=str(tmp_path / "assigned" / "link.db"), assigned=[str(tmp_path / "assigned")]), "out_of_scope")


def test_broken_foreign_keys_are_told(bench, tmp_path):
    path = tmp_path / "app.db"
    database = sqlite3.connect(str(path))
    database.executescript("CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE b (a REFERENCES a); INSERT INTO b VALUES (7);")
    database.close()
    assert "foreign key" in str(bench.make(SQLite(path=str(path))).fields["warnings"])


@pytest.mark.parametrize("content", [b"x" * 4096, b"SQLite format 3\0" + bytes(4080)])
def test_check_refuses_other_bytes(content):
    row = {"name": "", "file": "x", "format": "SQLite database", "facts": {"tables": {}, "sha256": ""}}
    check = SQLite(path="/x").check_for(row)
    check.feed(content)
    with pytest.raises(BackupError) as caught:
        check.finish()
    assert caught.value.fault.name == "structure_unreadable"
