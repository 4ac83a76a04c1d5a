# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Databases of PostgreSQL that public reports of its tools tell of (issue 14): each is copied, proved, and comes back with all that can come back."""

from __future__ import annotations

import shutil
import signal
import tempfile
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.copies.streamed import StreamedCopy
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.postgresql import PostgreSQL
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.transforms.keys import Keys

from .conftest import Postgres, Shelf, as_account, expect
from .test_postgresql import shell

_UNACCENT = "CREATE EXTENSION unaccent; CREATE FUNCTION st(text) RETURNS text IMMUTABLE LANGUAGE sql AS $$SELECT unaccent($1)$$; "
_TWO = "CREATE TABLE z (id int PRIMARY KEY); INSERT INTO z VALUES (1); "


class Case(NamedTuple):
    """A database, a question whose answer must be the same once restored, and what a restore tells."""

    sql: str
    question: str = "SELECT 1"
    told: str = ""          # in left_out and in the remarks of the rehearsal
    remark: str = ""        # in the remarks only


CASES: Dict[str, Case] = {
    # settings of the database that change how rows are written
    "settings": Case(
        "ALTER DATABASE {0} SET timezone = 'America/Lima'; ALTER DATABASE {0} SET bytea_output = 'escape'; ALTER DATABASE {0} SET client_encoding = 'LATIN1'; "
        "ALTER DATABASE {0} SET quote_all_identifiers = on; ALTER DATABASE {0} SET extra_float_digits = -3; ALTER DATABASE {0} SET datestyle = 'SQL, DMY'; "
        "ALTER DATABASE {0} SET intervalstyle = 'sql_standard'; ALTER DATABASE {0} SET row_security = off; ALTER DATABASE {0} SET search_path = nada; "
        "CREATE TABLE c (t timestamptz, b bytea, e text, f float8, r real, d date, i interval, m money); "
        "INSERT INTO c VALUES ('2026-03-04 01:02:03+00', '\\x000102ff', '€ñ', 0.1::float8 + 0.2::float8, 16777217, '2026-03-04', '1 day -2 hours', "
        "1234.56); "
        "CREATE VIEW v AS SELECT e FROM c;",
        "SELECT encode(float8send(f) || float4send(r) || b || date_send(d) || timestamptz_send(t) || convert_to(e, 'UTF8'), 'hex') FROM public.c",
        "settings and privileges of the database itself"),
    "document": Case("ALTER DATABASE {0} SET xmloption = 'document'; CREATE TABLE c (x xml); INSERT INTO c VALUES ('a<b/>');", "SELECT x FROM c",
                     "settings and privileges of the database itself"),
    # rows by the names of their columns, tables whole over their partitions
    "inherited": Case("CREATE TABLE p (a int); CREATE TABLE h (b int) INHERITS (p); INSERT INTO h VALUES (1, 2); ALTER TABLE p ADD c text; "
                      "INSERT INTO h VALUES (3, 4, E'x\\ty'), (5, NULL, ''); "
                      # found in PostgreSQL's own regression database: the child has the columns in an order of its own
                      "CREATE TABLE q (a int, b int); CREATE TABLE otra (b int, a int); ALTER TABLE otra INHERIT q; INSERT INTO otra VALUES (8, 7);",
                      "SELECT string_agg(format('%s|%s|%s', a, b, c), ',' ORDER BY a), (SELECT a - b FROM otra) FROM h",
                      remark="the columns of public.otra, which inherits, come back in another order"),
    "partitioned": Case(
        "CREATE TYPE e AS ENUM ('a', 'b', 'c'); CREATE TABLE p (k e, v int, w text) PARTITION BY HASH (k); "
        "CREATE TABLE p0 PARTITION OF p FOR VALUES WITH (MODULUS 2, REMAINDER 0); CREATE TABLE p1 (w text, v int, k e); "
        "ALTER TABLE p ATTACH PARTITION p1 FOR VALUES WITH (MODULUS 2, REMAINDER 1); "
        "INSERT INTO p SELECT (ARRAY['a', 'b', 'c'])[1 + g % 3]::e, g, md5(g::text) FROM generate_series(1, 90) g;",
        "SELECT md5(string_agg(format('%s|%s|%s', k, v, w), ',' ORDER BY v)) FROM p"),
    "marks": Case("CREATE TABLE t (l text); INSERT INTO t VALUES ('--'), ('-- Name: x; Type: TABLE; Schema: public; Owner: x'), ('--'), ('b'), ('a'), "
                  "('\\.'), (''); "
                  "CREATE TABLE u (); INSERT INTO u DEFAULT VALUES; CREATE TABLE \"de (x) FROM stdin;\" (\"a, b\" int, \"c \"\" d\" int); "
                  "INSERT INTO \"de (x) FROM stdin;\" VALUES (1, 2);", "SELECT count(*), max(l) FROM t"),
    # names that need a search_path
    "view": Case("CREATE TABLE m (s int); INSERT INTO m VALUES (1), (1); CREATE FUNCTION c() RETURNS TABLE (s int, n bigint) LANGUAGE sql AS "
                 "$$SELECT s, count(*) FROM m GROUP BY s$$; CREATE MATERIALIZED VIEW r AS SELECT * FROM c();", "SELECT * FROM "
                 "r", remark="MATERIALIZED VIEW DATA r"),
    "indexed": Case(_UNACCENT + "CREATE TABLE p (n text); INSERT INTO p VALUES ('año'); CREATE INDEX por_n ON p (st(n));",
                    "SELECT indexdef FROM pg_indexes WHERE indexname = 'por_n'", remark="INDEX por_n"),
    "computed": Case(_UNACCENT + "CREATE TABLE p (n text, g text GENERATED ALWAYS AS (st(n)) STORED); INSERT INTO p VALUES ('año');",
                     "SELECT * FROM p", remark="TABLE DATA p"),
    "triggered": Case(
        "CREATE SCHEMA ext; CREATE EXTENSION hstore SCHEMA ext; CREATE TABLE t (h ext.hstore); SET search_path = public, ext; CREATE FUNCTION f() RETURNS "
        "trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER g BEFORE UPDATE ON t FOR EACH ROW WHEN (OLD.h IS DISTINCT FROM NEW.h) "
        "EXECUTE FUNCTION f();", "SELECT count(*) FROM pg_trigger WHERE tgname = 'g'", remark="TRIGGER t g"),
    # a stored value that its function would not give any more (row L17): its rows are equal, and what comes back is not
    "recomputed": Case("CREATE FUNCTION f(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1'; CREATE TABLE t (i int, \"g ñ\" int GENERATED ALWAYS AS "
                       "(f(i)) STORED, h int GENERATED ALWAYS AS (i + 1) STORED); INSERT INTO t VALUES (1), (2); CREATE OR REPLACE FUNCTION f(int) RETURNS "
                       "int IMMUTABLE LANGUAGE sql AS 'SELECT $1 + 10';", "SELECT i, h FROM t ORDER BY 1",
                       remark='while it was copied): public.t."g ñ"'),
    # what a script of an extension does (PostGIS's topology): it asks what the search_path of a session is set to at first
    "asking": Case("CREATE FUNCTION set_to(text) RETURNS text IMMUTABLE LANGUAGE sql AS $$SELECT reset_val FROM pg_catalog.pg_settings WHERE name = "
                   "'search_path'$$; CREATE TABLE t (a text, b text GENERATED ALWAYS AS (public.set_to(a)) STORED); INSERT INTO t VALUES ('x');",
                   "SELECT b FROM t"),
    "routed": Case(_UNACCENT + "CREATE DOMAIN d AS text CHECK (st(VALUE) <> ''); CREATE TABLE p (n d) PARTITION BY LIST (st(n)); "
                   "CREATE TABLE p1 PARTITION OF p FOR VALUES IN ('ano'); CREATE TABLE p2 PARTITION OF p DEFAULT; INSERT INTO p VALUES ('año'), ('x');",
                   "SELECT tableoid::regclass, n FROM p ORDER BY 2", remark="TABLE ATTACH p1"),
    # rows that name a role: they load only where it is (databasus#721)
    "naming": Case("CREATE ROLE app_{0}; CREATE SCHEMA otro; CREATE TABLE otro.x (a int); CREATE TABLE t (r regrole, c regclass, p regprocedure); "
                   "INSERT INTO t VALUES ('app_{0}', 'otro.x', 'abs(int)');", "SELECT r, c, p FROM t"),
    # rows that break a constraint
    "repeated": Case("CREATE FUNCTION f(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1'; CREATE TABLE t (i int); INSERT INTO t VALUES (1), (2); "
                     "CREATE UNIQUE INDEX u ON t (f(i)); CREATE OR REPLACE FUNCTION f(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';",
                     "SELECT i FROM t ORDER BY 1", "INDEX public.u: could not create unique index"),
    "looking": Case(_TWO + "CREATE FUNCTION e(i int) RETURNS bool LANGUAGE sql AS $$SELECT EXISTS (SELECT FROM public.z WHERE id = i)$$; "
                    "CREATE TABLE a (z int CHECK (e(z))); INSERT INTO a VALUES (1);", "SELECT convalidated FROM pg_constraint WHERE contype = "
                    "'c'", remark="TABLE DATA a"),
    "broken_check": Case("CREATE FUNCTION limite() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 10'; CREATE TABLE a (i int CONSTRAINT poco CHECK (i "
                         "< limite()), "
                         "j int CHECK (j > 0)); INSERT INTO a VALUES (5, 1); CREATE OR REPLACE FUNCTION limite() RETURNS int LANGUAGE sql IMMUTABLE "
                         "AS 'SELECT 3';",
                         "SELECT i, j, (SELECT count(*) FROM pg_constraint WHERE contype = 'c') FROM a", "CHECK CONSTRAINT poco: rows break it"),
    "orphans": Case("CREATE ROLE app_{0}; ALTER DATABASE {0} OWNER TO app_{0}; " + _TWO +
                    "CREATE TABLE a (z int REFERENCES z); SET session_replication_role = replica; INSERT INTO a VALUES (1), (7);",
                    "SELECT count(*), (SELECT count(*) FROM pg_constraint WHERE contype = 'f') FROM a",
                    "FK CONSTRAINT public.a a_z_fkey: rows break it, so it holds for new rows only (NOT VALID)"),
    "granted": Case(
        "CREATE ROLE g1_{0}; CREATE ROLE g2_{0}; CREATE SCHEMA s; CREATE TABLE s.t (i int); INSERT INTO s.t VALUES (3); GRANT USAGE ON SCHEMA s TO g1_{0}; "
        "GRANT SELECT ON s.t TO g1_{0} WITH GRANT OPTION; SET ROLE g1_{0}; GRANT SELECT ON s.t TO g2_{0}; RESET ROLE; REVOKE USAGE ON SCHEMA s FROM g1_{0};",
        "SELECT * FROM s.t", "ACL s.TABLE t: permission denied for schema s. Mend the cause and run: GRANT SELECT"),
    # what a copy does not hold
    "beside": Case("CREATE ROLE app_{0}; ALTER ROLE app_{0} IN DATABASE {0} SET search_path = 'x'; COMMENT ON DATABASE {0} IS 'nota'; "
                   "ALTER DATABASE {0} CONNECTION LIMIT 5;", told="settings of roles in this database (ALTER ROLE ... IN DATABASE ... SET), for "
                   "app_h_beside: search_path"),
    "extended": Case("CREATE EXTENSION pg_trgm; CREATE TABLE c (i int); INSERT INTO c VALUES (1); ALTER EXTENSION pg_trgm ADD TABLE c; CREATE TABLE d (i int);",
                     told="rows of tables that belong to extensions, which bring their own: public.c of pg_trgm (1 rows copied, no table restored)"),
    "subscribed": Case("CREATE TABLE t (i int); CREATE SUBSCRIPTION s_{0} CONNECTION 'host=nowhere password=Clave1' PUBLICATION p WITH (connect = false);",
                       told="subscription s_h_subscribed (CREATE SUBSCRIPTION)"),
}
NAMES = sorted(CASES)
# Servers from PostgreSQL 17 on make these for nobody: indexes and materialized views are filled without the schemas that a session looks in.
_BEFORE_17 = ("indexed", "view")


def possible(server: Postgres) -> List[str]:
    without = ([] if server.major() < 17 else list(_BEFORE_17)) + ([] if server.knows_xml() else ["document"])
    return [name for name in NAMES if name not in without]


@pytest.fixture(scope="module")
def hard(postgres: Postgres) -> Iterator[Postgres]:
    for name in possible(postgres):
        postgres.sql("CREATE DATABASE h_" + name)
        postgres.sql(CASES[name].sql.replace("{0}", "h_" + name), "h_" + name)
    yield postgres
    postgres.sql("ALTER SUBSCRIPTION s_h_subscribed SET (slot_name = NONE); DROP SUBSCRIPTION s_h_subscribed", "h_subscribed")
    for name in possible(postgres):
        postgres.sql("DROP DATABASE h_" + name)


@pytest.fixture(scope="module")
def copied(hard: Postgres) -> Iterator[Shelf]:
    """One copy of all of them."""
    with tempfile.TemporaryDirectory(prefix="respaldo-hard-") as directory:
        shelf = Shelf(Path(directory))
        made = shelf.make(PostgreSQL(["h_" + name for name in possible(hard)], **hard.options()))
        warnings = " ".join(made.fields["warnings"])
        assert "1 tables belong to extensions, so their rows are not copied: public.c" in warnings
        assert "subscriptions do not come back" in warnings and "s_h_subscribed" in warnings and "may hold passwords in clear text" in warnings
        assert "Clave1" not in str(made.manifest)
        yield shelf


def test_all_of_them_are_proved_and_told(hard: Postgres, copied: Shelf) -> None:
    source = PostgreSQL(["h_orphans"], **hard.options())
    with copied.open() as copy:
        assert source.rehearse(copy, "") == ["pg_restore_into_scratch", "dump_compare"]
    remarks = {name: [each for each in source.remarks() if each.startswith("Database h_{0} ".format(name)) or each.startswith("Database h_{0}:".format(name))]
               for name in NAMES}
    for name in possible(hard):
        # what only the server holds apart (its own settings) is told by a restore
        told = CASES[name].remark or ("" if name in ("settings", "document", "beside", "subscribed") else CASES[name].told)
        assert bool(told) == bool(remarks[name]) and told in " ".join(remarks[name]), (name, remarks[name])


@pytest.mark.parametrize("name", NAMES)
def test_each_comes_back_with_all_that_can(hard: Postgres, copied: Shelf, name: str) -> None:
    if name not in possible(hard):
        pytest.skip("no server of this version holds such a thing")
    source = PostgreSQL(["h_" + name], database="h_" + name, **hard.options())
    with copied.open() as copy:
        restored = source.restore(copy, "r_" + name, False)
    try:
        assert hard.sql(CASES[name].question, "r_" + name) == hard.sql(CASES[name].question, "h_" + name) != ""
        assert CASES[name].told in " ".join(restored["left_out"]), restored
        assert bool(restored["left_out"]) == bool(CASES[name].told)
        if name == "beside":
            assert len(restored["left_out"]) == 3 and "comment" in " ".join(restored["left_out"]) and "5" in " ".join(restored["left_out"])
    finally:
        hard.sql("DROP DATABASE r_" + name)


def test_what_an_account_is_not_shown_of_user_mappings_is_told(postgres: Postgres, shelf: Shelf) -> None:
    """An account that reads all rows, and administers nothing: pg_dump writes the mapping without its options and says nothing (databasus#615's kind)."""
    postgres.sql("CREATE ROLE solo_lee LOGIN; GRANT pg_read_all_data TO solo_lee; CREATE ROLE enlazada; CREATE DATABASE mapeada;".replace("; ", ";\n"))
    try:
        postgres.sql("CREATE EXTENSION postgres_fdw; CREATE SERVER lejos FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'x'); CREATE USER MAPPING FOR "
                     "enlazada SERVER lejos OPTIONS (user 'u', password 'Clave9'); CREATE TABLE t (i int)", "mapeada")
        made = shelf.make(PostgreSQL(["mapeada"], **postgres.options(user="solo_lee", globals=False)))
        assert [each for each in made.fields["warnings"] if "lejos (enlazada)" in each]
        with shelf.open() as copy:
            restored = PostgreSQL(["mapeada"], database="mapeada", **postgres.options()).restore(copy, "vuelta_m", False)
        assert [each for each in restored["left_out"] if "ALTER USER MAPPING" in each and "lejos (enlazada)" in each]
        expect("missing_refused", lambda: PostgreSQL(["mapeada"], on_missing="refuse", **postgres.options(user="solo_lee", globals=False)).preflight())
        # who administers the server is shown all of them
        whole = shelf.make(PostgreSQL(["mapeada"], **postgres.options(globals=False)), "SIGA_20261123")
        assert not [each for each in whole.fields["warnings"] if "lejos" in each]
    finally:
        for name in ("mapeada", "vuelta_m"):
            postgres.sql("DROP DATABASE IF EXISTS " + name)
        postgres.sql("DROP ROLE solo_lee, enlazada")


def test_strict_refuses_what_does_not_come_back_whole(hard: Postgres, copied: Shelf) -> None:
    names = hard.names()
    with copied.open() as copy:
        error = expect("restore_incomplete", lambda: PostgreSQL(["h_orphans"], database="h_orphans", strict=True, **hard.options()).restore(copy, "r_x", False))
    assert "a_z_fkey" in error.message and hard.names() == names


def test_the_stock_commands_bring_the_rows_and_say_what_fails(hard: Postgres, shelf: Shelf) -> None:
    made = shelf.make(PostgreSQL(["h_orphans"], **hard.options(globals=False)))
    with pytest.raises(AssertionError, match="a_z_fkey"):
        shell(made.manifest["restore"], shelf.directory(), hard, "r_stock")
    assert hard.sql("SELECT count(*) FROM a", "r_stock") == "2\n"
    assert hard.sql("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'r_stock'") == "app_h_orphans\n"
    hard.sql("DROP DATABASE r_stock")


def test_a_database_that_nobody_can_enter_does_not_keep_the_rest_from_being_copied(mortal_postgres: Postgres, shelf: Shelf) -> None:
    mortal_postgres.sql("CREATE DATABASE sana; CREATE DATABASE rota; CREATE DATABASE cerrada;".replace("; ", ";\n"))
    mortal_postgres.sql("UPDATE pg_database SET datconnlimit = -2 WHERE datname = 'rota'; ALTER DATABASE cerrada ALLOW_CONNECTIONS false")
    made = shelf.make(PostgreSQL("all", **mortal_postgres.options(globals=False)))
    assert [row["facts"]["database"] for row in made.manifest["parts"]] == ["postgres", "sana"]
    warnings: List[str] = made.fields["warnings"]
    assert any("rota" in each and "datconnlimit" in each for each in warnings) and any("cerrada" in each for each in warnings)
    # a library that is not there: the server answers, and ends each session at its start
    mortal_postgres.sql("ALTER DATABASE sana SET session_preload_libraries = 'no_hay'")
    error = expect("source_unreachable", lambda: PostgreSQL(["sana"], **mortal_postgres.options()).preflight())
    assert "begins no session" in error.message and "session_preload_libraries" in error.remedy
    assert "drop it" in expect("source_damaged", lambda: PostgreSQL(["rota"], **mortal_postgres.options()).preflight()).message


def test_a_copy_from_a_hot_standby_is_proved(mortal_postgres: Postgres, shelf: Shelf) -> None:
    """Nothing can be made on it: T3 asks it for nothing, and a restore into it is refused in the server's words."""
    mortal_postgres.sql("CREATE DATABASE viva")
    mortal_postgres.sql("CREATE TABLE t AS SELECT generate_series(1, 1000) AS i", "viva")
    standby = Postgres(mortal_postgres.directory / "standby")
    standby.directory.mkdir()
    shutil.chown(standby.directory, "postgres", "postgres")
    made = as_account("postgres", mortal_postgres.programs() + "/pg_basebackup", "-h", str(mortal_postgres.directory), "-p", str(mortal_postgres.port),
                      "-D", str(standby.directory / "data"), "-R", "-X", "stream", "-c", "fast", "--no-sync")
    assert made.wait(120) == 0
    standby.start()
    try:
        assert standby.sql("SELECT pg_is_in_recovery()") == "t\n"
        source = PostgreSQL(["viva"], database="viva", **standby.options())
        shelf.make(source)
        with shelf.open() as copy:
            assert source.rehearse(copy, "") == ["pg_restore_into_scratch", "dump_compare"] and not source.remarks()
            assert "read-only" in expect("restore_failed", lambda: source.restore(copy, "otra", False)).message
    finally:
        standby.stop(signal.SIGINT)


def test_what_reads_an_archive_in_part_breaks_nothing_before_it(postgres: Postgres, shelf: Shelf) -> None:
    """More than pipes hold, encrypted, and an index that only a second reading of chosen entries makes: gpg and zstd ended in a broken pipe."""
    if postgres.major() >= 17:
        pytest.skip("no server of this version makes such an index")
    postgres.sql("CREATE DATABASE h_large")
    postgres.sql("CREATE SCHEMA otro; CREATE FUNCTION otro.f(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1'; "
               "CREATE FUNCTION public.g(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN f($1); END'; SET search_path = public, otro; "
               "CREATE TABLE public.a (i int); INSERT INTO public.a VALUES (1); CREATE INDEX x ON public.a (g(i)); "
               "CREATE TABLE public.z AS SELECT i, md5(i::text) || md5((i + 1)::text) AS t FROM generate_series(1, 60000) i", "h_large")
    keys = Keys("la contraseña de esta copia")
    shelf.make(PostgreSQL(["h_large"], **postgres.options()), keys=keys)
    with StreamedCopy(shelf.slot(), shelf.medium, keys) as copy:
        source = PostgreSQL(["h_large"], **postgres.options())
        assert source.rehearse(copy, "") == ["pg_restore_into_scratch", "dump_compare"]
        assert any("x" in remark for remark in source.remarks())
    postgres.sql("DROP DATABASE h_large")
