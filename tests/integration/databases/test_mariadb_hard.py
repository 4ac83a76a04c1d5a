# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Databases of MariaDB that public reports of its tools tell of (issue 14): each is copied, proved, and comes back with all that can come back."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import Any, Dict, Iterator, NamedTuple

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.mariadb import MariaDB

from .conftest import Maria, Shelf, expect

_BODY = "SELECT ROUTINE_DEFINITION FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = '{0}'"


class Case(NamedTuple):
    """A database, a question whose answer must be the same once restored, and what is told when it is copied."""

    sql: str
    question: str
    warning: str = ""


CASES: Dict[str, Case] = {
    # the client must leave bodies as they are
    "comments": Case("CREATE TABLE t (i int);\nDELIMITER //\nCREATE PROCEDURE p() BEGIN\n -- suma\n /* y */ SELECT 1; # fin\nEND//\nCREATE TRIGGER g "
                     "BEFORE INSERT "
                     "ON t FOR EACH ROW BEGIN\n -- nota\n SET NEW.i = 1;\nEND//\nDELIMITER ;", _BODY),
    "line_ends": Case("DELIMITER //\nCREATE FUNCTION p() RETURNS varchar(50) BEGIN\r\n -- suma\r\n RETURN 'Atte.\r\nLima';\r\nEND//\nDELIMITER "
                      ";", "SELECT HEX({0}.p())"),
    "event_ends": Case("DELIMITER //\nCREATE EVENT e ON SCHEDULE EVERY 1 DAY DO BEGIN\r\n -- nota\r\n SET @a = 'x\r\ny';\r\nEND//\nDELIMITER ;",
                       "SELECT HEX(EVENT_DEFINITION) FROM information_schema.EVENTS WHERE EVENT_SCHEMA = '{0}'"),
    "announcing": Case("CREATE TABLE t (i int);\nDELIMITER //\nCREATE PROCEDURE p() BEGIN\n--\n-- Table structure for table `x`\n--\nSELECT "
                       "1;\nEND//\nDELIMITER ;", _BODY),
    # what a session took once is taken again
    "dates": Case("SET sql_mode = 'ALLOW_INVALID_DATES'; CREATE TABLE i (e datetime DEFAULT '2010-02-30'); INSERT INTO i VALUES ('2010-02-31'), "
                  "('0000-00-00');",
                  "SELECT * FROM {0}.i"),
    "wide": Case("SET innodb_strict_mode = OFF; CREATE TABLE t (" + ", ".join("c{0} varchar(200)".format(i) for i in range(200)) + ") ROW_FORMAT=COMPACT; "
                 "INSERT INTO t (c7) VALUES ('x');", "SELECT c7 FROM {0}.t"),
    "unchecked": Case("CREATE TABLE t (i int, CHECK (i > 0)); SET check_constraint_checks = 0; INSERT INTO t VALUES (-1);", "SELECT i FROM {0}.t"),
    # views whose table or account is gone
    "view_gone": Case("CREATE TABLE a (i int); INSERT INTO a VALUES (1); CREATE TABLE b (j int); CREATE VIEW v AS SELECT i, j FROM a, b; DROP TABLE b;",
                      "SELECT i FROM {0}.a", "1 views are not copied, since they name what is gone (a table, a column, a function, the account they "
                      "work as): v."),
    "views_of_views": Case("CREATE TABLE b (j int); CREATE VIEW v AS SELECT j FROM b; CREATE VIEW w AS SELECT j FROM v; DROP TABLE b; CREATE FUNCTION f() "
                           "RETURNS int RETURN 1; CREATE VIEW x AS SELECT f() AS y; DROP FUNCTION f; CREATE TABLE a (i int); INSERT INTO a VALUES (1)",
                           "SELECT i FROM {0}.a", "3 views are not copied"),
    "account_gone": Case("CREATE TABLE h_account_gone (i int); CREATE DEFINER = fantasma@localhost VIEW v AS SELECT a.i, "
                         "'`h_account_gone`.`h_account_gone`.`x''' AS t "
                         "FROM h_account_gone a JOIN h_account_gone ON h_account_gone.i = a.i;",
                         "SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = '{0}' AND TABLE_NAME = 'v'"),
    "locked": Case("CREATE TABLE a (i int) ENGINE=MyISAM; INSERT INTO a VALUES (1); CREATE DEFINER = fantasma@localhost VIEW v AS SELECT i FROM a;",
                   "SELECT i FROM {0}.a", "1 views are not copied"),
    # what the tool itself rounds
    "floats": Case("CREATE TABLE f (x float, d double, k float(7,3), u float); INSERT INTO f VALUES (16777217, 0.1, 1.1, 0.5), (0.123456789, 1e300/3, "
                   "2.123, 1);",
                   "SELECT d, k, u, x FROM {0}.f", "these come back rounded: f.x (2 values)."),
    # the error value of an ENUM beside a member without a text (row L18); that of one without such a member comes back as it was
    "blurred": Case("SET sql_mode = ''; CREATE TABLE `t ñ` (id int, e enum('a','','b''c'), f enum('x','y''','''z')); INSERT INTO `t ñ` VALUES (1, 'nada', "
                    "'x'), (2, '', 'y'''), (3, 'a', 'nada'), (4, NULL, NULL);", "SELECT id, e, f + 0 FROM {0}.`t ñ` ORDER BY 1",
                    "so these come back as that member: t ñ.e (1 rows)."),
    "events": Case("CREATE TABLE cuenta (n int); INSERT INTO cuenta VALUES (0); CREATE EVENT `e ENABLE` ON SCHEDULE EVERY 1 SECOND COMMENT ' ENABLE' DO UPDATE "
                   "h_events.cuenta SET n = n + 1; CREATE EVENT f ON SCHEDULE AT '2037-01-01' ON COMPLETION PRESERVE DISABLE DO SELECT 1; "
                   # found in MariaDB's own test databases: its time is over before the copy is proved
                   "CREATE EVENT una ON SCHEDULE AT CURRENT_TIMESTAMP + INTERVAL 1 SECOND DO SELECT 1; CREATE EVENT otra ON SCHEDULE AT CURRENT_TIMESTAMP + "
                   "INTERVAL 1 SECOND ON COMPLETION PRESERVE DO SELECT 1; DO SLEEP(1.2);",
                   "SELECT EVENT_NAME, EVENT_DEFINITION, INTERVAL_VALUE FROM information_schema.EVENTS WHERE EVENT_SCHEMA = '{0}' ORDER BY 1"),
}
NAMES = sorted(CASES)


def load(server: Maria, database: str, sql: str) -> None:
    """As a driver does it: nothing of a body is left out."""
    done = subprocess.run(["mariadb", "--no-defaults", "--comments", "--binary-mode", "--user=root", "--socket=" + server.socket,
                           "--default-character-set=utf8mb4", database], input=sql.encode("utf-8"), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def hard(maria: Maria) -> Iterator[Maria]:
    for name in NAMES:
        maria.sql("CREATE DATABASE h_" + name)
        load(maria, "h_" + name, CASES[name].sql)
    yield maria
    for name in NAMES:
        maria.sql("DROP DATABASE h_" + name)


@pytest.fixture(scope="module")
def copied(hard: Maria) -> Iterator[Any]:
    """One copy of all of them, with what was told of it."""
    with tempfile.TemporaryDirectory(prefix="respaldo-hard-") as directory:
        shelf = Shelf(Path(directory))
        shelf.made = shelf.make(MariaDB(["h_" + name for name in NAMES], **hard.options(globals=False)))
        yield shelf


def test_all_of_them_are_proved(hard: Maria, copied: Any) -> None:
    source = MariaDB(["h_floats"], **hard.options())
    with copied.open() as copy:
        assert source.rehearse(copy, "") == ["sql_load_into_scratch", "dump_compare"]
    assert "Database h_blurred came back but for the empty error value of ENUM columns, which came back as the member '': t ñ.e (1 rows)" in source.remarks()
    for name in NAMES:
        told = [each for each in copied.made.fields["warnings"] if "h_{0}:".format(name) in each]
        assert bool(told) == bool(CASES[name].warning) and CASES[name].warning in " ".join(told), (name, told)


@pytest.mark.parametrize("name", NAMES)
def test_each_comes_back_under_another_name(hard: Maria, copied: Any, name: str) -> None:
    source = MariaDB(["h_" + name], database="h_" + name, **hard.options())
    with copied.open() as copy:
        source.restore(copy, "r_" + name, False)
    question = CASES[name].question
    if name == "account_gone":
        hard.sql("CREATE USER fantasma@localhost")     # a view of nobody can't be looked into
    try:
        answers = [hard.sql(question.format(database)) for database in ("r_" + name, "h_" + name)]
        assert answers[0] == answers[1] != ""
        if name == "events":
            status = "SELECT STATUS FROM information_schema.EVENTS WHERE EVENT_SCHEMA = '{0}' ORDER BY EVENT_NAME"
            assert hard.sql(status.format("r_events")) == "DISABLED\n" * 4 and "disabled" in " ".join(source.remarks())
            assert hard.sql(status.format("h_events")) == "ENABLED\nDISABLED\nENABLED\nENABLED\n"
        if name == "account_gone":
            view = hard.sql("SHOW CREATE VIEW r_account_gone.v")
            assert "from (`r_account_gone`.`h_account_gone` `a` join" in view and "'`h_account_gone`.`h_account_gone`.`x" in view
    finally:
        hard.sql("DROP DATABASE r_{0}; DROP USER IF EXISTS fantasma@localhost".format(name))


def test_the_stock_commands_keep_bodies_and_take_what_was_taken(hard: Maria, shelf: Shelf) -> None:
    for name in ("line_ends", "dates", "comments"):
        made = shelf.make(MariaDB(["h_" + name], **hard.options(globals=False)), "SIGA_2026112" + str(NAMES.index(name) % 10))
        mine = "mariadb --no-defaults --user=root --socket={0} ".format(hard.socket)
        script = "\n".join(made.manifest["restore"]).replace("mariadb ", mine)
        done = subprocess.run(["bash", "-eo", "pipefail", "-c", script], cwd=shelf.directory(made.manifest["label"]), capture_output=True, text=True,
                              check=False, env={"TARGET": "s_" + name, "PATH": "/usr/bin:/bin"})
        assert done.returncode == 0, done.stderr
        assert hard.sql(CASES[name].question.format("s_" + name)) == hard.sql(CASES[name].question.format("h_" + name))
        hard.sql("DROP DATABASE s_" + name)


def test_what_only_lies_in_the_directory_and_a_crashed_table(mortal_maria: Maria, shelf: Shelf) -> None:
    """`all` is all databases, whatever else the directory of the data holds; a statement that a server does not take is told as such."""
    data = mortal_maria.directory / "data"
    (data / "lost+found").mkdir(mode=0o700)
    (data / ".ssh").mkdir(mode=0o700)
    mortal_maria.sql("CREATE DATABASE sana; CREATE TABLE sana.t (b longblob); INSERT INTO sana.t VALUES (REPEAT('x', 12 * 1024 * 1024)); CREATE USER "
                     "lector@localhost; "
                     "GRANT SELECT (b) ON sana.t TO lector@localhost;")
    made = shelf.make(MariaDB("all", **mortal_maria.options(globals=False)))
    assert [row["facts"]["database"] for row in made.manifest["parts"]] == ["sana"]
    assert [each for each in made.fields["warnings"] if each.startswith("lost+found ") or each.startswith(".ssh ")]
    source = MariaDB(["sana"], encrypted=True, **mortal_maria.options())
    source.preflight()
    assert [part.name for part in source.parts()] == ["sana", "users"]
    with shelf.open() as copy:
        error = expect("packet_too_small", lambda: MariaDB(["sana"], **mortal_maria.options()).restore(copy, "otra", False))
        assert "16777216" in error.message
        mortal_maria.sql("SET GLOBAL max_allowed_packet = 1073741824")
        MariaDB(["sana"], **mortal_maria.options()).restore(copy, "otra", False)
    assert mortal_maria.sql("SELECT LENGTH(b) FROM otra.t") == "12582912\n"
    mortal_maria.sql("CREATE TABLE sana.m (i int) ENGINE=MyISAM; INSERT INTO sana.m VALUES (1); FLUSH TABLES sana.m;")
    index = data / "sana" / "m.MYI"
    index.write_bytes(index.read_bytes()[:200] + b"\xff" * 60 + index.read_bytes()[260:])
    error = expect("source_damaged", lambda: shelf.make(MariaDB(["sana"], **mortal_maria.options(globals=False)), "SIGA_20261123"))
    assert "REPAIR TABLE" in error.message and "m" in error.message
