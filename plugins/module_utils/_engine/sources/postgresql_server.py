# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One PostgreSQL server as its own tools reach it: the live one, or a throw-away one (postgresql_scratch.py).

Who owns a database is not who administers the server, but may leave functions, operators and settings in it. So every session of ours
resolves names in pg_catalog alone (CVE-2018-1058), overrides what `ALTER DATABASE ... SET` may have said, and fires no event trigger
where the server can be told so.
"""

from __future__ import annotations

import contextlib
import json
import re
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from .. import addresses
from ..errors import BackupError
from ..processes import programs
from ..processes.pipeline import Stage, capture
from ..remarks import Remark
from . import databases_scratch

PACKAGE = "postgresql-client"
# Given when the session starts, above the settings of the database and of the role, and before any login event trigger.
# pg_temp is named last: unnamed it would be looked at first.
_SETTINGS = ("search_path=pg_catalog,pg_temp", "role=none", "statement_timeout=0", "lock_timeout=0", "default_transaction_read_only=off",
             "standard_conforming_strings=on", "row_security=off", "array_nulls=on")
# The tool that loads empties its search_path itself, first of all. What it is else set to, scripts of extensions take for what the database is to be set
# to: PostGIS's topology would leave ours in it for good, and not find its types.
_LOADING = 'search_path="$user",\\ public'
_EVENT_TRIGGERS_SINCE = 170000
# Since which version a server has such a limit: a medium that pauses keeps the session that is loaded into waiting.
_LIMITS = (("idle_in_transaction_session_timeout=0", 90600), ("idle_session_timeout=0", 140000), ("transaction_timeout=0", 170000))
# How rows and definitions are written, whatever the server, its databases and roles are set to: a dump of the same data elsewhere is the same.
_WRITING = ("timezone=UTC", "bytea_output=hex", "quote_all_identifiers=off")
_LOCALE = re.compile(r"[A-Za-z0-9_.@-]{1,64}\Z")
CATALOGUE = """
SELECT pg_catalog.json_build_object(
  'version', pg_catalog.current_setting('server_version'), 'number', pg_catalog.current_setting('server_version_num')::pg_catalog.int4,
  'hashes', pg_catalog.has_table_privilege('pg_catalog.pg_authid', 'select'),
  'superuser', pg_catalog.current_setting('is_superuser') = 'on', 'bootstrap', pg_catalog.pg_get_userbyid(10),
  'databases', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
    'database', datname, 'encoding', pg_catalog.pg_encoding_to_char(encoding), 'collate', datcollate, 'ctype', datctype,
    'owner', pg_catalog.pg_get_userbyid(datdba), 'connect', datallowconn, 'template', datistemplate, 'more', pg_catalog.to_jsonb(d),
    'own_settings', datacl IS NOT NULL OR EXISTS (SELECT FROM pg_catalog.pg_db_role_setting WHERE setdatabase = d.oid AND setrole = 0),
    'invalid', datconnlimit = -2, 'limit', datconnlimit, 'comment', pg_catalog.shobj_description(d.oid, 'pg_database') IS NOT NULL,
    'tablespace', (SELECT spcname FROM pg_catalog.pg_tablespace t WHERE t.oid = dattablespace),
    'role_settings', (SELECT coalesce(pg_catalog.json_agg(pg_catalog.format('%s: %s', CASE setrole WHEN 0 THEN 'all roles' ELSE
      pg_catalog.pg_get_userbyid(setrole)::text END, (SELECT pg_catalog.string_agg(pg_catalog.split_part(one, '=', 1), ', ')
      FROM pg_catalog.unnest(setconfig) one))), '[]') FROM pg_catalog.pg_db_role_setting WHERE setdatabase = d.oid),
    'size', CASE WHEN pg_catalog.has_database_privilege(d.oid, 'connect') THEN pg_catalog.pg_database_size(d.oid) END) ORDER BY datname)
    FROM pg_catalog.pg_database d))"""
INSIDE = """
SELECT pg_catalog.json_build_object(
  'extensions', (SELECT pg_catalog.json_object_agg(extname, extversion) FROM pg_catalog.pg_extension),
  'lc_monetary', pg_catalog.current_setting('lc_monetary'),
  'tables', (SELECT pg_catalog.count(*) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = relnamespace
    WHERE relkind IN ('r', 'p') AND nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'),
  'rows_estimate', (SELECT coalesce(pg_catalog.sum(greatest(reltuples, 0)), 0)::pg_catalog.int8 FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = relnamespace
    WHERE relkind = 'r' AND nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'))"""
_REASONS = (
    ("password authentication failed|no password supplied|Peer authentication failed", "the account or its password is not accepted"),
    ("no pg_hba.conf entry", "the server's pg_hba.conf does not let this account in from here"),
    # before what is said of a socket that is not there: the server answered, and ended the session at its start
    ("FATAL: +could not (?:access file|load library)", "it begins no session there"),
    ("Connection refused|No such file or directory|could not translate host name|timeout expired|No route to host",
     "no server answers there"),
    ("server closed the connection|terminating connection|shutting down|starting up|no connection to the server|PQgetCopyData|"
     "PQgetResult|SSL (?:SYSCALL|connection)", "the server ended the connection"),
    ("permission denied|must be superuser", "the account may not read all of it"),
    ('role ".*" does not exist', "there is no such account"),
)


class Server:
    """How the tools reach a server. `prefix` is put before each tool's path: what brings it to where the server is.

    After `look`, `found` holds what the server says of itself and of its databases, and `entrance` the database asked.
    """

    def __init__(self, host: str = "", port: int = 0, user: str = "", password: str = "", account: Optional[programs.Account] = None,
                 bin_dir: str = "", prefix: Sequence[str] = ()) -> None:
        self.host = addresses.bare(host)
        self.port = port
        self.user = user
        self.password = password
        self.account = account
        self.bin_dir = bin_dir
        self.prefix = list(prefix)
        self.found: Dict[str, Any] = {}
        self.entrance = "postgres"
        self.writing: List[str] = []

    @contextlib.contextmanager
    def written(self, facts: Mapping[str, Any]) -> Iterator[List[str]]:
        """What is dumped and loaded meanwhile is written as the copy of these facts is. Gives the options of pg_dump that belong to it.

        Copies of versions before 0.2.0 tell nothing: they were written as their server happened to be set.
        """
        if "lc_monetary" not in facts:
            yield []
            return
        self.writing = list(_WRITING)
        # amounts of type money are read and written by it: the stock commands of the manifest rely on the server's own
        if _LOCALE.match(str(facts["lc_monetary"])):
            self.writing.append("lc_monetary=" + facts["lc_monetary"])
        try:
            yield ["--encoding=" + str(facts["encoding"])]
        finally:
            self.writing = []

    @property
    def number(self) -> int:
        """The version as the server counts it: 150012, 90624; 0 before `look`."""
        return int(self.found.get("number", 0))

    def address(self) -> str:
        return "PostgreSQL at {0}".format(addresses.with_port(self.host or "this server's socket", self.port))

    def look(self, entrances: Sequence[str]) -> None:
        """Read the server's catalogue by the first of these databases that lets us in."""
        for entrance in entrances:
            try:
                self.found = json.loads(self.ask(CATALOGUE, database=entrance))
                self.entrance = entrance
                return
            except BackupError:
                if entrance == entrances[-1]:
                    raise

    def ask(self, *statements: str, database: str = "") -> str:
        """What psql prints for the statements, in one transaction when there are several."""
        arguments = ["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1", "--dbname=" + conninfo(database or self.entrance)]
        # once more as a statement, which looks no name up: a pooler between us and the server may leave the options out
        arguments += ["--command=" + statement for statement in ("SET search_path = pg_catalog, pg_temp", *statements)]
        arguments += ["--single-transaction"] if len(statements) > 1 else []
        try:
            with self.producing("psql", arguments) as stages:
                return capture(stages[0])
        except BackupError as error:
            raise explained(error, self.address()) from error

    @contextlib.contextmanager
    def producing(self, tool: str, arguments: Sequence[str]) -> Iterator[List[Stage]]:
        """A tool of PostgreSQL with its connection. The password, if any, lies behind a descriptor as long as this lasts."""
        argv = self.prefix + [self.path(tool), "--no-password"] + list(arguments)
        if not self.password:
            yield [Stage(tool, argv, environment=self._environment(tool), account=self.account)]
            return
        line = "*:*:*:*:{0}\n".format(self.password.replace("\\", "\\\\").replace(":", "\\:"))
        with contextlib.closing(programs.Secret(line, self.account)) as secret:
            yield [Stage(tool, argv, environment=dict(self._environment(tool), PGPASSFILE=secret.path),
                         descriptors=(secret.descriptor,), account=self.account)]

    def path(self, tool: str) -> str:
        return programs.find(tool, PACKAGE, self.bin_dir)

    def text_of(self, arguments: Sequence[str]) -> Stage:
        """pg_restore that turns an archive on its standard input into SQL, without a connection."""
        return Stage("pg_restore", self.prefix + [self.path("pg_restore"), "--file=-"] + list(arguments))

    def new_enough(self, tool: str) -> None:
        """Raises tool_too_old: a tool must not be older than the server."""
        text = capture(Stage(tool, self.prefix + [self.path(tool), "--version"], environment=self._environment()))
        if version_of(text) < major(self.number):
            raise BackupError("tool_too_old", tool=tool, version=text.strip(), server_version=self.found["version"])

    def older_minor(self, tool: str) -> List[Remark]:
        """What to know where a tool is of an older minor version than the server: it may write what only newer servers take, or miss a mend."""
        text = capture(Stage(tool, self.prefix + [self.path(tool), "--version"], environment=self._environment()))
        wrote, serves = version_of(text), version_of(") " + str(self.found["version"]))
        if serves[0] < 10 or wrote[0] != serves[0] or wrote[1] >= serves[1]:
            return []
        return [Remark("pg_older_minor", tool=tool, wrote="{0}.{1}".format(*wrote), serves="{0}.{1}".format(*serves), package=PACKAGE)]

    def create(self, name: str, facts: Mapping[str, Any], owners: bool) -> None:
        """An empty database as the copy's was, from template0: what others left in template1 has no place in it."""
        words = ["CREATE DATABASE {0} TEMPLATE template0 ENCODING {1} LC_COLLATE {2} LC_CTYPE {3}".format(
            identifier(name), literal(facts["encoding"]), literal(facts["collate"]), literal(facts["ctype"]))]
        if facts.get("icu_locale"):
            words.append("LOCALE_PROVIDER icu ICU_LOCALE " + literal(facts["icu_locale"]))
            words += ["ICU_RULES " + literal(facts["icu_rules"])] if facts.get("icu_rules") else []
        if facts.get("builtin_locale"):
            words.append("LOCALE_PROVIDER builtin BUILTIN_LOCALE " + literal(facts["builtin_locale"]))
        owner = self.ask("SELECT pg_catalog.quote_ident(rolname) FROM pg_catalog.pg_roles WHERE rolname = " + literal(facts["owner"])).strip()
        if owner and owners:
            words.append("OWNER " + owner)
        self.ask(" ".join(words))

    def marked(self, name: str) -> None:
        """The mark of this process on a throw-away database, unless all of the server is thrown away with it."""
        if not self.prefix:
            self.ask("COMMENT ON DATABASE {0} IS {1}".format(identifier(name), literal(databases_scratch.mark())))

    def drop(self, name: str) -> None:
        force = " WITH (FORCE)" if self.number >= 130000 else ""
        self.ask("DROP DATABASE IF EXISTS " + identifier(name) + force)

    def sessions(self, database: str) -> int:
        """Clients that are connected to a database."""
        # autovacuum looks at tables just loaded; the server ends it by itself when a database is renamed
        clients = " AND backend_type = 'client backend'" if self.number >= 100000 else ""
        return int(self.ask("SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity WHERE datname = " + literal(database) + clients))

    def _environment(self, tool: str = "") -> Dict[str, str]:
        given = {"PGHOST": self.host, "PGPORT": str(self.port) if self.port else "", "PGUSER": self.user}
        if tool == "psql":
            given["PGCLIENTENCODING"] = "UTF8"     # pg_dump writes in the database's own encoding
        settings = list(_SETTINGS) + self.writing
        settings += [limit for limit, since in _LIMITS if self.number >= since]
        if tool == "pg_restore":
            settings.append(_LOADING)
        if self.number >= _EVENT_TRIGGERS_SINCE and self.found["superuser"]:
            settings.append("event_triggers=off")
        return programs.environment(PGAPPNAME="respaldo", PGCONNECT_TIMEOUT="20", PGOPTIONS=" ".join("-c " + each for each in settings),
                                    **{name: value for name, value in given.items() if value})


def explained(error: BackupError, described: str) -> BackupError:
    """A clearer error than the failed tool's own, where its words are known."""
    if error.fault.name != "stage_failed" or error.details["stage"] not in ("psql", "pg_dump", "pg_dumpall"):
        return error
    detail = error.details["detail"]
    if re.search('database ".*" does not exist', detail):
        return BackupError("source_missing", source="{0}: {1}".format(described, detail))
    for pattern, words in _REASONS:
        if re.search(pattern, detail):
            return BackupError("source_unreachable", source=described, detail="{0} ({1})".format(words, detail))
    return error


def version_of(text: str) -> Tuple[int, int]:
    """The version in what a tool says of itself: pg_dump (PostgreSQL) 15.20 (Debian 15.20-1)."""
    found = re.search(r"(\d+)(?:\.(\d+))?", text.partition(")")[2])
    return (int(found.group(1)), int(found.group(2) or 0)) if found else (0, 0)


def major(number: int) -> Tuple[int, int]:
    """What a server and its tools must agree on: (15, 0), and before PostgreSQL 10 two numbers, (9, 6)."""
    return (number // 10000, 0) if number >= 100000 else (number // 10000, number // 100 % 100)


def conninfo(database: str) -> str:
    """A name as libpq takes it literally: a bare one with an equals sign would be read as a connection string."""
    return "dbname='{0}'".format(database.replace("\\", "\\\\").replace("'", "\\'"))


def identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    return "E'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
