# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Before there is a copy: whether it could be rehearsed. What is lacking is told as the statement that gives it, and with that a rehearsal goes well."""

from __future__ import annotations

from typing import Any, Dict

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources import mariadb_scratch, of_databases, postgresql_scratch
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.mariadb import MariaDB
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.postgresql import PostgreSQL

from .conftest import PASSWORD, Maria, Postgres, Shelf, expect

LABEL = "SIGA_20261122"


def proved(source: Any) -> None:
    source.preflight()
    source.prove_rights()
    of_databases.prove_drill(source, LABEL)


def test_postgresql(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    postgres.sql("CREATE DATABASE d_siga")
    postgres.sql("CREATE ROLE d_lee LOGIN PASSWORD '{0}'; GRANT pg_read_all_data TO d_lee".format(PASSWORD.replace("'", "''")))
    try:
        before = postgres.names()
        proved(PostgreSQL(["d_siga"], **postgres.options()))
        expect("scratch_server_live", lambda: proved(PostgreSQL(["d_siga"], scratch_server={
            name: value for name, value in postgres.options().items() if name != "bin_dir"}, **postgres.options())))
        reads: Dict[str, Any] = {"host": "127.0.0.1", "port": postgres.port, "user": "d_lee", "password": PASSWORD, "globals": False,
                                 "bin_dir": postgres.programs()}
        # the server's programs are not here: what a server of clients alone has
        monkeypatch.setattr(postgresql_scratch, "_SERVER_TOOLS", ("initdb-that-is-not-here",))
        lacks = expect("rehearsal_unavailable", lambda: proved(PostgreSQL(["d_siga"], **reads)))
        assert "initdb" in lacks.message and "Instale aquí los programas del servidor" in lacks.remedy
        denied = expect("drill_rights_missing", lambda: proved(PostgreSQL(["d_siga"], rehearse_on_live=True, **reads)))
        assert denied.code == "RSP789" and 'ALTER ROLE "d_lee" CREATEDB;' in denied.remedy and "d_lee" in denied.spanish and PASSWORD not in denied.message
        postgres.sql(str(denied.details["grant"]))
        proved(PostgreSQL(["d_siga"], rehearse_on_live=True, **reads))
        assert postgres.names() == before, "a check makes nothing"
    finally:
        postgres.sql("DROP DATABASE d_siga")
        postgres.sql("REVOKE pg_read_all_data FROM d_lee; DROP ROLE d_lee")


def test_mariadb(maria: Maria, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    maria.sql("CREATE DATABASE d_siga; CREATE TABLE d_siga.t (a INT); INSERT INTO d_siga.t VALUES (1)")
    maria.sql("CREATE USER 'd_lee'@'localhost' IDENTIFIED BY 'x-Y9.clave'")
    maria.sql("GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, LOCK TABLES ON d_siga.* TO 'd_lee'@'localhost'; GRANT RELOAD, PROCESS ON *.* TO 'd_lee'@'localhost'")
    reads: Dict[str, Any] = {**maria.options(), "user": "d_lee", "password": "x-Y9.clave", "globals": False}
    try:
        proved(MariaDB(["d_siga"], **maria.options()))
        proved(MariaDB(["d_siga"], **reads))      # a throw-away server asks nothing of the live one's accounts
        expect("scratch_server_live", lambda: proved(MariaDB(["d_siga"], scratch_server=maria.options(), **maria.options())))
        monkeypatch.setattr(mariadb_scratch, "_PLACES", ())
        lacks = expect("rehearsal_unavailable", lambda: proved(MariaDB(["d_siga"], **reads)))
        assert "mariadb-server" in lacks.message
        denied = expect("drill_rights_missing", lambda: proved(MariaDB(["d_siga"], rehearse_on_live=True, **reads)))
        assert "'d_lee'@'localhost'" in denied.spanish and "CREATE USER" in denied.remedy and "respaldo\\_scratch\\_%" in denied.remedy
        # with what it says a rehearsal goes well, and nothing of it stays
        maria.sql(str(denied.details["grant"]))
        source = MariaDB(["d_siga"], rehearse_on_live=True, **reads)
        proved(source)
        before = maria.names()
        shelf.make(source)
        with shelf.open() as copy:
            assert source.rehearse(copy, "") == ["sql_load_into_scratch", "dump_compare"]
        assert maria.names() == before
    finally:
        maria.sql("DROP DATABASE d_siga; DROP USER 'd_lee'@'localhost'")
