# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The throw-away server of MariaDB: it proves what a rehearsal on the live one proved, leaves nothing, and where it can't be nothing is claimed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.processes.pipeline import Stage
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources import mariadb_scratch
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.base import Part
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.mariadb import MariaDB

from .conftest import Maria, Shelf, altered, expect

_ODD = """
CREATE TABLE t (id int PRIMARY KEY AUTO_INCREMENT, v varchar(90) DEFAULT 'a;\\nb', g int AS (id * 2) VIRTUAL);
INSERT INTO t (v) VALUES ('it''s;\\n-- x'), (NULL), ('\\\\');
CREATE SEQUENCE folio START WITH 7;
CREATE TABLE numerada (n int DEFAULT nextval(odd.folio), z int);
INSERT INTO numerada (z) VALUES (1), (2);
CREATE TABLE historia (x int) WITH SYSTEM VERSIONING;
INSERT INTO historia VALUES (1);
UPDATE historia SET x = 2;
CREATE DEFINER=nadie@'10.%' VIEW ajena AS SELECT p.dni FROM rrhh.personal p JOIN t ON t.id = p.id;
CREATE DEFINER=nadie@'10.%' VIEW sobre AS SELECT * FROM ajena;
CREATE ROLE IF NOT EXISTS papel;
SET sql_mode = 'NO_BACKSLASH_ESCAPES,ANSI_QUOTES';
DELIMITER //
CREATE DEFINER="o'tro"@"%" PROCEDURE barras() BEGIN SELECT '\\' AS "a\\", 'x;;' ; END//
SET sql_mode = ''//
CREATE PROCEDURE cr() BEGIN SELECT 'a\r\nb'; END//
SET time_zone = 'America/Lima'//
CREATE DEFINER=papel EVENT limpia ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 03:00:00' DO DELETE FROM t WHERE id < 0//
CREATE EVENT otra ON SCHEDULE AT '2037-01-01' DISABLE DO BEGIN SELECT 1; SELECT '
DELIMITER ;
DROP TABLE t;
'; END//
DELIMITER ;
"""


@pytest.fixture(scope="module")
def odd(maria: Maria) -> Iterator[Maria]:
    zones = subprocess.run(["mariadb-tzinfo-to-sql", "/usr/share/zoneinfo/America/Lima", "America/Lima"], capture_output=True, text=True, check=True).stdout
    maria.sql(zones)
    maria.sql("CREATE DATABASE rrhh; CREATE TABLE rrhh.personal (id int, dni char(8)); CREATE VIEW rrhh.vista AS SELECT * FROM rrhh.personal; "
              "CREATE DATABASE odd CHARACTER SET latin1; CREATE USER nadie@'10.%', `o'tro`@'%'; GRANT ALL ON *.* TO nadie@'10.%'")
    maria.sql(_ODD, "odd")
    yield maria
    maria.sql("DROP DATABASE odd; DROP DATABASE rrhh; DROP USER nadie@'10.%', `o'tro`@'%'; DROP ROLE papel")


@pytest.fixture
def stack() -> Iterator[contextlib.ExitStack]:
    with contextlib.ExitStack() as made:
        yield made


class First(MariaDB):
    """Copies as they were made before events were apart: these arguments, one part, these facts."""

    _THEN = ["--single-transaction", "--skip-lock-tables", "--quick", "--skip-add-locks", "--routines", "--events", "--triggers", "--hex-blob",
             "--no-tablespaces", "--skip-dump-date", "--default-character-set=utf8mb4", "--max-allowed-packet=1073741824"]

    def _database_parts(self, name: str) -> List[Part]:
        part = super()._database_parts(name)[0]
        for key in ("events_apart", "events", "reads"):
            del part.facts[key]
        return [part._replace(produce=lambda: self._as_then(name, part.facts))]

    @contextlib.contextmanager
    def _as_then(self, name: str, facts: Dict[str, Any]) -> Iterator[List[Stage]]:
        arguments = self._THEN + (["--dump-history"] if facts["history"] else []) + ["--", name]
        with self.live.tool("mariadb-dump", arguments) as stages, self.live.writing(name, facts) as edited:
            yield [stages[0], *edited[1:]]


def state(server: Maria) -> str:
    """What a rehearsal would have changed on a live server."""
    return server.sql("SHOW GLOBAL STATUS WHERE Variable_name IN ('Com_create_db', 'Com_create_user', 'Com_create_table', 'Com_insert', 'Com_grant', "
                      "'Com_drop_db', 'Com_create_event', 'Com_create_procedure', 'Com_set_option') AND Variable_name <> 'Com_set_option'")


def strangers() -> List[str]:
    """Servers that run from a scratch directory of ours."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            words = Path("/proc", pid, "cmdline").read_bytes().split(b"\0")
            if b"--datadir=/tmp/data" in words and b"--plugin-dir=/tmp/nothing" in words:
                found.append(pid)
    return found


@pytest.mark.parametrize("kind", (MariaDB, First))
def test_all_comes_back_without_a_right_on_the_live_server(odd: Maria, shelf: Shelf, tmp_path: Path, kind: Any) -> None:
    """S9: what is rehearsed is loaded into a server of its own, whatever it needs; a copy of the first kind too, its events within."""
    made = shelf.make(kind(["odd"], **odd.options()))
    names = [row["name"] for row in made.manifest["parts"]]
    assert names == (["odd", "odd.events"] if kind is MariaDB else ["odd"])
    before, databases = state(odd), odd.names()
    source = MariaDB(["odd"], **odd.options())
    with shelf.open() as copy:
        copy.verify_structure(source)
        assert source.rehearse(copy, str(tmp_path)) == ["sql_load_into_scratch", "dump_compare"]
        assert state(odd) == before and odd.names() == databases
        assert not list(tmp_path.glob(".respaldo-*"))
        source.restore(copy, "odd_b", False)
    remarks = " ".join(source.remarks())
    assert "nadie@10.%" in remarks and "rrhh" in remarks
    events = "SELECT EVENT_NAME, DEFINER, TIME_ZONE, STATUS, EVENT_DEFINITION FROM information_schema.EVENTS WHERE EVENT_SCHEMA = '{0}' ORDER BY 1"
    # under another name none runs
    assert odd.sql(events.format("odd_b")) == odd.sql(events.format("odd")).replace("\tENABLED\t", "\tDISABLED\t") != ""
    assert odd.sql("SELECT COUNT(*) FROM odd_b.historia FOR SYSTEM_TIME ALL") == "2\n"
    assert "odd`.`folio" not in odd.sql("SHOW CREATE TABLE odd_b.numerada")
    assert not odd.sql("SELECT User FROM mysql.user WHERE User LIKE 'respaldo%'")
    odd.sql("DROP DATABASE odd_b")


def test_a_difference_is_found_in_each_part(odd: Maria, shelf: Shelf) -> None:
    shelf.make(MariaDB(["odd"], **odd.options()))
    for pattern, other in ((b"it\\'s;", b"it\\'z;"), (b"CREATE SEQUENCE", b"CREATE SEQUENZE")):
        with shelf.open() as copy:
            source = MariaDB(["odd"], **odd.options())
            changed = altered(copy, pattern, other)
            error = expect("restored_differs", lambda source=source, changed=changed: source.rehearse(changed, ""))
            assert "table `t`" in error.message or "`folio`" in error.message
    with shelf.open() as copy:
        source, whole = MariaDB(["odd"], **odd.options()), copy.stream

        def stream(name: str, stages: Any = (), feed: Any = None) -> int:
            astray = [Stage("sed", ["/usr/bin/sed", "s/EVERY 1 DAY/EVERY 2 DAY/"])] if stages and name.endswith(".events") else []
            return whole(name, [*astray, *stages], feed)

        copy.stream = stream
        assert "Dumping events" in expect("restored_differs", lambda: source.rehearse(copy, "")).message


def test_a_killed_run_leaves_no_server(odd: Maria, shelf: Shelf, tmp_path: Path) -> None:
    shelf.make(MariaDB(["odd"], **odd.options()))
    child = os.fork()
    if not child:
        try:
            with shelf.open() as copy:
                MariaDB(["odd"], **odd.options()).rehearse(copy, str(tmp_path))
        finally:
            os._exit(0)
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob(".respaldo-*/own/s")):
        assert time.monotonic() < deadline, "the throw-away server did not start"
        time.sleep(0.02)
    mine = list(tmp_path.glob(".respaldo-*"))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while any(_below(pid, mine[0]) for pid in strangers()):
        assert time.monotonic() < deadline + 30, "the server of a killed run still runs"
        time.sleep(0.05)
    old = time.time() - 3600
    for each in mine:
        os.utime(each, (old, old))
    with shelf.open() as copy:
        MariaDB(["odd"], **odd.options()).rehearse(copy, str(tmp_path))
    assert not list(tmp_path.glob(".respaldo-*"))


def _below(pid: str, directory: Path) -> bool:
    """Whether what a process sees as /tmp is the directory `own` of a rehearsal."""
    with contextlib.suppress(OSError):
        return os.path.samestat(os.stat("/proc/{0}/root/tmp".format(pid)), os.stat(directory / "own"))
    return False


def test_where_it_cannot_be_nothing_is_claimed(odd: Maria, shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                               stack: contextlib.ExitStack) -> None:
    """Issue 12, part 3: no server, no room, another version: the copy is not called bad, and the live server is not taken instead."""
    shelf.make(MariaDB(["odd"], **odd.options()))
    other = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="respaldo-bin-")))
    other.chmod(0o755)      # the client runs as an account without rights
    for name in ("mariadb", "mariadb-dump"):
        (other / name).symlink_to("/usr/bin/" + name)
    (other / "mariadbd").write_text("#!/bin/sh\necho 'mariadbd  Ver 10.5.1-MariaDB for Linux'\n")
    (other / "mariadbd").chmod(0o755)
    before = state(odd)
    with shelf.open() as copy:
        error = expect("rehearsal_unavailable", lambda: MariaDB(["odd"], **odd.options(bin_dir=str(other))).rehearse(copy, ""))
        assert "10.5.1" in error.message and "10.11" in error.message
        with monkeypatch.context() as patch:
            patch.setattr(mariadb_scratch, "_EMPTY_SERVER", 1 << 60)
            assert str(tmp_path) in expect("rehearsal_no_room", lambda: MariaDB(["odd"], **odd.options()).rehearse(copy, str(tmp_path))).message
        with monkeypatch.context() as patch:
            patch.setattr(mariadb_scratch, "_PLACES", ())
            expect("rehearsal_unavailable", lambda: MariaDB(["odd"], **odd.options()).rehearse(copy, ""))
        assert state(odd) == before
        names = odd.names()
        source = MariaDB(["odd"], rehearse_on_live=True, **odd.options(bin_dir=str(other)))
        assert source.rehearse(copy, "") == ["sql_load_into_scratch", "dump_compare"]
        assert any("live server" in remark for remark in source.remarks())
        assert odd.names() == names and state(odd) != before
        assert set(odd.sql("SELECT DISTINCT EVENT_SCHEMA FROM information_schema.EVENTS").split()) - {"siga"} == {"odd"}


def test_a_first_copy_with_events_is_not_rehearsed_on_the_live_server(odd: Maria, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf.make(First(["odd"], **odd.options()))
    monkeypatch.setattr(mariadb_scratch, "_PLACES", ())
    with shelf.open() as copy:
        error = expect("rehearsal_unavailable", lambda: MariaDB(["odd"], rehearse_on_live=True, **odd.options()).rehearse(copy, ""))
    assert "events" in error.message
    assert set(odd.sql("SELECT DISTINCT EVENT_SCHEMA FROM information_schema.EVENTS").split()) - {"siga"} == {"odd"}


def test_events_that_may_not_be_seen_stop_the_copy(odd: Maria, shelf: Shelf) -> None:
    odd.sql("CREATE USER corto@localhost; GRANT SELECT, SHOW VIEW, TRIGGER, LOCK TABLES ON odd.* TO corto@localhost; "
            "GRANT SELECT ON mysql.* TO corto@localhost")
    expect("source_unreachable", lambda: shelf.make(MariaDB(["odd"], socket=odd.socket, user="corto")))
    odd.sql("DROP USER corto@localhost")
