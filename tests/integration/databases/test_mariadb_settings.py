# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a server gives each session, a copy of MariaDB has all rows, is proved and comes back; where the tool that dumps can't be told so, it is refused."""

from __future__ import annotations

import subprocess
from typing import Any, Dict, Iterator

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources import mariadb_session
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.mariadb import MariaDB

from .conftest import Maria, Shelf, expect

# all that a text of ours may have: exact floats, sequences, triggers, tables that must be locked, views that join
_DATABASE = (
    "CREATE DATABASE vendor; USE vendor; CREATE TABLE t (i int PRIMARY KEY, f float, c char(10), d datetime); "
    "INSERT INTO t SELECT seq, seq / 7, CONCAT('x\\\\y ', seq), '2026-01-02 03:04:05' FROM seq_1_to_60; CREATE TABLE my (i int) ENGINE=MyISAM; "
    "INSERT INTO my SELECT seq FROM seq_1_to_60; CREATE VIEW w AS SELECT a.i FROM t a JOIN t b; CREATE SEQUENCE q; CREATE PROCEDURE p() SELECT 1; "
    "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.c = CONCAT(NEW.c, '!');")
_SUMS = "SELECT COUNT(*), SUM(CAST(f AS DOUBLE)), MAX(c) FROM {0}.t; SELECT COUNT(*) FROM {0}.my; SELECT NEXTVAL({0}.q) > 0;"

SETTINGS: Dict[str, Dict[str, str]] = {
    "careful": {"sql_safe_updates": "1"},
    "hurried": {"max_statement_time": "0.001", "wait_timeout": "1", "net_read_timeout": "1", "net_write_timeout": "1", "lock_wait_timeout": "1",
                "idle_transaction_timeout": "1"},
    "unquoted": {"sql_quote_show_create": "0"},
    "uncommitted": {"autocommit": "0"},
    "ansi": {"sql_mode": "'ANSI,NO_BACKSLASH_ESCAPES,PAD_CHAR_TO_FULL_LENGTH,TRADITIONAL'", "time_zone": "'-05:00'"},
    "oracle": {"sql_mode": "'ORACLE'", "div_precision_increment": "0", "group_concat_max_len": "4"},
    "latin": {"character_set_server": "latin1", "collation_server": "latin1_spanish_ci", "foreign_key_checks": "0", "unique_checks": "0"},
    "connected": {"init_connect": "\"SET sql_mode = 'ANSI_QUOTES', time_zone = '+05:00', sql_safe_updates = 1, sql_quote_show_create = 0\""},
}
# what only the tool that dumps would have to be told
LIMITS = {
    "rows_limited": ({"sql_select_limit": "3"}, "sql_select_limit"),
    "none_at_all": ({"sql_select_limit": "0"}, "first 0 rows"),
    "connected": ({"init_connect": '"SET sql_select_limit = 20"'}, "first 20 rows"),
    "joins": ({"max_join_size": "10"}, "max_join_size"),
    "selects": ({"max_join_size": "10", "sql_big_selects": "0"}, "max_join_size"),
    "broken": ({"init_connect": '"SET nada = 1"'}, "init_connect of the server fails"),
}


@pytest.fixture
def served(maria: Maria) -> Iterator[Any]:
    """A server with a database, and an account that init_connect is for, since it is no administrator of connections."""
    maria.sql(_DATABASE + "CREATE USER app@localhost; GRANT ALL ON *.* TO app@localhost WITH GRANT OPTION; "
              "REVOKE SUPER, CONNECTION ADMIN ON *.* FROM app@localhost; FLUSH PRIVILEGES;")
    changed = []

    def change(settings: Dict[str, str]) -> None:
        changed.extend(settings)
        maria.sql("SET " + ", ".join("GLOBAL {0} = {1}".format(*each) for each in settings.items()))

    try:
        yield change
    finally:
        reset = ["GLOBAL {0} = DEFAULT".format(name) if name != "init_connect" else "GLOBAL init_connect = ''" for name in changed]
        maria.sql("SET SESSION sql_select_limit = 100000, sql_big_selects = 1, sql_mode = ''; " + "SET {0};".format(", ".join(reset)) * bool(reset))
        maria.sql("DROP DATABASE IF EXISTS vendor; DROP DATABASE IF EXISTS vuelta; DROP DATABASE IF EXISTS stock; DROP USER app@localhost")


@pytest.mark.parametrize("name", SETTINGS)
def test_whatever_sessions_are_given_the_copy_is_whole(maria: Maria, served: Any, shelf: Shelf, name: str) -> None:
    before = maria.sql(_SUMS.format("vendor"))
    served(SETTINGS[name])
    source = MariaDB(["vendor"], database="vendor", **maria.options(user="app", globals=False))
    made = shelf.make(source)
    with shelf.open() as copy:
        assert source.rehearse(copy, "") == ["sql_load_into_scratch", "dump_compare"]
        assert source.restore(copy, "vuelta", False)["left_out"] == []
    mine = "mariadb --no-defaults --user=app --socket={0} ".format(maria.socket)
    script = "\n".join(made.manifest["restore"]).replace("mariadb ", mine)
    done = subprocess.run(["bash", "-eo", "pipefail", "-c", script], cwd=shelf.directory(), capture_output=True, text=True, check=False,
                          env={"TARGET": "stock", "PATH": "/usr/bin:/bin"})
    assert done.returncode == 0, done.stderr
    for database in ("vuelta", "stock"):
        assert maria.sql("SET sql_mode = ''; " + _SUMS.format(database)) == before, database


@pytest.mark.parametrize("name", LIMITS)
def test_what_would_leave_rows_out_of_a_dump_is_refused(maria: Maria, served: Any, shelf: Shelf, name: str) -> None:
    settings, words = LIMITS[name]
    served(settings)
    source = MariaDB(["vendor"], **maria.options(user="app", globals=False))
    fault = {"joins": "scan_refused", "selects": "scan_refused", "broken": "source_unreachable"}.get(name, "rows_limited")
    assert words in expect(fault, lambda: shelf.make(source)).message
    assert shelf.empty()
    if fault == "rows_limited":
        # nor is what was brought back compared with a dump that lacks rows: that would be called damage
        expect(fault, lambda: source.live.writing("vendor", {"engines": {}}).__enter__())


def test_a_tool_that_can_be_told_is_told() -> None:
    knows = "  --init-command=name Single SQL statement"
    assert mariadb_session.of_tool("mariadb-dump", "--help") == []
    (option,) = mariadb_session.of_tool("mariadb-dump", knows)
    assert option.startswith("--init-command=SET sql_select_limit=18446744073709551615, sql_big_selects=1") and "autocommit" not in option
    assert mariadb_session.of_tool("mariadb", "", "TIMESTAMP = 86400")[0].endswith(", TIMESTAMP = 86400")
