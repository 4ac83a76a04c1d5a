# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What belongs to a database of PostgreSQL and is not in a copy of it, or does not come back with it: counted when it is copied, told then and at
each restore. Settings are told by their names: their values may be secrets, and a manifest is no place for these.
"""

from __future__ import annotations

import json
from typing import Any, Dict, List, Mapping

from ..errors import BackupError
from ..remarks import Remark
from .postgresql_server import Server, literal

_INSIDE = """
SELECT pg_catalog.json_build_object(
  'subscriptions', (SELECT coalesce(pg_catalog.json_agg(subname ORDER BY subname), '[]') FROM pg_catalog.pg_subscription s
    JOIN pg_catalog.pg_database d ON d.oid = subdbid WHERE datname = pg_catalog.current_database()),
  'mappings', (SELECT pg_catalog.count(*) FROM pg_catalog.pg_user_mappings
    WHERE EXISTS (SELECT FROM pg_catalog.unnest(umoptions) one WHERE one ~* '^(pass|secret|token)')),
  'unshown', (SELECT coalesce(pg_catalog.json_agg(pg_catalog.format('%s (%s)', srvname, usename) ORDER BY srvname, usename), '[]')
    FROM pg_catalog.pg_user_mappings WHERE umoptions IS NULL AND pg_catalog.current_setting('is_superuser') = 'off'),
  'tables', (SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_array(pg_catalog.format('%I.%I', nspname, relname), extname,
      c.oid = ANY (coalesce(extconfig, '{}'))) ORDER BY nspname, relname), '[]')
    FROM pg_catalog.pg_depend JOIN pg_catalog.pg_extension e ON e.oid = refobjid AND refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
    JOIN pg_catalog.pg_class c ON c.oid = objid AND classid = 'pg_catalog.pg_class'::pg_catalog.regclass
    JOIN pg_catalog.pg_namespace n ON n.oid = relnamespace
    WHERE deptype = 'e' AND relkind IN ('r', 'p') AND pg_catalog.pg_relation_size(c.oid) < 67108864 AND pg_catalog.has_table_privilege(c.oid, 'select')))"""
# record_out rather than a cast, which the owner of the table may have made one of his own for
_ROWS = ("SELECT pg_catalog.json_build_array({0}, pg_catalog.count(*), coalesce(pg_catalog.sum(('x' || pg_catalog.substr(pg_catalog.md5("
         "pg_catalog.record_out(t)::pg_catalog.text), 1, 15))::pg_catalog.bit(60)::pg_catalog.int8), 0)::pg_catalog.text) FROM {1} t")
# Columns that are computed when a row is written, by functions or operators that are no part of the server: these may be others by now, and the tool copies
# how such a column is made and none of its values. On them depends the column itself, before PostgreSQL 15, or its definition.
_COMPUTED = """
SELECT pg_catalog.json_build_array(pg_catalog.format('%I.%I', nspname, relname), pg_catalog.format('%I', attname),
    pg_catalog.pg_relation_size(c.oid) < 67108864 AND pg_catalog.has_table_privilege(c.oid, 'select'))
  FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = attrelid JOIN pg_catalog.pg_namespace n ON n.oid = relnamespace
  WHERE attgenerated = 's' AND relkind = 'r' AND NOT attisdropped AND EXISTS (SELECT FROM pg_catalog.pg_depend
    WHERE refclassid IN ('pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_operator'::pg_catalog.regclass)
      AND (classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND objid = attrelid AND objsubid = attnum
        OR classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass
          AND objid IN (SELECT oid FROM pg_catalog.pg_attrdef WHERE adrelid = attrelid AND adnum = attnum)))
  ORDER BY nspname, relname, attnum"""
_MOST = 200
TOLD = ("own_settings", "invalid", "limit", "comment", "tablespace", "role_settings")


def look(server: Server, database: str) -> Dict[str, Any]:
    """What a copy of this database will not bring. Of what this account may not see nothing is told."""
    try:
        found: Dict[str, Any] = json.loads(server.ask(_INSIDE, database=database))
    except BackupError:     # a server that has no such things, or does not let this account see them
        return {"subscriptions": [], "mappings": 0, "unshown": [], "extension_tables": {}}
    counted = _counted(server, database, found.pop("tables"))
    found["computed"] = _computed(server, database)
    found["extension_tables"] = {table: [extension, config, *rows] for table, (extension, config, rows) in counted.items()}
    return found


def _counted(server: Server, database: str, tables: List[Any]) -> Dict[str, Any]:
    if not tables:
        return {}
    query = " UNION ALL ".join(_ROWS.format(literal(name), name) for name, _extension, _config in tables[:_MOST])
    try:
        # who owns a table may lock it for good
        answer = server.ask("SET LOCAL statement_timeout = '60s'", query, database=database)
    except BackupError:
        return {}
    rows = {name: [count, digest] for name, count, digest in map(json.loads, answer.splitlines())}
    return {name: (extension, config, rows[name]) for name, extension, config in tables if name in rows}


def _computed(server: Server, database: str) -> Dict[str, Any]:
    """Of each column that may be computed otherwise by now how many values, and a digest of them; nothing of those that are not looked at."""
    try:
        columns = [json.loads(line) for line in server.ask(_COMPUTED, database=database).splitlines()][:_MOST]
    except BackupError:     # before PostgreSQL 12 there were none
        return {}
    found: Dict[str, Any] = {"{0}.{1}".format(table, column): [] for table, column, _small in columns}
    # the column alone is read: what stands there was computed when its row was written, and nothing is computed now
    query = " UNION ALL ".join(_ROWS.format(literal("{0}.{1}".format(table, column)), "(SELECT {1} FROM {0})".format(table, column))
                               for table, column, small in columns if small)
    try:
        rows = server.ask("SET LOCAL statement_timeout = '60s'", query, database=database).splitlines() if query else []
    except BackupError:
        return found
    return {**found, **{name: [count, digest] for name, count, digest in map(json.loads, rows)}}


def computed_apart(server: Server, restored: str, facts: Mapping[str, Any]) -> List[Remark]:
    """Columns whose values were computed anew, and are other ones than were copied, or may be."""
    told = _table(_table(facts.get("beyond")).get("computed"))
    if not told:
        return []
    here, name = _computed(server, restored), facts["database"]
    pairs = [(column, row, here[column]) for column, row in sorted(told.items()) if here.get(column) is not None and row != here[column]]
    others = [column for column, row, now in pairs if isinstance(row, list) and row[:1] == now[:1] != []]
    unknown = sorted({column for column, _row, _now in pairs} - set(others)) + [column for column, row in sorted(told.items()) if row == here.get(column) == []]
    found = [Remark("pg_computed_apart", database=name, columns=others[:20])] if others else []
    return found + ([Remark("pg_computed_unknown", database=name, columns=unknown[:20])] if unknown else [])


def without_rows(name: str, facts: Mapping[str, Any]) -> List[Remark]:
    """Tables whose rows will not be in the copy since an extension has them; user mappings of which the tool writes no options, nor says so."""
    lost = [table for table, (_extension, config, count, _digest) in sorted(facts["beyond"]["extension_tables"].items()) if count and not config]
    told = [Remark("pg_extension_tables", database=name, count=len(lost), tables=lost[:20])] if lost else []
    unshown = facts["beyond"]["unshown"]
    return told + ([Remark("pg_mappings_unshown", database=name, mappings=unshown[:20])] if unshown else [])


def warnings(name: str, facts: Mapping[str, Any], encrypted: bool) -> List[Remark]:
    """What a person should know when the copy is made."""
    beyond = facts["beyond"]
    told = []
    if beyond["subscriptions"]:
        told.append(Remark("pg_subscriptions", database=name, subscriptions=beyond["subscriptions"]))
    if (beyond["mappings"] or beyond["subscriptions"]) and not encrypted:
        told.append(Remark("pg_clear_passwords", database=name, mappings=beyond["mappings"], subscriptions=len(beyond["subscriptions"])))
    return told


def left_out(facts: Mapping[str, Any]) -> List[Remark]:
    """What a restore did not bring, as the copy tells it."""
    told = [Remark("pg_own_settings")] if facts.get("own_settings") else []
    settings = [each for each in facts.get("role_settings") or () if isinstance(each, str)]
    told += [Remark("pg_role_settings", settings=[each.replace("all roles: ", "*: ", 1) for each in settings])] if settings else []
    told += [Remark("pg_comment")] if facts.get("comment") else []
    limit = facts.get("limit")
    told += [Remark("pg_limit", limit=limit)] if isinstance(limit, int) and limit >= 0 else []
    tablespace = facts.get("tablespace")
    told += [Remark("pg_tablespace", tablespace=tablespace)] if isinstance(tablespace, str) and tablespace != "pg_default" else []
    unshown = [each for each in _table(facts.get("beyond")).get("unshown") or () if isinstance(each, str)]
    told += [Remark("pg_mappings_bare", mappings=unshown[:20])] if unshown else []
    subscriptions = _table(facts.get("beyond")).get("subscriptions") or ()
    return told + [Remark("pg_subscription", name=each) for each in subscriptions if isinstance(each, str)]


def compare(server: Server, restored: str, facts: Mapping[str, Any]) -> List[Remark]:
    """The tables of extensions whose rows are other ones than where they were copied: an extension brings its own."""
    told = _table(_table(facts.get("beyond")).get("extension_tables"))
    if not told:
        return []
    here = look(server, restored)["extension_tables"]
    apart = [Remark("pg_rows_apart", table=table, extension=row[0], copied=row[2], restored=here[table][2]) if table in here else
             Remark("pg_no_table", table=table, extension=row[0], copied=row[2])
             for table, row in sorted(told.items()) if isinstance(row, list) and len(row) == 4 and row[2:] != here.get(table, [None] * 4)[2:]
             and (row[2] or table in here)]
    return [Remark("pg_extension_rows", tables=apart[:20])] if apart else []


def _table(value: Any) -> Dict[str, Any]:
    return value if isinstance(value, dict) else {}
