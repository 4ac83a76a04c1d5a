# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the bitácora is in PostgreSQL: its schema as statements, the state by which a change is told, and whether what is there is its owner's.

The names in functions are whole: they run with the search_path of whoever reads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from . import chain, view

SCHEMA_VERSION = "bitacora/v1, schema 2"
# Fields of a body that are searched by: columns of their own, which the server fills in.
SEARCHED = ("system", "kind", "label", "run", "simulated", "medium", "size")
# The trigger that takes a row only when it continues the chain.
CONTINUES = "entries_continue"
# Bytes of a body beyond which no entry is taken: every reader of the bitácora would have to carry it.
_LONGEST = 16 << 20

# NUL has no place in jsonb: it is read as the sign for an unknown character, while the body keeps it.
_FIELDS = r"""CREATE OR REPLACE FUNCTION respaldo.fields(body text) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$ SELECT pg_catalog.replace(body, '\u0000', '\ufffd')::pg_catalog.jsonb $$"""

# As chain.py reckons: digest_of_body, digest_of_entry. The order of writers is the lock's; two that did not take it meet at the unique columns.
# The owner, who brings a chain that began elsewhere, may bring entries of older forms, and redacted ones.
_CONTINUES = r"""CREATE OR REPLACE FUNCTION respaldo.continues() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  head record;
  wrong text;
BEGIN
  SELECT n, digest INTO head FROM respaldo.entries ORDER BY n DESC LIMIT 1;
  wrong := CASE
    WHEN NEW.n IS DISTINCT FROM coalesce(head.n, 0) + 1 THEN 'its number is not the next'
    WHEN NEW.previous IS DISTINCT FROM coalesce(head.digest, '{genesis}') THEN 'it does not follow the last entry'
    WHEN NEW.digest IS DISTINCT FROM encode(sha256(convert_to(concat_ws(E'\n', '{version}', NEW.n, NEW.emitter, NEW.n_emitter, NEW.at_event,
      NEW.at_recorded, NEW.type, NEW.body_digest, NEW.previous), 'UTF8')), 'hex') THEN 'it has another digest'
    WHEN NEW.body_digest IS DISTINCT FROM encode(sha256(convert_to(coalesce(NEW.body, ''), 'UTF8')), 'hex') AND NEW.body IS NOT NULL
      THEN 'its body has another digest'
  END;
  IF wrong IS NULL THEN
    wrong := CASE
      WHEN NEW.body IS NULL OR left(NEW.body, 1) <> '{{' OR octet_length(NEW.body) > {longest} THEN 'its body is no object, or too long'
      WHEN NEW.at_event !~ '{time}' OR NEW.at_recorded !~ '{time}' THEN 'a time is none'
      WHEN NEW.n_emitter NOT BETWEEN 1 AND 999999999 OR length(NEW.emitter) NOT BETWEEN 1 AND 200 THEN 'its writer, or the number there, is none'
      WHEN NEW.type !~ '^[a-z0-9_]{{1,64}}$' THEN 'its type is none'
    END;
    IF wrong IS NOT NULL AND pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'USAGE') THEN
      wrong := NULL;
    END IF;
  END IF;
  IF wrong IS NOT NULL THEN
    RAISE EXCEPTION 'the entry does not continue the bitácora: %', wrong USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$""".format(genesis=chain.GENESIS, version=chain.VERSION, longest=_LONGEST, time=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$")

SCHEMA = (
    "CREATE SCHEMA IF NOT EXISTS respaldo",
    "COMMENT ON SCHEMA respaldo IS '{0}'".format(SCHEMA_VERSION),
    _FIELDS,
    r"""CREATE OR REPLACE FUNCTION respaldo.number(written text) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$ SELECT CASE WHEN written OPERATOR(pg_catalog.~) '^-?[0-9]{1,18}$' THEN written::pg_catalog.int8 END $$""",
    """CREATE OR REPLACE FUNCTION respaldo.in_lima(written text) RETURNS timestamp LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
  BEGIN RETURN pg_catalog.timezone('UTC', written::pg_catalog.timestamptz) OPERATOR(pg_catalog.-) '5 hours'::pg_catalog.interval;
  EXCEPTION WHEN OTHERS THEN RETURN NULL; END $$""",
    """CREATE TABLE IF NOT EXISTS respaldo.entries (
  n bigint PRIMARY KEY,
  emitter text COLLATE "C" NOT NULL,
  n_emitter bigint NOT NULL,
  at_event text COLLATE "C" NOT NULL,
  at_recorded text COLLATE "C" NOT NULL,
  type text COLLATE "C" NOT NULL,
  body text COLLATE "C",
  body_digest text COLLATE "C" NOT NULL,
  previous text COLLATE "C" NOT NULL UNIQUE,
  digest text COLLATE "C" NOT NULL UNIQUE,
  """ + ",\n  ".join("{0} text COLLATE \"C\" GENERATED ALWAYS AS (respaldo.fields(body) ->> '{0}') STORED".format(name) for name in SEARCHED) + """,
  UNIQUE (emitter, n_emitter)
)""",
    "CREATE INDEX IF NOT EXISTS entries_by_system ON respaldo.entries (system, kind, type, n)",
    "CREATE INDEX IF NOT EXISTS entries_by_label ON respaldo.entries (label, type)",
    "CREATE INDEX IF NOT EXISTS entries_by_run ON respaldo.entries (run, type)",
    "CREATE INDEX IF NOT EXISTS entries_by_type ON respaldo.entries (type, at_event)",
    """CREATE OR REPLACE FUNCTION respaldo.refuse_change() RETURNS trigger LANGUAGE plpgsql
  AS $$ BEGIN RAISE EXCEPTION 'the bitácora is append-only: write a correction'; END $$""",
    "DROP TRIGGER IF EXISTS entries_refuse_change ON respaldo.entries",
    """CREATE TRIGGER entries_refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON respaldo.entries
  FOR EACH STATEMENT EXECUTE FUNCTION respaldo.refuse_change()""",
    _CONTINUES,
    "DROP TRIGGER IF EXISTS {0} ON respaldo.entries".format(CONTINUES),
    "CREATE TRIGGER {0} BEFORE INSERT ON respaldo.entries FOR EACH ROW EXECUTE FUNCTION respaldo.continues()".format(CONTINUES),
    "DROP VIEW IF EXISTS respaldo.bitacora",
    view.POSTGRESQL_SQL,
    "REVOKE ALL ON SCHEMA respaldo FROM PUBLIC",
    "REVOKE ALL ON respaldo.entries, respaldo.bitacora FROM PUBLIC",
)

# What tells whether setting the store up changed anything.
STATE = """
SELECT 'relation ' || relname, relkind::text || ' ' || coalesce(relacl::text, '') FROM pg_class WHERE relnamespace = 'respaldo'::regnamespace
UNION ALL SELECT 'function ' || proname, md5(prosrc) FROM pg_proc WHERE pronamespace = 'respaldo'::regnamespace
UNION ALL SELECT 'index ' || indexname, indexdef FROM pg_indexes WHERE schemaname = 'respaldo'
UNION ALL SELECT 'view ' || viewname, md5(definition) FROM pg_views WHERE schemaname = 'respaldo'
UNION ALL SELECT 'trigger ' || tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = to_regclass('respaldo.entries') AND NOT tgisinternal
UNION ALL SELECT 'schema', coalesce(nspacl::text, '') || coalesce(obj_description(oid), '') FROM pg_namespace WHERE nspname = 'respaldo'
UNION ALL SELECT 'role ' || rolname, 'role' FROM pg_roles WHERE rolname = ANY(%s)
ORDER BY 1"""

# Whom the things in the schema may belong to: the one who sets up, or a superuser, who needs no trap.
_OWN = "({0} = current_user::regrole::oid OR (SELECT rolsuper FROM pg_roles WHERE oid = {0}))"
_OURS = ("entries_refuse_change", CONTINUES)
_FOREIGN = """
SELECT 'the schema belongs to ' || pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 'respaldo' AND NOT """ + _OWN.format("nspowner") + """
UNION ALL SELECT 'the relation ' || relname || ' belongs to ' || pg_get_userbyid(relowner) FROM pg_class
  WHERE relnamespace = to_regnamespace('respaldo') AND NOT """ + _OWN.format("relowner") + """
UNION ALL SELECT 'the function ' || proname || ' belongs to ' || pg_get_userbyid(proowner) FROM pg_proc
  WHERE pronamespace = to_regnamespace('respaldo') AND NOT """ + _OWN.format("proowner") + """
UNION ALL SELECT 'the type ' || typname || ' belongs to ' || pg_get_userbyid(typowner) FROM pg_type
  WHERE typnamespace = to_regnamespace('respaldo') AND NOT """ + _OWN.format("typowner") + """
UNION ALL SELECT 'the operator ' || oprname || ' belongs to ' || pg_get_userbyid(oprowner) FROM pg_operator
  WHERE oprnamespace = to_regnamespace('respaldo') AND NOT """ + _OWN.format("oprowner") + """
UNION ALL SELECT 'the collation ' || collname || ' belongs to ' || pg_get_userbyid(collowner) FROM pg_collation
  WHERE collnamespace = to_regnamespace('respaldo') AND NOT """ + _OWN.format("collowner") + """
UNION ALL SELECT pg_get_userbyid(grantee) || ' may make things in the schema' FROM pg_namespace,
  aclexplode(nspacl) WHERE nspname = 'respaldo' AND privilege_type = 'CREATE' AND grantee <> 0 AND NOT """ + _OWN.format("grantee") + """
UNION ALL SELECT 'entries is no table of its own' FROM pg_class WHERE oid = to_regclass('respaldo.entries')
  AND (relkind <> 'r' OR relispartition OR relhassubclass OR EXISTS (SELECT FROM pg_inherits WHERE inhrelid = pg_class.oid))
UNION ALL SELECT 'entries has row level security' FROM pg_class WHERE oid = to_regclass('respaldo.entries') AND relrowsecurity
UNION ALL SELECT 'entries has the policy ' || polname FROM pg_policy WHERE polrelid = to_regclass('respaldo.entries')
UNION ALL SELECT 'entries has the rule ' || rulename FROM pg_rewrite WHERE ev_class = to_regclass('respaldo.entries')
UNION ALL SELECT 'entries has the trigger ' || tgname FROM pg_trigger
  WHERE tgrelid = to_regclass('respaldo.entries') AND NOT tgisinternal AND tgname NOT IN ({0})
UNION ALL SELECT 'entries has a default for ' || attname FROM pg_attrdef
  JOIN pg_attribute ON attrelid = adrelid AND attnum = adnum WHERE adrelid = to_regclass('respaldo.entries') AND attgenerated = ''
ORDER BY 1""".format(", ".join("'{0}'".format(name) for name in _OURS))


def foreign(run: Callable[..., list[tuple[Any, ...]]], values: Sequence[Any] = ()) -> list[str]:
    """What stands in the schema that is not of its owner, or would act on entries: it may have been made by somebody who waits for an administrator."""
    return [row[0] for row in run(_FOREIGN, values)]
