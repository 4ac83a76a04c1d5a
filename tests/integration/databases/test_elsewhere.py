# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rehearsals on another server that the inventory names; what a run that was killed leaves there, or on the live one, is swept and told."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from typing import Any, Dict, List

from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources import databases_scratch
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.mariadb import MariaDB
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.postgresql import PostgreSQL

from .conftest import PASSWORD, Maria, Postgres, Shelf, altered, expect

_PEOPLES = "respaldo_scratch_0123456789ab"     # a person's, who named it so


def of(server: Any, **more: Any) -> Dict[str, Any]:
    """A server as scratch_server names it."""
    return {name: value for name, value in dict(server.options(), **more).items() if name != "bin_dir"}


def killed(kind: Any, options: Dict[str, Any], directory: str) -> None:
    """A process that rehearses the copy in `directory` and is killed while it loads."""
    program = (
        "import sys, os, signal\nsys.path[:0] = {path!r}\n"
        "from pathlib import Path\nfrom databases.conftest import Shelf\n"
        "from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.{module} import {name}\n"
        "source = {name}(**{options!r})\n"
        "with Shelf(Path({directory!r})).open() as copy:\n"
        "    original = copy.stream\n"
        "    def stream(name, stages=(), feed=None):\n"
        "        if any('--dbname=' in each or '--database=' in each for stage in stages for each in stage.argv): os.kill(os.getpid(), signal.SIGKILL)\n"
        "        return original(name, stages, feed)\n"
        "    copy.stream = stream\n    source.rehearse(copy, '')\n").format(
            path=sys.path, module=kind.type, name=kind.__name__, options=options, directory=directory)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr


def test_postgresql_elsewhere(postgres: Postgres, mortal_postgres: Postgres, shelf: Shelf) -> None:
    live, there = postgres, mortal_postgres
    live.sql("CREATE ROLE e_app; CREATE DATABASE e_siga;".replace("; ", ";\n"))
    live.sql("CREATE TABLE t (i text); INSERT INTO t VALUES ('uno'), ('dos-2'); GRANT SELECT ON t TO e_app; ALTER TABLE t OWNER TO e_app", "e_siga")
    there.sql("CREATE DATABASE {0}".format(_PEOPLES))
    there.sql("CREATE ROLE prueba LOGIN CREATEDB PASSWORD '{0}'".format(PASSWORD.replace("'", "''")))
    shelf.make(PostgreSQL(["e_siga"], **live.options()))
    server = {"host": "127.0.0.1", "port": there.port, "user": "prueba", "password": PASSWORD}
    elsewhere = PostgreSQL(["e_siga"], scratch_server=server, **live.options())
    try:
        with shelf.open() as copy:
            assert elsewhere.rehearse(copy, "") == ["pg_restore_into_scratch", "dump_compare"]
            told = " ".join(elsewhere.remarks())
            assert "as scratch_server says" in told and _PEOPLES + " on PostgreSQL at 127.0.0.1" in told and "stays" in told
            expect("restored_differs", lambda: PostgreSQL(["e_siga"], scratch_server=server, **live.options()).rehearse(altered(copy, b"dos-2", b"dos-3"), ""))
        assert there.names() == ["postgres", _PEOPLES] and there.sql("SELECT count(*) FROM pg_roles WHERE rolname = 'e_app'") == "0\n"

        # a run that dies leaves its database; one that lives is left alone; the next drops it and says so
        options = dict(databases=["e_siga"], scratch_server=of(there), **live.options())
        killed(PostgreSQL, options, str(shelf.path))
        (left,) = set(there.names()) - {"postgres", _PEOPLES}
        there.sql("CREATE DATABASE respaldo_scratch_ba9876543210; COMMENT ON DATABASE respaldo_scratch_ba9876543210 IS '{0}'".format(
            databases_scratch.mark()).replace("; ", ";\n", 1))
        source = PostgreSQL(**options)
        with shelf.open() as copy:
            source.rehearse(copy, "")
        assert there.names() == ["postgres", _PEOPLES, "respaldo_scratch_ba9876543210"]
        assert any(left in each and "it was dropped" in each for each in source.remarks())

        # neither the live server itself, by whatever address, nor one that can't be asked
        before = live.names()
        for other in ({"host": "127.0.0.1", "port": live.port, "user": "postgres", "password": PASSWORD}, of(live)):
            with shelf.open() as copy:
                expect("scratch_server_live", lambda: PostgreSQL(["e_siga"], scratch_server=other, **live.options()).rehearse(copy, ""))
        there.stop(signal.SIGINT)
        with shelf.open() as copy:
            error = expect("scratch_server_unusable", lambda: PostgreSQL(["e_siga"], scratch_server=server, **live.options()).rehearse(copy, ""))
        assert PASSWORD not in error.message and live.names() == before
    finally:
        live.sql("DROP DATABASE e_siga")
        live.sql("DROP ROLE e_app")


def test_what_a_killed_rehearsal_left_on_the_live_server_goes_with_the_next_copy(postgres: Postgres, maria: Maria, shelf: Shelf) -> None:
    """Where rehearse_on_live says so it happened there; a restore begins in such a database too."""
    servers: List[Any] = [(postgres, PostgreSQL, "SIGA_20261122"), (maria, MariaDB, "SIGA_20261123")]
    for server, kind, label in servers:
        server.sql("CREATE DATABASE e_vivo")
        comment = "COMMENT ON DATABASE {0} IS '{1}'" if kind is PostgreSQL else "ALTER DATABASE {0} COMMENT '{1}'"
        dead = re.sub(r"process \d+ \d+", "process 1 1", databases_scratch.mark())
        names = ["respaldo_scratch_00000000000" + each for each in "abc"]
        for name, text in zip(names, (dead, databases_scratch.mark(), "")):
            server.sql("CREATE DATABASE " + name)
            server.sql(comment.format(name, text))
        options = dict(databases=["e_vivo"], **server.options(globals=False))
        warnings = " ".join(shelf.make(kind(**options), label).fields["warnings"])
        assert set(names) - set(server.names()) == {names[0]}
        assert names[0] in warnings and "it was dropped" in warnings and names[1] not in warnings and names[2] in warnings and "it stays" in warnings
        with shelf.open(label) as copy:
            restored = kind(**options).restore(copy, "e_vuelve", False)
        assert restored["target"] == "e_vuelve"
        if kind is PostgreSQL:
            assert server.sql("SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = 'e_vuelve'") == "\n"
        for name in ("e_vivo", "e_vuelve", *names[1:]):
            server.sql("DROP DATABASE " + name)


def test_mariadb_elsewhere(maria: Maria, mortal_maria: Maria, shelf: Shelf) -> None:
    live, there = maria, mortal_maria
    live.sql("CREATE DATABASE e_siga; USE e_siga; CREATE TABLE t (i int); INSERT INTO t VALUES (1), (2); CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SELECT 1;"
             "CREATE DEFINER = nadie@localhost FUNCTION f() RETURNS int RETURN 1")
    there.sql("CREATE DATABASE {0}; CREATE USER prueba@'%' IDENTIFIED BY '{1}'; GRANT ALL ON *.* TO prueba@'%' WITH GRANT OPTION".format(
        _PEOPLES, PASSWORD.replace("\\", "\\\\").replace("'", "\\'")))
    shelf.make(MariaDB(["e_siga"], **live.options()))
    server = {"host": "127.0.0.1", "port": there.port, "user": "prueba", "password": PASSWORD}
    accounts = there.sql("SELECT User FROM mysql.user ORDER BY 1")
    source = MariaDB(["e_siga"], scratch_server=server, **live.options())
    with shelf.open() as copy:
        assert source.rehearse(copy, "") == ["sql_load_into_scratch", "dump_compare"]
        assert "as scratch_server says" in " ".join(source.remarks()) and _PEOPLES in " ".join(source.remarks())
    assert there.names() == [_PEOPLES] and there.sql("SELECT User FROM mysql.user ORDER BY 1") == accounts

    options = dict(databases=["e_siga"], scratch_server=of(there), **live.options())
    killed(MariaDB, options, str(shelf.path))
    (left,) = set(there.names()) - {_PEOPLES}
    assert "respaldo_restore_" in there.sql("SELECT User FROM mysql.user")
    source = MariaDB(**options)
    with shelf.open() as copy:
        source.rehearse(copy, "")
    assert there.names() == [_PEOPLES] and any(left in each and "it was dropped" in each for each in source.remarks())
    assert there.sql("SELECT User FROM mysql.user ORDER BY 1") == accounts

    before = live.names()
    live.sql("CREATE USER prueba@'%' IDENTIFIED BY 'x'; GRANT ALL ON *.* TO prueba@'%' WITH GRANT OPTION")
    try:
        for other in ({"host": "127.0.0.1", "port": live.port, "user": "prueba", "password": "x"}, of(live)):
            with shelf.open() as copy:
                expect("scratch_server_live", lambda: MariaDB(["e_siga"], scratch_server=other, **live.options()).rehearse(copy, ""))
        there.stop(signal.SIGTERM)
        with shelf.open() as copy:
            expect("scratch_server_unusable", lambda: MariaDB(["e_siga"], scratch_server=server, **live.options()).rehearse(copy, ""))
        assert live.names() == before
    finally:
        live.sql("DROP DATABASE e_siga; DROP USER prueba@'%'")


def test_a_mark_tells_who_lives() -> None:
    mark = databases_scratch.mark()
    dead = databases_scratch._dead
    assert dead(mark) is False and dead("") is None and dead(mark + " x") is None
    assert dead(re.sub(r"boot \S+", "boot 0", mark)) is True
    assert dead(re.sub(r"process \d+", "process {0}".format(2 ** 22 + 1), mark)) is True
    assert dead(re.sub(r"process (\d+) \d+", r"process \1 1", mark)) is True       # its number went to another
    for other in (re.sub(r"host \S+", "host " + "0" * 16, mark), re.sub(r"space \d+", "space 1", mark)):
        assert dead(other) is False
        assert dead(re.sub(r"since \d+", "since {0}".format(int(time.time()) - 8 * 86400), other)) is True
