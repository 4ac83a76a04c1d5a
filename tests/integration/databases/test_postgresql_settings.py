# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a database, a role, or a role in a database is set to, a copy of PostgreSQL has all rows, is proved and comes back."""

from __future__ import annotations

from typing import Any, Dict, Iterator, Tuple

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.postgresql import PostgreSQL

from .conftest import Postgres, Shelf
from .test_postgresql import shell

_SQL = """
CREATE TABLE public.c (i int PRIMARY KEY, t timestamptz, d date, v interval, f float8, r real, b bytea, m money, a text[], e text);
INSERT INTO public.c SELECT g, '2026-03-04 01:02:03+00'::timestamptz + g * interval '1 hour', '2026-03-04'::date + g, g * interval '-1 day 2 hours',
  g / 7::float8, g / 7::real, decode(md5(g::text), 'hex'), g::numeric::money, ARRAY['NULL', NULL, 'ñ\\"' || g], E'€\\t\\\\' || g
  FROM generate_series(1, 3000) g;
CREATE FUNCTION public.twice(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 2';
CREATE INDEX twofold ON public.c (public.twice(i));
CREATE TABLE public.hijo (i int REFERENCES public.c);
INSERT INTO public.hijo SELECT g FROM generate_series(1, 100) g;
ALTER TABLE public.hijo ENABLE ROW LEVEL SECURITY;
CREATE POLICY pocas ON public.hijo USING (i < 10);
CREATE VIEW public.v AS SELECT e FROM public.c WHERE e = NULL;
CREATE FUNCTION public.tarde() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER tarde BEFORE INSERT ON public.hijo FOR EACH ROW EXECUTE FUNCTION public.tarde();
SELECT pg_catalog.lo_from_bytea(0, 'grande');
"""
_SUMS = ("SELECT pg_catalog.count(*), pg_catalog.md5(pg_catalog.string_agg(pg_catalog.encode(pg_catalog.record_send(c), 'hex'), '' ORDER BY i)) FROM public.c "
         "AS c; SELECT pg_catalog.count(*) FROM public.hijo; SELECT pg_catalog.pg_get_viewdef('public.v'::pg_catalog.regclass);")

# name -> value, and since which version of the server
LIMITS = {"idle_in_transaction_session_timeout": ("'60s'", 10), "idle_session_timeout": ("'60s'", 14), "transaction_timeout": ("'60s'", 17)}
SETTINGS: Dict[str, Dict[str, Tuple[str, int]]] = {
    "limits": {"statement_timeout": ("1", 9), "lock_timeout": ("1", 9), "temp_file_limit": ("1", 9), **LIMITS},
    "texts": {"DateStyle": ("'SQL, DMY'", 9), "IntervalStyle": ("'sql_standard'", 9), "timezone": ("'America/Lima'", 9), "bytea_output": ("'escape'", 9),
              "extra_float_digits": ("-15", 9), "xmloption": ("'document'", 9), "xmlbinary": ("'hex'", 9), "quote_all_identifiers": ("on", 9),
              "standard_conforming_strings": ("off", 9), "array_nulls": ("off", 9), "lc_monetary": ("'C'", 9), "client_encoding": ("'LATIN1'", 9),
              "transform_null_equals": ("on", 9), "lc_numeric": ("'C'", 9)},
    "transactions": {"default_transaction_read_only": ("on", 9), "default_transaction_isolation": ("'serializable'", 9),
                     "default_transaction_deferrable": ("on", 9), "synchronous_commit": ("off", 9)},
    "rights": {"row_security": ("off", 9), "search_path": ("nada", 9), "session_replication_role": ("'replica'", 9), "check_function_bodies": ("on", 9),
               "role": ("nadie", 9), "lo_compat_privileges": ("on", 9), "restrict_nonsystem_relation_kind": ("'view'", 17)},
    "talk": {"client_min_messages": ("'debug1'", 9), "log_statement": ("'none'", 9), "synchronize_seqscans": ("on", 9), "gin_fuzzy_search_limit": ("1", 9),
             "enable_seqscan": ("off", 9), "default_toast_compression": ("'pglz'", 14), "commit_delay": ("10", 9)},
}
PLACES = {"database": "DATABASE ajustada", "role": "ROLE copista", "both": "ROLE copista IN DATABASE ajustada"}
_NOT_OF_A_DATABASE = ("role",)


@pytest.fixture
def adjusted(postgres: Postgres) -> Iterator[Any]:
    postgres.sql("CREATE ROLE nadie; CREATE ROLE copista SUPERUSER LOGIN; GRANT nadie TO copista")
    postgres.sql("CREATE DATABASE ajustada")
    postgres.sql(_SQL, "ajustada")
    before = postgres.sql(_SUMS, "ajustada")

    def adjust(settings: Dict[str, Tuple[str, int]], place: str) -> str:
        for name, (value, since) in settings.items():
            if since <= postgres.major() and not (place == "database" and name in _NOT_OF_A_DATABASE):
                postgres.sql("ALTER {0} SET {1} = {2}".format(PLACES[place], name, value))
        return before

    try:
        yield adjust
    finally:
        for database in ("ajustada", "vuelta"):
            postgres.sql("DROP DATABASE IF EXISTS {0} WITH (FORCE)".format(database))
        postgres.sql("DROP ROLE copista, nadie")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", SETTINGS)
def test_whatever_is_set_the_copy_is_whole(postgres: Postgres, adjusted: Any, shelf: Shelf, name: str, place: str) -> None:
    before = adjusted(SETTINGS[name], place)
    source = PostgreSQL(["ajustada"], database="ajustada", **postgres.options(user="copista"))
    shelf.make(source)
    with shelf.open() as copy:
        assert source.rehearse(copy, "") == ["pg_restore_into_scratch", "dump_compare"]
        assert not source.remarks()
        source.restore(copy, "vuelta", False)
    assert postgres.sql(_SUMS, "vuelta") == before


@pytest.mark.parametrize("place", PLACES)
def test_nothing_ends_a_session_that_waits_for_a_medium(postgres: Postgres, adjusted: Any, place: str) -> None:
    adjusted(LIMITS, place)
    source = PostgreSQL(["ajustada"], **postgres.options(user="copista"))
    source.preflight()
    for name, (_value, since) in LIMITS.items():
        if since <= postgres.major():
            assert source.live.ask("SHOW " + name, database="ajustada") == "0\n"


def test_the_stock_commands_keep_the_nulls_of_arrays(postgres: Postgres, adjusted: Any, shelf: Shelf) -> None:
    before = adjusted({"array_nulls": ("off", 9)}, "role")
    made = shelf.make(PostgreSQL(["ajustada"], **postgres.options(user="copista", globals=False)))
    shell([command.replace("createdb ", "createdb --username=copista ").replace("pg_restore ", "pg_restore --username=copista ")
           for command in made.manifest["restore"]], shelf.directory(), postgres, "vuelta")
    assert postgres.sql(_SUMS, "vuelta") == before
