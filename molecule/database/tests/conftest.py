# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engines hold, asked in ways that pg_dump and mariadb-dump have no part in; and what the bitácora says."""

from __future__ import annotations

import contextlib
import re
import shlex
import sqlite3
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).resolve().parents[3]
COPIES = "/srv/copias/database"

# Definitions are asked with an empty search path, so that names are written whole whatever the database's own settings are.
POSTGRESQL_STATE = r"""
SET search_path = pg_catalog;
SELECT format('SELECT %L, count(*), md5(string_agg(h, '','' ORDER BY h))
  FROM (SELECT md5(t::text) AS h FROM ONLY %I.%I AS t) AS rows', oid::regclass, nspname, relname)
FROM (SELECT c.oid, nspname, relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
  WHERE relkind IN ('r', 'm') AND relispopulated AND nspname !~ '^pg_' AND nspname <> 'information_schema') AS tables ORDER BY oid::regclass::text \gexec
SELECT 'column', c.oid::regclass, attname, format_type(atttypid, atttypmod), attnotnull, attidentity, attgenerated, attstorage, attacl, collname,
  pg_get_expr(adbin, adrelid), col_description(c.oid, attnum)
FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace JOIN pg_attribute a ON attrelid = c.oid LEFT JOIN pg_attrdef d ON adrelid = c.oid AND adnum = attnum
LEFT JOIN pg_collation k ON k.oid = attcollation WHERE attnum > 0 AND NOT attisdropped AND nspname !~ '^pg_' AND nspname <> 'information_schema'
ORDER BY c.oid::regclass::text, attname;
SELECT 'relation', c.oid::regclass, relkind, relpersistence, relowner::regrole, relacl, relrowsecurity, relforcerowsecurity, relispopulated, reloptions,
  pg_get_expr(relpartbound, c.oid), obj_description(c.oid), CASE WHEN relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END
FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' ORDER BY c.oid::regclass::text;
SELECT 'schema', nspname, nspowner::regrole, nspacl, obj_description(oid) FROM pg_namespace WHERE nspname !~ '^pg_' ORDER BY nspname;
SELECT 'sequence', schemaname, sequencename, sequenceowner, start_value, min_value, max_value, increment_by, cycle, cache_size, last_value FROM pg_sequences
ORDER BY 2, 3;
SELECT 'function', p.oid::regprocedure, proowner::regrole, proacl, CASE WHEN prokind <> 'a' THEN pg_get_functiondef(p.oid) END
FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' ORDER BY p.oid::regprocedure::text;
SELECT 'trigger', tgrelid::regclass, tgname, tgenabled, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY tgrelid::regclass::text, tgname;
SELECT 'event trigger', evtname, evtevent, evtenabled, evtfoid::regproc FROM pg_event_trigger ORDER BY evtname;
SELECT 'constraint', conrelid::regclass, conname, convalidated, condeferrable, pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid <> 0 OR contypid <> 0 ORDER BY conrelid::regclass::text, conname, 6;
SELECT 'index', indexrelid::regclass, indisvalid, pg_get_indexdef(indexrelid) FROM pg_index
  WHERE indrelid IN (SELECT oid FROM pg_class WHERE relkind IN ('r', 'p', 'm') AND oid > 16383) ORDER BY indexrelid::regclass::text;
SELECT 'policy', * FROM pg_policies ORDER BY schemaname, tablename, policyname;
SELECT 'rule', schemaname, tablename, rulename, definition FROM pg_rules WHERE schemaname !~ '^pg_' ORDER BY 2, 3, 4;
SELECT 'large object', oid, lomowner::regrole, lomacl, md5(lo_get(oid)), obj_description(oid, 'pg_largeobject') FROM pg_largeobject_metadata ORDER BY oid;
SELECT 'enum', enumtypid::regtype, enumsortorder, enumlabel FROM pg_enum ORDER BY 2, 3;
SELECT 'type', t.oid::regtype, typtype, typowner::regrole, typacl, typdefault FROM pg_type t JOIN pg_namespace n ON n.oid = typnamespace
WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' AND typelem = 0 ORDER BY t.oid::regtype::text;
SELECT 'extension', extname, extversion, extnamespace::regnamespace FROM pg_extension ORDER BY extname;
SELECT 'publication', pubname, puballtables, pubinsert FROM pg_publication ORDER BY pubname;
SELECT 'published', pubname, schemaname, tablename, attnames FROM pg_publication_tables ORDER BY 2, 3, 4;
SELECT 'statistics', stxname, stxkind, pg_get_statisticsobjdef(oid) FROM pg_statistic_ext ORDER BY stxname;
SELECT 'default privilege', defaclrole::regrole, defaclnamespace::regnamespace, defaclobjtype, defaclacl FROM pg_default_acl ORDER BY 2, 3, 4;
SELECT 'foreign server', srvname, srvoptions FROM pg_foreign_server ORDER BY srvname;
SELECT 'user mapping', srvname, usename, umoptions FROM pg_user_mappings ORDER BY srvname, usename;
SELECT 'text search', cfgname, maptokentype, mapseqno, mapdict::regdictionary FROM pg_ts_config_map JOIN pg_ts_config c ON c.oid = mapcfg
WHERE c.oid > 16383 ORDER BY cfgname, maptokentype, mapseqno;
"""
MARIADB_STATE = """
SELECT 'table', TABLE_NAME, TABLE_TYPE, ENGINE, ROW_FORMAT, TABLE_COLLATION, AUTO_INCREMENT, CREATE_OPTIONS, TABLE_COMMENT FROM information_schema.TABLES
WHERE TABLE_SCHEMA = @db ORDER BY TABLE_NAME;
SELECT 'column', TABLE_NAME, COLUMN_NAME, ORDINAL_POSITION, COLUMN_DEFAULT, IS_NULLABLE, COLUMN_TYPE, COLLATION_NAME, COLUMN_KEY, EXTRA, GENERATION_EXPRESSION
FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = @db ORDER BY TABLE_NAME, ORDINAL_POSITION;
SELECT 'index', TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX, COLUMN_NAME, NON_UNIQUE, INDEX_TYPE
  FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = @db ORDER BY 2, 3, 4;
SELECT 'key', TABLE_NAME, CONSTRAINT_NAME, REFERENCED_TABLE_NAME, UPDATE_RULE, DELETE_RULE FROM information_schema.REFERENTIAL_CONSTRAINTS
WHERE CONSTRAINT_SCHEMA = @db ORDER BY 2, 3;
SELECT 'check', TABLE_NAME, CONSTRAINT_NAME, CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = @db ORDER BY 2, 3;
SELECT 'view', TABLE_NAME, VIEW_DEFINITION, CHECK_OPTION, IS_UPDATABLE, DEFINER, SECURITY_TYPE
  FROM information_schema.VIEWS WHERE TABLE_SCHEMA = @db ORDER BY 2;
SELECT 'trigger', TRIGGER_NAME, EVENT_MANIPULATION, EVENT_OBJECT_TABLE, ACTION_ORDER, ACTION_TIMING, ACTION_STATEMENT, SQL_MODE, DEFINER
FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = @db ORDER BY 2;
SELECT 'routine', ROUTINE_NAME, ROUTINE_TYPE, DTD_IDENTIFIER, ROUTINE_DEFINITION, IS_DETERMINISTIC, SQL_DATA_ACCESS, SECURITY_TYPE, SQL_MODE,
  ROUTINE_COMMENT, DEFINER
FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = @db ORDER BY 2, 3;
SELECT 'event', EVENT_NAME, EVENT_DEFINITION, INTERVAL_VALUE, INTERVAL_FIELD, STARTS, STATUS, ON_COMPLETION, EVENT_COMMENT, TIME_ZONE, DEFINER
FROM information_schema.EVENTS WHERE EVENT_SCHEMA = @db ORDER BY 2;
SELECT 'partition', TABLE_NAME, PARTITION_NAME, PARTITION_EXPRESSION, PARTITION_DESCRIPTION FROM information_schema.PARTITIONS
WHERE TABLE_SCHEMA = @db AND PARTITION_NAME IS NOT NULL ORDER BY 2, 3;
"""


class Postgres:
    """The PostgreSQL server of db1, as its own superuser."""

    def __init__(self, host):
        self.host = host

    def ask(self, sql, database="postgres"):
        # by standard input: ON_ERROR_STOP makes the first error the exit status
        return self.host.check_output("cd / && printf '%s' {0} | runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 -d {1}".format(
            shlex.quote(sql), shlex.quote(database)))

    def state(self, database):
        """Everything in a database, a line or more for each thing."""
        return self.ask(POSTGRESQL_STATE, database)

    def names(self):
        return self.ask("SELECT datname FROM pg_database").splitlines()


class Mariadb:
    """The MariaDB server of db1, as root."""

    def __init__(self, host):
        self.host = host

    def ask(self, sql, database="mysql"):
        return self.host.check_output("printf '%s' {0} | mariadb -BN --default-character-set=utf8mb4 {1}".format(shlex.quote(sql), shlex.quote(database)))

    def state(self, database):
        """Everything in a database; its own name, where definitions hold it, as DB."""
        found = self.ask("SET @db = '{0}';".format(database) + MARIADB_STATE).replace("`%s`." % database, "`DB`.")
        found = found.replace("\tpage_checksum=1 ", "\t")    # Aria's default, told or not
        tables = re.findall("^table\t(.*?)\t(BASE TABLE|SYSTEM VERSIONED|SEQUENCE|VIEW)\t", found, re.MULTILINE)
        for name, kind in tables:
            quoted = "`%s`" % name.replace("`", "``")
            if kind == "SEQUENCE":
                found += "\n" + self.ask("SELECT * FROM " + quoted, database)
            elif kind == "SYSTEM VERSIONED":
                found += "\n" + self.ask("SELECT *, row_start, row_end FROM {0} FOR SYSTEM_TIME ALL ORDER BY 1, row_start".format(quoted), database)
            elif kind == "BASE TABLE":
                found += "\n" + name + " " + self.rows(database, name, quoted)
        return found

    def rows(self, database, table, quoted):
        """Count and digests of all values. Not CHECKSUM TABLE: it gives another number for equal rows of a table with a virtual column."""
        names = self.ask("SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = '{0}' AND TABLE_NAME = '{1}'".format(
            database, table.replace("'", "''")), database).splitlines()
        values = ", ".join("COALESCE(HEX(CONCAT(`{0}`)), 'NULL')".format(name.replace("`", "``")) for name in names)
        return self.ask("SELECT COUNT(*), SUM(CRC32(CONCAT_WS('|', {0}))), BIT_XOR(CRC32(CONCAT_WS('/', {0}))) FROM {1}".format(values, quoted), database)

    def names(self):
        return self.ask("SHOW DATABASES").splitlines()


@pytest.fixture(scope="session")
def postgres(db1):
    return Postgres(db1)


@pytest.fixture(scope="session")
def mariadb(db1):
    return Mariadb(db1)


@pytest.fixture(scope="session")
def systems():
    """The systems of db1, by name."""
    text = (PROJECT / "inventories/lab/host_vars/db1.yml").read_text(encoding="utf-8")
    return {system["name"]: system for system in yaml.safe_load(text)["backup_systems"]}


@pytest.fixture(scope="session")
def entries(state):
    """Gives the rows of the view that people read, of a system and a result, oldest first."""

    def read(system="%", result="%"):
        with contextlib.closing(sqlite3.connect("file:{0}?mode=ro".format(state / "bitacora.sqlite"), uri=True)) as database:
            database.row_factory = sqlite3.Row
            query = "SELECT * FROM bitacora WHERE sistema LIKE ? AND resultado LIKE ? ORDER BY n"
            return [dict(row) for row in database.execute(query, (system, result))]

    return read
