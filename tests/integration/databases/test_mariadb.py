# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MariaDB: copies of a real server, made, proved, restored; and every way in which it may go wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any, List

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.processes.pipeline import run
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.mariadb import MariaDB

from .conftest import PASSWORD, Maria, Shelf, altered, expect, watched

EVERYTHING = """
CREATE TABLE `órdenes` (id int PRIMARY KEY AUTO_INCREMENT, num int, nota varchar(60), foto blob, doble int GENERATED ALWAYS AS (num * 2) STORED,
  vir int AS (num * 3), momento timestamp(6) NULL, j json, KEY (nota));
INSERT INTO `órdenes` (num, nota, foto, momento, j) SELECT seq, CONCAT('línea\\n--\\n-- Table structure for table \\'falsa\\' 😀', seq), UNHEX(MD5(seq)),
  '2026-03-01 04:05:06.789', JSON_OBJECT('ñ', seq) FROM seq_1_to_1000;
DELETE FROM `órdenes` WHERE id > 990;
CREATE TABLE hijo (orden int, FOREIGN KEY (orden) REFERENCES `órdenes` (id)) COMMENT='detalle; de la orden';
INSERT INTO hijo SELECT seq FROM seq_1_to_50;
CREATE TABLE parte (d int) PARTITION BY RANGE (d) (PARTITION p0 VALUES LESS THAN (100), PARTITION p1 VALUES LESS THAN MAXVALUE);
INSERT INTO parte SELECT seq FROM seq_1_to_200;
CREATE TABLE latina (v varchar(10)) CHARSET latin1;
INSERT INTO latina VALUES ('ñandú');
CREATE SEQUENCE folio START WITH 7 CACHE 3;
SELECT NEXTVAL(folio);
CREATE VIEW resumen AS SELECT o.id, h.orden FROM siga.`órdenes` o JOIN hijo h ON h.orden = o.id;
CREATE VIEW sobre AS SELECT COUNT(*) FROM resumen;
DELIMITER //
CREATE PROCEDURE suma() BEGIN
SELECT COUNT(*) FROM siga.hijo;
CREATE TEMPORARY TABLE `x` (i int);
END//
CREATE FUNCTION mas(i int) RETURNS int DETERMINISTIC RETURN i + 1//
CREATE TRIGGER sellar BEFORE INSERT ON hijo FOR EACH ROW SET NEW.orden = NEW.orden//
CREATE DEFINER=`otro`@`localhost` EVENT limpieza ON SCHEDULE EVERY 1 DAY DO DELETE FROM siga.hijo WHERE orden < 0//
DELIMITER ;
"""


@pytest.fixture(scope="session")
def server(maria: Maria) -> Maria:
    maria.sql("CREATE USER otro@localhost; GRANT ALL ON *.* TO otro@localhost;")
    maria.sql("CREATE USER copia@'%' IDENTIFIED BY '{0}'; GRANT ALL ON *.* TO copia@'%';".format(PASSWORD.replace("\\", "\\\\").replace("'", "\\'")))
    maria.sql("CREATE DATABASE siga CHARACTER SET utf8mb4 COLLATE utf8mb4_spanish_ci")
    maria.sql(EVERYTHING, "siga")
    return maria


def dump(server: Maria, database: str, events: bool = True) -> List[str]:
    argv = ["mariadb-dump", "--no-defaults", "--user=root", "--socket=" + server.socket, "--routines", "--triggers", "--hex-blob", "--skip-dump-date",
            "--default-character-set=utf8mb4"] + (["--events"] if events else []) + ["--", database]
    text = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    return [line for line in text.split("\n") if not line.startswith(("-- Host", "-- Dumping events", "-- Dumping routines"))]


def asleep(lines: List[str]) -> List[str]:
    """The events of a database as they come back under another name: they wait for somebody to wake them."""
    return [line.replace(" PRESERVE ENABLE ", " PRESERVE DISABLE ") if " EVENT " in line else line for line in lines]


def shell(commands: List[str], directory: str, server: Maria, target: str, home: Path) -> None:
    (home / ".my.cnf").write_text("[client]\nuser=root\nsocket={0}\n".format(server.socket))
    environment = dict(os.environ, HOME=str(home), TARGET=target)
    for command in commands:
        done = subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=directory, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, command + "\n" + done.stderr


def test_every_kind_of_object_comes_back(server: Maria, shelf: Shelf) -> None:
    made = shelf.make(MariaDB(["siga"], **server.options()))
    assert made.fields["objects"] == 4 and "sql_dump_ends_and_tables" in made.fields["checks"]
    assert "Users and grants are left out" in made.fields["warnings"][0]
    before = server.names()
    with shelf.open() as copy:
        source = MariaDB(["siga"], **server.options())
        assert "sql_dump_ends_and_tables" in copy.verify_structure(source)
        assert source.rehearse(copy, "") == ["sql_load_into_scratch", "dump_compare"]
        assert server.names() == before
        assert source.restore(copy, "siga nueva`", False)["target"] == "siga nueva`"
        assert dump(server, "siga nueva`") == asleep(dump(server, "siga"))
        expect("target_exists", lambda: source.restore(copy, "siga nueva`", False))
        server.sql("CREATE TABLE mia (i int)", "siga nueva`")
        kept = source.restore(copy, "siga nueva`", True)["kept"]
        assert kept == "siga nueva`_before_SIGA_20261122"
        assert dump(server, "siga nueva`") == asleep(dump(server, "siga"))
        assert any("CREATE TABLE `mia`" in line for line in dump(server, kept))
        assert not server.sql("SELECT EVENT_NAME FROM information_schema.EVENTS WHERE EVENT_SCHEMA LIKE '%before%'")
        expect("target_exists", lambda: source.restore(copy, "siga nueva`", True))
    server.sql("DROP DATABASE `siga nueva```; DROP DATABASE `{0}`".format(kept.replace("`", "``")))


def test_stock_commands_of_the_manifest_restore(server: Maria, shelf: Shelf, tmp_path: Path) -> None:
    made = shelf.make(MariaDB(["siga"], **server.options()))
    shell(made.manifest["restore"], shelf.directory(), server, "por bash", tmp_path)
    assert dump(server, "por bash") == dump(server, "siga")
    server.sql("DROP DATABASE `por bash`")


def test_several_databases_with_odd_names(mortal_maria: Maria, shelf: Shelf, tmp_path: Path) -> None:
    names = ["it's \"odd\" $x", "señales", "vacía"]
    for name in names:
        mortal_maria.sql("CREATE DATABASE `{0}` CHARACTER SET latin1".format(name))
    for name in names[:2]:
        mortal_maria.sql("CREATE TABLE t (v varchar(9)) CHARSET utf8mb4; INSERT INTO t VALUES ('ñ😀')", name)
    made = shelf.make(MariaDB("all", **mortal_maria.options()))
    assert sorted(row["facts"]["database"] for row in made.manifest["parts"]) == names
    assert all(row["file"].isascii() and not set(row["file"]) & set(" '\"=$") for row in made.manifest["parts"])
    with shelf.open() as copy:
        MariaDB("all", **mortal_maria.options()).rehearse(copy, "")
        expect("invalid_input", lambda: MariaDB("all", **mortal_maria.options()).restore(copy, "x", False))
        MariaDB("all", database=names[0], **mortal_maria.options()).restore(copy, "x", False)
    assert mortal_maria.sql("SELECT v FROM t", "x") == "ñ😀\n"
    shell(made.manifest["restore"], shelf.directory(), mortal_maria, "de_", tmp_path)
    assert mortal_maria.sql("SELECT v FROM t", "de_" + names[0]) == "ñ😀\n"
    assert mortal_maria.sql("SELECT DEFAULT_CHARACTER_SET_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = 'de_vacía'") == "latin1\n"


def test_users_only_when_encrypted_and_they_come_back(server: Maria, mortal_maria: Maria) -> None:
    source = MariaDB(["siga"], **server.options(encrypted=True))
    source.preflight()
    part = source.parts()[-1]       # after the databases: grants on their tables find these there
    assert part.name == "users" and not source.warnings()
    pieces: List[bytes] = []
    with part.produce() as stages:
        run(stages, pieces.append)
    text = b"".join(pieces)
    assert b"CREATE USER IF NOT EXISTS `copia`" in text
    check = part.check()
    check.feed(text)
    check.finish()
    mortal_maria.sql(text.decode())
    grants = "SHOW GRANTS FOR copia@'%'"
    assert mortal_maria.sql(grants) == server.sql(grants)


def test_causes_are_named_before_anything_is_written(server: Maria, shelf: Shelf, tmp_path: Path) -> None:
    wrong = expect("source_unreachable", lambda: shelf.make(MariaDB(["siga"], host="127.0.0.1", port=server.port, user="copia", password="no")))
    assert "Access denied" in wrong.message
    missing = expect("source_missing", lambda: shelf.make(MariaDB(["sigga"], **server.options())))
    assert "sigga" in missing.message and "siga" in missing.message.split("holds")[1]
    refused = expect("source_unreachable", lambda: shelf.make(MariaDB(["siga"], host="127.0.0.1", port=1)))
    assert "no server answers" in refused.message
    old = wrapped(tmp_path, 'echo "mysqldump  Ver 10.11 Distrib 5.5.68-MariaDB, for Linux (x86_64)"')
    expect("tool_too_old", lambda: shelf.make(MariaDB(["siga"], **server.options(bin_dir=old))))
    expect("tool_missing", lambda: shelf.make(MariaDB(["siga"], **server.options(bin_dir=str(tmp_path / "none")))))
    assert not list(shelf.path.rglob("*.zst"))


def wrapped(tmp_path: Path, script: str) -> str:
    """A bin_dir with the real client and a script in the place of the dump tool."""
    directory = tmp_path / "bin"
    directory.mkdir()
    (directory / "mariadb").symlink_to("/usr/bin/mariadb")
    (directory / "mariadb-dump").write_text("#!/bin/bash\n" + script + "\n")
    (directory / "mariadb-dump").chmod(0o755)
    return str(directory)


def test_a_killed_tool_and_a_cut_stream_leave_nothing(server: Maria, shelf: Shelf, tmp_path: Path) -> None:
    real = 'case "$*" in *--version*|*--help*) exec /usr/bin/mariadb-dump "$@";; esac; '
    for number, (end, fault) in enumerate([("head -c 20000; kill -KILL $$", "stage_failed"), ("head -c 60000; exit 0", "structure_unreadable"),
                                           ("sed '/^-- Table structure for table `hijo`/d'", "structure_unreadable")]):
        scripts = tmp_path / str(number)
        scripts.mkdir()
        directory = wrapped(scripts, real + '/usr/bin/mariadb-dump "$@" | ' + end)
        expect(fault, lambda: shelf.make(MariaDB(["siga"], **server.options(bin_dir=directory))))
    assert not list(shelf.path.rglob("*.zst"))


def test_the_server_dies_during_the_dump(mortal_maria: Maria, shelf: Shelf) -> None:
    mortal_maria.sql("CREATE DATABASE big; CREATE TABLE big.t (i int PRIMARY KEY, v varchar(700)); "
                     "INSERT INTO big.t SELECT seq, REPEAT(MD5(seq), 20) FROM seq_1_to_60000")

    def kill_when_it_flows() -> None:
        while not any(path.stat().st_size > 1 << 20 for path in shelf.path.rglob("*.sql.zst")):
            time.sleep(0.005)
        mortal_maria.stop(signal.SIGKILL)

    killer = threading.Thread(target=kill_when_it_flows, daemon=True)
    killer.start()
    error = expect("source_unreachable", lambda: shelf.make(MariaDB(["big"], **mortal_maria.options())))
    killer.join(30)
    assert "ended the connection" in error.message
    assert not list(shelf.path.rglob("*.zst"))


def test_password_is_seen_by_nobody(server: Maria, shelf: Shelf, tmp_path: Path) -> None:
    slow = wrapped(tmp_path, 'case "$*" in *--quick*) sleep 1;; esac; exec /usr/bin/mariadb-dump "$@"')
    with watched("mariadb-dump") as seen:
        made = shelf.make(MariaDB(["siga"], host="127.0.0.1", port=server.port, user="copia", password=PASSWORD, bin_dir=slow))
    assert not seen
    assert PASSWORD not in json.dumps(made.manifest, ensure_ascii=False) + json.dumps(made.fields, ensure_ascii=False)


def test_rehearsal_finds_a_changed_row_and_names_its_table(server: Maria, shelf: Shelf) -> None:
    shelf.make(MariaDB(["siga"], **server.options()))
    before = server.names()
    source = MariaDB(["siga"], **server.options())
    with shelf.open() as copy:
        error = expect("restored_differs", lambda: source.rehearse(altered(copy, b"\n(33),", b"\n(34),"), ""))
    assert "Dumping data for table `hijo`" in error.message      # the second reading is another: not even its rows are looked at
    with shelf.open() as copy:
        expect("restored_differs", lambda: source.restore(altered(copy, b"\n(33),", b"\n(34),"), "otra", False))
    with shelf.open() as copy:
        error = expect("restore_failed", lambda: source.restore(altered(copy, b"CREATE TABLE `hijo`", b"CREATE TABBE `hijo`"), "otra", False))
    assert "syntax" in error.message
    assert server.names() == before


def test_a_failed_overwrite_gives_the_former_data_back(server: Maria, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf.make(MariaDB(["siga"], **server.options()))
    server.sql("CREATE DATABASE vieja; CREATE TABLE vieja.t AS SELECT seq FROM seq_1_to_10")
    source = MariaDB(["siga"], **server.options())
    with shelf.open() as copy:
        proved = source._rehearse
        monkeypatch.setattr(source, "_rehearse", lambda reader, row: (proved(reader, row), altered(copy, b"\n(33),", b"\n(34),")))
        error = expect("restore_failed", lambda: source.restore(copy, "vieja", True))
    assert "former data" in error.message
    assert server.sql("SELECT COUNT(*) FROM t", "vieja") == server.sql("SELECT COUNT(*) FROM t", "vieja_before_SIGA_20261122") == "10\n"
    server.sql("DROP DATABASE vieja; DROP DATABASE vieja_before_SIGA_20261122")


def test_tables_without_transactions_are_locked_and_told(server: Maria, shelf: Shelf) -> None:
    server.sql("CREATE DATABASE isam; CREATE TABLE isam.m (i int) ENGINE=MyISAM; INSERT INTO isam.m VALUES (1); CREATE SEQUENCE isam.s; "
               "CREATE VIEW isam.v AS SELECT * FROM isam.m; CREATE TABLE isam.a (i int) ENGINE=Aria")
    made = shelf.make(MariaDB(["isam"], **server.options()))
    assert any("Aria, MyISAM" in warning for warning in made.fields["warnings"])
    assert made.manifest["parts"][0]["facts"]["engines"] == {"MyISAM": 1, "Aria": 1}
    with shelf.open() as copy:
        MariaDB(["isam"], **server.options()).rehearse(copy, "")
    source: Any = MariaDB(["isam"], **server.options())
    source.preflight()
    with source.parts()[0].produce() as stages:
        assert "--lock-tables" in stages[0].argv and "--single-transaction" not in stages[0].argv
    server.sql("DROP DATABASE isam")
