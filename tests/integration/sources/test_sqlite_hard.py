# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SQLite databases of applications, as public reports tell of them (issue 14): copied whole, and what could not be examined is told."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.sqlite import SQLite

_SCHEMA = "PRAGMA writable_schema=1; UPDATE sqlite_master SET sql = {0!r} WHERE name = 't'"
# what makes each, and what is told of it
CASES = {
    "collation": ("CREATE TABLE t (a); INSERT INTO t VALUES ('x'), ('y'); CREATE INDEX i ON t (a COLLATE icu_root)",
                  "t (no such collation sequence: icu_root)"),
    "function": ("CREATE TABLE t (a); INSERT INTO t VALUES ('x'), ('y'); CREATE INDEX i ON t (norm(a))", "t (unknown function: norm())"),
    "index_of_what_is_gone": ("CREATE TABLE doc (a); CREATE VIRTUAL TABLE t USING fts5(a, content='doc'); DROP TABLE doc", "t (no such table: main.doc)"),
    "tokenizer": ("CREATE VIRTUAL TABLE t USING fts5(a); " + _SCHEMA.format("CREATE VIRTUAL TABLE t USING fts5(a, tokenize=cosa)"),
                  "t (no such tokenizer: cosa)"),
    "null": ("CREATE TABLE t (a, b); INSERT INTO t VALUES (NULL, -1); " + _SCHEMA.format("CREATE TABLE t (a NOT NULL, b)"), "NULL value in t.a"),
    "no_name": ("CREATE TABLE \"\" (x); INSERT INTO \"\" VALUES (1)", ""),
}


@pytest.mark.parametrize("name", sorted(CASES))
def test_copied_whole_and_told(bench, tmp_path, name):
    path = tmp_path / "app.db"
    database = sqlite3.connect(str(path), isolation_level=None)
    database.create_collation("icu_root", lambda one, other: (one > other) - (one < other))
    database.create_function("norm", 1, lambda value: value, deterministic=True)
    database.executescript(CASES[name][0])
    database.close()
    source = SQLite(path=str(path))
    bench.make(source)
    assert CASES[name][1] in " ".join(source.warnings()) and bool(source.warnings()) == bool(CASES[name][1])
    with bench.open() as copy:
        SQLite(path=str(path)).restore(copy, str(tmp_path / "back.db"), False)
    assert (tmp_path / "back.db").read_bytes()[100:] == path.read_bytes()[100:]     # the header counts the writing of the image


def test_what_a_dead_writer_left_is_rolled_back(bench, tmp_path):
    path = tmp_path / "app.db"
    program = ("import sqlite3, sys, os, signal\nd = sqlite3.connect(sys.argv[1], isolation_level=None)\nd.execute('PRAGMA cache_size=2')\n"
               "d.executescript(\"CREATE TABLE t (a); INSERT INTO t VALUES ('before')\")\nd.execute('BEGIN')\n"
               "d.executemany('INSERT INTO t VALUES (?)', (('x' * 4000,) for _n in range(200)))\nos.kill(os.getpid(), signal.SIGKILL)")
    assert subprocess.run([sys.executable, "-c", program, str(path)], check=False).returncode == -signal.SIGKILL
    assert os.path.getsize(str(path) + "-journal") > 0
    source = SQLite(path=str(path))
    bench.make(source)
    assert source.taken["tables"] == {"t": 1}


def test_a_database_in_use_is_not_replaced(bench, tmp_path):
    path = tmp_path / "app.db"
    database = sqlite3.connect(str(path), isolation_level=None)
    database.executescript("PRAGMA journal_mode=wal; CREATE TABLE t (a); INSERT INTO t VALUES (1)")
    bench.make(SQLite(path=str(path)))
    with bench.open() as copy:
        with pytest.raises(BackupError) as caught:
            SQLite(path=str(path)).restore(copy, str(path), True)
        assert caught.value.fault.name == "restore_failed" and "({0})".format(os.getpid()) in caught.value.message
        database.close()
        SQLite(path=str(path)).restore(copy, str(path), True)
