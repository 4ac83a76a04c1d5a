# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server holds and a copy can't have (issue 14): a table whose rows can't be read, FLOAT values that come rounded. Told, refused, left out."""

from __future__ import annotations

import os
import signal
from typing import Any

from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.mariadb import MariaDB
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.postgresql import PostgreSQL

from .conftest import Maria, Postgres, Shelf, expect

_TABLES = ('CREATE TABLE sana (i int); INSERT INTO sana VALUES (7); CREATE SCHEMA "Ñ"; CREATE TABLE "Ñ"."ro t""a" (i int PRIMARY KEY); '
           'INSERT INTO "Ñ"."ro t""a" VALUES (1); CREATE TABLE hija (i int REFERENCES "Ñ"."ro t""a"); INSERT INTO hija VALUES (1); '
           'CREATE TABLE otra (i int); INSERT INTO otra VALUES (1);')


def test_postgresql_copies_all_but_the_rows_that_cannot_be_read(mortal_postgres: Postgres, shelf: Shelf) -> None:
    server = mortal_postgres
    server.sql("CREATE DATABASE siga")
    server.sql(_TABLES, "siga")
    files = [server.sql("SELECT pg_relation_filepath('{0}')".format(table), "siga").strip() for table in ('"Ñ"."ro t""a"', "otra")]
    server.stop(signal.SIGINT)
    for file in files:
        os.unlink(str(server.directory / "data" / file))
    server.start()
    names = server.names()
    for on_missing in ("tell", "refuse"):
        error = expect("object_unreadable", lambda: shelf.make(PostgreSQL(["siga"], on_missing=on_missing, **server.options(globals=False))))
        assert ('"Ñ"."ro t""a"' in error.message or "public.otra" in error.message) and "could not open file" in error.message
    assert shelf.empty()

    made = shelf.make(PostgreSQL(["siga"], on_missing="partial", **server.options(globals=False)))
    told = " ".join(made.fields["warnings"])
    assert made.fields["lacks"] == made.manifest["lacks"] == 2      # a partial copy, which never counts as a good one
    assert 'the rows of public.otra, "Ñ"."ro t""a", which could not be read' in told and "not whole" in told
    source = PostgreSQL(["siga"], **server.options())
    with shelf.open() as copy:
        source.rehearse(copy, "")
        assert "public.otra" in " ".join(source.remarks())
        restored = source.restore(copy, "vuelve", False)
    assert any("public.otra" in each for each in restored["left_out"])
    assert server.sql('SELECT (SELECT i FROM sana), (SELECT count(*) FROM hija), (SELECT count(*) FROM "Ñ"."ro t""a")', "vuelve") == "7|1|0\n"
    assert server.names() == sorted([*names, "vuelve"])

    server.sql("CREATE DATABASE rota")
    server.sql("UPDATE pg_database SET datconnlimit = -2 WHERE datname = 'rota'")
    error = expect("missing_refused", lambda: PostgreSQL("all", on_missing="refuse", **server.options()).preflight())
    assert "rota" in error.message
    error = expect("invalid_input", lambda: PostgreSQL("all", on_missing="x", **server.options()))


def test_mariadb_copies_all_but_the_tables_that_cannot_be_read(mortal_maria: Maria, shelf: Shelf) -> None:
    server, data = mortal_maria, mortal_maria.directory / "data"
    server.sql("CREATE DATABASE siga; USE siga; CREATE TABLE sana (i int); INSERT INTO sana VALUES (7);"
               "CREATE TABLE `ro ``ta` (i int) ENGINE=MyISAM; INSERT INTO `ro ``ta` VALUES (1); CREATE VIEW v AS SELECT * FROM `ro ``ta`;"
               "CREATE TABLE filas (i int, t varchar(100)) ENGINE=MyISAM; INSERT INTO filas VALUES (1, REPEAT('x', 90)), (2, REPEAT('y', 90));"
               "CREATE TABLE aria (i int) ENGINE=Aria TRANSACTIONAL=0; INSERT INTO aria VALUES (1);"
               "CREATE TABLE f (x float); INSERT INTO f VALUES (16777217), (0.5); FLUSH TABLES;")

    def spoil(name: str, at: int) -> None:
        path = next(path for path in (data / "siga").iterdir() if path.name.startswith(name))
        content = path.read_bytes()
        path.write_bytes(content[:at] + b"\xff" * 40 + content[at + 40:])

    spoil(next(path.name for path in (data / "siga").iterdir() if path.name.endswith(".MYI") and path.name.startswith("ro")), 0)
    spoil("filas.MYD", 8)
    server.sql("FLUSH TABLES")

    def source(**more: Any) -> MariaDB:
        return MariaDB(["siga"], **server.options(globals=False, **more))

    error = expect("source_damaged", lambda: shelf.make(source()))
    assert "ro `ta" in error.message and "REPAIR TABLE" in error.message
    made = shelf.make(source(on_missing="partial"))
    told = " ".join(made.fields["warnings"])
    assert "tables that can't be read: ro `ta, filas." in told and "REPAIR TABLE" in told and "f.x (1 values)" in told
    assert made.fields["objects"] == 3 and made.fields["lacks"] == 2 and "these views read such tables and are not copied: v." in told
    proving = source()
    with shelf.open() as copy:
        proving.rehearse(copy, "")
        remarks = " ".join(proving.remarks())
        assert "tables that could not be read when it was copied: ro `ta, filas" in remarks and "FLOAT values that its tool rounded: f.x (1 values)" in remarks
        assert len(source().restore(copy, "vuelve", False)["left_out"]) == 2
    assert server.sql("SELECT (SELECT i FROM vuelve.sana), (SELECT COUNT(*) FROM vuelve.aria)") == "7\t1\n"
    server.sql("DROP TABLE siga.`ro ``ta`, siga.filas; DROP VIEW siga.v")
    assert "rounded" in expect("missing_refused", lambda: shelf.make(source(on_missing="refuse"), "SIGA_20261123")).message
